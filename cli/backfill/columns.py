"""Flat names for the trip-completed message: what the columns of a CSV or Parquet source are called.

``start_city`` is `start.city` of the message, and so on; lists stand in one cell, separated by semicolons. An empty
cell is a field that is absent. A Parquet column may also hold what the message holds: a struct ``start``, a list
``via_cities``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from shared.errors import InvalidInput

_TEXT, _WHOLE, _NUMBER, _YES_NO, _LIST = "text", "whole", "number", "yes_no", "list"

#: Column, the member of the message that it fills, and how its text is read.
COLUMNS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "trip_id": (("trip_id",), _TEXT),
    "owner_id": (("owner_id",), _TEXT),
    "started_at": (("started_at",), _TEXT),
    "ended_at": (("ended_at",), _TEXT),
    "emoji": (("emoji",), _TEXT),
    "text": (("text",), _TEXT),
    "driving_seconds": (("driving_seconds",), _WHOLE),
    "distance_km": (("distance_km",), _NUMBER),
    "start_address": (("start", "address"), _TEXT),
    "start_city": (("start", "city"), _TEXT),
    "start_weather": (("start", "weather"), _TEXT),
    "end_address": (("end", "address"), _TEXT),
    "end_city": (("end", "city"), _TEXT),
    "end_weather": (("end", "weather"), _TEXT),
    "via_cities": (("via_cities",), _LIST),
    "team_name": (("team", "name"), _TEXT),
    "team_size": (("team", "size"), _WHOLE),
    "car_description": (("car", "description"), _TEXT),
    "car_model": (("car", "model"), _TEXT),
    "car_color": (("car", "color"), _TEXT),
    "consent_process": (("consent", "process"), _YES_NO),
    "consent_publish": (("consent", "publish"), _YES_NO),
    "consent_show_cities": (("consent", "show_cities"), _YES_NO),
    "styles": (("styles",), _LIST),
}
#: Without these no row can be a trip.
REQUIRED = ("trip_id", "started_at", "ended_at", "consent_process", "consent_publish")
#: Members of the message that a column may hold as they are.
_NESTED = frozenset({"start", "end", "team", "car", "consent", "event", "version"})

_YES = frozenset({"true", "1", "yes", "y", "是"})
_NO = frozenset({"false", "0", "no", "n", "否"})
_SEPARATORS = re.compile("[;；]")


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of one source: `names` as they stand there, `ignored` those that fill nothing."""

    names: tuple[str, ...]
    ignored: tuple[str, ...]


def read_header(names: Iterable[str], where: str) -> Header:
    """Judge the names of the columns.

    A name that is unknown but near one that is absent is taken for a mistake. Raises `InvalidInput` for that, for a
    required column that is absent, and for a name that stands twice.
    """
    named = tuple(name.strip() for name in names)
    twice = sorted({name for name in named if name and named.count(name) > 1})
    if twice:
        raise InvalidInput(where, f"every column once; there are several of {', '.join(twice)}")
    absent = [name for name in COLUMNS if name not in named]
    ignored = tuple(name for name in named if name not in COLUMNS and name not in _NESTED)
    for name in ignored:
        near = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.75)
        if near:
            raise InvalidInput(where, f"known columns; for {name}, is {near[0]} meant? Rename it, or leave it out")
    missing = [name for name in REQUIRED if name in absent and COLUMNS[name][0][0] not in named]
    if missing:
        raise InvalidInput(where, f"the columns {', '.join(missing)} too, which every trip needs")
    return Header(named, ignored)


def message_of(values: Iterable[tuple[str, Any]]) -> bytes:
    """One row, as a trip message. Raises `InvalidInput`, naming the column."""
    # Present even when their cells are empty: what is missing is then named by its own column.
    message: dict[str, Any] = {"start": {}, "end": {}, "consent": {}}
    for name, value in values:
        if value is None or value == "":
            continue
        if name in _NESTED:
            message[name] = _plain(value)
        elif name in COLUMNS:
            path, kind = COLUMNS[name]
            folder = message
            for part in path[:-1]:
                folder = folder.setdefault(part, {})
            folder[path[-1]] = _read(name, kind, value.strip()) if isinstance(value, str) else _plain(value)
    try:
        return msgspec.json.encode(message)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise InvalidInput("row", "texts, numbers, times and lists of them") from None


def column_of(field: str) -> str:
    """The column that a field of the message comes from: ``consent.publish`` is ``consent_publish``."""
    flat = field.replace(".", "_", 1)
    return flat if flat in COLUMNS else field


def _read(name: str, kind: str, text: str) -> Any:
    try:
        if kind == _WHOLE:
            return int(text)
        if kind == _NUMBER:
            return float(text)
    except ValueError:
        raise InvalidInput(name, "a whole number" if kind == _WHOLE else "a number") from None
    if kind == _YES_NO:
        if text.lower() not in _YES | _NO:
            raise InvalidInput(name, "true or false")
        return text.lower() in _YES
    if kind == _LIST:
        return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    return text


def _plain(value: Any) -> Any:
    """A value of Parquet as JSON has it; absent members are left out."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value if member is not None]
    return float(value) if isinstance(value, Decimal) else value
