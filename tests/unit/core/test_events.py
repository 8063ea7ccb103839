"""Function Compute's trigger envelopes: whatever form a trip arrives in, the trip's own bytes come out."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import messages_of, wrapped

EVENTS = Path(__file__).parents[2] / "events"
TRIP = {"trip_id": "T20240505-000123", "text": "新司机的五一出游!"}


@pytest.mark.parametrize("name", sorted(path.name for path in EVENTS.glob("mns-topic*")))
def test_topic_events_give_the_published_body(name):
    [message] = messages_of((EVENTS / name).read_bytes())
    assert json.loads(message.body) == TRIP
    assert not message.direct or "stream" in name


@pytest.mark.parametrize("name", sorted(path.name for path in EVENTS.glob("eventbridge*")))
def test_eventbridge_events_give_every_body_in_order(name):
    messages = messages_of((EVENTS / name).read_bytes())
    assert [json.loads(message.body)["trip_id"] for message in messages] in (
        ["T20240505-000123"],
        ["T20240505-000123", "T20240505-000124"],
    )
    assert all(message.message_id for message in messages)
    assert not any(message.direct for message in messages)


def test_a_json_topic_event_carries_the_message_id_and_trace():
    [message] = messages_of((EVENTS / "mns-topic-json-attributes.json").read_bytes())
    assert message.message_id == "2F5B3C082B923D4EAC694B76D928A001"
    assert message.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_bare_trip_is_a_direct_invoke():
    body = json.dumps(TRIP).encode()
    [message] = messages_of(body)
    assert (message.sent, message.body, message.direct) == (body, body, True)


def test_a_list_of_trips_gives_each_with_its_own_bytes():
    body = b'[{"trip_id": "A",  "n": 1.0}, {"trip_id":"B"}]'
    assert [message.sent for message in messages_of(body)] == [b'{"trip_id": "A",  "n": 1.0}', b'{"trip_id":"B"}']


def test_base64_is_kept_as_sent_and_opened_for_reading():
    sent = base64.b64encode(json.dumps(TRIP).encode())
    [message] = messages_of(sent)
    assert message.sent == sent
    assert json.loads(message.body) == TRIP


@pytest.mark.parametrize("event", [b"", b"null", b"[]x", b"hello topic", b"\xff\xfe\x00", b"{", b"[" * 5000, b'"text"'])
def test_what_fits_no_envelope_is_one_message_as_it_came(event):
    [message] = messages_of(event)
    assert message.sent == event


@given(st.binary(max_size=400))
def test_any_bytes_are_opened_without_an_error(event):
    assert all(isinstance(message.body, bytes) for message in messages_of(event))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["Message", "TopicName", "MessageId", "body", "attrs", "data", "specversion", "messageBody", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(_json)
def test_any_json_is_opened_without_an_error(value):
    assert all(isinstance(message.sent, bytes) for message in messages_of(json.dumps(value).encode()))


@pytest.mark.parametrize(
    "poison",
    [b'{"trip_id": "\\ud800"}', b'"\xff\xfe"', b"[" * 5000 + b"]" * 5000, b'{"a": nil}', rb'"\"],[\\"', b"hello"],
    ids=["half a character", "no UTF-8", "deep", "no JSON", "brackets in a text", "bare word"],
)
def test_one_broken_element_leaves_the_others_of_its_list_whole(poison):
    good = json.dumps(TRIP, ensure_ascii=False).encode()
    event = b" [" + good + b",\n" + poison + b" , " + good + b"]\n"
    assert [message.sent for message in messages_of(event)] == [good, poison, good]


@pytest.mark.parametrize(
    "event", [b"[hello", b"[1,]", b"[,]", b'[1,"a', b"[1}]", b"[1],[nil]", b"]", b"[", b"nil, nil", b""]
)
def test_what_is_no_list_stays_one_message(event):
    assert [message.sent for message in messages_of(event)] == [event]


def test_a_text_without_an_end_is_read_through_once():
    event = b"[" + b'"\\"' + b'\\"' * 400_000
    assert [message.sent for message in messages_of(event)] == [event]


@pytest.mark.parametrize("publish", [True, False])
def test_a_backfills_wrapping_says_whether_a_post_may_be_public(publish):
    trip = json.dumps(TRIP, ensure_ascii=False).encode()
    sent = wrapped(trip, publish=publish)
    [message] = messages_of(sent)
    assert (message.body, message.sent, message.direct, message.draft) == (trip, sent, True, not publish)


def test_a_backfills_wish_survives_a_dead_letter_that_is_published_to_the_topic():
    sent = wrapped(json.dumps(TRIP, ensure_ascii=False).encode(), publish=False)
    event = json.dumps({"TopicName": "trip-completed", "MessageId": "M-1", "Message": sent.decode()})
    [message] = messages_of(event.encode())
    assert json.loads(message.body) == TRIP
    assert (message.message_id, message.direct, message.draft) == ("M-1", True, True)


@pytest.mark.parametrize("wish", ['"yes"', "[]", '{"publish": "true"}', '{"publish": 1}', "null"])
def test_a_wish_that_can_not_be_read_is_no_trip_at_all(wish):
    event = f'{{"backfill": {wish}, "trip": {json.dumps(TRIP)}}}'.encode()
    [message] = messages_of(event)
    assert message.body == event


def test_a_trip_that_speaks_of_a_backfill_is_a_trip():
    trip = json.dumps({**TRIP, "text": 'the "backfill"', "backfill": {"publish": False}}).encode()
    [message] = messages_of(trip)
    assert (message.body, message.draft) == (trip, False)
