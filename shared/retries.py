"""Bounded, jittered retries of calls that may simply be made again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from shared.errors import OutcomeUnknown, ServiceError

_T = TypeVar("_T")

#: Calls in all, the first included.
ATTEMPTS = 4
#: Upper bound of the first pause, in seconds; doubles each time.
FIRST_PAUSE_S = 0.2


def retrying(
    call: Callable[[], _T],
    *,
    idempotent: bool,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Make `call`, again after a pause while it raises a retryable `ServiceError`.

    An unknown outcome is repeated only when `idempotent`. The pause is drawn evenly between half of a bound and the
    bound, which doubles (equal jitter). The last error is raised as it is.
    """
    bound = FIRST_PAUSE_S
    for left in reversed(range(attempts)):
        try:
            return call()
        except ServiceError as error:
            repeatable = error.retryable and (idempotent or not isinstance(error, OutcomeUnknown))
            if not repeatable or left == 0:
                raise
        sleep(bound * random.uniform(0.5, 1.0))  # noqa: S311  (jitter, not a secret)
        bound *= 2
    raise AssertionError("unreachable")
