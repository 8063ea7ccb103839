"""The standard edition: one ComfyUI server by itself, behind the EAS gateway or bare, by its own HTTP routes.

A task's id is its prompt's id, which ComfyUI takes verbatim: a task is looked up exactly, and its history entry is the
record of its result. What this edition can't do, and how that is met (seen on 0.3.64 and 0.12.1):

* Queue and history live in the server's memory. A restart loses both: the journey's deadline finds that the task is
  nowhere, and paints again.
* The queue knows no priority (``front`` would reverse the order of those that use it). So few graphs wait in it, and
  of backfills even fewer; the others wait in the ledger, from which the sweeper queues live trips first.
* There is one instance. More of them behind one address would each know some of the tasks only.
* Whoever has the token reads every prompt that waits or is remembered, and can take any of them away. Entries are
  deleted once they are forwarded; those of others, designers for instance, are never touched.
* The history is read from its newest end. A result that others' entries have pushed further down is found by its id
  when its deadline has passed.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shared.clouds.http import call, open_session
from shared.clouds.image_queue import Load, Place
from shared.errors import OutcomeUnknown, Refused, ServiceError, Unavailable
from shared.render_errors import validation_failure
from shared.results import SinkRecord
from shared.retries import retrying

_TIMEOUT_S = 10.0
_PUT_TIMEOUT_S = (3.0, 7.0)
#: Graphs that may wait or run before another live trip's, and before another backfill's, is left in the ledger.
MOST_WAITING, MOST_WAITING_BACKFILL = 32, 8
#: Newest history entries that are looked through at once, and while waiting: each carries its whole graph.
_DEPTH, _SHALLOW = 64, 8
_GLANCE_S = 1.0

#: A task id (`shared.journey.task_id`): every other entry is somebody else's.
_TASK = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{1,4}")
#: Kinds of output whose items are files; of any other only that there is one is forwarded.
_FILES = frozenset({"images", "gifs", "animated"})
_ERRORS = ("execution_error", "execution_interrupted")
_KEPT = ("node_id", "node_type", "exception_type", "exception_message")
_MESSAGE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class ComfyUIServer:
    """One server. `base` is what its routes are appended to; without a `token` no Authorization is sent."""

    base: str
    token: str = field(repr=False)
    _session: Any = field(repr=False)
    _sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    #: Tasks that `find` saw in the history.
    _sought: set[str] = field(default_factory=set, repr=False)

    def put(self, graph: bytes, *, task_id: str, traceparent: str = "", priority: bool = True) -> tuple[int, str]:
        """Queue one graph, unless too many wait. Raises `Refused`, with a reason, for one that ComfyUI finds wrong."""
        try:
            waiting = self._waiting()
        except OutcomeUnknown as error:
            raise Unavailable(error.service, error.code, "nothing was sent") from None
        if waiting >= (MOST_WAITING if priority else MOST_WAITING_BACKFILL):
            raise Unavailable("eas", "QueueFull", f"{waiting} graphs wait")
        # With a client_id ComfyUI 0.8.0 and later also put the outputs of nodes served from the cache into the history.
        about: dict[str, Any] = {"prompt": msgspec.Raw(graph), "prompt_id": task_id, "client_id": task_id}
        if traceparent:
            about["extra_data"] = {"traceparent": traceparent}
        answer = self._request(
            "POST", "/prompt", body=msgspec.json.encode(about), timeout_s=_PUT_TIMEOUT_S, answers=(400,)
        )
        if answer.status_code == 400:
            raise _refused(answer)
        found = _object(answer)
        if found.get("node_errors"):
            # Its good outputs were queued nevertheless.
            self._withdraw(task_id)
            raise _refused(answer)
        if found.get("prompt_id") != task_id:
            raise OutcomeUnknown("eas", "NoPromptId")
        return _index(found.get("number")), task_id

    def find(self, task_id: str) -> Place | None:
        """Where the task is: waiting or running, or over and in the history."""
        # The queue first: a job that ends between the two questions is then found by the second.
        queue = _object(retrying(lambda: self._request("GET", "/queue"), idempotent=True))
        for name in ("queue_running", "queue_pending"):
            items = queue.get(name)
            if not isinstance(items, list):
                raise OutcomeUnknown("eas", "UnreadableQueue")
            for item in items:
                if isinstance(item, list) and len(item) > 1 and item[1] == task_id:
                    return Place(_index(item[0]), reported=False)
        record = self._entry(task_id)
        if record is None:
            return None
        self._sought.add(task_id)
        return Place(record.index, reported=True)

    def poll_sink(self, *, wait_s: float, length: int) -> list[SinkRecord]:
        """Our tasks' newest results, and those that `find` saw; looks again every second while there are none."""
        end = time.monotonic() + wait_s
        while True:
            records = self._results(_SHALLOW if wait_s else _DEPTH)[:length]
            left = end - time.monotonic()
            if records or left <= 0:
                return records
            self._sleep(min(_GLANCE_S, left))

    def delete_from_sink(self, records: list[SinkRecord]) -> None:
        """Delete the entries from the history; fine when they are gone already."""
        tasks = [record.task_id for record in records]
        retrying(lambda: self._request("POST", "/history", body=_delete(tasks)), idempotent=True)
        self._sought.difference_update(tasks)

    def drop(self, task_id: str, index: int) -> None:  # noqa: ARG002  (the other edition knows indexes only)
        """Take a waiting graph back; fine when it is gone already, or being worked on."""
        retrying(lambda: self._request("POST", "/queue", body=_delete([task_id])), idempotent=True)

    def load(self) -> Load:
        """How many graphs wait or run, and how many of the newest results have not been forwarded."""
        return Load(retrying(self._waiting, idempotent=True), len(self._results(_DEPTH)), _DEPTH)

    def _waiting(self) -> int:
        info = _object(self._request("GET", "/prompt", timeout_s=_PUT_TIMEOUT_S)).get("exec_info")
        waiting = info.get("queue_remaining") if isinstance(info, dict) else None
        if type(waiting) is not int:
            raise OutcomeUnknown("eas", "UnreadableQueue")
        return waiting

    def _results(self, depth: int) -> list[SinkRecord]:
        sought = [record for task in sorted(self._sought) if (record := self._entry(task)) is not None]
        try:
            entries = _object(self._request("GET", "/history", {"max_items": str(depth)}))
        except OutcomeUnknown:
            # Too many bytes, maybe: others' entries may carry large graphs.
            entries = _object(self._request("GET", "/history", {"max_items": "1"}))
        found = [
            _record(task, entry)
            for task, entry in entries.items()
            if _TASK.fullmatch(task) and task not in self._sought and isinstance(entry, dict)
        ]
        return sought + found

    def _entry(self, task_id: str) -> SinkRecord | None:
        entry = _object(retrying(lambda: self._request("GET", f"/history/{task_id}"), idempotent=True)).get(task_id)
        if entry is None:
            self._sought.discard(task_id)
            return None
        if not isinstance(entry, dict):
            raise OutcomeUnknown("eas", "UnreadableHistory")
        return _record(task_id, entry)

    def _withdraw(self, task_id: str) -> None:
        with contextlib.suppress(ServiceError):
            self._request("POST", "/queue", body=_delete([task_id]))
            self._request("POST", "/interrupt", body=msgspec.json.encode({"prompt_id": task_id}))

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float | tuple[float, float] = _TIMEOUT_S,
        answers: tuple[int, ...] = (),
    ) -> Any:
        headers = {"Authorization": self.token} if self.token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return call(
            self._session,
            "eas",
            method,
            self.base + path,
            timeout_s=timeout_s,
            check="TRIPCANVAS_EAS_URL, TRIPCANVAS_EAS_SERVICE, TRIPCANVAS_EAS_TOKEN and TRIPCANVAS_EAS_EDITION",
            query=query,
            headers=headers,
            body=body,
            answers=answers,
        )


