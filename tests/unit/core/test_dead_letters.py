"""Whatever lies in the dead-letter queue can be read, shown and judged; nothing of it is told without being asked."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clouds.messages import MAX_BODY_BYTES, QueuedMessage
from shared.dead_letters import Hopeless, Letter, Origin, check_redrive, journeys_of, publications, read_letter
from shared.journey import journey_id
from shared.styles import load_styles
from shared.workflows import FOLDER

STYLES = load_styles(FOLDER / "styles")
EVENTS = Path(__file__).parents[2] / "events"
TRIP = json.loads((Path(__file__).parents[3] / "examples/trips/01-may-holiday.json").read_text("utf-8"))
AT = datetime(2026, 11, 22, 8, 0, 5, tzinfo=timezone.utc)


def read(body: bytes, message_id: str = "5F29-1") -> Letter:
    return read_letter(QueuedMessage(message_id, body, "1-a", AT, AT, 1), STYLES)


def encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def rejected(sent: bytes, **members: object) -> dict[str, object]:
    digest = hashlib.sha256(sent).hexdigest()
    body = base64.b64encode(sent).decode()
    letter = {"journey": "j-1", "code": "invalid", "reason": "r", "sha256": digest, "size_bytes": len(sent)}
    return {**letter, "message_id": "M-1", "body_base64": body, "object_key": "", **members}


def failed(event: str, **members: object) -> dict[str, object]:
    arn = "acs:fc:cn-shanghai:1000:functions/tripcanvas-trip-completed"
    context = {"requestId": "R-1", "functionArn": arn, "condition": "UnhandledInvocationError"}
    return {"timestamp": 1, "requestContext": context, "requestPayload": event, "responsePayload": "", **members}


def test_a_letter_has_one_short_id_however_often_it_is_received():
    assert read(b"x").id == read(b"x").id
    assert len(read(b"x").id) == 8
    # Real message ids begin alike within a queue.
    assert (
        read(b"x", "5F290C926D472878-2-14D9529A-200000001").id != read(b"x", "5F290C926D472878-2-14D9529A-200000002").id
    )


@pytest.mark.parametrize(
    "name", sorted(path.name for path in EVENTS.glob("*[!.md]") if "timer" not in path.name and path.suffix != ".md")
)
def test_the_event_of_every_trigger_goes_back_as_the_bodies_inside(name):
    event = (EVENTS / name).read_text("utf-8")
    letter = read(encode(failed(event)))
    assert (letter.origin, letter.topic, letter.content) == (Origin.INVOCATION, "trip_topic", event.encode())
    bodies = publications(letter, event.encode(), STYLES)
    assert bodies
    assert not any(b"TopicName" in body or b"messageBody" in body for body in bodies)


def test_the_journeys_of_a_trip_are_told_for_each_of_its_styles():
    sent = encode({**TRIP, "styles": ["anime", "ink_wash", "anime"]})
    expected = tuple(journey_id(TRIP["trip_id"], style) for style in ("anime", "ink_wash"))
    assert read(sent).journeys == read(encode(failed(sent.decode()))).journeys == expected
    assert read(sent).origin is Origin.UNDELIVERED


def test_a_letter_of_a_trip_without_consent_to_be_processed_is_no_trip_to_send_again():
    sent = encode({**TRIP, "consent": {"process": False, "publish": False}})
    assert journeys_of("trip_topic", sent, STYLES) == ()
    assert read(sent).origin is Origin.UNKNOWN


@pytest.mark.parametrize(
    "letter",
    [
        rejected(b"x", body_base64="%%%"),
        rejected(b"x", object_key="journeys/3f/received.json"),
        rejected(b"x", size_bytes="1"),
        {**rejected(b"x"), "reason": None},
        failed("x", requestContext={}),
        failed("x", requestPayload={}),
        {"requestPayload": "x"},
        [],
        None,
    ],
)
def test_what_is_almost_a_letter_is_unknown_and_kept_as_it_is(letter):
    body = encode(letter)
    found = read(body)
    assert (found.origin, found.content, found.holds(body)) == (Origin.UNKNOWN, body, True)


def test_more_than_a_topic_carries_is_not_promised_to_be_sent():
    letter = read(encode(rejected(b"x" * (MAX_BODY_BYTES + 1))))
    with pytest.raises(Hopeless, match="a topic carries 1 to 65536 bytes, this has 65537"):
        check_redrive(letter, STYLES)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{"errorType":"DeliverAgain","errorMessage":"1 of 1","stackTrace":[]}', "DeliverAgain: 1 of 1"),
        ('{"errorType":"ValueError","errorMessage":"欧阳开心","stackTrace":[["a",1]]}', "ValueError"),
        ('{"errorMessage":"Function timed out after 120 seconds"}', "Function timed out after 120 seconds"),
        ({"errorType": "DeliverAgain", "errorMessage": "as an object"}, "DeliverAgain: as an object"),
        ("no JSON: 欧阳开心", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_a_failed_invocation_says_why_without_quoting_an_exception(payload, reason):
    assert read(encode(failed("x", responsePayload=payload))).reason == reason


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_wide = st.dictionaries(st.sampled_from([*rejected(b""), *failed("")]), _json, max_size=9)
_bodies = (
    st.binary(max_size=200)
    | _json.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda base, more: encode({**base, **more}) if _encodes(more) else b"", st.sampled_from([rejected(b"a"), failed("a")]), _wide)
)  # fmt: skip


def _encodes(value: object) -> bool:
    try:
        encode(value)
    except UnicodeEncodeError:
        return False
    return True


@given(_bodies)
def test_anything_at_all_can_be_read_told_on_one_line_and_judged(body):
    letter = read(body)
    for name, value in dataclasses.asdict(letter).items():
        if isinstance(value, str) and name != "object_key":
            assert value.isprintable(), name
    assert all(journey.isprintable() for journey in letter.journeys)
    try:
        check_redrive(letter, STYLES)
    except Hopeless as error:
        assert str(error)
    else:
        assert letter.topic
    if letter.origin is Origin.UNKNOWN:
        assert letter.content == body
