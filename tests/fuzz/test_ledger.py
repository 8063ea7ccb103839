"""The ledger's objects after something has happened to them. Few cases: each reads a whole journey."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz import driver
from tests.fuzz.ledger_targets import LEDGER, ledger_object
from tests.fuzz.test_fuzz import CASES, SEED


@pytest.mark.parametrize("target", LEDGER, ids=lambda target: target.name)
def test_a_mutated_object_is_read_or_told(target):
    driver.run(target, max(20, CASES // 400), SEED)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"step":"received","x":"\xff"}',
        b'{"x":' * 5000 + b"0" + b"}" * 5000,
        b"",
        b"[]",
        b"null",
        b'{"content_hash":"h","journeys":{}}',
        b'{"records":[],"troubles":[],"writer":"e0c1621b9595bf0e"}',
    ],
)
def test_an_object_that_is_none_is_told(body):
    # Twice as many choices as a begun journey has objects: every one is hit.
    outcomes = {ledger_object(body, Random(n)) for n in range(12)}
    assert outcomes <= {"ServiceError", "Refused", "OutcomeUnknown", "Journey"}
