"""The ComfyUI services on PAI-EAS: render their JSON, check it, and compare it with what runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.eas.costs import backlogs, choices
from cli.eas.inspection import inspect_autoscaler, inspect_service
from cli.eas.plan import plan as planned
from cli.eas.requirements import gpu_memory, model_files
from cli.eas.secrecy import MASK, masked
from cli.eas.service import Edition, autoscaler_json, eascmd_autoscale, service_json
from cli.eas.settings import FILE, Settings, read_settings
from cli.options import fail
from shared.errors import InvalidInput, TripcanvasError
from shared.workflows import FOLDER as WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.eas.plan import Change

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False)

#: Exit status of `plan` when something would be created or changed; 0 is nothing, 1 an error.
CHANGES = 2

SettingsFile = Annotated[
    Path, typer.Option("--settings", help="The settings file.", exists=True, dir_okay=False, show_default=False)
]
EditionName = Annotated[str, typer.Option("--edition", help="api (for the product) or standard (for designers).")]


@app.command()
def render(
    edition: EditionName = "api",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for files that can be deployed: they hold the secrets.", file_okay=False),
    ] = None,
    settings: SettingsFile = FILE,
) -> None:
    """Show the service JSON, with secrets masked; with --out write it, with them, readable by you alone."""
    chosen = _edition(edition)
    read = _read(settings)
    try:
        service = service_json(read, chosen, None if out is None else os.environ)
    except InvalidInput as error:
        fail(f"{settings}: {error}")
    scaler = autoscaler_json(read) if chosen == "api" else None
    if out is None:
        shown = {"service": masked(service, read.secrets.names)} | ({"autoscaler": scaler} if scaler else {})
        print(json.dumps(shown, ensure_ascii=False, indent=2))  # noqa: T201  (for `jq`)
        return
    files = [_written(out / f"{service['metadata']['name']}.json", service)]
    if scaler is not None:
        files.append(_written(out / f"{service['metadata']['name']}.autoscaler.json", scaler))
    for file in files:
        console.print(str(file), soft_wrap=True)
    console.print("These files hold secrets: keep them out of the repository. To deploy:", style="dim")
    console.print(f"eascmd create {files[0]}", soft_wrap=True, markup=False)
    if scaler is not None:
        console.print(eascmd_autoscale(read), soft_wrap=True, markup=False)


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A service JSON; default: what the settings render to.", dir_okay=False)
    ] = None,
    settings: SettingsFile = FILE,
) -> None:
    """Check the settings and both editions, or one service JSON from elsewhere. Errors end it with status 1."""
    if file is not None:
        parts = {str(file): inspect_service(_json(file))}
    else:
        read = _read(settings)
        parts = {edition: inspect_service(service_json(read, edition, None)) for edition in ("api", "standard")}
        scaler = autoscaler_json(read)
        parts["autoscaler"] = inspect_autoscaler(scaler) if scaler else []
        parts["machines"] = gpu_memory(read, WORKFLOWS)
    for name, findings in parts.items():
        for finding in findings:
            colour = "red" if finding.severity == "error" else "yellow"
            line = Text.assemble((f"{name}: ", "bold"), (finding.severity, colour), f": {finding}")
            console.print(line, soft_wrap=True)
    errors = sum(finding.severity == "error" for findings in parts.values() for finding in findings)
    warnings = sum(len(findings) for findings in parts.values()) - errors
    console.print(f"{errors} errors, {warnings} warnings")
    raise typer.Exit(1 if errors else 0)


@app.command()
def plan(
    edition: EditionName = "api",
    settings: SettingsFile = FILE,
    endpoint: Annotated[
        str,
        typer.Option(
            "--endpoint", envvar="TRIPCANVAS_EAS_CONTROL_URL", help="The control plane; default the region's."
        ),
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Also what is unchanged.")] = False,
) -> None:
    """Say what would be created or changed. Changes nothing. Status 0: nothing to do, 2: changes, 1: an error."""
    from cli.eas.control_plane import ControlPlane
    from shared.settings import credentials_of

    chosen = _edition(edition)
    read = _read(settings)
    given = {name: os.environ.get(name) or MASK for name in read.secrets.names}
    try:
        service = service_json(read, chosen, given)
        scaler = autoscaler_json(read) if chosen == "api" else None
        errors = [each for each in inspect_service(service) if each.severity == "error" and MASK not in each.found]
        if errors:
            fail("\n".join(str(error) for error in errors))
        control = ControlPlane(read.account.region, credentials_of(None), endpoint)
        live = control.describe(service["metadata"]["name"])
    except TripcanvasError as error:
        fail(str(error))
    console.print(f"{service['metadata']['name']} at {control.address}", soft_wrap=True)
    if live is not None:
        console.print(f"{live.status or 'in an unknown state'}, {live.running} of {live.total} instances", style="dim")
    changes = planned(service, scaler, live, secrets=read.secrets.names)
    _show(changes, every=every)
    raise typer.Exit(CHANGES if any(change.counts for change in changes) else 0)


@app.command()
def models() -> None:
    """List the model files that the workflows load, and where below ComfyUI's models/ each of them belongs."""
    try:
        files = model_files(WORKFLOWS)
    except InvalidInput as error:
        fail(str(error))
    for model in files:
        size = f"{model.size_bytes} bytes" if model.size_bytes else "size unknown"
        console.print(
            f"models/{model.path}  {size}, used by {', '.join(model.workflows)}", soft_wrap=True, markup=False
        )
        for name in ("url", "sha256", "licence", "note"):
            if text := getattr(model, name):
                console.print(f"    {name:8}{text}", soft_wrap=True, markup=False)
    console.print(f"{len(files)} files, {sum(model.size_bytes for model in files) / 1e9:.1f} GB")


