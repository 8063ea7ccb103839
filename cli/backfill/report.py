"""The report of a backfill: one line per row and journey as CSV, and a page with the figures as HTML."""

from __future__ import annotations

import csv
import html
import itertools
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from cli.backfill.journal import Journal, JournalFault, State, Told
from cli.backfill.sending import Tally, count_end

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Rows of each table of the page; the CSV file has all.
_SHOWN = 500
_PAGE = Path(__file__).with_name("report.html")
_SPOKEN = {
    State.BROKEN: "broken, not sent",
    State.NO_CONSENT: "without consent, not sent",
    State.REPEATED: "repeated in the source, not sent again",
    State.KNOWN: "known before, not sent",
    State.SENDING: "being sent when the run stopped",
    State.SENT: "sent",
    State.REFUSED: "refused by Function Compute",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report says in numbers: rows by state, journeys by step and code."""

    at: datetime
    source: str
    begun_at: str
    visibility: str
    rows: int
    filtered: int
    states: dict[State, int]
    tally: Tally
    steps: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, journal: Journal, at: datetime) -> Figures:
        """The figures as the journal has them."""
        tally = Tally()
        steps = journal.steps()
        for step, code, ended, number in steps:
            if ended:
                count_end(tally, step, code, number)
            else:
                tally.under_way += number
        return cls(
            at=at,
            source=journal.value("source"),
            begun_at=journal.value("begun_at"),
            visibility=journal.value("visibility"),
            rows=int(journal.value("rows") or 0),
            filtered=int(journal.value("filtered") or 0),
            states={State(state): number for state, number in journal.states().items()},
            tally=tally,
            steps=tuple((step or "waiting", code, number) for step, code, _, number in steps),
        )

    def lines(self) -> list[tuple[str, int]]:
        """The figures for people, without those that are 0 and nobody expects."""
        states = [(_SPOKEN[state], self.states[state]) for state in State if self.states.get(state)]
        tally, left = self.tally, self.rows - self.filtered - sum(self.states.values())
        return [
            ("rows in the source", self.rows),
            *([("filtered out", self.filtered)] if self.filtered else []),
            *states,
            *([("not yet looked at", left)] if left else []),
            ("posts", tally.posts),
            *([("… of them drafts", tally.drafts)] if tally.drafts else []),
            ("failed", tally.failures),
            ("held for a person", tally.held),
            ("under way", tally.under_way),
        ]


def write_report(journal: Journal, figures: Figures, folder: Path) -> list[Path]:
    """Write ``report.csv`` and ``report.html``. Raises `JournalFault` when there is no room for them."""
    files = [folder / "report.csv", folder / "report.html"]
    try:
        _write_csv(journal.told(), files[0])
        files[1].write_text(_page(figures, journal), "utf-8")
    except OSError as error:
        raise JournalFault(f"{folder}: the report can't be written: {error.strerror}; the journal is whole") from None
    return files


def _write_csv(told: Iterable[Told], file: Path) -> None:
    # The mark lets Excel see UTF-8.
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Told)])
        writer.writeheader()
        for line in told:
            writer.writerow({name: _harmless(value) for name, value in asdict(line).items()})


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: names of files are somebody else's."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _page(figures: Figures, journal: Journal) -> str:
    failed = (line for line in journal.told() if _is_trouble(line))
    rows = [(line.place, line.state, line.reason or line.code, line.step, line.journey) for line in _some(failed)]
    tally = figures.tally
    parts = {"posts": tally.posts, "held": tally.held, "failed": tally.failures, "under way": tally.under_way}
    return Template(_PAGE.read_text("utf-8")).substitute(
        source=html.escape(figures.source),
        begun=html.escape(figures.begun_at[:16].replace("T", " ")),
        at=f"{figures.at:%Y-%m-%d %H:%M}",
        visibility=html.escape(figures.visibility),
        bar="".join(_bar(name, number, sum(parts.values())) for name, number in parts.items()),
        figures=_table(("", ""), figures.lines()),
        steps=_table(("step", "code", "journeys"), figures.steps),
        troubles=_table(("place", "row", "reason", "step", "journey"), rows),
        shown=f"the first {_SHOWN} of them; report.csv has all" if len(rows) == _SHOWN else f"{len(rows)} of them",
    )


def _is_trouble(line: Told) -> bool:
    if line.state in (State.BROKEN, State.REFUSED, State.NO_CONSENT):
        return True
    return bool(line.step) and line.state == State.SENT and line.step in _TROUBLES


_TROUBLES = frozenset({"failed", "rejected", "held", "dead_letter", "cancelled", "withdrawn"})


def _some(lines: Iterable[Told]) -> list[Told]:
    return list(itertools.islice(lines, _SHOWN))


def _bar(name: str, number: int, whole: int) -> str:
    if not number:
        return ""
    kind = name.replace(" ", "-")
    return f'<span class="{kind}" style="flex:{number / whole:.6f}" title="{name}: {number}"></span>'


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>"
