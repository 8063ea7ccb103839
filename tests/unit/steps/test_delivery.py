"""A finished render, to a post in the feed: once, whatever comes twice, late, broken, or not at all."""

from __future__ import annotations

import io
import json
import threading

import numpy as np
import pytest
import requests
from PIL import Image

from shared.delivery import card_text, take_result
from shared.events import Message
from shared.journey import task_id
from shared.pictures.decode import MAX_FILE_BYTES
from shared.pictures.label import read_file, read_label
from shared.records import (
    Failed,
    Held,
    Inspected,
    Published,
    Received,
    RenderFailed,
    Stored,
    Submitting,
)
from shared.results import SinkRecord
from tests.unit.steps.deployment import STRAIGHT, Crash, blank, failed, painted, png, result, trip


def test_a_result_ends_as_a_labelled_picture_and_a_post(deployment):
    journey = deployment.submitted()
    outcome = deployment.finish(journey)
    assert (outcome.step, outcome.retry) == ("published", False)
    assert deployment.steps(journey) == STRAIGHT
    records = deployment.read(journey)
    [post] = deployment.posts(journey)
    assert records.need(Published).visibility == "public"
    picture = requests.get(post["images"][0]["url"], timeout=10).content
    assert read_label(picture).ProduceID == journey
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size) == ("JPEG", (768, 960))
    assert deployment.markers() == []


def test_the_lossless_master_is_nobodys_to_read(deployment):
    journey = deployment.submitted()
    deployment.finish(journey)
    master = deployment.read(journey).need(Stored).master
    assert requests.get(f"{deployment.settings.gallery_url}/{master.key}", timeout=10).status_code == 403


def test_without_consent_to_publish_it_is_a_draft_that_only_its_signed_address_shows(deployment):
    journey = deployment.submitted(consent={"process": True, "publish": False})
    deployment.finish(journey)
    assert deployment.read(journey).need(Published).visibility == "draft"
    assert deployment.posts(journey) == []
    stored = deployment.read(journey).need(Stored).variants[0]
    assert requests.get(f"{deployment.settings.gallery_url}/{stored.key}", timeout=10).status_code == 403
    signed = deployment.instance().gallery.signed_url(stored.key, expires_s=60)
    assert len(requests.get(signed, timeout=10).content) == stored.size_bytes


@pytest.mark.parametrize(("agreed", "cities"), [(True, ["上海", "嘉兴", "杭州"]), (False, [])])
def test_cities_are_named_only_where_the_owner_agreed(deployment, agreed, cities):
    journey = deployment.submitted(consent={"process": True, "publish": True, "show_cities": agreed})
    deployment.finish(journey)
    [post] = deployment.posts(journey)
    assert post["cities"] == cities
    assert "{CITY}" not in json.dumps(post)
    assert agreed or not any(name in json.dumps(post, ensure_ascii=False) for name in ("上海", "嘉兴", "杭州"))


def test_the_post_offers_each_size_as_jpeg_and_as_avif_and_a_share_card(deployment):
    journey = deployment.submitted()
    rows, columns = np.mgrid[0:960, 0:768]
    hills = np.dstack([120 + 90 * np.sin(columns / 25), 120 + 90 * np.cos(rows / 18), rows / 5 + 20])
    grain = np.random.default_rng(3).normal(0, 3, (960, 768, 1))
    deployment.finish(journey, picture=png((hills + grain).clip(0, 255).astype(np.uint8)))
    [post] = deployment.posts(journey)
    found = [(image["content_type"], image["width"]) for image in post["images"]]
    assert found == [("image/jpeg", 768), ("image/avif", 768), ("image/jpeg", 384), ("image/avif", 384)]
    assert (post["share_card"]["width"], post["share_card"]["height"]) == (768, 1225)
    for image in (*post["images"], post["share_card"]):
        body = requests.get(image["url"], timeout=10).content
        assert len(body) == image["size_bytes"]
        reading = read_file(body)
        assert (reading.label.ProduceID, reading.intact) == (journey, True)


@pytest.mark.parametrize("agreed", [True, False])
def test_the_share_card_names_cities_only_where_the_owner_agreed(deployment, agreed):
    journey = deployment.submitted(consent={"process": True, "publish": True, "show_cities": agreed})
    text = card_text(deployment.read(journey))
    assert text.cities == (("上海", "嘉兴", "杭州") if agreed else ())
    assert agreed or not any(name in text.title for name in ("上海", "嘉兴", "杭州"))
    assert (text.date, text.language) == (deployment.read(journey).need(Received).trip_date, "zh")


