"""A scripted HTTP service on loopback: it gives the answers a test laid out, in order; the last one repeats."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How long clients wait for an answer that comes, however busy the machine is, and for one that does not.
PATIENCE_S = 20.0
_LITTLE_PATIENCE_S = 0.5


@dataclass(frozen=True)
class Reply:
    """One answer. `raw` goes out instead of an HTTP answer; an empty `raw` closes the connection without a byte."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    silent: bool = False

    @property
    def patience_s(self) -> float:
        """How long a client should wait for this answer."""
        return _LITTLE_PATIENCE_S if self.silent else PATIENCE_S


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


DROPPED = Reply(raw=b"")
GARBAGE = Reply(raw="\x00\x01乱码\r\n\r\n".encode())
CUT_SHORT = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")
SILENT = Reply(silent=True)
HTML = Reply(200, "<!DOCTYPE html><html><body>登录 Wi-Fi</body></html>".encode(), {"Content-Type": "text/html"})


class ScriptedService:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._script: list[Reply] = []
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answers(self, *script: Reply) -> None:
        self._script = list(script)

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_reply(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def keep_silent(self) -> None:
        self._released.wait()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients that hang up early are what some tests are about."""


def _handler(service: ScriptedService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(target.query, keep_blank_values=True))
            reply = service.next_reply(Seen(self.command, target.path, query, headers, body))
            if reply.silent:
                service.keep_silent()
            if reply.silent or reply.raw is not None:
                self.close_connection = True
                self.wfile.write(reply.raw or b"")
                return
            self.send_response(reply.status)
            length = {} if reply.status == 204 else {"Content-Length": str(len(reply.body))}
            for name, value in {**length, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815

    return Handler


class _Waiting(HTTPAdapter):
    """Waits for as long as the test wants, whatever the caller wants."""

    def __init__(self, patience_s: float) -> None:
        super().__init__()
        self._patience_s = patience_s

    def send(self, request: Any, *arguments: Any, **options: Any) -> requests.Response:
        return super().send(request, *arguments, **{**options, "timeout": self._patience_s})


def session_with(patience_s: float) -> requests.Session:
    session = requests.Session()
    session.mount("http://", _Waiting(patience_s))
    return session


@contextlib.contextmanager
def refusing_address() -> Iterator[str]:
    """An address that refuses connections: its port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def unreachable_address() -> Iterator[str]:
    """An address whose connections are never made: its backlog is full, and nobody accepts."""
    with contextlib.ExitStack() as held:
        listening = held.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"127.0.0.1:{listening.getsockname()[1]}"
