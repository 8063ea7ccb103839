"""The journey as a table: its steps, what may follow what, and when it is overdue. Pure: no I/O, no clock.

One journey is one trip in one style. Every step leaves one record; the records, in their order, are the journey:

>>> sorted(step.value for step in FOLLOWS[Step.SUBMITTED])
['cancelled', 'failed', 'render_failed', 'rendered']

The GPU side counts in attempts: `submitting`, `submitted`, `rendered`/`render_failed` and `inspected` belong to one
attempt each, and a failed attempt is followed by `submitting` of the next one, until `MAX_RENDERS` are used up.
A `submitting` without its `submitted` is the state *unknown*: the request may have been taken. It is looked up,
never guessed.

A journey in memory may hold records that the ledger does not have yet: `Journey.unwritten` says so.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared.errors import TripcanvasError
from shared.records import (
    Approved,
    Held,
    Record,
    Redriven,
    Rendered,
    RenderFailed,
    Step,
    StepRecord,
    Submitted,
    Submitting,
    Trouble,
    Withdrawn,
    step_of,
)

#: Namespace of journey ids (uuid5), fixed for ever: the same trip and style always give the same journey.
NAMESPACE = uuid.UUID("6c1f7f3e-0b0e-5d0a-9c38-2f1a5c6e8b21")

#: Renders of one journey: the first and two more. Attempts that a busy image service refused are not counted.
MAX_RENDERS = 3


#: What may follow what. `SUBMITTING` after a failed render is the next attempt; a result may arrive before the
#: submission's own outcome was written, because the answer to the request was lost on its way. A person's `APPROVED` is
#: followed by what may follow the step before the journey was held (`Journey.place`), and a person's `REDRIVEN` by what
#: may follow the step that it names: these are all of them.
#: `WITHDRAWN` follows nothing: it takes the place of every record (`Journey.withdrawn`).
FOLLOWS: dict[Step | None, frozenset[Step]] = {
    None: frozenset({Step.RECEIVED, Step.REJECTED}),
    Step.RECEIVED: frozenset({Step.PROMPTED, Step.HELD, Step.FAILED, Step.CANCELLED}),
    Step.PROMPTED: frozenset({Step.SUBMITTING, Step.FAILED, Step.CANCELLED}),
    Step.SUBMITTING: frozenset({Step.SUBMITTED, Step.RENDERED, Step.RENDER_FAILED, Step.FAILED, Step.CANCELLED}),
    Step.SUBMITTED: frozenset({Step.RENDERED, Step.RENDER_FAILED, Step.FAILED, Step.CANCELLED}),
    Step.RENDERED: frozenset({Step.INSPECTED, Step.FAILED, Step.CANCELLED}),
    Step.RENDER_FAILED: frozenset({Step.SUBMITTING, Step.FAILED, Step.CANCELLED}),
    Step.INSPECTED: frozenset({Step.STORED, Step.SUBMITTING, Step.HELD, Step.FAILED, Step.CANCELLED}),
    Step.STORED: frozenset({Step.PUBLISHED, Step.FAILED, Step.CANCELLED}),
    Step.PUBLISHED: frozenset(),
    Step.HELD: frozenset({Step.APPROVED, Step.REDRIVEN, Step.FAILED, Step.CANCELLED}),
    Step.APPROVED: frozenset({Step.PROMPTED, Step.STORED, Step.HELD, Step.FAILED, Step.CANCELLED}),
    Step.REDRIVEN: frozenset(
        {
            Step.PROMPTED,
            Step.SUBMITTING,
            Step.INSPECTED,
            Step.STORED,
            Step.PUBLISHED,
            Step.HELD,
            Step.FAILED,
            Step.CANCELLED,
        }
    ),
    Step.REJECTED: frozenset(),
    Step.FAILED: frozenset({Step.REDRIVEN, Step.CANCELLED}),
    Step.CANCELLED: frozenset(),
    Step.WITHDRAWN: frozenset(),
}

#: Steps that are counted by attempt; their records carry the number in the key.
BY_ATTEMPT = frozenset({Step.SUBMITTING, Step.SUBMITTED, Step.RENDERED, Step.RENDER_FAILED, Step.INSPECTED})

#: Steps after which nothing happens by itself. A held journey is at rest too; it and a failed one a person can send on.
ENDS = frozenset({Step.PUBLISHED, Step.REJECTED, Step.FAILED, Step.CANCELLED, Step.WITHDRAWN})

#: Steps from which a journey can be redriven, in their order: what they have made still stands.
PLACES = (Step.RECEIVED, Step.PROMPTED, Step.RENDERED, Step.INSPECTED, Step.STORED)

#: Age at which an intent without an outcome is taken over: its owner makes one request of at most ten seconds.
TAKE_OVER_AFTER = timedelta(seconds=60)
#: What a run notes before it takes over another run's submission.
TAKING_OVER = "taking_over"

#: Troubles that a journey remembers; older ones stand in older entries of the ledger only.
MAX_TROUBLES = 20


class IllegalStep(TripcanvasError):
    """A record that may not follow the journey as it stands."""


_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey as its records tell it, `records` and `troubles` in the order in which they were written.

    `entries` is how many entries of the ledger's log it was read from; `unwritten` says that it has more to tell.
    """

    id: str
    records: tuple[StepRecord, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    entries: int = 0
    unwritten: bool = False

    @property
    def step(self) -> Step | None:
        """Where the journey stands; None before its first record."""
        return step_of(self.records[-1]) if self.records else None

    @property
    def attempt(self) -> int:
        """The newest attempt; 0 before the first."""
        return max((record.attempt for record in self.records), default=0)

    @property
    def may_render_again(self) -> bool:
        """Whether another attempt is allowed: fewer than `MAX_RENDERS` were made and not refused by a busy service."""
        return self.render_of(self.attempt + 1) <= MAX_RENDERS

    def render_of(self, attempt: int) -> int:
        """Which of the `MAX_RENDERS` renders an attempt is.

        Those that a busy service refused don't count, nor those from before a person took the journey up again.
        """
        first = max(
            (each.attempt for each in self.records if isinstance(each, Redriven) and each.attempt < attempt), default=0
        )
        refused = sum(
            isinstance(record, RenderFailed) and record.busy and first < record.attempt < attempt
            for record in self.records
        )
        return attempt - first - refused

    @property
    def place(self) -> Step | None:
        """Where the journey goes on from: its step; for an approved one that of the record that was held, and for a
        redriven one the step that it was taken back to.
        """
        if self.step not in (Step.APPROVED, Step.REDRIVEN):
            return self.step
        found = next(each for each in reversed(self.records) if not isinstance(each, Held | Approved))
        return found.place if isinstance(found, Redriven) else step_of(found)

    @property
    def places(self) -> tuple[Step, ...]:
        """The steps that it can be redriven from, in their order: those whose outcome still stands.

        What came after the step that an earlier redrive took it back to does not count: a hold of that very redrive
        must not be passed by going on from an older brief or picture.
        """
        standing: list[Step] = []
        for record in self.records:
            step = record.place if isinstance(record, Redriven) else step_of(record)
            if step is Step.SUBMITTING:
                step = Step.PROMPTED
            if step in PLACES:
                standing = [place for place in standing if PLACES.index(place) < PLACES.index(step)] + [step]
        return tuple(standing)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself: the journey has ended, or waits for a person."""
        return self.ended or self.step is Step.HELD

    @property
    def ended(self) -> bool:
        """Whether nothing follows, unless a person takes a failed journey up again."""
        return self.step in ENDS

    @property
    def begun(self) -> datetime:
        """Since when the journey is on its way by itself: its beginning, or the last time a person sent it on."""
        return next(
            (each.at for each in reversed(self.records) if isinstance(each, Approved | Redriven)), self.records[0].at
        )

    def approved(self, code: str) -> Held | None:
        """The hold of this code that a person has let pass, since the newest render or redrive from the beginning."""
        for before, after in zip(self.records[-2::-1], self.records[:0:-1], strict=True):
            if isinstance(after, Rendered) or (isinstance(after, Redriven) and after.place is Step.RECEIVED):
                return None
            if isinstance(after, Approved) and isinstance(before, Held) and before.code == code:
                return before
        return None

    def find(self, kind: type[_R], attempt: int | None = None) -> _R | None:
        """The record of one kind: of the given attempt, or the newest."""
        for record in reversed(self.records):
            if isinstance(record, kind) and (attempt is None or record.attempt == attempt):
                return record
        return None

    def need(self, kind: type[_R]) -> _R:
        """The newest record of one kind. Raises `IllegalStep` when the journey has none, as it must have by now."""
        found = self.find(kind)
        if found is None:
            raise IllegalStep(f"journey {self.id}: no record of {kind.__name__}")
        return found

    def allows(self, record: StepRecord) -> bool:
        """Whether the table allows this record next."""
        step = step_of(record)
        if step not in FOLLOWS[self.step] & FOLLOWS[self.place]:
            return False
        if isinstance(record, Redriven):
            return record.place in self.places and record.attempt == self.attempt
        expected = self.attempt + 1 if step is Step.SUBMITTING else self.attempt
        if step in BY_ATTEMPT and record.attempt != expected:
            return False
        return step is not Step.SUBMITTING or self.may_render_again

    def followed_by(self, record: StepRecord) -> Journey:
        """The journey with one more record, not written yet. Raises `IllegalStep` when the table does not allow it."""
        if not self.allows(record):
            where = f"{self.step.value if self.step else 'the beginning'}, attempt {self.attempt}"
            raise IllegalStep(f"journey {self.id}: {step_of(record).value} {record.attempt} may not follow {where}")
        return replace(self, records=(*self.records, record), unwritten=True)

    def withdrawn(self, at: datetime) -> Journey:
        """The journey with nothing left of it but that it was withdrawn, not written yet; as it is if it was before."""
        if self.step is Step.WITHDRAWN:
            return self
        return replace(self, records=(Withdrawn(at=at, attempt=self.attempt),), troubles=(), unwritten=True)

    def troubled_by(self, trouble: Trouble) -> Journey:
        """The journey with one more trouble, not written yet."""
        return replace(self, troubles=(*self.troubles, trouble)[-MAX_TROUBLES:], unwritten=True)


def journey_id(trip_id: str, style: str) -> str:
    """The id of a trip's journey in one style; tells nothing about the trip."""
    return str(uuid.uuid5(NAMESPACE, f"{trip_id}/{style}"))


def is_journey_id(text: str) -> bool:
    """Whether a text has the form of a journey id."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def trip_key(trip_id: str) -> str:
    """Under what a trip's claim stands in the ledger; tells nothing about the trip."""
    return str(uuid.uuid5(NAMESPACE, trip_id))


def task_id(journey: str, attempt: int) -> str:
    """The id of one render on the GPU side."""
    return f"{journey}-{attempt}"


def parse_task_id(task: str) -> tuple[str, int]:
    """Journey id and attempt of a task id. Raises `ValueError` for anything else."""
    journey, _, attempt = task.rpartition("-")
    if str(uuid.UUID(journey)) != journey or not attempt.isdecimal():
        raise ValueError("not a task id")
    return journey, int(attempt)


def seed_of(task: str) -> int:
    """The seed of one render, 0 to 2**31-1 (the image service's range); another attempt gets another seed."""
    return int.from_bytes(hashlib.sha256(task.encode()).digest()[:4], "big") & 0x7FFF_FFFF


def due_at(journey: Journey, step_allowance: timedelta) -> datetime:
    """When the journey should have moved on by itself.

    A render has its own deadline, and a submission without an outcome `TAKE_OVER_AFTER`; any other step may take
    `step_allowance`. A journey whose last news is trouble or a person's decision waits for nobody, and is due since
    then. Raises `ValueError` for a journey without records.
    """
    if not journey.records:
        raise ValueError("a journey without records is never due")
    last, trouble = journey.records[-1], journey.troubles[-1] if journey.troubles else None
    if isinstance(last, Submitting) and (trouble is None or trouble.during == TAKING_OVER):
        return max(last.at, trouble.at if trouble else last.at) + TAKE_OVER_AFTER
    if isinstance(last, Submitted):
        return last.deadline
    if trouble and trouble.at >= last.at:
        return trouble.at
    if isinstance(last, Approved | Redriven):
        return last.at
    return last.at + step_allowance


def next_look(journey: Journey, now: datetime, step_allowance: timedelta) -> datetime:
    """When the sweeper should look: at the next deadline, or, with that behind, ever more rarely as time goes by.

    That is a quarter of the journey's age from now, and at most `step_allowance`.
    """
    due = due_at(journey, step_allowance)
    if due > now:
        return due
    age = max(now - journey.begun, timedelta(0))
    return now + min(step_allowance, age / 4)
