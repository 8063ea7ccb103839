"""The instances of one function: reused when idle, started when none is, never more at once than allowed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from localcloud.fc.instance import Instance, InstanceLost, Invocation, Outcome

if TYPE_CHECKING:
    from localcloud.faults.active import ActiveRules
    from localcloud.fc.deployment import Function
    from localcloud.state import Cloud

#: Instances of one function on this machine where no reservedConcurrency says otherwise; an account in the cloud has
#: 300 of them in a region.
DEFAULT_CONCURRENCY = 10

#: An instance that was not needed for so long is stopped.
MAX_IDLE_S = 300.0

#: preStop hooks get their own timeout while the service runs, but only this long when it is shut down.
SHUTDOWN_PRE_STOP_S = 5.0

_REAP_EVERY_S = 15.0


class Throttled(RuntimeError):
    """As many instances as allowed are busy."""


class Pool:
    """Runs invocations of one function. Use `close` when done."""

    def __init__(self, function: Function, cloud: Cloud, faults: ActiveRules) -> None:
        self.function = function
        self.limit = DEFAULT_CONCURRENCY if function.reserved_concurrency is None else function.reserved_concurrency
        self.last_error_type = ""
        self.running = 0
        self._cloud = cloud
        self._faults = faults
        self._idle: list[Instance] = []
        self._closed = False
        self._reaper = asyncio.get_running_loop().create_task(self._reap())

    @property
    def instances(self) -> int:
        """How many instances exist, busy or idle."""
        return self.running + len(self._idle)

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation; a failure of the function is an `Outcome` too. Raises `Throttled`."""
        if self.running >= self.limit:
            raise Throttled(f"{self.function.name} runs {self.limit} invocations already")
        self.running += 1
        try:
            outcome = await self._run(invocation)
        finally:
            self.running -= 1
        if outcome.error_kind:
            self.last_error_type = outcome.error_type
        return outcome

    async def _run(self, invocation: Invocation) -> Outcome:
        # The one used last is the likeliest to be warm in every cache.
        instance = self._idle.pop() if self._idle else None
        started = time.monotonic()
        try:
            if instance is None:
                instance = await Instance.start(self.function, self._cloud)
            outcome = await self._exposed(instance, invocation)
        except InstanceLost as lost:
            return _lost(lost, instance, started)
        except BaseException:
            if instance is not None:
                await instance.kill()
            raise
        if instance.is_crashed:
            await instance.kill()
        elif self._closed or outcome.error_kind == "InitializationError":
            # The next invocation after a failed initializer gets a new instance.
            await instance.stop(SHUTDOWN_PRE_STOP_S)
        else:
            self._idle.append(instance)
        return outcome

    async def _exposed(self, instance: Instance, invocation: Invocation) -> Outcome:
        """Run one invocation that a fault rule may kill on the way."""
        moment_s = self._faults.moment_of_death(self.function.name)
        if moment_s is None:
            return await instance.invoke(invocation)
        death = asyncio.get_running_loop().call_later(moment_s, instance.crash)
        try:
            return await instance.invoke(invocation)
        finally:
            death.cancel()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(_REAP_EVERY_S)
            too_old = time.monotonic() - MAX_IDLE_S
            expired = [instance for instance in self._idle if instance.idle_since < too_old]
            self._idle = [instance for instance in self._idle if instance not in expired]
            await asyncio.gather(*(instance.stop() for instance in expired))

    async def close(self) -> None:
        """Stop the idle instances, with their preStop hooks; busy ones end after their invocation."""
        self._closed = True
        self._reaper.cancel()
        await asyncio.wait([self._reaper])
        idle, self._idle = self._idle, []
        await asyncio.gather(*(instance.stop(SHUTDOWN_PRE_STOP_S) for instance in idle))


def _lost(lost: InstanceLost, instance: Instance | None, started: float) -> Outcome:
    in_initializer = instance is not None and instance.is_initializing
    return Outcome(
        payload=json.dumps({"errorMessage": str(lost), "errorType": lost.kind}).encode(),
        error_kind="InitializationError" if in_initializer else "UnhandledInvocationError",
        error_type=lost.kind,
        instance_id=instance.instance_id if instance is not None else "",
        duration_ms=round((time.monotonic() - started) * 1000),
        max_memory_mb=0.0,
        log_tail=instance.log_tail if instance is not None else b"",
    )
