"""Bounded, jittered retries of calls that may simply be made again, while the function has time left for them."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from shared.errors import OutcomeUnknown, ServiceError

_T = TypeVar("_T")

#: Calls in all, the first included.
ATTEMPTS = 4
#: Upper bound of the first pause, in seconds; doubles each time.
FIRST_PAUSE_S = 0.2
#: What a run keeps for one more call that waits for its time-out and for noting what went wrong.
RESERVE_S = 20.0

#: When the present run should be done, by `time.monotonic`.
_end: ContextVar[float] = ContextVar("end_of_run", default=math.inf)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound a run: no call is repeated when the repetition would begin less than `RESERVE_S` before its end."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def retrying(
    call: Callable[[], _T],
    *,
    idempotent: bool,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Make `call`, again after a pause while it raises a retryable `ServiceError`.

    An unknown outcome is repeated only when `idempotent`. The pause is drawn evenly between half of a bound and the
    bound, which doubles (equal jitter). The last error is raised as it is, and so is one after which no time is left
    (`within`).
    """
    bound = FIRST_PAUSE_S
    for left in reversed(range(attempts)):
        try:
            return call()
        except ServiceError as error:
            repeatable = error.retryable and (idempotent or not isinstance(error, OutcomeUnknown))
            pause = bound * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)
            if not repeatable or left == 0 or time.monotonic() + pause > _end.get() - RESERVE_S:
                raise
        sleep(pause)
        bound *= 2
    raise AssertionError("unreachable")
