"""Any number of runs at one journey that its owner withdraws, cut off anywhere: nothing of it comes back."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from shared.course import Course
from shared.journey import BY_ATTEMPT
from shared.ledger import Ledger, Overtaken
from shared.records import Step, Withdrawn
from tests.unit.core.test_journey import record, trouble
from tests.unit.core.test_journey_races import JOURNEY, CreateOnlyObjects, OnlyALedger

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=timezone.utc)


class CutOff(Exception):
    """The end of the withdrawing command in the middle of its work."""


class Objects(CreateOnlyObjects):
    """Objects that can also be overwritten, until the command is cut off."""

    puts_left = 1000

    def put(self, key, body, _content_type):
        if not self.puts_left:
            raise CutOff
        self.puts_left -= 1
        self.objects[key] = body


class Withdrawals(RuleBasedStateMachine):
    """Runs with old and new states in their hands write what they have decided, before, in and after a withdrawal."""

    runs = Bundle("runs")

    def __init__(self):
        super().__init__()
        self.bucket = Objects()
        self.ledger = Ledger(self.bucket)
        self.is_withdrawn = False

    @rule(target=runs, entries=st.integers(0, 6))
    def a_run_reads(self, entries):
        return Course(self.ledger.read(JOURNEY, entries=entries), OnlyALedger(self.ledger))

    @rule(course=runs, step=st.sampled_from(list(Step)))
    def it_decides(self, course, step):
        attempt = course.journey.attempt + (step is Step.SUBMITTING) if step in BY_ATTEMPT else 0
        made = record(step, attempt)
        if course.journey.allows(made):
            course.add(made)

    @rule(course=runs)
    def it_meets_trouble(self, course):
        # A journey without records is none: there is nothing that could meet trouble.
        if course.journey.records:
            course.journey = course.journey.troubled_by(trouble())

    @rule(course=runs)
    def it_writes(self, course):
        try:
            course.commit()
        except Overtaken:
            course.reload()

    @rule(course=consumes(runs))
    def it_is_cut_off(self, course):
        pass

    @rule(puts=st.integers(0, 4))
    def the_withdrawal_is_cut_off(self, puts):
        self.bucket.puts_left = puts
        try:
            self.ledger.withdraw(JOURNEY, NOW)
        except CutOff:
            assert self.ledger.read(JOURNEY).step is Step.WITHDRAWN
        else:
            self.is_withdrawn = True
        self.bucket.puts_left = 1000

    @rule()
    def the_owner_withdraws(self):
        self.ledger.withdraw(JOURNEY, NOW)
        self.is_withdrawn = True

    @invariant()
    def nothing_of_a_withdrawn_journey_is_there_or_comes_back(self):
        if not self.is_withdrawn:
            return
        assert self.ledger.filled(JOURNEY) == []
        for number in range(len(self.ledger.keys(JOURNEY))):
            [told] = self.ledger.read(JOURNEY, entries=number + 1).records
            assert isinstance(told, Withdrawn)

    @invariant()
    def its_end_stays_its_end(self):
        assert not self.is_withdrawn or self.ledger.read(JOURNEY).step is Step.WITHDRAWN


TestWithdrawals = Withdrawals.TestCase
TestWithdrawals.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
