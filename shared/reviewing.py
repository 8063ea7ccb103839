"""A held journey in the hands of a person: what waits, and the decision, with who made it, on the ledger.

A decision is one entry of the journey's log, so of two people who decide at once one is told that the other did. An
approved journey goes on from where it was held by the sweeper's hands: whoever approves needs the ledger and nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import InvalidInput
from shared.journey import Journey
from shared.ledger import Marker, Overtaken
from shared.records import (
    Approved,
    Failed,
    Received,
    Step,
)
from shared.services import Services

#: The code of a journey that a person has ended.
REVIEW = "review"
_LONGEST_NAME, _LONGEST_REASON = 64, 500


def waiting(services: Services) -> Iterator[Journey]:
    """Every journey that waits for a person."""
    for journey_id in services.ledger.held():
        journey = services.ledger.read(journey_id)
        if journey.step is Step.HELD:
            yield journey


def approve(journey_id: str, by: str, services: Services) -> Journey:
    """Let a held journey go on. Repeating it is harmless.

    Raises `InvalidInput` for one that does not wait for a person, or that somebody else has just decided on.
    """
    journey, by = services.ledger.read(journey_id), named(by)
    if journey.step is not Step.APPROVED:
        # The marker first: a journey that is approved must be found. And again afterwards: a sweep that has seen it
        # held may have taken the first one away.
        _mark(journey, services)
        journey = _decided(journey, Approved(at=services.now(), by=by), services)
    _mark(journey, services)
    services.ledger.release(journey)
    return journey


def reject(journey_id: str, by: str, reason: str, services: Services) -> Journey:
    """End a held journey; raises as `approve` does. `reason` is kept on the ledger."""
    reason = " ".join(reason.split()) or "a person has looked at it and said no"
    if len(reason) > _LONGEST_REASON:
        raise InvalidInput("reason", f"at most {_LONGEST_REASON} characters")
    end = Failed(at=services.now(), code=REVIEW, reason=reason, by=named(by))
    journey = _decided(services.ledger.read(journey_id), end, services)
    services.ledger.release(journey)
    services.ledger.note_failure(journey)
    return journey


def _decided(journey: Journey, decision: Approved | Failed, services: Services) -> Journey:
    if journey.step is not Step.HELD:
        where = journey.step.value if journey.step else "nowhere; there is no such journey"
        raise InvalidInput("journey", f"one that is held; this one stands at {where}")
    try:
        return services.ledger.commit(journey.followed_by(decision))
    except Overtaken:
        raise InvalidInput("journey", "one that nobody else decides on; somebody was faster, look again") from None


def _mark(journey: Journey, services: Services) -> None:
    received = journey.find(Received)
    if received is not None and journey.step in (Step.HELD, Step.APPROVED):
        services.ledger.mark(Marker.of(journey.id, received, services.now()))


def named(by: str) -> str:
    """The name of who decides. Raises `InvalidInput` for one that is empty, long or unprintable."""
    name = by.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidInput("by", f"who decides: a name of 1 to {_LONGEST_NAME} printable characters")
    return name
