"""Workflows: judge them on this machine, and keep what ComfyUI's nodes take as a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import workflow_files
from cli.comfyui import ServerSilent, read_server
from cli.options import fail
from cli.workflow_checks import Judged, NodeTypesOf, check_graph_file, check_workflows, names_of_workflows
from shared.errors import InvalidInput, TripcanvasError
from shared.graphs.findings import ERROR
from shared.settings import Settings
from shared.workflows import FOLDER, SNAPSHOTS, read_workflow

app = typer.Typer(no_args_is_help=True, help=__doc__)
workflow_files.register(app)
console = Console(highlight=False)

Url = Annotated[
    str,
    typer.Option("--url", help="A running ComfyUI; COMFYUI_TOKEN of the environment is sent as its Authorization."),
]


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Workflows; default: all that are shipped.")] = None,
    graph: Annotated[
        Path | None, typer.Option("--graph", help="One graph in API format instead.", exists=True, dir_okay=False)
    ] = None,
    object_info: Annotated[
        Path | None,
        typer.Option("--object-info", help="Node types, as /object_info answers.", exists=True, dir_okay=False),
    ] = None,
    url: Url = "",
) -> None:
    """Say what is wrong with workflows, before anything is queued; status 1 when there is an error.

    They are judged against the snapshots of ComfyUI's lowest and newest version, a file, or a running server, which is
    also asked which node classes and models it lacks.
    """
    try:
        node_types = NodeTypesOf.read(object_info, url)
        if graph is not None:
            judged = check_graph_file(graph, node_types)
        else:
            most = int(Settings.from_environment().number("eas_max_payload_bytes"))
            judged = check_workflows(names or names_of_workflows(), node_types, max_bytes=most)
    except (TripcanvasError, ServerSilent) as error:
        fail(str(error))
    _show(judged)
    if any(one.finding.severity == ERROR for one in judged):
        raise typer.Exit(1)
    what = str(graph) if graph is not None else ", ".join(names or names_of_workflows())
    console.print(f"{what}: no errors; ComfyUI {', '.join(node_types.versions)}", soft_wrap=True)


@app.command()
def snapshot(
    url: Url,
    classes: Annotated[list[str] | None, typer.Argument(help="Node classes beside those in use.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File; default: among the shipped workflows.")] = None,
) -> None:
    """Write down what a running ComfyUI says about the node classes that the shipped workflows use."""
    from shared.graphs.snapshot import snapshot as snapshot_of

    try:
        server = read_server(url)
        wanted = {*classes_in_use(), *(classes or ())}
        body = snapshot_of(server.object_info, wanted)
    except (InvalidInput, ServerSilent) as error:
        fail(str(error))
    place = out or SNAPSHOTS / f"comfyui-{server.version}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(body)
    console.print(f"{place}: {len(wanted)} classes of ComfyUI {server.version}", soft_wrap=True)


def classes_in_use() -> set[str]:
    """The node classes of all shipped workflows, as their bindings name them and their graphs use them."""
    found: set[str] = set()
    for name in names_of_workflows():
        graph, bindings = read_workflow(FOLDER / name)
        found.update(bindings.requires.nodes)
        if isinstance(graph, dict):
            kinds = [entry.get("class_type") for entry in graph.values() if isinstance(entry, dict)]
            found.update(kind for kind in kinds if isinstance(kind, str))
    return found


def _show(judged: Iterable[Judged]) -> None:
    table = Table("", "workflow", "node", "input", "found", "expected", box=None)
    for workflow, versions, finding in judged:
        colour = "red" if finding.severity == ERROR else "yellow"
        node = f"{finding.node_id} {finding.title}".strip()
        only = f" (ComfyUI {', '.join(versions)})" if versions else ""
        table.add_row(
            Text(finding.severity, colour),
            Text(workflow),
            *(Text(text, overflow="fold") for text in (node, finding.input, finding.found, finding.expected + only)),
        )
    if table.row_count:
        # As wide as the terminal is now, not when this module was imported.
        Console(highlight=False).print(table)
