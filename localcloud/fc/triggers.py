"""The triggers of a deployment: timers that fire, and subscriptions that are made as soon as SMQ answers."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from localcloud.fc import smq
from localcloud.fc.deployment import EventBridgeTrigger, TimerTrigger, TopicTrigger
from localcloud.fc.schedule import Every
from shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from localcloud.fc.deployment import Function
    from localcloud.fc.dispatcher import Dispatcher
    from localcloud.state import Cloud

#: SMQ starts beside this service; until it answers, subscribing is tried again this often.
SUBSCRIBE_AGAIN_S = 0.5

_log = logging.getLogger(__name__)


class Triggers:
    """What calls functions by itself. Use `close` when done.

    A timer with ``@every`` fires for the first time right after the deployment; the document does not say when the
    cloud does. Times that pass while this service is down are not made up for.
    """

    def __init__(self, cloud: Cloud, functions: tuple[Function, ...], dispatcher: Dispatcher) -> None:
        self._cloud = cloud
        self._dispatcher = dispatcher
        self._subscribed: set[tuple[str, str]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        for function in functions:
            for trigger in function.triggers:
                if isinstance(trigger, TimerTrigger) and trigger.enabled:
                    self._tasks.append(asyncio.create_task(self._fire(function, trigger)))
                elif isinstance(trigger, TopicTrigger):
                    self._tasks.append(asyncio.create_task(self._subscribe(function, trigger)))
                elif isinstance(trigger, EventBridgeTrigger):
                    _log.warning("%s: trigger %s is not run: no EventBridge here", function.name, trigger.name)

    def is_subscribed(self, function: str, trigger: str) -> bool:
        """Whether the subscription of a topic trigger is in place."""
        return (function, trigger) in self._subscribed

    async def close(self) -> None:
        """Stop the timers. Subscriptions stay: they belong to the topic."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _fire(self, function: Function, trigger: TimerTrigger) -> None:
        due = datetime.now(timezone.utc)
        if not isinstance(trigger.schedule, Every):
            due = trigger.schedule.next_after(due)
        while True:
            # A sleep may end a moment early, and a machine may have been asleep for longer.
            while (remaining_s := (due - datetime.now(timezone.utc)).total_seconds()) > 0:
                await asyncio.sleep(min(remaining_s, 60.0))
            event = {
                "triggerTime": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "triggerName": trigger.name,
                "payload": trigger.payload,
            }
            self._dispatcher.accept(
                function.name, json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
            )
            now = datetime.now(timezone.utc)
            while due <= now:
                due = trigger.schedule.next_after(due)

    async def _subscribe(self, function: Function, trigger: TopicTrigger) -> None:
        while True:
            try:
                await asyncio.to_thread(smq.subscribe, self._cloud, function, trigger)
            except Unavailable:
                await asyncio.sleep(SUBSCRIBE_AGAIN_S)
            except Refused as error:
                _log.error(
                    "%s: trigger %s can't subscribe to %s: %s", function.name, trigger.name, trigger.topic, error
                )
                return
            else:
                self._subscribed.add((function.name, trigger.name))
                _log.info("%s is subscribed to %s", function.name, trigger.topic)
                return
