"""One verified request to SMQ, and what its handlers share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcloud.mns.errors import SmqError, invalid_argument, out_of_range

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    from starlette.requests import Request

    from localcloud.mns.pushing import Pusher
    from localcloud.mns.store import Store
    from localcloud.state import Cloud

    _T = TypeVar("_T")

_MAX_PAGE = 1000


@dataclass(slots=True)
class Arrivals:
    """Wakes those who wait for a message of a queue."""

    _waiting: dict[str, asyncio.Event] = field(default_factory=dict)

    def announce(self, queue: str) -> None:
        """A message of `queue` may have become visible."""
        event = self._waiting.pop(queue, None)
        if event is not None:
            event.set()

    async def wait(self, queue: str, timeout_s: float) -> None:
        """Return after the next announcement, or after `timeout_s`."""
        event = self._waiting.setdefault(queue, asyncio.Event())
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except asyncio.TimeoutError:
            return


@dataclass(frozen=True, slots=True)
class Service:
    """What outlives a request."""

    store: Store
    arrivals: Arrivals
    pusher: Pusher
    cloud: Cloud


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose signature was found right."""

    request: Request
    headers: Mapping[str, str]
    body: bytes
    service: Service

    @property
    def store(self) -> Store:
        """Queues, topics, messages."""
        return self.service.store

    def name(self, kind: str) -> str:
        """A name in the path: ``queue``, ``topic`` or ``subscription``."""
        return str(self.request.path_params[kind])

    def parameter(self, name: str) -> str | None:
        """A query parameter as it was sent: a receipt handle comes unescaped, and may hold a plus sign."""
        for pair in self.request.scope["query_string"].decode("ascii").split("&"):
            key, _, value = pair.partition("=")
            if key == name:
                return str(value)
        return None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """An integer query parameter. Raises `SmqError` outside `low` to `high`."""
        text = self.parameter(name)
        if text is None:
            return default
        if not text.isdecimal():
            raise invalid_argument(f"The value of {name} is no integer.")
        if not low <= int(text) <= high:
            raise out_of_range(name, low, high, "")
        return int(text)

    def page(self, items: dict[str, _T]) -> tuple[list[_T], str]:
        """The page of `items`, by name, that the ``x-mns-*`` list headers ask for, and the marker of the next."""
        prefix, marker = self.headers.get("x-mns-prefix", ""), self.headers.get("x-mns-marker", "")
        size = self.headers.get("x-mns-ret-number", str(_MAX_PAGE))
        if not size.isdecimal() or not 1 <= int(size) <= _MAX_PAGE:
            raise out_of_range("x-mns-ret-number", 1, _MAX_PAGE, "")
        # The marker names the first item of the next page.
        rest = [(name, item) for name, item in sorted(items.items()) if name.startswith(prefix) and name >= marker]
        chosen, more = rest[: int(size)], rest[int(size) :]
        return [item for _, item in chosen], more[0][0] if more else ""

    @property
    def wants_meta(self) -> bool:
        """Whether a list should carry attributes."""
        return self.headers.get("x-mns-with-meta", "").lower() == "true"

    @property
    def is_override(self) -> bool:
        """Whether a PUT changes attributes of something that exists."""
        return (self.parameter("metaoverride") or "").lower() == "true"


def not_allowed() -> SmqError:
    """400 InvalidRequestURL: the path or method names nothing that SMQ has."""
    return SmqError(400, "InvalidRequestURL", "Http request URL format invalid.")
