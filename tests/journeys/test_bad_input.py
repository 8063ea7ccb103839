"""Bad input ends as `rejected`, names the field, keeps its bytes, and touches nothing else."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from shared.records import Rejected, Step
from shared.rejection import rejected_journey_id


def invoke(world, body):
    """Invoke the function directly, as a backfill does, with the official SDK."""
    client = Client(
        Config(
            access_key_id=world.cloud.access_key_id,
            access_key_secret=world.cloud.access_key_secret,
            endpoint=world.cloud.url("fc").removeprefix("http://"),
            protocol="http",
            region_id=world.cloud.region,
        )
    )
    answer = client.invoke_function_with_options(
        "tripcanvas-trip-completed",
        models.InvokeFunctionRequest(body=body),
        models.InvokeFunctionHeaders(),
        RuntimeOptions(read_timeout=60_000, connect_timeout=10_000),
    )
    return answer.headers, answer.body.read()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"distance_km": -3}, "distance_km"),
        ({"ended_at": "2024-05-01T00:00:00+08:00"}, "ended_at"),
        ({"start": "上海市"}, "start"),
        ({"started_at": None}, "started_at"),
        ({"styles": ["cubism"]}, "styles[0]"),
        ({"consent": {}}, "consent.process"),
    ],
)
def test_a_trip_with_a_fault_is_rejected_by_its_field(world, changes, field):
    trip = world.trip(**changes)
    [journey] = world.follow(world.publish(trip))
    assert journey.step is Step.REJECTED
    assert journey.need(Rejected).reason.startswith(f"{field}: ")
    [letter] = world.dead_letters(journey.id)
    assert json.loads(base64.b64decode(letter["body_base64"])) == trip


@pytest.mark.parametrize("body", [b"hello topic", "新司机的五一出游!".encode(), b"[]", b'{"a":1}'])
def test_a_message_that_is_no_trip_is_rejected_under_its_hash(world, body):
    [journey] = world.follow(world.publish(body))
    assert journey.step is Step.REJECTED
    assert journey.need(Rejected).sha256 == hashlib.sha256(body).hexdigest()
    [letter] = world.dead_letters(journey.id)
    assert base64.b64decode(letter["body_base64"]) == body


def test_without_consent_nothing_of_the_trip_is_kept(world):
    trip = world.trip(consent={"process": False, "publish": True}, text="只是路过 SECRET-9431")
    [journey] = world.follow(world.publish(trip))
    assert journey.need(Rejected).code == "no_consent"
    assert journey.need(Rejected).reason.startswith("consent.process: ")
    [letter] = world.dead_letters(journey.id)
    assert "body_base64" in letter
    assert letter["body_base64"] == ""
    assert "SECRET-9431" not in json.dumps(letter)


def test_a_trip_of_a_megabyte_is_rejected_and_kept_whole(world):
    body = json.dumps(world.trip(text="长" * 350_000), ensure_ascii=False).encode()
    assert len(body) > 1_000_000
    headers, _ = invoke(world, body)
    assert "x-fc-error-type" not in {name.lower() for name in headers}
    journey = world.services.ledger.read(rejected_journey_id(body))
    assert journey.need(Rejected).reason.startswith("message: at most ")
    [letter] = world.dead_letters(journey.id)
    assert world.services.ledger.bucket.get(letter["object_key"], max_bytes=2 * 10**6) == body


def test_one_bad_trip_in_a_list_does_not_touch_the_others(world):
    good, bad = world.trip(), world.trip(distance_km=-1)
    headers, answer = invoke(world, json.dumps([bad, good], ensure_ascii=False).encode())
    outcomes = json.loads(answer)["outcomes"]
    assert [outcome["step"] for outcome in outcomes] == ["rejected", "submitted"]
    [journey] = world.follow([outcomes[1]["journey"]])
    assert journey.step is Step.PUBLISHED, journey.records[-1]
    assert journey.records[0].source == "backfill"
