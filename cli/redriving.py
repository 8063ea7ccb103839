"""Failed and held journeys taken up again: where it makes sense, or from a step that a person names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.deployment import Env, opened
from cli.options import Root, fail
from shared.errors import InvalidInput
from shared.journey import PLACES, is_journey_id
from shared.records import Step
from shared.redriving import redrive as take_up
from shared.services import Services

console = Console(highlight=False, soft_wrap=True)

By = Annotated[str, typer.Option("--by", help="Who decides, for the ledger.", envvar="USER")]


def redrive(
    root: Root,
    env: Env = None,
    journeys: Annotated[list[str] | None, typer.Argument(help="Journey ids.", metavar="JOURNEY…")] = None,
    held: Annotated[bool, typer.Option("--held", help="Every journey that is held.")] = False,
    failed: Annotated[str, typer.Option("--failed", help="Every journey that failed with this code.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --held or --failed.")] = False,
    by: By = "",
) -> None:
    """Take failed or held journeys up again; the sweeper goes on with them within its minute.

    What failed on the way goes on from there; what was found wanting is painted anew, at most three times more. A
    journey never gets a second post. Ends with status 1 when a journey stays as it is.
    """
    if sum((bool(journeys), held, bool(failed))) != 1:
        fail("give journey ids, or --held, or --failed CODE")
    with opened(root, env) as services:
        chosen = list(dict.fromkeys(journeys or _found(services, failed)))
        if not journeys:
            if not chosen:
                console.print("no such journey")
                return
            if not yes:
                typer.confirm(f"Take {len(chosen)} journeys up again?", abort=True)
        done = [_take_up(journey, by, services, None) for journey in chosen]
    raise typer.Exit(0 if all(done) else 1)


def replay(
    journey: Annotated[str, typer.Argument(help="A journey's id.", metavar="JOURNEY")],
    root: Root,
    from_step: Annotated[
        str,
        typer.Option("--from-step", help=f"The last step that stands: {', '.join(place.value for place in PLACES)}."),
    ],
    env: Env = None,
    by: By = "",
) -> None:
    """Do a failed or held journey again from after one of its steps; the sweeper goes on with it within its minute.

    After received: a new brief. After prompted: a new render. After rendered: the same picture is inspected again.
    After inspected: it is labelled, moderated and stored. After stored: it is posted.
    """
    try:
        place = Step(from_step)
    except ValueError:
        place = Step.WITHDRAWN
    if place not in PLACES:
        fail(f"--from-step: one of {', '.join(place.value for place in PLACES)} expected, got {from_step}")
    with opened(root, env) as services:
        done = _take_up(journey, by, services, place)
    raise typer.Exit(0 if done else 1)


def _found(services: Services, code: str) -> Iterator[str]:
    if not code:
        yield from services.ledger.held()
        return
    for failure in services.ledger.failures():
        if failure.code == code:
            yield failure.journey_id


def _take_up(journey_id: str, by: str, services: Services, place: Step | None) -> bool:
    if not is_journey_id(journey_id):
        fail(f"{journey_id} is no journey id; `tripcanvas status` prints those of a trip")
    try:
        journey = take_up(journey_id, by, services, place)
    except InvalidInput as error:
        if error.field != "journey" and error.field != "step":
            raise
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"{journey_id}: stays: {error}"))
        return False
    after = journey.place.value if journey.place else ""
    console.print(Text(f"{journey_id}: goes on after {after}, by {by.strip()}"))
    return True
