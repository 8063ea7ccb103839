"""From a finished render to a post in the feed: fetch, inspect, label, store, publish."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from shared.errors import InvalidInput, NotDone, Refused, TripcanvasError
from shared.events import Message
from shared.feed import PostImage, PostReceipt, build_post, image_of, visibility_of
from shared.journey import (
    Held,
    Inspected,
    Journey,
    Metric,
    Prompted,
    Published,
    Received,
    Rendered,
    RenderFailed,
    Step,
    Stored,
    StoredObject,
    parse_task_id,
)
from shared.reporting import Outcome
from shared.results import Files, SinkRecord, read_answer
from shared.services import Services
from shared.submission import HEIGHT, WIDTH, close_failed, record, submit
from shared.telemetry import log
from shared.troubles import note_trouble

#: How long the address of a draft's picture stays readable; the longest that V4 signatures allow.
_DRAFT_URL_S = 7 * 24 * 3600
_FOREVER = "public, max-age=31536000, immutable"


def take_result(message: Message, services: Services) -> Outcome:
    """Take one forwarded sink record as far as the post. Repeating it is harmless."""
    try:
        result = msgspec.json.decode(message.body, type=SinkRecord)
        journey_id, attempt = parse_task_id(result.task_id)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        # Not ours, or not ours any more: another user of the same queue, say. Nothing can be done with it.
        log("foreign_result", size_bytes=len(message.body))
        return Outcome("", "ignored", "no task id of this product")
    journey = Journey(journey_id)
    try:
        journey = services.ledger.read(journey_id)
        if not journey.records:
            log("foreign_result", journey=journey_id)
            return Outcome(journey_id, "ignored", "no such journey")
        journey = _rendered(journey, attempt, result, services)
        for further in go_on(journey, services):
            journey = further
    except TripcanvasError as error:
        during = journey.step.value if journey.step else "reading"
        note_trouble(journey_id, f"after_{during}", error, services)
        return Outcome(journey_id, during, str(error), retry=True)
    return Outcome(journey_id, journey.step.value if journey.step else "")


def go_on(journey: Journey, services: Services) -> Iterator[Journey]:
    """Do what comes after a render, from wherever the journey stands; yields it after each step."""
    while True:
        after = _next(journey, services)
        if after.records == journey.records:
            break
        journey = after
        yield journey
    if journey.finished:
        services.ledger.close(journey, services.step_allowance)


def _next(journey: Journey, services: Services) -> Journey:
    """The journey after its next step, or as it is when it waits for something."""
    match journey.step:
        case Step.RENDERED:
            return _inspected(journey, services)
        case Step.RENDER_FAILED:
            return _after_failure(journey, services)
        case Step.INSPECTED:
            return _after_inspection(journey, services)
        case Step.STORED:
            return _published(journey, services)
        case _:
            return journey


def _after_failure(journey: Journey, services: Services) -> Journey:
    failed = journey.need(RenderFailed)
    if failed.retry:
        with contextlib.suppress(NotDone):
            return submit(journey, services)
    return close_failed(journey, failed.code, failed.reason, services)


def _rendered(journey: Journey, attempt: int, result: SinkRecord, services: Services) -> Journey:
    """Note the result, if it is what the journey waits for; late and repeated ones change nothing."""
    if journey.step not in (Step.SUBMITTING, Step.SUBMITTED) or journey.attempt != attempt:
        return journey
    answer = read_answer(result, services.workflow.about.output_node)
    now = services.now()
    if isinstance(answer, Files):
        return record(journey, Rendered(at=now, attempt=attempt, files=answer.paths), services)[0]
    failed = RenderFailed(at=now, attempt=attempt, code=answer.code, reason=answer.reason, retry=answer.retry)
    return record(journey, failed, services)[0]


def _pixels(journey: Journey, services: Services) -> bytes:
    from shared.pictures.decode import MAX_FILE_BYTES

    rendered = journey.need(Rendered)
    key = f"{services.settings.render_prefix}/output/{rendered.files[0]}"
    return services.renders.get(key, max_bytes=MAX_FILE_BYTES)


def _inspected(journey: Journey, services: Services) -> Journey:
    from shared.pictures.decode import decode
    from shared.pictures.inspect import inspect

    try:
        metrics = inspect(decode(_pixels(journey, services)), WIDTH, HEIGHT)
    except (InvalidInput, Refused) as error:
        metrics = (Metric("readable", 0.0, at_least=1.0),)
        log("unreadable_render", journey=journey.id, reason=str(error))
    verdict = "pass" if all(metric.passed for metric in metrics) else "again"
    inspected = Inspected(at=services.now(), attempt=journey.attempt, metrics=metrics, verdict=verdict)
    return record(journey, inspected, services)[0]


def _after_inspection(journey: Journey, services: Services) -> Journey:
    inspected = journey.need(Inspected)
    if inspected.verdict == "pass":
        return _stored(journey, services)
    try:
        return submit(journey, services)
    except NotDone:
        missed = ", ".join(f"{metric.name} {metric.value:g}" for metric in inspected.metrics if not metric.passed)
        held = Held(at=services.now(), code="inspection", reason=f"no attempt passed; last: {missed}")
        return record(journey, held, services)[0]


def _stored(journey: Journey, services: Services) -> Journey:
    from shared.pictures.decode import decode
    from shared.pictures.label import label_for
    from shared.pictures.variants import EncodedPicture, make_variants

    received = journey.need(Received)
    label = label_for(services.settings.need("producer_code"), journey.id)
    try:
        master, *shown = make_variants(decode(_pixels(journey, services)), label)
    except (InvalidInput, Refused) as error:
        return close_failed(journey, "picture_lost", str(error), services)

    def put(picture: EncodedPicture, *, public: bool) -> StoredObject:
        kind = "posts" if public else "private"
        key = f"{kind}/{journey.id[:2]}/{journey.id}/{picture.name}-{picture.sha256[:12]}.{picture.extension}"
        services.gallery.put(
            key, picture.body, picture.content_type, public=public, cache_control=_FOREVER if public else "private"
        )
        return StoredObject(key, picture.content_type, picture.width, picture.height, len(picture.body), picture.sha256)

    stored = Stored(
        at=services.now(),
        master=put(master, public=False),
        variants=tuple(put(picture, public=received.publish) for picture in shown),
        label=label.ContentProducer,
    )
    return record(journey, stored, services)[0]


def _published(journey: Journey, services: Services) -> Journey:
    received, prompted, stored = journey.need(Received), journey.need(Prompted), journey.need(Stored)
    post = build_post(
        journey.id,
        received,
        prompted,
        services.style(received.style),
        tuple(_image(variant, received, services) for variant in stored.variants),
    )
    try:
        receipt = services.feed.publish(post, stored.at.isoformat())
    except Refused as error:
        # 409: an earlier delivery took effect, with another signed address in it. The post that stands is the post.
        earlier = services.feed.find(journey.id) if error.code == "409" else None
        if earlier is None:
            return close_failed(journey, "post_refused", str(error), services)
        receipt = earlier
    return record(journey, published(journey, receipt, services), services)[0]


def published(journey: Journey, receipt: PostReceipt, services: Services) -> Published:
    """The record of a post that stands in the feed."""
    visibility = visibility_of(journey.need(Received))
    return Published(at=services.now(), post_id=receipt.post_id, post_url=receipt.url, visibility=visibility)


def _image(stored: StoredObject, received: Received, services: Services) -> PostImage:
    if received.publish:
        return image_of(stored, f"{services.settings.need('gallery_url')}/{stored.key}")
    return image_of(stored, services.gallery.signed_url(stored.key, expires_s=_DRAFT_URL_S))
