"""Steps as OpenTelemetry spans, sent by OTLP over HTTP at the end of each run. Without an address nothing is imported.

A journey's spans lie in the trace of its trip's message, below the span that the platform gave with it. A span is the
time since the record before. The render's and the post's have the ids that went with the graph and to the feed, so
that what is traced there hangs below them. Attributes are the fields of the step's log line: ids, codes, counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.journey import Journey, task_id
from shared.records import (
    Failed,
    Published,
    Received,
    Rendered,
    RenderFailed,
    StepRecord,
    step_of,
)
from shared.telemetry import log
from shared.tracing import child_of, is_sampled, post_purpose

if TYPE_CHECKING:
    from datetime import datetime

#: Seconds that a run waits for the collector, tries included.
_TIMEOUT_S = 2.0
#: Spans that wait for the end of a run; more are dropped. A run writes about ten.
_AT_MOST = 256
_HEX = 16
_SERVICE = "tripcanvas"


@dataclass(frozen=True)
class Spans:
    """The spans of one function instance. `url` is the collector's whole address for traces; it may hold a token."""

    url: str = field(repr=False)
    _waiting: list[Any] = field(default_factory=list, repr=False)

    def add(self, journey: Journey, number: int, attributes: Mapping[str, str | float | bool | None]) -> None:
        """Note the span of the journey's record `number`; one whose trace is not sampled has none."""
        received = journey.find(Received)
        if received is None or not is_sampled(received.traceparent) or len(self._waiting) >= _AT_MOST:
            return
        record = journey.records[number]
        began = journey.records[number - 1].at if number else record.at
        span_id = child_of(received.traceparent, _purpose(journey, number))
        self._waiting.append(_span(received.traceparent, span_id, record, began, attributes))

    def flush(self) -> None:
        """Send what waits. A collector that is down costs `_TIMEOUT_S` and the spans, never a journey."""
        if not self._waiting:
            return
        from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult

        batch = self._waiting[:]
        self._waiting.clear()
        exporter = OTLPSpanExporter(endpoint=self.url, timeout=_TIMEOUT_S)
        try:
            if exporter.export(batch) is not SpanExportResult.SUCCESS:
                log("spans_lost", spans=len(batch))
        finally:
            exporter.shutdown()


def _purpose(journey: Journey, number: int) -> str:
    match journey.records[number]:
        case Rendered() | RenderFailed() as record:
            return task_id(journey.id, record.attempt)
        case Published():
            return post_purpose(journey.id)
        case _:
            return f"{journey.id}/{number}"


def _span(
    parent: str, own: str, record: StepRecord, began: datetime, attributes: Mapping[str, str | float | bool | None]
) -> Any:
    import logging

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    # It would name the address, which may hold a token.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    trace, flags = int(own[3:35], _HEX), TraceFlags(int(own[53:55], _HEX))
    is_bad = isinstance(record, Failed | RenderFailed)
    return ReadableSpan(
        name=step_of(record).value,
        context=SpanContext(trace, int(own[36:52], _HEX), is_remote=False, trace_flags=flags),
        parent=SpanContext(trace, int(parent[36:52], _HEX), is_remote=True, trace_flags=flags),
        resource=Resource({"service.name": _SERVICE}),
        attributes={f"{_SERVICE}.{name}": value for name, value in attributes.items() if value is not None},
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR if is_bad else StatusCode.UNSET),
        start_time=_ns(began),
        end_time=_ns(record.at),
    )


def _ns(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1_000
