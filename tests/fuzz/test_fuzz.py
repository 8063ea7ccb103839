"""Whatever bytes arrive, from whomever: a value or the right error, soon, in little memory, and nothing private told.

`FUZZ_CASES` says how many cases are run in all (`make fuzz`: 100,000), `FUZZ_SEED` which ones.
"""

from __future__ import annotations

import os
from math import ceil
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import driver
from tests.fuzz.mutation import Mutator
from tests.fuzz.service_targets import SERVICES
from tests.fuzz.targets import PURE, Target

CASES = int(os.environ.get("FUZZ_CASES", "1500"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
TARGETS = (*PURE, *SERVICES)
_TAKE_ANYTHING = ("rejected", "owners_words")
_WEIGHTS = sum(target.weight for target in TARGETS)

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def share(target: Target) -> int:
    """The target's part of all cases."""
    return ceil(CASES * target.weight / _WEIGHTS)


def test_the_shares_make_up_the_cases_asked_for():
    assert CASES <= sum(map(share, TARGETS)) < CASES + len(TARGETS)


@each_target
def test_mutated_examples_end_in_a_value_or_the_right_error(target):
    report = driver.run(target, share(target), SEED)
    assert report.cases == share(target)
    assert len(report.outcomes) > 1 or target.name in _TAKE_ANYTHING, "always the same: nothing but a refusal is tested"


@each_target
def test_examples_as_they_are_end_well(target):
    with driver.bounded() as logs:
        outcomes = {driver.run_one(target, seed, Random(n), logs)[0] for seed in target.seeds for n in range(20)}
    assert outcomes & driver.GOOD_ENDS, outcomes


@each_target
@settings(
    max_examples=max(20, CASES // 1000),
    deadline=None,  # the driver measures CPU time; the clock also counts what other processes take
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(choices=st.randoms(use_true_random=False))
def test_cases_that_hypothesis_chooses_and_shrinks(target, choices):
    with driver.bounded() as logs:
        driver.run_one(target, Mutator(target.seeds).case(choices), choices, logs)
