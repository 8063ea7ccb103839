"""One JSON line per event: ids, steps, lengths, durations and outcomes, never content."""

from __future__ import annotations

import json
import logging
import re

_logger = logging.getLogger("tripcanvas")

#: Every field that an event may have. There is none for a text: a name that is missing here must be one for an id, a
#: code, a step, a count, a size or a duration.
FIELDS = frozenset(
    """
    at attempt closed code due during error field index journey moved rounds service size_bytes source status step task
    troubled unread unread_limit waiting
    """.split()  # noqa: SIM905
)

#: What ids, codes, steps and places in the code look like; a sentence, a name or anything Chinese is none of them.
_WORD = re.compile(r"[A-Za-z0-9_.:<>\[\]$-]{0,128}", re.ASCII)


def log(event: str, **fields: str | float | bool | None) -> None:
    """Write one event. `fields` are ids, codes, counts and durations; no text of a trip or of a model belongs here.

    Raises `TypeError` for a field that is not in `FIELDS`. A text that is no plain word is told by its length only.
    """
    if not FIELDS.issuperset(fields):
        raise TypeError(f"log: no field {', '.join(sorted(set(fields) - FIELDS))}")
    told = {name: _word(value) if isinstance(value, str) else value for name, value in fields.items()}
    _logger.info(json.dumps({"event": event, **told}, ensure_ascii=False, separators=(",", ":")))


def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) else f"<{len(text)} characters>"
