"""Trips by hand: one is checked, published, followed to its end, or taken back; and the demonstration."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.cloud import CloudError
from cli.deployment import Env, deployment_of, opened
from cli.options import Root, fail
from localcloud.state import Cloud
from shared.errors import InvalidInput, TripcanvasError

console = Console(highlight=False)

EXAMPLES = Path(__file__).parent.parent / "examples" / "trips"

TripFile = Annotated[Path, typer.Argument(help="A trip-completed message, JSON in UTF-8.", exists=True, dir_okay=False)]


def publish(trip: TripFile, root: Root, env: Env = None) -> None:
    """Publish one trip to the topic trip-completed, with the official SDK, and return at once."""
    from cli.journeys import journeys_of
    from cli.journeys import publish as publish_trip

    body = trip.read_bytes()
    with opened(root, env) as cloud_services:
        console.print(f"message {publish_trip(body, cloud_services)}")
        for journey in journeys_of(body, cloud_services):
            console.print(f"journey {journey}")


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
            fail(f"{journey} is no journey id; `tripcanvas publish` prints them")
    try:
        ended = follow_journeys(deployment, journeys, timeout_s=timeout_s)
    except TripcanvasError as error:
        fail(str(error))
    raise typer.Exit(0 if ended else 1)


def cancel(trip: Annotated[str, typer.Argument(help="The trip's id.")], root: Root, env: Env = None) -> None:
    """Take a trip back: whatever step its journeys are at, they are never posted. What is posted stays."""
    from shared.cancelling import cancel_trip

    with opened(root, env) as services:
        outcomes = cancel_trip(trip, services)
    for outcome in outcomes:
        left = f"; {outcome.reason}; the sweeper goes on with it" if outcome.reason else ""
        console.print(f"journey {outcome.journey}: {outcome.step}{left}", soft_wrap=True)
    raise typer.Exit(0 if all(outcome.step == "cancelled" for outcome in outcomes) else 1)


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
        fail(str(error))
    console.print(f"[dim]{time.monotonic() - started:.1f} s in all[/dim]")
    raise typer.Exit(0 if done else 1)


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
        fail(f"{trip}: {error}")
    styles = load_styles(FOLDER / "styles")
    for number, style in enumerate(found.styles):
        if style not in styles:
            fail(f"{trip}: styles[{number}]: one of {', '.join(styles)}")
    if not found.consent.process:
        fail(f"{trip}: consent.process: true; without it nothing is processed")
    console.print(f"{trip}: valid", soft_wrap=True)


def schema() -> None:
    """Print the JSON Schema of the trip-completed message."""
    from shared.trips import json_schema

    print(json.dumps(json_schema(), ensure_ascii=False, indent=2))  # noqa: T201
