"""What a function returns, and when it asks for its event again."""

from __future__ import annotations

import json
import logging

import pytest

from shared.events import Message, messages_of
from shared.reporting import DeliverAgain, Outcome, report, take_each
from shared.telemetry import log


def test_outcomes_are_returned_by_journey_step_and_reason():
    outcomes = [Outcome("j-1", "submitted"), Outcome("j-2", "rejected", "distance_km: at least 0")]
    assert report(outcomes) == {
        "outcomes": [
            {"journey": "j-1", "step": "submitted", "reason": ""},
            {"journey": "j-2", "step": "rejected", "reason": "distance_km: at least 0"},
        ]
    }


def test_an_event_without_messages_has_no_outcomes():
    assert report([]) == {"outcomes": []}


def test_one_outcome_to_be_tried_again_asks_for_the_whole_event():
    outcomes = [Outcome("j-1", "submitted"), Outcome("j-2", "submitting", "eas: 503", retry=True)]
    with pytest.raises(DeliverAgain) as raised:
        report(outcomes)
    assert str(raised.value) == "1 of 2 not done: journey j-2 at submitting: eas: 503"
    assert raised.value.retryable


def test_a_long_list_is_told_by_its_first_five():
    with pytest.raises(DeliverAgain) as raised:
        report([Outcome(f"j-{number}", "submitting", "eas: 503", retry=True) for number in range(40)])
    assert str(raised.value).startswith("40 of 40 not done: ")
    assert "j-4 " in str(raised.value)
    assert "j-5 " not in str(raised.value)


def test_one_event_is_one_line_of_json(caplog):
    with caplog.at_level(logging.INFO, logger="tripcanvas"):
        log("step", journey="j-1", step="submitted", attempt=1)
    [record] = caplog.records
    assert json.loads(record.getMessage()) == {"event": "step", "journey": "j-1", "step": "submitted", "attempt": 1}
    assert "\n" not in record.getMessage()


def test_an_unforeseen_exception_of_one_message_stops_no_other_and_tells_nothing_of_it(caplog):
    def take(message: Message) -> list[Outcome]:
        if message.body == b'"poison"':
            raise KeyError("海棠路9431号")
        return [Outcome(message.body.decode(), "submitted")]

    with caplog.at_level(logging.INFO, logger="tripcanvas"):
        outcomes = take_each(messages_of(b'["j-1","poison","j-3"]'), take)
    assert [(outcome.journey, outcome.step, outcome.retry) for outcome in outcomes] == [
        ('"j-1"', "submitted", False),
        ("", "unforeseen", True),
        ('"j-3"', "submitted", False),
    ]
    [record] = caplog.records
    assert json.loads(record.getMessage())["error"] == "KeyError"
    assert "9431" not in caplog.text
    with pytest.raises(DeliverAgain) as raised:
        report(outcomes)
    assert "KeyError" in str(raised.value)
    assert "9431" not in str(raised.value)
