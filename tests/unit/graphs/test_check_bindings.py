"""Bindings against their graph: each thing that can be wrong in them is told by its place and code."""

from __future__ import annotations

import re

import pytest

from shared.errors import Misconfigured
from shared.graphs.bindings import read_bindings
from shared.graphs.check import check_graph
from shared.graphs.check_bindings import check_bindings
from shared.graphs.node_types import NodeTypes

TYPES = NodeTypes.load(
    {
        "Paint": {
            "input": {
                "required": {
                    "prompt": ["STRING", {"multiline": True}],
                    "seed": ["INT", {"min": 0, "max": 100}],
                    "width": ["INT", {"min": 64, "max": 1024, "step": 8}],
                    "strength": ["FLOAT", {"min": 0.0, "max": 1.0}],
                    "style": [["水彩", "水墨"], {}],
                    "lora_name": [[], {"files": True}],
                    "extend": ["BOOLEAN", {}],
                }
            },
            "output": ["IMAGE"],
            "output_node": False,
        },
        "Save": {
            "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}},
            "output": [],
            "output_node": True,
        },
    }
)
PAINT = {
    "prompt": "湖",
    "seed": 1,
    "width": 512,
    "strength": 0.5,
    "style": "水彩",
    "lora_name": "a.safetensors",
    "extend": False,
}
GRAPH = {
    "1": {"class_type": "Paint", "inputs": PAINT, "_meta": {"title": "画"}},
    "9": {"class_type": "Save", "inputs": {"images": ["1", 0], "filename_prefix": "行程/图"}},
}
HEAD = """
[workflow]
name = "own"
output_node = "9"
[requires]
comfyui = "0.3.64"
nodes = ["Paint", "Save"]
[[requires.models]]
name = "a.safetensors"
folder = "loras"
"""


def parameter(line: str, name: str = "p") -> str:
    return f"[parameters.{name}]\n{line.replace('; ', chr(10))}\n"


def codes(bindings: str, max_bytes: int | None = None) -> list[str]:
    assert check_graph(GRAPH, TYPES) == []
    found = check_bindings(GRAPH, read_bindings(bindings), TYPES, max_bytes=max_bytes)
    return [f"{finding.code} at {finding.input}" for finding in found]


