"""Every car asset keeps what its manifest says: files, sizes, edges, anchors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CARS = Path(__file__).parents[3] / "workflows" / "cars"
MODELS = sorted(path.parent.name for path in CARS.glob("*/car.toml"))


def manifest(model: str) -> dict[str, Any]:
    return tomllib.loads((CARS / model / "car.toml").read_text(encoding="utf-8"))


PICTURES = [(m, v, c) for m in MODELS for v in manifest(m)["views"] for c in manifest(m)["colours"]]
each_model = pytest.mark.parametrize("model", MODELS)
each_view = pytest.mark.parametrize(("model", "view"), [(m, v) for m in MODELS for v in manifest(m)["views"]])
each_picture = pytest.mark.parametrize(("model", "view", "colour"), PICTURES)


def pixels(model: str, view: str, colour: str) -> np.ndarray:
    with Image.open(CARS / model / f"{view}-{colour}.png") as picture:
        return np.asarray(picture)


def any_colour(model: str) -> str:
    return str(next(iter(manifest(model)["colours"])))


def test_the_first_generation_is_there_in_its_colours_and_views() -> None:
    assert "gen1" in MODELS
    assert set(manifest("gen1")["colours"]) == {"black", "white", "red"}
    assert set(manifest("gen1")["views"]) == {"three_quarter", "side"}


@each_model
def test_a_model_is_named_in_both_languages_and_by_its_folder(model: str) -> None:
    car = manifest(model)
    assert car["model"] == model
    for named in (car, *car["colours"].values(), *car["views"].values()):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in named["name_zh"])
        assert named["name_en"].isascii()
        assert named["name_en"].strip()
    assert car["licence"] == "Apache-2.0"
    assert 3000 < car["length_mm"] < 6000
    assert 1400 < car["width_mm"] < 2200
    assert 1100 < car["height_mm"] < 2200


@each_model
def test_a_folder_holds_its_pictures_and_nothing_else(model: str) -> None:
    car = manifest(model)
    files = {path.name: path.stat().st_size for path in (CARS / model).iterdir()}
    assert set(files) - {"README.md"} == {"car.toml", *(f"{v}-{c}.png" for v in car["views"] for c in car["colours"])}
    assert max(files.values()) <= 900 * 1024
    assert sum(files.values()) <= 4 * 1024 * 1024


@each_picture
def test_a_picture_is_rgba_with_8_bits_and_of_the_size_told(model: str, view: str, colour: str) -> None:
    with Image.open(CARS / model / f"{view}-{colour}.png") as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGBA"
        assert list(picture.size) == manifest(model)["views"][view]["size_px"]
        assert "icc_profile" not in picture.info  # plain sRGB
    assert pixels(model, view, colour).dtype == np.uint8


@each_picture
def test_a_picture_is_cropped_tightly_and_the_car_is_whole(model: str, view: str, colour: str) -> None:
    alpha = pixels(model, view, colour)[..., 3]
    assert not np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]).any()
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    margins = (rows[0], columns[0], alpha.shape[0] - 1 - rows[-1], alpha.shape[1] - 1 - columns[-1])
    assert max(margins) <= 8
    solid = (alpha == 255).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid)
    assert stats[1:, cv2.CC_STAT_AREA].max() > 0.99 * solid.sum()


@each_picture
def test_the_edge_is_soft_and_about_a_pixel_wide(model: str, view: str, colour: str) -> None:
    alpha = pixels(model, view, colour)[..., 3]
    assert (alpha == 255).mean() > 0.4
    assert (alpha == 0).mean() > 0.1
    outside = (alpha < 8).astype(np.uint8)
    near = cv2.dilate(outside, np.ones((7, 7), np.uint8)).astype(bool) & (alpha > 0) & (alpha < 255)
    outline, _ = cv2.findContours((alpha >= 128).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    width = near.sum() / max(len(line) for line in outline)
    assert 0.9 < width < 3.0
    assert len(np.unique(alpha[near])) > 30


@each_picture
def test_the_colour_runs_on_under_the_soft_edge(model: str, view: str, colour: str) -> None:
    picture = pixels(model, view, colour)
    alpha = picture[..., 3]
    near = cv2.dilate((alpha == 255).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    soft, solid = near & (alpha < 128), alpha == 255
    # Each soft pixel has a likeness among the solid ones nearby: the local range of solid colour, a little widened.
    wide = np.ones((15, 15), np.uint8)
    for channel in range(3):
        values = picture[..., channel].astype(np.float32)
        high = cv2.dilate(np.where(solid, values, -1.0).astype(np.float32), wide)
        low = -cv2.dilate(np.where(solid, -values, -256.0).astype(np.float32), wide)
        known = soft & (high >= 0)
        apart = np.maximum(values - high, low - values)[known]
        assert np.percentile(apart, 99) < 24


@each_view
def test_colours_of_a_view_stand_on_the_same_pixels(model: str, view: str) -> None:
    alphas = [pixels(model, view, colour)[..., 3].astype(int) for colour in manifest(model)["colours"]]
    for other in alphas[1:]:
        assert np.abs(other - alphas[0]).mean() < 0.5


@each_view
def test_wheels_touch_the_ground_at_the_lowest_pixels(model: str, view: str) -> None:
    told = manifest(model)["views"][view]
    alpha = pixels(model, view, any_colour(model))[..., 3]
    lowest = max(np.flatnonzero((alpha > 127).any(axis=1)))
    assert len(told["wheel_contacts"]) >= 2
    assert lowest - max(y for _, y in told["wheel_contacts"]) < 12
    for x, y in told["wheel_contacts"]:
        # The tyre's lowest pixel near that column lies at the contact or just below it.
        columns = alpha[:, int(x) - 12 : int(x) + 13] > 127
        bottom = max(np.flatnonzero(columns.any(axis=1))) + 1
        assert -1.5 <= bottom - y < 12


@each_view
def test_the_badge_is_on_the_car(model: str, view: str) -> None:
    told = manifest(model)["views"][view]
    x0, y0, x1, y1 = told["badge_box"]
    width, height = told["size_px"]
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert min(x1 - x0, y1 - y0) >= 12
    for colour in manifest(model)["colours"]:
        inside = pixels(model, view, colour)[y0:y1, x0:x1]
        assert (inside[..., 3] == 255).all()
        # Chrome on dark enamel: whatever the paint, the badge has contrast.
        assert inside[..., :3].mean(axis=2).std() > 20


@each_view
def test_the_camera_told_agrees_with_the_wheels(model: str, view: str) -> None:
    """The distance of a ground point follows from its row below the horizon; so does the wheelbase seen from the side."""
    told = manifest(model)["views"][view]
    focal_px = told["size_px"][0] / 2 / np.tan(np.radians(told["camera_fov_deg"]) / 2)
    distances = [told["camera_height_m"] * focal_px / (y - told["horizon_y"]) for _, y in told["wheel_contacts"]]
    for distance in distances:
        assert abs(distance - told["camera_distance_m"]) < 0.6 * manifest(model)["length_mm"] / 1000
    if view == "side":
        (front, _), (rear, _) = told["wheel_contacts"]
        wheelbase_m = (rear - front) * np.mean(distances) / focal_px
        assert 0.5 < wheelbase_m * 1000 / manifest(model)["length_mm"] < 0.7
