"""The run itself: rows in, functions invoked, journeys followed, all of it written down.

One thread decides and writes the journal; a few others make the calls. Before a trip is sent the ledger is asked
whether it is there already. A row's intent is on the disk before its call, so nothing is sent that isn't accounted for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from threading import Event
from typing import Any

from cli.backfill.following import Sight, Watch, look
from cli.backfill.functions import Functions
from cli.backfill.journal import REVIVABLE, Journal, State, Watched
from cli.backfill.pacing import DayLimit, Pace
from cli.backfill.rows import Row
from cli.backfill.selection import Choice, Kind, Selection
from shared.errors import Misconfigured, Refused, ServiceError, TripcanvasError
from shared.ledger import TripClaim
from shared.services import Services
from shared.submission import BACKFILL

#: Longest wait without a look at whether to stop, in seconds.
_TICK_S = 0.2
#: Journeys looked at, at once: less than trips are sent, and never in their way.
_LOOKS = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """`per_second` and `per_day` trips (0: no limit a day), `concurrency` calls at once, `under_way` journeys at most.

    The last is what keeps live trips undisturbed: no more of a backfill waits anywhere than that.
    """

    per_second: float
    per_day: int
    concurrency: int
    under_way: int


@dataclass
class Tally:
    """What is shown while it runs: rows done, and journeys by what became of them."""

    rows: int = 0
    sent: int = 0
    known: int = 0
    not_sent: int = 0
    posts: int = 0
    drafts: int = 0
    failures: int = 0
    held: int = 0
    under_way: int = 0
    rate: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A row that is being sent; `before` says that a call before this one may have been taken."""

    choice: Choice
    task: str
    at: datetime
    before: bool


class _Own(threading.local):
    """Services of a thread's own: the SDKs below them are not made for several at once."""

    def __init__(self, services: Services) -> None:
        self.services = replace(services)


