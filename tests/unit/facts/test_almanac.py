"""Seasons, light and holidays, checked against dates, sunsets and the moon."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.almanac import holiday_of, part_of_day, season_of
from shared.vocabulary import HOLIDAYS, PARTS_OF_DAY, SEASONS

SHANGHAI = (31.23, 121.47)
HARBIN = (45.80, 126.53)
KASHGAR = (39.47, 75.99)
SANYA = (18.25, 109.51)
SYDNEY = (-33.87, 151.21)
BEIJING_TIME = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("day", "place", "season"),
    [
        (date(2024, 5, 5), SHANGHAI, "spring"),
        (date(2024, 6, 1), SHANGHAI, "summer"),
        (date(2024, 11, 30), SHANGHAI, "autumn"),
        (date(2024, 12, 1), SHANGHAI, "winter"),
        (date(2024, 2, 29), HARBIN, "winter"),
        (date(2024, 1, 15), SANYA, "warm"),
        (date(2024, 10, 15), SANYA, "warm"),
        (date(2024, 7, 15), SANYA, "summer"),
        (date(2024, 7, 15), SYDNEY, "winter"),
        (date(2024, 1, 15), SYDNEY, "summer"),
        (date(2024, 4, 15), SYDNEY, "autumn"),
        (date(2024, 7, 15), (-22.91, -43.17), "warm"),
    ],
)
def test_the_season_is_that_of_the_place(day: date, place: tuple[float, float], season: str) -> None:
    assert season_of(day, place[0]) == season


@pytest.mark.parametrize(
    ("clock", "place", "light"),
    [
        ("2024-05-05T04:50", SHANGHAI, "dawn"),
        ("2024-05-05T08:00", SHANGHAI, "morning"),
        ("2024-05-05T12:10", SHANGHAI, "noon"),
        ("2024-05-05T15:30", SHANGHAI, "afternoon"),
        ("2024-05-05T18:57", SHANGHAI, "dusk"),
        ("2024-05-05T22:38", SHANGHAI, "night"),
        # In Harbin it is dark before five in December, and light before four in June.
        ("2024-12-20T16:50", HARBIN, "night"),
        ("2024-12-20T15:40", HARBIN, "dusk"),
        ("2024-06-20T03:40", HARBIN, "dawn"),
        # Beijing time in the far west.
        ("2024-07-10T22:20", KASHGAR, "dusk"),
        ("2024-07-10T20:00", KASHGAR, "afternoon"),
        ("2024-07-10T15:00", KASHGAR, "noon"),
        ("2024-07-10T06:00", KASHGAR, "night"),
    ],
)
def test_the_light_is_that_of_the_sun(clock: str, place: tuple[float, float], light: str) -> None:
    assert part_of_day(datetime.fromisoformat(clock).replace(tzinfo=BEIJING_TIME), *place) == light


def test_the_zone_a_time_is_written_in_does_not_change_the_light() -> None:
    moment = datetime(2024, 5, 5, 10, 57, tzinfo=timezone.utc)
    assert part_of_day(moment, *SHANGHAI) == part_of_day(moment.astimezone(BEIJING_TIME), *SHANGHAI) == "dusk"


@given(
    st.datetimes(
        datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2035-12-31"), timezones=st.just(timezone.utc)
    ),
    st.floats(-90, 90),
    st.floats(-180, 180),
)
def test_every_moment_everywhere_has_light_and_season(moment: datetime, latitude: float, longitude: float) -> None:
    assert part_of_day(moment, latitude, longitude) in PARTS_OF_DAY
    assert season_of(moment.date(), latitude) in SEASONS


@pytest.mark.parametrize(
    ("first", "last", "holiday"),
    [
        ("2024-05-02", "2024-05-05", "May Day"),
        ("2024-10-01", "2024-10-01", "National Day"),
        ("2025-01-01", "2025-01-01", "New Year"),
        ("2024-04-04", "2024-04-05", "Qingming"),
        ("2024-02-09", "2024-02-09", "Spring Festival"),
        ("2024-02-16", "2024-02-16", "Spring Festival"),
        ("2024-02-17", "2024-02-17", ""),
        ("2024-02-24", "2024-02-24", "Lantern Festival"),
        ("2025-05-31", "2025-05-31", "Dragon Boat Festival"),
        ("2025-10-06", "2025-10-06", "Mid-Autumn Festival"),
        ("2020-10-01", "2020-10-01", "Mid-Autumn Festival"),
        ("2023-06-18", "2023-06-25", "Dragon Boat Festival"),
        ("2023-05-01", "2023-05-20", ""),
        ("2024-03-15", "2024-03-18", ""),
        ("2050-05-01", "2050-05-01", "May Day"),
    ],
)
def test_holidays(first: str, last: str, holiday: str) -> None:
    assert holiday_of(date.fromisoformat(first), date.fromisoformat(last)) == holiday


def _moon_age_days(day: date) -> float:
    """Days since the mean new moon at noon in China; the true moon strays from it by up to about 0.6 days."""
    new_moon = datetime(2000, 1, 6, 18, 14, tzinfo=timezone.utc)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=BEIJING_TIME)
    return (noon - new_moon) / timedelta(days=29.530588853) % 1 * 29.530588853


@pytest.mark.parametrize(
    ("holiday", "day_of_moon", "earliest", "latest"),
    [
        ("Spring Festival", 1, (1, 21), (2, 21)),
        ("Dragon Boat Festival", 5, (5, 25), (6, 25)),
        ("Mid-Autumn Festival", 15, (9, 7), (10, 8)),
    ],
)
@pytest.mark.parametrize("year", range(2020, 2036))
def test_lunar_holidays_keep_the_moon(
    year: int, holiday: str, day_of_moon: int, earliest: tuple[int, int], latest: tuple[int, int]
) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    fitting = [day for day in days if holiday_of(day, day) == holiday]
    # The Spring Festival's first day follows its eve.
    day = fitting[1] if holiday == "Spring Festival" else fitting[0]
    assert earliest <= (day.month, day.day) <= latest
    off_by_days = (_moon_age_days(day) - (day_of_moon - 1) + 15) % 29.530588853 - 15
    assert abs(off_by_days) < 1.2


def test_every_holiday_comes_every_year() -> None:
    for year in range(2020, 2036):
        days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
        assert {holiday_of(day, day) for day in days} == {*HOLIDAYS, ""}
