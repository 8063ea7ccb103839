"""A scripted HTTP service on loopback: each path answers what the test laid out for it, in order; the last repeats."""

from __future__ import annotations

import io
import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

KEY = "sk-0123456789abcdef0123456789abcdef"
CREATE = "/api/v1/services/aigc/text2image/image-synthesis"
WRITE = "/api/v1/services/aigc/text-generation/generation"
POLL = "/api/v1/tasks/task-1"
PICTURE = "/pictures/1.png"


@dataclass(frozen=True)
class Reply:
    """One scripted answer; `after_s` delays it, `drop` closes the connection instead, `drip_s` lies between bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    drop: bool = False
    drip_s: float = 0.0


@dataclass(frozen=True)
class Seen:
    path: str
    headers: dict[str, str]
    body: Any
    query: str = ""
    raw: bytes = b""


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is what some tests are about."""


class Script:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                script._answer(self)

            do_POST = do_GET  # noqa: N815

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def on(self, path: str, *replies: Reply) -> None:
        self._replies[path] = list(replies)

    def requests_to(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length", 0))
        raw = handler.rfile.read(length)
        path, _, query = handler.path.partition("?")
        is_json = "json" in handler.headers.get("Content-Type", "")
        body = json.loads(raw) if raw and is_json else None
        self.seen.append(Seen(path, dict(handler.headers), body, query, raw))
        waiting = self._replies[path]
        reply = (waiting.pop(0) if len(waiting) > 1 else waiting[0]) if waiting else Reply("nothing here", 404)
        time.sleep(reply.after_s)
        if reply.drop:
            handler.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if not reply.drip_s:
            handler.wfile.write(body)
            return
        for place in range(len(body)):
            handler.wfile.write(body[place : place + 1])
            time.sleep(reply.drip_s)


def created() -> Reply:
    return Reply({"output": {"task_status": "PENDING", "task_id": "task-1"}, "request_id": "r-1"})


def state(name: str, **more: Any) -> Reply:
    return Reply({"output": {"task_id": "task-1", "task_status": name, **more}, "request_id": "r-2"})


def painted(url: str) -> Reply:
    return state("SUCCEEDED", results=[{"url": url}], task_metrics={"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0})


def refused(status: int, code: str, message: str = "") -> Reply:
    return Reply({"code": code, "message": message, "request_id": "r-3"}, status)


def photo(width: int = 48, height: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()
