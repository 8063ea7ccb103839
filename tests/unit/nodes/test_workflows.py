"""The workflow folders: each graph runs, and its bindings say the truth about it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import NodeClass, load_custom_nodes
from localcloud.comfyui.validation import plan
from shared.errors import Misconfigured
from shared.graphs.bindings import CAR_PARAMETERS
from shared.workflows import load_workflow
from tests.unit.nodes.assets import make_asset

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
    car = make_asset(tmp_path / "cars")
    manifest = (car / "car.toml").read_text("utf-8")
    for drawn, shipped in (("colours.red", "colours.black"), ("views.side", "views.three_quarter")):
        manifest = manifest.replace(drawn, shipped)
    (car / "car.toml").write_text(manifest, "utf-8")
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
    assert upstream(graph, "9") | {bindings_of("sdxl_style")["workflow"]["plate_node"]} == set(graph)


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
        if bound.options.get("files"):
            # Which cars, colours and views there are is the server's.
            continue
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


@pytest.mark.parametrize("name", ["wanx_scene", "wanx_background", "sdxl_style"])
def test_the_background_without_the_car_is_saved_and_is_what_the_car_is_put_into(name: str) -> None:
    graph, bindings = graph_of(name), bindings_of(name)
    plate = graph[bindings["workflow"]["plate_node"]]
    assert plate["class_type"] == "SaveImage"
    (shadow,) = (entry for entry in graph.values() if entry["class_type"] == "CarShadow")
    assert plate["inputs"]["images"] == shadow["inputs"]["image"]
    last = graph[graph[bindings["workflow"]["output_node"]]["inputs"]["images"][0]]
    assert last["class_type"] == "BadgeLock"
    prefix = bindings["parameters"]["plate_prefix"]
    assert (prefix["node"], prefix["input"]) == (bindings["workflow"]["plate_node"], "filename_prefix")


@pytest.mark.parametrize("name", CAR_PARAMETERS)
def test_a_workflow_that_composes_has_to_take_all_that_is_ordered_of_the_car(name: str, tmp_path: Path) -> None:
    """What is not filled would be the graph's own value, and the picture another than the one it is judged by."""
    place = tmp_path / "wanx_scene"
    shutil.copytree(WORKFLOWS / "wanx_scene", place)
    head, *tables = re.split(r"(?m)^(?=\[parameters\.)", (place / "bindings.toml").read_text("utf-8"))
    kept = [table for table in tables if not table.startswith(f"[parameters.{name}]")]
    (place / "bindings.toml").write_text("".join([head, *kept]), "utf-8")
    with pytest.raises(Misconfigured, match=f"parameters.{name}: found no such parameter"):
        load_workflow("wanx_scene", tmp_path)


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
