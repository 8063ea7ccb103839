"""From the GPU side's output queue to a topic.

EAS does not push; somebody has to poll. A GET of the queue is no lease, so one relay runs at a time. A record is
deleted only after it was forwarded: a crash in between forwards it twice, and the consumer expects that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import msgspec

from shared.clouds.messages import MAX_BODY_BYTES
from shared.errors import Misconfigured, Refused, ServiceError
from shared.results import SinkRecord
from shared.services import Services
from shared.telemetry import log

#: One long poll; the queue holds the request open this long when it has nothing.
_POLL_S = 10.0
_PAUSE_S = 1.0
_BATCH = 16


def relay_results(
    services: Services,
    *,
    seconds: float,
    until_empty: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Poll the sink for `seconds`, or only until it is empty, and forward every record; returns how many.

    A queue or topic that can't be reached is tried again until the time is over; then the last error is raised. `stop`
    is asked between two polls whether to end early.
    """
    end = monotonic() + seconds
    forwarded, failure = 0, None
    while (left := end - monotonic()) > 0 and not stop():
        try:
            moved = _forward(services, 0.0 if until_empty else min(_POLL_S, left))
            forwarded, failure = forwarded + moved, None
            if until_empty and not moved:
                break
        except ServiceError as error:
            failure = error
            log("trouble", during="relaying", service=error.service, code=error.code)
            sleep(min(_PAUSE_S, max(0.0, end - monotonic())))
        except Misconfigured:
            log("trouble", during="relaying", code="Misconfigured")
            raise
    if failure is not None:
        raise failure
    return forwarded


def _body(record: SinkRecord) -> bytes:
    """The record as ASCII JSON, which any message body may hold; without its answer when that is too large."""
    for answer in (record.answer, ""):
        body = json.dumps({**msgspec.structs.asdict(record), "answer": answer}).encode()
        if len(body) <= MAX_BODY_BYTES:
            break
    return body


def _forward(services: Services, wait_s: float) -> int:
    queue = services.image_queue
    # A GET that waits comes back only when it has as many records as it asked for: wait for one, take what there is.
    records = queue.poll_sink(wait_s=0, length=_BATCH)
    if not records and wait_s:
        records = queue.poll_sink(wait_s=wait_s, length=1)
    topic = services.settings.need("result_topic")
    forwarded: list[SinkRecord] = []
    try:
        for record in records:
            try:
                services.messages.publish(topic, _body(record))
            except Refused as error:
                # No topic will ever carry it: it must not block those behind it. The journey's deadline finds it.
                log("result_dropped", task=record.task_id, index=record.index, code=error.code)
            else:
                log("relayed", task=record.task_id, index=record.index, status=record.status)
            forwarded.append(record)
    finally:
        if forwarded:
            queue.delete_from_sink(forwarded)
    return len(forwarded)
