"""A car stands where its camera and the background's agree: horizon on horizon, wheels on the ground."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.pictures.composition.horizon import horizon_of
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.place import POSITIONS, NoPlace, find_place, placed_at
from shared.pictures.composition.proxy import solids, standing


def landscape(horizon: float, height: int = 960, width: int = 768, seed: int = 0) -> np.ndarray:
    """A blue sky over green ground with grain, hills that rise above the horizon, and a tower."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    row = round(horizon * height)
    picture[:row] = (150, 185, 225)
    picture[row:] = (95, 130, 70)
    crest = row - (40 * np.abs(np.sin(np.arange(width) / 61 + seed))).astype(int)
    for x in range(width):
        picture[crest[x] : row, x] = (110, 125, 140)
    picture[row - 200 : row, 500:540] = (120, 60, 50)
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("horizon", [0.44, 0.48, 0.5, 0.53, 0.56])
@pytest.mark.parametrize("size", [(960, 768), (768, 960), (1024, 1024)])
def test_the_horizon_is_found_below_hills_and_behind_a_tower(horizon: float, size: tuple[int, int]) -> None:
    plate = landscape(horizon, *size, seed=size[0])
    assert horizon_of(plate).y_px == pytest.approx(horizon * size[0], abs=0.015 * size[0])


def test_a_picture_without_any_line_has_its_horizon_where_it_was_ordered() -> None:
    blank = np.full((960, 768, 3), 128, np.uint8)
    found = horizon_of(blank)
    assert found.confidence == 0.0
    assert found.y_px == 480


@pytest.mark.parametrize("position", ["auto", *POSITIONS])
def test_the_cars_horizon_lies_on_the_pictures_and_the_car_within_it(drawn: Manifest, position: str) -> None:
    plate = landscape(0.5)
    place = find_place(plate, drawn, "auto", position)
    own = place.top_px + drawn.views["side"].horizon_y * place.scale
    assert own == pytest.approx(place.horizon_y_px, abs=1.0)
    assert place.horizon_y_px == pytest.approx(480, abs=15)
    assert place.left_px >= 0
    assert place.left_px + place.width_px <= 768
    assert place.top_px + place.height_px <= 960
    if position != "auto":
        assert place.left_px + place.width_px / 2 == pytest.approx(POSITIONS[position] * 768, abs=1)


def test_the_same_background_always_gives_the_same_place(drawn: Manifest) -> None:
    assert find_place(landscape(0.5), drawn) == find_place(landscape(0.5), drawn)


def test_ground_that_is_too_low_for_any_car_is_no_place(drawn: Manifest) -> None:
    with pytest.raises(NoPlace):
        find_place(landscape(0.5, 100, 768), drawn)


@pytest.mark.parametrize(("view", "position", "named"), [("rear", "auto", "view"), ("side", "above", "position")])
def test_what_there_is_not_is_refused_by_its_name(drawn: Manifest, view: str, position: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        find_place(landscape(0.5), drawn, view, position)


def test_a_fixed_place_keeps_the_cars_proportions(drawn: Manifest) -> None:
    place = placed_at(drawn, "side", 100, 600, 360)
    assert (place.left_px, place.top_px, place.width_px, place.height_px) == (100, 600, 360, 120)


def test_the_wheels_that_touch_the_ground_stand_where_the_measures_say(drawn: Manifest) -> None:
    seen = standing(drawn, drawn.views["side"])
    contacts = np.array([[x, y, 1.0] for x, y in drawn.views["side"].wheel_contacts]) @ seen.to_car.T
    front, rear = contacts[:, :2] / contacts[:, 2:]
    assert front == pytest.approx((0.0, drawn.track_m / 2), abs=1e-6)
    assert rear[1] == pytest.approx(drawn.track_m / 2, abs=1e-6)
    back = seen.points_px(np.array([front, rear]))
    assert back == pytest.approx(np.array(drawn.views["side"].wheel_contacts), abs=1e-6)


def test_the_cars_solids_have_its_measures(drawn: Manifest) -> None:
    corners = np.concatenate(solids(drawn))
    assert np.ptp(corners[:, 0]) == pytest.approx(drawn.length_m, abs=0.01)
    assert np.ptp(corners[:, 1]) == pytest.approx(drawn.width_m, abs=0.01)
    assert corners[:, 2].max() == pytest.approx(drawn.height_m)
    assert corners[:, 2].min() == 0.0
    assert math.isclose(corners[:, 0].max(), drawn.front_overhang_m)
