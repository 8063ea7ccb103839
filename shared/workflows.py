"""Named parameters into a filled ComfyUI graph.

A workflow is a folder: ``graph.json``, the graph in API format, and ``bindings.toml``, which names the parameters that
are filled per trip, their types and limits, and the node whose pictures count.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from shared.errors import InvalidInput, Misconfigured

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: The workflows shipped with the product.
FOLDER = Path(__file__).parent.parent / "workflows"


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of the graph that is filled per trip."""

    node: str
    input: str
    type: str
    default: str | int | float | None = None
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    description: str = ""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What `[workflow]` in ``bindings.toml`` says."""

    name: str
    output_node: str
    title_zh: str = ""
    title_en: str = ""
    time_budget_s: int = 300
    min_comfyui: str = ""
    nodes: tuple[str, ...] = ()


class _Bindings(msgspec.Struct, frozen=True):
    workflow: About
    parameters: dict[str, Parameter]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A loaded workflow; `graph` must not be changed, `fill` copies it."""

    about: About
    parameters: Mapping[str, Parameter]
    graph: Mapping[str, Any]

    def fill(self, values: Mapping[str, str | int | float], *, max_bytes: int) -> bytes:
        """The graph with `values` put in, as compact UTF-8 JSON without ``_meta``.

        Raises `InvalidInput`, naming the parameter, for an unknown, missing or unfit value, and when the result is
        larger than `max_bytes` (the queue's limit for one record).
        """
        for name in values:
            if name not in self.parameters:
                raise InvalidInput(name, f"one of the parameters {', '.join(sorted(self.parameters))}")
        graph = {
            node: {"inputs": copy.copy(content["inputs"]), "class_type": content["class_type"]}
            for node, content in self.graph.items()
        }
        for name, parameter in self.parameters.items():
            value = values.get(name, parameter.default)
            if value is None:
                raise InvalidInput(name, "a value; it has no default")
            graph[parameter.node]["inputs"][parameter.input] = _checked(name, parameter, value)
        body = msgspec.json.encode(graph)
        if len(body) > max_bytes:
            raise InvalidInput("graph", f"at most {max_bytes} bytes when filled, got {len(body)}")
        return body


def _checked(name: str, parameter: Parameter, value: str | float) -> str | int | float:
    wanted: dict[str, tuple[type, ...]] = {"string": (str,), "choice": (str,), "int": (int,), "float": (int, float)}
    if isinstance(value, bool) or not isinstance(value, wanted[parameter.type]):
        raise InvalidInput(name, f"a value of type {parameter.type}")
    if isinstance(value, str):
        if parameter.max_length is not None and len(value) > parameter.max_length:
            raise InvalidInput(name, f"at most {parameter.max_length} characters, got {len(value)}")
        if parameter.choices and value not in parameter.choices:
            raise InvalidInput(name, f"one of {', '.join(parameter.choices)}")
        return value
    if parameter.min is not None and value < parameter.min:
        raise InvalidInput(name, f"at least {parameter.min}")
    if parameter.max is not None and value > parameter.max:
        raise InvalidInput(name, f"at most {parameter.max}")
    return value


@cache
def load_workflow(name: str, folder: Path = FOLDER) -> Workflow:
    """Read and check one workflow. Raises `Misconfigured`, naming the file and what is wrong in it."""
    place = folder / name
    try:
        graph = msgspec.json.decode((place / "graph.json").read_bytes())
        bindings = msgspec.convert(tomllib.loads((place / "bindings.toml").read_text("utf-8")), _Bindings)
    except FileNotFoundError as error:
        raise Misconfigured(f"workflow {name}: {error.filename} is missing") from None
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"workflow {name}: {error}") from None
    _check_bindings(name, graph, bindings)
    return Workflow(bindings.workflow, bindings.parameters, graph)


def _check_bindings(name: str, graph: Any, bindings: _Bindings) -> None:
    if not isinstance(graph, dict) or not all(
        isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
        for node in graph.values()
    ):
        raise Misconfigured(f"workflow {name}: graph.json is not an API export (node id to class_type and inputs)")
    if bindings.workflow.output_node not in graph:
        raise Misconfigured(f"workflow {name}: output_node {bindings.workflow.output_node} is not in the graph")
    for key, parameter in bindings.parameters.items():
        if parameter.type not in ("string", "int", "float", "choice"):
            raise Misconfigured(f"workflow {name}: parameters.{key}.type must be string, int, float or choice")
        if parameter.node not in graph:
            raise Misconfigured(f"workflow {name}: parameters.{key}.node {parameter.node} is not in the graph")
        if parameter.input not in graph[parameter.node]["inputs"]:
            raise Misconfigured(f"workflow {name}: parameters.{key}.input {parameter.input} is no input of that node")
