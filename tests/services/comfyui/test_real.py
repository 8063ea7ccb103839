"""The built-in runner held against a real ComfyUI server, side by side.

Needs ``COMFYUI_URL``: a ComfyUI of 0.3.64 or later, started with ``--disable-metadata`` and with
``workflows/custom_nodes/tripcanvas`` in its ``custom_nodes`` (a link into the repository: the node then finds the cars
of ``workflows/cars``). The tests of the workflows, in `test_real_workflows`, say what they need beyond that.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from localcloud.comfyui import answers
from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import NodeClass, load_custom_nodes
from localcloud.comfyui.remote import RemoteComfyUI
from localcloud.comfyui.results import Engine, GraphRefused, Run
from localcloud.comfyui.runner import Runner

URL = os.environ.get("COMFYUI_URL", "")
WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"

if not URL:
    pytest.skip("COMFYUI_URL names no ComfyUI server to compare with", allow_module_level=True)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


@pytest.fixture
def builtin(folders: Folders) -> Runner:
    return Runner({**core_nodes(folders), **load_custom_nodes(WORKFLOWS / "custom_nodes")}, folders)


@pytest.fixture
def real() -> RemoteComfyUI:
    return RemoteComfyUI(URL)


@pytest.fixture(scope="module")
def version() -> tuple[int, ...]:
    told = requests.get(f"{URL}/system_stats", timeout=60).json()["system"]["comfyui_version"]
    return tuple(int(part) for part in told.split("."))


@pytest.fixture(scope="module")
def object_info() -> dict[str, Any]:
    return dict(requests.get(f"{URL}/object_info", timeout=60).json())


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def pixels(engine: Engine, run: Run) -> np.ndarray[Any, np.dtype[np.uint8]]:
    assert run.failure is None
    (file,) = run.new_files()
    with Image.open(io.BytesIO(engine.read(file))) as picture:
        assert picture.info == {}
        return np.asarray(picture)


def upload(folders: Folders, name: str, picture: Image.Image) -> str:
    """Put one picture into both input folders, under one name."""
    with io.BytesIO() as file:
        picture.save(file, "PNG")
        blob = file.getvalue()
    (folders.root / "input" / name).write_bytes(blob)
    answer = requests.post(
        f"{URL}/upload/image", files={"image": (name, blob, "image/png")}, data={"overwrite": "true"}, timeout=60
    )
    assert answer.json()["name"] == name
    return name


def comparable(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs of /object_info in one form: no words for the eye, no options the same as empty ones, choices as a list."""
    return {
        group: {name: comparable_input(*spec) for name, spec in members.items()}
        for group, members in inputs.items()
        if group != "hidden"
    }


def comparable_input(kind: str | list[Any], options: dict[str, Any] | None = None) -> list[Any]:
    kept = {key: value for key, value in (options or {}).items() if key not in ("tooltip", "multiselect")}
    return [kept.pop("options"), kept] if kind == "COMBO" else [kind, kept]


@pytest.mark.parametrize("name", ["旅行文本生成", "ImageSynthesisNode", "WanxImage"])
def test_the_real_server_has_loaded_our_nodes(name: str, object_info: dict[str, Any]) -> None:
    cls = load_custom_nodes(WORKFLOWS / "custom_nodes")[name]
    served = object_info[name]
    assert served["input"] == json.loads(json.dumps(cls.INPUT_TYPES()))
    assert tuple(served["output"]) == cls.RETURN_TYPES


@pytest.mark.parametrize(
    "name",
    [
        "EmptyImage",
        "ImageCompositeMasked",
        "ImageScale",
        "LoadImage",
        "MaskComposite",
        "PreviewAny",
        "PreviewImage",
        "PrimitiveInt",
        "PrimitiveString",
        "PrimitiveStringMultiline",
        "SaveImage",
        "SolidMask",
        "StringConcatenate",
    ],
)
def test_core_nodes_declare_what_the_real_ones_declare(
    name: str, object_info: dict[str, Any], folders: Folders
) -> None:
    own = NodeClass(name, core_nodes(folders)[name])
    served = object_info[name]
    theirs = comparable(served["input"])
    ours = comparable(json.loads(json.dumps(own.cls.INPUT_TYPES())))
    if name == "LoadImage":
        ours["required"]["image"][0] = theirs["required"]["image"][0] = "the files of the folder"
    assert ours == theirs
    assert list(own.returns) == served["output"]
    assert own.is_output == served["output_node"]


