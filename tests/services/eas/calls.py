"""What the tests of the queue service share: bare requests and bare watches, without any client library of EAS."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
from websockets.sync.client import ClientConnection, connect

from localcloud.eas import codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.state import Cloud

PROMPT = json.dumps({"3": {"class_type": "KSampler", "inputs": {"text": "水彩,湖州的山,黑色轿车"}}}, ensure_ascii=False)
DEADLINE_S = 10.0


def call(cloud: Cloud, method: str, query: dict[str, str], queue: str = "", **options: Any) -> requests.Response:
    headers = {"Authorization": cloud.eas_token, **options.pop("headers", {})}
    url = f"{cloud.url('eas')}/api/predict/{cloud.eas_service}{queue}"
    return requests.request(method, url, params=query, headers=headers, timeout=20, **options)


def attributes(cloud: Cloud, queue: str = "", **headers: str) -> dict[str, str]:
    answer = call(cloud, "GET", {"_attrs_": "true"}, queue, headers=headers)
    answer.raise_for_status()
    return dict(answer.json())


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def dial(cloud: Cloud, queue: str = "", *, gid: str = "eas", uid: str = "raw", **query: str) -> ClientConnection:
    """A bare WebSocket watch, for what the official client hides."""
    watch = {"_watch_": "true", "_index_": "0", "_window_": "1", "_index_only_": "false", "_auto_commit_": "false"}
    url = f"ws{cloud.url('eas').removeprefix('http')}/api/predict/{cloud.eas_service}{queue}?{urlencode(watch | query)}"
    return connect(
        url,
        additional_headers={
            "Authorization": cloud.eas_token,
            "X-EAS-QueueService-Redis-Uid": uid,
            "X-EAS-QueueService-Redis-Gid": gid,
        },
    )


def receive(connection: ClientConnection) -> codec.Frame:
    message = connection.recv(DEADLINE_S)
    assert isinstance(message, bytes)
    return codec.decode_frame(message)


def order_fault(cloud: Cloud, fault: str, times: int = 1) -> None:
    answer = requests.post(f"{cloud.url('eas')}/-/faults/{fault}", params={"times": times}, timeout=DEADLINE_S)
    answer.raise_for_status()


def configured(cloud: Cloud, **settings: Any) -> Cloud:
    (cloud.folder("eas") / "queue.json").write_text(json.dumps(settings), "utf-8")
    return cloud
