"""When a timer trigger fires."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from localcloud.fc.schedule import Every, ScheduleError, parse_schedule

#: A Sunday.
MOMENT = datetime(2024, 5, 5, 18, 57, 30, 250_000, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2024-05-05T18:57:31"),
        ("0 * * * * *", "2024-05-05T18:58:00"),
        ("0 0/5 * * * *", "2024-05-05T19:00:00"),
        ("*/20 * * * * *", "2024-05-05T18:57:40"),
        ("30 57 18 * * ?", "2024-05-06T18:57:30"),
        ("0 0 4 1 * *", "2024-06-01T04:00:00"),
        ("CRON_TZ=Asia/Shanghai 0 0 4 * * *", "2024-05-05T20:00:00"),
        ("CRON_TZ=Asia/Shanghai 0 0 4 * * 1", "2024-05-05T20:00:00"),
        ("0 0 12 ? * MON-WED", "2024-05-06T12:00:00"),
        ("0 0 12 ? * 7", "2024-05-12T12:00:00"),
        ("0 0 12 ? * SAT-SUN", "2024-05-11T12:00:00"),
        ("0 0 12 ? JAN,JUL *", "2024-07-01T12:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * FRI", "2024-05-10T00:00:00"),
        ("0 0,30 8-10/2 * * *", "2024-05-06T08:00:00"),
    ],
)
def test_the_next_time_is_the_first_that_matches(expression: str, expected: str) -> None:
    following = parse_schedule(expression).next_after(MOMENT)
    assert following == datetime.fromisoformat(expected).replace(tzinfo=timezone.utc)


def test_every_counts_from_the_moment_given() -> None:
    assert parse_schedule("@every 5m") == Every(timedelta(minutes=5))
    assert parse_schedule("@every 2h").next_after(MOMENT) == MOMENT + timedelta(hours=2)


def test_a_wall_clock_time_that_summer_time_skips_does_not_fire() -> None:
    before_the_change = datetime(2024, 3, 30, 12, tzinfo=timezone.utc)
    following = parse_schedule("CRON_TZ=Europe/Berlin 0 30 2 * * *").next_after(before_the_change)
    assert following == datetime(2024, 4, 1, 0, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "@every 0m",
        "@every 5",
        "@hourly",
        "* * * * *",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 0 0 * * 8",
        "0 0 0 10-5 * *",
        "*/0 * * * * *",
        "一 * * * * *",
        "0 0 0 31 2 *",
        "CRON_TZ=Asia/Atlantis 0 0 0 * * *",
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(expression)
