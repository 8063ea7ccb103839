"""Journeys that should have moved on: asked after, taken further, or closed."""

from __future__ import annotations

from dataclasses import dataclass

from shared.delivery import go_on
from shared.errors import Misconfigured, NotDone, ServiceError, Unavailable
from shared.intake import note_trouble, prompt
from shared.journey import Journey, RenderFailed, Step, is_overdue, task_id
from shared.services import Services
from shared.submission import close_failed, record, submit
from shared.telemetry import log


@dataclass(frozen=True, slots=True)
class Sweep:
    """How many journeys were looked at, and what became of them."""

    due: int = 0
    closed: int = 0
    moved: int = 0
    troubled: int = 0


def sweep_journeys(services: Services, *, limit: int = 200) -> Sweep:
    """Go through the markers whose minute has come, at most `limit` of them."""
    now = services.now()
    due = closed = moved = troubled = 0
    for marker, journey_id in services.ledger.due(now, limit=limit):
        due += 1
        journey = Journey(journey_id)
        try:
            journey = services.ledger.read(journey_id)
            before = journey.records
            if not journey.finished and is_overdue(journey, now, services.step_allowance):
                journey = _take_further(journey, services)
        except (ServiceError, Misconfigured) as error:
            note_trouble(journey_id, "sweeping", error, services)
            troubled += 1
            continue
        moved += journey.records != before
        if journey.finished or not journey.records:
            services.ledger.drop_marker(marker)
            closed += 1
        else:
            services.ledger.postpone(marker, journey_id, now + services.step_allowance)
    log("swept", due=due, closed=closed, moved=moved, troubled=troubled)
    return Sweep(due, closed, moved, troubled)


def _take_further(journey: Journey, services: Services) -> Journey:
    log("overdue", journey=journey.id, step=journey.step.value if journey.step else "")
    if services.now() - journey.records[0].at > services.lifetime:
        last = journey.troubles[-1].reason if journey.troubles else f"no progress after {journey.records[-1].at}"
        return close_failed(journey, "given_up", last, services)
    try:
        journey = prompt(journey, services)
        if journey.step in (Step.PROMPTED, Step.SUBMITTING):
            return submit(journey, services)
        if journey.step is Step.SUBMITTED:
            if services.image_queue.find(task_id(journey.id, journey.attempt)):
                waiting = Unavailable(
                    "eas", "StillQueued", "the render's deadline has passed; is the GPU side running?"
                )
                note_trouble(journey.id, "submitted", waiting, services)
                return journey
            lost = RenderFailed(
                at=services.now(),
                attempt=journey.attempt,
                code="lost",
                reason="the render's deadline has passed and neither queue holds it",
                retry=True,
            )
            journey, _ = record(journey, lost, services)
        for further in go_on(journey, services):
            journey = further
        return journey
    except NotDone as error:
        return close_failed(journey, "overdue", str(error), services)