def open_comfyui_server(url: str, service: str, token: str) -> ComfyUIServer:
    """A server with a connection that is kept alive between calls.

    With a token it is an EAS service of the gateway at `url`, without one the server itself.
    """
    url = url.rstrip("/")
    return ComfyUIServer(f"{url}/api/predict/{service}" if token else url, token, open_session(url))


def _refused(answer: Any) -> Refused:
    """What ComfyUI said of a graph, or the bare status when it was somebody else who said it."""
    try:
        found = _object(answer)
    except OutcomeUnknown:
        found = {}
    if not found.get("node_errors") and not isinstance(found.get("error"), dict):
        return Refused("eas", str(answer.status_code))
    error = validation_failure(found)
    return Refused("eas", error.code, error.reason)


def _delete(tasks: list[str]) -> bytes:
    return msgspec.json.encode({"delete": tasks})


def _index(number: object) -> int:
    """ComfyUI counts from 0, downwards for ``front``; an index here is at least 1."""
    return number + 1 if type(number) is int and 0 <= number < 2**62 else 1


def _object(answer: Any) -> dict[str, Any]:
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OutcomeUnknown("eas", "UnreadableAnswer")
    return found


def _record(task_id: str, entry: dict[str, Any]) -> SinkRecord:
    """A history entry as a record, without the graph, the traceback and whatever else may tell of the trip."""
    prompt, outputs, status = entry.get("prompt"), entry.get("outputs"), entry.get("status")
    answer = {
        "outputs": {
            str(node): {kind: items if kind in _FILES else bool(items) for kind, items in shown.items()}
            for node, shown in (outputs.items() if isinstance(outputs, dict) else ())
            if isinstance(shown, dict)
        },
        "status": _told(status if isinstance(status, dict) else {}),
    }
    try:
        told = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        told = ""
    number = prompt[0] if isinstance(prompt, list) and prompt else None
    return SinkRecord(task_id=task_id, request_id=task_id, index=_index(number), answer=told)


def _told(status: dict[str, Any]) -> dict[str, Any]:
    messages = status.get("messages")
    kept = [
        [kind, {name: _cut(data.get(name)) for name in _KEPT}]
        for kind, data in (pair for pair in (messages if isinstance(messages, list) else []) if _is_pair(pair))
        if kind in _ERRORS
    ]
    return {"status_str": status.get("status_str"), "completed": status.get("completed"), "messages": kept}


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], dict)


def _cut(value: Any) -> Any:
    return value[:_MESSAGE_LENGTH] if isinstance(value, str) else None
