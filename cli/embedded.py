"""`tripcanvas up`, `down`, `service`, `services` and `environment`: the embedded cloud itself."""

from __future__ import annotations

import fcntl
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.cloud import ALREADY_STARTING, CloudError, act_on_service, is_up, silent_services, start_detached, stop
from cli.options import Root, fail
from localcloud.state import SERVICES, Cloud

console = Console(highlight=False)


def up(
    root: Root,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it runs.")] = False,
    empty: Annotated[
        bool, typer.Option("--empty", help="Begin as a new account is: without buckets, topics, queues and roles.")
    ] = False,
) -> None:
    """Run Alibaba Cloud on this machine: ten services, one process tree, state under the root folder."""
    cloud = Cloud.open(root, empty=empty)
    if empty and not cloud.is_empty:
        fail(f"--empty: {cloud.root} was begun with everything in it; name another folder by --root")
    try:
        if is_up(cloud):
            console.print(f"already running; state in {cloud.root}")
            raise typer.Exit(0 if detach else 1)
        if detach:
            start_detached(cloud)
            _show_services(cloud)
            return
    except CloudError as error:
        fail(str(error))
    from localcloud.admin import run

    lock = (cloud.root / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        console.print("another `tripcanvas up` of this folder is starting or running")
        raise typer.Exit(ALREADY_STARTING) from None
    console.print(f"Embedded cloud starting; state in {cloud.root}. Feed: {cloud.url('feed')}. Ctrl-C stops it.")
    run(cloud)


def down(root: Root) -> None:
    """Stop an embedded cloud that runs in the background; its state stays."""
    try:
        console.print("stopped" if stop(Cloud.open(root)) else "no embedded cloud is running here")
    except CloudError as error:
        fail(str(error))


def service(
    name: Annotated[str, typer.Argument(help=", ".join(SERVICES))],
    action: Annotated[str, typer.Argument(help="start, stop, or kill (as a crash would)")],
    root: Root,
) -> None:
    """Start, stop or kill one service of a running embedded cloud, to see what the product does then."""
    try:
        running = act_on_service(Cloud.open(root), name, action)
    except CloudError as error:
        fail(str(error))
    console.print(f"{name}: {'running' if running else 'stopped'}")


def services(root: Root) -> None:
    """Show the services of the embedded cloud and whether they answer."""
    _show_services(Cloud.open(root))


def environment(root: Root) -> None:
    """Print shell lines that point official SDKs and tools at the embedded cloud. They hold its secrets."""
    for name, value in Cloud.open(root).environment().items():
        print(f"export {name}='{value}'")  # noqa: T201  (for `eval`)


def _show_services(cloud: Cloud) -> None:
    silent = silent_services(cloud)
    table = Table("service", "address", "state", box=None)
    for name in SERVICES:
        table.add_row(name, cloud.url(name), "[red]silent[/red]" if name in silent else "[green]answers[/green]")
    console.print(table)