@app.command()
def costs(settings: SettingsFile = FILE) -> None:
    """Compare machines and scaling by the settings' prices and assumptions: none of them is a quotation."""
    read = _read(settings)
    try:
        print(costs_as_markdown(read))  # noqa: T201  (a table to paste)
    except InvalidInput as error:
        fail(str(error))


def costs_as_markdown(settings: Settings) -> str:
    """The two tables of `costs`, in Markdown. Raises `InvalidInput` without an autoscaler."""
    assumed = settings.costs
    night_h = 24 - assumed.active_hours_per_day
    lines = [
        f"Assumed: {assumed.trips_per_day} trips a day within {assumed.active_hours_per_day} hours, "
        f"{assumed.render_s} s a picture, {assumed.cold_start_s} s from no instance to a painting one.",
        "",
        "| machine | CNY an hour | min | an idle minute "
        f"| a night of {night_h} h | a month | a picture | first trip waits |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for choice in choices(settings):
        price = settings.resources[choice.resource].cny_per_hour
        lines.append(
            f"| {choice.resource} | {price:.2f} | {choice.min} | {price / 60:.3f} | {choice.night_cny:.2f} | "
            f"{choice.month_cny:.0f} | {choice.picture_cny:.3f} | {_minutes(choice.first_trip_waits_s)} |"
        )
    lines += ["", "| backlog for each instance | its last record waits | instances for 40 trips at once |"]
    lines += ["|---|---|---|"]
    lines += [
        f"| {row.backlog_per_replica} | {_minutes(row.waits_s)} | {row.burst_instances} |" for row in backlogs(settings)
    ]
    sources: dict[str, list[str]] = {}
    for name, machine in settings.resources.items():
        sources.setdefault(machine.price_source, []).append(name)
    prices = "; ".join(f"{', '.join(names)}: {source}" for source, names in sources.items())
    return "\n".join([*lines, "", f"Prices of {prices}."])


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min {seconds % 60:02} s"


def _show(changes: Iterable[Change], *, every: bool) -> None:
    table = Table("", "what", "now", "then", "effect", box=None)
    signs = {"create": "+", "add": "+", "change": "~", "remove": "-", "same": "=", "unknown": "?"}
    counted: dict[str, int] = {}
    for change in changes:
        counted[change.action] = counted.get(change.action, 0) + 1
        if change.action != "same" or every:
            cells = (signs[change.action], change.path, change.before, change.after, change.effect)
            table.add_row(*(Text(cell) for cell in cells))
    if table.row_count:
        _wide().print(table)
    console.print(", ".join(f"{number} {action}" for action, number in counted.items()))


def _wide() -> Console:
    """A console for tables: a log has no width to fit into."""
    return Console(highlight=False, width=None if console.is_terminal else 240)


def _edition(name: str) -> Edition:
    if name not in ("api", "standard"):
        fail("--edition: api or standard")
    return "api" if name == "api" else "standard"


def _read(file: Path) -> Settings:
    try:
        return read_settings(file, os.environ)
    except InvalidInput as error:
        fail(f"{file}: {error}")


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except ValueError as error:
        fail(f"{file}: not JSON: {error}")


def _written(file: Path, document: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return part.replace(file)
