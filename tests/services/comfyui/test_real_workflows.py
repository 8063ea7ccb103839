"""The shipped workflows in a real ComfyUI server, held against the built-in runner where that can run them.

Needs ``COMFYUI_URL`` and a server started as `test_real` describes it. The workflows that paint on DashScope also need
the server's own ``TRIPCANVAS_DASHSCOPE_URL`` and ``DASHSCOPE_API_KEY`` in this process, and a service there that paints
the same picture for the same seed, as the embedded one does; where the server has another ``TRIPCANVAS_CARS``, so must
this process. The workflow with models of its own needs ``COMFYUI_MODELS``, the server's ``models`` folder: those that
are missing there, about 570 MB, are made of random numbers.
"""

from __future__ import annotations

import io
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import load_custom_nodes
from localcloud.comfyui.remote import RemoteComfyUI
from localcloud.comfyui.results import Engine
from localcloud.comfyui.runner import Runner
from shared.car_orders import CarOrder, parameters_of
from shared.pictures.composition.composite import compose
from shared.pictures.composition.layer import window
from shared.pictures.composition.order import SceneOrder
from tests.services.comfyui import random_models
from workflows.custom_nodes.tripcanvas.cars import cars

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

URL = os.environ.get("COMFYUI_URL", "")
WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"

if not URL:
    pytest.skip("COMFYUI_URL names no ComfyUI server to run the workflows", allow_module_level=True)

needs_paint = pytest.mark.skipif(
    "TRIPCANVAS_DASHSCOPE_URL" not in os.environ, reason="TRIPCANVAS_DASHSCOPE_URL names no service that paints"
)
needs_models = pytest.mark.skipif(
    "COMFYUI_MODELS" not in os.environ, reason="COMFYUI_MODELS names no folder for models of random numbers"
)

Graph = dict[str, dict[str, Any]]
Pixels = NDArray[np.uint8]
WRITERS = {
    "checkpoints": random_models.write_checkpoint,
    "controlnet": random_models.write_controlnet,
    "loras": random_models.write_lora,
}


@pytest.fixture
def builtin(tmp_path: Path) -> Runner:
    folders = Folders(tmp_path)
    return Runner({**core_nodes(folders), **load_custom_nodes(WORKFLOWS / "custom_nodes")}, folders)


@pytest.fixture
def real() -> RemoteComfyUI:
    return RemoteComfyUI(URL)


@pytest.fixture(scope="module")
def models() -> None:
    """The models that sdxl_style asks for, under their names; a file that is there is never touched."""
    for model in bindings_of("sdxl_style")["requires"]["models"]:
        path = Path(os.environ["COMFYUI_MODELS"], model["folder"], model["name"])
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            WRITERS[model["folder"]](path)


def bindings_of(name: str) -> dict[str, Any]:
    return dict(tomllib.loads((WORKFLOWS / name / "bindings.toml").read_text("utf-8")))


def filled(name: str, **values: Any) -> Graph:
    """The graph of a workflow with `values` put where its bindings say; the size of a picture is not held to limits."""
    graph: Graph = json.loads((WORKFLOWS / name / "graph.json").read_text("utf-8"))
    parameters = bindings_of(name)["parameters"]
    task = f"{uuid.uuid4()}-1"
    prefixes = {"filename_prefix": f"{task}/picture", "plate_prefix": f"{task}/plate"}
    for key, value in {**{name: value for name, value in prefixes.items() if name in parameters}, **values}.items():
        graph[parameters[key]["node"]]["inputs"][parameters[key]["input"]] = value
    return graph


def delivered(engine: Engine, graph: Graph) -> tuple[Pixels, Pixels]:
    """The picture that a graph saves, and the background without the car: black where the workflow saves none."""
    run = engine.run(graph, str(uuid.uuid4()))
    assert run.failure is None, run.failure["exception_message"]
    found = {}
    for file in run.new_files():
        with Image.open(io.BytesIO(engine.read(file))) as picture:
            assert picture.info == {}
            found[file.filename.partition("_")[0]] = np.asarray(picture)
    return found["picture"], found.get("plate", np.zeros_like(found["picture"]))


def painted(engine: Engine, graph: Graph) -> Pixels:
    return delivered(engine, graph)[0]


def composed(plate: Pixels, colour: str, order: SceneOrder) -> tuple[Pixels, NDArray[np.bool_]]:
    """What the functions expect of the car `gen1` in this background, and where its badge is."""
    whole = compose(plate, cars()["gen1"], colour, order)
    badge = np.zeros(plate.shape[:2], bool)
    here, there = window(whole.place, whole.ground)
    badge[here] = whole.layer.lock[there]
    return whole.picture, badge


def assert_as_composed(picture: Pixels, plate: Pixels, colour: str, order: SceneOrder) -> None:
    """The same to the code but for a few of two million, which lie on a step; the badge without exception."""
    expected, badge = composed(plate, colour, order)
    difference = np.abs(picture.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).sum() <= 300
    assert badge.any()
    np.testing.assert_array_equal(picture[badge], expected[badge])


