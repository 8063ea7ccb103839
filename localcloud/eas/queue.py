"""What one queue of the service does, as a pure state machine: no I/O, and the clock is passed in.

The rules, for the input queue and the sink alike:

- Every record gets the next index, from 1. Delivery goes by priority, highest first, then by index.
- Reading (`select`) is no lease: it changes nothing, and it also shows records that a consumer holds.
- A consumer is ``<gid>.<uid>``. Within a group each record goes to one consumer; groups do not hide records from each
  other. A consumer holds at most `window` records that are not committed.
- Removing a record (commit and delete are the same) removes it for everyone, whoever held it.
- A consumer that goes away, is taken over by another connection of the same name, says no (`release`), or holds a
  record for too long gives it back. A record given back after `max_delivery` deliveries is dead: it moves to the rear
  queue, or is dropped.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: `start` of a reader that wants the newest record, or of a consumer that wants only what is put from now on.
NEWEST = -1

#: How long a consumer that went away is still listed.
_LISTED_AFTER_LEAVING_S = 60.0


class PutError(Exception):
    """The queue did not take a record."""


class PayloadTooLargeError(PutError):
    """The record is larger than the queue takes."""


class QueueFullError(PutError):
    """The queue holds as many records as it may, and does not evict."""


class QueueEndedError(PutError):
    """The queue was told that nothing more would come."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `path` is what followed the service's name in the address; `deliveries` counts them by group."""

    index: int
    tags: Mapping[str, str]
    body: bytes = field(repr=False)
    path: str = ""
    priority: int = 0
    deliveries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a queue takes and how long it tries; see `settings.QueueSettings`. 0 is without limit for the last two."""

    max_payload_bytes: int
    max_length: int
    auto_evict: bool = False
    max_delivery: int = 0
    max_idle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a record is for one group: held by `consumer` (``gid.uid``), or, if that is empty, after `ahead` others."""

    consumer: str
    ahead: int


class Journal(Protocol):
    """Whoever keeps a queue's records hears of every change through this."""

    def added(self, record: Record) -> None:
        """A record was put, with the highest index so far."""

    def delivered(self, record: Record) -> None:
        """A record's `deliveries` changed."""

    def removed(self, indexes: Iterable[int]) -> None:
        """Records are gone."""

    def died(self, record: Record) -> None:
        """A record was given back once too often; it is removed next."""

    def cleared(self) -> None:
        """Everything is gone, and indexes start from 1 again."""


class Consumer:
    """One member of a group, with what it holds. Made by `Queue.attach`; its queue alone changes it."""

    def __init__(self, gid: str, uid: str, *, start: int, window: int, auto_commit: bool, tags: Mapping[str, str]):
        self.gid = gid
        self.uid = uid
        self.start = start
        self.window = window
        self.auto_commit = auto_commit
        self.tags = tags
        #: Since when each record is held, by index.
        self.held: dict[int, float] = {}
        self.attached = True
        self.leaving = False
        self.last_index = 0
        self.seen_at = 0.0

    @property
    def name(self) -> str:
        """How the service names it: ``gid.uid``."""
        return f"{self.gid}.{self.uid}"

    @property
    def slots(self) -> int:
        """How many more records it can be given."""
        if not self.attached or self.leaving:
            return 0
        return max(self.window - len(self.held), 0)