@pytest.mark.parametrize("color", [0, 0xC81E1E, 0x7F8001, 0xFFFFFF])
def test_a_saved_picture_has_the_same_name_and_the_same_pixels(
    builtin: Runner, real: RemoteComfyUI, color: int
) -> None:
    prefix = f"对比/{uuid.uuid4().hex}/苏州_%width%"
    graph = {
        "1": node("EmptyImage", width=70, height=65, batch_size=1, color=color),
        "9": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }
    ours, theirs = builtin.run(graph, str(uuid.uuid4())), real.run(graph, str(uuid.uuid4()))
    assert ours.outputs == theirs.outputs
    np.testing.assert_array_equal(pixels(builtin, ours), pixels(real, theirs))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_loaded_picture_is_saved_with_the_same_pixels(
    builtin: Runner, real: RemoteComfyUI, folders: Folders, mode: str
) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (40, 56, 4), np.uint8)
    name = upload(folders, f"{uuid.uuid4().hex}-车.png", Image.fromarray(noise).convert(mode))
    graph = {
        "1": node("LoadImage", image=name),
        "9": node("SaveImage", images=["1", 0], filename_prefix=f"对比/{uuid.uuid4().hex}/x"),
    }
    np.testing.assert_array_equal(
        pixels(builtin, builtin.run(graph, "a")), pixels(real, real.run(graph, str(uuid.uuid4())))
    )


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
@pytest.mark.parametrize(
    "size", [(33, 20, "disabled"), (120, 130, "disabled"), (64, 64, "center"), (0, 90, "disabled")]
)
def test_a_scaled_picture_differs_by_at_most_one_level(
    builtin: Runner, real: RemoteComfyUI, folders: Folders, method: str, size: tuple[int, int, str]
) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (57, 91, 3), np.uint8)
    name = upload(folders, f"{uuid.uuid4().hex}.png", Image.fromarray(noise))
    width, height, crop = size
    graph = {
        "1": node("LoadImage", image=name),
        "2": node("ImageScale", image=["1", 0], upscale_method=method, width=width, height=height, crop=crop),
        "9": node("SaveImage", images=["2", 0], filename_prefix=f"对比/{uuid.uuid4().hex}/x"),
    }
    ours, theirs = pixels(builtin, builtin.run(graph, "a")), pixels(real, real.run(graph, str(uuid.uuid4())))
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    # Truncation turns a difference in float32's last bit into one level.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.02


def layers(folders: Folders) -> dict[str, dict[str, Any]]:
    """Two uploaded pictures, nodes 1 and 2; the mask of the second is soft at every pixel."""
    random = np.random.default_rng(6)
    below = upload(
        folders, f"{uuid.uuid4().hex}-风景.png", Image.fromarray(random.integers(0, 256, (60, 80, 3), np.uint8))
    )
    above = upload(
        folders, f"{uuid.uuid4().hex}-车.png", Image.fromarray(random.integers(0, 256, (30, 50, 4), np.uint8))
    )
    return {"1": node("LoadImage", image=below), "2": node("LoadImage", image=above)}


@pytest.mark.parametrize(("x", "y"), [(0, 0), (13, 7), (60, 50), (80, 0), (9000, 9000)])
def test_a_picture_is_laid_over_another_with_the_same_pixels(
    builtin: Runner, real: RemoteComfyUI, folders: Folders, x: int, y: int
) -> None:
    lay = node("ImageCompositeMasked", destination=["1", 0], source=["2", 0], x=x, y=y, resize_source=False)
    lay["inputs"]["mask"] = ["2", 1]
    graph = {
        **layers(folders),
        "3": lay,
        "9": node("SaveImage", images=["3", 0], filename_prefix=f"对比/{uuid.uuid4().hex}/x"),
    }
    np.testing.assert_array_equal(
        pixels(builtin, builtin.run(graph, "a")), pixels(real, real.run(graph, str(uuid.uuid4())))
    )


