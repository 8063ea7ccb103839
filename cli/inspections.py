"""What the inspection measured on a journey's pictures, with the bounds, and pictures that show what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.deployment import Env, opened
from cli.options import Root, fail
from shared.errors import Refused
from shared.journey import is_journey_id
from shared.records import Inspected, Metric
from shared.services import Services

console = Console(highlight=False)

_MAX_OVERLAY_BYTES = 16 * 1024 * 1024

JourneyId = Annotated[str, typer.Argument(help="A journey's id, as `trip` and `demo` print it.", metavar="JOURNEY")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the marked pictures.", file_okay=False)]


def inspection(journey_id: JourneyId, root: Root, env: Env = None, out: Out = Path("out")) -> None:
    """Show every inspection of a journey: each metric with its bounds, and the marked picture of those that failed."""
    if not is_journey_id(journey_id):
        fail("JOURNEY: the id of a journey expected, as `tripcanvas trip` prints it")
    with opened(root, env) as services:
        journey = services.ledger.read(journey_id)
        found = [record for record in journey.records if isinstance(record, Inspected)]
        if not journey.records:
            fail(f"there is no journey {journey_id}")
        if not found:
            console.print(f"journey {journey_id} has no inspected picture; it stands at {journey.step.value}")  # type: ignore[union-attr]
        for record in found:
            _show(record)
            if record.overlay:
                console.print(f"marked picture {_saved(record, journey_id, services, out)}", soft_wrap=True)


def _show(record: Inspected) -> None:
    table = Table("metric", "value", "expected", "", box=None, title=f"attempt {record.attempt}: {record.verdict}")
    table.columns[1].justify = "right"
    table.title_justify = "left"
    for metric in record.metrics:
        verdict = Text("ok", "green") if metric.passed else Text("failed", "bold red")
        table.add_row(metric.name, f"{metric.value:g}", bounds_of(metric), verdict)
    console.print(table)


def bounds_of(metric: Metric) -> str:
    """The bounds of a metric in words."""
    least, most = metric.at_least, metric.at_most
    if least is not None and least == most:
        return f"{least:g}"
    words = [f"at least {least:g}" if least is not None else "", f"at most {most:g}" if most is not None else ""]
    return ", ".join(filter(None, words))


def _saved(record: Inspected, journey_id: str, services: Services, out: Path) -> str:
    try:
        body = services.gallery.get(record.overlay, max_bytes=_MAX_OVERLAY_BYTES)
    except Refused as error:
        return f"is not there: {error}"
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{journey_id}-inspection-{record.attempt}.png"
    file.write_bytes(body)
    return str(file)
