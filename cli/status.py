"""How a deployment stands, and what became of one trip."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.deployment import Env, opened
from cli.history import head_of, journeys_for, lines_of, prospect_of
from cli.options import Root
from cli.overview import MOST_COUNTED, Overview, look_over, problems
from cli.times import in_words, local
from shared.journey import Journey
from shared.records import Step
from shared.services import Services

console = Console(highlight=False)

_ORDER = {step.value: number for number, step in enumerate(Step)}


def status(
    root: Root,
    env: Env = None,
    what: Annotated[
        str,
        typer.Argument(
            help="The id of a trip, a journey or a task, or the address of a post's picture.", metavar="[ID]"
        ),
    ] = "",
    hours: Annotated[float, typer.Option("--hours", help="How far back failures count.", min=0.1, max=720)] = 24.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object or list, for programs.")] = False,
) -> None:
    """Show what is under way, what waits, what failed and what is wrong; with an id, the whole history of a trip.

    Without an id it ends with status 1 when something keeps journeys from going on by themselves. Journeys that ended
    well are not counted.
    """
    with opened(root, env) as services:
        if what:
            journeys = journeys_for(what, services)
            _print_json([_history(each, services) for each in journeys]) if as_json else _show(journeys, services)
            return
        found = look_over(services, hours=hours)
    wrong = problems(found)
    if as_json:
        _print_json({**_plain(asdict(found)), "problems": wrong})
    else:
        _overview(found, wrong, hours)
    raise typer.Exit(1 if wrong else 0)


def _show(journeys: list[Journey], services: Services) -> None:
    for number, journey in enumerate(journeys):
        if number:
            console.print()
        console.print(Text(head_of(journey)), soft_wrap=True)
        table = Table("when", Column("after", justify="right"), "step", Column("", overflow="fold"), box=None)
        for line in lines_of(journey):
            after = "" if line.after_s is None else in_words(timedelta(seconds=line.after_s))
            table.add_row(local(line.at), after, _coloured(line.step), Text(line.detail))
        console.print(table)
        console.print(Text(prospect_of(journey, services.now(), services.step_allowance)), soft_wrap=True)


def _history(journey: Journey, services: Services) -> dict[str, Any]:
    return {
        "journey": journey.id,
        "step": journey.step.value if journey.step else "",
        "attempt": journey.attempt,
        "prospect": prospect_of(journey, services.now(), services.step_allowance),
        "history": [_plain(asdict(line)) for line in lines_of(journey)],
    }


def _overview(found: Overview, wrong: list[str], hours: float) -> None:
    console.print(Text(f"{local(found.at)}"), style="dim")
    for sentence in wrong:
        console.print(Text(f"✗ {sentence}", style="red"), soft_wrap=True)
    if not wrong:
        console.print(Text("✓ nothing keeps journeys from going on by themselves", style="green"), soft_wrap=True)
    table = Table(
        Column("", no_wrap=True), Column("", justify="right"), Column("", overflow="fold"), box=None, show_header=False
    )
    _row(table, "under way", found.under_way, _late(found))
    for total in sorted(found.steps, key=lambda each: _ORDER.get(each.step, 99)):
        age = in_words(found.at - total.oldest)
        table.add_row(f"  {total.step}", str(total.journeys), Text(f"the oldest for {age}"))
    since = f", the first {in_words(found.at - found.held_since)} ago" if found.held_since else ""
    _row(table, "held", found.held, _codes(found.held_codes) + since, "tripcanvas review list")
    _row(
        table, f"failed, last {hours:g} h", found.failed, _codes(found.failed_codes), "tripcanvas redrive --failed CODE"
    )
    _row(table, "dead letters", found.dead_letters, _codes(found.dead_letter_codes), "tripcanvas dead-letters list")
    queues = found.queues
    _row(table, "to be painted", queues.waiting if queues else None, "")
    full = f"of at most {queues.unread_limit}" if queues else ""
    _row(table, "painted, not read", queues.unread if queues else None, full)
    console.print(table)
    for note in _notes(found):
        console.print(Text(note, style="dim"), soft_wrap=True)


def _row(table: Table, name: str, count: int | None, detail: str, then: str = "") -> None:
    told = "?" if count is None else f"{count}" if count < MOST_COUNTED else f"≥ {count}"
    table.add_row(name, told, Text(f"{detail}  → {then}" if then and count else detail if count else ""))


def _late(found: Overview) -> str:
    if not found.overdue_since:
        return ""
    return f"{found.overdue} overdue, the first since {in_words(found.at - found.overdue_since)}"


def _codes(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in codes.items())


def _notes(found: Overview) -> list[str]:
    notes = []
    if found.under_way is not None and found.read < found.under_way:
        notes.append(f"steps and troubles are those of the {found.read} journeys that are due first")
    if found.held is not None and found.held_read < found.held:
        notes.append(f"the codes of held journeys are those of {found.held_read} of them")
    told = sum(found.dead_letter_codes.values())
    if found.dead_letters is not None and told < found.dead_letters:
        notes.append(f"the codes of dead letters are those of {told} of them")
    return notes


def _coloured(step: str) -> Text:
    name = step.split()[0]
    style = {"trouble": "yellow", "held": "yellow", "failed": "red", "published": "green"}.get(name, "")
    return Text(step, style=style)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201