def test_the_demonstrations_producer_code_goes_to_no_feed_but_one_on_this_machine(deployment):
    journey = deployment.submitted()
    elsewhere = deployment.instance(feed_url="https://community.example.com/api/posts")
    deployment.finish(journey, services=elsewhere)
    [trouble] = deployment.read(journey).troubles
    assert trouble.reason == "TRIPCANVAS_PRODUCER_CODE is the demonstration's; a post needs the owner's own"
    assert deployment.read(journey).find(Stored) is None


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_after_a_crash_the_next_delivery_goes_on_from_the_ledger(deployment, look):
    """The crash comes before what tells of: the result, the inspection, the stored files, the post."""
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(look))
    assert deployment.steps(journey) == STRAIGHT[: 7 if look == 4 else 4]
    assert deployment.finish(journey).step == "published"
    assert deployment.steps(journey) == STRAIGHT
    assert len(deployment.posts(journey)) == 1


def test_a_post_that_stands_with_another_address_in_it_is_the_post(deployment):
    """What a draft delivered again meets: its signed addresses are new, and the feed has the journey already."""
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    elsewhere = deployment.instance(gallery_url=f"{deployment.cloud.url('oss')}/elsewhere")
    assert deployment.finish(journey, services=elsewhere).step == "published"
    [post] = deployment.posts(journey)
    assert "/elsewhere/" not in post["images"][0]["url"]


def test_one_result_delivered_twice_at_once_is_one_post(deployment):
    journey = deployment.submitted()
    deployment.paint(journey)
    start, outcomes = threading.Barrier(2), []

    def deliver():
        services = deployment.instance()
        start.wait()
        outcomes.append(deployment.deliver(journey, painted(journey), services=services))

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.step for outcome in outcomes] == ["published"] * 2
    assert deployment.steps(journey) == STRAIGHT
    assert len(deployment.posts(journey)) == 1


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_another_delivery_in_the_middle_of_the_first_changes_nothing(deployment, look):
    journey = deployment.submitted()
    services = deployment.interrupted(look, lambda: deployment.finish(journey))
    assert deployment.finish(journey, services=services).step == "published"
    assert deployment.steps(journey) == STRAIGHT
    assert len(deployment.posts(journey)) == 1


def test_a_result_that_is_faster_than_the_record_of_its_submission_is_taken(deployment):
    sent = trip()
    with pytest.raises(Crash):
        deployment.take(sent, deployment.crashing(4))
    [queued] = deployment.gpu.queued()
    journey = queued.task_id.removesuffix("-1")
    assert deployment.finish(journey).step == "published"
    assert deployment.take(sent).step == "published"
    assert deployment.steps(journey) == [step for step in STRAIGHT if step != "submitted"]


def test_a_submission_whose_result_overtook_it_ends_where_the_result_has_led(deployment):
    def overtake():
        [queued] = deployment.gpu.queued()
        deployment.finish(queued.task_id.removesuffix("-1"))

    outcome = deployment.take(trip(), deployment.interrupted(4, overtake))
    assert not outcome.retry
    assert deployment.steps(outcome.journey) == [step for step in STRAIGHT if step != "submitted"]
    assert len(deployment.posts(outcome.journey)) == 1


def test_a_result_that_comes_again_after_the_post_changes_nothing(deployment):
    journey = deployment.submitted()
    deployment.finish(journey)
    before = deployment.read(journey)
    assert deployment.finish(journey).step == "published"
    assert deployment.deliver(journey, failed()).step == "published"
    assert deployment.read(journey) == before
    assert len(deployment.posts(journey)) == 1


def test_a_result_of_an_attempt_that_was_given_up_changes_nothing(deployment):
    journey = deployment.submitted()
    deployment.deliver(journey, failed())
    before = deployment.read(journey)
    assert before.attempt == 2
    assert deployment.finish(journey, attempt=1).step == "submitted"
    assert deployment.read(journey) == before
    assert deployment.finish(journey, attempt=2).step == "published"


@pytest.mark.parametrize(
    "body",
    [
        "不是 JSON".encode(),
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"task_id":"","request_id":"","index":1,"answer":""}',
        b'{"task_id":"another-users-task","request_id":"","index":1,"answer":""}',
        b'{"task_id":"3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60-","request_id":"","index":1,"answer":""}',
        b'{"task_id":"3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60-1","request_id":"","index":1,"answer":""}',
    ],
    ids=["text", "bytes", "deep", "no task", "another task", "no attempt", "unknown journey"],
)
def test_a_result_of_someone_else_is_passed_over(deployment, body):
    outcome = take_result(Message(sent=body, body=body), deployment.instance())
    assert (outcome.step, outcome.retry) == ("ignored", False)
    assert list(deployment.instance().ledger.bucket.keys("journeys/")) == []


def test_a_result_of_an_attempt_that_never_was_is_passed_over(deployment):
    journey = deployment.submitted()
    before = deployment.read(journey)
    record = SinkRecord(task_id=task_id(journey, 7), request_id="r", index=1, answer=painted(journey, 7))
    assert take_result(result(record), deployment.instance()).step == "submitted"
    assert deployment.read(journey) == before


