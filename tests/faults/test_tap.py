from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from localcloud.faults.tap import Strike, call_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALLER = """
import json, sys, requests
from localcloud.faults.tap import Strike, Tap
port, kill, order = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
tell = lambda seen: print(seen.call, seen.occurrence, seen.strike, flush=True)
Tap({port: "shop"}, tell, print, [Strike("POST shop /orders", 2, kill, order)]).install()
session = requests.Session()
session.trust_env = False
for number in (1, 2, 3):
    print(session.post(f"http://127.0.0.1:{port}/orders", data=str(number), timeout=5).text, flush=True)
session.get(f"http://127.0.0.1:{port}/orders")
"""


@dataclass
class Shop:
    """A server that takes orders."""

    port: int = 0
    orders: list[str] = field(default_factory=list)
    headers: list[str | None] = field(default_factory=list)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            shop.orders.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            shop.headers.append(self.headers["x-localcloud-fault"])
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"taken")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


def called(shop: Shop, kill: str = "", **order: object) -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", _CALLER, str(shop.port), kill, json.dumps(order)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=60,
    )  # fmt: skip
    assert not ended.stderr, ended.stderr
    return ended.returncode, ended.stdout.splitlines()


def test_a_process_that_is_killed_before_a_call_has_not_sent_it(shop):
    code, lines = called(shop, "before")
    assert code == -signal.SIGKILL
    assert shop.orders == ["1"]
    assert lines == ["POST shop /orders 1 -1", "taken", "POST shop /orders 2 0"]


def test_a_process_that_is_killed_after_a_call_has_had_its_effect_and_not_its_answer(shop):
    code, lines = called(shop, "after")
    assert code == -signal.SIGKILL
    assert shop.orders == ["1", "2"]
    assert lines == ["POST shop /orders 1 -1", "taken", "POST shop /orders 2 0"]


def test_a_fault_is_ordered_with_the_struck_call_alone(shop):
    code, lines = called(shop, do="status", status=504)
    assert code == 0
    assert shop.headers == [None, '{"do": "status", "status": 504}', None]
    assert lines[4:6] == ["POST shop /orders 3 -1", "taken"]


def test_a_call_without_a_time_out_is_told_of(shop):
    _, lines = called(shop)
    assert lines[-2:] == ["GET shop /orders 1 -1", "GET shop /orders would wait for its answer without limit"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/ledger-0a1b2c3d4e5f/open/2026-11-22T08%3A16Z/3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60", "/ledger/open/<minute>/<id>"),
        ("/posts/3f/3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60/feed-0123456789ab.jpg", "/posts/<id>/feed.jpg"),
        ("/api/posts?journey_id=3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60", "/api/posts"),
        ("/b?list-type=2&prefix=open%2F&max-keys=500", "/b?prefix=open/"),
    ],
)  # fmt: skip
def test_a_call_has_the_same_name_for_every_journey(url, name):
    assert call_of("oss", "GET", url) == f"GET oss {name}"


def test_a_strike_means_one_occurrence_of_a_name_or_of_a_pattern():
    assert Strike("POST eas *").means("POST eas /api/predict/x", 1)
    assert not Strike("POST eas *").means("POST eas /api/predict/x", 2)
    assert Strike("GET oss /b?prefix=open/", 2).means("GET oss /b?prefix=open/", 2)
    assert not Strike("GET oss /b", 1).means("GET oss /b?prefix=open/", 1)
