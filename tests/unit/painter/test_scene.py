"""What a prompt is read as, in English and in Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.painter.scene import MAX_SIGHTS, Scene, read
from localcloud.painter.terms import Hour, Mood, Place, Season, Sight, Style, Weather
from localcloud.painter.vocabulary import HOMES, PHRASES


def test_an_english_prompt_is_read_term_by_term() -> None:
    scene = read(
        "A watercolour painting of a lake with a pagoda and a stone arch bridge, early spring, light rain at dawn, calm mood"
    )
    assert scene == Scene(
        style=Style.WATERCOLOUR,
        place=Place.LAKE,
        sights=(Sight.PAGODA, Sight.STONE_ARCH_BRIDGE),
        season=Season.SPRING,
        hour=Hour.DAWN,
        weather=Weather.RAIN,
        mood=Mood.CALM,
        backdrop=None,
    )


def test_a_chinese_prompt_is_read_the_same_way() -> None:
    scene = read("水彩画，湖边的宝塔和石拱桥，早春的黎明下着小雨，宁静")
    english = read("watercolour, lake, pagoda, stone arch bridge, spring, rain, dawn, calm")
    assert scene == english


@pytest.mark.parametrize("term", [*Style, *Place, *Sight, *Season, *Hour, *Weather, *Mood])
def test_every_canonical_phrase_is_understood(term: Style | Place | Sight | Season | Hour | Weather | Mood) -> None:
    scene = read(term.value)
    assert term in (scene.style, scene.place, *scene.sights, scene.season, scene.hour, scene.weather, scene.mood)


@pytest.mark.parametrize(
    ("name", "place", "sight"),
    [
        ("东方明珠", Place.CITY_SKYLINE, Sight.TELEVISION_TOWER),
        ("Oriental Pearl Tower", Place.CITY_SKYLINE, Sight.TELEVISION_TOWER),
        ("八达岭", Place.MOUNTAINS, Sight.GREAT_WALL),
        ("布达拉宫", Place.PLATEAU, Sight.HILLTOP_PALACE),
        ("西湖", Place.LAKE, Sight.PAGODA),
        ("乐山大佛", Place.RIVER, Sight.GIANT_BUDDHA),
        ("洪崖洞", Place.CITY_SKYLINE, Sight.STILTED_HOUSES),
        ("Mogao Caves", Place.DESERT, Sight.CLIFF_GROTTOES),
    ],
)
def test_famous_names_bring_their_place_and_sight(name: str, place: Place, sight: Sight) -> None:
    scene = read(f"自驾去{name}")
    assert (scene.place, scene.sights[0]) == (place, sight)


def test_of_overlapping_phrases_the_longest_counts() -> None:
    assert read("snow mountains in July sun").weather is Weather.SUNNY
    assert read("stone arch bridge").sights == (Sight.STONE_ARCH_BRIDGE,)


def test_names_of_provinces_and_cities_are_not_landscapes() -> None:
    assert read("江苏省无锡市到浙江省湖州市").place is Place.COUNTRYSIDE


def test_parts_of_other_words_do_not_count() -> None:
    assert read("a brainy seashell nightingale").place is Place.COUNTRYSIDE
    assert read("a brainy seashell nightingale").weather is Weather.SUNNY
    assert read("a brainy seashell nightingale").hour is Hour.AFTERNOON


@pytest.mark.parametrize(
    ("prompt", "negative"),
    [
        ("lake with a pagoda in the rain", "pagoda, rain"),
        ("lake, no pagoda, without rain", ""),
        ("湖，不要宝塔，没有下雨", ""),
        ("湖边的宝塔，小雨", "宝塔、雨"),
    ],
)
def test_what_is_not_wanted_is_left_out(prompt: str, negative: str) -> None:
    scene = read(prompt, negative)
    assert scene.place is Place.LAKE
    assert scene.sights == ()
    assert scene.weather is Weather.SUNNY


def test_even_the_usual_choice_gives_way_to_the_negative_prompt() -> None:
    scene = read("", "countryside, sunny, summer, afternoon, watercolour")
    assert scene.place is not Place.COUNTRYSIDE
    assert scene.weather is not Weather.SUNNY
    assert scene.season is not Season.SUMMER
    assert scene.hour is not Hour.AFTERNOON
    assert scene.style is not Style.WATERCOLOUR


@pytest.mark.parametrize("sight", list(Sight))
def test_a_sight_alone_stands_where_it_usually_does(sight: Sight) -> None:
    assert read(sight.value).place is HOMES[sight]


def test_falling_snow_means_winter() -> None:
    assert read("古镇，大雪纷飞").season is Season.WINTER


def test_a_second_place_becomes_the_backdrop() -> None:
    scene = read("a lake below snow mountains")
    assert (scene.place, scene.backdrop) == (Place.LAKE, Place.SNOW_MOUNTAINS)


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_a_scene(prompt: str, negative: str) -> None:
    scene = read(prompt, negative)
    assert len(scene.sights) <= MAX_SIGHTS
    assert read(prompt, negative) == scene


@given(st.lists(st.sampled_from(sorted(PHRASES)), max_size=12))
def test_any_mixture_of_known_phrases_is_a_scene(phrases: list[str]) -> None:
    assert len(read("，".join(phrases)).sights) <= MAX_SIGHTS
