"""One run's work on one journey: decide on what the ledger says, write the intent, act, write the outcome.

Records are added in memory and written together, at the latest before the next effect. A run whose entry another run
has written first has decided on an old state: it reads again and decides anew. Trouble is written down, and the
journey waits for the sweeper; a message is asked for again only when the ledger could not take even that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import Misconfigured, NotDone, OutcomeUnknown, ServiceError, TripcanvasError, Unavailable
from shared.journey import Journey, next_look
from shared.ledger import Marker, Overtaken
from shared.measures import measures_of
from shared.records import (
    Failed,
    Received,
    Step,
    StepRecord,
    Trouble,
)
from shared.reporting import Outcome
from shared.services import Services
from shared.telemetry import log

#: How often a run decides anew before it leaves the journey to those who were faster.
_DECISIONS = 6


class NotQueued(Unavailable):
    """The owner of the submission of one `attempt` was refused by the queue, which took nothing."""

    def __init__(self, service: str, code: str, attempt: int) -> None:
        super().__init__(service, code, "nothing was queued")
        self.attempt = attempt


class InProgress(OutcomeUnknown):
    """Another run may be acting on the journey right now."""


@dataclass
class Course:
    """A journey in the hands of one run."""

    journey: Journey
    services: Services

    def __post_init__(self) -> None:
        self._logged = len(self.journey.records)

    def add(self, record: StepRecord) -> None:
        """Add a record, to be written with the next `commit`. Raises `shared.journey.IllegalStep`."""
        self.journey = self.journey.followed_by(record)

    def commit(self) -> None:
        """Write what was added. Raises `Overtaken` when another run wrote first."""
        self.journey = self.services.ledger.commit(self.journey)
        for number in range(self._logged, len(self.journey.records)):
            told = (self.journey, number, self.services.prices, self.services.settings)
            log("step", **measures_of(*told))
            if self.services.spans is not None:
                self.services.spans.add(self.journey, number, measures_of(*told))
        self._logged = len(self.journey.records)

    def settle(self, record: StepRecord) -> bool:
        """Write what has happened, whatever others wrote meanwhile; False when the journey has no place for it now."""
        while self.journey.allows(record):
            self.add(record)
            try:
                self.commit()
            except Overtaken:
                self.reload()
            else:
                return True
        return False

    def reload(self) -> None:
        """Take the journey as the ledger has it; what was added and not written is gone."""
        self.journey = self.services.ledger.read(self.journey.id)
        self._logged = len(self.journey.records)

    def run(self, during: str, work: Callable[[Course], None]) -> Outcome:
        """Do `work` and commit; anew as long as another run is faster. Trouble is noted, and told in the outcome."""
        try:
            return self._run(during, work)
        finally:
            if self.services.spans is not None:
                self.services.spans.flush()

    def _run(self, during: str, work: Callable[[Course], None]) -> Outcome:
        try:
            for _ in range(_DECISIONS):
                try:
                    work(self)
                    self.commit()
                except Overtaken:
                    log("overtaken", journey=self.journey.id, during=during)
                    self.reload()
                else:
                    return self._outcome()
            return self._outcome("other runs are at it")
        except InProgress as error:
            return self._outcome(str(error))
        except NotDone as error:
            reason = str(error)
            return self._run(during, lambda course: course.fail(during, reason))
        except TripcanvasError as error:
            return self._trouble(during, error)

    def fail(self, code: str, reason: str) -> None:
        """End the journey as `failed`, unless it has ended already."""
        if not self.journey.ended:
            self.add(Failed(at=self.services.now(), code=code, reason=reason))
        self.close()

    def close(self) -> None:
        """Write the end, then take away the marker; a cancelled journey keeps it, to be cleaned up once more.

        A held or failed journey is put before people first.
        """
        if self.journey.step is Step.HELD and self.journey.unwritten:
            self.services.ledger.hold(self.journey)
        if self.journey.step is Step.FAILED and self.journey.unwritten:
            self.services.ledger.note_failure(self.journey)
        self.commit()
        if self.journey.step is not Step.CANCELLED:
            self.services.ledger.close(self.journey, self.services.step_allowance)
            self.reopen()

    def reopen(self) -> None:
        """Mark a journey again that a person has sent on while its marker, of which it may be, was taken away."""
        if self.journey.step not in (Step.HELD, Step.FAILED):
            return
        newest = self.services.ledger.read(self.journey.id)
        if not newest.finished:
            self.services.ledger.mark(Marker.of(newest.id, newest.need(Received), self.services.now()))

    def hand_over(self, outcome: Outcome) -> None:
        """Leave a journey that could not be taken to its next wait to the sweeper, by a marker for the next look."""
        if not outcome.reason or outcome.retry or self.journey.finished:
            return
        due = next_look(self.journey, self.services.now(), self.services.step_allowance)
        self.services.ledger.mark(Marker.of(self.journey.id, self.journey.need(Received), due))

    def _trouble(self, during: str, error: TripcanvasError) -> Outcome:
        service = error.service if isinstance(error, ServiceError) else ""
        code = error.code if isinstance(error, ServiceError) else type(error).__name__
        log("trouble", journey=self.journey.id, during=during, service=service, code=code)
        trouble = Trouble(
            at=self.services.now(),
            attempt=error.attempt if isinstance(error, NotQueued) else 0,
            during=during,
            service=service,
            code=code,
            reason=str(error),
            nothing_taken=isinstance(error, NotQueued),
        )
        try:
            self._note(trouble)
        except (ServiceError, Misconfigured, Overtaken) as failure:
            log("trouble_not_noted", journey=self.journey.id, code=type(failure).__name__)
            return self._outcome(str(error), retry=True)
        return self._outcome(str(error))

    def _note(self, trouble: Trouble) -> None:
        for _ in range(_DECISIONS):
            before = self.journey.troubles[-1] if self.journey.troubles else None
            if not self.journey.unwritten and before and _same(before, trouble):
                return
            self.journey = self.journey.troubled_by(trouble)
            try:
                self.commit()
            except Overtaken:
                self.reload()
            else:
                return
        raise Overtaken(f"journey {self.journey.id}")

    def _outcome(self, reason: str = "", *, retry: bool = False) -> Outcome:
        return Outcome(self.journey.id, self.journey.step.value if self.journey.step else "", reason, retry)


def _same(one: Trouble, other: Trouble) -> bool:
    """Whether two troubles say the same; an outage of hours is one trouble."""
    return (one.during, one.code, one.reason, one.attempt) == (other.during, other.code, other.reason, other.attempt)