@pytest.mark.parametrize("operation", ["multiply", "add", "subtract", "and", "or", "xor"])
def test_masks_are_combined_with_the_same_pixels(
    builtin: Runner, real: RemoteComfyUI, folders: Folders, operation: str
) -> None:
    combined = node("MaskComposite", destination=["3", 0], source=["2", 1], x=["5", 0], y=40, operation=operation)
    lay = node("ImageCompositeMasked", destination=["1", 0], source=["6", 0], x=0, y=0, resize_source=False)
    lay["inputs"]["mask"] = ["4", 0]
    graph = {
        **layers(folders),
        "3": node("SolidMask", value=0.3, width=80, height=60),
        "4": combined,
        "5": node("PrimitiveInt", value=20),
        "6": node("EmptyImage", width=80, height=60, batch_size=1, color=0xC81E1E),
        "7": lay,
        "9": node("SaveImage", images=["7", 0], filename_prefix=f"对比/{uuid.uuid4().hex}/x"),
    }
    np.testing.assert_array_equal(
        pixels(builtin, builtin.run(graph, "a")), pixels(real, real.run(graph, str(uuid.uuid4())))
    )


def test_a_resized_picture_with_a_mask_of_another_size_differs_by_at_most_one_level(
    builtin: Runner, real: RemoteComfyUI, folders: Folders
) -> None:
    lay = node("ImageCompositeMasked", destination=["1", 0], source=["2", 0], x=0, y=0, resize_source=True)
    lay["inputs"]["mask"] = ["2", 1]
    graph = {
        **layers(folders),
        "3": lay,
        "9": node("SaveImage", images=["3", 0], filename_prefix=f"对比/{uuid.uuid4().hex}/x"),
    }
    ours, theirs = pixels(builtin, builtin.run(graph, "a")), pixels(real, real.run(graph, str(uuid.uuid4())))
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


@pytest.mark.parametrize("value", ["晴天\n微风", 3, 0.5, True, {"车": ["黑", 1]}])
def test_values_are_previewed_in_the_same_words(
    builtin: Runner, real: RemoteComfyUI, value: object, version: tuple[int, ...]
) -> None:
    if isinstance(value, dict) and version >= (0, 8):
        pytest.skip("from 0.8 on, an object is previewed in several lines")
    graph = {"3": node("PreviewAny", source=value), "4": node("PreviewAny", source=uuid.uuid4().hex)}
    assert builtin.run(graph, "a").outputs == real.run(graph, str(uuid.uuid4())).outputs


