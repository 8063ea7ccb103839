"""Filling a graph: values go where the bindings say, within their limits, and nothing else changes."""

from __future__ import annotations

import json

import pytest

from shared.errors import InvalidInput, Misconfigured
from shared.workflows import load_workflow

VALUES = {
    "prompt": "a quiet road by the lake",
    "negative_prompt": "people",
    "seed": 7,
    "size": "768*960",
    "model": "wan2.2-t2i-flash",
    "filename_prefix": "8c0e7d1e-1f3b-5c55-9df1-000000000000-1/picture",
}

GRAPH = {"1": {"class_type": "A", "inputs": {"text": "", "n": 1}, "_meta": {"title": "标题"}}}
BINDINGS = """
[workflow]
name = "own"
output_node = "1"
[parameters.text]
node = "1"
input = "text"
type = "string"
max_length = 5
[parameters.n]
node = "1"
input = "n"
type = "int"
default = 3
min = 1
max = 9
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
    assert json.loads(workflow.fill({"text": "行程"}, max_bytes=999))["1"]["inputs"] == {"text": "行程", "n": 3}
    assert workflow.graph == GRAPH


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "text"),
        ({"text": "longer"}, "text"),
        ({"text": 5}, "text"),
        ({"text": "a", "n": 0}, "n"),
        ({"text": "a", "n": 10}, "n"),
        ({"text": "a", "n": True}, "n"),
        ({"text": "a", "n": "3"}, "n"),
        ({"text": "a", "other": 1}, "other"),
    ],
)
def test_an_unfit_value_is_refused_by_its_name(own, values, field):
    with pytest.raises(InvalidInput) as caught:
        own().fill(values, max_bytes=999)
    assert caught.value.field == field


def test_a_graph_too_large_for_the_queue_is_refused_before_it_is_queued(own):
    with pytest.raises(InvalidInput, match="graph: at most 20 bytes"):
        own().fill({"text": "a"}, max_bytes=20)


@pytest.mark.parametrize(
    ("graph", "bindings", "said"),
    [
        ("{", BINDINGS, "workflow own"),
        ({"nodes": [], "links": []}, BINDINGS, "not an API export"),
        (GRAPH, BINDINGS.replace('output_node = "1"', 'output_node = "9"'), "output_node 9"),
        (GRAPH, BINDINGS.replace('node = "1"\ninput = "n"', 'node = "7"\ninput = "n"'), "parameters.n.node 7"),
        (GRAPH, BINDINGS.replace('input = "n"', 'input = "m"'), "parameters.n.input m"),
        (GRAPH, BINDINGS.replace('"int"', '"bool"'), "parameters.n.type"),
        (GRAPH, "[workflow", "workflow own"),
    ],
)
def test_a_broken_workflow_is_named_when_it_is_loaded(own, graph, bindings, said):
    with pytest.raises(Misconfigured, match=said):
        own(graph, bindings)


def test_a_missing_workflow_is_named(tmp_path):
    with pytest.raises(Misconfigured, match="workflow nowhere"):
        load_workflow("nowhere", tmp_path)