@needs_paint
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("wanx_scene", {"car": "none"}),
        ("wanx_scene", {"car": "gen1", "car_colour": "red"}),
        ("wanx_background", {"car": "gen1", "car_colour": "white"}),
    ],
    ids=["landscape alone", "car in a landscape", "background around the car"],
)
def test_it_paints_the_same_pixels_in_both(
    builtin: Runner, real: RemoteComfyUI, name: str, values: dict[str, Any]
) -> None:
    graph = filled(name, prompt="西湖的清晨，湖边的石板路", seed=uuid.uuid4().int % 2**31, **values)
    picture = painted(builtin, graph)
    assert picture.shape == (960, 768, 3)
    np.testing.assert_array_equal(picture, painted(real, graph))


@needs_paint
def test_the_article_ends_in_the_same_picture_in_both(builtin: Runner, real: RemoteComfyUI) -> None:
    graph = filled("article", query_prompt="- 用户文字：和朋友去湖边走走\n- 途径城市：苏州市 杭州市\n")
    graph["2"]["inputs"]["seed"] = uuid.uuid4().int % 2**31
    picture = painted(builtin, graph)
    assert picture.shape == (960, 768, 3)
    np.testing.assert_array_equal(picture, painted(real, graph))


ORDERS: dict[str, dict[str, SceneOrder]] = {
    "wanx_scene": {
        "sun": SceneOrder(light="noon", sun_elevation_deg=48.0, position="right", view="side"),
        "rain": SceneOrder(light="overcast", surface="wet", texture="ink", budget_delta_e00=5.0),
        "night": SceneOrder(light="night", texture="oil", surface="snow"),
    },
    "wanx_background": {
        "low sun": SceneOrder(light="dusk", sun_elevation_deg=9.0, view="side", given_px=(90, 610, 500)),
    },
}


@needs_paint
@pytest.mark.parametrize(("name", "order"), [(name, order) for name, some in ORDERS.items() for order in some])
def test_what_is_composed_there_can_be_composed_again_here(real: RemoteComfyUI, name: str, order: str) -> None:
    """The gate judges a picture by composing it again from its background."""
    scene, known = ORDERS[name][order], bindings_of(name)["parameters"]
    values = parameters_of(CarOrder(cars()["gen1"], "black", scene))  # type: ignore[arg-type]
    graph = filled(
        name,
        prompt=f"湖边空旷的公路，地平线在画面中部 {uuid.uuid4()}",
        seed=uuid.uuid4().int % 2**31,
        **{key: value for key, value in values.items() if key in known},
    )
    picture, plate = delivered(real, graph)
    assert (picture != plate).any(-1).sum() > 20_000
    assert_as_composed(picture, plate, "black", scene)


SMALL: dict[str, Any] = {
    "width": 256,
    "height": 320,
    "steps": 2,
    "car": "gen1",
    "car_colour": "black",
    "car_view": "side",
    "car_width": 160,
    "car_x": 48,
    "car_y": 200,
}
SMALL_ORDER = SceneOrder(view="side", given_px=(48, 200, 160))


@needs_models
@pytest.mark.usefixtures("models")
def test_around_a_protected_car_everything_is_painted(real: RemoteComfyUI) -> None:
    graph = filled("sdxl_style", prompt="a lakeside road", seed=uuid.uuid4().int % 2**31, **SMALL)
    picture, plate = delivered(real, graph)
    assert picture.shape == (320, 256, 3)
    assert_as_composed(picture, plate, "black", SMALL_ORDER)
    # Little of the canvas's grey is left around the car.
    expected, _ = composed(np.full_like(plate, 128), "black", SMALL_ORDER)
    around = plate[(expected == 128).all(-1)].astype(int)
    assert np.mean(np.abs(around - 128).max(-1) > 3) > 0.9


@needs_models
@pytest.mark.usefixtures("models")
def test_without_a_car_the_whole_picture_is_painted(real: RemoteComfyUI) -> None:
    picture = painted(
        real, filled("sdxl_style", prompt="a lakeside road", seed=uuid.uuid4().int % 2**31, **{**SMALL, "car": "none"})
    )
    assert np.mean(np.abs(picture.astype(int) - 128).max(-1) > 3) > 0.9


@needs_models
@pytest.mark.usefixtures("models")
def test_prompt_style_and_edges_each_have_their_part_in_the_picture(real: RemoteComfyUI) -> None:
    size = {"width": 192, "height": 192, "steps": 1, "car_width": 120, "car_x": 30, "car_y": 100}
    order = SceneOrder(view="side", given_px=(30, 100, 120))
    common = {**SMALL, **size, "prompt": "a lakeside road", "seed": 5}
    plain = painted(real, filled("sdxl_style", **common))
    _, plate = delivered(real, filled("sdxl_style", **{**common, "seed": 6}))
    _, badge = composed(plate, "black", order)
    no_edges = filled("sdxl_style", **common)
    (edges,) = (entry for entry in no_edges.values() if entry["class_type"] == "ControlNetApplyAdvanced")
    edges["inputs"]["strength"] = 0.0
    changed = {
        "prompt": filled("sdxl_style", **{**common, "prompt": "a snowy mountain pass"}),
        "style": filled("sdxl_style", **common, style_strength=0.0),
        "edges": no_edges,
    }
    for what, graph in changed.items():
        picture = painted(real, graph)
        assert np.mean((picture != plain).any(-1)[:100]) > 0.2, what
        np.testing.assert_array_equal(picture[badge], plain[badge])
