"""One JSON line per event: ids, steps, lengths, durations and outcomes, never content."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

_logger = logging.getLogger("tripcanvas")

#: Every field that an event may have. There is none for a text: a name that is missing here must be one for an id, a
#: code, a step, a count, a size or a duration.
FIELDS = frozenset(
    """
    age_ms at attempt closed code cost_cny due duration_ms during error fallback field function index input_tokens
    journey model moved outcome output_tokens pictures renders request rounds service size_bytes source spans status
    step style task trace trip troubled unpriced unread unread_limit verdict visibility waiting workflow
    """.split()  # noqa: SIM905
)

#: What every line of the present invocation says.
_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default={})  # noqa: B039  (never changed in place)

#: What ids, codes, steps and places in the code look like; a sentence, a name or anything Chinese is none of them.
_WORD = re.compile(r"[A-Za-z0-9_.:<>\[\]$-]{0,128}", re.ASCII)


def log(event: str, **fields: str | float | bool | None) -> None:
    """Write one event. `fields` are ids, codes, counts and durations; no text of a trip or of a model belongs here.

    Raises `TypeError` for a field that is not in `FIELDS`. A text that is no plain word is told by its length only.
    """
    if not FIELDS.issuperset(fields):
        raise TypeError(f"log: no field {', '.join(sorted(set(fields) - FIELDS))}")
    told = {
        name: _word(value) if isinstance(value, str) else value for name, value in {**fields, **_context.get()}.items()
    }
    _logger.info(json.dumps({"event": event, **told}, ensure_ascii=False, separators=(",", ":")))


@contextlib.contextmanager
def about(**fields: str) -> Iterator[None]:
    """Have every line that is written meanwhile carry these fields, too; empty ones are left out."""
    token = _context.set({**_context.get(), **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _context.reset(token)


def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) else f"<{len(text)} characters>"
