"""When a timer trigger fires next: ``@every 5m``, or six cron fields with an optional time zone.

Source: "Time triggers", help.aliyun.com/zh/functioncompute/fc/user-guide/time-triggers. Fields are second, minute,
hour, day of month, month, day of week (1-7 or MON-SUN); they are read in UTC unless ``CRON_TZ=<zone>`` comes first.
Where the document is silent this follows cron: 0 is also Sunday, and a time must match *either* day field when both
are restricted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

_EVERY = re.compile(r"@every\s+(?P<count>[1-9]\d*)(?P<unit>[smhd])")
_ZONE = re.compile(r"CRON_TZ=(?P<zone>\S+)\s+(?P<rest>.+)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

#: 29 February on a chosen weekday comes back after at most 40 years (across 2100, which has none).
_HORIZON_DAYS = 41 * 366


class ScheduleError(ValueError):
    """The expression is not one that Function Compute documents."""


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed period, counted from the deployment."""

    period: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """One period later than `moment`."""
        return moment + self.period


@dataclass(frozen=True, slots=True)
class Cron:
    """The allowed values of each field, in ascending order; weekdays as 0 (Sunday) to 6."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    any_day: bool
    any_weekday: bool
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime:
        """The first matching time later than `moment` (aware), in UTC.

        Wall-clock times that a change to summer time skips do not fire. Raises `ScheduleError` if no day matches.
        """
        local = moment.astimezone(self.zone)
        for offset in range(_HORIZON_DAYS):
            day = local.date() + timedelta(days=offset)
            if not self._matches(day):
                continue
            for clock in self._times(local.time() if offset == 0 else time.min):
                fires_at = datetime.combine(day, clock, self.zone).astimezone(timezone.utc)
                exists = fires_at.astimezone(self.zone).time() == clock
                if exists and fires_at > moment:
                    return fires_at
        raise ScheduleError("no day matches this cron expression")

    def _matches(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day = day.day in self.days
        by_weekday = day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday

    def _times(self, earliest: time) -> Sequence[time]:
        return [
            time(hour, minute, second)
            for hour in self.hours
            if hour >= earliest.hour
            for minute in self.minutes
            for second in self.seconds
        ]


def parse_schedule(expression: str) -> Every | Cron:
    """Read a timer trigger's `cronExpression`. Raises `ScheduleError`, also when it names a day that never comes."""
    text = expression.strip()
    every = _EVERY.fullmatch(text)
    if every:
        return Every(timedelta(seconds=int(every["count"]) * _UNIT_S[every["unit"]]))
    if text.startswith("@"):
        raise ScheduleError("must be like `@every 5m` (s, m, h or d)")
    zone: tzinfo = timezone.utc
    zoned = _ZONE.fullmatch(text)
    if zoned:
        text = zoned["rest"]
        try:
            zone = ZoneInfo(zoned["zone"])
        except (ZoneInfoNotFoundError, ValueError):
            raise ScheduleError(f"no time zone {zoned['zone']!r} on this machine") from None
    fields = text.split()
    if len(fields) != 6:
        raise ScheduleError(f"six fields (second minute hour day month weekday), got {len(fields)}")
    cron = Cron(
        seconds=_values(fields[0], 0, 59),
        minutes=_values(fields[1], 0, 59),
        hours=_values(fields[2], 0, 23),
        days=_values(fields[3], 1, 31),
        months=_values(fields[4], 1, 12, _MONTHS, first_name=1),
        weekdays=tuple(sorted({value % 7 for value in _values(fields[5], 0, 7, _WEEKDAYS)})),
        any_day=fields[3] in ("*", "?"),
        any_weekday=fields[5] in ("*", "?"),
        zone=zone,
    )
    cron.next_after(datetime(2024, 1, 1, tzinfo=timezone.utc))
    return cron


def _values(field: str, low: int, high: int, names: tuple[str, ...] = (), first_name: int = 0) -> tuple[int, ...]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if step and not re.fullmatch(r"[1-9]\d*", step):
            raise ScheduleError(f"bad step in {field!r}")
        if span in ("*", "?"):
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _value(start, low, high, names, first_name)
            last = _value(end, low, high, names, first_name) if dash else (high if step else first)
            if dash and end.upper() == "SUN":
                last = high
        if first > last:
            raise ScheduleError(f"the range in {field!r} runs backwards")
        found.update(range(first, last + 1, int(step or 1)))
    return tuple(sorted(found))


def _value(text: str, low: int, high: int, names: tuple[str, ...], first_name: int) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + first_name
    if not text.isdigit() or not low <= int(text) <= high:
        raise ScheduleError(f"{text!r} is not between {low} and {high}")
    return int(text)
