"""What probes and autoscalers ask: ``/live``, ``/ready`` and ``/queue``, on a port without any secret."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from processes.identity import Identity
from processes.keeping import Keeper
from shared.errors import TripcanvasError

#: A keeper that has not looked for so long hangs itself.
_STALE_S = 30.0
#: How long an answer of SMQ stands for the next ones.
_LENGTH_FOR_S = 10.0


class QueueLength:
    """About how many messages lie in a queue, those under work included; asked every ten seconds at most."""

    def __init__(self, identity: Identity, setting: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._identity = identity
        self._setting = setting
        self._clock = clock
        self._lock = threading.Lock()
        self._length, self._until = 0, float("-inf")

    def read(self) -> int:
        """The length. Raises what settings and SMQ raise."""
        with self._lock:
            if self._clock() >= self._until:
                services = self._identity.services()
                self._length = services.messages.state(services.settings.need(self._setting)).length
                self._until = self._clock() + _LENGTH_FOR_S
            return self._length


def serve(port: int, keeper: Keeper, length: QueueLength | None) -> ThreadingHTTPServer:
    """Answer on `port` of every address, in a thread. Raises `OSError` when it is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with a status and a line of JSON."""
            status, told = _answer(self.path, keeper, length)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes come every few seconds: nothing."""

    server = ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _answer(path: str, keeper: Keeper, length: QueueLength | None) -> tuple[HTTPStatus, dict[str, int]]:
    told = {"workers": keeper.count, "well": keeper.well, "restarts": keeper.restarts}
    if path == "/live":
        alive = time.monotonic() - keeper.looked < _STALE_S
        return HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE, told
    if path == "/ready":
        return HTTPStatus.OK if keeper.well else HTTPStatus.SERVICE_UNAVAILABLE, told
    if path == "/queue" and length is not None:
        try:
            return HTTPStatus.OK, {"length": length.read()}
        except TripcanvasError:
            return HTTPStatus.SERVICE_UNAVAILABLE, {}
    return HTTPStatus.NOT_FOUND, {}
