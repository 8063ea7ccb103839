"""Asynchronous invocations: accepted at once, run when an instance is free, repeated, reported to destinations.

Retry rules: "Retry policies", help.aliyun.com/zh/functioncompute/fc/user-guide/retry-policy. A failed function is
called again `maxAsyncRetryAttempts` times; while no instance is free, attempts come after 0.5 s, 1 s, 2 s … for up to
5 hours. The pause after a failed function is not documented. ``TRIPCANVAS_LOCAL_TIME_SCALE`` (0.1 if unset)
multiplies every pause, because nobody wants to wait a minute for a retry at their desk.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from localcloud.fc import smq
from localcloud.fc.backlog import (
    ENQUEUED,
    EXPIRED,
    FAILED,
    RETRYING,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    Backlog,
    Task,
)
from localcloud.fc.deployment import read_destination
from localcloud.fc.instance import Invocation, new_request_id
from localcloud.fc.pool import Throttled
from shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.fc.instance import Outcome
    from localcloud.fc.pool import Pool
    from localcloud.state import Cloud

#: Asynchronous invocations of one function at once. The cloud takes as many instances as the quota gives.
ASYNC_CONCURRENCY = 4

#: The pause before the first repetition of a failed function, doubled for each further one. Not documented.
RETRY_PAUSE_S = 10.0
THROTTLE_PAUSE_S = 0.5
#: The longest pause between attempts to find a free instance, or to reach a destination. Not documented.
MAX_PAUSE_S = 60.0
THROTTLED_FOR_AT_MOST_S = 5 * 3600.0
DELIVERED_WITHIN_S = 86400.0

_log = logging.getLogger(__name__)


class UnknownFunction(LookupError):
    """No function of that name is deployed."""


class Dispatcher:
    """Owns the backlog, and the running tasks of every deployed function."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._scale = float(os.environ.get("TRIPCANVAS_LOCAL_TIME_SCALE", "0.1"))
        self._backlog = Backlog(cloud.folder("fc") / "backlog.sqlite")
        self._backlog.recover(_now_ms())
        self._pools: dict[str, Pool] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._consumers: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._deliveries: set[asyncio.Task[None]] = set()

    async def serve(self, pools: dict[str, Pool]) -> None:
        """Run the waiting tasks of these functions from now on, in place of the ones before."""
        first = not self._pools
        await _cancelled(self._consumers.values())
        self._pools = pools
        self._wake = {name: asyncio.Event() for name in pools}
        self._consumers = {name: asyncio.create_task(self._consume(pool)) for name, pool in pools.items()}
        if first:
            for task in self._backlog.undelivered():
                self._deliver_soon(task)

    def accept(self, function: str, event: bytes, *, task_id: str = "", service: str = "") -> Task:
        """Write the invocation to disk; it runs soon. Raises `UnknownFunction`, `TaskExists`."""
        if function not in self._pools:
            raise UnknownFunction(function)
        now = _now_ms()
        request_id = new_request_id()
        task = Task(request_id, function, task_id or request_id, service, event, ENQUEUED, now, due_ms=now)
        self._backlog.accept(task)
        self._wake[function].set()
        return task

    def find(self, function: str, task_id: str) -> Task | None:
        """One task of a function in asyncTask mode."""
        return self._backlog.find(function, task_id)

    def tasks(self, function: str, *, prefix: str = "", status: str = "", limit: int = 100) -> list[Task]:
        """Tasks of a function in asyncTask mode, newest first."""
        return self._backlog.tasks(function, prefix=prefix, status=status, limit=limit)

    def waiting(self, function: str) -> int:
        """How many accepted invocations wait for their first or next attempt."""
        return self._backlog.waiting(function)

    def stop(self, task: Task) -> None:
        """Stop a task: one that runs loses its instance, one that waits never runs."""
        running = self._running.get(task.request_id)
        if running is not None:
            self._backlog.update(task.request_id, status=STOPPING)
            running.cancel()
        elif task.status in (ENQUEUED, RETRYING):
            self._backlog.update(task.request_id, status=STOPPED, ended_ms=_now_ms())

    async def close(self) -> None:
        """Stop consuming. What runs is ended; it runs again after the next start."""
        await _cancelled(self._consumers.values())
        await _cancelled((*self._running.values(), *self._deliveries))
        self._backlog.close()

    async def _consume(self, pool: Pool) -> None:
        slots = asyncio.Semaphore(ASYNC_CONCURRENCY)
        while True:
            await slots.acquire()
            task = await self._next(pool.function.name)
            running = asyncio.create_task(self._run(pool, task))
            self._running[task.request_id] = running
            running.add_done_callback(functools.partial(self._ran, slots, task))

    def _ran(self, slots: asyncio.Semaphore, task: Task, running: asyncio.Task[None]) -> None:
        del self._running[task.request_id]
        slots.release()
        if running.cancelled():
            self._backlog.confirm_stop(task.request_id, _now_ms())
        elif running.exception() is not None:
            _log.error("running %s failed in the emulator itself", task.function, exc_info=running.exception())

    async def _next(self, function: str) -> Task:
        wake = self._wake[function]
        while True:
            wake.clear()
            task = self._backlog.take(function, _now_ms())
            if task is not None:
                return task
            due_ms = self._backlog.next_due_ms(function)
            alarm = None
            if due_ms is not None:
                alarm = asyncio.get_running_loop().call_later(max(0.0, (due_ms - _now_ms()) / 1000), wake.set)
            try:
                await wake.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()

    async def _run(self, pool: Pool, task: Task) -> None:
        policy = pool.function.async_policy
        waited_s = (_now_ms() - task.accepted_ms) / 1000
        if waited_s > policy.max_age_s:
            self._end(pool, task, EXPIRED, None, "EventAgeExceeded")
            return
        try:
            outcome = await pool.invoke(Invocation(task.request_id, task.event, task.attempts, task.service))
        except Throttled:
            if waited_s > THROTTLED_FOR_AT_MOST_S:
                self._end(pool, task, FAILED, None, "FunctionResourceExhausted")
            else:
                pause_s = min(THROTTLE_PAUSE_S * 2.0**task.throttles, MAX_PAUSE_S)
                self._again(task, pause_s, throttles=task.throttles + 1)
            return
        task = replace(task, attempts=task.attempts + 1, throttles=0, instance_id=outcome.instance_id)
        if not outcome.error_kind:
            self._end(pool, task, SUCCEEDED, outcome, "")
        elif task.attempts <= policy.max_retries:
            _log.info("%s failed with %s; attempt %d", task.function, outcome.error_type, task.attempts)
            pause_s = min(RETRY_PAUSE_S * 2.0 ** (task.attempts - 1), MAX_PAUSE_S)
            self._again(task, pause_s, attempts=task.attempts, throttles=0, instance_id=task.instance_id)
        else:
            _log.warning("%s gave up after %d attempts: %s", task.function, task.attempts, outcome.error_type)
            self._end(pool, task, FAILED, outcome, outcome.error_kind)

    def _again(self, task: Task, pause_s: float, **values: int | str | None) -> None:
        status = RETRYING if task.attempts else ENQUEUED
        due_ms = _now_ms() + round(pause_s * self._scale * 1000)
        self._backlog.update(task.request_id, status=status, due_ms=due_ms, **values)
        if task.function in self._wake:
            self._wake[task.function].set()

    def _end(self, pool: Pool, task: Task, status: str, outcome: Outcome | None, condition: str) -> None:
        """The last word on a task: keep what has to be kept, and tell the destination if there is one."""
        policy = pool.function.async_policy
        destination = policy.on_success if status == SUCCEEDED else policy.on_failure
        task = replace(
            task,
            status=status,
            ended_ms=_now_ms(),
            error_message=condition or None,
            payload=outcome.payload if outcome is not None else None,
            notice_arn=destination.arn if destination is not None else None,
        )
        if destination is not None:
            arn = f"acs:fc:{pool.function.region}:{self._cloud.account_id}:functions/{task.function}"
            task = replace(task, notice=_notice(task, arn, condition, outcome))
        elif not policy.stateful:
            self._backlog.forget(task.request_id)
            return
        self._backlog.update(
            task.request_id,
            **{name: getattr(task, name) for name in _WRITTEN_AT_END},
        )
        if destination is not None:
            self._deliver_soon(task)

    def _deliver_soon(self, task: Task) -> None:
        delivery = asyncio.create_task(self._deliver(task))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    async def _deliver(self, task: Task) -> None:
        delivered = await self._told(task)
        pool = self._pools.get(task.function)
        if pool is not None and pool.function.async_policy.stateful:
            state = SUCCEEDED if delivered else FAILED
            self._backlog.update(task.request_id, notice=None, destination_status=state)
        else:
            self._backlog.forget(task.request_id)

    async def _told(self, task: Task) -> bool:
        destination = read_destination(task.notice_arn or "")
        body = task.notice or b""
        pause_s = THROTTLE_PAUSE_S
        while destination is not None and _now_ms() - task.accepted_ms < DELIVERED_WITHIN_S * 1000:
            try:
                if destination.kind == "functions":
                    self.accept(destination.name, body)
                else:
                    pool = self._pools.get(task.function)
                    sender = pool.function.credentials(self._cloud) if pool else None
                    await asyncio.to_thread(smq.send, self._cloud, destination, body, sender)
            except (Refused, UnknownFunction) as error:
                _log.error("the destination %s of %s refuses: %s", destination.name, task.function, error)
                return False
            except Unavailable as error:
                _log.warning("the destination %s of %s: %s; later again", destination.name, task.function, error)
                await asyncio.sleep(pause_s * self._scale)
                pause_s = min(pause_s * 2, MAX_PAUSE_S)
            else:
                return True
        return False


_WRITTEN_AT_END = (
    "status",
    "attempts",
    "instance_id",
    "ended_ms",
    "error_message",
    "payload",
    "notice",
    "notice_arn",
)


def _notice(task: Task, arn: str, condition: str, outcome: Outcome | None) -> bytes:
    """What a destination receives; the form is that of the document "Result callback"."""
    return json.dumps(
        {
            "timestamp": task.ended_ms,
            "requestContext": {
                "requestId": task.request_id,
                "functionArn": arn,
                "condition": condition,
                "approximateInvokeCount": task.attempts,
            },
            "requestPayload": task.event.decode("utf-8", "replace"),
            "responseContext": {"statusCode": 200, "functionError": outcome.error_kind if outcome else ""},
            "responsePayload": outcome.payload.decode("utf-8", "replace") if outcome else "",
        },
        ensure_ascii=False,
    ).encode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    pending = set(tasks)
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending)
