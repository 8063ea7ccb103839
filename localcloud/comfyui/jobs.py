"""The queue and the history of one ComfyUI server, as 0.3.64 keeps them: in memory, one job at a time."""

from __future__ import annotations

import copy
import heapq
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.comfyui import interruption

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localcloud.comfyui.results import Run

#: What ComfyUI remembers at most.
_MOST_REMEMBERED = 10_000


@dataclass(order=True, slots=True)
class Job:
    """One accepted graph. `number` orders the queue; it is negative for those put in front."""

    number: float
    prompt_id: str
    graph: Mapping[str, Any] = field(compare=False)
    extra_data: dict[str, Any] = field(compare=False)
    outputs: tuple[str, ...] = field(compare=False)

    def item(self) -> list[Any]:
        """As ``/queue`` and ``/history`` show it."""
        return [self.number, self.prompt_id, self.graph, self.extra_data, list(self.outputs)]


class Jobs:
    """Takes jobs and runs them in a thread of its own, smallest number first, with `run`."""

    def __init__(self, run: Callable[[Job], Run]) -> None:
        self._run = run
        self._change = threading.Condition()
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._interrupted = threading.Event()
        self._history: dict[str, dict[str, Any]] = {}
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    def put(self, job: Job) -> None:
        """Queue a job."""
        with self._change:
            heapq.heappush(self._waiting, job)
            self._change.notify()

    @property
    def remaining(self) -> int:
        """How many jobs wait or run."""
        with self._change:
            return len(self._waiting) + (self._running is not None)

    def queue(self) -> dict[str, list[Any]]:
        """The content of ``GET /queue``."""
        with self._change:
            running = [self._running.item()] if self._running else []
            return {"queue_running": running, "queue_pending": [job.item() for job in self._waiting]}

    def take_back(self, prompt_id: str) -> None:
        """Remove the first waiting job of this id; it then never appears in the history."""
        with self._change:
            found = next((job for job in self._waiting if job.prompt_id == prompt_id), None)
            if found is not None:
                self._waiting.remove(found)
                heapq.heapify(self._waiting)

    def take_all_back(self) -> None:
        """Remove every waiting job."""
        with self._change:
            self._waiting.clear()

    def interrupt(self, prompt_id: object = None) -> None:
        """Cancel the running job, or only if it is this one."""
        with self._change:
            if self._running is not None and prompt_id in (None, "", self._running.prompt_id):
                self._interrupted.set()

    def entry(self, prompt_id: str) -> dict[str, Any]:
        """The content of ``GET /history/<id>``: empty unless the job is over."""
        with self._change:
            found = self._history.get(prompt_id)
            return {} if found is None else {prompt_id: found}

    def history(self, max_items: int | None, offset: int) -> dict[str, Any]:
        """The content of ``GET /history``: oldest first; a negative offset means the newest `max_items`."""
        with self._change:
            ids = list(self._history)
            if max_items is not None and offset < 0:
                offset = len(ids) - max_items
            chosen = ids[max(offset, 0) :]
            # As there, one is shown even when none was asked for.
            return {
                each: self._history[each] for each in chosen[: max_items if max_items is None else max(max_items, 1)]
            }

    def forget(self, prompt_id: str) -> None:
        """Remove one entry of the history."""
        with self._change:
            self._history.pop(prompt_id, None)

    def forget_all(self) -> None:
        """Remove the whole history."""
        with self._change:
            self._history.clear()

    def _work(self) -> None:
        interruption.watch(self._interrupted)
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting)
                job = self._running = heapq.heappop(self._waiting)
                # What was cancelled was the job before.
                self._interrupted.clear()
            entry = _entry(job, _now_ms(), self._run(job))
            with self._change:
                self._running = None
                if len(self._history) > _MOST_REMEMBERED:
                    del self._history[next(iter(self._history))]
                self._history[job.prompt_id] = entry


def _now_ms() -> int:
    return int(time.time() * 1000)


def _entry(job: Job, started_ms: int, run: Run) -> dict[str, Any]:
    about = {"prompt_id": job.prompt_id}
    messages: list[list[Any]] = [
        ["execution_start", {**about, "timestamp": started_ms}],
        ["execution_cached", {"nodes": list(run.cached), **about, "timestamp": started_ms}],
    ]
    if run.failure is None:
        messages.append(["execution_success", {**about, "timestamp": _now_ms()}])
    else:
        kind = "execution_interrupted" if run.interrupted else "execution_error"
        messages.append([kind, {**run.failure, "timestamp": _now_ms()}])
    completed = run.failure is None
    return {
        "prompt": copy.deepcopy(job.item()),
        "outputs": dict(run.outputs),
        "status": {"status_str": "success" if completed else "error", "completed": completed, "messages": messages},
        "meta": {
            node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}
            for node in run.outputs
        },
    }
