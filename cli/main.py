"""The `tripcanvas` command: the embedded cloud, and trips through it."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli import (
    dead_letters,
    faults,
    inspections,
    nodes,
    redriving,
    retention,
    review,
    status,
    tail,
    verifying,
    withdrawing,
    workers,
    workflows,
)
from cli.backfill.commands import backfill
from cli.cars import commands as cars
from cli.checking import check
from cli.cloud import (
    ALREADY_STARTING,
    CloudError,
    act_on_service,
    is_up,
    silent_services,
    start_detached,
    stop,
)
from cli.deployment import Env, deployment_of, opened
from cli.eas import commands as eas
from cli.monitoring import monitoring
from cli.options import Root
from cli.options import fail as _fail
from cli.packaging.commands import package
from cli.policies import policies
from cli.provision import commands as provision
from cli.settings import settings
from localcloud.state import SERVICES, Cloud, without_proxy
from shared.errors import InvalidInput, TripcanvasError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_show_locals=False)
app.add_typer(faults.app, name="faults")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(review.app, name="review")
app.add_typer(workflows.app, name="workflows")
app.add_typer(eas.app, name="eas")
app.add_typer(nodes.app, name="nodes")
app.add_typer(cars.app, name="cars")
app.command()(inspections.inspection)
app.command()(withdrawing.withdraw)
app.command()(status.status)
app.command()(tail.tail)
app.command()(redriving.redrive)
app.command()(redriving.replay)
app.add_typer(retention.app, name="retention")
app.add_typer(provision.app, name="provision")
app.command()(verifying.verify)
app.command()(backfill)
app.command()(policies)
app.command()(monitoring)
app.command()(check)
app.command()(settings)
app.command()(package)
app.command()(workers.relay)
app.command()(workers.worker)
console = Console(highlight=False)

EXAMPLES = Path(__file__).parent.parent / "examples" / "trips"

TripFile = Annotated[Path, typer.Argument(help="A trip-completed message, JSON in UTF-8.", exists=True, dir_okay=False)]


@app.callback()
def _prepare() -> None:
    # Before any client library looks at the environment.
    os.environ.update(without_proxy())


@app.command()
def up(
    root: Root,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it runs.")] = False,
    empty: Annotated[
        bool, typer.Option("--empty", help="Begin as a new account is: without buckets, topics, queues and roles.")
    ] = False,
) -> None:
    """Run Alibaba Cloud on this machine: nine services, one process tree, state under the root folder."""
    cloud = Cloud.open(root, empty=empty)
    if empty and not cloud.is_empty:
        _fail(f"--empty: {cloud.root} was begun with everything in it; name another folder by --root")
    try:
        if is_up(cloud):
            console.print(f"already running; state in {cloud.root}")
            raise typer.Exit(0 if detach else 1)
        if detach:
            start_detached(cloud)
            _show_services(cloud)
            return
    except CloudError as error:
        _fail(str(error))
    from localcloud.admin import run

    lock = (cloud.root / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        console.print("another `tripcanvas up` of this folder is starting or running")
        raise typer.Exit(ALREADY_STARTING) from None
    console.print(f"Embedded cloud starting; state in {cloud.root}. Feed: {cloud.url('feed')}. Ctrl-C stops it.")
    run(cloud)


@app.command()
def down(root: Root) -> None:
    """Stop an embedded cloud that runs in the background; its state stays."""
    try:
        console.print("stopped" if stop(Cloud.open(root)) else "no embedded cloud is running here")
    except CloudError as error:
        _fail(str(error))


@app.command()
def service(
    name: Annotated[str, typer.Argument(help=", ".join(SERVICES))],
    action: Annotated[str, typer.Argument(help="start, stop, or kill (as a crash would)")],
    root: Root,
) -> None:
    """Start, stop or kill one service of a running embedded cloud, to see what the product does then."""
    try:
        running = act_on_service(Cloud.open(root), name, action)
    except CloudError as error:
        _fail(str(error))
    console.print(f"{name}: {'running' if running else 'stopped'}")


@app.command()
def services(root: Root) -> None:
    """Show the services of the embedded cloud and whether they answer."""
    _show_services(Cloud.open(root))


@app.command()
def environment(root: Root) -> None:
    """Print shell lines that point official SDKs and tools at the embedded cloud. They hold its secrets."""
    for name, value in Cloud.open(root).environment().items():
        print(f"export {name}='{value}'")  # noqa: T201  (for `eval`)


@app.command()
def publish(trip: TripFile, root: Root, env: Env = None) -> None:
    """Publish one trip to the topic trip-completed, with the official SDK, and return at once."""
    from cli.journeys import journeys_of
    from cli.journeys import publish as publish_trip

    body = trip.read_bytes()
    with opened(root, env) as cloud_services:
        console.print(f"message {publish_trip(body, cloud_services)}")
        for journey in journeys_of(body, cloud_services):
            console.print(f"journey {journey}")


@app.command()
def follow(
    journeys: Annotated[list[str], typer.Argument(help="Journey ids.")],
    root: Root,
    env: Env = None,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the end.")] = 300.0,
) -> None:
    """Follow journeys on the ledger, step by step, until they end."""
    from cli.demo import follow_journeys
    from shared.journey import is_journey_id

    deployment = deployment_of(root, env)
    for journey in journeys:
        if not is_journey_id(journey):
            _fail(f"{journey} is no journey id; `tripcanvas publish` prints them")
    try:
        ended = follow_journeys(deployment, journeys, timeout_s=timeout_s)
    except TripcanvasError as error:
        _fail(str(error))
    raise typer.Exit(0 if ended else 1)


@app.command()
def cancel(trip: Annotated[str, typer.Argument(help="The trip's id.")], root: Root, env: Env = None) -> None:
    """Take a trip back: whatever step its journeys are at, they are never posted. What is posted stays."""
    from shared.cancelling import cancel_trip

    with opened(root, env) as services:
        outcomes = cancel_trip(trip, services)
    for outcome in outcomes:
        left = f"; {outcome.reason}; the sweeper goes on with it" if outcome.reason else ""
        console.print(f"journey {outcome.journey}: {outcome.step}{left}", soft_wrap=True)
    raise typer.Exit(0 if all(outcome.step == "cancelled" for outcome in outcomes) else 1)


@app.command()
def demo(
    root: Root,
    trips: Annotated[
        list[Path] | None,
        typer.Argument(help="Trip messages; default: the May holiday trip.", exists=True, dir_okay=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every example trip.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("out"),
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the posts.")] = 120.0,
) -> None:
    """Do the main job once: a finished trip goes in, and a picture of it stands in the community feed."""
    from cli.demo import run_demo

    files = sorted(EXAMPLES.glob("*.json")) if every else trips or [EXAMPLES / "01-may-holiday.json"]
    started = time.monotonic()
    try:
        done = run_demo(Cloud.open(root), files, out=out, keep=keep, timeout_s=timeout_s)
    except (TripcanvasError, CloudError) as error:
        _fail(str(error))
    console.print(f"[dim]{time.monotonic() - started:.1f} s in all[/dim]")
    raise typer.Exit(0 if done else 1)


@app.command()
def validate(trip: TripFile) -> None:
    """Check one trip message and say what is wrong with it."""
    from shared.services import utc_now
    from shared.styles import load_styles
    from shared.trips import check_is_over, parse_trip
    from shared.workflows import FOLDER

    try:
        found = parse_trip(trip.read_bytes())
        check_is_over(found, utc_now())
    except InvalidInput as error:
        _fail(f"{trip}: {error}")
    styles = load_styles(FOLDER / "styles")
    for number, style in enumerate(found.styles):
        if style not in styles:
            _fail(f"{trip}: styles[{number}]: one of {', '.join(styles)}")
    if not found.consent.process:
        _fail(f"{trip}: consent.process: true; without it nothing is processed")
    console.print(f"{trip}: valid", soft_wrap=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the trip-completed message."""
    from shared.trips import json_schema

    print(json.dumps(json_schema(), ensure_ascii=False, indent=2))  # noqa: T201


def _show_services(cloud: Cloud) -> None:
    silent = silent_services(cloud)
    table = Table("service", "address", "state", box=None)
    for name in SERVICES:
        table.add_row(name, cloud.url(name), "[red]silent[/red]" if name in silent else "[green]answers[/green]")
    console.print(table)


if __name__ == "__main__":
    sys.exit(app())
