"""What the signature checks of several services share: the request as it was on the wire, and the clock rule."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

#: OSS, SMQ and the open API all refuse a request whose time differs from theirs by more than this.
MAX_CLOCK_SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it travelled: `path` and `query` still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, request: Request) -> WireRequest:
        """The wire form of a Starlette request; its decoded form has lost what was signed."""
        raw_path: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        # Header bytes beyond ASCII are UTF-8 in these SDKs, where Starlette reads Latin-1.
        headers = {
            name.decode("ascii").lower(): value.decode("utf-8", "surrogateescape")
            for name, value in request.scope["headers"]
        }
        return cls(request.method, raw_path.decode("ascii"), query.decode("ascii"), headers)


def same(first: str, second: str) -> bool:
    """Compare two signatures in a time that does not depend on where they differ."""
    return hmac.compare_digest(first.encode("utf-8", "surrogateescape"), second.encode("utf-8", "surrogateescape"))


def http_time(text: str) -> datetime | None:
    """An RFC 1123 time (``Tue, 05 May 2026 10:00:00 GMT``) as an aware datetime; None if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def basic_time(text: str) -> datetime | None:
    """An ISO 8601 basic time (``20260505T100000Z``) as an aware datetime; None if it is none."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def is_skewed(moment: datetime, now: datetime) -> bool:
    """Whether `moment` is too far from `now` for a signed request to be believed."""
    return abs(now - moment) > MAX_CLOCK_SKEW
