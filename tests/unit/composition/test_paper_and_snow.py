"""Bare paper takes no shadow, and tyres stand in snow, not on it."""

from __future__ import annotations

import numpy as np
import pytest

from shared.pictures.composition.composite import compose
from shared.pictures.composition.light import to_linear
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.paper import keep_paper
from tests.unit.composition.test_place import landscape

MARGIN_PX = 40


def framed(paper: tuple[int, int, int] = (250, 248, 240)) -> np.ndarray:
    """A landscape on a sheet with a wavy margin, which the paint leaves at two places of each side."""
    plate = landscape(0.5)
    rng = np.random.default_rng(1)
    height, width = plate.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    wave = 8 * np.sin(x / 37) + 8 * np.sin(y / 29)
    from_edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    bare = (from_edge < MARGIN_PX / 2 + wave) & (np.abs(y - 0.7 * height) > 20)
    plate[bare] = np.clip(np.array(paper) + rng.normal(0, 2, (int(bare.sum()), 1)), 0, 255)
    return plate


def test_bare_paper_is_given_back_and_paint_is_not() -> None:
    plate = to_linear(framed())
    changed = plate * np.float32(0.5)
    keep_paper(changed, plate, 480)
    corner, inside, above = np.s_[-12:, -12:], np.s_[500:880, 100:600], np.s_[:400]
    assert np.allclose(changed[corner], plate[corner], rtol=0.02)
    assert np.array_equal(changed[inside], plate[inside] * np.float32(0.5))
    assert np.array_equal(changed[above], plate[above] * np.float32(0.5))


@pytest.mark.parametrize(
    "plate", [landscape(0.5), framed(paper=(90, 90, 90))], ids=["no margin", "a dark frame is no paper"]
)
def test_without_bare_paper_nothing_is_given_back(plate: np.ndarray) -> None:
    linear = to_linear(plate)
    changed = linear * np.float32(0.5)
    keep_paper(changed, linear, 0)
    assert np.array_equal(changed, linear * np.float32(0.5))


def test_tyres_sink_into_snow_and_the_rest_of_the_car_stays_whole(drawn: Manifest) -> None:
    dry, snow = (
        compose(landscape(0.5), drawn, "red", SceneOrder(light="overcast", surface=s)) for s in ("dry", "snow")
    )
    before, after = dry.layer.pixels[..., 3], snow.layer.pixels[..., 3]
    assert len(snow.layer.tyres) == 2
    for column, row, radius in snow.layer.tyres:
        foot = (slice(int(row - 0.05 * radius), int(row) + 1), slice(int(column) - 1, int(column) + 2))
        hub = (slice(int(row - 1.2 * radius), int(row - 0.6 * radius)), foot[1])
        assert after[foot].mean() < 0.2 * before[foot].mean()
        assert np.array_equal(after[hub], before[hub])
    above = round(min(row - 0.5 * radius for _, row, radius in snow.layer.tyres))
    assert np.array_equal(after[:above], before[:above])


def test_a_tyre_is_as_large_as_its_distance_says(drawn: Manifest) -> None:
    made = compose(landscape(0.5), drawn, "red", SceneOrder(view="side"))
    view = drawn.views["side"]
    distance = view.camera_distance_m - drawn.width_m / 2
    expected = drawn.tyre_diameter_m / 2 * view.focal_px / distance * made.place.scale
    for _, _, radius in made.layer.tyres:
        assert radius == pytest.approx(expected, rel=0.08)
