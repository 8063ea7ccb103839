"""The bindings of a workflow, held against its graph and against what the bound nodes take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.graphs.bindings import CAR_PARAMETERS, Bindings, Parameter
from shared.graphs.check import is_link, title_of
from shared.graphs.dynamic_inputs import inputs_of
from shared.graphs.findings import ERROR, WARNING, Code, Finding, Severity, finding_at, listed, shown
from shared.graphs.node_types import COMBO, NodeTypes
from shared.graphs.template import worst_bytes
from shared.graphs.values import complaints

#: What a parameter's type may be filled into.
_FILLS = {
    "string": ("STRING", COMBO),
    "choice": ("STRING", COMBO),
    "int": ("INT", "FLOAT"),
    "float": ("FLOAT",),
    "boolean": ("BOOLEAN",),
}
_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "choice": (str,),
    "int": (int,),
    "float": (int, float),
    "boolean": (bool,),
}
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def check_bindings(
    graph: Mapping[str, Any], bindings: Bindings, node_types: NodeTypes, *, max_bytes: int | None = None
) -> list[Finding]:
    """Everything in `bindings` that doesn't fit `graph`, which has passed `check_graph` without an error.

    With `max_bytes`, also whether the graph can grow larger than that when it is filled.
    """
    return [
        *_requires(graph, bindings),
        *_models(graph, bindings, node_types),
        *_output(graph, bindings, node_types),
        *(finding for name in bindings.parameters for finding in _parameter(name, graph, bindings, node_types)),
        *(_size(graph, bindings, max_bytes) if max_bytes is not None else ()),
    ]


def is_of_type(kind: str, value: object) -> bool:
    """Whether `value` may be given to a parameter of type `kind`."""
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _requires(graph: Mapping[str, Any], bindings: Bindings) -> Iterator[Finding]:
    used, named = {entry["class_type"] for entry in graph.values()}, bindings.requires.nodes
    if set(named) != used or len(set(named)) != len(named):
        found, expected = listed(named) or "nothing", f"exactly the classes in use: {', '.join(sorted(used))}"
        yield finding_at("requires.nodes", "requires_nodes", found, expected)
    if not _VERSION.fullmatch(bindings.requires.comfyui):
        found = shown(bindings.requires.comfyui)
        yield finding_at("requires.comfyui", "requires_version", found, "a version such as 0.3.64")


def _models(graph: Mapping[str, Any], bindings: Bindings, node_types: NodeTypes) -> Iterator[Finding]:
    wanted = {name for _, _, name in model_files(graph, node_types)}
    filled = {(parameter.node, parameter.input): parameter for parameter in bindings.parameters.values()}
    for node_id, entry in graph.items():
        for name in entry["inputs"]:
            parameter = filled.get((node_id, name))
            if parameter is not None and _is_model(entry, name, node_types):
                wanted |= {choice for choice in parameter.choices if "." in choice}
    listed_models = {model.name for model in bindings.requires.models}
    for name in sorted(wanted - listed_models):
        expected = "every model in use, with its folder, size, licence and source"
        yield finding_at("requires.models", "model_unlisted", f"no {name}", expected)
    for name in sorted(listed_models - wanted):
        yield finding_at(
            "requires.models", "model_unused", name, "only models that the graph or a choice names", WARNING
        )


def model_files(graph: Mapping[str, Any], node_types: NodeTypes) -> Iterator[tuple[str, str, str]]:
    """The models that the graph itself names: node id, input, file name. What is built in has no file extension."""
    for node_id, entry in graph.items():
        for name, value in entry["inputs"].items():
            if isinstance(value, str) and "." in value and _is_model(entry, name, node_types):
                yield node_id, name, value


def _is_model(entry: Mapping[str, Any], name: str, node_types: NodeTypes) -> bool:
    node = node_types.get(entry["class_type"])
    declared = node.inputs.get(name) if node is not None else None
    return declared is not None and declared.files and not declared.upload


def _output(graph: Mapping[str, Any], bindings: Bindings, node_types: NodeTypes) -> Iterator[Finding]:
    about = bindings.workflow
    yield from _saving("output_node", about.output_node, graph, node_types)
    if about.plate_node:
        yield from _saving("plate_node", about.plate_node, graph, node_types)
        if about.plate_node == about.output_node:
            yield finding_at(
                "workflow.plate_node", "plate_node", shown(about.plate_node), "another node than output_node"
            )
        for name in CAR_PARAMETERS:
            if name not in bindings.parameters:
                expected = "every parameter of the car's nodes, so that its picture can be composed again to judge it"
                yield finding_at(f"parameters.{name}", "car_parameter", "no such parameter", expected)


def _saving(key: Code, node_id: str, graph: Mapping[str, Any], node_types: NodeTypes) -> Iterator[Finding]:
    entry = graph.get(node_id)
    if entry is None:
        yield finding_at(f"workflow.{key}", key, shown(node_id), f"a node of the graph: {listed([*graph])}")
        return
    node = node_types.get(entry["class_type"])
    if node is not None and not node.is_output:
        yield finding_at(f"workflow.{key}", key, node.name, "a node that ends in a result, such as SaveImage")


def _parameter(name: str, graph: Mapping[str, Any], bindings: Bindings, node_types: NodeTypes) -> Iterator[Finding]:
    parameter, place = bindings.parameters[name], f"parameters.{name}"
    entry = graph.get(parameter.node)
    if entry is None:
        yield finding_at(
            f"{place}.node", "parameter_node", shown(parameter.node), f"a node of the graph: {listed([*graph])}"
        )
        return
    node = node_types.get(entry["class_type"])
    declared = inputs_of(node, entry["inputs"]).get(parameter.input) if node is not None else None

    def about(key: str, code: Code, found: str, expected: str, severity: Severity = ERROR) -> Finding:
        title, node_id = title_of(entry), parameter.node
        where = f"{place}.{key}" if key else place
        return Finding(
            severity=severity, code=code, node_id=node_id, title=title, input=where, found=found, expected=expected
        )

    if parameter.input not in entry["inputs"] or declared is None:
        known = listed([*entry["inputs"]]) or "none; it has no inputs"
        yield about("input", "parameter_input", shown(parameter.input), f"an input of that node: {known}")
        return
    if is_link(entry["inputs"][parameter.input]):
        found = f"{parameter.input}, which is linked"
        yield about("input", "parameter_linked", found, "an input with a value; filling would cut the link")
        return
    earlier = [other for other, given in bindings.parameters.items() if _place(given) == _place(parameter)]
    if earlier[0] != name:
        yield about("input", "parameter_twice", f"{parameter.input}, as in parameters.{earlier[0]}", "one parameter")
    if declared.kind not in _FILLS[parameter.type]:
        fitting = listed([kind for kind, fills in _FILLS.items() if declared.kind in fills]) or "no parameter at all"
        yield about("type", "parameter_type", parameter.type, f"{fitting} for {declared.kind}")
        return
    for key, code, found, expected in _inconsistent(parameter):
        yield about(key, code, found, expected)
    for key, value in _legal_values(parameter):
        for severity, _, found, expected in complaints(declared, value, node_types.linked_kinds):
            yield about(
                key, "parameter_unfit", found, f"{expected} ({parameter.input} of {entry['class_type']})", severity
            )


def _place(parameter: Parameter) -> tuple[str, str]:
    return parameter.node, parameter.input


def _legal_values(parameter: Parameter) -> Iterator[tuple[str, Any]]:
    for key in ("default", "min", "max"):
        value = getattr(parameter, key)
        if value is not None and is_of_type(parameter.type, value):
            yield key, value
    for choice in parameter.choices:
        yield "choices", choice


def _inconsistent(parameter: Parameter) -> Iterator[tuple[str, Code, str, str]]:
    kind, low, high, default = parameter.type, parameter.min, parameter.max, parameter.default
    code: Code = "parameter_inconsistent"
    is_number = kind in ("int", "float")
    for key in ("min", "max"):
        value = getattr(parameter, key)
        if value is not None and not (is_number and is_of_type(kind, value)):
            yield key, code, shown(value), f"a value of type {kind}" if is_number else f"no range for type {kind}"
    if low is not None and high is not None and low > high:
        yield "min", code, shown(low), f"at most max, {high}"
    if kind == "choice" and not parameter.choices:
        yield "choices", code, "none", "the values to choose from"
    if parameter.choices and kind not in ("choice", "string"):
        yield "choices", code, listed(parameter.choices), f"none for type {kind}"
    if kind == "string" and not parameter.choices and parameter.max_length is None:
        yield "max_length", "parameter_unbounded", "none", "the most characters it may have, so that the size is known"
    if parameter.max_length is not None and (kind != "string" or parameter.max_length < 1):
        yield "max_length", code, shown(parameter.max_length), "a positive number, and only for type string"
    if default is None:
        return
    if not is_of_type(kind, default):
        yield "default", code, shown(default), f"a value of type {kind}"
    elif isinstance(default, str):
        if parameter.choices and default not in parameter.choices:
            yield "default", code, shown(default), f"one of its own choices: {listed(parameter.choices)}"
        if parameter.max_length is not None and len(default) > parameter.max_length:
            yield "default", code, f"{len(default)} characters", f"at most max_length, {parameter.max_length}"
    elif (low is not None and default < low) or (high is not None and default > high):
        yield "default", code, shown(default), "a value within its own min and max"


def _size(graph: Mapping[str, Any], bindings: Bindings, max_bytes: int) -> Iterator[Finding]:
    most = worst_bytes(graph, bindings.parameters)
    if most > max_bytes:
        found = f"up to {most} bytes with the longest legal values"
        yield finding_at("", "too_large", found, f"at most {max_bytes}, the queue's limit")
