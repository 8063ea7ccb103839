"""What is seen behind a car that the background holds already."""

from __future__ import annotations

import numpy as np
import pytest

from shared.pictures.composition.behind import filled, without_car
from shared.pictures.composition.composite import compose, over
from shared.pictures.composition.delta_e import delta_e00
from shared.pictures.composition.layer import prepared
from shared.pictures.composition.light import quantised, to_linear
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.packs import load_picture
from shared.pictures.composition.place import placed_at


def test_a_hole_in_a_slope_of_light_is_filled_with_the_slope() -> None:
    rows, columns = np.mgrid[0:60, 0:80].astype(np.float32)
    picture = np.stack([rows / 60, columns / 80, (rows + columns) / 140], axis=-1)
    hole = np.zeros((60, 80), bool)
    hole[20:40, 30:50] = True
    holed = np.where(hole[..., None], np.float32(9.0), picture)
    result = filled(holed, hole)
    np.testing.assert_array_equal(result[~hole], picture[~hole])
    assert np.abs(result - picture)[hole].max() < 0.12
    assert np.abs(result - picture)[hole].mean() < 0.04


def test_a_picture_that_is_all_hole_stays_as_it_is() -> None:
    picture = np.full((5, 7, 3), 0.3, np.float32)
    np.testing.assert_array_equal(filled(picture, np.ones((5, 7), bool)), picture)


@pytest.mark.parametrize("left_px", [60, -70, 250])
def test_nothing_outside_the_cars_place_is_touched(drawn: Manifest, left_px: int) -> None:
    place = placed_at(drawn, "side", left_px, 120, 240)
    layer = prepared(load_picture(drawn, "side", "red", "studio"), place)
    plate = np.random.default_rng(3).random((240, 320, 3), dtype=np.float32)
    result = without_car(plate, layer, place)
    changed = (result != plate).any(-1)
    assert changed.sum() > 1000
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 120 - 3
    assert rows.max() < 120 + place.height_px + 3
    assert columns.min() >= max(left_px - 3, 0)


def test_edges_and_glass_of_a_car_that_was_there_before_come_out_right(drawn: Manifest) -> None:
    """The same car twice at one place is the car once, within what nobody sees."""
    rows = np.linspace(0.15, 0.6, 240, dtype=np.float32)[:, None, None]
    empty = quantised(np.broadcast_to(rows * np.array([0.8, 0.9, 1.0], np.float32), (240, 320, 3)))
    place = placed_at(drawn, "side", 40, 120, 240)
    layer = prepared(load_picture(drawn, "side", "red", "studio"), place)
    truth = over(layer, place, to_linear(empty))
    painted_around = quantised(truth)
    alpha = np.zeros((240, 320), np.float32)
    alpha[120 : 120 + place.height_px, 40:280] = layer.pixels[..., 3]
    soft = (alpha > 0.05) & (alpha < 0.95)
    twice = over(layer, place, to_linear(painted_around))
    cleared = over(layer, place, without_car(to_linear(painted_around), layer, place))
    assert delta_e00(quantised(twice), quantised(truth))[soft].mean() > 4
    assert delta_e00(quantised(cleared), quantised(truth))[soft].mean() < 0.6


def test_it_is_done_where_the_place_was_given_and_nowhere_else(drawn: Manifest) -> None:
    plate = np.random.default_rng(4).integers(60, 200, (480, 384, 3), dtype=np.uint8)
    given = compose(plate, drawn, "red", SceneOrder(view="side", given_px=(60, 300, 240)))
    x0, y0 = 60 + 60, 300 + 8
    behind = (slice(y0, y0 + 20), slice(x0, x0 + 120))
    grain = to_linear(plate)[behind].std()
    assert given.ground[behind].std() < 0.5 * grain
