"""What is asked for can be seen in the picture: measured on small paintings."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.painter import paint
from localcloud.painter.settings import SETTINGS
from localcloud.painter.sights import FORMS, GROVES
from localcloud.painter.terms import Hour, Place, Season, Sight, Style, Weather
from localcloud.painter.vocabulary import HOMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDTH, _HEIGHT = 192, 240


@functools.cache
def small(prompt: str, seed: int = 3) -> NDArray[np.float32]:
    return paint(prompt, seed=seed, width=_WIDTH, height=_HEIGHT).astype(np.float32)


def ground(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The lowest eighth, inside any margin of the sheet."""
    return picture[int(_HEIGHT * 0.85) : int(_HEIGHT * 0.97), int(_WIDTH * 0.06) : int(_WIDTH * 0.94)]


def sky(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return picture[int(_HEIGHT * 0.06) : int(_HEIGHT * 0.2), int(_WIDTH * 0.06) : int(_WIDTH * 0.94)]


def colourfulness(picture: NDArray[np.float32]) -> float:
    """Mean distance of the channels from each other."""
    return float((picture.max(axis=2) - picture.min(axis=2)).mean())


def difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean difference in code values."""
    return float(np.abs(one - other).mean())


def detail(picture: NDArray[np.float32]) -> float:
    """Mean strength of the finest edges."""
    return float(np.abs(cv2.Laplacian(picture.mean(axis=2), cv2.CV_32F)).mean())


def test_a_picture_has_the_size_and_type_that_was_asked_for() -> None:
    picture = paint("西湖，雷峰塔，春天", width=512, height=640)
    assert picture.shape == (640, 512, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(("width", "height"), [(1440, 512), (512, 1440)])
def test_very_wide_and_very_tall_pictures_are_painted(width: int, height: int) -> None:
    assert paint("sea coast, suspension bridge, dusk", width=width, height=height).shape == (height, width, 3)


@pytest.mark.parametrize("side", [0, -5, 63, 2049])
def test_a_size_out_of_range_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match="width and height"):
        paint("lake", width=side)


@pytest.mark.parametrize("style", list(Style))
def test_the_same_arguments_give_the_same_picture(style: Style) -> None:
    prompt = f"{style.value}, 江南水乡, stone arch bridge, rain"
    one, again = (paint(prompt, seed=11, width=_WIDTH, height=_HEIGHT) for _ in range(2))
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("place", list(Place))
def test_another_seed_is_another_view(place: Place) -> None:
    prompt = f"realistic, {place.value}, summer noon"
    assert difference(small(prompt, seed=1), small(prompt, seed=2)) > 8


@pytest.mark.parametrize("seed", [-1, 0, 2**31, 2**64 + 5])
def test_any_integer_is_a_seed(seed: int) -> None:
    assert small("草原，蒙古包", seed=seed).shape == (_HEIGHT, _WIDTH, 3)


def test_seeds_put_the_sight_on_both_sides() -> None:
    sides = set()
    for seed in range(8):
        with_tower = small("realistic, 电视塔, noon", seed=seed)
        without = small("realistic, skyscraper, noon", seed=seed)
        columns = np.abs(with_tower - without).mean(axis=(0, 2))
        sides.add(float((columns * np.arange(_WIDTH)).sum() / columns.sum()) > _WIDTH / 2)
    assert sides == {True, False}


@pytest.mark.parametrize("style", list(Style))
def test_night_is_darker_than_noon(style: Style) -> None:
    view = f"{style.value}, 大运河古镇, clear sky"
    assert small(f"{view}, night").mean() < small(f"{view}, noon").mean() - 25


def test_night_is_not_black() -> None:
    assert np.percentile(small("realistic, 湖, 夜晚").mean(axis=2), 90) > 35


@pytest.mark.parametrize("hour", [Hour.DAWN, Hour.DUSK])
def test_the_days_ends_are_warmer_than_noon(hour: Hour) -> None:
    def warmth(picture: NDArray[np.float32]) -> float:
        return float((sky(picture)[..., 0] - sky(picture)[..., 2]).mean())

    assert warmth(small(f"realistic, 湖, {hour.value}")) > warmth(small("realistic, 湖, noon")) + 40


def test_lamps_are_lit_at_night() -> None:
    night = small("realistic, 摩天轮, 城市, 夜晚")
    assert (night.max(axis=2) > 200).sum() > 100


@pytest.mark.parametrize("style", [style for style in Style if style is not Style.INK_WASH])
def test_snow_whitens_the_ground(style: Style) -> None:
    view = f"{style.value}, 乡村, morning"
    snow, bare = ground(small(f"{view}, snow, winter")), ground(small(f"{view}, summer, overcast"))
    assert snow.mean() > bare.mean() + 20
    assert colourfulness(snow) < colourfulness(bare)


def test_autumn_is_redder_and_less_green_than_summer() -> None:
    def redness(picture: NDArray[np.float32]) -> float:
        return float((picture[..., 0] - picture[..., 1])[_HEIGHT // 2 :].mean())

    view = "realistic, 森林, noon, sunny"
    assert redness(small(f"{view}, 秋天")) > redness(small(f"{view}, 夏天")) + 15


def test_spring_is_paler_green_than_summer() -> None:
    view = "realistic, 山, noon, sunny"
    assert small(f"{view}, 春天")[_HEIGHT // 2 :].mean() > small(f"{view}, 夏天")[_HEIGHT // 2 :].mean()


def test_winter_is_less_colourful_than_summer() -> None:
    view = "realistic, 山, noon, sunny"
    assert colourfulness(small(f"{view}, 冬天")) < colourfulness(small(f"{view}, 夏天"))


@pytest.mark.parametrize("weather", [Weather.OVERCAST, Weather.RAIN, Weather.THUNDERSTORM, Weather.FOG, Weather.SNOW])
def test_a_closed_sky_is_grey(weather: Weather) -> None:
    grey, blue = small(f"realistic, 湖, noon, {weather.value}"), small("realistic, 湖, noon, sunny")
    assert colourfulness(sky(grey)) < 0.5 * colourfulness(sky(blue))


def test_fog_takes_the_contrast_away() -> None:
    clear, fog = small("realistic, 群山, noon, sunny"), small("realistic, 群山, noon, 大雾")
    middle = slice(int(_HEIGHT * 0.35), int(_HEIGHT * 0.6))
    assert fog[middle].std() < 0.7 * clear[middle].std()


def test_a_thunderstorm_is_darker_than_rain_and_rain_than_sun() -> None:
    storm, rain, sun = (small(f"realistic, 湖, noon, {word}")[: _HEIGHT // 3].mean() for word in ("雷雨", "雨", "晴"))
    assert storm < rain - 10
    assert rain < sun + 5


def test_haze_and_sandstorm_are_yellow() -> None:
    for word, least in (("沙尘暴", 40), ("雾霾", 3)):
        picture = small(f"realistic, 戈壁, noon, {word}")
        assert (sky(picture)[..., 0] - sky(picture)[..., 2]).mean() > least


def test_clouds_cover_more_of_a_cloudy_sky() -> None:
    cloudy, sunny = small("realistic, 草原, noon, 多云"), small("realistic, 草原, noon, 晴")
    assert colourfulness(cloudy[: _HEIGHT // 3]) < colourfulness(sunny[: _HEIGHT // 3])


@pytest.mark.parametrize("weather", list(Weather))
def test_every_weather_changes_the_view(weather: Weather) -> None:
    others = [other for other in Weather if other is not weather]
    here = small(f"realistic, 湖, noon, {weather.value}")
    assert min(difference(here, small(f"realistic, 湖, noon, {other.value}")) for other in others[:4]) > 1.5


@pytest.mark.parametrize("season", list(Season))
def test_every_season_changes_the_view(season: Season) -> None:
    here = small(f"realistic, 乡村, noon, {season.value}")
    assert all(
        difference(here, small(f"realistic, 乡村, noon, {other.value}")) > 4 for other in Season if other is not season
    )


def test_every_sight_has_a_form() -> None:
    assert {*FORMS, *GROVES} == set(Sight)


def test_every_place_has_a_setting() -> None:
    assert set(SETTINGS) == set(Place)


@pytest.mark.parametrize("sight", list(Sight))
def test_every_sight_is_seen(sight: Sight) -> None:
    # The view of one seed stays the same when a sight is added to it, so what changes is the sight.
    place = HOMES[sight].value
    with_sight = small(f"realistic, {place}, {sight.value}, noon")
    without = small(f"realistic, {place}, noon")
    changed = np.abs(with_sight - without).mean(axis=2) > 16
    upper = changed[: int(_HEIGHT * 0.7)]
    assert upper.mean() > 0.008


def test_no_two_sights_look_alike() -> None:
    pictures = {sight: small(f"realistic, lake, {sight.value}, noon") for sight in Sight}
    for sight, picture in pictures.items():
        for other, its in pictures.items():
            assert sight is other or difference(picture, its) > 0.8, (sight, other)


def test_a_negative_prompt_takes_a_sight_out() -> None:
    prompt = "realistic, 湖, 宝塔, noon"
    kept = paint(prompt, seed=2, width=_WIDTH, height=_HEIGHT)
    taken = paint(prompt, negative_prompt="宝塔", seed=2, width=_WIDTH, height=_HEIGHT)
    bare = paint("realistic, 湖, noon", seed=2, width=_WIDTH, height=_HEIGHT)
    assert (taken == bare).all()
    assert (taken != kept).any()


def test_the_six_styles_are_clearly_different() -> None:
    pictures = {style: small(f"{style.value}, 湖, 宝塔, 春天, 早晨") for style in Style}
    for style, picture in pictures.items():
        for other, its in pictures.items():
            if style is not other:
                assert difference(picture, its) > 6, (style, other)


def test_each_style_has_its_mark() -> None:
    view = "湖, 宝塔, 春天, 中午"
    pictures = {style: small(f"{style.value}, {view}") for style in Style}
    colours = {style: colourfulness(picture) for style, picture in pictures.items()}
    assert min(colours, key=lambda style: colours[style]) is Style.INK_WASH
    assert max(colours, key=lambda style: colours[style]) is Style.ANIME
    assert pictures[Style.WATERCOLOUR][1, 1].min() > 235, "the sheet's margin stays paper white"
    assert detail(pictures[Style.OIL_PAINTING]) > detail(pictures[Style.WATERCOLOUR])
    sky_rows = pictures[Style.WOODBLOCK][int(_HEIGHT * 0.05) : int(_HEIGHT * 0.3)].mean(axis=(1, 2))
    assert sky_rows[-1] > sky_rows[0] + 20, "bokashi: the sky fades from dark to light"


def test_an_ink_painting_bears_a_red_seal() -> None:
    picture = small("水墨画，群山，云海")
    red = (picture[..., 0] > 140) & (picture[..., 1] < 95) & (picture[..., 2] < 95)
    assert 15 < red.sum() < 400


def test_the_lower_left_stays_calm() -> None:
    def roughness(part: NDArray[np.float32]) -> float:
        return float(np.abs(cv2.Laplacian(cv2.GaussianBlur(part.mean(axis=2), (0, 0), 1.5), cv2.CV_32F)).mean())

    left, right = 0.0, 0.0
    for seed in range(6):
        picture = small("realistic, 湖, 夏天, noon", seed=seed)
        low = picture[int(_HEIGHT * 0.84) :]
        left += roughness(low[:, : _WIDTH // 2])
        right += roughness(low[:, _WIDTH // 2 :])
    assert left < right


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=120), st.text(max_size=40), st.integers())
def test_any_text_can_be_painted(prompt: str, negative: str, seed: int) -> None:
    picture = paint(prompt, negative_prompt=negative, seed=seed, width=80, height=96)
    assert picture.shape == (96, 80, 3)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(Style),
    st.sampled_from(Place),
    st.lists(st.sampled_from(Sight), max_size=3),
    st.sampled_from(Season),
    st.sampled_from(Hour),
    st.sampled_from(Weather),
    st.integers(0, 2**32),
    st.tuples(st.integers(64, 200), st.integers(64, 200)),
)
def test_every_combination_can_be_painted(
    style: Style,
    place: Place,
    sights: list[Sight],
    season: Season,
    hour: Hour,
    weather: Weather,
    seed: int,
    size: tuple[int, int],
) -> None:
    words = [style.value, place.value, *(sight.value for sight in sights), season.value, hour.value, weather.value]
    picture = paint(", ".join(words), seed=seed, width=size[0], height=size[1])
    assert picture.shape == (size[1], size[0], 3)
    assert picture.std() > 3
