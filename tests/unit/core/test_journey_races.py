"""Any number of runs at one journey, in any order, repeated, stale, cut off: its log stays one legal journey."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from shared.clouds.objects import NotFound
from shared.course import Course
from shared.journey import (
    BY_ATTEMPT,
    ENDS,
    FOLLOWS,
    PLACES,
    IllegalStep,
    Journey,
)
from shared.ledger import Ledger, Overtaken
from shared.records import (
    Cancelled,
    Failed,
    Redriven,
    RenderFailed,
    Step,
    step_of,
)
from shared.settings import Settings
from tests.unit.core.test_journey import record, trouble

JOURNEY = "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60"


@dataclass
class CreateOnlyObjects:
    """What the ledger asks of a bucket, in memory. Its create-only puts are those that OSS promises."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def create(self, key, body, _content_type):
        return self.objects.setdefault(key, body) is body

    def get(self, key, *, max_bytes):
        if key not in self.objects:
            raise NotFound("oss", "NoSuchKey")
        assert len(self.objects[key]) <= max_bytes
        return self.objects[key]

    def keys(self, prefix, *, limit=1000):
        return sorted(key for key in self.objects if key.startswith(prefix))[:limit]


@dataclass(frozen=True)
class OnlyALedger:
    """The part of the services that a course needs to write."""

    ledger: Ledger
    settings: Settings = field(default_factory=Settings)
    prices: None = None
    spans: None = None


class Races(RuleBasedStateMachine):
    """Runs that read the journey, decide on records, and write or are cut off before they do."""

    runs = Bundle("runs")

    def __init__(self):
        super().__init__()
        self.bucket = CreateOnlyObjects()
        self.ledger = Ledger(self.bucket)
        self.written = []

    def decided(self, course, step, busy, place=Step.RECEIVED):
        journey = course.journey
        counted = step in BY_ATTEMPT or step is Step.REDRIVEN
        attempt = journey.attempt + (step is Step.SUBMITTING) if counted else 0
        made = record(step, attempt, place)
        if isinstance(made, RenderFailed) and busy:
            made = RenderFailed(at=made.at, attempt=attempt, code="c", reason="r", retry=True, busy=True)
        return made

    @rule(target=runs)
    def a_run_reads(self):
        return Course(self.ledger.read(JOURNEY), OnlyALedger(self.ledger))

    @rule(target=runs, entries=st.integers(1, 6))
    def a_run_reads_a_state_that_may_be_old(self, entries):
        return Course(self.ledger.read(JOURNEY, entries=entries), OnlyALedger(self.ledger))

    @rule(course=runs, step=st.sampled_from(list(Step)), busy=st.booleans())
    def it_decides(self, course, step, busy):
        before = course.journey
        made = self.decided(course, step, busy)
        try:
            course.add(made)
        except IllegalStep:
            assert course.journey == before
            assert not before.allows(made)
        else:
            assert step in FOLLOWS[before.step]

    @rule(course=runs, by_hand=st.sampled_from([Step.FAILED, Step.HELD, Step.APPROVED]), place=st.sampled_from(PLACES))
    def a_person_decides(self, course, by_hand, place):
        """What random steps seldom come to: an end, and from there back to any place."""
        for step in (by_hand, Step.REDRIVEN):
            made = self.decided(course, step, busy=False, place=place)
            before = course.journey
            if before.allows(made):
                course.add(made)
                if isinstance(made, Redriven):
                    assert before.step in (Step.FAILED, Step.HELD)
                    assert place in before.places
                    assert course.journey.place is place
                    assert not course.journey.finished
                    # It can always be ended, and what is to come has all its renders.
                    assert course.journey.allows(self.decided(course, Step.FAILED, busy=False))
                    assert course.journey.may_render_again

    @rule(course=runs)
    def it_meets_trouble(self, course):
        # A journey without records is none: there is nothing that could meet trouble.
        if course.journey.records:
            course.journey = course.journey.troubled_by(trouble())

    @rule(course=runs)
    def it_writes(self, course):
        newest = self.ledger.read(JOURNEY)
        decided = course.journey
        try:
            course.commit()
        except Overtaken:
            assert decided.entries < newest.entries
            course.reload()
            assert course.journey == newest
        else:
            assert not decided.unwritten or decided.entries == newest.entries
            self.written.append(decided.records)

    @rule(course=runs, step=st.sampled_from(list(Step)))
    def it_tells_what_has_happened(self, course, step):
        course.reload()
        stale = Course(replace(course.journey), OnlyALedger(self.ledger))
        told = self.decided(course, step, busy=False)
        settled = stale.settle(told)
        assert settled == course.journey.allows(told)
        assert not settled or self.ledger.read(JOURNEY).records[-1] == told

    @rule(course=consumes(runs))
    def it_is_cut_off(self, course):
        pass

    @invariant()
    def every_entry_goes_on_from_the_one_before(self):
        keys = self.ledger.keys(JOURNEY)
        before = Journey(JOURNEY)
        for number in range(len(keys)):
            entry = self.ledger.read(JOURNEY, entries=number + 1)
            assert entry.entries == number + 1
            assert entry.records[: len(before.records)] == before.records
            new = entry.records[len(before.records) :]
            taken_up = before.step is Step.FAILED and new and isinstance(new[0], Redriven | Cancelled)
            assert not new or not before.ended or taken_up
            before = entry

    @invariant()
    def the_records_are_a_legal_journey_that_only_a_person_takes_up_after_its_end(self):
        journey = self.ledger.read(JOURNEY)
        replayed = Journey(JOURNEY)
        for told in journey.records:
            replayed = replayed.followed_by(told)
        assert replayed.records == journey.records
        for told, after in zip(journey.records, journey.records[1:], strict=False):
            assert step_of(told) not in ENDS or (isinstance(told, Failed) and isinstance(after, Redriven | Cancelled))
        assert sum(step_of(told) is Step.PUBLISHED for told in journey.records) <= 1

    @invariant()
    def what_was_written_is_never_lost(self):
        newest = self.ledger.read(JOURNEY).records
        assert all(newest[: len(records)] == records for records in self.written)


TestRaces = Races.TestCase
TestRaces.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
