"""The node package in a real ComfyUI: what the page is offered, and that the nodes do there what they do here.

Needs ``COMFYUI_URL`` and what `test_real` says of it. The tests of the car also need the server's own
``TRIPCANVAS_CARS`` in this process, and one asset there.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import requests
from PIL import Image

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import load_custom_nodes
from localcloud.comfyui.remote import RemoteComfyUI
from localcloud.comfyui.results import Engine, GraphRefused
from localcloud.comfyui.runner import Runner
from localcloud.painter import paint
from shared.pictures.composition.composite import compose
from shared.pictures.composition.layer import window
from shared.pictures.composition.order import SceneOrder
from workflows.custom_nodes.tripcanvas.cars import cars

URL = os.environ.get("COMFYUI_URL", "")
PACKAGE = Path(__file__).resolve().parents[3] / "workflows" / "custom_nodes" / "tripcanvas"

if not URL:
    pytest.skip("COMFYUI_URL names no ComfyUI server", allow_module_level=True)

CLASSES = load_custom_nodes(PACKAGE.parent)

needs_car = pytest.mark.skipif(not cars(), reason="TRIPCANVAS_CARS names no folder with a car")
paints = pytest.mark.skipif(
    not os.environ.get("TRIPCANVAS_DASHSCOPE_URL"), reason="TRIPCANVAS_DASHSCOPE_URL names no service that paints"
)


@pytest.fixture
def engines(tmp_path: Path) -> list[Engine]:
    folders = Folders(tmp_path)
    builtin = Runner({**core_nodes(folders), **CLASSES}, folders)
    return [RemoteComfyUI(URL), builtin]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def saved(source: str) -> dict[str, Any]:
    return node("SaveImage", images=[source, 0], filename_prefix=f"{uuid.uuid4()}/picture")


def chosen_car(width: int) -> dict[str, Any]:
    asset = next(iter(cars().values()))
    colour, view = next(iter(asset.colours)), next(iter(asset.views))
    return node("LoadCar", car=asset.model, colour=colour, light="noon", view=view, width=width)


def picture(engine: Engine, graph: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    run = engine.run(graph, str(uuid.uuid4()))
    assert run.failure is None, run.failure
    (file,) = run.new_files()
    with Image.open(io.BytesIO(engine.read(file))) as image:
        return np.asarray(image)


def test_the_page_gets_the_names_in_both_languages() -> None:
    told = requests.get(f"{URL}/i18n", timeout=60).json()
    for language, name in (("zh", "载入车"), ("en", "Load car")):
        assert told[language]["nodeDefs"]["LoadCar"]["display_name"] == name
        assert told[language]["nodeDefs"]["旅行文本生成"]["inputs"]["query_prompt"]["tooltip"]
        assert told[language]["nodeCategories"]["Tripcanvas"]


def test_the_examples_stand_in_the_template_browser_with_their_pictures() -> None:
    offered = requests.get(f"{URL}/api/workflow_templates", timeout=60).json()["tripcanvas"]
    names = [file.stem for file in PACKAGE.glob("example_workflows/*.json")]
    assert sorted(offered) == sorted(names)
    for name in names:
        graph = requests.get(f"{URL}/api/workflow_templates/tripcanvas/{quote(name)}.json", timeout=60).json()
        assert graph["nodes"]
        preview = requests.get(f"{URL}/api/workflow_templates/tripcanvas/{quote(name)}.jpg", timeout=60)
        assert preview.headers["Content-Type"] == "image/jpeg"


@needs_car
@pytest.mark.parametrize("width", [160, 333, 640])
def test_a_car_is_the_same_to_the_pixel_in_both_engines(engines: list[Engine], width: int) -> None:
    real, builtin = (picture(engine, {"1": chosen_car(width), "9": saved("1")}) for engine in engines)
    np.testing.assert_array_equal(real, builtin)


def put_in(plate: str, order: SceneOrder, colour: str) -> dict[str, Any]:
    """A car into a picture of the server's input folder, step by step."""
    sun = -90.0 if order.sun_elevation_deg is None else order.sun_elevation_deg
    car = {"car": next(iter(cars())), "colour": colour, "light": order.light, "view": order.view, "width": 64}
    return {
        "1": node("LoadImage", image=plate),
        "2": node("LoadCar", **car),
        "3": node("HorizonPlace", image=["1", 0], anchors=["2", 2], position=order.position),
        "4": node("CarShadow", image=["1", 0], place=["3", 0], sun_elevation=sun, surface=order.surface),
        "5": node("CarHarmonize", image=["4", 0], layer=["4", 1], texture=order.texture, budget=order.budget_delta_e00),
        "6": node("CarComposite", image=["4", 0], layer=["5", 0]),
        "7": node("BadgeLock", image=["6", 0], layer=["5", 0]),
        "9": saved("7"),
    }