def test_bindings_that_fit_have_no_findings() -> None:
    lines = {
        "prompt": 'node = "1"; input = "prompt"; type = "string"; max_length = 800',
        "seed": 'node = "1"; input = "seed"; type = "int"; default = 1; min = 0; max = 100',
        "strength": 'node = "1"; input = "strength"; type = "float"; default = 0.5; max = 0.9',
        "style": 'node = "1"; input = "style"; type = "choice"; default = "水墨"; choices = ["水墨", "水彩"]',
        "extend": 'node = "1"; input = "extend"; type = "boolean"; default = true',
        "lora": 'node = "1"; input = "lora_name"; type = "choice"; choices = ["a.safetensors"]',
    }
    assert codes(HEAD + "".join(parameter(line, name) for name, line in lines.items()), max_bytes=8192) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('node = "7"; input = "prompt"; type = "string"; max_length = 9', "parameter_node at parameters.p.node"),
        ('node = "1"; input = "promt"; type = "string"; max_length = 9', "parameter_input at parameters.p.input"),
        ('node = "9"; input = "images"; type = "string"; max_length = 9', "parameter_linked at parameters.p.input"),
        ('node = "1"; input = "prompt"; type = "int"', "parameter_type at parameters.p.type"),
        ('node = "1"; input = "seed"; type = "float"', "parameter_type at parameters.p.type"),
        ('node = "1"; input = "extend"; type = "int"', "parameter_type at parameters.p.type"),
        ('node = "1"; input = "prompt"; type = "string"', "parameter_unbounded at parameters.p.max_length"),
        ('node = "1"; input = "seed"; type = "int"; default = 101', "parameter_unfit at parameters.p.default"),
        ('node = "1"; input = "seed"; type = "int"; min = -1', "parameter_unfit at parameters.p.min"),
        ('node = "1"; input = "seed"; type = "int"; max = 101', "parameter_unfit at parameters.p.max"),
        ('node = "1"; input = "width"; type = "int"; default = 513', "parameter_unfit at parameters.p.default"),
        ('node = "1"; input = "style"; type = "choice"; choices = ["油画"]', "parameter_unfit at parameters.p.choices"),
        (
            'node = "1"; input = "lora_name"; type = "choice"; choices = ["../a.pt"]',
            "parameter_unfit at parameters.p.choices",
        ),
        (
            'node = "9"; input = "filename_prefix"; type = "string"; max_length = 9; default = "/a"',
            "parameter_unfit at parameters.p.default",
        ),
        ('node = "1"; input = "seed"; type = "int"; min = 9; max = 3', "parameter_inconsistent at parameters.p.min"),
        (
            'node = "1"; input = "seed"; type = "int"; default = 5; max = 3',
            "parameter_inconsistent at parameters.p.default",
        ),
        ('node = "1"; input = "seed"; type = "int"; default = "5"', "parameter_inconsistent at parameters.p.default"),
        ('node = "1"; input = "seed"; type = "int"; default = true', "parameter_inconsistent at parameters.p.default"),
        (
            'node = "1"; input = "seed"; type = "int"; max_length = 3',
            "parameter_inconsistent at parameters.p.max_length",
        ),
        (
            'node = "1"; input = "prompt"; type = "string"; max_length = 0',
            "parameter_inconsistent at parameters.p.max_length",
        ),
        (
            'node = "1"; input = "prompt"; type = "string"; max_length = 9; min = 1',
            "parameter_inconsistent at parameters.p.min",
        ),
        (
            'node = "1"; input = "prompt"; type = "string"; max_length = 1; default = "湖水"',
            "parameter_inconsistent at parameters.p.default",
        ),
        ('node = "1"; input = "prompt"; type = "choice"', "parameter_inconsistent at parameters.p.choices"),
        (
            'node = "1"; input = "prompt"; type = "choice"; choices = ["a"]; default = "b"',
            "parameter_inconsistent at parameters.p.default",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(line: str, expected: str) -> None:
    assert expected in codes(HEAD + parameter(line))


def test_two_parameters_for_one_input_are_told() -> None:
    line = 'node = "1"; input = "seed"; type = "int"'
    assert codes(HEAD + parameter(line) + parameter(line, "q")) == ["parameter_twice at parameters.q.input"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"Paint", "Save"', '"Paint"', "requires_nodes at requires.nodes"),
        ('"Paint", "Save"', '"Paint", "Save", "LoadImage"', "requires_nodes at requires.nodes"),
        ('"Paint", "Save"', '"Paint", "Save", "Save"', "requires_nodes at requires.nodes"),
        ('"0.3.64"', '"newest"', "requires_version at requires.comfyui"),
        ('name = "a.safetensors"', 'name = "b.safetensors"', "model_unlisted at requires.models"),
        ('name = "a.safetensors"', 'name = "b.safetensors"', "model_unused at requires.models"),
        ('output_node = "9"', 'output_node = "1"', "output_node at workflow.output_node"),
        ('output_node = "9"', 'output_node = "10"', "output_node at workflow.output_node"),
        ('output_node = "9"', 'output_node = "9"\nplate_node = "1"', "plate_node at workflow.plate_node"),
        ('output_node = "9"', 'output_node = "9"\nplate_node = "10"', "plate_node at workflow.plate_node"),
        ('output_node = "9"', 'output_node = "9"\nplate_node = "9"', "plate_node at workflow.plate_node"),
    ],
)
def test_what_is_required_is_what_is_used(old: str, new: str, expected: str) -> None:
    assert expected in codes(HEAD.replace(old, new))


def test_the_size_is_that_of_the_longest_legal_values() -> None:
    bindings = HEAD + parameter('node = "1"; input = "prompt"; type = "string"; max_length = 1000')
    (finding,) = check_bindings(GRAPH, read_bindings(bindings), TYPES, max_bytes=4000)
    assert finding.code == "too_large"
    most = int(re.findall(r"\d+", finding.found)[0])
    assert 4000 < most < 4400
    assert check_bindings(GRAPH, read_bindings(bindings), TYPES, max_bytes=most) == []


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[workflow", "bindings.toml: "),
        (HEAD + "[extra]\n", "extra: no such table"),
        (HEAD.replace('output_node = "9"\n', ""), "workflow: .*missing required field `output_node`"),
        (HEAD + parameter('node = "1"; input = "seed"; typ = "int"'), r"parameters\.p: .*`typ`"),
        (HEAD + parameter('node = 1; input = "seed"; type = "int"'), r"parameters\.p\.node: Expected `str`"),
        (HEAD.replace('folder = "loras"', "folder = 3"), r"requires\.models\[0\]\.folder: Expected `str`"),
    ],
)
def test_bindings_that_can_not_be_read_are_refused_by_their_key(toml: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        read_bindings(toml)


def test_a_seed_of_64_bits_keeps_every_digit() -> None:
    bindings = read_bindings(HEAD + parameter(f'node = "1"; input = "seed"; type = "int"; max = {2**64 - 1}'))
    assert bindings.parameters["p"].max == 2**64 - 1
