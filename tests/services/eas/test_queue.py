"""The queue's rules, by example and against a model that is too simple to be wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from localcloud.eas.queue import (
    NEWEST,
    Consumer,
    Limits,
    PayloadTooLargeError,
    Queue,
    QueueEndedError,
    QueueFullError,
    Record,
    Whereabouts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

BODY = "远山,水彩,黑色轿车".encode()


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Kept:
    """A journal in memory: what a store would have after each change."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.dead: list[int] = []

    def added(self, record: Record) -> None:
        assert record.index not in self.records
        self.records[record.index] = record

    def delivered(self, record: Record) -> None:
        assert record.index in self.records
        self.records[record.index] = record

    def removed(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            del self.records[index]

    def died(self, record: Record) -> None:
        self.dead.append(record.index)

    def cleared(self) -> None:
        self.records.clear()


def make(
    *, max_delivery: int = 0, max_idle_s: float = 0.0, max_length: int = 100, auto_evict: bool = False
) -> tuple[Queue, Clock, Queue]:
    clock = Clock()
    limits = Limits(8192, max_length, auto_evict, max_delivery, max_idle_s)
    rear = Queue(limits, clock, Kept())
    return Queue(limits, clock, Kept(), rear=rear), clock, rear


def watch(
    queue: Queue, uid: str = "a", *, gid: str = "g", window: int = 1, start: int = 0, auto_commit: bool = False
) -> Consumer:
    return queue.attach(gid, uid, start=start, window=window, auto_commit=auto_commit, tags={})


def indexes(records: Iterable[Record]) -> list[int]:
    return [record.index for record in records]


def test_indexes_count_from_one_and_are_never_given_twice() -> None:
    queue, _, _ = make()
    assert [queue.put({}, BODY) for _ in range(3)] == [1, 2, 3]
    queue.remove([3])
    assert queue.put({}, BODY) == 4


def test_a_live_trip_overtakes_the_backfill_that_waits() -> None:
    queue, _, _ = make()
    for _ in range(3):
        queue.put({"source": "backfill"}, BODY)
    live = queue.put({"source": "live"}, BODY, priority=1)
    consumer = watch(queue, window=9)
    delivered = [queue.deliver(consumer) for _ in range(4)]
    assert [record.index for record in delivered if record] == [live, 1, 2, 3]
    assert indexes(queue.select(0, 9, {})) == [live, 1, 2, 3]


def test_reading_is_no_lease_and_shows_what_a_consumer_holds() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    queue.deliver(watch(queue))
    assert indexes(queue.select(0, 1, {})) == indexes(queue.select(0, 1, {})) == [1]


def test_reading_takes_a_start_the_newest_and_tags() -> None:
    queue, _, _ = make()
    for city in ("上海市", "湖州市", "上海市"):
        queue.put({"city": city}, BODY)
    assert indexes(queue.select(2, 9, {})) == [2, 3]
    assert indexes(queue.select(NEWEST, 9, {})) == [3]
    assert indexes(queue.select(0, 9, {"city": "上海市"})) == [1, 3]
    assert queue.select(0, 9, {"city": "无锡市"}) == []
    assert queue.count({"city": "上海市"}) == 2
    assert queue.count({}, priority=1) == 0


def test_a_consumer_holds_no_more_than_its_window() -> None:
    queue, _, _ = make()
    for _ in range(3):
        queue.put({}, BODY)
    consumer = watch(queue, window=2)
    assert queue.deliver(consumer)
    assert queue.deliver(consumer)
    assert queue.deliver(consumer) is None
    queue.remove([1])
    third = queue.deliver(consumer)
    assert third is not None
    assert third.index == 3


def test_auto_commit_removes_at_delivery_and_ignores_the_window() -> None:
    queue, _, _ = make()
    for _ in range(3):
        queue.put({}, BODY)
    consumer = watch(queue, window=1, auto_commit=True)
    assert [record.index for record in iter(lambda: queue.deliver(consumer), None)] == [1, 2, 3]
    assert len(queue) == 0


def test_a_group_shares_records_and_another_group_gets_them_too() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    queue.put({}, BODY)
    first, second, other = watch(queue, "a"), watch(queue, "b"), watch(queue, "c", gid="h")
    assert indexes(filter(None, [queue.deliver(first), queue.deliver(second), queue.deliver(other)])) == [1, 2, 1]


def test_only_new_records_reach_a_consumer_that_asks_for_them() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    consumer = watch(queue, start=NEWEST)
    assert queue.deliver(consumer) is None
    queue.put({}, BODY)
    record = queue.deliver(consumer)
    assert record is not None
    assert record.index == 2


def test_what_a_lost_consumer_held_goes_to_the_next_in_order() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    queue.put({}, BODY)
    lost = watch(queue, "a", window=2)
    queue.deliver(lost)
    queue.deliver(lost)
    queue.detach(lost)
    again = queue.deliver(watch(queue, "b"))
    assert again is not None
    assert (again.index, again.deliveries) == (1, {"g": 2})


def test_a_connection_of_the_same_name_takes_over() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    old = watch(queue, "a")
    queue.deliver(old)
    new = watch(queue, "a")
    assert not old.attached
    assert queue.deliver(old) is None
    assert queue.deliver(new) is not None


def test_a_record_given_back_once_too_often_moves_to_the_rear_queue() -> None:
    queue, _, rear = make(max_delivery=2)
    queue.put({"task_id": "t-1"}, BODY)
    for uid in "ab":
        consumer = watch(queue, uid)
        assert queue.deliver(consumer)
        queue.detach(consumer)
    assert len(queue) == 0
    (dead,) = rear.select(0, 9, {})
    assert (dead.tags, dead.body) == ({"task_id": "t-1"}, BODY)


def test_a_consumer_that_shuts_down_does_not_use_up_a_try_and_gets_nothing_more() -> None:
    queue, _, rear = make(max_delivery=1)
    queue.put({}, BODY)
    consumer = watch(queue, "a")
    queue.deliver(consumer)
    queue.leave("g", "a", [1], stops=True)
    assert len(rear) == 0
    assert queue.deliver(consumer) is None
    assert queue.deliver(watch(queue, "b")) is not None


def test_saying_no_to_a_record_of_another_consumer_changes_nothing() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    queue.deliver(watch(queue, "a"))
    watch(queue, "b")
    queue.leave("g", "b", [1], stops=False)
    queue.leave("g", "unknown", [1], stops=False)
    assert queue.find(1, "g") == Whereabouts("g.a", 0)


def test_a_record_held_too_long_is_taken_back() -> None:
    queue, clock, _ = make(max_idle_s=60.0)
    queue.put({}, BODY)
    slow = watch(queue, "a")
    queue.deliver(slow)
    clock.now_s += 59.0
    assert queue.next_expiry_s() == 1.0
    queue.expire()
    assert queue.deliver(watch(queue, "b")) is None
    clock.now_s += 1.0
    queue.expire()
    assert queue.next_expiry_s() is None
    assert slow.held == {}
    assert queue.deliver(watch(queue, "b")) is not None


def test_find_says_who_holds_a_record_or_how_many_are_before_it() -> None:
    queue, _, _ = make()
    for _ in range(3):
        queue.put({}, BODY)
    queue.deliver(watch(queue, "worker-0", gid="tripcanvas_comfyui"))
    assert queue.find(1, "tripcanvas_comfyui") == Whereabouts("tripcanvas_comfyui.worker-0", 0)
    assert queue.find(3, "tripcanvas_comfyui") == Whereabouts("", 1)
    assert queue.find(3, "eas") == Whereabouts("", 2)
    assert queue.find(4, "eas") is None


def test_a_full_queue_refuses_or_evicts_its_oldest_record() -> None:
    refusing, _, _ = make(max_length=1)
    refusing.put({}, BODY)
    with pytest.raises(QueueFullError):
        refusing.put({}, BODY)
    evicting, _, _ = make(max_length=1, auto_evict=True)
    evicting.put({}, BODY)
    evicting.put({}, BODY)
    assert indexes(evicting.select(0, 9, {})) == [2]


def test_the_size_limit_counts_bytes_not_characters() -> None:
    queue, _, _ = make()
    queue.put({}, ("山" * 2730).encode() + b"..")
    with pytest.raises(PayloadTooLargeError):
        queue.put({}, ("山" * 2731).encode())


def test_an_ended_queue_takes_nothing_more_and_forgets_what_nobody_holds_if_forced() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    queue.put({}, BODY)
    queue.deliver(watch(queue))
    queue.end(force=False)
    assert len(queue) == 2
    with pytest.raises(QueueEndedError):
        queue.put({}, BODY)
    queue.end(force=True)
    assert indexes(queue.select(0, 9, {})) == [1]


def test_a_cleared_queue_is_as_new_and_its_consumers_are_gone() -> None:
    queue, _, _ = make()
    queue.put({}, BODY)
    consumer = watch(queue)
    queue.deliver(consumer)
    queue.clear()
    assert queue.put({}, BODY) == 1
    assert not consumer.attached
    assert list(queue.consumers()) == []
    queue.detach(consumer)


def test_consumers_are_listed_while_they_run_and_a_minute_longer() -> None:
    queue, clock, _ = make()
    consumer = queue.attach("g", "a", start=0, window=5, auto_commit=False, tags={"kind": "live"})
    queue.put({"kind": "live"}, BODY)
    queue.deliver(consumer)
    clock.now_s += 2.5
    assert list(queue.consumers()) == [
        "Id: g.a, Index: 1, Pending: 1, Status: Running, Idle: 2.500s, Window: 5, Slots: 4, "
        "AutoCommit: false, Tags: tags[kind=live]"
    ]
    queue.detach(consumer)
    (line,) = queue.consumers()
    assert "Pending: 0, Status: Complete, Idle: 0.000s, Window: 0, Slots: 0" in line
    clock.now_s += 61.0
    watch(queue, "b")
    (line,) = queue.consumers()
    assert line.startswith("Id: g.b")


MAX_DELIVERY = 3
MAX_IDLE_S = 10.0
WINDOW = 2
NAMES = st.sampled_from([("g", "a"), ("g", "b"), ("h", "a")])


class QueueAgainstModel(RuleBasedStateMachine):
    """The model keeps whole facts in plain dicts and finds everything by looking at all of them."""

    @initialize()
    def start(self) -> None:
        self.clock = Clock()
        self.kept = Kept()
        limits = Limits(100, 1000, max_delivery=MAX_DELIVERY, max_idle_s=MAX_IDLE_S)
        self.rear = Queue(limits, self.clock, Kept())
        self.queue = Queue(limits, self.clock, self.kept, rear=self.rear)
        self.priorities: dict[int, int] = {}
        #: Who holds a record in a group, since when: (gid, index) -> (uid, seconds).
        self.holders: dict[tuple[str, int], tuple[str, float]] = {}
        self.tries: Counter[tuple[str, int]] = Counter()
        self.dead: list[int] = []
        self.consumers: dict[tuple[str, str], Consumer] = {}
        self.last = 0

    def give_back(self, gid: str, index: int, *, counts: bool = True) -> None:
        del self.holders[gid, index]
        if not counts:
            self.tries[gid, index] -= 1
        elif self.tries[gid, index] >= MAX_DELIVERY:
            self.dead.append(index)
            self.forget(index)

    def forget(self, index: int) -> None:
        del self.priorities[index]
        self.holders = {key: who for key, who in self.holders.items() if key[1] != index}

    def held_by(self, name: tuple[str, str]) -> list[int]:
        return [index for (gid, index), (uid, _) in list(self.holders.items()) if (gid, uid) == name]

    @rule(priority=st.integers(0, 2))
    def put(self, priority: int) -> None:
        self.last += 1
        assert self.queue.put({}, BODY, priority=priority) == self.last
        self.priorities[self.last] = priority

    @rule(name=NAMES)
    def attach(self, name: tuple[str, str]) -> None:
        if name in self.consumers:
            for index in self.held_by(name):
                self.give_back(name[0], index)
        self.consumers[name] = watch(self.queue, name[1], gid=name[0], window=WINDOW)

    @rule(name=NAMES)
    def deliver(self, name: tuple[str, str]) -> None:
        consumer = self.consumers.get(name)
        if consumer is None:
            return
        gid, uid = name
        free = [index for index in self.priorities if (gid, index) not in self.holders]
        expected = min(free, key=lambda index: (-self.priorities[index], index), default=None)
        if len(self.held_by(name)) >= WINDOW:
            expected = None
        record = self.queue.deliver(consumer)
        assert (record.index if record else None) == expected
        if record is not None:
            self.holders[gid, record.index] = (uid, self.clock.now_s)
            self.tries[gid, record.index] += 1
            assert record.deliveries[gid] == self.tries[gid, record.index]

    @precondition(lambda self: self.priorities)
    @rule(draw=st.data())
    def commit(self, draw: st.DataObject) -> None:
        index = draw.draw(st.sampled_from(sorted(self.priorities)))
        self.queue.remove([index, 10_000])
        self.forget(index)

    @rule(name=NAMES, stops=st.booleans())
    def say_no(self, name: tuple[str, str], stops: bool) -> None:
        held = self.held_by(name)
        self.queue.leave(*name, held, stops=stops)
        for index in held:
            self.give_back(name[0], index, counts=not stops)
        if stops and name in self.consumers:
            self.queue.detach(self.consumers.pop(name))

    @rule(name=NAMES)
    def drop(self, name: tuple[str, str]) -> None:
        consumer = self.consumers.pop(name, None)
        if consumer is not None:
            self.queue.detach(consumer)
            for index in self.held_by(name):
                self.give_back(name[0], index)

    @rule(step_s=st.floats(0.5, 12.0))
    def let_time_pass(self, step_s: float) -> None:
        self.clock.now_s += step_s
        self.queue.expire()
        for (gid, index), (_, since) in list(self.holders.items()):
            if (gid, index) in self.holders and since <= self.clock.now_s - MAX_IDLE_S:
                self.give_back(gid, index)

    @rule(behind=st.integers(0, 5))
    def truncate(self, behind: int) -> None:
        below = self.last - behind
        self.queue.truncate(below)
        for index in [index for index in self.priorities if index < below]:
            self.forget(index)

    @rule()
    def restart_keeps_records_and_numbers(self) -> None:
        for name in list(self.consumers):
            for index in self.held_by(name):
                self.give_back(name[0], index, counts=False)
            self.queue.detach(self.consumers.pop(name), counts=False)
        self.queue = Queue(
            self.queue.limits,
            self.clock,
            self.kept,
            rear=self.rear,
            records=self.kept.records.values(),
            last_index=self.queue.last_index,
        )

    @invariant()
    def the_queue_holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "queue"):
            return
        in_order = sorted(self.priorities, key=lambda index: (-self.priorities[index], index))
        assert indexes(self.queue.select(0, 1000, {})) == in_order
        assert sorted(self.kept.records) == sorted(self.priorities)
        assert len(self.rear) == len(self.dead) == len(self.kept.dead)
        for name, consumer in self.consumers.items():
            assert sorted(consumer.held) == sorted(self.held_by(name))
        for gid in "gh":
            for index in in_order:
                found = self.queue.find(index, gid)
                holder = self.holders.get((gid, index))
                assert found is not None
                assert found.consumer == (f"{gid}.{holder[0]}" if holder else "")


QueueAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueueAgainstModel = QueueAgainstModel.TestCase
