"""Graphs that ComfyUI refuses, and the bodies it refuses them with (as observed on 0.3.64)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.results import GraphRefused
from localcloud.comfyui.validation import plan

if TYPE_CHECKING:
    from pathlib import Path


class 画风:  # noqa: N801
    """A node with every kind of input."""

    RETURN_TYPES = ("STRING", "INT")
    FUNCTION = "描述"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {
            "required": {
                "count": ("INT", {"default": 1, "min": 1, "max": 10, "step": 1}),
                "mode": (["fast", "slow", "中文选项"], {}),
                "name": ("STRING", {}),
            },
            "optional": {"ratio": ("FLOAT", {"min": 0.0, "max": 1.0}), "flag": ("BOOLEAN", {})},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, name: str | None = None) -> bool | str:  # noqa: N802
        return "名字不合法: bad" if name == "bad" else True

    def 描述(self, **_: Any) -> tuple[str, int]:  # noqa: N802
        return "", 0


GOOD = {"count": 3, "mode": "中文选项", "name": "水彩"}
SHOW = {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}


@pytest.fixture
def classes(tmp_path: Path) -> dict[str, type[Any]]:
    return {**core_nodes(Folders(tmp_path)), "画风": 画风}


def refusal(graph: dict[str, Any], classes: dict[str, type[Any]]) -> dict[str, Any]:
    with pytest.raises(GraphRefused) as caught:
        plan(graph, classes)
    return dict(caught.value.body)


def reason(graph: dict[str, Any], classes: dict[str, type[Any]], node_id: str = "1") -> dict[str, Any]:
    body = refusal(graph, classes)
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    assert body["error"]["message"] == "Prompt outputs failed validation"
    (only,) = body["node_errors"][node_id]["errors"]
    return dict(only)


def test_a_good_graph_is_put_in_running_order_with_literals_cast(classes: dict[str, type[Any]]) -> None:
    graph = {
        "3": {**SHOW},
        "1": {"class_type": "画风", "inputs": {**GOOD, "count": "3", "flag": "false", "name": {"a": 1}}},
    }
    first, second = plan(graph, classes).steps
    assert (first.node_id, second.node_id) == ("1", "3")
    assert first.inputs == {"count": 3, "mode": "中文选项", "flag": True, "name": "{'a': 1}"}


def test_an_unknown_class_is_named(classes: dict[str, type[Any]]) -> None:
    assert refusal({"1": {"class_type": "NoSuchNode", "inputs": {}}}, classes) == {
        "error": {
            "type": "invalid_prompt",
            "message": "Cannot execute because node NoSuchNode does not exist.",
            "details": "Node ID '#1'",
            "extra_info": {},
        },
        "node_errors": {},
    }


@pytest.mark.parametrize(
    "graph",
    [{"nodes": [{"id": 1}], "links": []}, {"nodes": {"inputs": {}}}],
    ids=["page's own format", "no class_type"],
)
def test_a_node_without_class_type_is_named(graph: dict[str, Any], classes: dict[str, type[Any]]) -> None:
    assert refusal(graph, classes)["error"] == {
        "type": "invalid_prompt",
        "message": "Cannot execute because a node is missing the class_type property.",
        "details": "Node ID '#nodes'",
        "extra_info": {},
    }


@pytest.mark.parametrize("graph", [{}, {"1": {"class_type": "画风", "inputs": GOOD}}], ids=["empty", "no output node"])
def test_a_graph_without_an_output_is_refused(graph: dict[str, Any], classes: dict[str, type[Any]]) -> None:
    assert refusal(graph, classes) == {
        "error": {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": "", "extra_info": {}},
        "node_errors": {},
    }


def test_every_missing_input_is_listed_at_the_node_that_lacks_it(classes: dict[str, type[Any]]) -> None:
    body = refusal({"1": {"class_type": "画风", "inputs": {"count": 1}}, "3": SHOW}, classes)
    assert body["error"]["details"] == ""
    assert body["node_errors"] == {
        "1": {
            "errors": [
                {
                    "type": "required_input_missing",
                    "message": "Required input is missing",
                    "details": name,
                    "extra_info": {"input_name": name},
                }
                for name in ("mode", "name")
            ],
            "dependent_outputs": ["3"],
            "class_type": "画风",
        }
    }


COUNT = ["INT", {"default": 1, "min": 1, "max": 10, "step": 1}]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"count": "abc"},
            {
                "type": "invalid_input_type",
                "message": "Failed to convert an input value to a INT value",
                "details": "count, abc, invalid literal for int() with base 10: 'abc'",
                "extra_info": {
                    "input_name": "count",
                    "input_config": COUNT,
                    "received_value": "abc",
                    "exception_message": "invalid literal for int() with base 10: 'abc'",
                },
            },
        ),
        (
            {"count": 11},
            {
                "type": "value_bigger_than_max",
                "message": "Value 11 bigger than max of 10",
                "details": "count",
                "extra_info": {"input_name": "count", "input_config": COUNT, "received_value": 11},
            },
        ),
        (
            {"ratio": -0.1},
            {
                "type": "value_smaller_than_min",
                "message": "Value -0.1 smaller than min of 0.0",
                "details": "ratio",
                "extra_info": {
                    "input_name": "ratio",
                    "input_config": ["FLOAT", {"min": 0.0, "max": 1.0}],
                    "received_value": -0.1,
                },
            },
        ),
        (
            {"mode": "快"},
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "mode: '快' not in ['fast', 'slow', '中文选项']",
                "extra_info": {
                    "input_name": "mode",
                    "input_config": [["fast", "slow", "中文选项"], {}],
                    "received_value": "快",
                },
            },
        ),
        (
            {"name": "bad"},
            {
                "type": "custom_validation_failed",
                "message": "Custom validation failed for node",
                "details": "name - 名字不合法: bad",
                "extra_info": {"input_name": "name"},
            },
        ),
        (
            {"name": ["2", 0, 0]},
            {
                "type": "bad_linked_input",
                "message": "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                "details": "name",
                "extra_info": {
                    "input_name": "name",
                    "input_config": ["STRING", {}],
                    "received_value": ["2", 0, 0],
                },
            },
        ),
        (
            {"name": ["2", 1]},
            {
                "type": "return_type_mismatch",
                "message": "Return type mismatch between linked nodes",
                "details": "name, received_type(INT) mismatch input_type(STRING)",
                "extra_info": {
                    "input_name": "name",
                    "input_config": ["STRING", {}],
                    "received_type": "INT",
                    "linked_node": ["2", 1],
                },
            },
        ),
    ],
    ids=[
        "no number",
        "too big",
        "too small",
        "not a choice",
        "the class says no",
        "link of three",
        "link of wrong type",
    ],
)
def test_a_wrong_input_is_explained_in_comfyuis_words(
    given: dict[str, Any], expected: dict[str, Any], classes: dict[str, type[Any]]
) -> None:
    graph = {
        "1": {"class_type": "画风", "inputs": {**GOOD, **given}},
        "2": {"class_type": "画风", "inputs": GOOD},
        "3": SHOW,
    }
    assert reason(graph, classes) == expected


@pytest.mark.parametrize(
    ("link", "details", "kind"),
    [(["99", 0], "'99'", "KeyError"), (["1", 7], "tuple index out of range", "IndexError"), ([1, 0], "1", "KeyError")],
    ids=["absent node", "slot too high", "node id as a number"],
)
def test_a_link_that_leads_nowhere_is_an_exception_of_validation(
    link: list[Any], details: str, kind: str, classes: dict[str, type[Any]]
) -> None:
    graph = {"1": {"class_type": "画风", "inputs": GOOD}, "3": {"class_type": "PreviewAny", "inputs": {"source": link}}}
    found = reason(graph, classes, "3")
    assert found["type"] == "exception_during_validation"
    assert found["details"] == details
    assert found["extra_info"]["exception_type"] == kind


def test_a_node_without_inputs_is_an_exception_of_validation(classes: dict[str, type[Any]]) -> None:
    assert reason({"3": {"class_type": "PreviewAny"}}, classes, "3")["details"] == "'inputs'"


def test_a_cycle_is_refused_without_a_reason(classes: dict[str, type[Any]]) -> None:
    graph = {
        "1": {"class_type": "StringConcatenate", "inputs": {"string_a": ["2", 0], "string_b": "", "delimiter": ""}},
        "2": {"class_type": "StringConcatenate", "inputs": {"string_a": ["1", 0], "string_b": "", "delimiter": ""}},
        "3": SHOW,
    }
    body = refusal(graph, classes)
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    assert body["node_errors"] == {}


def test_a_graph_with_one_good_output_runs_that_one(classes: dict[str, type[Any]]) -> None:
    graph = {
        "1": {"class_type": "画风", "inputs": {**GOOD, "count": 0}},
        "3": SHOW,
        "4": {"class_type": "PreviewAny", "inputs": {"source": "好"}},
    }
    assert [step.node_id for step in plan(graph, classes).steps] == ["4"]


def test_inputs_that_the_class_does_not_know_are_ignored(classes: dict[str, type[Any]]) -> None:
    (step,) = plan({"1": {"class_type": "PreviewAny", "inputs": {"source": "好", "more": 1}}}, classes).steps
    assert step.inputs == {"source": "好"}
