"""A gate in front of the GPU side's queue: whoever puts a graph waits there for the other one."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How long the first one waits at the gate. It passes alone when no other comes.
_WAIT_S = 1.5


@contextlib.contextmanager
def gate_before(url: str, *, puts: int) -> Iterator[str]:
    """An address that passes on to `url`; so many puts are let through together, if so many come."""
    barrier = threading.Barrier(puts)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {"Authorization": self.headers["Authorization"]}
            if self.command == "POST":
                with contextlib.suppress(threading.BrokenBarrierError):
                    barrier.wait(_WAIT_S)
            answer = requests.request(self.command, url + self.path, data=body, headers=headers, timeout=10)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