@dataclass
class Sender:
    """One run of a backfill. `stop` is set from outside to have it end as soon as what is under way is written down."""

    journal: Journal
    functions: Functions
    services: Services
    limits: Limits
    run: str
    stop: Event
    on_change: Callable[[Tally], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    _again: deque[_Parcel] = field(default_factory=deque)
    _calls: dict[Future[State], _Parcel] = field(default_factory=dict)
    _looks: dict[Future[Sight], Watched] = field(default_factory=dict)
    _watch: Watch = field(default_factory=Watch)
    _unseen: set[str] = field(default_factory=set)
    _fault: TripcanvasError | None = None
    _more: bool = True

    def send(self, rows: Iterator[Row], selection: Selection, *, wait_for_ends: bool) -> None:
        """Send every row that is not done, then, if asked to, wait until every journey has ended.

        Raises what makes going on senseless, after everything under way is written down: `Misconfigured`,
        `Unavailable` when Function Compute is not reached for long, `JournalFault`, `InvalidInput` of the source.
        """
        now = self.services.now().astimezone()
        midnight = DayLimit.midnight(now)
        self._own = _Own(self.services)
        self._day = DayLimit(self.limits.per_day, self.journal.sent_since(self._utc(midnight)), midnight)
        self._pace = Pace(self.limits.per_second)
        for watched in self.journal.watched():
            self._watch.add(watched, time.monotonic(), first_look_s=0.0)
            self._unseen.add(watched.journey)
        for step, code, ended, count in self.journal.steps():
            if ended and step not in REVIVABLE:
                count_end(self.tally, step, code, count)
        choices = self._undone(rows, selection)
        with ThreadPoolExecutor(self.limits.concurrency) as senders, ThreadPoolExecutor(_LOOKS) as lookers:
            try:
                while not self._is_over(wait_for_ends):
                    if not self._closing:
                        self._start(choices, senders, lookers)
                    self._collect()
            finally:
                # What was handed to a thread has happened, or will: it is waited for and written down.
                while self._calls:
                    self._collect()
        if self._fault:
            raise self._fault

    @property
    def _closing(self) -> bool:
        return self.stop.is_set() or self._fault is not None

    def _is_over(self, wait_for_ends: bool) -> bool:
        if self._closing:
            return not self._calls
        return not (self._more or self._calls or self._again or self._unseen or (wait_for_ends and len(self._watch)))

    def _start(
        self, choices: Iterator[tuple[Choice, bool]], senders: ThreadPoolExecutor, lookers: ThreadPoolExecutor
    ) -> None:
        """Hand out what may be begun now."""
        while len(self._looks) < _LOOKS and (watched := self._watch.take(time.monotonic())):
            self._looks[lookers.submit(self._look, watched)] = watched
        while self._may_send():
            parcel = self._again.popleft() if self._again else self._next(choices)
            if parcel is None:
                self._more = False
                break
            self._pace.sent(time.monotonic())
            self._calls[senders.submit(self._deliver, parcel)] = parcel

    def _may_send(self) -> bool:
        self.tally.note = ""
        if self._closing or not (self._more or self._again):
            return False
        if self._day.reached(self.services.now().astimezone()):
            self.tally.note = f"{self.limits.per_day} were sent today; goes on after midnight"
        elif len(self._watch) + len(self._calls) >= self.limits.under_way:
            self.tally.note = f"{self.limits.under_way} journeys are under way; the next goes when one ends"
        elif len(self._calls) < self.limits.concurrency and not self._pace.wait_s(time.monotonic()):
            return True
        return False

    def _undone(self, rows: Iterator[Row], selection: Selection) -> Iterator[tuple[Choice, bool]]:
        """The rows that are not done, judged, and whether a run before this one may have sent them."""
        for number, row in enumerate(rows, start=1):
            self.tally.rows = number
            before = self.journal.state(number)
            if before is None or before is State.SENDING:
                yield selection.choose(number, row), before is State.SENDING
            else:
                self._count(before)
                self._tell()
            if self.stop.is_set():
                return

    def _next(self, choices: Iterator[tuple[Choice, bool]]) -> _Parcel | None:
        """The next row to send, written down as such; the rows before it are written down as what they are."""
        for choice, before in choices:
            if choice.kind is Kind.BROKEN or choice.kind is Kind.NO_CONSENT:
                state = State.BROKEN if choice.kind is Kind.BROKEN else State.NO_CONSENT
                self.journal.note(choice.number, choice.place, state, trip=choice.trip, reason=choice.reason)
                self._count(state)
            elif choice.kind is Kind.CHOSEN:
                parcel = _Parcel(choice, f"b{self.run}-{choice.trip}", self.services.now(), before)
                if self._intend(parcel):
                    return parcel
                self._count(State.REPEATED)
            self._tell()
        return None

    def _intend(self, parcel: _Parcel) -> bool:
        choice = parcel.choice
        return self.journal.intend(
            choice.number,
            choice.place,
            trip=choice.trip,
            task=parcel.task,
            journeys=choice.journeys,
            rejections=choice.rejections,
            at=self._utc(parcel.at),
        )

    def _deliver(self, parcel: _Parcel) -> State:
        """In a thread of its own: ask the ledger, then invoke."""
        claim = self._own.services.ledger.claim(parcel.choice.trip)
        if claim is not None:
            return State.SENT if _is_ours(claim, parcel) else State.KNOWN
        self.functions.invoke(parcel.choice.event, parcel.task)
        return State.SENT

    def _look(self, watched: Watched) -> Sight:
        """In a thread of its own."""
        return look(watched, self._own.services, self.functions, self.services.now())

    def _collect(self) -> None:
        """Wait for something to end, but not for long, and write down what has."""
        pending: list[Future[Any]] = [*self._calls, *self._looks]
        if pending:
            wait(pending, timeout=self._pause_s(), return_when=FIRST_COMPLETED)
        else:
            self.stop.wait(self._pause_s())
        for call in [call for call in self._calls if call.done()]:
            self._settle(call, self._calls.pop(call))
        for seen in [seen for seen in self._looks if seen.done()]:
            self._see(seen, self._looks.pop(seen))
        self._tell()

    def _pause_s(self) -> float:
        now = time.monotonic()
        until = [_TICK_S, self._pace.wait_s(now) or _TICK_S]
        if (look_at := self._watch.next_at()) is not None:
            until.append(look_at - now)
        return max(0.005, min(until))

    def _settle(self, call: Future[State], parcel: _Parcel) -> None:
        choice = parcel.choice
        try:
            state = call.result()
        except Refused as error:
            self.journal.settle(choice.number, State.REFUSED, error.code)
            self._count(State.REFUSED)
        except ServiceError as error:
            now = time.monotonic()
            self._pace.refused(now)
            if self._pace.is_hopeless(now):
                self._fault = self._fault or error
            # The same row, the same id; after a crash here the journal says so too.
            self._again.append(replace(parcel, before=True))
        except TripcanvasError as error:
            self._fault = self._fault or error
        else:
            self._pace.taken()
            self.journal.settle(choice.number, state)
            self._count(state)
            if state is State.SENT:
                self._day.sent += 1
                for journey, style in choice.journeys:
                    watched = Watched(journey, style, choice.rejections, choice.trip, parcel.task, parcel.at)
                    self._watch.add(watched, time.monotonic())

    def _see(self, seen: Future[Sight], watched: Watched) -> None:
        self._unseen.discard(watched.journey)
        now = self.services.now()
        age_s = (now - watched.sent_at).total_seconds()
        try:
            sight = seen.result()
        except Misconfigured as error:
            self._fault = self._fault or error
            return
        except ServiceError:
            self._watch.again(watched, max(age_s, 120.0), time.monotonic())
            return
        self.journal.move(watched.journey, sight.step, sight.code, ended=sight.ended)
        if sight.ended:
            self._watch.drop(watched)
            count_end(self.tally, sight.step, sight.code, 1)
        else:
            self._watch.again(watched, age_s, time.monotonic())

    def _count(self, state: State | None) -> None:
        if state is State.SENT:
            self.tally.sent += 1
        elif state is State.KNOWN:
            self.tally.known += 1
        else:
            self.tally.not_sent += 1

    def _tell(self) -> None:
        self.tally.under_way = len(self._watch)
        self.tally.rate = self._pace.rate
        self.on_change(self.tally)

    @staticmethod
    def _utc(at: datetime) -> datetime:
        return at.astimezone(timezone.utc)


def count_end(tally: Tally, step: str, code: str, count: int) -> None:
    """Count journeys that ended in a step."""
    if step == "published":
        tally.posts += count
        tally.drafts += count if code == "draft" else 0
    elif step == "held":
        tally.held += count
    else:
        tally.failures += count


def _is_ours(claim: TripClaim, parcel: _Parcel) -> bool:
    """Whether a claim was made by a call of this backfill whose answer was lost, or that an earlier run made."""
    return parcel.before and any(received.source == BACKFILL for received in claim.journeys.values())
