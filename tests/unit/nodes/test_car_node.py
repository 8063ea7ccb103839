"""LoadCar: which cars there are, what comes out of one, and that nothing else can be loaded."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.nodes.assets import HEIGHT, PAINTS, WIDTH, make_asset
from workflows.custom_nodes.tripcanvas.car_node import LoadCar
from workflows.custom_nodes.tripcanvas.cars import folder_of_cars
from workflows.custom_nodes.tripcanvas.errors import CarUnusable


@pytest.fixture
def cars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cars"
    make_asset(folder)
    monkeypatch.setenv("TRIPCANVAS_CARS", str(folder))
    return folder


def load(width: int = WIDTH, car: str = "gen1", colour: str = "red") -> tuple[Any, Any, dict[str, Any], int, int]:
    return LoadCar().load(car, colour, "side", width)


def choices() -> dict[str, list[str]]:
    return {name: spec[0] for name, spec in LoadCar.INPUT_TYPES()["required"].items() if name != "width"}


def test_the_choices_are_what_the_manifests_name(cars: Path) -> None:
    assert choices() == {"car": ["none", "gen1"], "colour": ["red", "white"], "view": ["side"]}
    make_asset(cars, "gen2")
    assert choices()["car"] == ["none", "gen1", "gen2"]


@pytest.mark.parametrize("folder", ["", "nothing here"])
def test_without_assets_the_node_still_loads_and_offers_no_car(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("TRIPCANVAS_CARS", str(tmp_path / folder))
    assert choices() == {"car": ["none"], "colour": ["none"], "view": ["none"]}
    assert LoadCar.VALIDATE_INPUTS("none", "none", "none") is True
    assert "没有车型素材" in str(LoadCar.VALIDATE_INPUTS("gen1", "red", "side"))


def test_at_its_own_size_every_visible_pixel_is_the_assets_own(cars: Path) -> None:
    picture, mask, _, width, height = load()
    with Image.open(cars / "gen1" / "side-red.png") as file:
        asset = np.asarray(file)
    assert (width, height) == (WIDTH, HEIGHT)
    assert picture.shape == (1, HEIGHT, WIDTH, 3)
    assert mask.shape == (1, HEIGHT, WIDTH)
    assert picture.dtype == mask.dtype == np.float32
    visible = asset[:, :, 3] > 0
    np.testing.assert_array_equal(np.round(picture[0] * 255)[visible], asset[:, :, :3][visible])
    np.testing.assert_array_equal(np.round(mask[0] * 255), asset[:, :, 3])


@pytest.mark.parametrize("width", [16, 37, 40, 79, 80, 81, 200])
def test_no_hidden_colour_shows_at_any_size(cars: Path, width: int) -> None:
    """What lies under transparent pixels (here: green) neither bleeds into the edge nor is left there."""
    picture, mask, _, _, height = load(width)
    assert picture.shape == (1, height, width, 3)
    assert height == round(width * HEIGHT / WIDTH)
    np.testing.assert_allclose(picture[0] * 255, np.broadcast_to(PAINTS["red"], picture[0].shape), atol=1.01)
    assert mask.max() == 1
    assert 0 <= mask.min() < 0.6


def test_scaling_keeps_the_light_and_not_the_numbers(cars: Path) -> None:
    """Black and white stripes, halved, are as bright as half the light: sRGB 188, not 128."""
    stripes = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    stripes[:, ::2, :3] = 0
    Image.fromarray(stripes).save(cars / "gen1" / "side-red.png")
    picture, mask, *_ = load(WIDTH // 2)
    assert (np.round(picture * 255) == 188).all()
    assert (mask == 1).all()


def test_the_area_of_the_car_is_kept(cars: Path) -> None:
    _, whole, *_ = load()
    _, small, *_ = load(33)
    assert small.mean() == pytest.approx(whole.mean(), abs=0.005)


def test_the_anchors_follow_the_size(cars: Path) -> None:
    _, _, anchors, *_ = load(WIDTH * 2)
    assert anchors["badge_box"] == [8, 36, 16, 44]
    assert anchors["wheel_contacts"] == [[36, 72], [124, 72]]
    assert (anchors["car"], anchors["colour"], anchors["view"]) == ("gen1", "red", "side")
    assert (anchors["camera_height_m"], anchors["camera_fov_deg"], anchors["length_mm"]) == (1.2, 20.0, 4750)


def test_no_car_is_an_empty_cut_out(cars: Path) -> None:
    picture, mask, anchors, width, height = load(64, "none", "whatever")
    assert (width, height, picture.shape, mask.shape) == (64, 32, (1, 32, 64, 3), (1, 32, 64))
    assert not mask.any()
    assert anchors["wheel_contacts"] == []
    assert LoadCar.VALIDATE_INPUTS("none", "lilac", "from above") is True


@pytest.mark.parametrize(
    ("car", "colour", "view", "words"),
    [
        ("gen9", "red", "side", "没有车型 gen9；现有：gen1 / there is no car gen9; there is: gen1"),
        (
            "gen1",
            "lilac",
            "side",
            "gen1 没有颜色 lilac；现有：red, white / gen1 has no colour lilac; there are: red, white",
        ),
        ("gen1", "red", "above", "gen1 没有视角 above；现有：side"),
        ("../gen1", "red", "side", "没有车型；现有：gen1"),
        ("/etc", "red", "side", "没有车型；现有"),
        ("gen1", "../../secret", "side", "没有颜色；现有"),
        ("gen1", "red", "side-red.png\x00", "没有视角；现有"),
    ],
)
def test_what_is_not_among_the_assets_is_refused_with_what_there_is(
    cars: Path, car: str, colour: str, view: str, words: str
) -> None:
    answer = LoadCar.VALIDATE_INPUTS(car, colour, view)
    assert isinstance(answer, str)
    assert words in answer
    assert "secret" not in answer
    with pytest.raises(CarUnusable):
        LoadCar().load(car, colour, view, 64)
    assert math.isnan(float(LoadCar.IS_CHANGED(car, colour, view, 64)))


def test_an_exchanged_asset_runs_the_node_again_and_the_same_one_does_not(cars: Path) -> None:
    before = LoadCar.IS_CHANGED("gen1", "red", "side", 64)
    assert LoadCar.IS_CHANGED("gen1", "red", "side", 64) == before
    assert LoadCar.IS_CHANGED("gen1", "white", "side", 64) != before
    (cars / "gen1" / "side-white.png").replace(cars / "gen1" / "side-red.png")
    assert LoadCar.IS_CHANGED("gen1", "red", "side", 64) != before


@pytest.mark.parametrize("content", [b"no png", b""])
def test_a_broken_file_is_named(cars: Path, content: bytes) -> None:
    (cars / "gen1" / "side-red.png").write_bytes(content)
    with pytest.raises(CarUnusable, match="gen1/side-red.png 缺失或已损坏"):
        load()


def test_a_file_of_another_size_or_without_alpha_is_refused(cars: Path) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(cars / "gen1" / "side-red.png")
    with pytest.raises(CarUnusable, match="RGBA"):
        load()
    Image.new("RGBA", (WIDTH + 1, HEIGHT)).save(cars / "gen1" / "side-red.png")
    with pytest.raises(CarUnusable, match="80×40"):
        load()


@pytest.mark.parametrize("manifest", ["", "model = ", 'model = "gen1"\ncolours = 3', 'model = "other"'])
def test_a_broken_manifest_leaves_the_other_cars_usable(cars: Path, manifest: str) -> None:
    make_asset(cars, "gen2")
    (cars / "gen1" / "car.toml").write_text(manifest, "utf-8")
    assert choices()["car"] == ["none", "gen2"]
    assert "car.toml" in str(LoadCar.VALIDATE_INPUTS("gen1", "red", "side"))


def test_the_servers_own_folder_comes_before_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    folder_paths = ModuleType("folder_paths")
    folder_paths.models_dir = str(tmp_path / "models")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "folder_paths", folder_paths)
    monkeypatch.delenv("TRIPCANVAS_CARS", raising=False)
    make_asset(tmp_path / "models" / "cars", "gen7")
    assert folder_of_cars() == tmp_path / "models" / "cars"
    assert choices()["car"] == ["none", "gen7"]
