"""`tripcanvas cars`: a picture becomes a part of a pack, or is refused and nothing is written."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.cars.checking import judge
from cli.cars.importing import Request, bring_in
from cli.cars.sheet import AFTER, BEFORE, GROUNDS, PLACES, draw_sheet
from cli.main import app
from shared.errors import InvalidInput
from shared.pictures.composition.manifest import read_manifest
from shared.pictures.composition.packs import load_picture, write_colour
from tests.unit.cars_import.measuring import delta_e00_to_truth, outline_and_glass
from tests.unit.cars_import.studio import backdrop, clean, photographed


@pytest.fixture
def cars(tmp_path):
    return tmp_path / "cars"


@pytest.fixture
def bring(cars, saved, manifest, photograph):
    """Brings the photograph in, with what a test changes."""

    def call(rgba=photograph, *, points=None, **changed):
        request = {
            "picture": saved(rgba),
            "model": "test1",
            "view": "side",
            "colour": "red",
            "manifest": manifest(**(points or {})),
        }
        return bring_in(Request(**request | changed), cars)

    return call


def _files(cars):
    return sorted(str(path.relative_to(cars)) for path in cars.rglob("*")) if cars.exists() else []


def test_a_picture_becomes_a_pack_that_can_be_used(bring, cars, car):
    done = bring()
    assert _files(cars) == [
        "test1",
        "test1/car.toml",
        "test1/ground.png",
        "test1/side-alpha.png",
        "test1/side-badge.png",
        "test1/side-red-studio.jp2",
    ]
    picture = load_picture(read_manifest(cars / "test1"), "side", "red", "studio")
    assert picture.manifest.colours["red"] == ("中国红", "China red")
    assert done.findings.kind == "contaminated"
    assert judge(cars / "test1").problems == ()
    # Every point moved with the crop: the truth, cropped the same way, is what the pack shows.
    left, top, right, bottom = done.manifest and _source_box(cars)
    truth = car.pixels[top:bottom, left:right]
    ring, glass = outline_and_glass(truth)
    assert picture.view.size_px == (right - left, bottom - top)
    assert picture.view.wheel_contacts[0] == pytest.approx(
        (car.wheel_contacts[0][0] - left, car.wheel_contacts[0][1] - top), abs=0.1
    )
    assert delta_e00_to_truth(picture.pixels, truth, ring).mean() < 0.45
    assert delta_e00_to_truth(picture.pixels, truth, glass).mean() < 1.2


def _source_box(cars):
    text = (cars / "test1" / "car.toml").read_text("utf-8")
    line = next(each for each in text.splitlines() if each.startswith("source_box_px"))
    return [int(value) for value in line.split("[")[1].rstrip("]").split(",")]


def test_a_large_master_is_scaled_and_its_points_with_it(bring, car):
    done = bring(width_px=400)
    x, y = done.view.wheel_contacts[1]
    assert done.view.size_px[0] == 400
    assert done.after.shape[1] == 400
    alpha = done.after[..., 3]
    assert alpha[int(y) - 6, int(x)] > 0.9
    assert alpha[min(int(y) + 4, len(alpha) - 1), int(x)] < 0.1


def test_further_colours_stand_on_the_same_pixels_and_share_the_alpha(bring, cars, car):
    first = bring()
    other = bring(clean(car.pixels), colour="blue")
    assert other.view == first.view
    assert not (cars / "test1" / "side-blue-alpha.png").exists()
    assert judge(cars / "test1").problems == ()


def test_a_colour_cut_out_by_itself_keeps_its_own_alpha(bring, cars, car, photograph):
    bring()
    other = photograph.copy()
    other[..., 3] = np.clip(cv2.GaussianBlur(other[..., 3], (0, 0), 0.42).astype(int), 0, 255)
    bring(other, colour="blue")
    assert (cars / "test1" / "side-blue-alpha.png").exists()


def test_another_light_needs_the_studio_first(bring, cars):
    with pytest.raises(InvalidInput, match="--light: studio first"):
        bring(light="noon")
    assert _files(cars) == []
    bring()
    done = bring(light="noon", settings=("lights.noon.sun_azimuth_deg=115.0", "lights.noon.sun_elevation_deg=55.0"))
    assert done.manifest.lights["noon"].sun_elevation_deg == 55.0


def test_without_a_mask_the_whole_badge_box_is_locked(bring, car):
    done = bring()
    x0, y0, x1, y1 = (round(value) for value in done.view.badge_box)
    assert done.badge[y0:y1, x0:x1].min() == 1
    assert done.badge.sum() == (x1 - x0) * (y1 - y0)


def test_a_badge_mask_is_cropped_with_the_car_and_gives_the_box(bring, car, tmp_path):
    cv2.imwrite(str(tmp_path / "badge.png"), np.rint(car.badge * 255).astype(np.uint8))
    done = bring(badge=tmp_path / "badge.png", points={"badge_box": None})
    x0, y0, x1, y1 = (round(value) for value in done.view.badge_box)
    assert done.badge.sum() == pytest.approx(car.badge.sum(), rel=0.01)
    assert done.badge[y0:y1, x0:x1].sum() == pytest.approx(done.badge.sum())


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ({"wheel_contacts": None}, "wheel_contacts: 2 points"),
        ({"badge_box": None}, "badge_box: 4 numbers"),
        ({"badge_box": "[30, 2, 50, 14]"}, "badge_box: left, top"),
        ({"badge_box": "[217, 85, 900, 98]"}, "badge_box"),
        ({"wheel_contacts": "[[115.2, 130.0], [408.0, 130.0]]"}, "tyres' lowest rows"),
        ({"wheel_contacts": "[[200.0, 168.0], [300.0, 168.0]]"}, "tyres' lowest rows"),
        ({"wheel_contacts": "[[408.0, 168.9], [115.2, 168.9]]"}, "side: |wheel_contacts"),
        ({"camera_height_m": 2.0}, "camera_height_m about 1.3"),
        ({"horizon_y": 180}, "below the horizon"),
        ({"camera_fov_deg": 200}, "camera_fov_deg"),
        ({"camera_height_m": '"high"'}, "camera_height_m: a number"),
    ],
)
def test_points_that_can_not_be_are_refused_and_nothing_is_written(bring, cars, points, reason):
    with pytest.raises(InvalidInput, match=reason):
        bring(points=points)
    assert _files(cars) == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda rgba: np.dstack([rgba[..., :3], np.full(rgba.shape[:2], 255, np.uint8)]), "opaque everywhere"),
        (lambda rgba: np.dstack([rgba[..., :3], np.where(rgba[..., 3] > 127, 255, 0).astype(np.uint8)]), "hard mask"),
        (lambda rgba: np.dstack([rgba[..., :3], rgba[..., 3] // 2]), "opaque pixels"),
        (lambda rgba: cv2.resize(rgba, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), "at least 400 px wide"),
    ],
    ids=["opaque", "hard", "all glass", "small"],
)
def test_pictures_that_can_not_be_used_are_refused(bring, cars, photograph, spoil, reason):
    with pytest.raises(InvalidInput, match=reason):
        bring(spoil(photograph))
    assert _files(cars) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"model": "../up"}, "--model: small letters"),
        ({"view": "Side"}, "--view"),
        ({"colour": "中国红"}, "--colour"),
        ({"light": "moon"}, "--light: one of studio"),
        ({"settings": ("length_mm",)}, "KEY=VALUE"),
        ({"settings": ("length_mm=long",)}, "KEY=VALUE"),
        ({"settings": ('model="other"',)}, "model: test1"),
        ({"colour": "green"}, "colours.green: its name_zh and name_en"),
        ({"premultiplied": True}, "alpha is straight"),
        ({"profile": "p3"}, "sRGB, as the file says"),
    ],
)
def test_orders_that_make_no_sense_are_refused(bring, cars, changed, reason):
    with pytest.raises(InvalidInput, match=reason):
        bring(**changed)
    assert _files(cars) == []


def test_what_is_there_is_replaced_only_when_that_is_said(bring, cars, car):
    bring()
    before = (cars / "test1" / "side-red-studio.jp2").read_bytes()
    with pytest.raises(InvalidInput, match="--replace"):
        bring(clean(car.pixels))
    assert (cars / "test1" / "side-red-studio.jp2").read_bytes() == before
    bring(clean(car.pixels), replace=True)
    assert (cars / "test1" / "side-red-studio.jp2").read_bytes() != before


def test_a_refusal_leaves_a_pack_as_it_was(bring, cars, car):
    bring()
    before = {name: (cars / name).read_bytes() for name in _files(cars) if (cars / name).is_file()}
    with pytest.raises(InvalidInput, match="as the view's other pictures have it"):
        bring(colour="blue", points={"axis_x": 40.0})
    smaller = cv2.copyMakeBorder(clean(car.pixels), 4, 4, 4, 4, cv2.BORDER_CONSTANT)
    with pytest.raises(InvalidInput, match="same camera"):
        bring(smaller, colour="blue")
    shifted = np.roll(clean(car.pixels), 12, axis=1)
    with pytest.raises(InvalidInput, match="the car where|same car from the same camera"):
        bring(shifted, colour="blue")
    assert {name: (cars / name).read_bytes() for name in _files(cars) if (cars / name).is_file()} == before


def test_a_lone_picture_can_be_replaced_with_other_points(bring):
    bring()
    again = bring(replace=True, points={"badge_box": "[215, 84, 236, 99]"})
    x0, _, x1, _ = again.view.badge_box
    assert x1 - x0 == 21


def test_the_check_finds_the_studio_left_in_a_pack(bring, cars, photograph):
    done = bring()
    assert judge(cars / "test1").problems == ()
    left, top, right, bottom = _source_box(cars)
    codes = photograph[top:bottom, left:right] / np.float32(255)
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)[..., :3] * codes[..., 3:]
    assert done.view.size_px == (right - left, bottom - top)
    write_colour(cars / "test1" / "side-red-studio.jp2", light.astype(np.float32), 300)
    assert any("halo" in problem for problem in judge(cars / "test1").problems)


def test_the_check_names_what_a_pack_lacks(bring, cars):
    bring()
    pack = cars / "test1"
    text = (pack / "car.toml").read_text("utf-8")
    (pack / "car.toml").write_text(
        text.replace("[views.side]", '[lights.night]\nname_zh = "夜晚"\nname_en = "Night"\n\n[views.side]'),
        encoding="utf-8",
    )
    assert any("lights.night" in problem for problem in judge(pack).problems)
    (pack / "car.toml").write_text(text.replace("camera_height_m = 1.3", "camera_height_m = 2.6"), encoding="utf-8")
    assert any("camera_height_m about 1.3" in problem for problem in judge(pack).problems)
    (pack / "car.toml").write_text(text, encoding="utf-8")
    write_colour(
        pack / "side-red-studio.jp2",
        np.ones((*load_picture(read_manifest(pack), "side", "red", "studio").pixels.shape[:2], 3), np.float32),
    )
    assert any("premultiplied" in problem for problem in judge(pack).problems)
    (pack / "side-red-studio.jp2").unlink()
    assert any("studio light" in problem for problem in judge(pack).problems)
    (pack / "car.toml").write_text("model = 1", encoding="utf-8")
    assert len(judge(pack).problems) == 1


def test_the_command_tells_what_it_found_and_draws_the_sheet(cars, saved, manifest, photograph, tmp_path):
    sheet = tmp_path / "sheet.png"
    arguments = ["cars", "import", str(saved(photograph)), "--model", "test1", "--view", "side", "--colour", "red"]
    arguments += ["--manifest", str(manifest()), "--cars", str(cars), "--sheet", str(sheet)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "contaminated by a backdrop around (15" in done.output
    assert str(sheet) in done.output.replace("\n", "")
    with Image.open(sheet) as drawn:
        assert drawn.size[0] > 1500
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1
    assert "--replace" in again.output
    listed = CliRunner().invoke(app, ["cars", "list", "--cars", str(cars)])
    assert "中国红" in listed.output
    assert CliRunner().invoke(app, ["cars", "check", "--cars", str(cars)]).exit_code == 0
    (cars / "test1" / "side-badge.png").write_bytes(b"broken")
    checked = CliRunner().invoke(app, ["cars", "check", "--cars", str(cars)])
    assert checked.exit_code == 1
    assert "side-badge.png" in checked.output


def test_the_sheet_shows_where_before_and_after_differ(bring):
    done = bring()
    sheet = draw_sheet(done.before, done.after, done.badge, "test1 · side · red")
    height, width = sheet.shape[:2]
    assert (width, height) > (1500, 600)
    # The black ground of the first row, and the magenta of the last.
    assert (sheet.reshape(-1, 3) == (0, 0, 0)).all(axis=1).sum() > 5000
    assert (sheet.reshape(-1, 3) == (255, 0, 144)).all(axis=1).sum() > 5000


def test_the_sheets_font_has_every_glyph_of_its_labels():
    from PIL import ImageFont

    from cli.cars.sheet import _FONT

    font = ImageFont.truetype(str(_FONT), 20)
    missing = font.getmask("\u9f98").getbbox(), bytes(font.getmask("\u9f98"))
    for character in set("".join([*GROUNDS, BEFORE, AFTER, *PLACES.values(), "·×"])) - {" "}:
        assert (font.getmask(character).getbbox(), bytes(font.getmask(character))) != missing, character


def test_every_shipped_pack_is_fit_for_use():
    from cli.cars.checking import packs_in
    from cli.cars.commands import CARS

    packs = packs_in(CARS)
    assert packs
    for pack in packs:
        assert judge(pack).problems == ()


def test_a_backdrop_of_the_cars_own_colour_does_no_harm(bring, car):
    same = photographed(car.pixels, np.full_like(backdrop("grey", *car.pixels.shape[:2]), (0.42, 0.02, 0.02)))
    done = bring(same)
    assert done.after[..., 3].max() == 1
