"""The GPU side's queue, as the steps use it; and the API edition's, the PAI-EAS queue service by plain HTTP and JSON.

The other edition is in `comfyui_server`. The official Python client is not used in functions: it repeats every refused
request six times (an accepted POST that is answered 504 is queued six times), loses records when its time-out meets the
server's, and weighs 64 MB.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.clouds.http import call, open_session
from shared.errors import OutcomeUnknown, code_word
from shared.results import SinkRecord
from shared.retries import retrying

_TIMEOUT_S = 10.0
_PUT_TIMEOUT_S = (3.0, 7.0)
#: Beyond the server's own wait: when both end at once, a record can be handed to a request that nobody reads.
_LONG_POLL_MARGIN_S = 8.0

#: Indexes are signed 64-bit integers on the service's side.
_MAX_INDEX = 2**63 - 1
_INDEX = re.compile(rb"[0-9]{1,18}")
_STATUS = re.compile(r"[0-9]{1,9}")
#: Characters of a tag that are kept; ours are shorter.
_MAX_TAG = 200


@dataclass(frozen=True, slots=True)
class Load:
    """Records waiting for the GPU side, results waiting to be read, and how many of these the sink holds at most."""

    waiting: int
    unread: int
    unread_limit: int


@dataclass(frozen=True, slots=True)
class Place:
    """A task's record: its index in the input queue, or in the sink once the render is `reported`."""

    index: int
    reported: bool


class ImageQueue(Protocol):
    """Graphs go in, results come out: the same for both editions of ComfyUI on EAS.

    Every call raises the errors of `shared.clouds.http.call`.
    """

    def put(self, graph: bytes, *, task_id: str, traceparent: str = "", priority: bool = True) -> tuple[int, str]:
        """Queue one API-format graph; returns its index, at least 1, and request id.

        One request that has an effect, and no repetition, within 20 seconds, so that its caller's claim on the
        submission can be bounded too; after `OutcomeUnknown` look the task up with `find`. Live trips have `priority`.
        """

    def find(self, task_id: str) -> Place | None:
        """Where the task's graph or its result is now; None when it is nowhere."""

    def poll_sink(self, *, wait_s: float, length: int) -> list[SinkRecord]:
        """At most `length` results, waiting up to `wait_s` for them. They stay until `delete_from_sink`."""

    def delete_from_sink(self, records: list[SinkRecord]) -> None:
        """Delete results; fine when they are gone already."""

    def drop(self, task_id: str, index: int) -> None:
        """Take back a graph that waits; fine when it is gone already, or being worked on."""

    def load(self) -> Load:
        """How full it is."""


