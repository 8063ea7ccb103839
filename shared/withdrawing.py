"""A trip taken back by its owner: everything of it is removed, nothing of it is accepted any more, and both are proved.

First the doors are closed: a tombstone for the trip, its claim emptied, the log of each journey ended. From then on no
run goes on and no message opens the trip again. Then every place is cleared, and then every place is listed: what is
found by that is what the report says. Whatever crashes in between, the same command begins at the beginning, and ends
at the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timezone

from shared.clouds.objects import NotFound
from shared.dead_letters import mentions
from shared.errors import InvalidInput, ServiceError, TripcanvasError
from shared.journey import Journey, journey_id, trip_key
from shared.ledger import Marker
from shared.rejection import TRIP_ID, rejections_of
from shared.services import Services
from shared.traces import PLACES
from shared.traces import Place as Trace

#: In a marker's key, in place of where its trip came from: the sweeper looks once more for what was under way.
AFTERWARDS = "withdrawn"
_MAX_LETTERS = 100_000
#: The largest original of a dead letter: what a direct invocation carries.
_MAX_ORIGINAL_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A place that may hold something of the trip. `find` lists it by names without content, `clear` removes it."""

    name: str
    find: Callable[[], list[str]]
    clear: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one place: how much was found there, how much is left, and what went wrong ("" for nothing)."""

    place: str
    found: int
    left: int
    problem: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the place was looked at again and nothing was there."""
        return not self.left and not self.problem


@dataclass
class Withdrawal:
    """The withdrawal of one trip. Raises `InvalidInput` for what can't be a trip's id."""

    trip_id: str
    services: Services

    def __post_init__(self) -> None:
        if not TRIP_ID.fullmatch(self.trip_id):
            raise InvalidInput("trip id", f"1 to 64 characters, {TRIP_ID.pattern}")
        self.trip = trip_key(self.trip_id)
        # Those of a claim that has ended by its age too: their posts and pictures may still stand.
        styles = [journey_id(self.trip_id, style) for style in self.services.styles]
        self._claimed: tuple[str, ...] = ()
        self._journeys = {journey: Journey(journey) for journey in (*styles, rejections_of(self.trip_id))}

    @property
    def journeys(self) -> tuple[str, ...]:
        """The journeys that the trip has, or may have had."""
        return tuple(self._journeys)

    def run(self, more: Sequence[Place] = ()) -> list[Removal]:
        """Withdraw the trip from everywhere, `more` places included. Whatever goes wrong with one, the others follow.

        Raises what the ledger raises when it can't be read or written.
        """
        before = 1 if self._has_claim() else 0
        self._claimed = self.services.ledger.withdraw_trip(self.trip)
        for journey in self._claimed:
            self._journeys.setdefault(journey, Journey(journey))
            self._look_afterwards(journey)
        claim = Removal("claim", before, 1 if self._has_claim() else 0)
        return [claim, *(_cleared(place) for place in (*self._places(), *more))]

    def is_tombstone_there(self) -> bool:
        """Whether the trip is known to be withdrawn."""
        return self.services.ledger.is_withdrawn(self.trip)

    def _has_claim(self) -> bool:
        try:
            claim = self.services.ledger.claim(self.trip)
        except ServiceError as error:
            if error.code != "UnreadableRecord":
                raise
            return True
        return claim is not None and claim.withdrawn is None

    def _places(self) -> list[Place]:
        return [
            Place("journey entries", self._entries, self._end_journeys),
            *(self._traced(trace) for trace in PLACES),
            Place("open markers", self._marked, self._unmark),
            Place("kept originals", self._originals, self._delete_originals),
        ]

    def _entries(self) -> list[str]:
        return [key for journey in self._journeys for key in self.services.ledger.filled(journey)]

    def _end_journeys(self) -> None:
        ledger, now = self.services.ledger, self.services.now()
        for journey in self._journeys:
            # Only these can be in a run's hands.
            if journey in self._claimed or ledger.keys(journey):
                self._journeys[journey] = ledger.withdraw(journey, now)

    def _traced(self, trace: Trace) -> Place:
        def find() -> list[str]:
            return [found for journey in self._journeys.values() for found in trace.find(journey, self.services)]

        def clear() -> None:
            for journey in self._journeys.values():
                trace.remove(journey, self.services)

        return Place(trace.name, find, clear)

    def _marked(self) -> list[str]:
        ledger = self.services.ledger
        found = [marker.key for marker in ledger.markers(self._journeys) if marker.source != AFTERWARDS]
        waiting = (*map(ledger.held_keys, self._journeys), *map(ledger.failed_keys, self._journeys))
        return found + [key for keys in waiting for key in keys]

    def _unmark(self) -> None:
        for key in self._marked():
            self.services.ledger.bucket.delete(key)

    def _look_afterwards(self, journey: str) -> None:
        """Have the sweeper look once more when all that was under way has had its time."""
        ledger = self.services.ledger
        if ledger.keys(journey) and not ledger.filled(journey):
            return
        due = (self.services.now() + self.services.render_deadline).astimezone(timezone.utc)
        ledger.mark(Marker(due.replace(second=0, microsecond=0), AFTERWARDS, journey, self.trip))

    def _originals(self) -> list[str]:
        """Objects that hold the bytes of large dead letters."""
        bucket, found = self.services.ledger.bucket, []
        for key in bucket.keys("dead-letters/", limit=_MAX_LETTERS):
            try:
                content = bucket.get(key, max_bytes=_MAX_ORIGINAL_BYTES)
            except NotFound:
                continue
            if mentions(content, self.trip_id):
                found.append(key)
        return found

    def _delete_originals(self) -> None:
        for key in self._originals():
            self.services.ledger.bucket.delete(key)


def _cleared(place: Place) -> Removal:
    """Clear one place, and look at it again; what goes wrong is told, with what is then known to be there."""
    found = left = 0
    try:
        found = left = len(place.find())
        place.clear()
        left = len(place.find())
    except TripcanvasError as error:
        return Removal(place.name, found, left, str(error))
    return Removal(place.name, found, left)
