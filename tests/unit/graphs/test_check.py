"""Judging a graph: what a finding says, and that no JSON whatever makes the checker fail."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Misconfigured
from shared.graphs.check import check_graph
from shared.graphs.findings import Code
from shared.graphs.node_types import NodeTypes
from shared.graphs.snapshot import snapshot

INFO: dict[str, Any] = {
    "画车": {
        "input": {
            "required": {
                "image": ["IMAGE", {"tooltip": "底图"}],
                "步数": ["INT", {"default": 20, "min": 1, "max": 100, "step": 1}],
                "ratio": ["FLOAT", {"min": 0.0, "max": 1.0, "step": 0.01}],
                "画风": [["水彩", "水墨"], {"default": "水彩"}],
                "mode": ["COMBO", {"options": ["a", "b"], "multiselect": False}],
            },
            "optional": {"lora_name": [["a.safetensors"], {}], "mask": ["MASK", {}]},
            "hidden": {"unique_id": "UNIQUE_ID"},
        },
        "input_order": {"required": ["image", "步数", "ratio", "画风", "mode"], "optional": ["lora_name", "mask"]},
        "output": ["IMAGE", "FLOAT", ["a", "b"]],
        "output_name": ["图", "分", "选"],
        "output_node": False,
        "display_name": "画车 Paint",
        "description": "texts",
    },
    "Load": {
        "input": {"required": {"image": [["a.png"], {"image_upload": True, "tooltip": "x"}]}},
        "output": ["IMAGE", "MASK"],
        "output_node": False,
    },
    "Save": {
        "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "x"}]}},
        "output": [],
        "output_node": True,
    },
}
TYPES = NodeTypes.load(INFO)
GOOD = {
    "1": {"class_type": "Load", "inputs": {"image": "a.png"}},
    "2": {
        "class_type": "画车",
        "inputs": {"image": ["1", 0], "步数": 20, "ratio": 0.5, "画风": "水墨", "mode": "b"},
        "_meta": {"title": "画一辆车"},
    },
    "9": {
        "class_type": "Save",
        "inputs": {"images": ["2", 0], "filename_prefix": "行程/图"},
        "_meta": {"title": "保存"},
    },
}


def with_input(node_id: str, name: str, value: Any) -> dict[str, Any]:
    graph = copy.deepcopy(GOOD)
    graph[node_id]["inputs"][name] = value  # type: ignore[index]
    return graph


def test_a_good_graph_has_no_findings() -> None:
    assert check_graph(GOOD, TYPES) == []


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (
            with_input("2", "步数", 0),
            "node 2 (画一辆车), 步数: found 0, expected at least 1",
        ),
        (
            with_input("2", "画风", "油画"),
            'node 2 (画一辆车), 画风: found "油画", expected one of 水彩, 水墨',
        ),
        (
            with_input("2", "image", ["1", 1]),
            "node 2 (画一辆车), image: found a link to MASK, expected IMAGE",
        ),
        (
            with_input("9", "filename_prefix", "../" + "长" * 90),
            'node 9 (保存), filename_prefix: found "../'
            + "长" * 55
            + "…, expected a place below the server's output folder",
        ),
        (
            with_input("2", "步", 3),
            "node 2 (画一辆车), 步: found 3, expected one of image, 步数, ratio, 画风, mode, lora_name, mask; this is ignored",
        ),
    ],
)
def test_a_finding_says_where_what_was_found_and_what_was_expected(graph: dict[str, Any], said: str) -> None:
    assert [str(finding) for finding in check_graph(graph, TYPES)] == [said]


def test_an_unknown_class_is_told_with_the_closest_known_one() -> None:
    graph = {**GOOD, "2": {**GOOD["2"], "class_type": "Lod"}}
    (finding,) = check_graph(graph, TYPES)
    assert (finding.code, finding.node_id, finding.title) == ("unknown_class", "2", "画一辆车")
    assert finding.expected == "a known class; did you mean Load?"


@pytest.mark.parametrize("name", ["sub/模型.safetensors", "a.safetensors", "文件.gguf"])
def test_a_snapshot_does_not_know_which_models_a_server_has(name: str) -> None:
    snapshotted = NodeTypes.load(json.loads(snapshot(INFO, INFO)))
    assert check_graph(with_input("2", "lora_name", name), snapshotted) == []


@pytest.mark.parametrize("name", ["../a.safetensors", "/a.safetensors", "C:\\a.safetensors", "a//b.pt", "", "a/./b.pt"])
def test_a_model_is_never_named_by_a_path_that_leaves_its_folder(name: str) -> None:
    snapshotted = NodeTypes.load(json.loads(snapshot(INFO, INFO)))
    assert [finding.code for finding in check_graph(with_input("2", "lora_name", name), snapshotted)] == [
        "path_for_file"
    ]


def test_a_running_servers_list_of_models_is_believed() -> None:
    (finding,) = check_graph(with_input("2", "lora_name", "b.safetensors"), TYPES)
    assert (finding.code, finding.expected) == ("file_absent", "one of a.safetensors")


def test_a_choice_that_a_class_marks_itself_is_only_told() -> None:
    marked = copy.deepcopy(INFO)
    marked["画车"]["input"]["required"]["画风"][1]["files"] = True
    (finding,) = check_graph(with_input("2", "画风", "油画"), NodeTypes.load(marked))
    assert (finding.severity, finding.code) == ("warning", "file_absent")
    assert check_graph(with_input("2", "画风", "油画"), NodeTypes.load(json.loads(snapshot(marked, marked)))) == []
    (finding,) = check_graph(with_input("2", "画风", "../油画"), NodeTypes.load(marked))
    assert (finding.severity, finding.code) == ("error", "path_for_file")


def test_a_snapshot_holds_no_texts_and_no_files_and_is_the_same_each_time() -> None:
    body = snapshot(INFO, ["画车", "Load", "画车"])
    assert body == snapshot(INFO, {"Load", "画车"})
    assert [line.split(":")[0] for line in body.decode().splitlines()[1:-1]] == ['"Load"', '"画车"']
    for left_out in ("tooltip", "texts", "a.png", "a.safetensors"):
        assert left_out not in body.decode()
    read = NodeTypes.load(json.loads(body)).get("画车")
    assert read is not None
    assert read.inputs["lora_name"].files
    assert read.inputs["lora_name"].choices is None
    assert read.inputs["画风"].choices == ("水彩", "水墨")
    assert read.inputs["mode"].choices == ("a", "b")


@pytest.mark.parametrize("graph", [{}, [], None, "", 7, {"1": None}, {"": {}}, {"1": {"class_type": ""}}])
def test_what_is_no_graph_is_an_error(graph: Any) -> None:
    assert any(finding.severity == "error" for finding in check_graph(graph, TYPES))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_no_json_makes_the_checker_fail(graph: Any) -> None:
    for finding in check_graph(graph, TYPES):
        assert str(finding)


@given(
    st.sampled_from([("1",), ("1", "inputs"), ("2", "class_type"), ("2", "_meta"), ("2", "inputs"), ("9", "inputs")])
    | st.sampled_from(
        [("2", "inputs", name) for name in ("image", "步数", "ratio", "画风", "mode", "lora_name", "mask", "多")]
    )
    | st.sampled_from([("1", "inputs", "image"), ("9", "inputs", "images"), ("9", "inputs", "filename_prefix")]),
    json_values | st.tuples(st.sampled_from(["1", "2", "9", "7"]), st.integers(-2, 3)).map(list),
)
@settings(max_examples=400)
def test_no_value_in_any_place_makes_the_checker_fail(path: tuple[str, ...], value: Any) -> None:
    graph: Any = copy.deepcopy(GOOD)
    place = graph
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    for finding in check_graph(graph, TYPES):
        assert str(finding)


def test_a_long_chain_is_no_deep_recursion() -> None:
    graph: dict[str, Any] = {
        "0": GOOD["1"],
        "end": {"class_type": "Save", "inputs": {"images": ["3000", 0], "filename_prefix": "x"}},
    }
    for number in range(1, 3001):
        graph[str(number)] = {"class_type": "画车", "inputs": {**GOOD["2"]["inputs"], "image": [str(number - 1), 0]}}  # type: ignore[dict-item]
    assert check_graph(graph, TYPES) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "node types: "),
        ("[]", "not an answer of /object_info"),
        ('{"A": {"class_type": "A"}}', "not an answer of /object_info"),
    ],
)
def test_what_is_no_object_info_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "info.json").write_text(content, "utf-8")
    with pytest.raises(Misconfigured, match=said):
        NodeTypes.load(tmp_path / "info.json")


def test_a_class_that_can_not_be_read_is_named() -> None:
    with pytest.raises(Misconfigured, match="node types: Odd: "):
        NodeTypes.load({"Odd": {"input": {"required": {"a": []}}, "output": []}}).get("Odd")


def test_node_types_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="info.json can't be read"):
        NodeTypes.load(tmp_path / "info.json")


def test_every_kind_of_finding_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs" / "workflow-checks.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.+?) \|", page, re.MULTILINE)
    explained = [code for row in rows for code in re.findall(r"`(\w+)`", row)]
    assert sorted(explained) == sorted(get_args(Code))
