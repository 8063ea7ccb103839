"""Every car that is shipped keeps what its manifest says: files, sizes, edges, badge, anchors."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.pictures.composition.manifest import Manifest, View, read_manifest
from shared.pictures.composition.packs import CarPicture, colour_file, load_picture

CARS = Path(__file__).parents[3] / "workflows" / "cars"
PACKS = {file.parent.name: read_manifest(file.parent) for file in sorted(CARS.glob("*/car.toml"))}
VIEWS = [(model, view) for model, pack in PACKS.items() for view in pack.views]
PICTURES = [(m, v, c, light) for m, v in VIEWS for c in PACKS[m].colours for light in PACKS[m].lights]
each_pack = pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
each_view = pytest.mark.parametrize(("model", "view_id"), VIEWS)
each_picture = pytest.mark.parametrize(("model", "view_id", "colour", "light"), PICTURES)


def any_picture(model: str, view_id: str) -> CarPicture:
    pack = PACKS[model]
    return load_picture(pack, view_id, next(iter(pack.colours)), "studio")


def alpha_of(model: str, view_id: str) -> np.ndarray:
    """(H, W), 0..1."""
    return any_picture(model, view_id).pixels[..., 3]


def on_the_ground(view: View, point: tuple[float, float]) -> tuple[float, float]:
    """Metres to the right of the camera and ahead of it, of a point of the picture that lies on the ground."""
    ahead_m = view.camera_height_m * view.focal_px / (point[1] - view.horizon_y)
    return (point[0] - view.axis_x) * ahead_m / view.focal_px, ahead_m


def test_a_saloon_and_an_suv_are_shipped_in_three_colours_two_views_and_five_lights() -> None:
    assert set(PACKS) == {"gen1", "suv"}
    for pack in PACKS.values():
        assert len(pack.colours) >= 3
        assert "black" in pack.colours
        assert set(pack.views) == {"three_quarter", "side"}
        assert list(pack.lights) == ["studio", "noon", "dusk", "overcast", "night"]


def test_all_packs_together_stay_small() -> None:
    assert sum(file.stat().st_size for model in PACKS for file in (CARS / model).iterdir()) <= 15_000_000


@each_pack
def test_a_model_is_named_in_both_languages_and_licensed(pack: Manifest) -> None:
    named = [pack, *pack.views.values(), *pack.lights.values()]
    for name_zh, name_en in [(each.name_zh, each.name_en) for each in named] + list(pack.colours.values()):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in name_zh)
        assert name_en.isascii()
    assert pack.licence == "Apache-2.0"


@each_pack
def test_a_model_has_the_measures_of_a_car(pack: Manifest) -> None:
    assert 4.5 < pack.length_m < 5.0
    assert pack.front_overhang_m + pack.wheelbase_m < pack.length_m
    assert pack.track_m < pack.width_m < 2.0
    assert pack.ground_clearance_m < pack.tyre_diameter_m / 2
    assert 1.3 < pack.height_m < 1.8


@each_pack
def test_a_folder_holds_its_pictures_and_nothing_else(pack: Manifest) -> None:
    colours = {colour_file(v, c, light) for v in pack.views for c in pack.colours for light in pack.lights}
    masks = {f"{view}-{kind}.png" for view in pack.views for kind in ("alpha", "badge")}
    assert {file.name for file in pack.folder.iterdir()} == {"car.toml", "ground.png", *colours, *masks}


@each_pack
def test_the_lights_with_a_sun_say_where_it_stood(pack: Manifest) -> None:
    suns = {name: light.sun_elevation_deg for name, light in pack.lights.items() if light.sun_elevation_deg is not None}
    assert set(suns) == {"noon", "dusk"}
    assert suns["noon"] > 40 > 15 > suns["dusk"] > 0


@each_picture
def test_colour_is_16_bits_and_never_more_than_alpha_allows(model: str, view_id: str, colour: str, light: str) -> None:
    pack = PACKS[model]
    coded = cv2.imread(str(pack.folder / colour_file(view_id, colour, light)), cv2.IMREAD_UNCHANGED)
    assert coded.dtype == np.uint16
    assert coded.shape == (*reversed(pack.views[view_id].size_px), 3)
    over = (coded.astype(np.float64) / 65535) ** 2 - alpha_of(model, view_id)[..., np.newaxis]
    # Linear light. The coding is lossy, and most so beside the outline of a white car.
    assert np.percentile(over, 99.9) < 0.004
    assert over.max() < 0.06


@each_view
def test_a_car_is_cropped_tightly_and_whole(model: str, view_id: str) -> None:
    alpha = alpha_of(model, view_id)
    assert not np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]).any()
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    assert max(rows[0], columns[0], alpha.shape[0] - 1 - rows[-1], alpha.shape[1] - 1 - columns[-1]) <= 8
    assert 940 < alpha.shape[1] < 1080
    solid = (alpha > 0.999).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
    assert stats[1:, cv2.CC_STAT_AREA].max() > 0.97 * solid.sum()


@each_view
def test_the_outline_is_soft_and_about_a_pixel_wide(model: str, view_id: str) -> None:
    alpha = alpha_of(model, view_id)
    outside = (alpha < 0.02).astype(np.uint8)
    near = cv2.dilate(outside, np.ones((7, 7), np.uint8)).astype(bool) & (alpha > 0.02) & (alpha < 0.98)
    outline, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    assert 0.9 < near.sum() / max(len(line) for line in outline) < 3.0
    assert len(np.unique(np.rint(alpha[near] * 255))) > 100


@each_pack
def test_one_sees_through_the_side_windows(pack: Manifest) -> None:
    """From the side, where windows lie behind windows; seen from above the roof there are seats and doors behind them."""
    alpha = alpha_of(pack.model, "side")
    inside = cv2.erode((alpha > 0.05).astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool)
    glass = inside & (alpha < 0.985)
    assert 0.01 < glass.mean() < 0.2
    assert 0.5 < np.median(alpha[glass]) < 0.98


@each_picture
def test_the_rim_has_the_colour_of_the_car_not_of_the_sky(model: str, view_id: str, colour: str, light: str) -> None:
    pixels = load_picture(PACKS[model], view_id, colour, light).pixels
    alpha, solid = pixels[..., 3], pixels[..., 3] > 0.98
    straight = pixels[..., :3] / np.maximum(alpha, 1e-3)[..., np.newaxis]
    soft = (alpha > 0.2) & (alpha < 0.5)
    soft &= cv2.dilate((alpha < 0.01).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    for channel in range(3):
        high = cv2.dilate(np.where(solid, straight[..., channel], -1.0).astype(np.float32), np.ones((9, 9), np.uint8))
        apart = (straight[..., channel] - high)[soft & (high >= 0)]
        assert np.percentile(apart, 98) < 0.06


@each_view
def test_the_badge_lies_in_its_box_on_the_opaque_car(model: str, view_id: str) -> None:
    view, picture = PACKS[model].views[view_id], any_picture(model, view_id)
    badge = picture.badge
    x0, y0, x1, y1 = (round(value) for value in view.badge_box)
    assert min(x1 - x0, y1 - y0) >= 12
    inside = np.zeros(badge.shape, bool)
    inside[max(y0 - 2, 0) : y1 + 2, max(x0 - 2, 0) : x1 + 2] = True
    assert (badge[inside] > 0.5).sum() > 0.5 * (x1 - x0) * (y1 - y0)
    # A second badge may show; the box is of the one that shows best.
    assert badge[inside].sum() >= badge[~inside].sum()
    assert picture.pixels[badge > 0.05][:, 3].min() > 0.999


@each_picture
def test_the_badge_stands_out_from_every_paint(model: str, view_id: str, colour: str, light: str) -> None:
    picture = load_picture(PACKS[model], view_id, colour, light)
    x0, y0, x1, y1 = (round(value) for value in picture.view.badge_box)
    assert np.sqrt(picture.pixels[y0:y1, x0:x1, :3]).mean(axis=2).std() > 0.03


@each_view
def test_wheels_touch_the_ground_at_the_lowest_pixels(model: str, view_id: str) -> None:
    alpha = alpha_of(model, view_id)
    for x, y in PACKS[model].views[view_id].wheel_contacts:
        columns = alpha[:, int(x) - 12 : int(x) + 13] > 0.5
        bottom = max(np.flatnonzero(columns.any(axis=1))) + 1
        # The contact is in the middle of the tyre's width, so a little above its lowest edge.
        assert -1.5 <= bottom - y < 14


@each_view
def test_the_wheelbase_follows_from_camera_and_contacts(model: str, view_id: str) -> None:
    view = PACKS[model].views[view_id]
    front, rear = (on_the_ground(view, point) for point in view.wheel_contacts)
    assert math.dist(front, rear) == pytest.approx(PACKS[model].wheelbase_m, rel=0.02)


@each_pack
def test_night_is_much_darker_than_noon_and_dusk_warmer_than_overcast(pack: Manifest) -> None:
    def mean(light: str) -> np.ndarray:
        pixels = load_picture(pack, "side", "white", light).pixels
        return pixels[..., :3][pixels[..., 3] > 0.99].mean(axis=0)

    night, noon, dusk, overcast = (mean(light) for light in ("night", "noon", "dusk", "overcast"))
    assert night.mean() < 0.5 * noon.mean()
    assert dusk[0] / dusk[2] > 1.3 * overcast[0] / overcast[2]
