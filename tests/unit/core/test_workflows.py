"""Filling a graph: values go where the bindings say, within their limits, and nothing else changes."""

from __future__ import annotations

import json

import pytest

from shared.errors import InvalidInput, Misconfigured
from shared.graphs.template import Gap, worst_bytes
from shared.services import Services
from shared.settings import Credentials, Settings
from shared.workflows import load_workflow

VALUES = {
    "prompt": "a quiet road by the lake",
    "negative_prompt": "people",
    "seed": 7,
    "size": "768*960",
    "model": "wan2.2-t2i-flash",
    "filename_prefix": "8c0e7d1e-1f3b-5c55-9df1-000000000000-1/picture",
}

GRAPH = {
    "1": {"class_type": "ImageSynthesisNode", "inputs": {"prompt": "", "seed": 1}, "_meta": {"title": "标题"}},
    "3": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
}
BINDINGS = """
[workflow]
name = "own"
output_node = "3"
[requires]
comfyui = "0.3.64"
nodes = ["ImageSynthesisNode", "PreviewAny"]
[parameters.text]
node = "1"
input = "prompt"
type = "string"
max_length = 5
[parameters.n]
node = "1"
input = "seed"
type = "int"
default = 3
max = 9
"""


WANX = {"prompt": "湖", "negative_prompt": "", "model": "wan2.2-t2i-flash", "size": "768*960", "seed": 0}
BOOLEAN = """
[workflow]
name = "own"
output_node = "2"
[requires]
comfyui = "0.3.64"
nodes = ["WanxImage", "SaveImage"]
[parameters.p]
node = "1"
input = "prompt_extend"
type = "boolean"
"""


@pytest.fixture
def own(tmp_path):
    def write(graph=GRAPH, bindings=BINDINGS):
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        (folder / "graph.json").write_text(graph if isinstance(graph, str) else json.dumps(graph), "utf-8")
        (folder / "bindings.toml").write_text(bindings, "utf-8")
        load_workflow.cache_clear()
        return load_workflow("own", tmp_path)

    yield write
    load_workflow.cache_clear()


def test_the_shipped_workflow_is_filled_per_trip():
    workflow = load_workflow("wanx_scene")
    graph = json.loads(workflow.fill(VALUES, max_bytes=8192))
    text = json.dumps(graph)
    assert all(json.dumps(value) in text for value in VALUES.values())
    assert "_meta" not in text
    assert graph[workflow.about.output_node]["class_type"] == "SaveImage"


def test_the_longest_legal_brief_fits_the_queue():
    longest = {**VALUES, "prompt": "画" * 700, "negative_prompt": "字" * 500}
    assert len(load_workflow("wanx_scene").fill(longest, max_bytes=8192)) <= 8192


def test_a_default_stands_in_for_a_missing_value_and_filling_changes_no_template(own):
    workflow = own()
    assert json.loads(workflow.fill({"text": "行程"}, max_bytes=999)) == {
        "1": {"class_type": "ImageSynthesisNode", "inputs": {"prompt": "行程", "seed": 3}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    assert workflow.graph == GRAPH


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "text"),
        ({"text": "longer"}, "text"),
        ({"text": 5}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"text": "半\ud83d"}, "text"),
        ({"text": "a", "n": -2}, "n"),
        ({"text": "a", "n": 10}, "n"),
        ({"text": "a", "n": True}, "n"),
        ({"text": "a", "n": "3"}, "n"),
        ({"text": "a", "n": 3.0}, "n"),
        ({"text": "a", "other": 1}, "other"),
    ],
)
def test_an_unfit_value_is_refused_by_its_name(own, values, field):
    with pytest.raises(InvalidInput) as caught:
        own().fill(values, max_bytes=999)
    assert caught.value.field == field


@pytest.mark.parametrize("value", ["line\nend", 'a"\\', "🚗\t", "", "\x7f\u2028"])
def test_every_text_that_json_can_carry_comes_back_as_it_went_in(own, value):
    assert json.loads(own().fill({"text": value[:5]}, max_bytes=999))["1"]["inputs"]["prompt"] == value[:5]


