"""From an order to finished pictures: who waits, who is painted now, and what is kept of it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from localcloud.dashscope.painters import Job, Painters, PaintFailed
from localcloud.dashscope.tasks import Fate, Order, Picture, Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from localcloud.dashscope.registry import Inspection, Limits
    from localcloud.dashscope.results import Results

_CLEANING_EVERY_S = 600.0
_WITHHELD = Picture(code="DataInspectionFailed", message="Output data may contain inappropriate content.")


class Studio:
    """Paints tasks in the background, at most `limits.tasks_at_once` of each model at a time, first come first served.

    An async context manager: entering starts the painters and takes up the tasks that an earlier process left.
    """

    def __init__(self, tasks: Tasks, results: Results, limits: Limits, inspection: Inspection) -> None:
        self._tasks = tasks
        self._results = results
        self._limits = limits
        self._inspection = inspection
        self._painters = Painters()
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.tasks_at_once))
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> None:
        self._painters.start()
        self._spawn(self._clean())
        for task_id in self._tasks.take_up():
            self._take(task_id)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._running:
            running.cancel()
        self._painters.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._tasks.close()

    def submit(self, order: Order) -> Task:
        """Queue `order` and return its task, PENDING."""
        now = time.time()
        task_id = self._tasks.create(order, now)
        self._take(task_id)
        task = self._tasks.get(task_id, now)
        assert task is not None  # noqa: S101 - created two lines above
        return task

    async def paint_now(self, order: Order) -> tuple[Picture, ...]:
        """The pictures of `order`, without a task; waits for a place like any task of its model."""
        async with self._places[order.model]:
            return await self._pictures(order)

    def _take(self, task_id: str) -> None:
        self._spawn(self._work_off(task_id))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        running = asyncio.create_task(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _work_off(self, task_id: str) -> None:
        task = self._tasks.get(task_id, time.time())
        if task is None:
            return
        async with self._places[task.order.model]:
            if self._tasks.start(task_id, time.time()):
                pictures = await self._pictures(task.order)
                self._tasks.end(task_id, pictures, time.time())

    async def _pictures(self, order: Order) -> tuple[Picture, ...]:
        fate = order.fate
        if fate.mode == "never":
            await asyncio.Event().wait()
        await asyncio.sleep(fate.delay_s)
        spoilt = {"failed": order.count, "partial": 1}.get(fate.mode, 0)
        painted = await asyncio.gather(*(self._picture(order, place) for place in range(order.count - spoilt)))
        return (*painted, *[_spoilt(fate)] * spoilt)

    async def _picture(self, order: Order, place: int) -> Picture:
        if self._inspection.refuses_output(order.prompt):
            return _WITHHELD
        try:
            cut_out = await asyncio.to_thread(self._results.read, order.cut_out) if order.cut_out else b""
        except OSError:
            return Picture(code="InternalError.Algo", message="The cut-out is gone.")
        job = Job(
            prompt=order.actual_prompt or order.prompt,
            negative_prompt=order.negative_prompt,
            seed=order.seed + place,
            width=order.width,
            height=order.height,
            watermark=order.watermark,
            cut_out=cut_out,
        )
        try:
            png = await self._painters.paint(job)
            return Picture(key=await asyncio.to_thread(self._results.store, png, time.time()))
        except (PaintFailed, OSError) as failure:
            return Picture(code="InternalError.Algo", message=f"The stand-in painter failed: {failure}.")

    async def _clean(self) -> None:
        while True:
            now = time.time()
            self._tasks.forget_expired(now)
            await asyncio.to_thread(self._results.forget, now - self._limits.lifetime_s)
            await asyncio.sleep(_CLEANING_EVERY_S)


def _spoilt(fate: Fate) -> Picture:
    return Picture(code=fate.code or "InternalError.Algo", message=fate.message or "Scripted fault.")
