"""What is ordered for the car follows from the trip's sun and weather, and from the style."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from shared.facts import TripFacts
from shared.records import Received
from shared.scene_order import scene_order
from shared.styles import load_styles
from shared.workflows import FOLDER

FACTS = TripFacts(
    language="zh",
    cities=("杭州",),
    season="summer",
    part_of_day="noon",
    holiday="",
    weather=("sunny",),
    mood_tag="",
    words="",
    mood=(),
    distance_band="medium",
    days=1,
    head_count=1,
    car_model="gen1",
    car_color="red",
)
STYLES = load_styles(FOLDER / "styles")


def ordered(style: str = "realistic", sun: int | None = 60, attempt: int = 1, **facts: object):
    received = Received(
        at=datetime(2026, 7, 1, tzinfo=timezone.utc),
        trip="t",
        content_hash="h",
        style=style,
        source="live",
        facts=replace(FACTS, **facts),
        publish=True,
        show_cities=True,
        trip_date="2026-07-01",
        distance_km=100,
        sun_elevation_deg=sun,
    )
    return scene_order(received, STYLES[style], attempt)


@pytest.mark.parametrize(
    ("sun", "weather", "light", "shadow"),
    [
        (60, "sunny", "noon", 60.0),
        (85, "sunny", "noon", 75.0),
        (30, "cloudy", "noon", 30.0),
        (9, "sunny", "dusk", 9.0),
        (2, "sunny", "dusk", 7.0),
        (-3, "sunny", "dusk", None),
        (-7, "sunny", "night", None),
        (-20, "rain", "night", None),
        (60, "overcast", "overcast", None),
        (60, "fog", "overcast", None),
        (5, "rain", "overcast", None),
    ],
)
def test_light_and_shadow_are_those_of_the_trips_sun(sun: int, weather: str, light: str, shadow: float | None) -> None:
    order = ordered(sun=sun, weather=(weather,))
    assert (order.light, order.sun_elevation_deg) == (light, shadow)


@pytest.mark.parametrize(("part", "light"), [("noon", "noon"), ("dusk", "dusk"), ("dawn", "dusk"), ("night", "night")])
def test_a_journey_that_does_not_know_its_sun_goes_by_the_part_of_day(part: str, light: str) -> None:
    assert ordered(sun=None, part_of_day=part).light == light


@pytest.mark.parametrize(
    ("weather", "surface"),
    [("rain", "wet"), ("thunderstorm", "wet"), ("snow", "snow"), ("fog", "dry"), ("sunny", "dry")],
)
def test_the_ground_is_as_the_weather_at_the_trips_end_left_it(weather: str, surface: str) -> None:
    assert ordered(weather=("sunny",), weather_at_end=weather).surface == surface


def test_ink_knows_no_sun_but_it_knows_the_night() -> None:
    assert ordered("ink_wash").light == "overcast"
    assert ordered("ink_wash").sun_elevation_deg is None
    assert ordered("ink_wash", sun=-30).light == "night"


def test_the_last_attempt_leaves_the_grain_out() -> None:
    assert [ordered("ink_wash", attempt=attempt).texture for attempt in (1, 2, 3)] == ["ink", "ink", "none"]
