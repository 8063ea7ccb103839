"""Journeys that wait for a person: see what was held and why, then let them go on, or end them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.deployment import Env, opened
from cli.inspections import bounds_of
from cli.options import Root, fail
from shared import reviewing
from shared.errors import Refused
from shared.feed import caption_of, tags_of, title_of
from shared.journey import Journey, is_journey_id
from shared.records import (
    Held,
    Inspected,
    Prompted,
    Received,
    Rendered,
)
from shared.services import Services

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

_MAX_PICTURE_BYTES = 64 * 1024 * 1024

JourneyId = Annotated[str, typer.Argument(help="A journey's id, as `list` prints it.", metavar="JOURNEY")]
By = Annotated[str, typer.Option("--by", help="Who decides, for the ledger.", envvar="USER")]


@app.command("list")
def list_held(
    root: Root,
    env: Env = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, for programs.")] = False,
) -> None:
    """List the journeys that wait for a person, the longest wait first."""
    with opened(root, env) as services:
        found = sorted(reviewing.waiting(services), key=lambda journey: journey.records[-1].at)
    if as_json:
        print(json.dumps([_told(journey) for journey in found], ensure_ascii=False, indent=2))  # noqa: T201
        return
    if not found:
        console.print("no journey waits for a person")
        return
    table = Table(Column("journey", no_wrap=True, min_width=36), "since (UTC)", "why", box=None)
    for journey in found:
        held = journey.need(Held)
        why = Text(f"{held.code}: {held.reason}", overflow="fold")
        table.add_row(journey.id, f"{held.at:%m-%d %H:%M}", why)
    console.print(table, soft_wrap=False)


@app.command()
def show(
    journey_id: JourneyId,
    root: Root,
    env: Env = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the pictures and review.json to this folder.", file_okay=False)
    ] = None,
) -> None:
    """Show why a journey was held, and what is to be judged: the owner's words, or the post's text and picture.

    It prints what the owner wrote: personal data.
    """
    with opened(root, env) as services:
        journey = _read(journey_id, services)
        for name, value in _told(journey).items():
            for line in map(_verdict, value) if name == "verdicts" else [value]:
                console.print(Text(f"{name:10} {line}"))
        for name, value in _content(journey).items():
            console.print(Text(f"{name:10} {value}"))
        for metric in inspected.metrics if (inspected := journey.find(Inspected)) else ():
            if not metric.passed:
                console.print(Text(f"{'measured':10} {metric.name} {metric.value:g}, expected {bounds_of(metric)}"))
        if out is not None:
            _save(journey, services, out)


@app.command()
def approve(journey_id: JourneyId, root: Root, env: Env = None, by: By = "") -> None:
    """Let a held journey go on from where it was held; the sweeper takes it within its minute."""
    with opened(root, env) as services:
        reviewing.approve(_known(journey_id), by, services)
    console.print(f"{journey_id}: approved by {by.strip()}", markup=False)


@app.command()
def reject(
    journey_id: JourneyId,
    root: Root,
    env: Env = None,
    by: By = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for the ledger; no personal data.")] = "",
) -> None:
    """End a held journey: it is never posted."""
    with opened(root, env) as services:
        reviewing.reject(_known(journey_id), by, reason, services)
    console.print(f"{journey_id}: rejected by {by.strip()}", markup=False)


def _known(journey_id: str) -> str:
    if not is_journey_id(journey_id):
        fail("JOURNEY: the id of a journey expected, as `tripcanvas review list` prints it")
    return journey_id


def _read(journey_id: str, services: Services) -> Journey:
    journey = services.ledger.read(_known(journey_id))
    if journey.find(Held) is None:
        fail(f"journey {journey_id} was never held; `tripcanvas review list` shows what waits")
    return journey


def _told(journey: Journey) -> dict[str, Any]:
    """Why a journey was held; nothing of what its owner wrote."""
    held = journey.need(Held)
    return {
        "journey": journey.id,
        "stands_at": journey.step.value if journey.step else "",
        "held_at": f"{held.at:%Y-%m-%dT%H:%M:%SZ}",
        "code": held.code,
        "reason": held.reason,
        "verdicts": msgspec.to_builtins(held.verdicts),
        "attempt": journey.attempt,
    }


def _verdict(verdict: dict[str, Any]) -> str:
    labels = f" ({', '.join(verdict['labels'])})" if verdict["labels"] else ""
    asked = f"at {verdict['at']:.19}Z, request {verdict['request_id'] or 'without id'}"
    return f"{verdict['subject']}: {verdict['service']} says {verdict['level']}{labels}, {asked}"


def _content(journey: Journey) -> dict[str, str]:
    """What there is to judge besides pictures: the post's texts, or before there are any, the owner's own."""
    received, prompted = journey.need(Received), journey.find(Prompted)
    if prompted is None:
        return {"mood": received.facts.mood_tag, "words": received.facts.words}
    return {
        "title": title_of(received, prompted),
        "caption": caption_of(received, prompted),
        "tags": " ".join(tags_of(received, prompted)),
    }


def _save(journey: Journey, services: Services, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "review.json").write_text(
        json.dumps({**_told(journey), **_content(journey)}, ensure_ascii=False, indent=2) + "\n", "utf-8"
    )
    console.print(f"{out / 'review.json'}", markup=False)
    rendered, inspected = journey.find(Rendered), journey.find(Inspected)
    wanted = []
    if rendered is not None:
        key = f"{services.settings.render_prefix}/output/{rendered.files[0]}"
        wanted.append(("picture", services.renders, key))
    if inspected is not None and inspected.overlay:
        wanted.append(("inspection", services.gallery, inspected.overlay))
    for name, bucket, key in wanted:
        file = out / f"{name}{Path(key).suffix.lower()}"
        try:
            file.write_bytes(bucket.get(key, max_bytes=_MAX_PICTURE_BYTES))
        except Refused as error:
            console.print(f"the {name} is not there: {error}", markup=False)
            continue
        console.print(f"{file}", markup=False)
