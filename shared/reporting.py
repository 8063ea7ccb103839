"""What a function returns, and how it asks for its event to be delivered again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.errors import TripcanvasError


class _Outcome(Protocol):
    @property
    def journey(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def retry(self) -> bool: ...


class DeliverAgain(TripcanvasError):
    """Raised out of a function so that Function Compute delivers the event again; what is done is passed over then."""

    retryable = True


def report(outcomes: Sequence[_Outcome]) -> dict[str, list[dict[str, str]]]:
    """The function's return value. Raises `DeliverAgain` when any outcome asks for that."""
    again = [outcome for outcome in outcomes if outcome.retry]
    if again:
        reasons = "; ".join(f"journey {o.journey} at {o.step}: {o.reason}" for o in again[:5])
        raise DeliverAgain(f"{len(again)} of {len(outcomes)} not done: {reasons}")
    return {"outcomes": [{"journey": o.journey, "step": o.step, "reason": o.reason} for o in outcomes]}