EMPTY = node("EmptyImage", width=8, height=8, batch_size=1, color=0)
JOIN = node("StringConcatenate", string_a=["2", 0], string_b="", delimiter="")
REFUSED: dict[str, dict[str, Any]] = {
    "empty": {},
    "no output": {"1": EMPTY},
    "page's own format": {"nodes": [], "links": []},
    "unknown class": {"1": node("没有这个节点")},
    "missing inputs": {"9": node("SaveImage", filename_prefix="x")},
    "missing upstream": {
        "1": node("EmptyImage", width=8),
        "9": node("SaveImage", images=["1", 0], filename_prefix="x"),
    },
    "no number": {
        "1": node("EmptyImage", width="abc", height=8, batch_size=1, color=0),
        "9": node("SaveImage", images=["1", 0], filename_prefix="x"),
    },
    "too big": {
        "1": node("EmptyImage", width=8, height=8, batch_size=9999, color=0),
        "9": node("SaveImage", images=["1", 0], filename_prefix="x"),
    },
    "not a choice": {
        "1": EMPTY,
        "2": node("ImageScale", image=["1", 0], upscale_method="快", width=8, height=8, crop="disabled"),
        "9": node("SaveImage", images=["2", 0], filename_prefix="x"),
    },
    "wrong link type": {"1": EMPTY, "9": node("SaveImage", images=["1", 0], filename_prefix=["1", 0])},
    "link of three": {"9": node("SaveImage", images=["1", 0, 0], filename_prefix="x"), "1": EMPTY},
    "absent node": {"9": node("SaveImage", images=["99", 0], filename_prefix="x")},
    "slot too high": {"9": node("SaveImage", images=["1", 3], filename_prefix="x"), "1": EMPTY},
    "upstream absent": {
        "2": node("ImageScale", image=["99", 0], upscale_method="area", width=8, height=8, crop="disabled"),
        "9": node("SaveImage", images=["2", 0], filename_prefix="x"),
    },
    "no inputs": {"3": {"class_type": "PreviewAny"}},
    "cycle": {
        "1": JOIN,
        "2": {**JOIN, "inputs": {**JOIN["inputs"], "string_a": ["1", 0]}},
        "3": node("PreviewAny", source=["1", 0]),
    },
    "no such file": {
        "1": node("LoadImage", image="没有.png"),
        "9": node("SaveImage", images=["1", 0], filename_prefix="x"),
    },
    "size said no": {
        "1": node("WanxImage", prompt="湖", negative_prompt="", model="m", size="1x1", seed=0),
        "9": node("SaveImage", images=["1", 0], filename_prefix="x"),
    },
    "seed too big": {
        "1": node("WanxImage", prompt="湖", negative_prompt="", model="m", size="768*960", seed=2**31),
        "9": node("SaveImage", images=["1", 0], filename_prefix="x"),
    },
}


#: Seen on 0.12.1: a `missing_node_type` with more to say, and an internal error for what is no graph at all.
TOLD_OTHERWISE = {"unknown class": (0, 12), "page's own format": (0, 12)}


def refusal(engine: Engine, graph: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(GraphRefused) as caught:
        engine.run(graph, str(uuid.uuid4()))
    body: dict[str, Any] = json.loads(json.dumps(caught.value.body))
    for found in body["node_errors"].values():
        # The real server lists errors in an order of its own, gives tracebacks away, and shows link-only configs.
        found["errors"].sort(key=lambda error: error["details"])
        for error in found["errors"]:
            error["extra_info"].pop("traceback", None)
            error["extra_info"].pop("input_config", None)
            error["extra_info"].pop("exception_message", None)
    return body


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_bad_graph_is_refused_with_the_same_body(
    builtin: Runner, real: RemoteComfyUI, name: str, version: tuple[int, ...]
) -> None:
    if name in TOLD_OTHERWISE and version >= TOLD_OTHERWISE[name]:
        pytest.skip("this version refuses it in other words")
    assert refusal(builtin, REFUSED[name]) == refusal(real, REFUSED[name])


def test_a_prefix_that_leaves_the_output_folder_fails_at_the_same_node(builtin: Runner, real: RemoteComfyUI) -> None:
    graph = {"1": EMPTY, "9": node("SaveImage", images=["1", 0], filename_prefix=f"../../{uuid.uuid4().hex}")}
    for run in (builtin.run(graph, "a"), real.run(graph, str(uuid.uuid4()))):
        assert run.failure is not None
        assert run.failure["node_id"] == "9"
        assert run.failure["exception_message"].startswith("**** ERROR: Saving image outside the output folder")
        assert run.failure["exception_message"].endswith("\n")


def test_an_unchanged_graph_is_answered_from_the_cache_by_both(builtin: Runner, real: RemoteComfyUI) -> None:
    prefix = f"对比/{uuid.uuid4().hex}/x"
    graph = {"1": EMPTY, "9": node("SaveImage", images=["1", 0], filename_prefix=prefix)}
    for engine in (builtin, real):
        first, again = engine.run(graph, str(uuid.uuid4())), engine.run(graph, str(uuid.uuid4()))
        assert again.outputs == first.outputs
        (only,) = json.loads(answers.of_run(again))
        assert set(only) == {"9"}
