"""LoadCar: which cars there are, what comes out of one, and that nothing else can be loaded."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from shared.pictures.composition.light import to_linear
from shared.pictures.composition.packs import colour_file, write_alpha, write_colour
from tests.unit.nodes.assets import BADGE, BADGE_BLUE, HEIGHT, PAINTS, WIDTH, make_asset
from workflows.custom_nodes.tripcanvas.car_node import LoadCar
from workflows.custom_nodes.tripcanvas.cars import folder_of_cars
from workflows.custom_nodes.tripcanvas.errors import CarUnusable


@pytest.fixture
def cars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cars"
    make_asset(folder)
    monkeypatch.setenv("TRIPCANVAS_CARS", str(folder))
    return folder


def load(width: int = WIDTH, **chosen: str) -> tuple[Any, Any, dict[str, Any], int, int]:
    return LoadCar().load(
        **{"car": "gen1", "colour": "red", "light": "studio", "view": "side", "width": width, **chosen}
    )


def choices() -> dict[str, list[str]]:
    found = {name: spec[0] for name, spec in LoadCar.INPUT_TYPES()["required"].items() if name != "width"}
    assert found.pop("light") == ["studio", "noon", "dusk", "overcast", "night"]
    return found


def test_the_choices_are_what_the_manifests_name(cars: Path) -> None:
    assert choices() == {"car": ["none", "gen1"], "colour": ["red", "white"], "view": ["auto", "side"]}
    make_asset(cars, "gen2")
    assert choices()["car"] == ["none", "gen1", "gen2"]


@pytest.mark.parametrize("folder", ["", "nothing here"])
def test_without_assets_the_node_still_loads_and_offers_no_car(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("TRIPCANVAS_CARS", str(tmp_path / folder))
    assert choices() == {"car": ["none"], "colour": ["none"], "view": ["auto"]}
    assert LoadCar.VALIDATE_INPUTS("none", "none", "auto") is True
    assert "没有车型素材" in str(LoadCar.VALIDATE_INPUTS("gen1", "red", "side"))


def test_at_its_own_size_every_pixel_has_the_assets_colour_and_cover(cars: Path) -> None:
    picture, mask, _, width, height = load()
    assert (width, height) == (WIDTH, HEIGHT)
    assert picture.shape == (1, HEIGHT, WIDTH, 3)
    assert mask.shape == (1, HEIGHT, WIDTH)
    assert picture.dtype == mask.dtype == np.float32
    x0, y0, x1, y1 = BADGE
    badge = np.zeros((HEIGHT, WIDTH), bool)
    badge[y0:y1, x0:x1] = True
    np.testing.assert_allclose(picture[0][badge] * 255, np.broadcast_to(BADGE_BLUE, (badge.sum(), 3)), atol=0.02)
    # Soft edges and what lies under transparent pixels too: no dark fringe for whoever scales or blends it.
    paint = picture[0, :, WIDTH // 2 :] * 255
    np.testing.assert_allclose(paint, np.broadcast_to(PAINTS["red"], paint.shape), atol=0.02)
    assert set(np.unique(np.round(mask, 3))) == {0, 0.5, 1}


@pytest.mark.parametrize("width", [16, 37, 40, 79, 81, 200])
def test_no_fringe_shows_at_any_size(cars: Path, width: int) -> None:
    picture, mask, _, _, height = load(width)
    assert height == round(width * HEIGHT / WIDTH)
    right = picture[0, :, width // 2 :] * 255
    np.testing.assert_allclose(right, np.broadcast_to(PAINTS["red"], right.shape), atol=0.1)
    assert mask.max() == pytest.approx(1, abs=1e-5)
    assert 0 <= mask.min() < 0.6


def test_scaling_keeps_the_light_and_not_the_numbers(cars: Path) -> None:
    """Black and white stripes, halved, are as bright as half the light: sRGB 188, not 128."""
    stripes = np.ones((HEIGHT, WIDTH, 3), np.float32)
    stripes[:, ::2] = 0
    write_colour(cars / "gen1" / colour_file("side", "red", "studio"), stripes, 1000)
    write_alpha(cars / "gen1" / "side-alpha.png", np.ones((HEIGHT, WIDTH), np.float32))
    picture, mask, *_ = load(WIDTH // 2)
    assert (np.round(picture * 255) == 188).all()
    assert (mask == 1).all()


def test_the_light_is_chosen_and_one_that_the_asset_lacks_is_replaced(cars: Path) -> None:
    noon, _, anchors, *_ = load(light="noon")
    assert anchors["light"] == "noon"
    studio = load()[0]
    np.testing.assert_allclose(to_linear(noon), to_linear(studio) / 2, atol=1e-4)
    dusk, _, anchors, *_ = load(light="dusk")
    # The order stays as it was given: what else it decides must not hang on what the asset happens to have.
    assert anchors["light"] == "dusk"
    np.testing.assert_array_equal(dusk, studio)


def test_an_open_view_shows_the_first_and_stays_open(cars: Path) -> None:
    picture, _, anchors, *_ = load(view="auto")
    assert anchors["view"] == "auto"
    np.testing.assert_array_equal(picture, load()[0])


def test_the_area_of_the_car_is_kept(cars: Path) -> None:
    _, whole, *_ = load()
    _, small, *_ = load(33)
    assert small.mean() == pytest.approx(whole.mean(), abs=0.005)


def test_the_anchors_follow_the_size(cars: Path) -> None:
    _, _, anchors, *_ = load(WIDTH * 2)
    assert anchors["badge_box"] == [8, 36, 16, 44]
    assert anchors["wheel_contacts"] == [[36, 72], [124, 72]]
    assert anchors["horizon_y"] == 16
    assert [anchors[name] for name in ("car", "colour", "light", "view")] == ["gen1", "red", "studio", "side"]
    assert (anchors["camera_height_m"], anchors["camera_fov_deg"], anchors["length_mm"]) == (1.2, 20.0, 4750)


def test_no_car_is_an_empty_cut_out(cars: Path) -> None:
    picture, mask, anchors, width, height = load(64, car="none", colour="whatever")
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
        load(64, car=car, colour=colour, view=view)
    assert math.isnan(float(LoadCar.IS_CHANGED(car, colour, "studio", view, 64)))


def test_an_exchanged_asset_runs_the_node_again_and_is_read_again(cars: Path) -> None:
    before, red = LoadCar.IS_CHANGED("gen1", "red", "studio", "side", 64), load()[0]
    assert LoadCar.IS_CHANGED("gen1", "red", "studio", "side", 64) == before
    names = (colour_file("side", colour, "studio") for colour in ("white", "red"))
    white, exchanged = (cars / "gen1" / name for name in names)
    white.replace(exchanged)
    assert LoadCar.IS_CHANGED("gen1", "red", "studio", "side", 64) != before
    assert np.abs(load()[0] - red).max() > 0.5


@pytest.mark.parametrize("content", [b"no picture", b"", None])
def test_a_broken_or_missing_file_is_named_without_its_folder(cars: Path, content: bytes | None) -> None:
    file = cars / "gen1" / colour_file("side", "red", "studio")
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(CarUnusable, match="车型素材有误：gen1/side-red-studio.jp2") as told:
        load()
    assert str(cars) not in str(told.value)


@pytest.mark.parametrize("manifest", ["", "model = ", 'model = "gen1"\ncolours = 3', 'model = "other"'])
def test_a_broken_manifest_leaves_the_other_cars_usable(cars: Path, manifest: str) -> None:
    make_asset(cars, "gen2")
    (cars / "gen1" / "car.toml").write_text(manifest, "utf-8")
    assert choices()["car"] == ["none", "gen2"]
    assert "car.toml" in str(LoadCar.VALIDATE_INPUTS("gen1", "red", "side"))


def test_the_servers_own_folder_comes_before_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_paths = ModuleType("folder_paths")
    folder_paths.models_dir = str(tmp_path / "models")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "folder_paths", folder_paths)
    monkeypatch.delenv("TRIPCANVAS_CARS", raising=False)
    make_asset(tmp_path / "models" / "cars", "gen7")
    assert folder_of_cars() == tmp_path / "models" / "cars"
    assert choices()["car"] == ["none", "gen7"]
