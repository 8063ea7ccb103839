"""The submit rate of the account, for each model."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from localcloud.dashscope.wire import Refusal

if TYPE_CHECKING:
    from localcloud.dashscope.registry import Limits


class Throttle:
    """A token bucket for each model: `submit_burst` requests at once, then `submit_per_second`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tokens: defaultdict[str, float] = defaultdict(lambda: float(limits.submit_burst))
        self._filled_at: dict[str, float] = {}

    def admit(self, model: str) -> None:
        """Count one request for `model`. Raises `Refusal` (429) when it comes too soon."""
        now = time.monotonic()
        gained = (now - self._filled_at.get(model, now)) * self._limits.submit_per_second
        self._filled_at[model] = now
        self._tokens[model] = min(self._limits.submit_burst, self._tokens[model] + gained)
        if self._tokens[model] < 1:
            raise Refusal(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")
        self._tokens[model] -= 1
