"""Records the outward HTTP calls of this process: every client of the functions goes through `http.client`."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import Any

from localcloud.faults.tap import call_of


@dataclass(slots=True)
class Call:
    """One call: its name without what differs between trips, the answer's status, how long it was waited for."""

    name: str
    started: float
    status: int = 0
    waited_ms: float = 0.0
    new_connection: bool = False


class Tap:
    """The calls made since `install`, in order; `take` hands them over."""

    def __init__(self, services: dict[int, str]) -> None:
        self._services = services
        self._calls: list[Call] = []
        self._open: dict[int, Call] = {}

    def install(self) -> None:
        putrequest, getresponse = http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse

        def put(connection: Any, method: str, url: str, *arguments: Any, **options: Any) -> None:
            service = self._services.get(connection.port, f"port {connection.port}")
            call = Call(call_of(service, method, url), time.perf_counter(), new_connection=connection.sock is None)
            self._calls.append(call)
            self._open[id(connection)] = call
            putrequest(connection, method, url, *arguments, **options)

        def get(connection: Any) -> http.client.HTTPResponse:
            response = getresponse(connection)
            call = self._open.pop(id(connection))
            call.status, call.waited_ms = response.status, (time.perf_counter() - call.started) * 1000
            return response

        http.client.HTTPConnection.putrequest = put  # type: ignore[method-assign, assignment]
        http.client.HTTPConnection.getresponse = get  # type: ignore[method-assign, assignment]

    def take(self) -> list[Call]:
        calls, self._calls = self._calls, []
        return calls
