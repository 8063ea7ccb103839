"""A failed or held journey taken up again by a person; who and from where stands on the ledger.

The decision is one entry of the journey's log, and the sweeper goes on from there: whoever redrives needs the ledger
and nothing else. A journey has one post at most however often it is taken up: the feed knows it by the journey's id.
"""

from __future__ import annotations

from shared.errors import InvalidInput
from shared.journey import Journey
from shared.ledger import Marker, Overtaken
from shared.records import (
    Failed,
    Held,
    Received,
    Redriven,
    Step,
)
from shared.reviewing import named
from shared.services import Services

#: Ends that say nothing against what the journey has made; after any other one it is painted anew.
_GOES_ON = frozenset({"given_up", "post_refused"})
#: The end after which the feed takes no post of this journey any more, if its pictures were stored.
_GIVEN_UP = "given_up"


def redrive(journey_id: str, by: str, services: Services, place: Step | None = None) -> Journey:
    """Take a failed or held journey up again, after its step `place` or where that makes sense. Harmless to repeat.

    Raises `InvalidInput` for one that is at neither end, that can't go on from there, or on which somebody else has
    just decided.
    """
    by, journey = named(by), services.ledger.read(journey_id)
    if journey.step is not Step.REDRIVEN or place not in (None, journey.place):
        check_redrivable(journey)
        chosen = place or default_place(journey)
        if chosen not in journey.places:
            places = ", ".join(each.value for each in journey.places)
            raise InvalidInput("step", f"one of {places}, which this journey has come to; got {chosen.value}")
        # The marker first, and again afterwards, as for an approval: the sweeper must find what was decided.
        _mark(journey, services)
        end = journey.records[-1]
        was = end.code if isinstance(end, Failed | Held) else ""
        decision = Redriven(at=services.now(), attempt=journey.attempt, by=by, place=chosen, was=was)
        try:
            journey = services.ledger.commit(journey.followed_by(decision))
        except Overtaken:
            raise InvalidInput("journey", "one that nobody else decides on; look again, it has moved") from None
    _mark(journey, services)
    services.ledger.release(journey)
    services.ledger.forget_failure(journey.id)
    return journey


def default_place(journey: Journey) -> Step:
    """Where a redrive goes on from unless it is told: where the journey failed, or the next render.

    What a person, moderation or the inspection has said no to is not asked about again, but painted anew; words that
    were held are checked again. Raises `InvalidInput` as `check_redrivable` does.
    """
    check_redrivable(journey)
    end = journey.records[-1]
    if isinstance(end, Failed) and end.code in _GOES_ON:
        return journey.places[-1]
    return [each for each in journey.places if each in (Step.RECEIVED, Step.PROMPTED)][-1]


def check_redrivable(journey: Journey) -> None:
    """Raises `InvalidInput`, with what to do instead, for a journey that can't be taken up again."""
    if journey.step is None:
        raise InvalidInput("journey", "one that is on the ledger; there is none of this id")
    if journey.step is Step.PUBLISHED:
        raise InvalidInput("journey", "one without a post; this one is published: withdraw its trip, or leave it")
    if journey.step in (Step.CANCELLED, Step.WITHDRAWN):
        raise InvalidInput("journey", f"one that nobody took back; this one is {journey.step.value}, for good")
    if journey.step is Step.REJECTED:
        raise InvalidInput("journey", "one of a valid trip; this one was rejected: look at its dead letter")
    if journey.step not in (Step.FAILED, Step.HELD):
        raise InvalidInput("journey", f"one that has failed or is held; this one is under way, at {journey.step.value}")
    end = journey.records[-1]
    if isinstance(end, Failed) and end.code == _GIVEN_UP and Step.STORED in journey.places:
        raise InvalidInput(
            "journey",
            "one that the feed may still have; this one was given up while it was posted, and the feed was told to "
            "take no post of it: send the trip again under another trip id",
        )


def _mark(journey: Journey, services: Services) -> None:
    if journey.step in (Step.FAILED, Step.HELD, Step.REDRIVEN):
        services.ledger.mark(Marker.of(journey.id, journey.need(Received), services.now()))