@needs_car
@pytest.mark.parametrize(
    "order",
    [
        SceneOrder(light="noon", sun_elevation_deg=40.0, view="side"),
        SceneOrder(light="overcast", surface="wet", texture="watercolour", budget_delta_e00=4.5),
        SceneOrder(light="night", texture="oil", surface="snow", position="left"),
    ],
    ids=["sun", "rain", "night"],
)
def test_the_car_is_put_in_there_as_one_call_does_it_here(order: SceneOrder) -> None:
    plate = paint("a realistic lakeside road, level horizon, wide flat open ground in front", seed=3)
    # Every code of every channel, where neither car nor shadow comes: what the last node gives survives SaveImage.
    plate[:6] = (np.arange(768)[None, :, None] + np.array([0, 85, 170])) % 256
    name = f"{uuid.uuid4()}.png"
    with io.BytesIO() as file:
        Image.fromarray(plate).save(file, "PNG")
        answer = requests.post(f"{URL}/upload/image", files={"image": (name, file.getvalue())}, timeout=60)
    answer.raise_for_status()
    asset = next(iter(cars().values()))
    colour = next(iter(asset.colours))
    real = picture(RemoteComfyUI(URL), put_in(name, order, colour)).astype(int)
    whole = compose(plate, asset, colour, order)  # type: ignore[arg-type]
    np.testing.assert_array_equal(real[:6], plate[:6])
    difference = np.abs(real - whole.picture)
    assert difference.max() <= 1
    assert (difference > 0).sum() <= 100
    here, there = window(whole.place, whole.ground)
    lock = whole.layer.lock[there]
    assert lock.sum() > 50
    np.testing.assert_array_equal(real[here][lock], whole.picture[here][lock])


@needs_car
@paints
def test_a_background_keeps_the_car_and_is_the_same_in_both_engines(engines: list[Engine]) -> None:
    background = node("WanxBackground", image=["1", 0], mask=["1", 1], prompt=f"太湖边的黄昏 {uuid.uuid4()}", seed=1)
    graph = {"1": chosen_car(320), "2": background}
    real, builtin = (picture(engine, {**graph, "9": saved("2")}) for engine in engines)
    np.testing.assert_array_equal(real, builtin)
    car = picture(engines[1], {"1": chosen_car(320), "9": saved("1")})
    mask = np.asarray(CLASSES["LoadCar"]().load(**chosen_car(320)["inputs"])[1])[0]
    np.testing.assert_array_equal(real[mask == 1], car[mask == 1])
    assert (real[mask == 0] != car[mask == 0]).any()


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_server_offers_each_node_as_it_is_here(name: str) -> None:
    served = requests.get(f"{URL}/object_info/{quote(name)}", timeout=60).json()[name]
    cls = CLASSES[name]
    assert served["input"] == json.loads(json.dumps(cls.INPUT_TYPES()))
    assert (tuple(served["output"]), tuple(served["output_name"])) == (cls.RETURN_TYPES, cls.RETURN_NAMES)
    assert (served["category"], served["description"]) == (cls.CATEGORY, cls.DESCRIPTION)


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (node("LoadCar", car="../gen1", colour="red", light="noon", view="side", width=64), "没有车型"),
        (node("WanxImage", prompt="湖", negative_prompt="", model="wan2.6-t2i", size="768*960", seed=1), "1638400"),
        (node("WanxImage", prompt="湖", negative_prompt="", model="wan2.2-t2i-flash", size="9*9", seed=1), "W*H"),
    ],
)
def test_both_engines_refuse_what_the_nodes_refuse(engines: list[Engine], refused: dict[str, Any], words: str) -> None:
    for engine in engines:
        with pytest.raises(GraphRefused) as told:
            engine.run({"1": refused, "9": saved("1")}, str(uuid.uuid4()))
        errors = told.value.body["node_errors"]["1"]["errors"]
        assert {error["type"] for error in errors} == {"custom_validation_failed"}
        assert all(words in error["details"] for error in errors)
