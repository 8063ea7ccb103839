"""The nodes that put a car in: step by step the same as in one call, and without a car nothing at all."""

from __future__ import annotations

import io
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import load_custom_nodes
from localcloud.comfyui.runner import Runner
from shared.pictures.composition.composite import Composition, compose
from shared.pictures.composition.light import quantised, to_linear
from shared.pictures.composition.manifest import Manifest, read_manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.texture import TEXTURES as GRAINS
from tests.unit.composition.conftest import draw
from workflows.custom_nodes.tripcanvas.canvas_node import CarCanvas
from workflows.custom_nodes.tripcanvas.car_node import LoadCar
from workflows.custom_nodes.tripcanvas.composition_nodes import (
    TEXTURES,
    BadgeLock,
    CarComposite,
    CarHarmonize,
    CarShadow,
    HorizonPlace,
)
from workflows.custom_nodes.tripcanvas.errors import CarUnusable, NoPlace

NODES = Path(__file__).resolve().parents[3] / "workflows" / "custom_nodes"
HEIGHT, WIDTH = 480, 384


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("cars") / "drawn"
    draw(folder)
    return read_manifest(folder)


@pytest.fixture(autouse=True)
def _cars(pack: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPCANVAS_CARS", str(pack.folder.parent))


@pytest.fixture(scope="module")
def plate() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Sky over ground, their line at 45 % of the height, with grain on it that hides no steps."""
    rows = np.linspace(0, 1, HEIGHT)[:, None]
    sky = np.array([120, 160, 215]) + 60 * rows[..., None]
    ground = np.array([92, 84, 70]) + 40 * (rows[..., None] - 0.45)
    picture = np.where(rows[..., None] < 0.45, sky, ground) * np.ones((HEIGHT, WIDTH, 3))
    noise = np.random.default_rng(5).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def image_of(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """An 8-bit picture as ComfyUI's IMAGE."""
    return picture[None].astype(np.float32) / np.float32(255.0)


def codes(image: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """What SaveImage writes of an IMAGE."""
    return np.clip(255.0 * np.asarray(image)[0], 0, 255).astype(np.uint8)


def anchors(**chosen: str) -> dict[str, Any]:
    given = {"car": "drawn", "colour": "red", "light": "noon", "view": "auto", "width": 100, **chosen}
    return LoadCar().load(**given)[2]  # type: ignore[arg-type]


def by_nodes(image: Any, order: SceneOrder, **chosen: str) -> tuple[Any, Any]:
    """The finished IMAGE, and the layer."""
    if order.given_px is None:
        place = HorizonPlace().find(image, anchors(light=order.light, **chosen), order.position)[0]
    else:
        x, y, width = order.given_px
        held = anchors(light=order.light, view=order.view, **chosen)
        place = CarCanvas().stand(held, WIDTH, HEIGHT, width, x, y)[2]
    sun = -90.0 if order.sun_elevation_deg is None else order.sun_elevation_deg
    ground, layer = CarShadow().cast(image, place, sun, order.surface)
    (layer,) = CarHarmonize().harmonize(ground, layer, order.texture, order.budget_delta_e00)
    (composed,) = CarComposite().compose(ground, layer)
    return BadgeLock().lock(composed, layer)[0], layer


ORDERS = {
    "studio": SceneOrder(),
    "sun": SceneOrder(light="noon", sun_elevation_deg=40.0, position="left"),
    "rain": SceneOrder(light="overcast", surface="wet", texture="ink", budget_delta_e00=5.0),
    "snow": SceneOrder(light="overcast", surface="snow", texture="watercolour"),
    "night": SceneOrder(light="night", texture="oil", budget_delta_e00=0.0),
    "given": SceneOrder(light="noon", view="side", given_px=(40, 300, 260)),
    "half outside": SceneOrder(light="noon", view="side", given_px=(-90, 400, 300)),
}


@pytest.mark.parametrize("name", ORDERS)
def test_step_by_step_comes_out_what_one_call_composes(
    pack: Manifest, plate: np.ndarray[Any, np.dtype[np.uint8]], name: str
) -> None:
    whole = compose(plate, pack, "red", ORDERS[name])
    image, layer = by_nodes(image_of(plate), ORDERS[name])
    picture = codes(image)
    # The package has classes of its own, whose values are the same.
    assert astuple(layer.place) == astuple(whole.place)
    assert astuple(layer.order) == astuple(ORDERS[name])
    assert (picture != plate).any()
    difference = np.abs(picture.astype(int) - whole.picture)
    # Between the steps stand sRGB values, not light: a pixel in tens of thousands falls on the other side of a step.
    assert difference.max() <= 1
    assert (difference > 0).sum() <= 12
    assert not difference[locked(whole)].any()


def locked(whole: Composition) -> np.ndarray[Any, np.dtype[np.bool_]]:
    place, lock = whole.place, whole.layer.lock
    mask = np.zeros((HEIGHT + 2 * place.height_px, WIDTH + 2 * place.width_px), bool)
    y, x = place.top_px + place.height_px, place.left_px + place.width_px
    mask[y : y + lock.shape[0], x : x + lock.shape[1]] = lock
    return mask[place.height_px : place.height_px + HEIGHT, place.width_px : place.width_px + WIDTH]


def test_the_badge_has_the_assets_own_values_whatever_came_between(
    pack: Manifest, plate: np.ndarray[Any, np.dtype[np.uint8]]
) -> None:
    whole = compose(plate, pack, "red", ORDERS["rain"])
    _, layer = by_nodes(image_of(plate), ORDERS["rain"])
    graded = np.random.default_rng(1).random((1, HEIGHT, WIDTH, 3), dtype=np.float32)
    picture = codes(BadgeLock().lock(graded, layer)[0])
    badge = locked(whole)
    assert badge.sum() > 100
    np.testing.assert_array_equal(picture[badge], whole.picture[badge])
    assert (picture[~badge] != whole.picture[~badge]).mean() > 0.9


def test_what_the_last_node_gives_is_what_is_saved_for_every_code(
    tmp_path: Path, plate: np.ndarray[Any, np.dtype[np.uint8]]
) -> None:
    """All 256 values of all channels, through the last node, SaveImage and the file."""
    _, layer = by_nodes(image_of(plate), ORDERS["studio"])
    ramp = np.repeat(np.arange(HEIGHT * WIDTH, dtype=np.uint32) % 256, 3).reshape(HEIGHT, WIDTH, 3).astype(np.uint8)
    light = to_linear(ramp)
    image = BadgeLock().lock(image_of(ramp), replace(layer, layer=replace(layer.layer, lock=layer.layer.lock & False)))
    folders = Folders(tmp_path)
    save = core_nodes(folders)["SaveImage"]()
    (file,) = save.save_images(image[0], "x/p")["ui"]["images"]
    with Image.open(io.BytesIO((tmp_path / "output" / "x" / file["filename"]).read_bytes())) as saved:
        np.testing.assert_array_equal(np.asarray(saved), ramp)
    np.testing.assert_array_equal(quantised(light), ramp)


def test_without_a_car_every_picture_goes_through_as_it_came(plate: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    image = image_of(plate)
    held = anchors(car="none")
    place, *rectangle = HorizonPlace().find(image, held, "auto")
    assert (place, rectangle) == (None, [0, 0, 0, 0])
    ground, layer = CarShadow().cast(image, place, 40.0, "snow")
    assert CarHarmonize().harmonize(ground, layer, "ink", 3.0) == (None,)
    (composed,) = CarComposite().compose(ground, None)
    assert BadgeLock().lock(composed, None)[0] is image
    canvas, mask, place = CarCanvas().stand(held, 64, 48, 40, 2, 3)
    assert place is None
    assert not np.asarray(mask).any()
    assert set(np.unique(codes(canvas))) == {128}


def test_a_background_without_a_place_is_refused_in_both_languages(pack: Manifest) -> None:
    strip = np.full((40, 900, 3), 90, np.uint8)
    with pytest.raises(NoPlace, match=r"^\[NoPlace\] 这张背景放不下这辆车.* / this background has no place"):
        HorizonPlace().find(image_of(strip), anchors(), "auto")


def test_a_colour_that_went_away_is_told_of(plate: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    with pytest.raises(CarUnusable, match="没有颜色"):
        HorizonPlace().find(image_of(plate), {**anchors(), "colour": "lilac"}, "auto")


def test_the_place_is_told_in_numbers_too(pack: Manifest, plate: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    found, x, y, width, height = HorizonPlace().find(image_of(plate), anchors(), "right")
    assert found is not None
    place = found.place
    assert (x, y, width, height) == (place.left_px, place.top_px, place.width_px, place.height_px)


def test_the_canvas_holds_the_car_where_it_was_put(pack: Manifest) -> None:
    canvas, mask, place = CarCanvas().stand(anchors(), WIDTH, HEIGHT, 240, 70, 200)
    assert place is not None
    picture, cover = codes(canvas), np.asarray(mask)[0]
    rows, columns = np.nonzero(cover)
    assert (rows.min() >= 200, columns.min() >= 70, columns.max() < 310) == (True, True, True)
    assert (picture[cover == 0] == 128).all()
    # Half covered pixels have the car's colour, not a mixture with the canvas.
    soft = (cover > 0.2) & (cover < 0.8)
    assert soft.sum() > 50
    assert (np.abs(picture[soft].astype(int) - 128).max(axis=1) > 20).mean() > 0.95
    red = picture[cover > 0.999]
    assert (red[:, 0] > red[:, 1] + 40).mean() > 0.4


def test_the_textures_on_offer_are_those_there_are() -> None:
    assert ("none", *GRAINS) == TEXTURES


def test_only_the_first_of_a_batch_is_used(plate: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    batch = np.concatenate([image_of(plate), np.zeros((1, HEIGHT, WIDTH, 3), np.float32)])
    image, _ = by_nodes(batch, ORDERS["studio"])
    np.testing.assert_array_equal(image, by_nodes(image_of(plate), ORDERS["studio"])[0])


def test_a_background_of_fractions_is_taken_as_it_will_be_saved(
    pack: Manifest, plate: np.ndarray[Any, np.dtype[np.uint8]]
) -> None:
    """A sampler's picture has values between two codes: the saved one is cut, and the car is put into that one."""
    fractions = image_of(plate) + np.float32(0.7 / 255)
    np.testing.assert_array_equal(codes(fractions), plate)
    image, _ = by_nodes(fractions, ORDERS["studio"])
    np.testing.assert_array_equal(codes(image), codes(by_nodes(image_of(plate), ORDERS["studio"])[0]))


def test_the_built_in_runner_composes_a_whole_graph(
    tmp_path: Path, pack: Manifest, plate: np.ndarray[Any, np.dtype[np.uint8]]
) -> None:
    folders = Folders(tmp_path)
    Image.fromarray(plate).save(tmp_path / "input" / "plate.png")
    runner = Runner({**core_nodes(folders), **load_custom_nodes(NODES)}, folders)

    def node(kind: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": kind, "inputs": inputs}

    graph = {
        "1": node("LoadImage", image="plate.png"),
        "2": node("LoadCar", car="drawn", colour="red", light="noon", view="auto", width=64),
        "3": node("HorizonPlace", image=["1", 0], anchors=["2", 2], position="left"),
        "4": node("CarShadow", image=["1", 0], place=["3", 0], sun_elevation=40, surface="dry"),
        "5": node("CarHarmonize", image=["4", 0], layer=["4", 1], texture="none", budget=3),
        "6": node("CarComposite", image=["4", 0], layer=["5", 0]),
        "7": node("BadgeLock", image=["6", 0], layer=["5", 0]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="task/picture"),
    }
    run = runner.run(graph, "id")
    assert run.failure is None
    (file,) = run.new_files()
    with Image.open(io.BytesIO(runner.read(file))) as saved:
        picture = np.asarray(saved).astype(int)
    expected = compose(plate, pack, "red", ORDERS["sun"]).picture
    assert np.abs(picture - expected).max() <= 1
    assert (picture != expected).sum() <= 12
