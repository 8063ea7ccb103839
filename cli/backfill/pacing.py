"""How fast a backfill sends: never faster than asked, and slower while Function Compute is throttling. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: Slowest rate, per second: throttling never stops a backfill, it only slows it down.
SLOWEST = 0.1
#: A refused call halves the rate; each that is taken gives this share of the limit back.
_RECOVERY = 0.02
#: Longest pause after calls that failed one after another, in seconds.
_LONGEST_PAUSE_S = 60.0
#: Calls that may fail before one was ever taken: then the address is wrong, not the weather bad.
_FIRST_FAILURES = 4
#: How long nothing may be taken after that.
GIVE_UP_AFTER = timedelta(minutes=15)


@dataclass
class Pace:
    """A rate limit that gives way to throttling. Times are given in, as seconds of one monotonic clock."""

    per_second: float
    rate: float = field(init=False)
    _next_at: float = 0.0
    _failures: int = 0
    _failing_since: float = 0.0
    _taken: bool = False

    def __post_init__(self) -> None:
        self.rate = self.per_second

    def wait_s(self, now: float) -> float:
        """Seconds until the next call may be made; 0 for now."""
        return max(0.0, self._next_at - now)

    def sent(self, now: float) -> None:
        """A call is being made."""
        self._next_at = max(self._next_at, now) + 1 / self.rate

    def taken(self) -> None:
        """A call was taken."""
        self._taken, self._failures = True, 0
        self.rate = min(self.per_second, self.rate + self.per_second * _RECOVERY)

    def refused(self, now: float) -> None:
        """A call was throttled, or not answered: half as fast from now on, after a pause that doubles each time."""
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        self.rate = max(SLOWEST, self.rate / 2)
        self._next_at = max(self._next_at, now + min(2.0 ** (self._failures - 1) / 2, _LONGEST_PAUSE_S))

    def is_hopeless(self, now: float) -> bool:
        """Whether to give up: no call was ever taken, or none for a long time."""
        if not self._taken:
            return self._failures >= _FIRST_FAILURES
        return self._failures > 0 and now - self._failing_since > GIVE_UP_AFTER.total_seconds()


@dataclass
class DayLimit:
    """At most so many trips a day, by the days of this machine's time zone; `sent` is how many went out on `day`."""

    per_day: int
    sent: int
    day: datetime

    @staticmethod
    def midnight(now: datetime) -> datetime:
        """When the day of `now` began."""
        return now.replace(hour=0, minute=0, second=0, microsecond=0)

    def reached(self, now: datetime) -> bool:
        """Whether today's are used up; `now` is in the same time zone as `day`."""
        today = self.midnight(now)
        if today > self.day:
            self.day, self.sent = today, 0
        return bool(self.per_day) and self.sent >= self.per_day
