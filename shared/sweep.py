"""Journeys that should have moved on: asked after, taken further, or closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.cancelling import clean_up
from shared.course import Course
from shared.delivery import go_on, published
from shared.errors import TripcanvasError, Unavailable
from shared.intake import begin
from shared.journey import (
    Journey,
    due_at,
    next_look,
    task_id,
)
from shared.ledger import Marker
from shared.records import Rendered, RenderFailed, Step
from shared.relay import relay_results
from shared.results import files_in
from shared.services import Services
from shared.submission import LIVE
from shared.telemetry import log

#: How long one draining of the sink may take.
_DRAINING_S = 60.0
#: A sink that is fuller than this stops the GPU side soon, and is drained before anything else.
_SINK_IS_FILLING = 0.5


@dataclass(frozen=True, slots=True)
class Sweep:
    """How many journeys were looked at, and what became of them."""

    due: int = 0
    closed: int = 0
    moved: int = 0
    troubled: int = 0


def sweep_journeys(
    services: Services, *, seconds: float = 180.0, monotonic: Callable[[], float] = time.monotonic
) -> Sweep:
    """Go through the markers whose minute has come, live trips first, for at most about `seconds`.

    Whatever becomes of one journey, the next ones are looked at: each is given a later marker, or none.
    """
    end = monotonic() + seconds
    _watch_queues(services)
    swept = Sweep()
    for marker in sorted(services.ledger.due(services.now()), key=lambda found: (found.source != LIVE, found.due)):
        if monotonic() > end:
            break
        swept = replace(swept, due=swept.due + 1)
        try:
            swept = _look_after(marker, services, swept)
        except TripcanvasError as error:
            # The ledger itself: the marker stays where it is, for the next sweep.
            log("trouble", journey=marker.journey_id, during="sweeping", code=type(error).__name__)
            swept = replace(swept, troubled=swept.troubled + 1)
    log("swept", due=swept.due, closed=swept.closed, moved=swept.moved, troubled=swept.troubled)
    return swept


def _watch_queues(services: Services) -> None:
    """Report how full the GPU side's queues are, and drain the sink when it fills: a full one stops the painting."""
    try:
        load = services.image_queue.load()
        log("queues", waiting=load.waiting, unread=load.unread, unread_limit=load.unread_limit)
        if load.unread > _SINK_IS_FILLING * load.unread_limit:
            relay_results(services, seconds=_DRAINING_S, until_empty=True)
    except TripcanvasError as error:
        log("trouble", during="watching_queues", code=type(error).__name__)


def _look_after(marker: Marker, services: Services, swept: Sweep) -> Sweep:
    course = Course(services.ledger.find(marker.journey_id, marker.trip), services)
    before, outcome = course.journey, None
    if before.records:
        outcome = course.run("sweeping", _take_further)
    journey = course.journey
    if outcome is not None and outcome.reason:
        swept = replace(swept, troubled=swept.troubled + 1)
    elif not journey.records or journey.finished:
        services.ledger.unmark(marker)
        course.reopen()
        return replace(swept, closed=swept.closed + 1, moved=swept.moved + (journey.records != before.records))
    due = next_look(journey, services.now(), services.step_allowance)
    later = replace(marker, due=due.replace(second=0, microsecond=0))
    if later != marker:
        services.ledger.mark(later)
        services.ledger.unmark(marker)
    return replace(swept, moved=swept.moved + (journey.records != before.records))


def _is_due(journey: Journey, services: Services) -> bool:
    """Whether it is the sweeper's turn; a journey that another run has just taken further is not due any more."""
    return not journey.finished and due_at(journey, services.step_allowance) <= services.now()


def _take_further(course: Course) -> None:
    journey, services = course.journey, course.services
    if journey.step in (Step.CANCELLED, Step.WITHDRAWN):
        clean_up(course)
    if not _is_due(journey, services):
        return
    log("overdue", journey=journey.id, step=journey.step.value if journey.step else "")
    if services.now() - journey.begun > services.lifetime:
        _give_up(course)
        return
    begin(course)
    if course.journey.finished:
        return
    if journey.step is Step.SUBMITTED:
        _ask_after(course)
    go_on(course)


def _ask_after(course: Course) -> None:
    """What became of a render past its deadline: still queued, reported but unread, painted but unreported, or lost."""
    journey, services = course.journey, course.services
    task = task_id(journey.id, journey.attempt)
    found = services.image_queue.find(task)
    if found is not None and found.reported:
        relay_results(services, seconds=_DRAINING_S, until_empty=True)
        raise Unavailable("eas", "WasUnread", "the render's result lay in the sink; is the relay running?")
    if found is not None:
        raise Unavailable("eas", "StillQueued", "the render's deadline has passed; is the GPU side running?")
    prefix = f"{services.settings.render_prefix}/output/"
    files = files_in([key.removeprefix(prefix) for key in services.renders.keys(f"{prefix}{task}/", limit=10)])
    if files is not None:
        # Its report is on its way, or was lost on it; the picture is what counts.
        course.add(Rendered(at=services.now(), attempt=journey.attempt, files=files.paths, plate=files.plate))
        return
    reason = "the render's deadline has passed, neither queue holds it, and it left no picture"
    course.add(RenderFailed(at=services.now(), attempt=journey.attempt, code="lost", reason=reason, retry=True))


def _give_up(course: Course) -> None:
    """Close a journey that is too old, unless its post stands in the feed and only the record of it is missing."""
    journey, services = course.journey, course.services
    receipt = services.feed.find(journey.id) if journey.place is Step.STORED else None
    if receipt is not None:
        course.add(published(journey, receipt, services))
        course.close()
        return
    last = journey.troubles[-1].reason if journey.troubles else f"no progress after {journey.records[-1].at}"
    was_stored = journey.place is Step.STORED
    course.fail("given_up", last)
    if was_stored and course.journey.step is Step.FAILED:
        # A post that is still on its way, or that a topic took and can't be asked for, must not outlive its journey.
        services.feed.withdraw(journey.id)
