"""The four queues of a service as the event loop sees them: each with what wakes its waiting readers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.eas.queue import Limits, Queue

if TYPE_CHECKING:
    from localcloud.eas.settings import QueueSettings
    from localcloud.eas.store import Store


class Changes:
    """Wakes everyone who waits for a queue to change; waiting costs nothing meanwhile."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def announce(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Return at the next change, or after `timeout_s`."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_s)


@dataclass(frozen=True, slots=True)
class Channel:
    """One queue, by its name in the address and in the store, and its changes."""

    name: str
    queue: Queue
    changes: Changes


class Channels:
    """The input queue, the sink, and the rear queue of each."""

    def __init__(self, settings: QueueSettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._front = {
            "input": self._open("input", settings.source_max_length, auto_evict=settings.source_auto_evict),
            "sink": self._open("sink", settings.sink_max_length, auto_evict=settings.sink_auto_evict),
        }

    def choose(self, *, sink: bool, rear: bool) -> Channel:
        """The queue a request means."""
        front, behind = self._front["sink" if sink else "input"]
        return behind if rear else front

    def restart(self) -> dict[str, int]:
        """Empty all queues, as a restart of the real, in-memory ones would; returns how many records each lost."""
        lost = {}
        for front, behind in self._front.values():
            for channel in (front, behind):
                lost[channel.name] = len(channel.queue)
                channel.queue.clear()
        return lost

    def _open(self, name: str, max_length: int, *, auto_evict: bool) -> tuple[Channel, Channel]:
        settings = self._settings
        rear = self._channel(f"{name}-rear", Limits(settings.max_payload_bytes, max_length, auto_evict=True), None)
        limits = Limits(settings.max_payload_bytes, max_length, auto_evict, settings.max_delivery, settings.max_idle_s)
        dead_go_to = rear.queue if settings.dead_message_policy == "Rear" else None
        return self._channel(name, limits, dead_go_to), rear

    def _channel(self, name: str, limits: Limits, rear: Queue | None) -> Channel:
        journal = self._store.journal(name)
        changes = Changes()
        queue = Queue(
            limits,
            time.monotonic,
            journal,
            rear=rear,
            on_change=changes.announce,
            records=journal.records(),
            last_index=journal.last_index(),
        )
        return Channel(name, queue, changes)
