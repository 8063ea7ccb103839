"""What the log tells of one step of a journey: ids, durations, counts and costs, never content. Pure."""

from __future__ import annotations

from datetime import timedelta

from shared.journey import Journey, task_id
from shared.prices import Prices, cost_of
from shared.records import (
    Failed,
    Held,
    Inspected,
    Prompted,
    Published,
    Received,
    Rejected,
    RenderFailed,
    Stored,
    Submitting,
    step_of,
)
from shared.settings import Settings
from shared.tracing import trace_id

_Fields = dict[str, "str | float | bool | None"]


def measures_of(journey: Journey, number: int, prices: Prices | None, settings: Settings) -> _Fields:
    """The fields of the line for the journey's record `number`.

    `duration_ms` is the time since the record before, `age_ms` since the journey was received.
    """
    record, received = journey.records[number], journey.find(Received)
    found: _Fields = {"journey": journey.id, "step": step_of(record).value, "attempt": record.attempt}
    if record.attempt:
        found["task"] = task_id(journey.id, record.attempt)
    if received is not None:
        found |= {
            "trip": received.trip,
            "trace": trace_id(received.traceparent),
            "source": received.source,
            "style": received.style,
            "age_ms": _ms(record.at - received.at),
        }
    if number:
        found["duration_ms"] = _ms(record.at - journey.records[number - 1].at)
    match record:
        case Prompted():
            found |= {
                "model": record.written_by,
                "fallback": bool(record.fallback),
                "input_tokens": record.input_tokens,
                "output_tokens": record.output_tokens,
            }
        case Submitting():
            found["workflow"] = record.workflow
        case RenderFailed() | Held() | Failed() | Rejected():
            found["code"] = record.code
        case Inspected():
            found["verdict"] = record.verdict
        case Stored():
            found |= {"pictures": len(record.variants), "size_bytes": sum(each.size_bytes for each in record.variants)}
        case Published():
            found |= {"visibility": record.visibility, "renders": _renders(journey)}
            if prices is not None:
                cost = cost_of(journey, prices, settings)
                # A part of a cost is none.
                found["cost_cny"] = None if cost.unpriced else cost.cny
                found["unpriced"] = len(cost.unpriced)
        case _:
            pass
    return found


def _renders(journey: Journey) -> int:
    return sum(isinstance(each, Submitting) for each in journey.records)


def _ms(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))
