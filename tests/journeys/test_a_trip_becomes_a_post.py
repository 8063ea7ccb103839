"""The main job: a trip-completed message goes in, a labelled picture stands in the feed, and everything is on the ledger."""

from __future__ import annotations

import io
import json

import pytest
import requests
from PIL import Image

from shared.pictures.label import read_label
from shared.records import (
    Prompted,
    Published,
    Received,
    Step,
    Stored,
    Submitting,
)


@pytest.fixture(scope="module")
def trip(world):
    return world.trip()


@pytest.fixture(scope="module")
def journey(world, trip):
    [journey] = world.follow(world.publish(trip))
    assert journey.step is Step.PUBLISHED, (journey.records, journey.troubles)
    return journey


def test_the_journey_went_the_straight_path(journey):
    steps = [record.__struct_config__.tag for record in journey.records]
    assert steps == [
        "received", "prompted", "submitting", "submitted", "rendered", "inspected", "stored", "published",
    ]  # fmt: skip
    assert journey.troubles == ()


def test_the_model_wrote_the_brief(journey, world):
    prompted = journey.need(Prompted)
    assert prompted.written_by == world.services.settings.text_model
    assert prompted.fallback == ""
    assert prompted.input_tokens > 0


def test_the_picture_is_in_the_gallery_labelled_and_of_the_ordered_size(journey, world):
    for variant in journey.need(Stored).variants:
        answer = requests.get(f"{world.services.settings.gallery_url}/{variant.key}", timeout=10)
        assert answer.headers["Content-Type"] == variant.content_type
        assert read_label(answer.content).ContentProducer == world.services.settings.producer_code
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (variant.width, variant.height)
    assert journey.need(Stored).variants[0].width == 768


def test_the_master_is_private(journey, world):
    master = journey.need(Stored).master
    assert requests.get(f"{world.services.settings.gallery_url}/{master.key}", timeout=10).status_code == 403


def test_the_post_stands_in_the_feed_once_and_names_the_cities_the_owner_agreed_to(journey, world):
    [post] = world.posts(journey.id)
    assert world.services.feed.find(journey.id).post_id == journey.need(Published).post_id
    assert post["ai_generated"] is True
    assert "上海" in post["cities"]
    assert "{CITY}" not in json.dumps(post, ensure_ascii=False)


def test_nothing_private_left_the_house(journey, world, trip):
    """What the model, the GPU side and the feed got to see holds no street, team, exact time or id of the trip."""
    private = [
        # Numbers with what stands beside them: by themselves they are part of some hash or time now and then.
        trip["trip_id"], trip["owner_id"], "中山南路", "申长路", "1891号", "688号", "欧阳开心", "05-02T22:38", "05-05T18:57",
    ]  # fmt: skip
    [post] = world.posts(journey.id)
    ledger = [world.services.ledger.bucket.get(key, max_bytes=10**6).decode() for key in
              world.services.ledger.bucket.keys(f"journeys/{journey.id[:2]}/{journey.id}/")]  # fmt: skip
    logs = [log.read_text("utf-8", "replace") for log in (world.cloud.root / "logs").glob("*.log")]
    for text in [json.dumps(post, ensure_ascii=False), *ledger, *logs]:
        assert not [word for word in private if word in text]


def test_the_same_message_again_changes_nothing(journey, world, trip):
    world.publish(trip)
    world.publish(trip)
    other = world.trip("01-may-holiday")
    [later] = world.follow(world.publish(other))
    assert later.step is Step.PUBLISHED
    assert world.services.ledger.read(journey.id).records == journey.records
    assert len(world.posts(journey.id)) == 1


def test_the_same_trip_with_other_content_is_a_conflict_and_the_first_one_stands(journey, world, trip):
    world.publish({**trip, "distance_km": 1.5})
    [letter] = world.wait(lambda: world.dead_letters(journey.id))
    assert letter["code"] == "conflict"
    assert letter["reason"].startswith("trip_id: ")
    assert world.services.ledger.read(journey.id).need(Received).distance_km == 650


def test_other_content_under_a_used_trip_id_opens_no_second_journey_in_another_style(world):
    trip = world.trip("06-grassland-summer", styles=["anime"])
    [journey] = world.follow(world.publish(trip))
    other = {**trip, "styles": ["ink_wash"], "text": "下雨了，想家"}
    [second] = world.publish(other)
    [letter] = world.wait(lambda: world.dead_letters(journey.id))
    assert letter["code"] == "conflict"
    assert world.services.ledger.read(second).records == ()


def test_one_trip_in_two_styles_is_two_posts(world):
    journeys = world.follow(world.publish(world.trip(styles=["ink_wash", "anime"])))
    assert [journey.step for journey in journeys] == [Step.PUBLISHED] * 2
    assert {journey.need(Received).style for journey in journeys} == {"ink_wash", "anime"}
    assert len({journey.need(Submitting).seed for journey in journeys}) == 2


def test_without_consent_to_publish_it_is_a_private_draft(world):
    trip = world.trip(consent={"process": True, "publish": False})
    [journey] = world.follow(world.publish(trip))
    assert journey.need(Published).visibility == "draft"
    assert world.posts(journey.id) == []
    stored = journey.need(Stored).variants[0]
    assert requests.get(f"{world.services.settings.gallery_url}/{stored.key}", timeout=10).status_code == 403


def test_without_consent_to_show_cities_none_is_named(world):
    trip = world.trip(consent={"process": True, "publish": True, "show_cities": False})
    [journey] = world.follow(world.publish(trip))
    [post] = world.posts(journey.id)
    text = json.dumps(post, ensure_ascii=False)
    assert not [name for name in ("上海", "湖州", "无锡", "常州") if name in text]
