"""A graph in API format, judged without a server.

An error is what ComfyUI refuses, what it accepts and then fails at, and what must not reach it (paths). A warning is
what it lets pass without a word although it is hardly meant. Codes are ComfyUI's own where it has one for the case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shared.graphs.dynamic_inputs import inputs_of
from shared.graphs.findings import ERROR, WARNING, Finding, Severity, finding_at, listed, shown
from shared.graphs.node_types import InputType, NodeType, NodeTypes
from shared.graphs.values import Complaint, complaints

#: Goes with every other type.
_ANY = "*"
#: As an input: one of the types that its template allows; as an output: the type that came in, which only a run knows.
_MATCHING = "COMFY_MATCHTYPE_V3"
_LINK_FORM = 'a link ["node id", slot]'


def check_graph(graph: Any, node_types: NodeTypes) -> list[Finding]:
    """Everything that is wrong with `graph`, in the order of its nodes, errors and warnings mixed.

    `graph` is decoded JSON of any form: what is no graph is a finding, never an exception.
    """
    wrong = _not_a_graph(graph)
    if wrong is not None:
        return [wrong]
    return _Check(graph, node_types).findings()


def is_link(value: Any) -> bool:
    """Whether an input's value leads to another node, well formed or not: every list does."""
    return isinstance(value, list)


def title_of(entry: Any) -> str:
    """The title that a designer gave a node, or ""."""
    meta = entry.get("_meta") if isinstance(entry, dict) else None
    title = meta.get("title") if isinstance(meta, dict) else None
    return title if isinstance(title, str) else ""


def _not_a_graph(graph: Any) -> Finding | None:
    expected = "the API format: node id to class_type and inputs"
    if not isinstance(graph, dict):
        return finding_at("", "not_a_graph", shown(graph), expected)
    if isinstance(graph.get("nodes"), list):
        found = "the editor's own format (nodes and links)"
        hint = "the API format; export it with “Export (API)” (导出 API)"
        return finding_at("", "editor_format", found, hint)
    if isinstance(graph.get("prompt"), dict) and "class_type" not in graph["prompt"]:
        found = "a whole request with the graph under prompt"
        return finding_at("", "wrapped_graph", found, "the graph alone")
    return None


