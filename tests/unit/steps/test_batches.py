"""Several messages in one event: a poisoned one ends as a dead letter, the others go their way."""

from __future__ import annotations

import base64
import json

import pytest

from shared.events import messages_of
from shared.intake import take_message
from shared.reporting import take_each
from tests.unit.steps.deployment import trip

POISON = {
    "text": "不是 JSON",
    "nothing": "",
    "half an object": '{"trip_id": "T-1"',
    "a number": "12",
    "null": "null",
    "a list": "[[]]",
    "wrong types": json.dumps({**trip(), "trip_id": 7, "start": [], "consent": "yes"}),
    "a wrong type deep inside": json.dumps({**trip(), "consent": {"process": "true", "publish": True}}),
    "a number beyond all numbers": json.dumps(trip()).replace("{", '{"distance_km": 1e999, ', 1),
    "half a character": '{"trip_id": "T-\\ud800", "text": "\\udfff"}',
    "deeper than a parser goes": "[" * 100_000,
    "huge": json.dumps(trip(text="长" * 350_000), ensure_ascii=False),
}


def invoked(*bodies: str) -> bytes:
    """A list, as a backfill sends it. What is no JSON can only be a text in it."""

    def element(body: str) -> str:
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            return json.dumps(body, ensure_ascii=False)
        return body

    return f"[{','.join(map(element, bodies))}]".encode()


def streamed(*bodies: str) -> bytes:
    """A batch of EventBridge."""
    return json.dumps(
        [{"specversion": "1.0", "id": str(n), "data": {"messageBody": body}} for n, body in enumerate(bodies)],
        ensure_ascii=False,
    ).encode()


@pytest.mark.parametrize("batch", [invoked, streamed])
@pytest.mark.parametrize("poison", POISON)
def test_a_poisoned_message_is_a_letter_and_the_others_are_done(deployment, batch, poison):
    first, last = json.dumps(trip()), json.dumps(trip())
    event = batch(first, POISON[poison], last)
    services = deployment.instance()
    outcomes = take_each(messages_of(event), lambda message: take_message(message, services))
    assert [(outcome.step, outcome.retry) for outcome in outcomes] == [
        ("submitted", False),
        ("rejected", False),
        ("submitted", False),
    ]
    assert len(deployment.gpu.queued()) == 2
    [letter] = deployment.dead_letters()
    kept = base64.b64decode(letter["body_base64"])
    if letter["object_key"]:
        kept = services.ledger.bucket.get(letter["object_key"], max_bytes=2_000_000)
    assert kept == messages_of(event)[1].sent
    assert letter["journey"] == outcomes[1].journey
