"""The progress bar of a backfill: rate, remaining time, posts and failures."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.backfill.sending import Tally

#: Time between two lines where there is no terminal, in seconds.
_LINE_EVERY_S = 30.0


class Bar:
    """Shows a `Tally` as it changes: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._line_at = time.monotonic() + _LINE_EVERY_S
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=console,
            speed_estimate_period=300,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._progress.stop()

    def show(self, tally: Tally) -> None:
        """Show where the run is."""
        if self._console.is_terminal:
            self._progress.update(self._task, completed=tally.rows, description=_said(tally))
        elif time.monotonic() >= self._line_at:
            self._line_at = time.monotonic() + _LINE_EVERY_S
            self._console.print(f"{tally.rows} of {self._total}  {_said(tally)}", markup=False)


def _said(tally: Tally) -> str:
    said = (
        f"{tally.rate:.1f}/s  sent {tally.sent}  posts {tally.posts}  failed {tally.failures}  "
        f"held {tally.held}  under way {tally.under_way}"
    )
    return f"{said}  {tally.note}" if tally.note else said