class Queue:
    """One queue. `on_change` is called whenever a waiting reader or consumer should look again.

    Dead records go to `rear`, or nowhere when that is `None`. `records` and `last_index` are what an earlier life left.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        journal: Journal,
        *,
        rear: Queue | None = None,
        on_change: Callable[[], None] = lambda: None,
        records: Iterable[Record] = (),
        last_index: int = 0,
    ) -> None:
        self.limits = limits
        self.last_index = last_index
        self.ended = False
        self._clock = clock
        self._journal = journal
        self._rear = rear
        self._on_change = on_change
        self._records = {record.index: record for record in sorted(records, key=lambda record: record.index)}
        #: Delivery order: (-priority, index).
        self._order = sorted((-record.priority, record.index) for record in self._records.values())
        self._consumers: dict[tuple[str, str], Consumer] = {}

    def __len__(self) -> int:
        return len(self._records)

    @property
    def first_index(self) -> int:
        """The lowest index in the queue; 0 when it is empty."""
        return next(iter(self._records), 0)

    def put(self, tags: Mapping[str, str], body: bytes, *, path: str = "", priority: int = 0) -> int:
        """Append a record and return its index. Raises `PayloadTooLargeError`, `QueueFullError`, `QueueEndedError`."""
        if len(body) > self.limits.max_payload_bytes:
            raise PayloadTooLargeError
        if self.ended:
            raise QueueEndedError
        if len(self) >= self.limits.max_length:
            if not self.limits.auto_evict:
                raise QueueFullError
            self._remove([self.first_index])
        return self._append(tags, body, path, priority)

    def select(self, start: int, length: int, tags: Mapping[str, str]) -> list[Record]:
        """Up to `length` records in delivery order, with an index of at least `start` (`NEWEST`: the newest one)
        and with all of `tags`.
        """
        if start == NEWEST:
            start = next(reversed(self._records), 0)
        chosen: list[Record] = []
        for record in self._in_order():
            if len(chosen) >= length:
                break
            if record.index >= start and _has(record, tags):
                chosen.append(record)
        return chosen

    def count(self, tags: Mapping[str, str], priority: int | None = None) -> int:
        """How many records have all of `tags` and, if given, that priority."""
        return sum(_has(record, tags) and priority in (None, record.priority) for record in self._records.values())

    def find(self, index: int, gid: str) -> Whereabouts | None:
        """Where the record `index` is for the group `gid`; `None` when the queue does not have it."""
        record = self._records.get(index)
        if record is None:
            return None
        held = self._held_by(gid)
        if index in held:
            return Whereabouts(held[index].name, 0)
        before = self._order[: bisect.bisect_left(self._order, (-record.priority, index))]
        return Whereabouts("", sum(other not in held for _, other in before))

    def remove(self, indexes: Iterable[int]) -> None:
        """Commit or delete: the records are gone for everyone. Indexes the queue does not have are passed over."""
        self._remove([index for index in indexes if index in self._records])
        self._on_change()

    def truncate(self, index: int) -> None:
        """Remove every record below `index`."""
        self.remove([other for other in self._records if other < index])

    def end(self, *, force: bool) -> None:
        """Refuse every further put; with `force` also remove what was not delivered yet."""
        self.ended = True
        if force:
            held = {index for consumer in self._consumers.values() for index in consumer.held}
            self._remove([index for index in self._records if index not in held])
        self._on_change()

    def clear(self) -> None:
        """Lose everything, as a restart of an in-memory queue does: records, consumers, the count of indexes."""
        for consumer in self._consumers.values():
            consumer.attached = False
            consumer.held.clear()
        self._consumers.clear()
        self._records.clear()
        self._order.clear()
        self.last_index = 0
        self.ended = False
        self._journal.cleared()
        self._on_change()

    def attach(
        self, gid: str, uid: str, *, start: int, window: int, auto_commit: bool, tags: Mapping[str, str]
    ) -> Consumer:
        """A new connection of a consumer. One of the same name is taken over: it ends, and gives back what it held."""
        now = self._clock()
        for key, other in list(self._consumers.items()):
            if not other.attached and now - other.seen_at > _LISTED_AFTER_LEAVING_S:
                del self._consumers[key]
        former = self._consumers.get((gid, uid))
        if former is not None:
            self.detach(former)
        if start == NEWEST:
            start = self.last_index + 1
        consumer = Consumer(gid, uid, start=start, window=max(window, 1), auto_commit=auto_commit, tags=tags)
        consumer.seen_at = now
        self._consumers[gid, uid] = consumer
        return consumer

    def detach(self, consumer: Consumer, *, counts: bool = True) -> None:
        """The consumer's connection is gone; see `release` for the rest."""
        if consumer.attached:
            consumer.attached = False
            consumer.seen_at = self._clock()
            self.release(consumer, list(consumer.held), counts=counts)

    def deliver(self, consumer: Consumer) -> Record | None:
        """Give `consumer` the next record it may have, or `None`.

        It holds the record until that is removed or given back; with auto-commit the record is removed at once and
        the window does not matter.
        """
        if not consumer.attached or consumer.leaving or not (consumer.auto_commit or consumer.slots):
            return None
        held = self._held_by(consumer.gid)
        for record in self._in_order():
            if record.index >= consumer.start and record.index not in held and _has(record, consumer.tags):
                return self._hand_over(record, consumer)
        return None

    def release(self, consumer: Consumer, indexes: Iterable[int], *, counts: bool = True) -> None:
        """Give back those records of `indexes` that `consumer` holds.

        `counts` is false when the delivery should not count as a try: nothing went wrong with the record.
        """
        for index in indexes:
            if consumer.held.pop(index, None) is None:
                continue
            record = self._records[index]
            if not counts:
                self._count_delivery(record, consumer.gid, -1)
            elif 0 < self.limits.max_delivery <= record.deliveries[consumer.gid]:
                self._bury(record)
        self._on_change()

    def leave(self, gid: str, uid: str, indexes: Iterable[int], *, stops: bool) -> None:
        """A consumer says no to records it holds, by name; see `release`.

        With `stops` it is about to exit: that is no fault of the records, and it gets no further ones.
        """
        consumer = self._consumers.get((gid, uid))
        if consumer is not None:
            consumer.leaving = consumer.leaving or stops
            self.release(consumer, indexes, counts=not stops)

    def next_expiry_s(self) -> float | None:
        """Seconds until some consumer has held a record for too long; `None` when that can't happen."""
        if not self.limits.max_idle_s:
            return None
        since = [at for consumer in self._consumers.values() for at in consumer.held.values()]
        return max(min(since) + self.limits.max_idle_s - self._clock(), 0.0) if since else None

    def expire(self) -> None:
        """Take back what consumers have held for too long."""
        if not self.limits.max_idle_s:
            return
        latest = self._clock() - self.limits.max_idle_s
        for consumer in self._consumers.values():
            overdue = [index for index, since in consumer.held.items() if since <= latest]
            if overdue:
                self.release(consumer, overdue)

    def consumers(self) -> Iterator[str]:
        """One line a consumer, in the words of the service's attributes."""
        now = self._clock()
        for consumer in self._consumers.values():
            status = "Leaving" if consumer.leaving else "Running" if consumer.attached else "Complete"
            tags = " ".join(f"{key}={value}" for key, value in sorted(consumer.tags.items()))
            yield (
                f"Id: {consumer.name}, Index: {consumer.last_index}, Pending: {len(consumer.held)}, Status: {status}, "
                f"Idle: {now - consumer.seen_at:.3f}s, Window: {consumer.window if consumer.attached else 0}, "
                f"Slots: {consumer.slots}, AutoCommit: {str(consumer.auto_commit).lower()}"
                + (f", Tags: tags[{tags}]" if tags else "")
            )

    def _in_order(self) -> Iterator[Record]:
        return (self._records[index] for _, index in self._order)

    def _held_by(self, gid: str) -> dict[int, Consumer]:
        return {
            index: consumer for consumer in self._consumers.values() if consumer.gid == gid for index in consumer.held
        }

    def _append(self, tags: Mapping[str, str], body: bytes, path: str, priority: int) -> int:
        self.last_index += 1
        record = Record(self.last_index, dict(tags), body, path, priority)
        self._records[record.index] = record
        bisect.insort(self._order, (-priority, record.index))
        self._journal.added(record)
        self._on_change()
        return record.index

    def _remove(self, indexes: list[int]) -> None:
        for index in indexes:
            record = self._records.pop(index)
            del self._order[bisect.bisect_left(self._order, (-record.priority, index))]
            for consumer in self._consumers.values():
                consumer.held.pop(index, None)
        if indexes:
            self._journal.removed(indexes)

    def _hand_over(self, record: Record, consumer: Consumer) -> Record:
        consumer.last_index = record.index
        consumer.seen_at = self._clock()
        if consumer.auto_commit:
            self._remove([record.index])
            return record
        consumer.held[record.index] = consumer.seen_at
        return self._count_delivery(record, consumer.gid, 1)

    def _count_delivery(self, record: Record, gid: str, step: int) -> Record:
        counted = replace(record, deliveries={**record.deliveries, gid: record.deliveries.get(gid, 0) + step})
        self._records[record.index] = counted
        self._journal.delivered(counted)
        return counted

    def _bury(self, record: Record) -> None:
        """Move a dead record to the rear queue; it may be longer than that queue's limit, which is for senders."""
        self._journal.died(record)
        self._remove([record.index])
        if self._rear is not None:
            self._rear._append(record.tags, record.body, record.path, record.priority)


def _has(record: Record, tags: Mapping[str, str]) -> bool:
    return all(record.tags.get(key) == value for key, value in tags.items())
