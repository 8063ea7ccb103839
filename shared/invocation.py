"""One invocation of a function: its time is bounded, its log lines say whose they are, and its end is told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta

from shared.retries import within
from shared.services import time_left
from shared.telemetry import about, log


@contextlib.contextmanager
def running(context: object) -> Iterator[timedelta]:
    """Run an invocation within the time that the runtime gives it, which is what it yields."""
    left, started = time_left(context), time.monotonic()
    name = str(getattr(getattr(context, "function", None), "name", ""))
    request = str(getattr(context, "request_id", "") or getattr(context, "requestId", ""))
    with within(left.total_seconds()), about(function=name, request=request):
        outcome = "failed"
        try:
            yield left
            outcome = "ended"
        finally:
            log("run", outcome=outcome, duration_ms=round((time.monotonic() - started) * 1000))
