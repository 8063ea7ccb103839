"""What became of the messages of one event, and how a function asks for its event to be delivered again."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.errors import TripcanvasError
from shared.events import Message
from shared.telemetry import log


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where one message has brought one journey. `retry` asks for the whole event to be delivered again."""

    journey: str
    step: str
    reason: str = ""
    retry: bool = False


class DeliverAgain(TripcanvasError):
    """Raised out of a function so that Function Compute delivers the event again; what is done is passed over then."""

    retryable = True


def take_each(messages: Sequence[Message], take: Callable[[Message], list[Outcome]]) -> list[Outcome]:
    """Take every message of an event, whatever one of them does.

    An unforeseen exception asks for the event again, after the other messages have been taken: those are passed over
    when it comes back, and when it is given up the whole event lies in the dead-letter queue. The exception's text may
    quote the message, so only its type and place are told.
    """
    outcomes = []
    for message in messages:
        try:
            outcomes += take(message)
        except Exception as error:  # noqa: BLE001  (what it is can't be known; one message must not stop the others)
            kind, place = type(error).__name__, traceback.extract_tb(error.__traceback__)[-1]
            log("unforeseen", error=kind, at=f"{place.name}:{place.lineno}", size_bytes=len(message.sent))
            outcomes.append(Outcome("", "unforeseen", kind, retry=True))
    return outcomes


def report(outcomes: Sequence[Outcome]) -> dict[str, list[dict[str, str]]]:
    """The function's return value. Raises `DeliverAgain` when any outcome asks for that."""
    again = [outcome for outcome in outcomes if outcome.retry]
    if again:
        reasons = "; ".join(f"journey {o.journey} at {o.step}: {o.reason}" for o in again[:5])
        raise DeliverAgain(f"{len(again)} of {len(outcomes)} not done: {reasons}")
    return {"outcomes": [{"journey": o.journey, "step": o.step, "reason": o.reason} for o in outcomes]}
