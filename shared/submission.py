"""A journey's next render: fill the graph, note the intent, queue it, note the outcome."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from shared.errors import InvalidInput, Misconfigured, NotDone, OutcomeUnknown, Refused, Unavailable
from shared.journey import (
    MAX_ATTEMPTS,
    Failed,
    Journey,
    Prompted,
    Received,
    StepRecord,
    Submitted,
    Submitting,
    Trouble,
    seed_of,
    step_of,
    task_id,
)
from shared.services import Services
from shared.telemetry import log

#: Where a trip came from: a vehicle just now, or a file of past trips. Live trips go first.
LIVE, BACKFILL = "live", "backfill"
#: Age at which an intent without an outcome is taken over: its owner makes one request of at most ten seconds.
TAKE_OVER_AFTER = timedelta(seconds=60)
_TAKING_OVER = "taking_over"
#: The ordered picture; portrait 4:5, legal for wan2.2 and older.
WIDTH, HEIGHT = 768, 960


class NotQueued(Unavailable):
    """The owner of the submission of one `attempt` was refused by the queue, which took nothing."""

    def __init__(self, service: str, code: str, attempt: int) -> None:
        super().__init__(service, code, "nothing was queued")
        self.attempt = attempt


def submit(journey: Journey, services: Services) -> Journey:
    """Queue the journey's next attempt, or finish the submission that an earlier run began.

    Returns the journey with its new records. Raises `NotDone` when the attempts are used up, and what the queue raises
    when it can't be reached: the intent then stands in the ledger, and a later run goes on from there.
    """
    last = journey.records[-1]
    if isinstance(last, Submitting):
        return _take_over(journey, last, services)
    intent = _intent(journey, services)
    journey, mine = record(journey, intent, services)
    return _queue(journey, intent, services) if mine else journey


def close_failed(journey: Journey, code: str, reason: str, services: Services) -> Journey:
    """End the journey as `failed`."""
    journey, _ = record(journey, Failed(at=services.now(), code=code, reason=reason), services)
    services.ledger.close(journey, services.step_allowance)
    return journey


def record(journey: Journey, new: StepRecord, services: Services) -> tuple[Journey, bool]:
    """Write a record; the journey with it, and whether it was this call that wrote it.

    When another instance wrote the step first, the journey comes back as the ledger has it.
    """
    if services.ledger.add(journey, new):
        log("step", journey=journey.id, step=step_of(new).value, attempt=new.attempt)
        return journey.followed_by(new), True
    return services.ledger.read(journey.id), False


def _intent(journey: Journey, services: Services) -> Submitting:
    attempt = journey.attempt + 1
    if attempt > MAX_ATTEMPTS:
        raise NotDone(f"{MAX_ATTEMPTS} attempts are used up")
    task = task_id(journey.id, attempt)
    return Submitting(
        at=services.now(),
        attempt=attempt,
        task_id=task,
        workflow=services.workflow.about.name,
        graph_sha256=hashlib.sha256(_graph(journey, task, services)).hexdigest(),
        seed=seed_of(task),
    )


def _take_over(journey: Journey, intent: Submitting, services: Services) -> Journey:
    """Whether the queue took the request is unknown: look, and queue it only when it is not there.

    An intent whose owner noted that nothing was taken is free at once; any other only when its owner can't be at it
    any more. One run takes it over: it notes that first, by a create-only object, and is the owner from then on.
    """
    mine = [trouble for trouble in journey.troubles if trouble.attempt == intent.attempt]
    takeovers = [trouble for trouble in mine if trouble.during == _TAKING_OVER]
    releases = [trouble.at for trouble in mine if trouble.nothing_taken]
    since, now = takeovers[-1].at if takeovers else intent.at, services.now()
    released = any(at > since for at in releases) if takeovers else bool(releases)
    in_progress = OutcomeUnknown("eas", "SubmissionInProgress", "another run may be queueing this attempt now")
    if not released and now - since < TAKE_OVER_AFTER:
        raise in_progress
    note = Trouble(
        at=now,
        attempt=intent.attempt,
        during=_TAKING_OVER,
        service="eas",
        code="TakenOver",
        reason="an earlier run's submission has no outcome",
    )
    if not services.ledger.take_over(journey.id, len(takeovers) + 1, note):
        raise in_progress
    if services.image_queue.find(intent.task_id):
        return _submitted(journey, intent, 0, "", services)
    return _queue(journey, intent, services)


def _queue(journey: Journey, intent: Submitting, services: Services) -> Journey:
    received = journey.need(Received)
    graph = _graph(journey, intent.task_id, services)
    try:
        index, request_id = services.image_queue.put(
            graph,
            task_id=intent.task_id,
            traceparent=received.traceparent,
            priority=received.source == LIVE,
        )
    except OutcomeUnknown:
        if not services.image_queue.find(intent.task_id):
            raise
        index, request_id = 0, ""
    except Unavailable as error:
        raise NotQueued(error.service, error.code, intent.attempt) from None
    except Refused as error:
        return close_failed(journey, "submission_refused", str(error), services)
    return _submitted(journey, intent, index, request_id, services)


def _submitted(journey: Journey, intent: Submitting, index: int, request_id: str, services: Services) -> Journey:
    now = services.now()
    submitted = Submitted(
        at=now, attempt=intent.attempt, index=index, request_id=request_id, deadline=now + services.render_deadline
    )
    return record(journey, submitted, services)[0]


def _graph(journey: Journey, task: str, services: Services) -> bytes:
    prompted = journey.need(Prompted)
    try:
        return services.workflow.fill(
            {
                "prompt": prompted.brief.painting_prompt,
                "negative_prompt": prompted.brief.negative_prompt,
                "seed": seed_of(task),
                "size": f"{WIDTH}*{HEIGHT}",
                "model": services.settings.image_model,
                "filename_prefix": f"{task}/picture",
            },
            max_bytes=int(services.settings.number("eas_max_payload_bytes")),
        )
    except InvalidInput as error:
        if error.field in ("prompt", "negative_prompt", "graph"):
            raise NotDone(f"the graph can't be filled: {error}") from None
        raise Misconfigured(f"workflow {services.workflow.about.name}: {error}") from None