@dataclass(frozen=True, slots=True)
class EasQueue:
    """The input queue and the sink of one asynchronous EAS service. `url` is the gateway, without a path."""

    url: str
    service: str
    token: str = field(repr=False)
    _session: Any = field(repr=False)

    def put(self, graph: bytes, *, task_id: str, traceparent: str = "", priority: bool = True) -> tuple[int, str]:
        """Queue one graph by one request of at most ten seconds. `priority` puts it before those without."""
        tags = {"task_id": task_id, **({"traceparent": traceparent} if traceparent else {})}
        if priority:
            tags["_priority_"] = "1"

        answer = self._request("POST", "/api_prompt", tags, body=graph, timeout_s=_PUT_TIMEOUT_S)
        text = answer.content.strip()
        if not _INDEX.fullmatch(text):
            raise OutcomeUnknown("eas", "NoIndex")
        return int(text), code_word(answer.headers.get("X-Eas-Queueservice-Request-Id"))

    def find(self, task_id: str) -> Place | None:
        """Where the input queue or the sink holds a record of this task, by its tag; None when neither does."""
        index = self._peek("", task_id)
        if index is not None:
            return Place(index, reported=False)
        index = self._peek("/sink", task_id)
        return None if index is None else Place(index, reported=True)

    def _peek(self, path: str, task_id: str) -> int | None:
        query = {
            "_index_": "0",
            "_length_": "1",
            "_timeout_": "0s",
            "_raw_": "false",
            "_auto_delete_": "false",
            "task_id": task_id,
        }

        def look() -> int | None:
            answer = self._request("GET", path, query)
            if answer.status_code == 204:
                return None
            found = [record.index for record in _records(answer) if record.task_id == task_id]
            if not found:
                # A success that names no record of this task is no answer of the queue.
                raise OutcomeUnknown("eas", "UnreadableRecords")
            return found[0]

        return retrying(look, idempotent=True)

    def poll_sink(self, *, wait_s: float, length: int) -> list[SinkRecord]:
        """At most `length` records of the sink, waiting up to `wait_s` until there are so many.

        They stay in the sink until `delete_from_sink`.
        """
        query = {
            "_index_": "0",
            "_length_": str(length),
            "_timeout_": f"{int(wait_s * 1000)}ms",
            "_raw_": "false",
            "_auto_delete_": "false",
        }
        answer = self._request("GET", "/sink", query, timeout_s=wait_s + _LONG_POLL_MARGIN_S)
        return [] if answer.status_code == 204 or not answer.content else _records(answer)

    def drop(self, task_id: str, index: int) -> None:  # noqa: ARG002  (the other edition knows tasks only)
        """Delete a record of the input queue; fine when it is gone already, or being worked on."""
        retrying(lambda: self._request("DELETE", "", {"_indexes_": str(index)}), idempotent=True)

    def load(self) -> Load:
        """How full both queues are."""
        lengths = []
        for path in ("", "/sink"):
            answer = retrying(lambda at=path: self._request("GET", at, {"_attrs_": "true"}), idempotent=True)  # type: ignore[misc]
            try:
                attributes = answer.json()
                lengths.append((int(attributes["stream.length"]), int(attributes["stream.approxMaxLength"])))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise OutcomeUnknown("eas", "UnreadableAttributes") from None
        (waiting, _), (unread, limit) = lengths
        return Load(waiting, unread, limit)

    def delete_from_sink(self, records: list[SinkRecord]) -> None:
        """Delete records; fine when they are gone already."""
        query = {"_indexes_": ",".join(str(record.index) for record in records)}
        retrying(lambda: self._request("DELETE", "/sink", query), idempotent=True)

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytes | None = None,
        timeout_s: float | tuple[float, float] = _TIMEOUT_S,
    ) -> Any:
        headers = {"Authorization": self.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return call(
            self._session,
            "eas",
            method,
            f"{self.url}/api/predict/{self.service}{path}",
            timeout_s=timeout_s,
            check="TRIPCANVAS_EAS_URL, TRIPCANVAS_EAS_SERVICE and TRIPCANVAS_EAS_TOKEN",
            query=query,
            headers=headers,
            body=body,
        )


def open_image_queue(url: str, service: str, token: str) -> EasQueue:
    """A queue with a connection that is kept alive between calls."""
    return EasQueue(url.rstrip("/"), service, token, open_session(url))


def _records(answer: Any) -> list[SinkRecord]:
    """Every item that can be told apart by its index; the rest of it may be odd, and is judged later."""
    try:
        items = answer.json()
    except (ValueError, RecursionError):
        raise OutcomeUnknown("eas", "UnreadableRecords") from None
    return [
        _record(item)
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and type(item.get("index")) is int and 0 <= item["index"] <= _MAX_INDEX
    ]


def _record(item: dict[str, Any]) -> SinkRecord:
    given = item.get("tags")
    tags = given if isinstance(given, dict) else {}
    last_code = str(tags.get("lastCode", "200"))[:_MAX_TAG]
    try:
        data = item.get("data")
        answer = base64.b64decode(data) if isinstance(data, str) else b""
    except ValueError:
        answer = b""
    return SinkRecord(
        task_id=str(tags.get("task_id", ""))[:_MAX_TAG],
        request_id=str(tags.get("requestId", ""))[:_MAX_TAG],
        index=item["index"],
        answer=answer.decode("utf-8", "replace"),
        status=int(last_code) if _STATUS.fullmatch(last_code) else 500,
    )
