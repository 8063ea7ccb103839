"""A tap on this process's outward HTTP calls: it tells of every one, and strikes those it is told to.

All clients of the product (`requests` and with it `oss2` and `dashscope`, the SMQ SDK) send their calls through
`http.client.HTTPConnection`, so that is where the tap sits. A strike ends the process by SIGKILL right before a call
is sent, or right after its answer has come and before anyone has seen it; or it orders a fault of the embedded service
by a header, which the service takes off before it looks at the request.

>>> call_of("oss", "PUT", "/ledger-0a1b2c3d4e5f/journeys/3f/3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60/0000.json")
'PUT oss /ledger/journeys/<id>/0000.json'
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from localcloud.faults.rules import FAULT_HEADER

#: How long a call waits for the answer that a strike holds back; its client's own patience is taken to have ended.
STRUCK_WAIT_S = 0.15

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PLACEHOLDERS = (
    (re.compile(rf"(?:[0-9a-f]{{2}}/)?{_UUID}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z"), "<minute>"),
    (re.compile(r"-[0-9a-f]{12,64}\b"), ""),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<hash>"),
)


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens to the `occurrence`-th call of this name.

    `call` is a name as `call_of` gives it, or a pattern of such names as `fnmatch` reads it. `kill` is "before",
    "after" or "" for none; `order` is the fault that the embedded service is told to commit, by the fields of its
    rules.
    """

    call: str
    occurrence: int = 1
    kill: str = ""
    order: Mapping[str, object] = field(default_factory=dict)

    @property
    def holds_back(self) -> bool:
        """Whether the caller would wait for an answer until its patience ends."""
        return self.order.get("do") == "hang"

    def means(self, call: str, occurrence: int) -> bool:
        """Whether a call is the one to be struck."""
        return occurrence == self.occurrence and (call == self.call or fnmatchcase(call, self.call))


@dataclass(frozen=True, slots=True)
class Seen:
    """One call as it was made: its name, which of that name it is (from 1), and the number of the strike it met.

    The number is the strike's place among those of the tap, from 0; -1 is none.
    """

    call: str
    occurrence: int
    strike: int = -1


class Tap:
    """Listens to the calls of this process. `ports` names the services by their ports; `tell` hears of every call.

    `tell` is called before the call is sent, and must have passed it on when it returns: the process may end then.
    `warn` hears of every call that would wait for its answer without limit.
    """

    def __init__(
        self,
        ports: Mapping[int, str],
        tell: Callable[[Seen], None],
        warn: Callable[[str], None],
        strikes: Sequence[Strike] = (),
    ) -> None:
        self._ports = ports
        self._tell = tell
        self._warn = warn
        self._strikes = strikes
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._putrequest = http.client.HTTPConnection.putrequest
        self._getresponse = http.client.HTTPConnection.getresponse
        #: The strike that the current call of a connection meets, by the connection's identity.
        self._met: dict[int, Strike] = {}
        self._named: dict[int, str] = {}

    def install(self) -> None:
        """Sit on every connection of this process from now on; there is no way back."""
        tap = self

        def putrequest(connection: Any, method: str, url: str, *arguments: Any, **options: Any) -> None:
            tap.before(connection, method, url)
            tap._putrequest(connection, method, url, *arguments, **options)
            strike = tap._met.get(id(connection))
            if strike is not None and strike.order:
                connection.putheader(FAULT_HEADER, json.dumps(dict(strike.order)))

        def getresponse(connection: Any) -> http.client.HTTPResponse:
            return tap.answer(connection)

        http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign, assignment]
        http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign, assignment]

    def before(self, connection: http.client.HTTPConnection, method: str, url: str) -> None:
        """A call is about to be sent on `connection`."""
        call = call_of(self._ports.get(connection.port or 0, f"port {connection.port}"), method, url)
        with self._lock:
            self._counts[call] += 1
            occurrence = self._counts[call]
        number = next((n for n, strike in enumerate(self._strikes) if strike.means(call, occurrence)), -1)
        self._met.pop(id(connection), None)
        self._named[id(connection)] = call
        self._tell(Seen(call, occurrence, number))
        if number >= 0:
            strike = self._met[id(connection)] = self._strikes[number]
            if strike.kill == "before":
                _end()

    def answer(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        """The answer to the call on `connection`."""
        strike = self._met.get(id(connection))
        if connection.sock.gettimeout() is None:
            self._warn(f"{self._named[id(connection)]} would wait for its answer without limit")
        elif strike is not None and strike.holds_back:
            connection.sock.settimeout(STRUCK_WAIT_S)
        response = self._getresponse(connection)
        if strike is not None and strike.kill == "after":
            _end()
        return response


def call_of(service: str, method: str, url: str) -> str:
    """The name of a call: method, service and path, with placeholders for what differs between two journeys."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    prefix = parse_qs(parts.query).get("prefix")
    if prefix:
        path += f"?prefix={prefix[0]}"
    for pattern, placeholder in _PLACEHOLDERS:
        path = pattern.sub(placeholder, path)
    return f"{method} {service} {path}"


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()
