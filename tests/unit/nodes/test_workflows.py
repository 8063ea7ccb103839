"""The workflow folders: each graph runs, and its bindings say the truth about it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import NodeClass, load_custom_nodes
from localcloud.comfyui.validation import plan
from shared.workflows import load_workflow

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"
#: Those whose every node the built-in runner knows.
WITHOUT_MODELS = ["wanx_scene", "wanx_background", "article"]
ALL = [*WITHOUT_MODELS, "sdxl_style"]


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, type[Any]]:
    car = tmp_path / "cars" / "gen1"
    car.mkdir(parents=True)
    colours = "".join(f'[colours.{colour}]\nname_zh = "颜色"\n' for colour in ("black", "white", "red"))
    (car / "car.toml").write_text(
        'model = "gen1"\nlength_mm = 4500\nwidth_mm = 1850\nheight_mm = 1500\n'
        f"{colours}[views.three_quarter]\nsize_px = [8, 4]\nbadge_box = [0, 0, 1, 1]\n"
        "wheel_contacts = []\ncamera_height_m = 1.5\ncamera_fov_deg = 30\n",
        "utf-8",
    )
    monkeypatch.setenv("TRIPCANVAS_CARS", str(car.parent))
    return {**core_nodes(Folders(tmp_path)), **load_custom_nodes(WORKFLOWS / "custom_nodes")}


def graph_of(name: str) -> dict[str, Any]:
    return dict(json.loads((WORKFLOWS / name / "graph.json").read_text("utf-8")))


def bindings_of(name: str) -> dict[str, Any]:
    return tomllib.loads((WORKFLOWS / name / "bindings.toml").read_text("utf-8"))


def upstream(graph: dict[str, Any], node_id: str) -> set[str]:
    links = [value[0] for value in graph[node_id]["inputs"].values() if isinstance(value, list)]
    return {node_id}.union(*(upstream(graph, link) for link in links))


@pytest.mark.parametrize("name", WITHOUT_MODELS)
def test_the_graph_is_valid_and_every_node_of_it_is_needed(name: str, classes: dict[str, type[Any]]) -> None:
    graph = graph_of(name)
    assert {step.node_id for step in plan(graph, classes).steps} == set(graph)


def test_every_node_of_the_graph_with_models_leads_to_the_picture() -> None:
    graph = graph_of("sdxl_style")
    assert upstream(graph, "9") == set(graph)


@pytest.mark.parametrize("name", ALL)
def test_the_bindings_name_the_folder_the_output_and_the_nodes(name: str) -> None:
    graph, bindings = graph_of(name), bindings_of(name)
    assert bindings["workflow"]["name"] == name
    assert graph[bindings["workflow"]["output_node"]]["class_type"] == "SaveImage"
    assert sorted(bindings["requires"]["nodes"]) == sorted({entry["class_type"] for entry in graph.values()})


@pytest.mark.parametrize("name", WITHOUT_MODELS)
def test_every_parameter_binds_an_input_that_exists_within_the_nodes_own_limits(
    name: str, classes: dict[str, type[Any]]
) -> None:
    graph = graph_of(name)
    kinds = {"string": "STRING", "choice": "STRING", "int": "INT", "float": "FLOAT"}
    for parameter in bindings_of(name)["parameters"].values():
        entry = graph[parameter["node"]]
        inputs = {given.name: given for given in NodeClass(entry["class_type"], classes[entry["class_type"]]).inputs()}
        bound = inputs[parameter["input"]]
        if isinstance(bound.kind, list):
            assert set(parameter["choices"]) <= set(bound.kind)
            continue
        assert bound.kind == kinds[parameter["type"]]
        if bound.kind in ("INT", "FLOAT"):
            assert bound.options["min"] <= parameter["min"] <= parameter["max"] <= bound.options["max"]


@pytest.mark.parametrize("name", ALL)
def test_a_default_is_what_the_graph_already_holds(name: str) -> None:
    graph = graph_of(name)
    for parameter in bindings_of(name)["parameters"].values():
        held = graph[parameter["node"]]["inputs"][parameter["input"]]
        assert parameter.get("default", held) == held
        assert len(str(held)) <= parameter.get("max_length", len(str(held)))


@pytest.mark.parametrize("name", ["wanx_background", "sdxl_style"])
def test_the_car_stands_at_one_place_wherever_the_graph_needs_it(name: str) -> None:
    parameters = bindings_of(name)["parameters"]
    places = [
        (entry["inputs"]["x"], entry["inputs"]["y"])
        for entry in graph_of(name).values()
        if entry["class_type"] in ("ImageCompositeMasked", "MaskComposite")
    ]
    assert set(map(str, places)) == {str(([parameters["car_x"]["node"], 0], [parameters["car_y"]["node"], 0]))}


def test_every_model_that_the_graph_loads_is_listed_with_where_to_get_it() -> None:
    folders = {"ckpt_name": "checkpoints", "lora_name": "loras", "control_net_name": "controlnet"}
    loaded = {
        (folders[name], value)
        for entry in graph_of("sdxl_style").values()
        for name, value in entry["inputs"].items()
        if name in folders
    }
    listed = bindings_of("sdxl_style")["requires"]["models"]
    assert {(model["folder"], model["name"]) for model in listed} == loaded
    for model in listed:
        assert re.fullmatch("[0-9a-f]{64}", model["sha256"])
        assert model["url"].startswith("https://")
        assert model["size_bytes"] > 1_000_000
        assert model["licence"]


def test_every_size_on_offer_passes_the_nodes_own_check(classes: dict[str, type[Any]]) -> None:
    for size in bindings_of("wanx_scene")["parameters"]["size"]["choices"]:
        assert classes["WanxImage"].VALIDATE_INPUTS(size) is True
        assert all(512 <= int(side) <= 1440 for side in size.split("*"))


@pytest.mark.parametrize("name", ALL)
def test_filled_with_the_longest_texts_it_still_fits_one_request_of_the_queue(name: str) -> None:
    workflow = load_workflow(name)
    texts = {
        key: "景" * parameter.max_length
        for key, parameter in workflow.parameters.items()
        if parameter.type == "string" and parameter.max_length
    }
    numbers = {key: int(p.max) for key, p in workflow.parameters.items() if p.type == "int" and p.max}
    filled = json.loads(workflow.fill({**texts, **numbers}, max_bytes=8192))
    for key, text in texts.items():
        assert filled[workflow.parameters[key].node]["inputs"][workflow.parameters[key].input] == text


def test_the_text_nodes_own_instruction_is_the_workflows(classes: dict[str, type[Any]]) -> None:
    inputs = {given.name: given for given in NodeClass("旅行文本生成", classes["旅行文本生成"]).inputs()}
    default = bindings_of("article")["parameters"]["system_prompt"]["default"]
    assert inputs["system_prompt"].options["default"] == default
