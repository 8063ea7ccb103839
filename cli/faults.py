"""Fault rules: make the services of the embedded cloud fail on purpose, and see what the product does then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.cloud import CloudError, fault_rules
from cli.options import Root, fail
from localcloud.faults.rules import InvalidRules, Plan, read_plan
from localcloud.state import Cloud

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False)

#: Shown in columns of their own, or not for reading.
_COLUMNS = ("number", "service", "call", "do", "matched", "struck")


@app.command()
def show(
    root: Root, as_json: Annotated[bool, typer.Option("--json", help="What the admin address answers.")] = False
) -> None:
    """Show the rules of every service, how many calls each matched, and how many it struck."""
    _show(_asked(root), as_json=as_json)


@app.command("set")
def set_rules(
    file: Annotated[Path, typer.Argument(help="Rules in TOML; see docs/faults.md.", exists=True, dir_okay=False)],
    root: Root,
) -> None:
    """Put the rules of a file in the place of all others, on every service that runs; counts begin anew."""
    try:
        plan = read_plan(file)
    except InvalidRules as error:
        fail(str(error))
    _show(_asked(root, plan))


@app.command()
def clear(root: Root) -> None:
    """Forget all rules, until a cloud starts again with a file of them."""
    _show(_asked(root, Plan()))


def _asked(root: Path, plan: Plan | None = None) -> dict[str, dict[str, Any] | None]:
    try:
        return fault_rules(Cloud.open(root), plan)
    except CloudError as error:
        fail(str(error))


def _show(services: dict[str, dict[str, Any] | None], *, as_json: bool = False) -> None:
    if as_json:
        print(json.dumps(services, ensure_ascii=False, indent=2))  # noqa: T201
        return
    table = Table("rule", "service", "call", "does", "matched", "struck", box=None)
    for service, found in services.items():
        for rule in found["rules"] if found is not None else ():
            fields = (f"{name}={value}" for name, value in rule.items() if name not in _COLUMNS)
            table.add_row(
                str(rule["number"]),
                service,
                Text(rule.get("call", "*")),
                Text(" ".join((rule["do"], *fields))),
                str(rule["matched"]),
                str(rule["struck"]),
            )
    if table.row_count:
        console.print(table)
    else:
        console.print("no fault rules")
    silent = [service for service, found in services.items() if found is None]
    if silent:
        console.print(f"not answering, so not asked: {', '.join(silent)}")
