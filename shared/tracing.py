"""W3C trace context: one trace from the platform's message to the feed's post.

A ``traceparent`` is ``00-<trace id, 32 hex>-<span id, 16 hex>-<flags>`` (https://www.w3.org/TR/trace-context/). Each
hop that this product makes carries the trace it was given and a span id of its own, which follows from what it is for:
a repetition is the same span.
"""

from __future__ import annotations

import hashlib
import re

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def is_traceparent(text: str) -> bool:
    """Whether this is a trace that can be carried on."""
    return _TRACEPARENT.fullmatch(text) is not None


def trace_id(traceparent: str) -> str:
    """The trace's id; "" for what is no traceparent."""
    return traceparent[3:35] if is_traceparent(traceparent) else ""


def is_sampled(traceparent: str) -> bool:
    """Whether its sender wants the trace recorded; what is no traceparent is not."""
    return is_traceparent(traceparent) and bool(int(traceparent[53:55], 16) & 1)


def post_purpose(journey: str) -> str:
    """What the hop to the feed is for; two journeys of a trip are in one trace."""
    return f"{journey}/post"


def child_of(traceparent: str, purpose: str) -> str:
    """The traceparent of a hop: the same trace and flags, a span id for `purpose`; "" without a trace."""
    if not is_traceparent(traceparent):
        return ""
    span = hashlib.sha256(f"{traceparent[3:35]}/{purpose}".encode()).hexdigest()[:16]
    return f"{traceparent[:36]}{span}{traceparent[52:]}"
