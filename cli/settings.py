"""`tripcanvas settings`: what is in force, where it comes from, and what is misspelt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.deployment import Deployment, deployment_of
from cli.eas.secrecy import MASK
from cli.options import Root, fail
from cli.variables import Variable, complaints, every_variable
from shared.errors import TripcanvasError
from shared.settings import ENCRYPTED, Settings

_HIDDEN = ("local", "gpu")


def settings(
    root: Root,
    env: Annotated[Path | None, typer.Option("--env", help="What this file of NAME=value lines sets, instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Show every setting that is in force, secrets masked, and what is wrong in it: then it ends with status 1."""
    deployment = deployment_of(root, env)
    try:
        rows = list(_rows(deployment))
    except TripcanvasError as error:
        fail(str(error))
    # The embedded cloud's environment is the shell's as well, where others' names may stand.
    wrong = list(complaints(deployment.environment)) if env is not None else []
    if as_json:
        told = [{"name": name, "what": what, "remedy": remedy} for name, what, remedy in wrong]
        print(json.dumps({"settings": rows, "findings": told}, ensure_ascii=False, indent=2))  # noqa: T201
    else:
        _show(rows, wrong)
    raise typer.Exit(1 if wrong else 0)


def _rows(deployment: Deployment) -> Iterator[dict[str, Any]]:
    in_force = _in_force(deployment.settings)
    for variable in every_variable():
        if variable.reader in _HIDDEN:
            continue
        value = in_force.get(variable.name, deployment.environment.get(variable.name, "") or variable.default)
        yield {"name": variable.name, "value": _shown(variable, value), "from": _source(variable, value, deployment)}


def _in_force(found: Settings) -> Mapping[str, str]:
    return {Settings.variable(name): getattr(found, name) for name in found.__dataclass_fields__}


def _shown(variable: Variable, value: str) -> str:
    if not variable.secret or not value:
        return value
    return f"{ENCRYPTED}{MASK}" if value.startswith(ENCRYPTED) else MASK


def _source(variable: Variable, value: str, deployment: Deployment) -> str:
    if deployment.environment.get(variable.name, "").strip():
        return "set"
    if value and value != variable.default:
        return "file of secrets"
    return "default" if value else ""


def _show(rows: list[dict[str, Any]], wrong: list[tuple[str, str, str]]) -> None:
    console = Console(highlight=False)
    table = Table("setting", "value", "from", box=None)
    for row in rows:
        table.add_row(row["name"], Text(row["value"], overflow="fold"), row["from"])
    (console if console.is_terminal else Console(highlight=False, width=160)).print(table)
    for name, what, remedy in wrong:
        console.print(f"{name}: {what}; {remedy}", markup=False, soft_wrap=True)
    if wrong:
        console.print(f"{len(wrong)} to mend")
