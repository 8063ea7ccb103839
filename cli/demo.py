"""The demonstration: trips through the embedded cloud, told step by step."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from cli.cloud import is_up, silent_services, start_detached, stop
from cli.deployment import Deployment, embedded
from cli.journeys import CloudDown, Follower, journeys_of, publish, save_pictures, tell
from localcloud.state import SERVICES, Cloud
from shared.journey import Journey
from shared.records import (
    Published,
    Record,
    Rejected,
    Step,
)
from shared.services import Services

console = Console(highlight=False)

#: Seconds a service may stay silent before following is given up.
_GRACE_S = 8.0
_HEALTH_EVERY_S = 1.0
_PREVIEW_COLUMNS = 44


def run_demo(cloud: Cloud, files: list[Path], *, out: Path, keep: bool, timeout_s: float) -> bool:
    """Start the cloud unless it runs, publish the trips, follow them to the end, save their pictures.

    Returns whether every trip was posted. Raises `CloudDown` when a service stays silent.
    """
    clock = _Clock()
    mine = not is_up(cloud) and start_detached(cloud)
    try:
        clock.line("cloud", f"{len(SERVICES)} services on this machine, standing in for Alibaba Cloud")
        deployment = embedded(cloud)
        services = deployment.services
        names = {}
        for file in files:
            body = _as_a_new_trip(file.read_bytes())
            message_id = publish(body, services)
            clock.line("published", f"{file.name} to the topic trip-completed, message {message_id}")
            for journey in journeys_of(body, services):
                names[journey] = file.stem
                clock.line("journey", journey)
        journeys = _follow(deployment, list(names), clock, timeout_s, names if len(names) > 1 else {})
        for found in journeys.values():
            _show(found, services, out, names[found.id])
        posted = all(found.step is Step.PUBLISHED for found in journeys.values())
        if keep or not mine:
            _say(f"\nFeed    [bold]{cloud.url('feed')}[/bold]   (`tripcanvas down` stops everything)")
        else:
            _say(f"\nFeed    {cloud.url('feed')}   (only while the cloud runs: --keep leaves it running)")
        return posted
    finally:
        if mine and not keep:
            stop(cloud)


def follow_journeys(deployment: Deployment, journeys: list[str], *, timeout_s: float) -> bool:
    """Follow journeys and print their steps; whether all ended."""
    found = _follow(deployment, journeys, _Clock(), timeout_s, {})
    return all(journey.finished for journey in found.values())


def _follow(
    deployment: Deployment, journeys: list[str], clock: _Clock, timeout_s: float, names: dict[str, str]
) -> dict[str, Journey]:
    look = _Watch(deployment.cloud).look if deployment.cloud else _look_nowhere

    def on_record(journey: Journey, record: Record) -> None:
        step, detail = tell(journey, record)
        clock.line(step, detail, names.get(journey.id, ""))

    found = Follower(deployment.services, on_record, look).follow(journeys, timeout_s=timeout_s)
    for journey in found.values():
        if not journey.finished:
            last = journey.troubles[-1].reason if journey.troubles else "no record of what it waits for"
            at = journey.step.value if journey.step else "nothing"
            clock.line("unfinished", f"journey {journey.id} stands at {at} after {timeout_s:g} s: {last}")
    return found


def _as_a_new_trip(body: bytes) -> bytes:
    """The message under a trip id of its own, so that every demonstration paints: a trip is posted only once.

    What is no trip with an id stays as it is.
    """
    try:
        trip = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return body
    if not isinstance(trip, dict) or not isinstance(trip.get("trip_id"), str) or len(trip["trip_id"]) > 50:
        return body
    return json.dumps({**trip, "trip_id": f"{trip['trip_id']}-{secrets.token_hex(4)}"}, ensure_ascii=False).encode()


def _show(journey: Journey, services: Services, out: Path, name: str) -> None:
    paths = save_pictures(journey, services, out, name)
    if paths and console.is_terminal:
        console.print(_preview(paths[0]))
    for path, what in zip(paths, ("Picture", "Card   "), strict=False):
        _say(f"{what} [bold]{path}[/bold]")
    published = journey.find(Published)
    if published is not None:
        _say(f"Post    {published.post_url or published.post_id} ({published.visibility})")
    if journey.find(Rejected) is not None:
        _say(f"Journey {journey.id} was rejected; the dead-letter queue says why")


def _say(line: str) -> None:
    """One line, however narrow the terminal: addresses and paths must stay whole."""
    console.print(line, soft_wrap=True)


def _preview(path: Path) -> Text:
    """The picture in half blocks, for a terminal in true colour."""
    from PIL import Image

    with Image.open(path) as image:
        rows = round(_PREVIEW_COLUMNS * image.height / image.width / 2) * 2
        small = image.convert("RGB").resize((_PREVIEW_COLUMNS, rows), Image.Resampling.BOX)
    text = Text()
    for y in range(0, rows, 2):
        for x in range(_PREVIEW_COLUMNS):
            upper, lower = small.getpixel((x, y)), small.getpixel((x, y + 1))
            text.append("▀", f"rgb({_triple(upper)}) on rgb({_triple(lower)})")
        text.append("\n")
    return text


def _triple(pixel: object) -> str:
    return ",".join(str(value) for value in pixel) if isinstance(pixel, tuple) else "0,0,0"


class _Clock:
    """Prints lines with the seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def line(self, step: str, detail: str, name: str = "") -> None:
        colour = {"trouble": "yellow", "failed": "red", "rejected": "red", "unfinished": "red", "published": "green"}
        elapsed = f"[dim]{time.monotonic() - self._start:5.1f} s[/dim]"
        which = f"[dim]{escape(name)}[/dim]  " if name else ""
        console.print(
            f"{elapsed}  [{colour.get(step.split()[0], 'cyan')}]{step:<16}[/]{which}{escape(detail)}", soft_wrap=True
        )


def _look_nowhere() -> None:
    """An account has no services of ours to watch."""


class _Watch:
    """Looks, about every second, whether the services still answer."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._next = 0.0
        self._silent_since: float | None = None

    def look(self) -> None:
        """Raise `CloudDown` when some service has been silent for longer than the grace."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _HEALTH_EVERY_S
        silent = silent_services(self._cloud)
        if not silent:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since > _GRACE_S:
            if len(silent) == len(SERVICES):
                raise CloudDown("no service of the embedded cloud answers; `tripcanvas up` starts it")
            raise CloudDown(
                f"{', '.join(silent)} of the embedded cloud does not answer (log: {self._cloud.log_file(silent[0])}); "
                f"start it again with `tripcanvas service {silent[0]} start`, and look with `tripcanvas follow` "
                "what became of the journey"
            )
