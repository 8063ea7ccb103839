"""Steps as they happen, read from the ledger: the same on the embedded cloud and in an account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.deployment import Env, opened
from cli.history import lines_of
from cli.options import Root, fail
from cli.times import local
from shared.errors import TripcanvasError
from shared.journey import Journey, is_journey_id
from shared.ledger import Ledger
from shared.withdrawing import AFTERWARDS

#: Journeys that are followed at once; one look at each costs a call, and one more when it has moved.
MOST_FOLLOWED = 200
_PAUSE_S = 2.0
#: How often a journey that is not in the index any more is looked at for its last steps.
_LAST_LOOKS = 5

console = Console(highlight=False)


@dataclass
class Watch:
    """What is known of the journeys that are followed, so that every step is told once."""

    ledger: Ledger
    since: datetime
    journeys: tuple[str, ...] = ()
    left_out: int = 0
    _keys: dict[str, list[str]] = field(default_factory=dict)
    _told: dict[str, set[tuple[datetime, str]]] = field(default_factory=dict)
    _looks_left: dict[str, int] = field(default_factory=dict)
    _stopped: set[str] | None = None

    def look(self) -> Iterator[tuple[datetime, str, str, str]]:
        """Time, journey, step and detail of what is new, in its order. Raises what the ledger raises."""
        news = [line for journey in self._followed() for line in self._new_of(journey)]
        yield from sorted(news, key=lambda line: line[0])

    def _followed(self) -> list[str]:
        if self.journeys:
            return list(self.journeys)
        # Newest first would need every marker; those that are due first are what an operator looks for.
        markers = [each for each in self.ledger.open(limit=5 * MOST_FOLLOWED) if each.source != AFTERWARDS]
        ids = list(dict.fromkeys(each.journey_id for each in markers))
        self.left_out = max(0, len(ids) - MOST_FOLLOWED)
        ids = ids[:MOST_FOLLOWED]
        ids += self._just_stopped()
        self._looks_left |= dict.fromkeys(ids, _LAST_LOOKS)
        gone = [journey for journey in self._looks_left if journey not in ids]
        for journey in gone:
            self._looks_left[journey] -= 1
            if self._looks_left[journey] <= 0:
                for known in (self._looks_left, self._keys, self._told):
                    known.pop(journey, None)
        return list(self._looks_left)

    def _just_stopped(self) -> list[str]:
        """Journeys that were held or failed since the last look: some come and go between two."""
        stopped = {*self.ledger.held(), *(each.journey_id for each in self.ledger.failures())}
        new = stopped - (stopped if self._stopped is None else self._stopped)
        self._stopped = stopped
        return sorted(new)

    def _new_of(self, journey_id: str) -> Iterator[tuple[datetime, str, str, str]]:
        keys = self.ledger.keys(journey_id)
        if keys == self._keys.get(journey_id):
            return
        self._keys[journey_id] = keys
        told = self._told.setdefault(journey_id, set())
        journey: Journey = self.ledger.read(journey_id)
        for line in lines_of(journey):
            if (line.at, line.step) not in told and line.at >= self.since:
                yield line.at, journey_id, line.step, line.detail
            told.add((line.at, line.step))


def tail(
    root: Root,
    env: Env = None,
    journey: Annotated[list[str] | None, typer.Option("--journey", help="Only this one; may be repeated.")] = None,
    since_min: Annotated[float, typer.Option("--since", help="Begin so many minutes ago.", min=0, max=1440)] = 0.0,
) -> None:
    """Print steps as they happen, until Ctrl-C: at most two hundred journeys at once, looked at every two seconds."""
    for each in journey or ():
        if not is_journey_id(each):
            fail(f"{each} is no journey id; `tripcanvas status` prints those of a trip")
    with opened(root, env) as services:
        watch = Watch(services.ledger, services.now() - timedelta(minutes=since_min), tuple(journey or ()))
        try:
            _follow(watch)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def _follow(watch: Watch, sleep: Callable[[float], None] = time.sleep) -> None:
    silent = left_out = ""
    while True:
        try:
            for at, journey, step, detail in watch.look():
                console.print(_line(at, journey, step, detail), soft_wrap=True)
            silent = ""
        except TripcanvasError as error:
            # An outage is when one wants to see this; it is told once, and what was missed follows.
            if str(error) != silent:
                console.print(Text(f"the ledger can't be read: {error}", style="red"), soft_wrap=True)
            silent = str(error)
        if watch.left_out and not left_out:
            left_out = f"more than {MOST_FOLLOWED} journeys are under way; those that are due first are followed"
            console.print(Text(left_out, style="dim"), soft_wrap=True)
        sleep(_PAUSE_S)


def _line(at: datetime, journey: str, step: str, detail: str) -> Text:
    style = {"trouble": "yellow", "held": "yellow", "failed": "red", "published": "green"}.get(step.split()[0], "")
    return Text.assemble((f"{local(at)}  {journey}  ", "dim"), (f"{step:14}", style), f"  {detail}")
