"""What the functions stand on: topics, queues, buckets, roles. See what differs, make it, or take it away."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.deployment import Deployment, Env, deployment_of
from cli.eas.settings import FILE
from cli.options import Root, fail
from cli.provision import lock
from cli.provision.account import check_account
from cli.provision.buckets import BucketResource
from cli.provision.desired import ledger_bucket, resources_of
from cli.provision.made import Record
from cli.provision.resources import NOT_OURS, Change, Resource, name_of, planned, planned_removal
from cli.provision.terraform import document
from shared.errors import TripcanvasError, Unavailable

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

#: Exit status of `plan` when something differs.
CHANGES = 2
_SIGNS = {"create": "+", "change": "~", "leave": "=", "delete": "-", "keep": "!"}
_LONGEST = 48

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Eas = Annotated[
    str,
    typer.Option(
        "--eas", help="Settings file of the service on PAI-EAS, or none to leave it alone.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON list, for programs.")]


@app.command()
def plan(
    root: Root,
    env: Env = None,
    as_json: AsJson = False,
    eas: Eas = str(FILE),
) -> None:
    """Show what is missing or differs; ends with status 0 when nothing does, with 2 when something does."""
    with _account(root, env) as deployment:
        changes = planned(resources_of(deployment, eas=_file(eas)))
    if as_json:
        print(json.dumps([_told(change) for change in changes], ensure_ascii=False, indent=2))  # noqa: T201
    else:
        _show(changes)
    raise typer.Exit(CHANGES if any(change.counts for change in changes) else 0)


@app.command()
def apply(root: Root, env: Env = None, yes: Yes = False, eas: Eas = str(FILE)) -> None:
    """Make what is missing and change what differs, after showing it. Repeating it, or a half-done run, is harmless."""
    with _account(root, env) as deployment:
        resources = resources_of(deployment, eas=_file(eas))
        changes = planned(resources)
        _show(changes)
        if not any(change.counts for change in changes):
            return
        if not yes:
            typer.confirm("Do that?", abort=True)
        _apply(ledger_bucket(deployment), resources)
        left = [change for change in planned(resources) if change.counts]
    if left:
        _show(left)
        fail("not everything is as it should be; run it again")
    console.print("Everything is as it should be.")


def _apply(ledger: BucketResource, resources: list[Resource]) -> None:
    """Do what differs now, under the lock, which lies in the ledger: so it is made first, and twice is harmless."""
    found = ledger.read()
    ledger.apply(found)
    with lock.held(ledger.bucket) as ours:
        made = Record(ledger.bucket)
        if found is None:
            made.add(ledger)
            console.print(f"{name_of(ledger)}: done", markup=False)
        # Somebody may have been at it since the plan was shown.
        for change in planned(resources):
            if change.counts:
                ours.check()
                if change.action == "create":
                    made.add(change.resource)
                change.resource.apply(change.found)
                console.print(f"{name_of(change.resource)}: done", markup=False)


@app.command()
def destroy(
    root: Root,
    env: Env = None,
    yes: Yes = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also what holds data: journeys, pictures, messages. For good.")
    ] = False,
    eas: Eas = str(FILE),
) -> None:
    """Take away what `apply` made; what holds data stays unless --delete-data. Run `s remove` before."""
    with _account(root, env) as deployment:
        ledger = ledger_bucket(deployment)
        if ledger.read() is None:
            console.print("there is no ledger bucket, and with it no record of what was made here")
            return
        made = Record(ledger.bucket)
        resources = resources_of(deployment, eas=_file(eas))
        changes = planned_removal(resources, made.read(), with_data=delete_data)
        _show(changes)
        if not any(change.counts for change in changes):
            return
        if not yes:
            _confirm(deployment, changes)
        with lock.held(ledger.bucket) as ours:
            for change in changes:
                if change.counts:
                    ours.check()
                    change.resource.delete()
                    # The record lies in the ledger, which is the last one.
                    if change.resource.name != ledger.name:
                        made.remove(change.resource)
                    console.print(f"{name_of(change.resource)}: deleted", markup=False)
    kept = sum(change.action == "keep" and change.note != NOT_OURS for change in changes)
    if kept:
        console.print(f"{kept} kept, because they hold data; --delete-data deletes them, with it", markup=False)


@app.command()
def terraform(
    root: Root,
    env: Env = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)] = Path("terraform"),
    eas: Eas = str(FILE),
) -> None:
    """Write the same as a configuration of Terraform (provider aliyun/alicloud), for those who prefer it."""
    with _deployment(root, env) as deployment:
        resources = resources_of(deployment, eas=_file(eas))
        text = json.dumps(document(resources, deployment.settings.region), ensure_ascii=False, indent=2)
    out.mkdir(parents=True, exist_ok=True)
    (out / "main.tf.json").write_text(text + "\n", "utf-8")
    console.print(f"{out / 'main.tf.json'}", markup=False)


def _confirm(deployment: Deployment, changes: Iterable[Change]) -> None:
    """Ask; for data, by the ledger's name, which nobody types by mistake."""
    if not any(change.note and change.counts for change in changes):
        typer.confirm("Delete that?", abort=True)
        return
    name = deployment.settings.ledger_bucket
    if typer.prompt(f"This deletes data for good. Type the ledger's bucket ({name}) to go on") != name:
        fail("that is not its name; nothing was deleted")


def _file(eas: str) -> Path | None:
    if eas == "none":
        return None
    if not Path(eas).is_file():
        fail(f"--eas {eas}: a settings file expected, or none")
    return Path(eas)


@contextlib.contextmanager
def _deployment(root: Path, env: Path | None) -> Iterator[Deployment]:
    deployment = deployment_of(root, env)
    try:
        yield deployment
    except Unavailable as error:
        fail(f"{error}; {deployment.is_down}")
    except TripcanvasError as error:
        fail(f"{error}; what was done stays, and a second run goes on from there")


@contextlib.contextmanager
def _account(root: Path, env: Path | None) -> Iterator[Deployment]:
    """The deployment, once it is certain that key, region and addresses are those of its account."""
    with _deployment(root, env) as deployment:
        check_account(deployment)
        yield deployment


def _show(changes: list[Change]) -> None:
    table = Table("", "what", "name", "field", "now", "then", box=None)
    for change in changes:
        resource, sign = change.resource, _SIGNS[change.action]
        rows = change.fields if change.action == "change" else ()
        first = (sign, resource.kind, Text(resource.name))
        if not rows and change.action != "leave":
            table.add_row(*first, "", Text(change.note), "")
        for number, row in enumerate(rows):
            cells = (Text(row.name), Text(_short(row.now)), Text(_short(row.then)))
            table.add_row(*(first if number == 0 else ("", "", "")), *cells)
    if table.row_count:
        (console if console.is_terminal else Console(highlight=False, width=200)).print(table)
    for change in changes:
        for effect in change.effects:
            console.print(f"{name_of(change.resource)}: {effect}", style="yellow", markup=False)
    counted = {action: sum(change.action == action for change in changes) for action in _SIGNS}
    told = [f"{number} {action}" for action, number in counted.items() if number]
    console.print(", ".join(told) or "nothing is there")


def _told(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.resource.kind,
        "name": change.resource.name,
        "fields": [{"name": each.name, "now": each.now, "then": each.then} for each in change.fields],
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
