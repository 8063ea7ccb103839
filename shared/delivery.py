"""From a finished render to a post in the feed: fetch, inspect, label, have it checked, store, publish."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from shared.cancelling import clean_up
from shared.course import Course
from shared.errors import InvalidInput, Misconfigured, Refused, TripcanvasError, Unavailable
from shared.events import Message
from shared.feed import PostImage, PostReceipt, build_post, cities_of, image_of, title_of, visibility_of
from shared.inspecting import inspect_render
from shared.journey import Journey, parse_task_id
from shared.moderating import PICTURE, blocked, check_picture, refused_by_model
from shared.records import (
    Failed,
    Held,
    Inspected,
    Metric,
    Prompted,
    Published,
    Received,
    Rendered,
    RenderFailed,
    Step,
    StepRecord,
    Stored,
    StoredObject,
    Submitting,
)
from shared.render_errors import CONTENT_REJECTED
from shared.renders import Render
from shared.reporting import Outcome
from shared.results import Files, SinkRecord, read_answer
from shared.services import Services
from shared.submission import submit
from shared.telemetry import log
from shared.traces import picture_folders
from shared.tracing import child_of, post_purpose

if TYPE_CHECKING:
    from shared.pictures.share_card import CardText
    from shared.pictures.variants import EncodedPicture

#: How long the address of a draft's picture stays readable; the longest that V4 signatures allow.
_DRAFT_URL_S = 7 * 24 * 3600
_FOREVER = "public, max-age=31536000, immutable"
#: Entries of a journey whose first render is reported in the straight path: queued, and the queue's answer.
_ENTRIES_BEFORE_FIRST_RESULT = 2
_QUEUED = (Step.SUBMITTING, Step.SUBMITTED)


def take_result(message: Message, services: Services) -> Outcome:
    """Take one forwarded sink record as far as the post. Repeating it is harmless."""
    try:
        result = msgspec.json.decode(message.body, type=SinkRecord)
        journey_id, attempt = parse_task_id(result.task_id)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        # Not ours, or not ours any more: another user of the same queue, say. Nothing can be done with it.
        log("foreign_result", size_bytes=len(message.body))
        return Outcome("", "ignored", "no task id of this product")

    def work(course: Course) -> None:
        _take(course, attempt, result)
        go_on(course)

    try:
        entries = _ENTRIES_BEFORE_FIRST_RESULT if attempt == 1 else 0
        course = Course(services.ledger.read(journey_id, entries=entries), services)
        if entries and course.journey.step not in _QUEUED:
            # Its way to the queue was not the straight one; this is a state from before.
            course.reload()
        if not course.journey.records:
            log("foreign_result", journey=journey_id)
            return Outcome(journey_id, "ignored", "no such journey")
        outcome = course.run("delivering", work)
        course.hand_over(outcome)
    except TripcanvasError as error:
        log("trouble", journey=journey_id, during="delivering", code=type(error).__name__)
        return Outcome(journey_id, "delivering", str(error), retry=True)
    return outcome


def go_on(course: Course) -> None:
    """Do what comes after a render, from wherever the journey stands."""
    if course.journey.step is Step.WITHDRAWN:
        # A result that came after the end, or a run that was at it then: what either has brought goes too.
        clean_up(course)
        return
    render = Render(course)
    if course.journey.place is Step.RENDERED:
        inspect_render(course, render)
    if course.journey.step is Step.RENDER_FAILED:
        failed = course.journey.need(RenderFailed)
        if failed.busy and course.journey.unwritten:
            # Just reported: it is written with this trouble, and tried again when it has had a rest.
            raise Unavailable("comfyui", failed.code, failed.reason)
        _again(course, _end_of(failed, course.services), can_help=failed.retry)
    elif course.journey.place is Step.INSPECTED:
        _after_inspection(course, render)
    elif course.journey.place is Step.STORED:
        _store_again(course, render)
    if course.journey.place is Step.STORED:
        _publish(course)
    if course.journey.finished:
        course.close()


def _take(course: Course, attempt: int, result: SinkRecord) -> None:
    """Add the result, if it is what the journey waits for; late and repeated ones change nothing."""
    journey, services = course.journey, course.services
    if journey.step not in _QUEUED or journey.attempt != attempt:
        return
    about = services.workflow_named(journey.need(Submitting).workflow).about
    answer = read_answer(result, about.output_node, about.plate_node)
    now = services.now()
    if isinstance(answer, Files):
        course.add(Rendered(at=now, attempt=attempt, files=answer.paths, plate=answer.plate))
    else:
        code, reason, retry, busy = answer.code, answer.reason, answer.retry, answer.busy
        course.add(RenderFailed(at=now, attempt=attempt, code=code, reason=reason, retry=retry, busy=busy))


def _end_of(failed: RenderFailed, services: Services) -> Failed:
    """The end of a journey whose last render failed so."""
    if failed.code == CONTENT_REJECTED:
        return blocked((refused_by_model(PICTURE, failed.code, services),), services)
    return Failed(at=services.now(), code=failed.code, reason=failed.reason)


def _again(course: Course, end: StepRecord, *, can_help: bool = True) -> None:
    """Another attempt, or this end."""
    if can_help and course.journey.may_render_again:
        submit(course)
    else:
        course.add(end)


def _after_inspection(course: Course, render: Render) -> None:
    inspected = course.journey.need(Inspected)
    if inspected.verdict == "refused":
        verdict = refused_by_model(PICTURE, "DataInspectionFailed", course.services)
        course.add(blocked((verdict,), course.services))
        return
    if inspected.verdict == "pass" or course.journey.approved("inspection"):
        _store(course, render)
        return
    missed = ", ".join(f"{metric.name} {metric.value:g}" for metric in inspected.metrics if not metric.passed)
    hopeless = inspected.verdict == "hold"
    reason = missed if hopeless else f"no attempt passed; last: {missed}"
    _again(course, Held(at=course.services.now(), code="inspection", reason=reason), can_help=not hopeless)


def _store(course: Course, render: Render) -> None:
    """Have the picture checked, write what will stand in the gallery, then put it there."""
    try:
        pictures, metrics, stored = _prepared(course, render)
    except (InvalidInput, Refused) as error:
        course.fail("picture_lost", str(error))
        return
    missed = [metric for metric in metrics if not metric.passed]
    if missed and not course.journey.approved("encoding"):
        reason = ", ".join(f"{metric.name} {metric.value:g}" for metric in missed)
        course.add(Held(at=course.services.now(), code="encoding", reason=reason))
        return
    verdicts = check_picture(course, pictures)
    if course.journey.finished:
        return
    course.add(msgspec.structs.replace(stored, verdicts=verdicts))
    course.commit()
    _put(pictures, stored, course)


def _store_again(course: Course, render: Render) -> None:
    """Finish what an earlier run began: put the pictures, unless they stand in the gallery."""
    stored, services = course.journey.need(Stored), course.services
    wanted = {each.key for each in (stored.master, *stored.variants)}
    if wanted <= {key for prefix in picture_folders(course.journey.id) for key in services.gallery.keys(prefix)}:
        return
    try:
        pictures, _, again = _prepared(course, render)
    except (InvalidInput, Refused) as error:
        course.fail("picture_lost", str(error))
        return
    if {each.key for each in (again.master, *again.variants)} != wanted:
        course.fail("picture_lost", "this version of the product makes other files of the same picture")
        return
    _put(pictures, stored, course)


def _prepared(course: Course, render: Render) -> tuple[tuple[EncodedPicture, ...], tuple[Metric, ...], Stored]:
    """The files that will stand in the gallery, what was measured on them, and their record."""
    from shared.pictures.inspection.files import deliverable
    from shared.pictures.label import label_for
    from shared.pictures.variants import make_variants

    journey, services = course.journey, course.services
    label = label_for(_producer_code(services), journey.id)
    subject = render.subject
    made = make_variants(render.pixels, label, subject, card_text(journey))
    pictures, metrics = deliverable(made, render.pixels, None if subject is None else subject.badge)
    private, public = picture_folders(journey.id)
    master, *variants = (
        StoredObject(
            f"{private if number == 0 else public}{picture.name}-{picture.sha256[:12]}.{picture.extension}",
            picture.content_type,
            picture.width,
            picture.height,
            len(picture.body),
            picture.sha256,
            picture.name,
        )
        for number, picture in enumerate(pictures)
    )
    record = Stored(at=services.now(), master=master, variants=tuple(variants), label=label.ContentProducer)
    return pictures, metrics, record


def _producer_code(services: Services) -> str:
    """The owner's code. Raises `Misconfigured` without one, and when the demonstration's would go to a real feed."""
    from shared.pictures.producer_code import is_for_demonstration

    settings = services.settings
    code = settings.need("producer_code")
    where = settings.need("mns_endpoint" if settings.feed_target == "mns" else "feed_url")
    if is_for_demonstration(code) and urlsplit(where).hostname not in ("127.0.0.1", "localhost"):
        raise Misconfigured("TRIPCANVAS_PRODUCER_CODE is the demonstration's; a post needs the owner's own")
    return code


def card_text(journey: Journey) -> CardText:
    """What stands on the share card: what the owner lets the post say."""
    from shared.pictures.share_card import CardText

    received = journey.need(Received)
    return CardText(
        title_of(received, journey.need(Prompted)),
        cities_of(received),
        received.trip_date,
        received.distance_km,
        received.facts.language,
    )


def _put(pictures: tuple[EncodedPicture, ...], stored: Stored, course: Course) -> None:
    publish = course.journey.need(Received).publish
    for picture, place in zip(pictures, (stored.master, *stored.variants), strict=True):
        public = publish and place is not stored.master
        course.services.gallery.put(
            place.key,
            picture.body,
            picture.content_type,
            public=public,
            cache_control=_FOREVER if public else "private",
        )


def _publish(course: Course) -> None:
    journey, services = course.journey, course.services
    received, prompted, stored = journey.need(Received), journey.need(Prompted), journey.need(Stored)
    post = build_post(
        journey.id,
        received,
        prompted,
        services.style(received.style),
        tuple(_image(variant, received, services) for variant in stored.variants if variant.name != "card"),
        next((_image(variant, received, services) for variant in stored.variants if variant.name == "card"), None),
    )
    try:
        hop = child_of(received.traceparent, post_purpose(journey.id))
        receipt = services.feed.publish(post, stored.at.isoformat(), hop)
    except Refused as error:
        # 409: an earlier delivery took effect, with another signed address in it, and the post that stands is the
        # post; or the journey was cancelled meanwhile, and there is none.
        earlier = services.feed.find(journey.id) if error.code == "409" else None
        if earlier is None:
            course.fail("post_refused", str(error))
            return
        receipt = earlier
    if not course.settle(published(journey, receipt, services)) and course.journey.step is not Step.PUBLISHED:
        clean_up(course)


def published(journey: Journey, receipt: PostReceipt, services: Services) -> Published:
    """The record of a post that stands in the feed."""
    visibility = visibility_of(journey.need(Received))
    return Published(at=services.now(), post_id=receipt.post_id, post_url=receipt.url, visibility=visibility)


def _image(stored: StoredObject, received: Received, services: Services) -> PostImage:
    if received.publish:
        return image_of(stored, f"{services.settings.need('gallery_url')}/{stored.key}")
    return image_of(stored, services.gallery.signed_url(stored.key, expires_s=_DRAFT_URL_S))