# Renders that fail.


def test_a_failed_render_is_tried_again_with_another_seed(deployment):
    journey = deployment.submitted()
    assert deployment.deliver(journey, failed("torch.OutOfMemoryError")).step == "submitted"
    assert deployment.steps(journey)[4:] == ["render_failed", "submitting 2", "submitted 2"]
    records = deployment.read(journey)
    assert records.need(RenderFailed).code == "out_of_memory"
    first, second = (records.find(Submitting, attempt) for attempt in (1, 2))
    assert first.seed != second.seed
    assert [queued.task_id for queued in deployment.gpu.queued()] == [task_id(journey, 1), task_id(journey, 2)]


def test_after_three_failed_renders_the_journey_has_failed_and_says_with_what(deployment):
    journey = deployment.submitted()
    for attempt in (1, 2, 3):
        outcome = deployment.deliver(journey, failed(), attempt=attempt)
    assert (outcome.step, outcome.retry) == ("failed", False)
    end = deployment.read(journey).need(Failed)
    assert (end.code, end.reason) == ("execution_error", "WanxImage: RuntimeError")
    assert len(deployment.gpu.queued()) == 3
    assert deployment.markers() == []


def test_a_picture_the_image_service_will_not_paint_is_not_ordered_again(deployment):
    journey = deployment.submitted()
    assert deployment.deliver(journey, failed(text="[DataInspectionFailed] 内容不合规")).step == "failed"
    end = deployment.read(journey).need(Failed)
    assert (end.code, end.verdicts[0].service, end.verdicts[0].labels) == (
        "moderation",
        "dashscope",
        ("content_rejected",),
    )
    assert len(deployment.gpu.queued()) == 1


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [("", 502, "http_502"), ("[]", 200, "no_outputs"), ('[{"9":{"images":[]}}]', 200, "no_picture")],
)
def test_an_answer_without_a_picture_is_a_failed_render(deployment, answer, status, code):
    journey = deployment.submitted()
    deployment.deliver(journey, answer, status=status)
    assert deployment.read(journey).need(RenderFailed).code == code


def test_another_trips_picture_is_never_taken(deployment):
    """A fully cached run names the file of the task that first painted it."""
    journey, other = deployment.submitted(), deployment.submitted()
    deployment.paint(other)
    assert deployment.deliver(journey, painted(other)).step == "submitted"
    assert deployment.read(journey).need(RenderFailed).code == "foreign_picture"
    assert deployment.posts(journey) == []


def test_a_crash_between_a_failed_render_and_the_next_attempt_is_made_good(deployment):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.deliver(journey, failed(), services=deployment.crashing(3))
    assert deployment.steps(journey)[-1] == "submitted"
    assert deployment.deliver(journey, failed()).step == "submitted"
    assert len(deployment.gpu.queued()) == 2


# Pictures that do not pass.


def small() -> bytes:
    return blank(384, 480)


@pytest.mark.parametrize(
    ("picture", "missed"),
    [(blank(), "contrast 0, sharpness 0"), (small(), "width 384, height 480, contrast 0, sharpness 0"),
     ("不是图片".encode(), "readable 0"), (blank()[:500], "readable 0")],
    ids=["blank", "small", "text", "truncated"],
)  # fmt: skip
def test_a_picture_that_never_passes_is_held_for_a_person(deployment, picture, missed):
    journey = deployment.submitted()
    for attempt in (1, 2, 3):
        outcome = deployment.finish(journey, attempt=attempt, picture=picture)
    assert (outcome.step, outcome.retry) == ("held", False)
    assert deployment.read(journey).need(Held).reason == f"no attempt passed; last: {missed}"
    assert deployment.posts(journey) == []
    assert deployment.markers() == []


def test_a_picture_that_passes_at_the_second_attempt_is_posted(deployment):
    journey = deployment.submitted()
    assert deployment.finish(journey, picture=blank()).step == "submitted"
    assert deployment.read(journey).need(Inspected).verdict == "again"
    assert deployment.finish(journey, attempt=2).step == "published"
    assert len(deployment.posts(journey)) == 1


def test_a_picture_that_is_not_where_the_answer_says_is_painted_again(deployment):
    journey = deployment.submitted()
    assert deployment.deliver(journey, painted(journey)).step == "submitted"
    assert deployment.read(journey).need(Inspected).metrics[0].name == "readable"


def test_a_file_too_large_to_be_a_picture_is_painted_again(deployment):
    journey = deployment.submitted()
    outcome = deployment.finish(journey, picture=bytes(MAX_FILE_BYTES + 1))
    assert (outcome.step, outcome.retry) == ("submitted", False)


def render_of(journey):
    return f"comfy/output/{task_id(journey, 1)}/picture_00001_.png"


