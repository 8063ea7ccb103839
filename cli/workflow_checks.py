"""Workflows, judged against the node types of one ComfyUI or of several, with findings that agree told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cli.comfyui import Server, read_server
from shared.errors import InvalidInput, Misconfigured
from shared.graphs.bindings import Bindings, Requires
from shared.graphs.check import check_graph, title_of
from shared.graphs.findings import ERROR, Finding, finding_at, shown
from shared.graphs.node_types import NodeTypes
from shared.workflows import FOLDER, SNAPSHOTS, judge, node_types_of, read_workflow


class Judged(NamedTuple):
    """One finding in one workflow; `versions` is empty when every ComfyUI that was asked about agrees on it."""

    workflow: str
    versions: tuple[str, ...]
    finding: Finding


@dataclass(frozen=True, slots=True)
class NodeTypesOf:
    """What to judge against: node types by ComfyUI version, and the running server that told them, if one did."""

    by_version: Mapping[str, NodeTypes]
    server: Server | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """The names of the versions, lowest first."""
        return tuple(self.by_version)

    @classmethod
    def read(cls, object_info: Path | None, url: str) -> NodeTypesOf:
        """A running server, else a file, else every shipped snapshot. Raises `Misconfigured` and `ServerSilent`."""
        if url:
            folders = {model.folder for bindings in _all_bindings() for model in bindings.requires.models}
            server = read_server(url, frozenset(folders))
            return cls({server.version: NodeTypes.load(server.object_info)}, server)
        if object_info is not None:
            return cls({object_info.name: NodeTypes.load(object_info)})
        versions = [path.stem.removeprefix("comfyui-") for path in SNAPSHOTS.glob("comfyui-*.json")]
        return cls({version: node_types_of(version) for version in sorted(versions, key=order_of)})


def order_of(version: str) -> tuple[int, ...]:
    """By which versions are sorted: 0.3.64 comes before 0.12.1."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def names_of_workflows() -> list[str]:
    """The shipped workflows."""
    return sorted(path.parent.name for path in FOLDER.glob("*/bindings.toml"))


def check_graph_file(file: Path, node_types: NodeTypesOf) -> list[Judged]:
    """One graph of a file. Raises `InvalidInput` when it holds no JSON."""
    try:
        graph = msgspec.json.decode(file.read_bytes())
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(str(file), f"JSON; {error}") from None
    return _merged(file.name, {version: check_graph(graph, types) for version, types in node_types.by_version.items()})


def check_workflows(names: Iterable[str], node_types: NodeTypesOf, *, max_bytes: int) -> list[Judged]:
    """The shipped workflows `names`. Raises `Misconfigured` for one that can't be read."""
    return [judged for name in names for judged in _check_workflow(name, node_types, max_bytes)]


def _check_workflow(name: str, node_types: NodeTypesOf, max_bytes: int) -> list[Judged]:
    graph, bindings = read_workflow(FOLDER / name)
    lowest = order_of(bindings.requires.comfyui)
    by_version = {
        version: [
            *judge(name, graph, bindings, types, max_bytes=max_bytes),
            *_drift(FOLDER / name / "graph.ui.json", graph, types),
        ]
        for version, types in node_types.by_version.items()
        if node_types.server is not None or not order_of(version) or order_of(version) >= lowest
    }
    if not by_version:
        raise Misconfigured(f"workflow {name}: no node types of ComfyUI {bindings.requires.comfyui} or newer")
    found = _merged(name, by_version)
    if node_types.server is not None:
        missing = [Judged(name, (), finding) for finding in lacking(bindings.requires, node_types.server)]
        told = {shown(model.name) for model in bindings.requires.models} if missing else set()
        # With the folder and the source, which the node that names the file doesn't know.
        found = [one for one in found if one.finding.code != "file_absent" or one.finding.found not in told] + missing
    return found


def _merged(workflow: str, by_version: Mapping[str, list[Finding]]) -> list[Judged]:
    versions: dict[Finding, list[str]] = {}
    for version, findings in by_version.items():
        for finding in findings:
            versions.setdefault(finding, []).append(version)
    return [
        Judged(workflow, () if len(told) == len(by_version) else tuple(told), finding)
        for finding, told in versions.items()
    ]


def lacking(requires: Requires, server: Server) -> list[Finding]:
    """What a workflow requires and `server` hasn't got, beyond what its node types show."""
    found = []
    lowest = requires.comfyui
    if order_of(server.version) < order_of(lowest):
        said = f"a server of version {server.version}"
        found.append(finding_at("requires.comfyui", "server_version", said, f"{lowest} or newer"))
    for model in requires.models:
        if model.name not in server.models.get(model.folder, ()):
            source = model.url or f"the designers: {model.note}"
            wish = f"models/{model.folder}/{model.name}, {model.size_bytes} bytes, from {source}"
            found.append(finding_at("requires.models", "model_absent", "no such file", wish))
    return found


def _drift(place: Path, graph: Any, node_types: NodeTypes) -> list[Finding]:
    """Where the graph that designers open is another than the one that runs."""
    if not place.is_file() or not isinstance(graph, dict):
        return []
    from shared.graphs.editor import to_api

    try:
        opened = to_api(msgspec.json.decode(place.read_bytes()), node_types)
    except (InvalidInput, msgspec.DecodeError, RecursionError) as error:
        expected = "what the editor saves of this graph"
        return [
            Finding(severity=ERROR, code="editor_unreadable", input=place.name, found=str(error), expected=expected)
        ]
    found = []
    for node_id in [*graph, *(node_id for node_id in opened if node_id not in graph)]:
        runs, saved = _flat(graph.get(node_id)), _flat(opened.get(node_id))
        for name in [*runs, *(name for name in saved if name not in runs)]:
            if name not in saved or name not in runs or runs[name] != saved[name]:
                found.append(
                    Finding(
                        severity=ERROR,
                        code="editor_drift",
                        node_id=node_id,
                        title=title_of(graph.get(node_id)) or title_of(opened.get(node_id)),
                        input=name,
                        found=f"{shown(saved[name]) if name in saved else 'nothing'} in {place.name}",
                        expected=f"{shown(runs[name]) if name in runs else 'nothing'}, as in graph.json",
                    )
                )
    return found


def _flat(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        return {}
    inputs = entry.get("inputs")
    return {"class_type": entry.get("class_type"), **(inputs if isinstance(inputs, dict) else {})}


def _all_bindings() -> list[Bindings]:
    return [read_workflow(FOLDER / name)[1] for name in names_of_workflows()]
