"""The workflow folders: each graph runs, and its bindings say the truth about it."""

from __future__ import annotations

import json
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
NAMES = ["wanx_scene", "article"]


@pytest.fixture
def classes(tmp_path: Path) -> dict[str, type[Any]]:
    return {**core_nodes(Folders(tmp_path)), **load_custom_nodes(WORKFLOWS / "custom_nodes")}


def graph_of(name: str) -> dict[str, Any]:
    return dict(json.loads((WORKFLOWS / name / "graph.json").read_text("utf-8")))


def bindings_of(name: str) -> dict[str, Any]:
    return tomllib.loads((WORKFLOWS / name / "bindings.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_is_valid_and_every_node_of_it_is_needed(name: str, classes: dict[str, type[Any]]) -> None:
    graph = graph_of(name)
    assert {step.node_id for step in plan(graph, classes).steps} == set(graph)


@pytest.mark.parametrize("name", NAMES)
def test_the_bindings_name_the_folder_the_output_and_the_nodes(name: str, classes: dict[str, type[Any]]) -> None:
    graph, bindings = graph_of(name), bindings_of(name)
    assert bindings["workflow"]["name"] == name
    assert classes[graph[bindings["workflow"]["output_node"]]["class_type"]].OUTPUT_NODE
    assert sorted(bindings["requires"]["nodes"]) == sorted({entry["class_type"] for entry in graph.values()})


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_binds_an_input_that_exists_within_the_nodes_own_limits(
    name: str, classes: dict[str, type[Any]]
) -> None:
    graph = graph_of(name)
    kinds = {"string": "STRING", "choice": "STRING", "int": "INT", "float": "FLOAT"}
    for parameter in bindings_of(name)["parameters"].values():
        entry = graph[parameter["node"]]
        inputs = {given.name: given for given in NodeClass(entry["class_type"], classes[entry["class_type"]]).inputs()}
        bound = inputs[parameter["input"]]
        assert bound.kind == kinds[parameter["type"]]
        assert parameter.get("min") == bound.options.get("min")
        assert parameter.get("max") == bound.options.get("max")


@pytest.mark.parametrize("name", NAMES)
def test_a_default_is_what_the_graph_already_holds(name: str) -> None:
    graph = graph_of(name)
    for parameter in bindings_of(name)["parameters"].values():
        held = graph[parameter["node"]]["inputs"][parameter["input"]]
        assert parameter.get("default", held) == held
        assert len(str(held)) <= parameter.get("max_length", len(str(held)))


def test_every_size_on_offer_passes_the_nodes_own_check(classes: dict[str, type[Any]]) -> None:
    for size in bindings_of("wanx_scene")["parameters"]["size"]["choices"]:
        assert classes["WanxImage"].VALIDATE_INPUTS(size) is True
        assert all(512 <= int(side) <= 1440 for side in size.split("*"))


@pytest.mark.parametrize(("name", "text"), [("wanx_scene", "prompt"), ("article", "query_prompt")])
def test_filled_with_the_longest_text_it_still_fits_one_request_of_the_queue(name: str, text: str) -> None:
    workflow = load_workflow(name)
    longest = workflow.parameters[text].max_length
    assert longest
    filled = json.loads(workflow.fill({text: "景" * longest}, max_bytes=8192))
    assert filled["1"]["inputs"][text] == "景" * longest


def test_the_text_nodes_own_instruction_is_the_workflows(classes: dict[str, type[Any]]) -> None:
    inputs = {given.name: given for given in NodeClass("旅行文本生成", classes["旅行文本生成"]).inputs()}
    default = bindings_of("article")["parameters"]["system_prompt"]["default"]
    assert inputs["system_prompt"].options["default"] == default
