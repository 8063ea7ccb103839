"""Workflows from designers' files, and pictures of workflows: the commands import and show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.comfyui import ServerSilent
from cli.graph_sources import GraphSource, read_source, shipped_types, types_for
from cli.options import fail
from cli.workflow_folder import write_folder
from cli.workflow_import import Import, Unfit, prepare, workflow_name
from shared.errors import InvalidInput, TripcanvasError
from shared.graphs.editor import to_api
from shared.settings import Settings
from shared.workflows import FOLDER, read_workflow

console = Console(highlight=False)

#: The oldest ComfyUI that the product runs on: assumed when a file of node types doesn't say its own.
_LOWEST_VERSION = "0.3.64"

ObjectInfo = Annotated[
    Path | None,
    typer.Option("--object-info", help="Node types: what a server's /object_info says.", exists=True, dir_okay=False),
]
Url = Annotated[str | None, typer.Option("--url", help="A running ComfyUI to ask for its node types.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("import")(import_file)
    app.command("show")(show)


def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="What the editor saved or exported, or a PNG with its graph.", exists=True, dir_okay=False),
    ],
    name: Annotated[str | None, typer.Option("--name", help="Of the workflow; default: the file's.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Its folder; default: workflows/NAME.")] = None,
    object_info: ObjectInfo = None,
    url: Url = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files of an existing folder.")] = False,
) -> None:
    """Make a workflow of a designer's graph: convert, check, propose bindings; or say why it can't become one."""
    try:
        chosen = workflow_name(name, file.stem)
        place = out if out is not None else FOLDER / chosen
        if place.exists() and any(place.iterdir() if place.is_dir() else (place,)) and not force:
            fail(f"{place}: exists already; --force overwrites its graph, bindings and README")
        source = read_source(file)
        node_types, version = types_for(source.classes(), object_info=object_info, url=url)
        made = prepare(
            source,
            node_types,
            name=chosen,
            version=version or _LOWEST_VERSION,
            max_bytes=int(Settings.from_environment().number("eas_max_payload_bytes")),
        )
        write_folder(place, made.files)
    except Unfit as error:
        console.print(f"[red]{file.name} can't become a workflow:[/red]", soft_wrap=True)
        for reason in error.reasons:
            console.print(Text(f"  {reason}"), soft_wrap=True)
        raise typer.Exit(1) from None
    except (TripcanvasError, ServerSilent, OSError) as error:
        fail(str(error))
    console.print(Text(f"{file.name}: {source.form}, {len(source.classes())} node classes; written to {place}"))
    _tell(made, version)


def _tell(made: Import, version: str) -> None:
    table = Table("parameter", "node", "input", "type", "because of", box=None)
    for proposal in made.proposals:
        parameter = proposal.parameter
        table.add_row(proposal.name, parameter.node, parameter.input, parameter.type, Text(proposal.reason))
    table.add_row("[dim]output node[/dim]", made.output[0], "", "", Text(made.output[1]))
    console.print(table)
    for finding in made.findings:
        colour = "red" if finding.severity == "error" else "yellow"
        console.print(f"[{colour}]{finding.severity}[/{colour}]", Text(str(finding)), soft_wrap=True)
    if made.missing:
        console.print(
            f"[yellow]No input was found for {' and '.join(made.missing)}, which the product fills: give a node that"
            " title, or bind it by hand.[/yellow]",
            soft_wrap=True,
        )
    if not version:
        console.print(
            f"requires.comfyui: {_LOWEST_VERSION} was assumed; the node types don't say theirs", soft_wrap=True
        )
    console.print("Now look at bindings.toml, then: tripcanvas workflows check", soft_wrap=True)


def show(
    workflow: Annotated[str, typer.Argument(help="A workflow's name, or a file with a graph.")],
    out: Annotated[Path | None, typer.Option("--out", help="NAME.svg or NAME.png; default: NAME.svg here.")] = None,
    object_info: ObjectInfo = None,
    url: Url = None,
    font: Annotated[
        Path | None, typer.Option("--font", help="A font with Chinese, for PNG.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Draw a workflow: nodes, values, links, which inputs the product fills, and the node whose pictures count."""
    from cli.drawing import draw_graph
    from cli.drawing_list import write_picture

    try:
        graph, editor, bindings, stem = _to_show(workflow, object_info, url)
        classes = frozenset(node["class_type"] for node in graph.values())
        try:
            node_types = types_for(classes, object_info=object_info, url=url)[0]
        except InvalidInput as error:
            # A drawing needs no more than names: what isn't known is drawn in grey.
            console.print(Text(f"some links are drawn without their types: {error}", style="yellow"), soft_wrap=True)
            node_types = shipped_types()
        target = out if out is not None else Path(f"{stem}.svg")
        write_picture(draw_graph(graph, node_types, editor=editor, bindings=bindings), target, font=font)
    except (TripcanvasError, ServerSilent, OSError) as error:
        fail(str(error))
    console.print(Text(f"{target}: {len(graph)} nodes"), soft_wrap=True)


def _to_show(workflow: str, object_info: Path | None, url: str | None) -> tuple[dict[str, Any], Any, Any, str]:
    place = Path(workflow) if Path(workflow).is_dir() else FOLDER / workflow
    if (place / "graph.json").is_file():
        graph, bindings = read_workflow(place)
        drawn = place / "graph.ui.json"
        return graph, json.loads(drawn.read_bytes()) if drawn.is_file() else None, bindings, place.name
    file = Path(workflow)
    if not file.is_file():
        known = ", ".join(sorted(path.parent.name for path in FOLDER.glob("*/bindings.toml")))
        fail(f"{workflow}: no file of that name, and no workflow; there are {known}")
    source: GraphSource = read_source(file)
    if source.api is not None:
        return source.api, source.editor, None, file.stem
    types, _ = types_for(source.classes(), object_info=object_info, url=url)
    return to_api(source.editor, types), source.editor, None, file.stem
