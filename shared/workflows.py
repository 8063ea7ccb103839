"""Named parameters into a filled ComfyUI graph.

A workflow is a folder: ``graph.json``, the graph in API format, and ``bindings.toml``, which names the parameters that
are filled per trip, their types and limits, and the node whose pictures count. Both are judged once, when the
workflow is loaded, against the node types of the lowest ComfyUI version that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from shared.errors import InvalidInput, Misconfigured
from shared.graphs.bindings import About, Bindings, Parameter, Requires, read_bindings
from shared.graphs.check import check_graph
from shared.graphs.check_bindings import check_bindings
from shared.graphs.dynamic_inputs import inputs_of
from shared.graphs.findings import ERROR, Finding
from shared.graphs.node_types import InputType, NodeTypes
from shared.graphs.template import Template, template_of

#: The workflows shipped with the product.
FOLDER = Path(__file__).parent.parent / "workflows"
#: Their node types, one file per ComfyUI version.
SNAPSHOTS = FOLDER / "object_info"

_FINDINGS_TOLD = 3


@dataclass(frozen=True, slots=True)
class Workflow:
    """A loaded workflow, free of errors; `graph` must not be changed."""

    about: About
    requires: Requires
    parameters: Mapping[str, Parameter]
    graph: Mapping[str, Any]
    template: Template

    def fill(self, values: Mapping[str, str | int | float], *, max_bytes: int) -> bytes:
        """The graph with `values` put in, as compact UTF-8 JSON without ``_meta``.

        Raises `InvalidInput`, naming the parameter, for an unknown, missing or unfit value, and when the result is
        larger than `max_bytes` (the queue's limit for one record).
        """
        if not values.keys() <= self.parameters.keys():
            unknown = next(name for name in values if name not in self.parameters)
            raise InvalidInput(unknown, f"one of the parameters {', '.join(sorted(self.parameters))}")
        body = self.template.fill(values)
        if len(body) > max_bytes:
            raise InvalidInput("graph", f"at most {max_bytes} bytes when filled, got {len(body)}")
        return body


def read_workflow(place: Path) -> tuple[Any, Bindings]:
    """The graph, as decoded JSON of any form, and the bindings of the folder `place`, not judged.

    Raises `Misconfigured` when a file is missing or can't be read.
    """
    name = place.name
    try:
        graph = msgspec.json.decode((place / "graph.json").read_bytes())
        return graph, read_bindings((place / "bindings.toml").read_text("utf-8"))
    except FileNotFoundError as error:
        raise Misconfigured(f"workflow {name}: {error.filename} is missing") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misconfigured(f"workflow {name}: {error}") from None
    except Misconfigured as error:
        raise Misconfigured(f"workflow {name}: {error}") from None


@cache
def node_types_of(version: str, folder: Path = SNAPSHOTS) -> NodeTypes:
    """The node types of one ComfyUI version. Raises `Misconfigured` when `folder` has no snapshot of it."""
    place = folder / f"comfyui-{version}.json"
    if not place.is_file():
        known = ", ".join(sorted(found.stem.removeprefix("comfyui-") for found in folder.glob("comfyui-*.json")))
        raise Misconfigured(f"no node types of ComfyUI {version}, only of {known or 'no version'}")
    return NodeTypes.load(place)


def judge(
    name: str, graph: Any, bindings: Bindings, node_types: NodeTypes, *, max_bytes: int | None = None
) -> list[Finding]:
    """Everything that is wrong with the workflow in the folder `name`; the bindings only when the graph has no error.

    With `max_bytes`, also whether the graph can grow larger than that when it is filled.
    """
    found = check_graph(graph, node_types)
    if bindings.workflow.name != name:
        place, said = "workflow.name", bindings.workflow.name
        found.append(
            Finding(severity=ERROR, code="workflow_name", input=place, found=said, expected=f"its folder, {name}")
        )
    if any(finding.severity == ERROR for finding in found):
        return found
    return found + check_bindings(graph, bindings, node_types, max_bytes=max_bytes)


@cache
def load_workflow(name: str, folder: Path = FOLDER) -> Workflow:
    """Read and judge one workflow. Raises `Misconfigured` with the first things that are wrong in it."""
    graph, bindings = read_workflow(folder / name)
    try:
        node_types = node_types_of(bindings.requires.comfyui)
    except Misconfigured as error:
        raise Misconfigured(f"workflow {name}: {error}") from None
    wrong = [finding for finding in judge(name, graph, bindings, node_types) if finding.severity == ERROR]
    if wrong:
        told = "; ".join(str(finding) for finding in wrong[:_FINDINGS_TOLD])
        more = f" (and {len(wrong) - _FINDINGS_TOLD} more)" if len(wrong) > _FINDINGS_TOLD else ""
        raise Misconfigured(f"workflow {name}: {told}{more}")
    template = template_of(graph, bindings.parameters, _declared(graph, bindings, node_types))
    return Workflow(bindings.workflow, bindings.requires, bindings.parameters, graph, template)


def _declared(graph: Mapping[str, Any], bindings: Bindings, node_types: NodeTypes) -> dict[tuple[str, str], InputType]:
    found = {}
    for parameter in bindings.parameters.values():
        entry = graph[parameter.node]
        node = node_types.get(entry["class_type"])
        if node is not None:
            found[parameter.node, parameter.input] = inputs_of(node, entry["inputs"])[parameter.input]
    return found
