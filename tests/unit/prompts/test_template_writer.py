"""The brief without a model: valid for every trip and style, varied by seed, and silent about what may not be said."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.facts import TripFacts, facts_of
from shared.gazetteer import display_name, load_cities
from shared.phrases import FORMS_ZH, PART_OF_DAY, SEASON, SETTING, TITLES, WEATHER
from shared.prompts import CITY, parse_brief
from shared.styles import choose_style, load_styles
from shared.template_writer import write_brief
from shared.trips import parse_trip
from shared.vocabulary import HOLIDAYS, MOODS, PARTS_OF_DAY, PLACES, SEASONS, SIGHT_FORMS
from shared.vocabulary import WEATHER as WEATHER_WORDS

ROOT = Path(__file__).parents[3]
STYLES = load_styles(ROOT / "workflows" / "styles")
TRIPS = sorted((ROOT / "examples" / "trips").glob("*.json"))
CITIES = load_cities()

facts = st.builds(
    TripFacts,
    language=st.sampled_from(["zh", "en"]),
    cities=st.lists(st.sampled_from([city.name_zh for city in CITIES] + ["无名镇"]), max_size=4, unique=True).map(
        tuple
    ),
    season=st.sampled_from(SEASONS),
    part_of_day=st.sampled_from(PARTS_OF_DAY),
    holiday=st.sampled_from(["", *HOLIDAYS]),
    weather=st.lists(st.sampled_from(WEATHER_WORDS), max_size=2, unique=True).map(tuple),
    mood_tag=st.sampled_from(["", "出游", "回家"]),
    words=st.text(max_size=40),
    mood=st.lists(st.sampled_from(MOODS), max_size=3, unique=True).map(tuple),
    distance_band=st.sampled_from(["under 50 km", "200 to 500 km", "over 1000 km"]),
    days=st.integers(1, 9),
    head_count=st.integers(1, 5),
    car_model=st.just("gen1"),
    car_color=st.just("black"),
)


def as_answer(brief):
    return msgspec.json.encode(asdict(brief)).decode()


@given(facts, st.sampled_from(sorted(STYLES)), st.integers(0, 2**31 - 1))
def test_what_the_template_writes_would_be_accepted_of_a_model(trip, style, seed):
    brief = write_brief(trip, STYLES[style], seed)
    accepted = parse_brief(as_answer(brief), trip, STYLES[style], name_places=False)
    assert (accepted.title, accepted.caption, accepted.tags, accepted.alt_text) == (
        brief.title, brief.caption, brief.tags, brief.alt_text,
    )  # fmt: skip


@given(facts, st.sampled_from(sorted(STYLES)), st.integers(0, 2**31 - 1))
def test_no_text_of_the_post_names_a_city(trip, style, seed):
    brief = write_brief(trip, STYLES[style], seed)
    names = {name for city in trip.cities for name in (city, display_name(city, "zh"))}
    assert not [name for name in names for text in (brief.title, brief.caption, *brief.tags) if name in text]


@pytest.mark.parametrize("file", TRIPS, ids=lambda path: path.stem)
@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_example_trip_has_a_brief_in_every_style(file, style):
    trip = facts_of(parse_trip(file.read_bytes()))
    brief = write_brief(trip, STYLES[style], 3)
    assert STYLES[style].phrase in brief.painting_prompt
    assert parse_brief(as_answer(brief), trip, STYLES[style])


def test_the_same_seed_writes_the_same_and_other_seeds_vary():
    trip = facts_of(parse_trip(TRIPS[0].read_bytes()))
    style = STYLES["watercolour"]
    assert write_brief(trip, style, 5) == write_brief(trip, style, 5)
    assert len({write_brief(trip, style, seed).painting_prompt for seed in range(20)}) > 10


def test_the_example_trips_get_different_styles_and_scenes():
    briefs, styles = set(), set()
    for file in TRIPS:
        trip = facts_of(parse_trip(file.read_bytes()))
        style = choose_style(trip, STYLES)
        styles.add(style.id)
        briefs.add(write_brief(trip, style, 1).painting_prompt)
    assert len(briefs) == len(TRIPS)
    assert len(styles) >= 4


def test_the_sight_is_one_of_a_city_passed_rather_than_of_home():
    trip = facts_of(parse_trip((ROOT / "examples" / "trips" / "01-may-holiday.json").read_bytes()))
    sights = {sight.name_en for city in CITIES if city.name_zh in trip.cities[1:] for sight in city.sights}
    for seed in range(12):
        prompt = write_brief(trip, STYLES["realistic"], seed).painting_prompt
        assert any(sight in prompt for sight in sights)
        assert "Oriental Pearl" not in prompt


def test_a_trip_without_known_cities_has_a_scene_too():
    trip = replace(facts_of(parse_trip(TRIPS[0].read_bytes())), cities=("无名镇",))
    assert len(write_brief(trip, STYLES["anime"]).painting_prompt) >= 40


def test_the_stock_of_phrases_knows_every_word_of_the_vocabulary():
    assert set(SETTING) == set(PLACES)
    assert set(SEASON) == set(SEASONS)
    assert set(PART_OF_DAY) == set(PARTS_OF_DAY)
    assert set(WEATHER) == set(WEATHER_WORDS)
    assert set(FORMS_ZH) == set(SIGHT_FORMS)
    assert all(set(style.palette) == set(SEASONS) for style in STYLES.values())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_there_are_a_dozen_titles_and_more_in_each_language(language):
    assert sum(map(len, TITLES[language].values())) >= 24


def test_titles_mention_a_city_only_by_its_token():
    assert all(
        CITY in line or "{" not in line for lines in TITLES.values() for group in lines.values() for line in group
    )
