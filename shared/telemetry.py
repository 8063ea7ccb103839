"""One JSON line per event: ids, steps, lengths, durations and outcomes, never content."""

from __future__ import annotations

import json
import logging

_logger = logging.getLogger("tripcanvas")


def log(event: str, **fields: str | float | bool | None) -> None:
    """Write one event. `fields` are ids, codes, counts and durations; no text of a trip or of a model belongs here."""
    _logger.info(json.dumps({"event": event, **fields}, ensure_ascii=False, separators=(",", ":")))
