"""Journeys that should have moved on: asked after, taken further, or closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.delivery import go_on, published
from shared.errors import NotDone, TripcanvasError, Unavailable
from shared.intake import prompt
from shared.journey import Journey, Rendered, RenderFailed, Step, is_overdue, task_id
from shared.services import Services
from shared.submission import close_failed, record, submit
from shared.telemetry import log
from shared.troubles import note_trouble


@dataclass(frozen=True, slots=True)
class Sweep:
    """How many journeys were looked at, and what became of them."""

    due: int = 0
    closed: int = 0
    moved: int = 0
    troubled: int = 0


def sweep_journeys(
    services: Services, *, limit: int = 500, seconds: float = 180.0, monotonic: Callable[[], float] = time.monotonic
) -> Sweep:
    """Go through the markers whose minute has come, at most `limit` of them, for at most about `seconds`.

    Whatever becomes of one journey, the next ones are looked at: a journey with trouble goes to the end of the line.
    """
    now, end = services.now(), monotonic() + seconds
    due = closed = moved = troubled = 0
    for marker, journey_id in services.ledger.due(now, limit=limit):
        if monotonic() > end:
            break
        due += 1
        journey = before = Journey(journey_id)
        try:
            journey = before = services.ledger.read(journey_id)
            if not journey.finished and is_overdue(journey, now, services.step_allowance):
                journey = _take_further(journey, services)
            moved += journey.records != before.records
            if journey.finished or not journey.records:
                services.ledger.drop_marker(marker)
                closed += 1
                continue
        except TripcanvasError as error:
            note_trouble(journey_id, "sweeping", error, services)
            troubled += 1
        services.ledger.postpone(marker, journey_id, now + services.step_allowance)
    log("swept", due=due, closed=closed, moved=moved, troubled=troubled)
    return Sweep(due, closed, moved, troubled)


def _take_further(journey: Journey, services: Services) -> Journey:
    log("overdue", journey=journey.id, step=journey.step.value if journey.step else "")
    if services.now() - journey.records[0].at > services.lifetime:
        return _given_up(journey, services)
    try:
        journey = prompt(journey, services)
        if journey.step in (Step.PROMPTED, Step.SUBMITTING):
            return submit(journey, services)
        if journey.step is Step.SUBMITTED:
            journey = _asked_after(journey, services)
        for further in go_on(journey, services):
            journey = further
        return journey
    except NotDone as error:
        return close_failed(journey, "overdue", str(error), services)


def _asked_after(journey: Journey, services: Services) -> Journey:
    """What became of a render that is not reported: still queued, painted but not reported, or lost."""
    task = task_id(journey.id, journey.attempt)
    if services.image_queue.find(task):
        raise Unavailable("eas", "StillQueued", "the render's deadline has passed; is the GPU side running?")
    prefix = f"{services.settings.render_prefix}/output/"
    files = tuple(key.removeprefix(prefix) for key in services.renders.keys(f"{prefix}{task}/", limit=10))
    if files:
        # Its report is on its way, or was lost on it; the picture is what counts.
        return record(journey, Rendered(at=services.now(), attempt=journey.attempt, files=files), services)[0]
    lost = RenderFailed(
        at=services.now(),
        attempt=journey.attempt,
        code="lost",
        reason="the render's deadline has passed, neither queue holds it, and it left no picture",
        retry=True,
    )
    return record(journey, lost, services)[0]


def _given_up(journey: Journey, services: Services) -> Journey:
    """Close a journey that is too old, unless its post stands in the feed and only the record of it is missing."""
    receipt = services.feed.find(journey.id) if journey.step is Step.STORED else None
    if receipt is not None:
        return record(journey, published(journey, receipt, services), services)[0]
    last = journey.troubles[-1].reason if journey.troubles else f"no progress after {journey.records[-1].at}"
    return close_failed(journey, "given_up", last, services)
