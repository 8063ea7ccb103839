"""Times and ages as people read them: in the local zone with its offset, and in words."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def local(at: datetime) -> str:
    """A time in this machine's zone, to the second, with its offset: ``05-02 22:38:00 +0800``."""
    return f"{at.astimezone():%m-%d %H:%M:%S %z}"


def in_words(span: timedelta) -> str:
    """A length of time by its two largest units, below ten seconds with tenths: ``2 d 3 h``, ``0.3 s``."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = int(seconds)
    parts: list[str] = []
    for name, size in _UNITS:
        if left >= size or parts:
            parts.append(f"{left // size} {name}")
            left %= size
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 "))
