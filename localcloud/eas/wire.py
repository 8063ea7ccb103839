"""Names and small forms of the queue service's wire protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UID_HEADER = "X-EAS-QueueService-Redis-Uid"
GID_HEADER = "X-EAS-QueueService-Redis-Gid"
#: Clients ask the attribute ``meta.header.priority`` for this name; `_priority_` in the query means the same.
PRIORITY_HEADER = "X-EAS-QueueService-Priority"
REAR_HEADER = "X-EAS-QueueService-Access-Rear"
REQUEST_ID_HEADER = "X-Eas-Queueservice-Request-Id"
#: Requests that carry this header see and set what EAS keeps to itself: a record's path and a sink record's request id.
FRAMEWORK_HEADER = "X-Tripcanvas-Framework"

#: The tag every record carries.
REQUEST_ID_TAG = "requestId"
#: The tag of a sink record whose inference did not answer 200; absent means 200.
LAST_CODE_TAG = "lastCode"
#: The tag under which the framework, and nobody else, gets the path after the service's name.
PATH_TAG = "_path_"

#: The group of a client that names none.
DEFAULT_GID = "eas"

#: The code of a consumer that is about to exit; codes as the Go SDK checks them before it sends one.
SHUTDOWN = "Shutdown"
_CODE = re.compile(r"([A-Z][a-z]*)+(.[A-Z][a-z]*)?|[0-9]+")
_MAX_CODE_LENGTH = 20

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_STEP = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


class QueryError(ValueError):
    """A parameter of the request can't be read; the message names it."""


def tags_of(query: Mapping[str, str]) -> dict[str, str]:
    """The tags in a query: every parameter that does not start with an underscore."""
    return {key: value for key, value in query.items() if not key.startswith("_")}


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Whether the parameter is there and says ``true``."""
    return query.get(name, "").lower() == "true"


def integer(query: Mapping[str, str], name: str, default: int) -> int:
    """A decimal parameter of at most 64 bits. Raises `QueryError`."""
    try:
        number = int(query.get(name, default))
    except ValueError:
        raise QueryError(f"{name} is not an integer") from None
    if number.bit_length() > 63:
        raise QueryError(f"{name} is too large")
    return number


def indexes(query: Mapping[str, str]) -> list[int]:
    """The comma-separated ``_indexes_``. Raises `QueryError`."""
    try:
        return [int(index) for index in query.get("_indexes_", "").split(",")]
    except ValueError:
        raise QueryError("_indexes_ is not a list of integers") from None


def duration_s(text: str) -> float:
    """Seconds of a duration as Go writes it: ``5s``, ``1500ms``, ``1m30s``, ``0``. Raises `QueryError`."""
    if text == "0":
        return 0.0
    steps = _STEP.findall(text)
    if not steps or "".join(number + unit for number, unit in steps) != text:
        raise QueryError("_timeout_ is not a duration")
    return sum(float(number) * _UNITS_S[unit] for number, unit in steps)


def check_code(code: str) -> None:
    """Refuse a code that the SDKs would not send. Raises `QueryError`."""
    if len(code) > _MAX_CODE_LENGTH or not _CODE.fullmatch(code):
        raise QueryError("_code_ is not a code")