@pytest.mark.parametrize(("kind", "value"), [("float", float("nan")), ("float", float("inf")), ("boolean", 1)])
def test_a_value_of_another_type_is_refused(kind, value):
    with pytest.raises(InvalidInput, match="p: a value of type"):
        Gap("p", kind, None).encoded(value)


def test_a_switch_is_filled(own):
    graph = {
        "1": {"class_type": "WanxImage", "inputs": {**WANX, "prompt_extend": False}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "行程/a"}},
    }
    assert json.loads(own(graph, BOOLEAN).fill({"p": True}, max_bytes=9999))["1"]["inputs"]["prompt_extend"] is True


def test_a_graph_too_large_for_the_queue_is_refused_before_it_is_queued(own):
    with pytest.raises(InvalidInput, match="graph: at most 20 bytes"):
        own().fill({"text": "a"}, max_bytes=20)


@pytest.mark.parametrize("name", ["wanx_scene", "article"])
def test_no_legal_value_makes_a_graph_larger_than_was_foretold(name):
    workflow = load_workflow(name)
    longest = {
        key: max(parameter.choices, key=len) if parameter.choices else "🚗" * (parameter.max_length or 0)
        for key, parameter in workflow.parameters.items()
        if parameter.type in ("string", "choice")
    }
    numbers = {key: int(parameter.max) for key, parameter in workflow.parameters.items() if parameter.type == "int"}
    # As many digits as a float can have; a sign only where one is allowed.
    floats = {key: p for key, p in workflow.parameters.items() if p.type == "float"}
    numbers |= {key: -2.2250738585072014e-308 if p.min < 0 else 2.2250738585072014e-308 for key, p in floats.items()}
    filled = workflow.fill({**longest, **numbers}, max_bytes=10**6)
    unsigned = sum(p.min >= 0 for p in floats.values())
    assert len(filled) + unsigned == worst_bytes(workflow.graph, workflow.parameters)


@pytest.mark.parametrize(
    ("graph", "bindings", "said"),
    [
        ("{", BINDINGS, "workflow own"),
        ({"nodes": [], "links": []}, BINDINGS, r"editor's own format .* expected the API format"),
        ({**GRAPH, "1": {**GRAPH["1"], "class_type": "ImageSynthesis"}}, BINDINGS, "did you mean ImageSynthesisNode"),
        (GRAPH, BINDINGS.replace('output_node = "3"', 'output_node = "9"'), 'workflow.output_node: found "9"'),
        (
            GRAPH,
            BINDINGS.replace('node = "1"\ninput = "seed"', 'node = "7"\ninput = "seed"'),
            'parameters.n.node: found "7"',
        ),
        (GRAPH, BINDINGS.replace('input = "seed"', 'input = "m"'), 'parameters.n.input: found "m"'),
        (GRAPH, BINDINGS.replace('"int"', '"bool"'), "parameters.n.type"),
        (GRAPH, BINDINGS.replace("[requires]", "[required]"), "required: no such table"),
        (GRAPH, BINDINGS.replace("0.3.64", "9.9.9"), "no node types of ComfyUI 9.9.9, only of 0"),
        (GRAPH, "[workflow", "workflow own"),
    ],
)
def test_a_broken_workflow_is_named_when_it_is_loaded(own, graph, bindings, said):
    with pytest.raises(Misconfigured, match=said):
        own(graph, bindings)


def test_a_missing_workflow_is_named(tmp_path):
    with pytest.raises(Misconfigured, match="workflow nowhere"):
        load_workflow("nowhere", tmp_path)


def test_a_workflow_that_trips_can_not_be_put_in_is_refused_by_name():
    services = Services(Settings(workflow="article"), Credentials("id", "secret"))
    with pytest.raises(Misconfigured, match="workflow article: it has no parameter prompt"):
        _ = services.workflow
