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
from tests.services.comfyui import random_models

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
    for key, value in {"filename_prefix": f"{uuid.uuid4()}-1/picture", **values}.items():
        graph[parameters[key]["node"]]["inputs"][parameters[key]["input"]] = value
    return graph


def painted(engine: Engine, graph: Graph) -> Pixels:
    run = engine.run(graph, str(uuid.uuid4()))
    assert run.failure is None, run.failure["exception_message"]
    (file,) = run.new_files()
    with Image.open(io.BytesIO(engine.read(file))) as picture:
        assert picture.info == {}
        return np.asarray(picture)


def cutout(**inputs: Any) -> tuple[Pixels, NDArray[np.float32]]:
    """What `LoadCar` gives for `inputs`, as SaveImage would write it: (H, W, 3), and its mask (H, W)."""
    node = load_custom_nodes(WORKFLOWS / "custom_nodes")["LoadCar"]
    image, mask, *_ = getattr(node(), node.FUNCTION)(**inputs)
    return np.clip(255.0 * np.asarray(image)[0], 0, 255).astype(np.uint8), np.asarray(mask)[0]


def on_canvas(part: NDArray[Any], x: int, y: int, width: int, height: int) -> NDArray[Any]:
    """`part` at its place on an empty canvas."""
    canvas = np.zeros((height, width, *part.shape[2:]), part.dtype)
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part[: height - y, : width - x]
    return canvas


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


@needs_paint
@pytest.mark.parametrize("name", ["wanx_scene", "wanx_background"])
def test_the_car_comes_out_of_the_service_as_it_went_in(real: RemoteComfyUI, name: str) -> None:
    x, y = 100, 600
    graph = filled(name, prompt="雪山下的公路", seed=7, car="gen1", car_colour="black", car_width=400, car_x=x, car_y=y)
    picture = painted(real, graph)
    car, mask = cutout(car="gen1", colour="black", view="three_quarter", width=400)
    whole = on_canvas(mask, x, y, 768, 960)
    np.testing.assert_array_equal(picture[whole == 1], on_canvas(car, x, y, 768, 960)[whole == 1])
    assert (whole == 1).sum() > 20_000
    # A background was painted: no part of it is one flat colour.
    assert all(picture[band][whole[band] == 0].std() > 5 for band in (slice(0, 480), slice(480, 960)))


SMALL: dict[str, Any] = {
    "width": 256,
    "height": 320,
    "steps": 2,
    "car": "gen1",
    "car_colour": "black",
    "car_width": 160,
    "car_x": 48,
    "car_y": 180,
}


@needs_models
@pytest.mark.usefixtures("models")
def test_around_a_protected_car_everything_is_painted(real: RemoteComfyUI) -> None:
    picture = painted(real, filled("sdxl_style", prompt="a lakeside road", seed=uuid.uuid4().int % 2**31, **SMALL))
    assert picture.shape == (320, 256, 3)
    car, mask = cutout(car="gen1", colour="black", view="three_quarter", width=160)
    whole, canvas = (on_canvas(part, 48, 180, 256, 320) for part in (mask, car))
    assert (whole == 1).sum() > 2_000
    np.testing.assert_array_equal(picture[whole == 1], canvas[whole == 1])
    around = picture[whole == 0].astype(int)
    # Neither the grey of the canvas nor the colour that lies under the cut-out's transparent pixels.
    assert np.mean(np.abs(around - 128).max(-1) > 3) > 0.9
    assert np.mean((around == canvas[whole == 0]).all(-1)) < 0.01


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
    common = {**SMALL, **size, "prompt": "a lakeside road", "seed": 5}
    plain = painted(real, filled("sdxl_style", **common))
    _, mask = cutout(car="gen1", colour="black", view="three_quarter", width=120)
    whole = on_canvas(mask, 30, 100, 192, 192)
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
        assert np.mean((picture != plain).any(-1)[whole == 0]) > 0.2, what
        np.testing.assert_array_equal(picture[whole == 1], plain[whole == 1])
