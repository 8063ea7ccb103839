"""What is tried again, how often, and after which pauses."""

from __future__ import annotations

import pytest

from shared.errors import Misconfigured, OutcomeUnknown, Refused, ServiceError, Unavailable
from shared.retries import ATTEMPTS, FIRST_PAUSE_S, RESERVE_S, retrying, within

UNAVAILABLE = Unavailable("eas", "503")
UNKNOWN = OutcomeUnknown("eas", "Timeout")
REFUSED = Refused("oss", "NoSuchKey")


class Call:
    """Raises what is laid out, in order, then returns 42."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> int:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return 42


@pytest.fixture
def pauses() -> list[float]:
    return []


def test_a_call_that_succeeds_is_made_once_and_without_a_pause(pauses):
    call = Call()
    assert retrying(call, idempotent=True, sleep=pauses.append) == 42
    assert (call.made, pauses) == (1, [])


def test_what_was_not_taken_is_sent_again_even_when_repeating_it_would_matter(pauses):
    call = Call(UNAVAILABLE, UNAVAILABLE)
    assert retrying(call, idempotent=False, sleep=pauses.append) == 42
    assert call.made == 3


def test_an_unknown_outcome_is_repeated_only_where_repeating_is_harmless(pauses):
    harmless, harmful = Call(UNKNOWN), Call(UNKNOWN)
    assert retrying(harmless, idempotent=True, sleep=pauses.append) == 42
    with pytest.raises(OutcomeUnknown):
        retrying(harmful, idempotent=False, sleep=pauses.append)
    assert (harmless.made, harmful.made) == (2, 1)


@pytest.mark.parametrize("error", [REFUSED, Misconfigured("eas: answered 401")])
def test_a_no_is_never_asked_for_twice(error, pauses):
    call = Call(error)
    with pytest.raises(type(error)):
        retrying(call, idempotent=True, sleep=pauses.append)
    assert (call.made, pauses) == (1, [])


def test_the_last_error_is_raised_as_it_is(pauses):
    errors: list[ServiceError] = [UNKNOWN, UNKNOWN, UNKNOWN, UNAVAILABLE]
    call = Call(*errors)
    with pytest.raises(Unavailable) as raised:
        retrying(call, idempotent=True, sleep=pauses.append)
    assert raised.value is UNAVAILABLE
    assert call.made == ATTEMPTS == 4


def test_the_attempts_can_be_limited_further(pauses):
    call = Call(*[UNAVAILABLE] * 9)
    with pytest.raises(Unavailable):
        retrying(call, idempotent=True, attempts=2, sleep=pauses.append)
    assert (call.made, len(pauses)) == (2, 1)


def test_each_pause_lies_between_half_of_a_bound_and_the_bound_which_doubles(pauses):
    for _ in range(50):
        with pytest.raises(Unavailable):
            retrying(Call(*[UNAVAILABLE] * 9), idempotent=True, sleep=pauses.append)
    for place in range(ATTEMPTS - 1):
        bound = FIRST_PAUSE_S * 2**place
        drawn = pauses[place :: ATTEMPTS - 1]
        assert all(bound / 2 <= pause <= bound for pause in drawn)
        # Jitter: instances that failed together must not come back together.
        assert max(drawn) - min(drawn) > bound / 8


def test_nothing_is_repeated_when_the_run_has_no_time_left_for_it(pauses):
    call = Call(UNAVAILABLE, UNAVAILABLE)
    with within(RESERVE_S), pytest.raises(Unavailable):
        retrying(call, idempotent=True, sleep=pauses.append)
    assert (call.made, pauses) == (1, [])
    with within(RESERVE_S + 60):
        assert retrying(call, idempotent=True, sleep=pauses.append) == 42


def test_the_bound_of_a_run_ends_with_it(pauses):
    with within(0):
        pass
    assert retrying(Call(UNAVAILABLE), idempotent=True, sleep=pauses.append) == 42
