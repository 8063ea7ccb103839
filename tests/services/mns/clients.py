"""An account of the embedded SMQ as the official SDK sees it, and endpoints that topics push to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from mns.account import Account
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from localcloud.state import Cloud


def account(cloud: Cloud, *, secret: str = "", key_id: str = "") -> Any:
    """A new account, because the SDK's are not thread-safe; `secret` and `key_id` replace the right ones."""
    made = Account(cloud.url("mns"), key_id or cloud.access_key_id, secret or cloud.access_key_secret, "")
    # The SDK never closes a connection that it keeps alive.
    made.mns_client.set_keep_alive(False)
    return made


def made_queue(cloud: Cloud, name: str, **attributes: int) -> Any:
    """A new queue that carries text as it is; `attributes` are those of `QueueMeta`."""
    queue = account(cloud).get_queue(name)
    meta = QueueMeta()
    for attribute, value in attributes.items():
        setattr(meta, attribute, value)
    queue.create(meta)
    queue.set_encoding(False)
    return queue


def made_topic(cloud: Cloud, name: str) -> Any:
    """A new topic."""
    topic = account(cloud).get_topic(name)
    topic.create(TopicMeta())
    return topic


def subscribed(
    cloud: Cloud, topic: str, endpoint: str, content_format: str = "", *, strategy: str = "", tag: str = ""
) -> Any:
    """A subscription named ``sub``."""
    subscription = account(cloud).get_subscription(topic, "sub")
    subscription.subscribe(SubscriptionMeta(endpoint, strategy, content_format, tag))
    return subscription


def queue_endpoint(cloud: Cloud, name: str) -> str:
    """The ARN of a queue as subscriptions take it."""
    return f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{name}"


def function_endpoint(cloud: Cloud, name: str) -> str:
    """The ARN of a function as subscriptions take it."""
    return f"acs:fc:{cloud.region}:{cloud.account_id}:functions/{name}"


def eventually(condition: Callable[[], Any], timeout_s: float = 15.0) -> Any:
    """The first true value of `condition`, asked for until `timeout_s` have passed."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition did not come true in time")


@dataclass(frozen=True, slots=True)
class Push:
    """One POST that an endpoint got."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float


@dataclass(slots=True)
class Endpoint:
    """An HTTP server that notes what is pushed to it and answers with the next of `statuses`, the last one for ever.

    It takes `thinks_s` seconds over each answer.
    """

    statuses: list[int]
    port: int = 0
    thinks_s: float = 0.0
    pushes: list[Push] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Endpoint:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int) -> list[Push]:
        """What was pushed, once there are `count` or more."""
        eventually(lambda: len(self.pushes) >= count)
        return self.pushes


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.pushes.append(Push(self.path, headers, body, time.monotonic()))
            statuses = endpoint.statuses
            time.sleep(endpoint.thinks_s)
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