class _Check:
    def __init__(self, graph: Mapping[str, Any], node_types: NodeTypes) -> None:
        self._graph = graph
        self._types = node_types
        self._nodes: dict[str, NodeType] = {}
        self._findings: list[Finding] = []

    def findings(self) -> list[Finding]:
        for node_id, entry in self._graph.items():
            self._class(node_id, entry)
        outputs = [node_id for node_id, node in self._nodes.items() if node.is_output]
        if not outputs and len(self._nodes) == len(self._graph):
            found = listed(sorted({node.name for node in self._nodes.values()})) or "nothing"
            self._note("", "", (ERROR, "no_outputs", found, "a node that ends in a result, such as SaveImage"))
        # What an unknown class leads to, or whether it is an output, can't be told: it counts as needed.
        needed = self._needed([*outputs, *(node_id for node_id in self._graph if node_id not in self._nodes)])
        for node_id, node in self._nodes.items():
            if needed and node_id not in needed:
                self._note(node_id, "", (WARNING, "never_run", node.name, "a node that some output needs"))
            start = len(self._findings)
            self._inputs(node_id, node)
            if node_id not in needed:
                self._findings[start:] = [_softened(finding) for finding in self._findings[start:]]
        self._cycles(needed)
        return self._findings

    def _note(self, node_id: str, name: str, complaint: Complaint) -> None:
        severity, code, found, expected = complaint
        self._findings.append(
            Finding(
                severity=severity,
                code=code,
                node_id=node_id,
                title=title_of(self._graph.get(node_id)),
                input=name,
                found=found,
                expected=expected,
            )
        )

    def _class(self, node_id: str, entry: Any) -> None:
        kind = entry.get("class_type") if isinstance(entry, dict) else None
        if not isinstance(kind, str):
            self._note(node_id, "", (ERROR, "no_class_type", shown(entry), "class_type with the name of a node class"))
            return
        node = self._types.get(kind)
        if node is None:
            self._note(node_id, "", (ERROR, "unknown_class", kind, self._closest(kind)))
            return
        self._nodes[node_id] = node
        if not isinstance(entry.get("inputs"), dict):
            self._note(node_id, "inputs", (ERROR, "no_inputs", shown(entry.get("inputs")), "an object, if need be {}"))

    def _closest(self, kind: str) -> str:
        from difflib import get_close_matches

        close = get_close_matches(kind, list(self._types), n=1)
        return f"a known class; did you mean {close[0]}?" if close else "a class that the server has"

    def _given(self, node_id: str) -> Mapping[str, Any]:
        entry = self._graph[node_id]
        given = entry.get("inputs") if isinstance(entry, dict) else None
        return given if isinstance(given, dict) else {}

    def _sources(self, node_id: str) -> Iterator[str]:
        for value in self._given(node_id).values():
            if is_link(value) and len(value) == 2 and isinstance(value[0], str) and value[0] in self._graph:
                yield value[0]

    def _needed(self, outputs: list[str]) -> set[str]:
        needed: set[str] = set()
        waiting = list(outputs)
        while waiting:
            node_id = waiting.pop()
            if node_id not in needed:
                needed.add(node_id)
                waiting += self._sources(node_id)
        return needed

    def _inputs(self, node_id: str, node: NodeType) -> None:
        if not isinstance(self._graph[node_id].get("inputs"), dict):
            return
        given = self._given(node_id)
        declared = inputs_of(node, given)
        for name, wanted in declared.items():
            if name not in given:
                if wanted.required:
                    self._note(node_id, name, (ERROR, "required_input_missing", "nothing", _wish(wanted)))
            elif is_link(given[name]):
                for complaint in self._link(wanted, given[name]):
                    self._note(node_id, name, complaint)
                if name == "filename_prefix":
                    expected = "a text in the graph; where the file will lie can't be judged"
                    self._note(node_id, name, (WARNING, "prefix_linked", shown(given[name]), expected))
            else:
                for complaint in complaints(wanted, given[name], self._types.linked_kinds):
                    self._note(node_id, name, complaint)
        for name in given:
            if name not in declared:
                for complaint in self._extra(given[name], listed([*declared]) or "no input at all"):
                    self._note(node_id, name, complaint)

    def _extra(self, value: Any, known: str) -> Iterator[Complaint]:
        """An input that the class doesn't declare: a value is dropped, but a link is followed.

        What it leads to is run and handed to the node's function, which fails. A link to nothing ends the server's
        worker thread: it takes graphs from then on and runs none (seen on 0.3.64 and 0.12.1).
        """
        if not (is_link(value) and len(value) == 2 and isinstance(value[0], str)):
            yield WARNING, "extra_input", shown(value), f"one of {known}; this is ignored"
            return
        yield ERROR, "extra_link", shown(value), f"one of {known}; a link to another is not ignored, it fails the run"
        yield from self._link(None, value)

    def _link(self, wanted: InputType | None, value: list[Any]) -> Iterator[Complaint]:
        if len(value) != 2:
            yield ERROR, "bad_linked_input", shown(value), _LINK_FORM
            return
        source, slot = value
        if not isinstance(source, str):
            yield ERROR, "link_id_not_text", shown(value), f"{_LINK_FORM}; the id is a text"
        elif source not in self._graph:
            yield ERROR, "link_to_nothing", shown(value), "the id of a node of this graph"
        elif source in self._nodes:
            outputs = self._nodes[source].outputs
            if isinstance(slot, bool) or not isinstance(slot, int) or not 0 <= slot < len(outputs):
                slots = f"a slot from 0 to {len(outputs) - 1}" if outputs else "a node with outputs"
                yield ERROR, "link_slot", shown(value), f"{slots} of {self._nodes[source].name}"
            elif wanted is not None and not _fits(outputs[slot].kind, wanted):
                yield ERROR, "return_type_mismatch", f"a link to {outputs[slot].kind}", _wish(wanted)

    def _cycles(self, needed: set[str]) -> None:
        done: set[str] = set()
        for start in self._nodes:
            path: dict[str, None] = {}
            trail: list[Iterator[str]] = []
            here: str | None = start
            while here is not None or trail:
                if here is None:
                    here = next(trail[-1], None)
                    if here is None:
                        trail.pop()
                        done.add(path.popitem()[0])
                        continue
                if here in path:
                    circle = " → ".join([*list(path)[list(path).index(here) :], here])
                    severity: Severity = ERROR if here in needed else WARNING
                    self._note(here, "", (severity, "cycle", circle, "links that never lead back"))
                elif here not in done:
                    path[here] = None
                    trail.append(self._sources(here))
                here = None


def _softened(finding: Finding) -> Finding:
    """ComfyUI does not look at a node that nothing needs."""
    return msgspec.structs.replace(finding, severity=WARNING)


def _wish(wanted: InputType) -> str:
    if wanted.choices:
        return f"one of {listed(wanted.choices)}"
    if _MATCHING in wanted.kinds:
        return str((wanted.options.get("template") or {}).get("allowed_types", _ANY))
    return wanted.kind if not wanted.files else "the name of a file"


def _fits(received: str, wanted: InputType) -> bool:
    kinds, allowed = {part.strip() for part in received.split(",")}, wanted.kinds
    if _MATCHING in allowed:
        template = wanted.options.get("template") or {}
        allowed = frozenset(part.strip() for part in str(template.get("allowed_types", _ANY)).split(","))
    return bool(kinds & allowed) or _ANY in kinds | allowed or _MATCHING in kinds
