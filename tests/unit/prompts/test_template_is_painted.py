"""What the template writes is what the stand-in painter reads: place, sight, weather, season and hour of the trip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.painter.scene import read
from shared.facts import TripFacts
from shared.gazetteer import load_cities
from shared.styles import load_styles
from shared.template_writer import write_brief
from shared.vocabulary import PARTS_OF_DAY, SEASONS, WEATHER

STYLES = load_styles(Path(__file__).parents[3] / "workflows" / "styles")
HOME = TripFacts(
    language="zh", cities=("上海市",), season="spring", part_of_day="noon", holiday="", weather=("overcast", "rain"),
    mood_tag="", words="走走", mood=(), distance_band="50 to 200 km", days=1, head_count=1, car_model="", car_color="",
)  # fmt: skip


@pytest.mark.parametrize("weather", WEATHER)
@pytest.mark.parametrize("part_of_day", PARTS_OF_DAY)
def test_every_city_is_painted_in_its_own_weather_hour_and_season(weather, part_of_day):
    wrong = []
    for number, city in enumerate(load_cities()):
        season = SEASONS[number % len(SEASONS)]
        facts = replace(
            HOME, cities=("上海市", city.name_zh), destination=city.name_zh, season=season, part_of_day=part_of_day,
            weather=("overcast", weather) if weather != "overcast" else ("overcast",), weather_at_end=weather,
        )  # fmt: skip
        style = list(STYLES.values())[number % len(STYLES)]
        scene = read(write_brief(facts, style, number).painting_prompt)
        seen = (scene.weather.value, scene.hour.value, scene.style.value)
        if seen != (weather, part_of_day, style.id) or (season != "warm" and scene.season.value != season):
            wrong.append((city.name_zh, season, seen, scene.season.value))
    assert wrong == []


def test_every_city_is_painted_as_its_kind_of_place_with_its_sight():
    wrong = []
    for number, city in enumerate(load_cities()):
        facts = replace(HOME, cities=(city.name_zh,))
        scene = read(write_brief(facts, STYLES["realistic"], number).painting_prompt)
        forms = {sight.form.casefold() for sight in city.sights}
        if scene.place.value != city.place or not forms & {sight.value for sight in scene.sights}:
            wrong.append((city.name_zh, city.place, scene.place.value, scene.sights))
    assert wrong == []


@pytest.mark.parametrize(
    ("cities", "words", "destination", "expected"),
    [
        (("上海市", "太原市", "平遥县"), "回家过年", "平遥县", "平遥县"),
        (("北京市", "哈尔滨市"), "the ice lanterns of Harbin", "", "哈尔滨市"),
        (("上海市", "湖州市", "无锡市"), "想去无锡看看", "", "无锡市"),
        (("上海市",), "", "", "上海市"),
    ],
)
def test_the_picture_is_of_what_the_owner_wrote_about_else_of_where_the_trip_led(cities, words, destination, expected):
    for seed in range(6):
        facts = replace(HOME, cities=cities, words=words, destination=destination)
        assert write_brief(facts, STYLES["ink_wash"], seed).city == expected


def test_the_weather_of_the_arrival_is_told_of_no_other_city():
    facts = replace(HOME, cities=("上海市", "太原市"), words="太原", weather_at_end="snow")
    assert "雪" not in write_brief(facts, STYLES["anime"], 1).caption
    assert "雪" in write_brief(replace(facts, destination="太原市"), STYLES["anime"], 1).caption
