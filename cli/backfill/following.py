"""What became of the trips that were sent: looked up in the ledger, ever more rarely the longer a journey takes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from cli.backfill.functions import GIVEN_UP, Functions
from cli.backfill.journal import Watched
from shared.feed import visibility_of
from shared.journey import Journey
from shared.records import (
    Failed,
    Held,
    Published,
    Received,
    Rejected,
    step_of,
)
from shared.services import Services

#: How long a journey may have no entry before Function Compute is asked about its task, in seconds.
_SILENT_S = 60.0
#: Soonest and latest next look, in seconds; in between a quarter of the time since the trip was sent.
_SOONEST_S, _LATEST_S = 2.0, 300.0

#: The step of a journey whose message Function Compute has given up: its event is a dead letter.
DEAD_LETTER = "dead_letter"
#: That of one that has none yet, looked at or not.
WAITING = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a journey is: its step, the code of its end or the visibility of its post, and whether that is the end."""

    step: str
    code: str
    ended: bool


def look(watched: Watched, services: Services, functions: Functions, now: datetime) -> Sight:
    """Look where a journey is: one or two calls to the ledger. Raises `ServiceError`, `Misconfigured`."""
    ledger = services.ledger
    journey = ledger.read(watched.journey)
    if journey.records:
        return sight_of(journey)
    if (now - watched.sent_at).total_seconds() < _SILENT_S:
        return Sight(WAITING, "", ended=False)
    # Nothing was written for long: refused, bound to another message of the same trip, withdrawn, or given up.
    refused = ledger.read(watched.rejections)
    if refused.records:
        return sight_of(refused)
    claim = ledger.claim(watched.trip)
    if claim is not None and (claim.withdrawn is not None or watched.journey not in claim.journeys):
        return Sight("withdrawn" if claim.withdrawn is not None else "rejected", "", ended=True)
    if claim is None and ledger.is_withdrawn(watched.trip):
        return Sight("withdrawn", "", ended=True)
    if functions.state(watched.task) in GIVEN_UP:
        return Sight(DEAD_LETTER, "", ended=True)
    return Sight(WAITING, "", ended=False)


def sight_of(journey: Journey) -> Sight:
    """Where a journey that has records is."""
    last = journey.records[-1]
    code = ""
    if isinstance(last, Held | Rejected | Failed):
        code = last.code
    elif isinstance(last, Published):
        received = journey.find(Received)
        code = visibility_of(received) if received else last.visibility
    return Sight(step_of(last).value, code, ended=journey.finished)


@dataclass
class Watch:
    """The journeys that are under way, by when to look at them next. Times are seconds of one monotonic clock."""

    _due: list[tuple[float, str]] = field(default_factory=list)
    _known: dict[str, Watched] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many journeys are under way."""
        return len(self._known)

    def add(self, watched: Watched, now: float, *, first_look_s: float = _SOONEST_S) -> None:
        """Look at a journey from now on, first after so many seconds."""
        if watched.journey in self._known:
            return
        self._known[watched.journey] = watched
        heapq.heappush(self._due, (now + first_look_s, watched.journey))

    def next_at(self) -> float | None:
        """When the next look is due; None when there is none."""
        return self._due[0][0] if self._due else None

    def take(self, now: float) -> Watched | None:
        """A journey to look at now; it comes again only by `again`."""
        if not self._due or self._due[0][0] > now:
            return None
        return self._known[heapq.heappop(self._due)[1]]

    def again(self, watched: Watched, age_s: float, now: float) -> None:
        """Look once more, later."""
        pause_s = min(max(age_s / 4, _SOONEST_S), _LATEST_S)
        heapq.heappush(self._due, (now + pause_s, watched.journey))

    def drop(self, watched: Watched) -> None:
        """The journey has ended."""
        del self._known[watched.journey]