def test_a_picture_that_vanishes_between_inspection_and_storing_ends_the_journey(deployment):
    journey = deployment.submitted()
    deployment.finish(journey, services=deployment.instance(producer_code=""))
    assert deployment.steps(journey)[-1] == "inspected"
    deployment.instance().renders.delete(render_of(journey))
    assert deployment.deliver(journey, painted(journey)).step == "failed"
    assert deployment.read(journey).need(Failed).code == "picture_lost"


def stored_keys(deployment, journey):
    stored = deployment.read(journey).need(Stored)
    return {each.key for each in (stored.master, *stored.variants)}


def in_gallery(deployment, journey):
    gallery = deployment.instance().gallery
    return {key for kind in ("private", "posts") for key in gallery.keys(f"{kind}/{journey[:2]}/{journey}/")}


def test_files_that_an_earlier_run_did_not_come_to_put_are_put_before_the_post(deployment):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    [gone, *_] = stored_keys(deployment, journey)
    deployment.instance().gallery.delete(gone)
    assert deployment.finish(journey).step == "published"
    assert in_gallery(deployment, journey) == stored_keys(deployment, journey)


def test_files_that_stand_in_the_gallery_are_posted_without_the_render(deployment):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    deployment.instance().renders.delete(render_of(journey))
    assert deployment.deliver(journey, painted(journey)).step == "published"


@pytest.mark.parametrize("other", [None, "another picture"])
def test_files_that_cannot_be_made_again_as_they_were_end_the_journey(deployment, other):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    services = deployment.instance()
    for key in stored_keys(deployment, journey):
        services.gallery.delete(key)
    services.renders.delete(render_of(journey))
    if other:
        services.renders.put(render_of(journey), blank(), "image/png")
    assert deployment.deliver(journey, painted(journey)).step == "failed"
    assert deployment.read(journey).need(Failed).code == "picture_lost"
    assert in_gallery(deployment, journey) == set()


# Settings and services that are missing at the end.


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("producer_code", "", "TRIPCANVAS_PRODUCER_CODE is not set"),
        ("producer_code", "001191", "TRIPCANVAS_PRODUCER_CODE must be the 27-character producer code"),
        ("gallery_url", "", "TRIPCANVAS_GALLERY_URL is not set"),
        ("feed_url", "", "TRIPCANVAS_FEED_URL is not set"),
        ("feed_secret", "whsec_" + "QUFB" * 11, "feed: answered 401; check TRIPCANVAS_FEED_URL and TRIPCANVAS_FEED_"),
    ],
    ids=["no code", "short code", "no gallery", "no feed", "another secret"],
)
def test_nothing_is_posted_while_a_setting_is_wrong_and_the_journey_names_it(deployment, setting, value, reason):
    journey = deployment.submitted()
    outcome = deployment.finish(journey, services=deployment.instance(**{setting: value}))
    assert (outcome.retry, deployment.posts(journey)) == (False, [])
    assert len(deployment.markers()) == 2
    [trouble] = deployment.read(journey).troubles
    assert trouble.code == "Misconfigured"
    assert trouble.reason.startswith(reason)
    assert deployment.finish(journey).step == "published"
    assert len(deployment.posts(journey)) == 1


def test_while_the_feed_is_down_the_picture_waits_and_is_then_posted_once(deployment, outage, embedded):
    journey = deployment.submitted()
    outage("feed")
    outcome = deployment.finish(journey)
    assert (outcome.step, outcome.retry) == ("stored", False)
    [trouble] = deployment.read(journey).troubles
    assert (trouble.during, trouble.service, trouble.code) == ("delivering", "feed", "ConnectionFailed")
    embedded.start_service("feed")
    assert deployment.finish(journey).step == "published"
    assert len(deployment.posts(journey)) == 1


def test_a_feed_that_refuses_the_post_ends_the_journey(deployment):
    journey = deployment.submitted()
    # An address of the feed that takes no posts: 405.
    elsewhere = deployment.instance(feed_url=f"{deployment.cloud.url('feed')}/api/feed")
    assert deployment.finish(journey, services=elsewhere).step == "failed"
    assert deployment.read(journey).need(Failed).code == "post_refused"


def test_while_the_ledger_is_down_the_result_is_asked_for_again(deployment, outage, embedded):
    journey = deployment.submitted()
    deployment.paint(journey)
    outage("oss")
    outcome = deployment.deliver(journey, painted(journey))
    assert (outcome.step, outcome.retry) == ("delivering", True)
    embedded.start_service("oss")
    assert deployment.deliver(journey, painted(journey)).step == "published"


def test_a_conflicting_message_after_the_post_moves_nothing(deployment):
    sent = trip()
    journey = deployment.take(sent).journey
    deployment.finish(journey)
    deployment.take({**sent, "text": "另一段话"})
    assert deployment.steps(journey) == STRAIGHT
