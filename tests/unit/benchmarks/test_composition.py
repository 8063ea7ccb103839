"""What the benchmark of the composition calls true: scaling, zones, cast rays, horizons by geometry."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.composition.backgrounds import panorama_view
from benchmarks.composition.colours import sharma_error
from benchmarks.composition.measures import Tally, by_area, differences, shown, zones
from benchmarks.composition.methods import monge_kantorovich
from benchmarks.composition.report import Report
from benchmarks.composition.shadows import _disc, _seen, _sky, _triangles


def cube() -> np.ndarray:
    """A cube of one metre that stands on the ground around the origin."""
    square = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
    return np.array([(x, y, z) for z in (0.0, 1.0) for x, y in square])


def test_the_published_pairs_are_met() -> None:
    assert sharma_error() < 1e-4


def test_scaling_by_area_keeps_the_light_and_weighs_parts_of_pixels() -> None:
    planes = np.random.default_rng(1).random((7, 9, 4))
    smaller = by_area(planes, 4, 3)
    assert smaller.shape == (3, 4, 4)
    assert smaller.mean() == pytest.approx(planes.mean())
    assert by_area(np.array([[0.0, 1.0, 2.0]]), 2, 1) == pytest.approx(np.array([[1 / 3, 5 / 3]]))


def test_clear_glass_belongs_to_the_car_and_not_to_its_outline() -> None:
    alpha = np.zeros((60, 80))
    alpha[10:50, 10:70] = 1.0
    alpha[25:35, 30:50] = 0.2
    badge = np.zeros_like(alpha)
    badge[40:44, 20:24] = 1.0
    found = zones(alpha, badge)
    assert found.glass[30, 40]
    assert not found.ring[25:35, 30:50].any()
    assert found.ring[10, 40]
    assert found.badge.sum() == 16
    assert not found.body[42, 22]


def test_a_picture_is_no_further_from_the_truth_than_its_rounding() -> None:
    light = np.random.default_rng(2).random((20, 20, 3))
    truth = shown(light)
    picture = np.rint(truth * 255).astype(np.uint8)
    every = np.ones((20, 20), bool)
    assert differences(picture, truth, every).max() < 0.8
    assert differences(picture, picture / 255, every).max() == 0.0


def test_percentiles_are_those_of_all_pixels() -> None:
    tally = Tally()
    values = np.random.default_rng(3).gamma(2.0, 1.0, 5000)
    tally.add(values[:2000])
    tally.add(values[2000:])
    assert tally.mean == pytest.approx(values.mean())
    assert tally.percentile(95) == pytest.approx(np.percentile(values, 95), abs=0.02)


def test_rays_find_the_shadow_of_a_cube() -> None:
    """A sun at 45° in front throws the cube's shadow a metre behind it."""
    random = np.random.default_rng(4)
    points = np.array([(-1.0, 0.0, 0.0), (-1.4, 0.4, 0.0), (-1.6, 0.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 0.6, 0.0)])
    lit = _seen(points, _triangles(cube()), _disc(len(points), (0.0, 45.0), 64, random))
    assert lit.tolist() == [0.0, 0.0, 1.0, 1.0, 1.0]


def test_half_of_the_penumbra_is_lit_at_the_geometric_edge() -> None:
    random = np.random.default_rng(5)
    lit = _seen(np.array([(-1.5, 0.0, 0.0)]), _triangles(cube()), _disc(1, (0.0, 45.0), 4000, random))
    assert lit[0] == pytest.approx(0.5, abs=0.05)


def test_a_long_wall_hides_half_of_the_sky_at_its_foot() -> None:
    """The view factor of a wall of height h at distance d hides (1 - cos(atan(h / d))) / 2 of the ground's sky."""
    wall = cube() * (0.001, 4000.0, 1.0)
    points = np.array([(0.5, 0.0, 0.0), (1.0, 0.0, 0.0), (3.0, 0.0, 0.0)])
    seen = _seen(points, _triangles(wall), _sky(len(points), 4096, np.random.default_rng(6)))
    expected = 1 - (1 - np.cos(np.arctan(1.0 / points[:, 0]))) / 2
    assert seen == pytest.approx(expected, abs=0.01)


def test_a_panoramas_horizon_lies_in_the_row_it_is_said_to() -> None:
    """The deck of a roof ends in a dark straight parapet just below the horizon, wherever that is put."""
    high, low = (panorama_view("panorama-portland_landing_pad", 60.0, at, "noon") for at in (0.4, 0.6))
    shift = round(0.2 * len(high.pixels))
    same = np.abs(high.pixels[200:700].astype(int) - low.pixels[200 + shift : 700 + shift]).mean()
    assert same < 1.0


def test_tables_replace_those_of_a_document(tmp_path) -> None:
    document = tmp_path / "doc.md"
    document.write_text("# 前\n<!-- measured: begin -->\nold\n<!-- measured: end -->\n后\n", "utf-8")
    report = Report()
    report.add("Table", "a value", 0.5, "s", 1.0)
    report.insert(document)
    text = document.read_text("utf-8")
    assert "old" not in text
    assert "| a value | 0.50 s | ≤ 1 s | met |" in text
    assert text.startswith("# 前")
    assert text.endswith("后\n")


def test_matched_colours_have_the_references_mean_and_covariance() -> None:
    rng = np.random.default_rng(8)
    source = rng.normal(0.4, 0.1, (60, 80, 3)) @ np.array([[1.0, 0.3, 0.0], [0.0, 1.0, 0.2], [0.1, 0.0, 1.0]])
    reference = rng.normal(0.5, 0.2, (70, 90, 3))
    matched = monge_kantorovich(source, reference).reshape(-1, 3)
    assert matched.mean(axis=0) == pytest.approx(reference.reshape(-1, 3).mean(axis=0))
    assert np.cov(matched.T) == pytest.approx(np.cov(reference.reshape(-1, 3).T), abs=1e-9)
