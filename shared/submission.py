"""A journey's next render: fill the graph, write the intent, queue it, write the outcome."""

from __future__ import annotations

import hashlib

from shared.cancelling import clean_up
from shared.car_orders import CarOrder, car_order, parameters_of, prompt_with_room
from shared.clouds.image_queue import Place
from shared.course import Course, InProgress, NotQueued
from shared.errors import InvalidInput, Misconfigured, NotDone, OutcomeUnknown, Refused, Unavailable
from shared.journey import (
    MAX_RENDERS,
    TAKE_OVER_AFTER,
    TAKING_OVER,
    Journey,
    seed_of,
    task_id,
)
from shared.records import (
    Prompted,
    Received,
    Step,
    Submitted,
    Submitting,
    Trouble,
)
from shared.results import PICTURE, PLATE
from shared.services import Services
from shared.tracing import child_of
from shared.workflows import Workflow

#: Where a trip came from: a vehicle just now, or a file of past trips. Live trips go first.
LIVE, BACKFILL = "live", "backfill"
#: The ordered picture; portrait 4:5, legal for wan2.2 and older.
WIDTH, HEIGHT = 768, 960


def submit(course: Course) -> None:
    """Queue the journey's next attempt, or finish the submission that an earlier run began.

    Raises `NotDone` when the renders are used up, and what the queue raises when it can't be reached: the intent then
    stands on the ledger, and a later run goes on from there.
    """
    last = course.journey.records[-1]
    if isinstance(last, Submitting):
        _take_over(course, last)
        return
    intent = _intent(course)
    course.add(intent)
    course.commit()
    _queue(course, intent)


def _intent(course: Course) -> Submitting:
    journey, services = course.journey, course.services
    if not journey.may_render_again:
        raise NotDone(f"{MAX_RENDERS} renders are used up")
    attempt = journey.attempt + 1
    task = task_id(journey.id, attempt)
    workflow = services.workflow_of(journey.render_of(attempt))
    return Submitting(
        at=services.now(),
        attempt=attempt,
        task_id=task,
        workflow=workflow.about.name,
        graph_sha256=hashlib.sha256(_graph(journey, attempt, workflow, services)).hexdigest(),
        seed=seed_of(task),
    )


def _take_over(course: Course, intent: Submitting) -> None:
    """Whether the queue took the request is unknown: look, and queue it only when it is not there.

    An intent whose owner noted that nothing was taken is free at once; any other only when its owner can't be at it
    any more. A run that takes it over writes that first, and is the owner from then on.
    """
    mine = [trouble for trouble in course.journey.troubles if trouble.attempt == intent.attempt]
    last, now = mine[-1] if mine else None, course.services.now()
    released = last is not None and last.nothing_taken
    if not released and now - (last.at if last else intent.at) < TAKE_OVER_AFTER:
        raise InProgress("eas", "SubmissionInProgress", "another run may be queueing this attempt now")
    note = Trouble(
        at=now,
        attempt=intent.attempt,
        during=TAKING_OVER,
        service="eas",
        code="TakenOver",
        reason="an earlier run's submission has no outcome",
    )
    course.journey = course.journey.troubled_by(note)
    course.commit()
    found = course.services.image_queue.find(intent.task_id)
    if found is None:
        _queue(course, intent)
    else:
        _submitted(course, intent, _index_in_input(found), "")


def _queue(course: Course, intent: Submitting) -> None:
    queue, received = course.services.image_queue, course.journey.need(Received)
    # What was intended, whatever the settings say by now.
    workflow = course.services.workflow_named(intent.workflow)
    graph = _graph(course.journey, intent.attempt, workflow, course.services)
    try:
        index, request_id = queue.put(
            graph,
            task_id=intent.task_id,
            traceparent=child_of(received.traceparent, intent.task_id),
            priority=received.source == LIVE,
        )
    except OutcomeUnknown:
        found = queue.find(intent.task_id)
        if found is None:
            raise
        index, request_id = _index_in_input(found), ""
    except Unavailable as error:
        raise NotQueued(error.service, error.code, intent.attempt) from None
    except Refused as error:
        course.fail("submission_refused", str(error))
        return
    _submitted(course, intent, index, request_id)


def _index_in_input(place: Place) -> int:
    return 0 if place.reported else place.index


def _submitted(course: Course, intent: Submitting, index: int, request_id: str) -> None:
    now = course.services.now()
    deadline = now + course.services.render_deadline
    outcome = Submitted(at=now, attempt=intent.attempt, index=index, request_id=request_id, deadline=deadline)
    if not course.settle(outcome) and course.journey.step is Step.WITHDRAWN:
        clean_up(course)


def ordered_car(journey: Journey, attempt: int, workflow: Workflow, services: Services) -> CarOrder | None:
    """The car of one attempt: as its graph orders it, and as its picture is judged by. None: a picture without one."""
    received = journey.need(Received)
    return car_order(received, services.style(received.style), journey.render_of(attempt), workflow, services.cars)


def _graph(journey: Journey, attempt: int, workflow: Workflow, services: Services) -> bytes:
    prompted, task = journey.need(Prompted), task_id(journey.id, attempt)
    prompt, car = prompted.brief.painting_prompt, ordered_car(journey, attempt, workflow, services)
    values: dict[str, str | int | float] = {
        "prompt": prompt_with_room(prompt, workflow) if car else prompt,
        "negative_prompt": prompted.brief.negative_prompt,
        "seed": seed_of(task),
        "size": f"{WIDTH}*{HEIGHT}",
        "width": WIDTH,
        "height": HEIGHT,
        "model": services.settings.image_model,
        "filename_prefix": f"{task}/{PICTURE}",
        "plate_prefix": f"{task}/{PLATE}",
        **parameters_of(car),
    }
    try:
        return workflow.fill(
            {name: value for name, value in values.items() if name in workflow.parameters},
            max_bytes=int(services.settings.number("eas_max_payload_bytes")),
        )
    except InvalidInput as error:
        if error.field in ("prompt", "negative_prompt", "car", "car_colour", "graph"):
            raise NotDone(f"the graph can't be filled: {error}") from None
        raise Misconfigured(f"workflow {workflow.about.name}: {error}") from None
