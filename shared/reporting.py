"""What became of the messages of one event, and how a function asks for its event to be delivered again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import TripcanvasError


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


def report(outcomes: Sequence[Outcome]) -> dict[str, list[dict[str, str]]]:
    """The function's return value. Raises `DeliverAgain` when any outcome asks for that."""
    again = [outcome for outcome in outcomes if outcome.retry]
    if again:
        reasons = "; ".join(f"journey {o.journey} at {o.step}: {o.reason}" for o in again[:5])
        raise DeliverAgain(f"{len(again)} of {len(outcomes)} not done: {reasons}")
    return {"outcomes": [{"journey": o.journey, "step": o.step, "reason": o.reason} for o in outcomes]}
