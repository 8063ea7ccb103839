"""A designer's graph into a workflow's folder, or the reasons why it can't become one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cli.graph_sources import GraphSource
from cli.workflow_folder import bindings_text, json_text, model_of, readme_text
from shared.errors import InvalidInput, TripcanvasError
from shared.graphs.bindings import CAR_PARAMETERS, Model, read_bindings
from shared.graphs.check import check_graph
from shared.graphs.check_bindings import check_bindings, model_files
from shared.graphs.editor import to_api
from shared.graphs.findings import ERROR, Finding
from shared.graphs.leaks import leaks_of, paths_of
from shared.graphs.node_types import NodeTypes
from shared.graphs.propose import Proposal, propose, propose_output, propose_plate

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: What the product fills in any workflow; without them it can't use one.
_NEEDED = ("prompt", "filename_prefix")


class Unfit(TripcanvasError):
    """The graph can't become a workflow; `reasons` are sentences for its designer."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be written, what was proposed, and what a person should look at."""

    files: dict[str, str]
    output: tuple[str, str]
    proposals: list[Proposal]
    findings: list[Finding]

    @property
    def missing(self) -> list[str]:
        """Parameters that the product needs and no node was found for."""
        found = {proposal.name for proposal in self.proposals}
        needed = (*_NEEDED, *(CAR_PARAMETERS if "plate_prefix" in found else ()))
        return [name for name in needed if name not in found]


def workflow_name(given: str | None, stem: str) -> str:
    """The name to import under. Raises `InvalidInput` when neither the given one nor the file's can be one."""
    name = given if given is not None else re.sub(r"[^a-z0-9]+", "_", stem.removesuffix(".ui").lower()).strip("_")
    if not _NAME.fullmatch(name):
        raise InvalidInput("--name", "a name of a-z, 0-9 and _ that starts with a letter, at most 40 characters")
    return name


def prepare(source: GraphSource, node_types: NodeTypes, *, name: str, version: str, max_bytes: int) -> Import:
    """Convert, check and propose; writes nothing. Raises `Unfit` with every reason at once."""
    reasons = [f"{leak}, which must not be kept in a graph" for leak in _leaks(source)]
    graph = source.api
    if graph is None:
        try:
            graph = to_api(source.editor, node_types)
        except InvalidInput as error:
            raise Unfit([*reasons, str(error)]) from None
    findings = check_graph(graph, node_types)
    reasons += [str(finding) for finding in findings if finding.severity == ERROR]
    reasons += [str(leak) for leak in paths_of(graph)]
    for node_id, node in graph.items():
        node_type = node_types.get(node["class_type"])
        if node_type is not None and node_type.needs_account:
            title = f"node {node_id} ({node['class_type']})"
            reasons.append(f"{title}: it calls api.comfy.org with a personal Comfy account, which a service has not")
    if reasons:
        raise Unfit(reasons)
    output = propose_output(graph, node_types)
    plate = propose_plate(graph, output[0])
    proposals = propose(graph, node_types, output=output[0], plate=plate)
    models: dict[str, Model] = {}
    for _, input_name, file_name in model_files(graph, node_types):
        models.setdefault(file_name, model_of(input_name, file_name))
    text = bindings_text(
        name, graph, output=output, plate=plate, version=version, models=[*models.values()], proposals=proposals
    )
    files = {"graph.json": json_text(graph), "bindings.toml": text}
    if source.editor is not None:
        files["graph.ui.json"] = json_text(source.editor)
    files["README.md"] = readme_text(name, source.form, proposals, has_editor_graph=source.editor is not None)
    findings += check_bindings(graph, read_bindings(text), node_types, max_bytes=max_bytes)
    return Import(files, output, proposals, findings)


def _leaks(source: GraphSource) -> list[str]:
    found = [*leaks_of(source.api), *leaks_of(source.editor, "editor's graph")]
    return list(dict.fromkeys(str(leak) for leak in found))
