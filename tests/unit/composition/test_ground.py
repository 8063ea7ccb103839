"""What a car does to the ground: shadow where the sun is hidden, occlusion below it, a mirror image when it is wet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.pictures.composition.composite import compose
from shared.pictures.composition.ground import sun_share
from shared.pictures.composition.manifest import BadPack, Manifest
from shared.pictures.composition.occlusion import bake_ground, sky_map, sun_map, write_ground
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.proxy import solids
from tests.unit.composition.conftest import draw
from tests.unit.composition.test_place import landscape


def at(ground, x: float, y: float) -> float:
    """A map's share at a point in car coordinates."""
    column, row = (round((value - first) / ground.cell_m) for value, first in zip((x, y), ground.origin_m, strict=True))
    return float(ground.shares[row, column])


def test_the_sky_is_hidden_below_the_car_and_open_away_from_it(drawn: Manifest) -> None:
    sky = sky_map(drawn)
    assert at(sky, -1.4, 0.0) < 0.05
    assert 0.25 < at(sky, -1.4, 1.1) < 0.75
    assert at(sky, -1.4, 2.9) > 0.95
    assert 0.0 <= sky.shares.min() <= sky.shares.max() <= 1.0


def test_the_sky_map_is_the_same_on_both_sides(drawn: Manifest) -> None:
    shares = sky_map(drawn).shares
    assert np.abs(shares - shares[::-1]).max() < 0.05


def test_a_baked_map_says_what_the_computed_one_says(tmp_path: Path) -> None:
    manifest = draw(tmp_path / "drawn")
    computed = bake_ground(manifest)
    write_ground(manifest)
    assert np.abs(sky_map(manifest).shares - computed.shares).max() <= 0.5 / 255 + 1e-6


def test_a_map_that_does_not_fit_the_car_is_refused(tmp_path: Path) -> None:
    manifest = draw(tmp_path / "drawn")
    (manifest.folder / "ground.png").write_bytes((manifest.folder / "side-badge.png").read_bytes())
    with pytest.raises(BadPack, match=r"ground\.png"):
        sky_map(manifest)


@pytest.mark.parametrize("elevation", [12.0, 35.0, 60.0])
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 115.0, 230.0])
def test_the_suns_shadow_is_the_one_that_rays_find(drawn: Manifest, azimuth: float, elevation: float) -> None:
    ground = sun_map(drawn, azimuth, elevation)
    turn, up = np.radians(azimuth), np.radians(elevation)
    towards = np.array([np.cos(turn) * np.cos(up), np.sin(turn) * np.cos(up), np.sin(up)])
    rng = np.random.default_rng(3)
    rows, columns = (rng.integers(0, n, 200) for n in ground.shares.shape)
    shares = ground.shares[rows, columns]
    feet = np.column_stack([columns, rows]) * ground.cell_m + ground.origin_m
    # Every centimetre of each ray, up to the roof.
    steps = np.arange(0.0, drawn.height_m / np.sin(up), 0.01)
    points = np.concatenate([feet, np.zeros((200, 1))], axis=1)[:, np.newaxis] + towards * steps[:, np.newaxis]
    hit = np.zeros(200, bool)
    for solid in solids(drawn):
        low, high = solid[:4], solid[4:]
        share = np.clip((points[..., 2] - low[0, 2]) / (high[0, 2] - low[0, 2]), -1.0, 2.0)
        inside = (share >= 0) & (share <= 1)
        for axis in (0, 1):
            least = low[:, axis].min() + (high[:, axis].min() - low[:, axis].min()) * share
            most = low[:, axis].max() + (high[:, axis].max() - low[:, axis].max()) * share
            inside &= (points[..., axis] >= least) & (points[..., axis] <= most)
        hit |= inside.any(axis=1)
    sure = (shares < 0.1) | (shares > 0.9)
    assert ((shares < 0.5) != hit)[sure].sum() <= 4


def test_a_high_sun_outshines_the_sky_and_a_low_one_does_not() -> None:
    high, low = sun_share(60.0), sun_share(8.0)
    assert 0.7 < high[1] < 0.92
    assert low[1] < high[1] - 0.1
    # What the sun leaves over is bluer than the sun.
    assert (1 - high)[2] > (1 - high)[0]


def composed(drawn: Manifest, **order: object):
    return compose(landscape(0.5), drawn, "red", SceneOrder(**order))


def test_the_car_darkens_the_ground_and_never_the_sky(drawn: Manifest) -> None:
    plate = landscape(0.5)
    made = compose(plate, drawn, "red", SceneOrder(light="noon", sun_elevation_deg=50.0))
    assert np.array_equal(made.picture[:400], plate[:400])
    below = made.place.top_px + made.place.height_px
    under = made.picture[below - 4 : below + 2, made.place.left_px + 60 : made.place.left_px + made.place.width_px - 60]
    assert under.mean() < 0.75 * plate[below + 60 : below + 90].mean()


def test_wet_ground_shows_the_car_once_more_upside_down(drawn: Manifest) -> None:
    dry, wet = composed(drawn, light="overcast"), composed(drawn, light="overcast", surface="wet")
    place = wet.place
    below = slice(place.top_px + place.height_px + 8, place.top_px + place.height_px + 40)
    columns = slice(place.left_px + 150, place.left_px + 250)
    # Red paint over the grass: more red and less green than without.
    more = wet.picture[below, columns].astype(int) - dry.picture[below, columns]
    assert more[..., 0].mean() - more[..., 1].mean() > 8


def test_headlamps_light_the_ground_at_night_only(drawn: Manifest) -> None:
    night, day = composed(drawn, light="night"), composed(drawn, light="overcast")
    ahead = (slice(night.place.top_px + 60, night.place.top_px + 260), slice(0, max(night.place.left_px, 20)))
    assert night.picture[ahead].mean() > day.picture[ahead].mean()


@pytest.mark.parametrize("surface", ["dry", "wet", "snow"])
@pytest.mark.parametrize("texture", ["none", "ink", "watercolour", "oil", "anime", "woodblock"])
def test_the_badge_keeps_its_codes_and_the_body_its_budget(drawn: Manifest, surface: str, texture: str) -> None:
    from shared.pictures.composition.delta_e import ciede2000, lab_of_linear

    budget = 3.0
    made = composed(drawn, light="noon", surface=surface, texture=texture, budget_delta_e00=budget)
    place, layer = made.place, made.layer
    window = made.picture[place.top_px : place.top_px + place.height_px, place.left_px : place.left_px + place.width_px]
    assert layer.lock.sum() > 100
    assert np.array_equal(window[layer.lock], made.plain.locked[layer.lock])
    body = (made.plain.pixels[..., 3] > 0.99) & (made.plain.badge < 0.01)
    moved = ciede2000(lab_of_linear(made.plain.pixels[..., :3][body]), lab_of_linear(layer.pixels[..., :3][body]))
    assert np.percentile(moved, 95) <= budget * 1.1
    if texture != "none":
        assert moved.mean() > 0.3


def test_a_budget_of_nothing_leaves_the_car_as_it_is(drawn: Manifest) -> None:
    made = composed(drawn, light="noon", texture="ink", budget_delta_e00=0.0)
    assert np.array_equal(made.layer.pixels, made.plain.pixels)


def test_a_grain_that_there_is_not_is_refused(drawn: Manifest) -> None:
    with pytest.raises(ValueError, match="texture"):
        composed(drawn, texture="velvet")
