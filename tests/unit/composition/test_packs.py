"""A car pack is read as it was written, and what is wrong in one is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.pictures.composition.composite import finished, over
from shared.pictures.composition.delta_e import delta_e00
from shared.pictures.composition.layer import prepared
from shared.pictures.composition.light import to_linear
from shared.pictures.composition.manifest import BadPack, Manifest, read_manifest
from shared.pictures.composition.packs import load_picture, nearest_light
from shared.pictures.composition.place import Place
from tests.unit.composition.conftest import MANIFEST, draw


def test_what_was_written_is_read_back(drawn: Manifest) -> None:
    picture = load_picture(drawn, "side", "red", "studio")
    assert picture.pixels.shape == (160, 480, 4)
    assert (picture.pixels[..., :3] <= picture.pixels[..., 3:] + 1e-6).all()
    body = picture.pixels[110, 250]
    assert body == pytest.approx((0.4, 0.02, 0.02, 1.0), abs=0.01)
    assert picture.pixels[40, 250, 3] == pytest.approx(0.6, abs=1e-4)
    assert picture.badge.sum() == pytest.approx(20 * 30, abs=1)


def test_a_loaded_picture_can_not_be_changed_by_one_of_those_who_share_it(drawn: Manifest) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_picture(drawn, "side", "red", "studio").pixels[0, 0, 0] = 1.0


def test_a_light_that_a_pack_lacks_is_replaced_by_the_nearest(drawn: Manifest) -> None:
    assert nearest_light(drawn, "noon").light_id == "noon"
    assert nearest_light(drawn, "night").light_id == "studio"
    assert nearest_light(drawn, "aurora").light_id == "studio"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('model = "drawn"', 'model = "other"', "model"),
        ("length_mm = 4700", 'length_mm = "long"', "length_mm"),
        ("length_mm = 4700", "length_mm = true", "length_mm"),
        ('name_zh = "手绘车"', "name_zh = 3", "name_zh"),
        ("badge_box = [120, 70, 150, 90]", "badge_box = [150, 70, 120, 90]", "badge_box"),
        ("badge_box = [120, 70, 150, 90]", "badge_box = [120, 70, 150]", "badge_box"),
        ("wheel_contacts = [[95.0, 158.0], [381.0, 158.0]]", "wheel_contacts = []", "wheel_contacts"),
        (
            "wheel_contacts = [[95.0, 158.0], [381.0, 158.0]]",
            "wheel_contacts = [[95, 8], [381, 158]]",
            "wheel_contacts",
        ),
        ("size_px = [480, 160]", "size_px = [480.5, 160]", "size_px"),
        ("camera_fov_deg = 17.0", "camera_fov_deg = 170.0", "camera_fov_deg"),
        ("sun_elevation_deg = 55.0", "", "sun_elevation_deg"),
        ("[lights.studio]", "[lights.lamp]", "lights.studio"),
        ("[colours.red]", '[colours."../red"]', "colours"),
        ("licence", "licence = [", "TOML"),
    ],
)
def test_a_wrong_manifest_is_refused_by_the_key_that_is_wrong(tmp_path: Path, old: str, new: str, named: str) -> None:
    folder = tmp_path / "drawn"
    folder.mkdir()
    assert old in MANIFEST
    (folder / "car.toml").write_text(MANIFEST.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadPack, match=named):
        read_manifest(folder)


@pytest.mark.parametrize("name", ["side-red-studio.jp2", "side-alpha.png", "side-badge.png"])
@pytest.mark.parametrize("content", [None, b"", b"not a picture", "other size"])
def test_a_broken_file_is_refused_by_its_name(tmp_path: Path, name: str, content: bytes | str | None) -> None:
    manifest = draw(tmp_path / "drawn")
    file = manifest.folder / name
    if content is None:
        file.unlink()
    elif content == "other size":
        text = (manifest.folder / "car.toml").read_text("utf-8").replace("size_px = [480, 160]", "size_px = [482, 160]")
        (manifest.folder / "car.toml").write_text(text, "utf-8")
        manifest = read_manifest(manifest.folder)
        name = "side-alpha.png"
    else:
        file.write_bytes(content)  # type: ignore[arg-type]
    with pytest.raises(BadPack, match=name):
        load_picture(manifest, "side", "red", "studio")


@pytest.mark.parametrize(
    ("view", "colour", "light"), [("rear", "red", "studio"), ("side", "blue", "studio"), ("side", "red", "x")]
)
def test_what_a_pack_lacks_is_refused_with_what_it_has(drawn: Manifest, view: str, colour: str, light: str) -> None:
    with pytest.raises(BadPack, match="one of"):
        load_picture(drawn, view, colour, light)


@pytest.mark.parametrize("scale", [0.3, 0.47, 0.75, 1.0])
def test_the_badge_keeps_every_code_value_of_the_prepared_asset(drawn: Manifest, scale: float) -> None:
    width, height = round(480 * scale), round(160 * scale)
    place = Place("side", 37, 51, width, height, 60.0, scale)
    layer = prepared(load_picture(drawn, "side", "red", "studio"), place)
    plate = np.random.default_rng(1).integers(0, 256, (300, 560, 3), dtype=np.uint8)
    picture = finished(over(layer, place, to_linear(plate)), layer, place)
    assert layer.lock.sum() > 30
    assert np.array_equal(picture[51 : 51 + height, 37 : 37 + width][layer.lock], layer.locked[layer.lock])
    outside = np.ones(picture.shape[:2], bool)
    outside[51 : 51 + height, 37 : 37 + width] = False
    assert np.array_equal(picture[outside], plate[outside])


def test_a_soft_pixel_is_the_mixture_of_lights_not_of_codes(drawn: Manifest) -> None:
    place = Place("side", 0, 0, 480, 160, 36.0, 1.0)
    layer = prepared(load_picture(drawn, "side", "red", "studio"), place)
    white = np.full((160, 480, 3), 255, np.uint8)
    picture = finished(over(layer, place, to_linear(white)), layer, place)
    # Glass: 60 % of a dark tint and 40 % of the white behind it.
    light = np.array([[[0.6 * 0.03 + 0.4, 0.6 * 0.03 + 0.4, 0.6 * 0.04 + 0.4]]], np.float32)
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)
    seen = to_linear(picture[38:44, 240:260]).mean(axis=(0, 1), keepdims=True)
    assert delta_e00(np.float32(seen * 0 + expected), np.float32(1.055 * seen ** (1 / 2.4) - 0.055)).max() < 0.5


def test_a_car_that_reaches_beyond_the_picture_is_cut_off_at_its_edge(drawn: Manifest) -> None:
    place = Place("side", -100, 80, 480, 160, 116.0, 1.0)
    layer = prepared(load_picture(drawn, "side", "red", "studio"), place)
    plate = np.zeros((160, 200, 3), np.uint8)
    assert finished(over(layer, place, to_linear(plate)), layer, place).any()
