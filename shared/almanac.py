"""What date and place say about a picture: the season, the light, the holiday. Pure: no clock."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone

#: Between these latitudes, in degrees, the sun stands overhead once a year, and there is no winter to be painted.
TROPIC_DEG = 23.44

#: The sun this far below the horizon, in degrees, leaves no colour in the sky: towards the end of nautical twilight.
_NIGHT_BELOW_DEG = -8.0
#: Up to this height, in degrees, light is that of dawn or dusk: the photographers' golden hour.
_LOW_SUN_DEG = 6.0

_SEASON_BY_MONTH = ("winter",) * 2 + ("spring",) * 3 + ("summer",) * 3 + ("autumn",) * 3 + ("winter",)
_OPPOSITE = {"spring": "autumn", "autumn": "spring", "summer": "winter", "winter": "summer"}

#: Spring Festival, Dragon Boat Festival and Mid-Autumn Festival by year, as month and day: first day of the first,
#: fifth of the fifth and fifteenth of the eighth month of the Chinese calendar (GB/T 33661-2017).
_LUNAR: dict[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    2020: ((1, 25), (6, 25), (10, 1)),
    2021: ((2, 12), (6, 14), (9, 21)),
    2022: ((2, 1), (6, 3), (9, 10)),
    2023: ((1, 22), (6, 22), (9, 29)),
    2024: ((2, 10), (6, 10), (9, 17)),
    2025: ((1, 29), (5, 31), (10, 6)),
    2026: ((2, 17), (6, 19), (9, 25)),
    2027: ((2, 6), (6, 9), (9, 15)),
    2028: ((1, 26), (5, 28), (10, 3)),
    2029: ((2, 13), (6, 16), (9, 22)),
    2030: ((2, 3), (6, 5), (9, 12)),
    2031: ((1, 23), (6, 24), (10, 1)),
    2032: ((2, 11), (6, 12), (9, 19)),
    2033: ((1, 31), (6, 1), (9, 8)),
    2034: ((2, 19), (6, 20), (9, 27)),
    2035: ((2, 8), (6, 10), (9, 16)),
}

#: Holidays on fixed dates: name, first day, last day. Qingming falls on 4 or 5 April in the years of the table above.
_FIXED: tuple[tuple[str, tuple[int, int], tuple[int, int]], ...] = (
    ("New Year", (1, 1), (1, 3)),
    ("Qingming", (4, 4), (4, 6)),
    ("May Day", (5, 1), (5, 5)),
    ("National Day", (10, 1), (10, 7)),
)

#: Only the last days of a long trip make it a holiday trip.
_LOOK_BACK_DAYS = 7


def season_of(day: date, latitude: float) -> str:
    """The season of the land at `latitude` (degrees, north positive), one of `shared.vocabulary.SEASONS`.

    Meteorological seasons, reversed south of the equator. In the tropics autumn and winter are ``warm``.
    """
    season = _SEASON_BY_MONTH[day.month - 1]
    if latitude < 0:
        season = _OPPOSITE[season]
    if abs(latitude) < TROPIC_DEG and season in ("autumn", "winter"):
        return "warm"
    return season


def part_of_day(moment: datetime, latitude: float, longitude: float) -> str:
    """The light at an aware `moment` in a place (degrees), one of `shared.vocabulary.PARTS_OF_DAY`.

    By the height of the sun, not by the clock: on Beijing time the sun of Kashgar sets after ten in summer.
    """
    solar_hour, height_deg = _sun(moment, latitude, longitude)
    if height_deg < _NIGHT_BELOW_DEG:
        return "night"
    if height_deg < _LOW_SUN_DEG:
        return "dawn" if solar_hour < 12 else "dusk"
    if solar_hour < 11:
        return "morning"
    return "noon" if solar_hour < 13 else "afternoon"


def sun_height_deg(moment: datetime, latitude: float, longitude: float) -> float:
    """The height of the sun's centre above the horizon in degrees, without refraction, at an aware `moment`."""
    return _sun(moment, latitude, longitude)[1]


def _sun(moment: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Apparent solar time in hours and the height of the sun's centre in degrees, as PyEphem computes them."""
    import ephem

    place = ephem.Observer()
    place.lat, place.lon = math.radians(latitude), math.radians(longitude)
    place.date, place.pressure = moment.astimezone(timezone.utc), 0
    sun = ephem.Sun(place)
    hour_angle = math.degrees(place.sidereal_time() - sun.ra)
    return (hour_angle / 15 + 12) % 24, math.degrees(sun.alt)


def holiday_of(first: date, last: date) -> str:
    """The Chinese holiday that a trip's last days fall on, one of `shared.vocabulary.HOLIDAYS`; "" for none."""
    day = last
    while day >= first and last - day < timedelta(days=_LOOK_BACK_DAYS):
        holiday = _holiday_on(day)
        if holiday:
            return holiday
        day -= timedelta(days=1)
    return ""


def _holiday_on(day: date) -> str:
    if day.year in _LUNAR:
        spring, dragon_boat, mid_autumn = (date(day.year, *month_day) for month_day in _LUNAR[day.year])
        # From New Year's Eve to the sixth day of the new year; the first full moon ends the season on the fifteenth.
        if -1 <= (day - spring).days <= 6:
            return "Spring Festival"
        if (day - spring).days == 14:
            return "Lantern Festival"
        if day == dragon_boat:
            return "Dragon Boat Festival"
        if day == mid_autumn:
            return "Mid-Autumn Festival"
    month_day = (day.month, day.day)
    return next((name for name, first, last in _FIXED if first <= month_day <= last), "")
