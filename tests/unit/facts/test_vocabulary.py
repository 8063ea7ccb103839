"""How the words of vehicles and owners are read into the vocabulary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vocabulary import CAR_COLORS, MOODS, WEATHER, color_in, model_in, moods_in, weather_in


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ("晴", ["sunny"]),
        ("晴天", ["sunny"]),
        ("晴转多云", ["sunny", "cloudy"]),
        ("多云转小雨", ["cloudy", "rain"]),
        ("晴间多云", ["cloudy"]),
        ("阴", ["overcast"]),
        ("小雨", ["rain"]),
        ("中到大雨", ["rain"]),
        ("雷阵雨", ["thunderstorm"]),
        ("雷阵雨伴有冰雹", ["thunderstorm"]),
        ("大雾", ["fog"]),
        ("霾", ["haze"]),
        ("雾霾", ["haze"]),
        ("沙尘", ["sandstorm"]),
        ("沙尘暴", ["sandstorm"]),
        ("浮尘", ["sandstorm"]),
        ("小雪", ["snow"]),
        ("雨夹雪", ["snow"]),
        ("大风", ["windy"]),
        ("晴,微风", ["sunny"]),
        ("无雨", []),
        ("雨过天晴", ["sunny"]),
        ("light snow", ["snow"]),
        ("snow showers", ["snow"]),
        ("LIGHT_RAIN", ["rain"]),
        ("PARTLY_CLOUDY_NIGHT", ["cloudy"]),
        ("Mostly sunny", ["sunny"]),
        ("Thunderstorm", ["thunderstorm"]),
        ("blowing dust", ["sandstorm"]),
        ("Rain and fog", ["rain", "fog"]),
        ("clear, no wind", ["sunny"]),
        ("brainstorm", []),
        ("☀️", ["sunny"]),
        ("未知", []),
        ("", []),
    ],
)
def test_weather_reports(report: str, words: list[str]) -> None:
    assert list(weather_in(report)) == words


@pytest.mark.parametrize(
    ("text", "moods"),
    [
        ("出游 新司机的五一出游!", ["joyful"]),
        ("累并快乐着", ["tired", "joyful"]),
        ("一点也不累", []),
        ("回家过年", ["nostalgic", "festive"]),
        ("和老婆的纪念日", ["romantic"]),
        ("一个人看海", ["lonely"]),
        ("湖边发呆", ["calm"]),
        ("独库公路说走就走", ["adventurous"]),
        ("Quiet morning, not tired at all", ["calm"]),
        ("An unquiet funfair", []),
        ("🎉", ["festive"]),
        ("到家了", []),
    ],
)
def test_moods(text: str, moods: list[str]) -> None:
    assert list(moods_in(text)) == moods


@pytest.mark.parametrize(
    ("description", "color", "model"),
    [
        ("黑色一代", "black", "gen1"),
        ("星空蓝二代", "blue", "gen2"),
        ("银灰第3代", "silver", "gen3"),
        ("金属灰", "grey", ""),
        ("香槟金二代", "gold", "gen2"),
        ("Obsidian black, 2nd generation", "black", "gen2"),
        ("second-gen, pearl white", "white", "gen2"),
        ("Graphite grey gen 1", "grey", "gen1"),
        ("远山蓝 SUV", "blue", "suv"),
        ("Pearl white SUV", "white", "suv"),
        ("黑色suv一代", "black", "gen1"),
        ("Suvarna gold", "gold", ""),
        ("redwood trim", "", ""),
        ("二十一代", "", ""),
        ("", "", ""),
    ],
)
def test_a_cars_description(description: str, color: str, model: str) -> None:
    assert (color_in(description), model_in(description)) == (color, model)


@given(st.text(max_size=80))
def test_any_text_reads_into_the_closed_lists(text: str) -> None:
    assert set(weather_in(text)) <= set(WEATHER)
    assert set(moods_in(text)) <= set(MOODS)
    assert color_in(text) in (*CAR_COLORS, "")
