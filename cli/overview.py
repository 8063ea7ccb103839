"""What an operator has to know of a deployment at a glance: what is under way, what waits, what failed, what is down.

Every figure comes from an index, at a cost that does not grow with the journeys that ended well: those are never
looked at, and not counted. Steps and troubles are read from at most `MOST_READ` journeys, those that are due first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.dead_letters import read_letter
from shared.errors import TripcanvasError
from shared.journey import Journey
from shared.ledger import Marker
from shared.records import Held
from shared.services import Services
from shared.withdrawing import AFTERWARDS

#: Markers that are counted, in pages of a thousand; more than that are told as "at least".
MOST_COUNTED = 100_000
#: Journeys that are read, two calls each.
MOST_READ = 200
#: A marker is cut to its minute, and the sweeper comes every minute; one that waits longer was left lying.
_SWEEPER_LATE = timedelta(minutes=3)
#: A result that lies in the sink longer than this has no reader: the relay polls all but three seconds of a minute.
_RELAY_LATE_S = 6.0
_SINK_IS_FILLING = 0.5


@dataclass(frozen=True, slots=True)
class StepTotal:
    """Journeys that stand at one step, and since when the oldest of them is under way."""

    step: str
    journeys: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Queues:
    """Graphs that wait to be painted, results that wait to be read, and how many of these there may be."""

    waiting: int
    unread: int
    unread_limit: int
    #: The oldest result lay there for six seconds without being read.
    is_not_read: bool


@dataclass(slots=True)
class Overview:
    """The figures; what could not be asked for is None, and named with its error in `unanswered`."""

    at: datetime
    failed_since: datetime
    under_way: int | None = None
    read: int = 0
    steps: list[StepTotal] = field(default_factory=list)
    troubles: dict[str, int] = field(default_factory=dict)
    overdue: int = 0
    overdue_since: datetime | None = None
    held: int | None = None
    held_read: int = 0
    held_codes: dict[str, int] = field(default_factory=dict)
    held_since: datetime | None = None
    failed: int | None = None
    failed_codes: dict[str, int] = field(default_factory=dict)
    dead_letters: int | None = None
    dead_letter_codes: dict[str, int] = field(default_factory=dict)
    queues: Queues | None = None
    unanswered: dict[str, str] = field(default_factory=dict)


def look_over(
    services: Services,
    *,
    hours: float,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Overview:
    """Ask everything once; a part that does not answer leaves the others as they are.

    `hours` is how far back failures count. Takes six seconds more when results wait in the sink, to see whether anyone
    reads them. Changes nothing, and hides no dead letter from others.
    """
    now = services.now()
    found = Overview(now, now - timedelta(hours=hours))
    parts: dict[str, Callable[[Overview, Services], None]] = {
        "journeys": _under_way,
        "held": _held,
        "failed": _failed,
        "dead letters": _dead_letters,
    }
    first, began = _first_in_sink(found, services), monotonic()
    for name, part in parts.items():
        try:
            part(found, services)
        except TripcanvasError as error:
            found.unanswered[name] = str(error)
    if "queues" not in found.unanswered:
        if first is not None:
            sleep(max(0.0, began + _RELAY_LATE_S - monotonic()))
        _queues(found, services, first)
    return found


def problems(found: Overview) -> list[str]:
    """What keeps journeys from going on by themselves, one sentence each; nothing when all is well."""
    told = [f"{part} can't be told: {error}" for part, error in found.unanswered.items()]
    if found.overdue:
        told.append(
            f"{_journeys(found.overdue)} waited too long for the sweeper: does sweep_journeys run, and can it "
            "write to the ledger?"
        )
    if found.queues is not None and found.queues.is_not_read:
        told.append("finished renders lie unread in the output queue: does the relay run, and reach the topic?")
    if found.queues is not None and found.queues.unread > _SINK_IS_FILLING * found.queues.unread_limit:
        told.append("the output queue is more than half full; when it is full, nothing is painted any more")
    told += [
        f"{_journeys(count)} met trouble that will be tried again: {trouble}"
        for trouble, count in found.troubles.items()
    ]
    return told


def _under_way(found: Overview, services: Services) -> None:
    markers: dict[str, Marker] = {}
    for marker in services.ledger.open(limit=MOST_COUNTED):
        # Of two markers of a journey the later one counts: the earlier is what a run has not yet taken away.
        if marker.source != AFTERWARDS:
            markers[marker.journey_id] = marker
    late = [marker.due for marker in markers.values() if marker.due + _SWEEPER_LATE < found.at]
    chosen = sorted(markers.values(), key=lambda marker: marker.due)[:MOST_READ]
    journeys = [services.ledger.find(marker.journey_id, marker.trip) for marker in chosen]
    open_ = [journey for journey in journeys if journey.records and not journey.finished]
    found.read = len(open_)
    found.under_way = len(markers) - (len(chosen) - len(open_))
    found.overdue, found.overdue_since = len(late), min(late, default=None)
    found.steps = _steps(open_)
    found.troubles = _counted(_trouble(journey) for journey in open_)


def _steps(journeys: list[Journey]) -> list[StepTotal]:
    begun: dict[str, list[datetime]] = {}
    for journey in journeys:
        begun.setdefault(journey.step.value if journey.step else "", []).append(journey.records[0].at)
    return [StepTotal(step, len(times), min(times)) for step, times in begun.items()]


def _trouble(journey: Journey) -> str:
    """What the journey met last, if it has not moved since."""
    last = journey.troubles[-1] if journey.troubles else None
    if last is None or last.at < journey.records[-1].at:
        return ""
    return f"{last.service or last.during}: {last.code}"


def _held(found: Overview, services: Services) -> None:
    ids = list(services.ledger.held())
    journeys = [services.ledger.read(journey) for journey in ids[:MOST_READ]]
    holds = [journey.records[-1] for journey in journeys if journey.records and isinstance(journey.records[-1], Held)]
    found.held, found.held_read = len(ids) - (len(journeys) - len(holds)), len(holds)
    found.held_codes = _counted(hold.code for hold in holds if isinstance(hold, Held))
    found.held_since = min((hold.at for hold in holds), default=None)


def _failed(found: Overview, services: Services) -> None:
    late = [each.code for each in services.ledger.failures(limit=MOST_COUNTED) if each.at >= found.failed_since]
    found.failed, found.failed_codes = len(late), _counted(late)


def _dead_letters(found: Overview, services: Services) -> None:
    queue = services.settings.need("dead_letter_queue")
    found.dead_letters = services.messages.state(queue).length
    if found.dead_letters:
        letters = [read_letter(message, services.styles) for message in services.messages.peek(queue)]
        found.dead_letter_codes = _counted(letter.code for letter in letters)


def _first_in_sink(found: Overview, services: Services) -> int | None:
    try:
        return next((record.index for record in services.image_queue.poll_sink(wait_s=0, length=1)), None)
    except TripcanvasError as error:
        found.unanswered["queues"] = str(error)
        return None


def _queues(found: Overview, services: Services, first: int | None) -> None:
    is_not_read = first is not None and _first_in_sink(found, services) == first
    try:
        load = services.image_queue.load()
    except TripcanvasError as error:
        found.unanswered["queues"] = str(error)
        return
    found.queues = Queues(load.waiting, load.unread, load.unread_limit, is_not_read)


def _journeys(count: int) -> str:
    return "1 journey" if count == 1 else f"{count} journeys"


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(filter(None, names)).most_common())
