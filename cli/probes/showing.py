"""What the probes said, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.findings import Finding
from cli.probes.probe import Outcome


def table(outcomes: Iterable[Outcome]) -> Table:
    """One row for each probe: what was asked, what the answer was, and how long it took."""
    found = Table("", "what", "answer", "s", "costs", box=None)
    for outcome in outcomes:
        found.add_row(
            _mark(outcome),
            Text(outcome.probe.what),
            Text(outcome.answer.text, overflow="fold"),
            Text(f"{outcome.seconds:.1f}", justify="right"),
            Text(outcome.probe.price),
        )
    return found


def document(outcomes: Iterable[Outcome], findings: Iterable[Finding]) -> str:
    """The same as JSON: what was asked, and everything that should be mended."""
    return json.dumps(
        {
            "probes": [
                {
                    "what": outcome.probe.what,
                    "answer": outcome.answer.text,
                    "state": _state(outcome),
                    "seconds": round(outcome.seconds, 3),
                    "costs": outcome.probe.price,
                }
                for outcome in outcomes
            ],
            "findings": [_told(finding) for finding in findings],
        },
        ensure_ascii=False,
        indent=2,
    )


def _told(finding: Finding) -> dict[str, Any]:
    return {"what": finding.what, "where": finding.where, "remedy": finding.remedy}


def _state(outcome: Outcome) -> str:
    if outcome.answer.findings:
        return "finding"
    return "well" if outcome.answer.is_known else "not asked"


def _mark(outcome: Outcome) -> Text:
    marks = {"well": ("✓", "green"), "finding": ("✗", "red"), "not asked": ("·", "dim")}
    sign, style = marks[_state(outcome)]
    return Text(sign, style)
