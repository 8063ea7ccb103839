"""The converter makes of an editor's graph what the editor itself exported.

The pairs were recorded from three front ends by `record_editor`; each is a page's own graph and its own "Export (API)".
"""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidInput
from shared.graphs.editor import classes_of, to_api
from shared.graphs.node_types import NodeTypes

FOLDER = Path(__file__).parent / "editor_pairs"
PAIRS = sorted(path for path in FOLDER.glob("*/*.json") if path.stem != "object_info")
NEWEST = "1.37.11"


@cache
def node_types(version: str = NEWEST) -> NodeTypes:
    return NodeTypes.load(FOLDER / version / "object_info.json")


def editor_graph(case: str, version: str = NEWEST) -> Any:
    return json.loads((FOLDER / version / f"{case}.json").read_text("utf-8"))["editor"]


def node_of(graph: Any, kind: str) -> Any:
    return next(node for node in graph["nodes"] if node["type"] == kind)


def test_there_are_pairs_of_three_front_ends() -> None:
    assert {path.parent.name for path in PAIRS} >= {"1.27.10", "1.37.11", "1.58.1"}
    assert len(PAIRS) >= 80


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_graph_becomes_what_its_editor_exported(path: Path) -> None:
    pair = json.loads(path.read_text("utf-8"))
    exported = pair["api"]
    for node in exported.values():
        if node["class_type"] == "PreviewAny":
            # Not inputs of the class: the editor shows the last result in them, and the server ignores them.
            node["inputs"] = {"source": node["inputs"]["source"]}

    made = to_api(pair["editor"], node_types(path.parent.name))

    assert made == exported
    assert list(made) == list(exported)
    assert {key: list(node["inputs"]) for key, node in made.items()} == {
        key: list(node["inputs"]) for key, node in exported.items()
    }


def test_values_by_name_are_read_too() -> None:
    graph = editor_graph("text_to_image")
    node_of(graph, "KSampler")["widgets_values"] = {"seed": 7, "cfg": 3.5, "videopreview": {}}

    sampler = to_api(graph, node_types())["5"]["inputs"]

    assert (sampler["seed"], sampler["cfg"], sampler["steps"]) == (7, 3.5, 20)


def test_unknown_classes_are_named_at_once_unless_they_are_muted() -> None:
    graph = editor_graph("text_to_image")
    node_of(graph, "VAEDecode")["type"] = "画室解码"
    node_of(graph, "SaveImage")["type"] = "保存到云"

    with pytest.raises(InvalidInput, match="保存到云, 画室解码"):
        to_api(graph, node_types())

    node_of(graph, "画室解码")["mode"] = 2
    node_of(graph, "保存到云")["mode"] = 2
    assert "画室解码" not in classes_of(graph)
    assert set(to_api(graph, node_types())) == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    ("kind", "position", "value", "said"),
    [
        ("CLIPTextEncode", 0, "湖边的{晨|暮}", r"node 2 \(提示词\)\.text: one text"),
        ("SaveImage", 0, "旅行/%date:yyyy-MM-dd%", r"node 7 \(保存图片\)\.filename_prefix: a name without %date"),
    ],
)
def test_what_the_editor_would_export_differently_each_time_is_refused(
    kind: str, position: int, value: str, said: str
) -> None:
    graph = editor_graph("text_to_image")
    node_of(graph, kind)["widgets_values"][position] = value

    with pytest.raises(InvalidInput, match=said):
        to_api(graph, node_types())


def test_a_file_that_was_saved_and_not_exported_is_read_as_the_newest_editor_would() -> None:
    graph = editor_graph("muted")
    assert "text" not in to_api(graph, node_types())["2"]["inputs"]

    del graph["extra"]["frontendVersion"]

    assert to_api(graph, node_types())["2"]["inputs"]["text"] == "杭州西湖的清晨，薄雾"


def test_a_broken_link_is_refused_with_its_node() -> None:
    graph = editor_graph("text_to_image")
    node_of(graph, "VAEDecode")["inputs"][0]["link"] = 99

    with pytest.raises(InvalidInput, match=r"node 6 \(VAEDecode\)\.samples: a link that exists, got 99"):
        to_api(graph, node_types())


def test_reroutes_in_a_circle_are_refused() -> None:
    graph = editor_graph("reroutes")
    first = next(node for node in graph["nodes"] if node["type"] == "Reroute")
    second = next(node for node in reversed(graph["nodes"]) if node["type"] == "Reroute")
    graph["links"].append([77, second["id"], 0, first["id"], 0, "IMAGE"])
    first["inputs"][0]["link"] = 77

    with pytest.raises(InvalidInput, match="circle"):
        to_api(graph, node_types())


def test_a_subgraph_in_itself_is_refused() -> None:
    graph = editor_graph("subgraph")
    definition = graph["definitions"]["subgraphs"][0]
    definition["nodes"].append({"id": 50, "type": definition["id"]})

    with pytest.raises(InvalidInput, match="contain themselves"):
        to_api(graph, node_types())


def test_a_group_node_is_refused_with_what_to_do() -> None:
    graph = editor_graph("text_to_image")
    node_of(graph, "VAEDecode")["type"] = "workflow>我的组"

    with pytest.raises(InvalidInput, match="convert it to a subgraph"):
        to_api(graph, node_types())


@pytest.mark.parametrize("graph", [None, [], {}, {"nodes": {}}, {"nodes": [1]}, {"nodes": [{"id": 1}]}, "湖"])
def test_what_is_no_editor_graph_is_refused(graph: Any) -> None:
    with pytest.raises(InvalidInput, match="graph: a graph as ComfyUI's editor saves it"):
        to_api(graph, node_types())


def test_a_damaged_graph_is_converted_or_refused_but_never_breaks_the_converter() -> None:
    chance = random.Random(20240505)
    outcomes = set()
    for path in PAIRS:
        whole = json.loads(path.read_text("utf-8"))["editor"]
        for _ in range(40):
            damaged = copy.deepcopy(whole)
            place = damaged
            while isinstance(place, (dict, list)) and place:
                key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
                if chance.random() < 0.3 or not isinstance(place[key], (dict, list)):
                    place[key] = chance.choice([None, -1, 7, "湖", [], {}, [1, 2], True, 2.5, {"nodes": []}])
                    break
                place = place[key]
            try:
                to_api(damaged, node_types(path.parent.name))
                outcomes.add("converted")
            except InvalidInput:
                outcomes.add("refused")
    assert outcomes == {"converted", "refused"}
