"""The example trips are valid, and differ in all that a picture can show."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.facts import TripFacts, facts_of
from shared.gazetteer import find_city
from shared.styles import load_styles
from shared.trips import Trip, parse_trip
from shared.workflows import FOLDER

FILES = sorted((Path(__file__).parents[3] / "examples" / "trips").glob("*.json"))


def trips() -> list[Trip]:
    return [parse_trip(file.read_bytes()) for file in FILES]


def facts() -> list[TripFacts]:
    return [facts_of(trip) for trip in trips()]


def test_there_are_twelve() -> None:
    assert len(FILES) == 12
    assert len({trip.trip_id for trip in trips()}) == 12


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_tells_enough_for_a_picture(file: Path) -> None:
    trip = parse_trip(file.read_bytes())
    told = facts_of(trip)
    assert all(find_city(city) for city in told.cities)
    assert told.weather
    assert told.mood
    assert told.words == trip.text
    assert told.car_model
    assert told.car_color
    assert set(trip.styles) <= set(load_styles(FOLDER / "styles"))


def test_together_they_show_the_range() -> None:
    told = facts()
    assert {trip_facts.season for trip_facts in told} == {"spring", "summer", "autumn", "winter", "warm"}
    assert {trip_facts.part_of_day for trip_facts in told} >= {"dawn", "morning", "noon", "afternoon", "dusk", "night"}
    weather = {word for trip_facts in told for word in trip_facts.weather}
    assert weather == {
        "sunny",
        "cloudy",
        "overcast",
        "rain",
        "thunderstorm",
        "snow",
        "fog",
        "haze",
        "windy",
        "sandstorm",
    }
    assert len({mood for trip_facts in told for mood in trip_facts.mood}) == 8
    assert len({trip_facts.distance_band for trip_facts in told}) == 5
    assert len({trip_facts.car_color for trip_facts in told}) >= 8
    assert sum(trip_facts.language == "en" for trip_facts in told) >= 2
    ends = [find_city(trip_facts.cities[-1]) for trip_facts in told]
    assert len({city.place for city in ends if city}) >= 8


def test_consent_and_choice_of_style_vary() -> None:
    given = trips()
    assert any(not trip.consent.publish for trip in given)
    assert any(trip.consent.publish and not trip.consent.show_cities for trip in given)
    assert all(trip.consent.process for trip in given)
    assert {len(trip.styles) for trip in given} == {0, 1, 2}


def test_no_two_examples_look_alike() -> None:
    looks = [(told.season, told.part_of_day, told.weather, told.cities) for told in facts()]
    assert len(set(looks)) == 12
