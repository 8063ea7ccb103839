"""Queues, topics, messages and deliveries under way, in one SQLite file.

Every call commits before it returns, to a write-ahead log that survives the end of the process at any moment; it is
not fsynced, so a power cut may lose the last seconds. All calls run on one thread and take well under a millisecond.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import sqlite3
import time
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

from localcloud.mns.model import (
    TOPIC_RETENTION_S,
    ContentFormat,
    DeadLetterPolicy,
    Delivery,
    Draft,
    Message,
    NotifyStrategy,
    Property,
    Publication,
    Queue,
    QueueAttributes,
    Subscription,
    Topic,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SCHEMA = """
CREATE TABLE queues (
    name TEXT PRIMARY KEY, visibility_timeout_s INTEGER, maximum_message_bytes INTEGER, retention_s INTEGER,
    delay_s INTEGER, polling_wait_s INTEGER, logging_enabled INTEGER, dead_letter_queue TEXT, max_receive_count INTEGER,
    created_ms INTEGER, modified_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE messages (
    number INTEGER PRIMARY KEY, queue TEXT, id TEXT, body TEXT, body_md5 TEXT, priority INTEGER, group_id TEXT,
    user_properties TEXT, system_properties TEXT, enqueued_ms INTEGER, first_received_ms INTEGER, visible_ms INTEGER,
    receive_count INTEGER, receipt_handle TEXT, expires_ms INTEGER
);
CREATE INDEX messages_by_visibility ON messages (queue, visible_ms);
CREATE INDEX messages_by_receipt ON messages (queue, receipt_handle);
CREATE TABLE topics (
    name TEXT PRIMARY KEY, maximum_message_bytes INTEGER, logging_enabled INTEGER, created_ms INTEGER,
    modified_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE subscriptions (
    topic TEXT, name TEXT, endpoint TEXT, strategy TEXT, content_format TEXT, filter_tag TEXT, dead_letter_queue TEXT,
    created_ms INTEGER, modified_ms INTEGER, PRIMARY KEY (topic, name)
) WITHOUT ROWID;
CREATE TABLE publications (
    id TEXT PRIMARY KEY, body TEXT, body_md5 TEXT, tag TEXT, attributes TEXT, user_properties TEXT,
    published_ms INTEGER
) WITHOUT ROWID;
-- AUTOINCREMENT: an attempt under way must never find another delivery under its id.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, subscription TEXT, publication TEXT, attempts INTEGER,
    due_ms INTEGER
);
CREATE INDEX deliveries_by_time ON deliveries (due_ms);
"""

_MESSAGE = (
    "SELECT id, body, body_md5, priority, group_id, user_properties, system_properties, enqueued_ms,"
    " first_received_ms, visible_ms, receive_count, receipt_handle, number, expires_ms FROM messages WHERE queue = ? "
)


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Store:
    """The state of the embedded SMQ under one folder."""

    def __init__(self, folder: Path, first_topics: Sequence[str], first_queues: Sequence[str]) -> None:
        self._db = sqlite3.connect(folder / "smq.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        # What is deleted is gone from the file: trips lie in it.
        self._db.execute("PRAGMA secure_delete=ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            with self._transaction():
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
                for name in first_topics:
                    self.create_topic(name, 65_536, logging_enabled=False)
                for name in first_queues:
                    self.create_queue(name, QueueAttributes())
                self._db.execute("PRAGMA user_version = 1")

    def close(self) -> None:
        """Close the file; the store can't be used afterwards."""
        self._db.close()

    # Queues

    def queue(self, name: str) -> Queue | None:
        """The queue called `name`."""
        row = self._db.execute("SELECT * FROM queues WHERE name = ?", (name,)).fetchone()
        return _queue(row) if row else None

    def queues(self) -> list[Queue]:
        """Every queue, by name."""
        return [_queue(row) for row in self._db.execute("SELECT * FROM queues ORDER BY name")]

    def create_queue(self, name: str, attributes: QueueAttributes) -> None:
        """Add a queue that does not exist yet."""
        row = (name, *astuple(attributes), None, None, now_ms(), now_ms())
        self._db.execute(f"INSERT INTO queues VALUES ({_marks(row)})", row)  # noqa: S608

    def set_queue_attributes(self, name: str, attributes: QueueAttributes) -> None:
        """Replace a queue's attributes; messages that are in it keep their times."""
        self._db.execute(
            "UPDATE queues SET visibility_timeout_s = ?, maximum_message_bytes = ?, retention_s = ?, delay_s = ?,"
            " polling_wait_s = ?, logging_enabled = ?, modified_ms = ? WHERE name = ?",
            (*astuple(attributes), now_ms(), name),
        )

    def set_dead_letter(self, name: str, policy: DeadLetterPolicy | None) -> None:
        """Set or remove a queue's dead-letter policy."""
        row = (policy.target_queue, policy.max_receive_count) if policy else (None, None)
        self._db.execute("UPDATE queues SET dead_letter_queue = ?, max_receive_count = ? WHERE name = ?", (*row, name))

    def delete_queue(self, name: str) -> None:
        """Remove a queue with its messages; nothing happens if there is none."""
        with self._transaction():
            self._db.execute("DELETE FROM messages WHERE queue = ?", (name,))
            self._db.execute("DELETE FROM queues WHERE name = ?", (name,))

    def counts(self, queue: str) -> tuple[int, int, int]:
        """How many messages are active, inactive (received and held) and delayed."""
        self.settle(queue)
        row = self._db.execute(
            "SELECT count(*) FILTER (WHERE visible_ms <= ?1),"
            " count(*) FILTER (WHERE visible_ms > ?1 AND receive_count > 0),"
            " count(*) FILTER (WHERE visible_ms > ?1 AND receive_count = 0) FROM messages WHERE queue = ?2",
            (now_ms(), queue),
        ).fetchone()
        return int(row[0]), int(row[1]), int(row[2])

    # Messages

    def send(self, queue: Queue, drafts: Sequence[Draft]) -> list[Message]:
        """Put messages into `queue`, all or none."""
        with self._transaction():
            return [self._send(queue, draft) for draft in drafts]

    def _send(self, queue: Queue, draft: Draft, *, expires_ms: int | None = None) -> Message:
        now = now_ms()
        delay_s = queue.attributes.delay_s if draft.delay_s is None else draft.delay_s
        message = Message(
            id=_new_id(),
            body=draft.body,
            body_md5=_md5(draft.body),
            priority=draft.priority,
            group_id=draft.group_id,
            user_properties=draft.user_properties,
            system_properties=draft.system_properties,
            enqueued_ms=now,
            first_received_ms=now,
            next_visible_ms=now + delay_s * 1000,
            receive_count=0,
            # A delayed message can be deleted or rescheduled before anybody has received it.
            receipt_handle=_new_receipt_handle(draft.priority) if delay_s else "",
        )
        row = (
            None,
            queue.name,
            message.id,
            message.body,
            message.body_md5,
            message.priority,
            message.group_id,
            _dumps(message.user_properties),
            _dumps(message.system_properties),
            now,
            now,
            message.next_visible_ms,
            0,
            message.receipt_handle,
            expires_ms or now + queue.attributes.retention_s * 1000,
        )
        self._db.execute(f"INSERT INTO messages VALUES ({_marks(row)})", row)  # noqa: S608
        return message

    def receive(self, queue: Queue, count: int) -> list[Message]:
        """Up to `count` visible messages, the most urgent first; each is held under a new receipt handle."""
        self.settle(queue.name)
        now = now_ms()
        visible_ms = now + queue.attributes.visibility_timeout_s * 1000
        with self._transaction():
            return [self._hold(row, now, visible_ms) for row in self._visible(queue.name, count, now)]

    def peek(self, queue: str, count: int) -> list[Message]:
        """Up to `count` visible messages, left as they are."""
        self.settle(queue)
        return [_message(row) for row in self._visible(queue, count, now_ms())]

    def _visible(self, queue: str, count: int, now: int) -> list[tuple[Any, ...]]:
        return self._db.execute(
            _MESSAGE + "AND visible_ms <= ? ORDER BY priority, number LIMIT ?", (queue, now, count)
        ).fetchall()

    def _hold(self, row: tuple[Any, ...], now: int, visible_ms: int) -> Message:
        found = _message(row)
        first = found.first_received_ms if found.receive_count else now
        receipt_handle = _new_receipt_handle(found.priority)
        self._db.execute(
            "UPDATE messages SET first_received_ms = ?, visible_ms = ?, receive_count = receive_count + 1,"
            " receipt_handle = ? WHERE number = ?",
            (first, visible_ms, receipt_handle, row[12]),
        )
        return replace(
            found,
            first_received_ms=first,
            next_visible_ms=visible_ms,
            receive_count=found.receive_count + 1,
            receipt_handle=receipt_handle,
        )

    def delete_message(self, queue: str, receipt_handle: str) -> bool:
        """Remove the message held under `receipt_handle`; False if the handle holds none (any more)."""
        removed = self._db.execute(
            "DELETE FROM messages WHERE queue = ? AND receipt_handle = ? AND visible_ms > ?",
            (queue, receipt_handle, now_ms()),
        )
        return removed.rowcount == 1

    def change_visibility(self, queue: str, receipt_handle: str, timeout_s: int) -> tuple[str, int] | None:
        """Hold a message for `timeout_s` from now: its new handle and NextVisibleTime, None if it is not held."""
        visible_ms = now_ms() + timeout_s * 1000
        fresh = _new_receipt_handle(int(receipt_handle.partition("-")[0]))
        changed = self._db.execute(
            "UPDATE messages SET receipt_handle = ?, visible_ms = ?"
            " WHERE queue = ? AND receipt_handle = ? AND visible_ms > ?",
            (fresh, visible_ms, queue, receipt_handle, now_ms()),
        )
        return (fresh, visible_ms) if changed.rowcount == 1 else None

    def next_visible_ms(self, queue: str) -> int | None:
        """When the next held or delayed message of `queue` becomes visible."""
        (moment,) = self._db.execute(
            "SELECT min(visible_ms) FROM messages WHERE queue = ? AND visible_ms > ?", (queue, now_ms())
        ).fetchone()
        return None if moment is None else int(moment)

    def settle(self, queue: str) -> str:
        """Drop what is past its retention and move what was received too often; the target's name if any was moved.

        A dead letter keeps the time at which it expires. It gets a new id and names its origin in its system
        properties. While the target queue does not exist, messages stay where they are.
        """
        now = now_ms()
        self._db.execute("DELETE FROM messages WHERE queue = ? AND expires_ms <= ?", (queue, now))
        source = self.queue(queue)
        if source is None or source.dead_letter is None:
            return ""
        target = self.queue(source.dead_letter.target_queue)
        rows = self._db.execute(
            _MESSAGE + "AND visible_ms <= ? AND receive_count >= ?", (queue, now, source.dead_letter.max_receive_count)
        ).fetchall()
        if target is None or not rows:
            return ""
        with self._transaction():
            for row in rows:
                found = _message(row)
                origin = (
                    Property("DLQSourceArn", f"/queues/{queue}", "STRING"),
                    Property("DLQOriginMessageId", found.id, "STRING"),
                )
                draft = Draft(found.body, 0, found.priority, found.group_id, found.user_properties, origin)
                self._send(target, draft, expires_ms=row[13])
                self._db.execute("DELETE FROM messages WHERE number = ?", (row[12],))
        return target.name

    # Topics

    def topic(self, name: str) -> Topic | None:
        """The topic called `name`."""
        row = self._db.execute("SELECT * FROM topics WHERE name = ?", (name,)).fetchone()
        return Topic(row[0], row[1], bool(row[2]), *row[3:]) if row else None

    def topics(self) -> list[Topic]:
        """Every topic, by name."""
        rows = self._db.execute("SELECT * FROM topics ORDER BY name")
        return [Topic(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]

    def create_topic(self, name: str, maximum_message_bytes: int, *, logging_enabled: bool) -> None:
        """Add a topic that does not exist yet."""
        row = (name, maximum_message_bytes, logging_enabled, now_ms(), now_ms())
        self._db.execute(f"INSERT INTO topics VALUES ({_marks(row)})", row)  # noqa: S608

    def set_topic_attributes(self, name: str, maximum_message_bytes: int, *, logging_enabled: bool) -> None:
        """Replace a topic's attributes."""
        self._db.execute(
            "UPDATE topics SET maximum_message_bytes = ?, logging_enabled = ?, modified_ms = ? WHERE name = ?",
            (maximum_message_bytes, logging_enabled, now_ms(), name),
        )

    def delete_topic(self, name: str) -> None:
        """Remove a topic, its subscriptions and what is under way; nothing happens if there is none."""
        with self._transaction():
            for table in ("deliveries", "subscriptions"):
                self._db.execute(f"DELETE FROM {table} WHERE topic = ?", (name,))  # noqa: S608
            self._db.execute("DELETE FROM topics WHERE name = ?", (name,))
            self._drop_finished()

    def pending(self, topic: str) -> int:
        """How many messages of a topic are still being delivered."""
        (count,) = self._db.execute(
            "SELECT count(DISTINCT publication) FROM deliveries WHERE topic = ?", (topic,)
        ).fetchone()
        return int(count)

    # Subscriptions

    def subscription(self, topic: str, name: str) -> Subscription | None:
        """One subscription of a topic."""
        row = self._db.execute("SELECT * FROM subscriptions WHERE topic = ? AND name = ?", (topic, name)).fetchone()
        return _subscription(row) if row else None

    def subscriptions(self, topic: str) -> list[Subscription]:
        """Every subscription of a topic, by name."""
        rows = self._db.execute("SELECT * FROM subscriptions WHERE topic = ? ORDER BY name", (topic,))
        return [_subscription(row) for row in rows]

    def put_subscription(self, subscription: Subscription) -> None:
        """Add or replace a subscription."""
        row = astuple(subscription)
        self._db.execute(f"INSERT OR REPLACE INTO subscriptions VALUES ({_marks(row)})", row)  # noqa: S608

    def delete_subscription(self, topic: str, name: str) -> None:
        """Remove a subscription and what is under way to it; nothing happens if there is none."""
        with self._transaction():
            self._db.execute("DELETE FROM deliveries WHERE topic = ? AND subscription = ?", (topic, name))
            self._db.execute("DELETE FROM subscriptions WHERE topic = ? AND name = ?", (topic, name))
            self._drop_finished()

    # Deliveries

    def publish(
        self,
        topic: str,
        body: str,
        tag: str,
        attributes: tuple[tuple[str, str], ...],
        user_properties: tuple[Property, ...],
    ) -> Publication:
        """Accept a message and open one delivery for each subscription whose filter takes its tag."""
        publication = Publication(_new_id(), body, _md5(body), tag, attributes, user_properties, now_ms())
        takers = [each.name for each in self.subscriptions(topic) if each.filter_tag in ("", tag)]
        if takers:
            with self._transaction():
                row = (publication.id, body, publication.body_md5, tag)
                row = (*row, json.dumps(attributes, ensure_ascii=False), _dumps(user_properties))  # type: ignore[assignment]
                self._db.execute("INSERT INTO publications VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, now_ms()))
                for name in takers:
                    self._db.execute(
                        "INSERT INTO deliveries VALUES (NULL, ?, ?, ?, 0, ?)", (topic, name, publication.id, now_ms())
                    )
        return publication

    def due(self, limit: int, under_way: set[int]) -> list[Delivery]:
        """Up to `limit` deliveries whose time has come, without those `under_way`."""
        rows = self._db.execute(
            "SELECT d.id, d.topic, d.subscription, d.attempts, p.* FROM deliveries AS d"
            " JOIN publications AS p ON p.id = d.publication WHERE d.due_ms <= ? ORDER BY d.due_ms, d.id LIMIT ?",
            (now_ms(), limit + len(under_way)),
        ).fetchall()
        found = []
        for delivery_id, topic, name, attempts, *publication in rows:
            subscription = self.subscription(topic, name)
            if delivery_id not in under_way and subscription is not None:
                found.append(Delivery(delivery_id, subscription, _publication(publication), attempts))
        return found[:limit]

    def next_due_ms(self, under_way: set[int]) -> int | None:
        """When the next delivery is due that is not `under_way`."""
        rows = self._db.execute("SELECT id, due_ms FROM deliveries ORDER BY due_ms LIMIT ?", (1 + len(under_way),))
        return next((int(due_ms) for delivery_id, due_ms in rows if delivery_id not in under_way), None)

    def finish(self, delivery: Delivery, queue: Queue | None = None, draft: Draft | None = None) -> None:
        """End a delivery; with `queue` and `draft`, put that message there in the same transaction."""
        with self._transaction():
            if queue and draft:
                self._send(queue, draft)
            self._db.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))
            self._drop_finished()

    def postpone(self, delivery: Delivery, due_ms: int) -> None:
        """Count an attempt made in vain and try again at `due_ms`."""
        self._db.execute(
            "UPDATE deliveries SET attempts = attempts + 1, due_ms = ? WHERE id = ?", (due_ms, delivery.id)
        )

    def drop_expired(self) -> list[str]:
        """End the deliveries of messages older than a topic keeps them; the ids of those messages."""
        oldest = now_ms() - TOPIC_RETENTION_S * 1000
        rows = self._db.execute("SELECT id FROM publications WHERE published_ms < ?", (oldest,)).fetchall()
        for (publication_id,) in rows:
            self._db.execute("DELETE FROM deliveries WHERE publication = ?", (publication_id,))
        self._drop_finished()
        return [publication_id for (publication_id,) in rows]

    def _drop_finished(self) -> None:
        self._db.execute("DELETE FROM publications WHERE id NOT IN (SELECT publication FROM deliveries)")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _queue(row: tuple[Any, ...]) -> Queue:
    attributes = QueueAttributes(row[1], row[2], row[3], row[4], row[5], bool(row[6]))
    policy = DeadLetterPolicy(row[7], row[8]) if row[7] else None
    return Queue(row[0], attributes, policy, row[9], row[10])


def _message(row: tuple[Any, ...]) -> Message:
    id_, body, body_md5, priority, group_id, user_properties, system_properties, *counters = row[:11]
    return Message(
        id_, body, body_md5, priority, group_id, _properties(user_properties), _properties(system_properties), *counters
    )


def _subscription(row: tuple[Any, ...]) -> Subscription:
    topic, name, endpoint, strategy, content_format, *rest = row
    return Subscription(topic, name, endpoint, NotifyStrategy(strategy), ContentFormat(content_format), *rest)


def _publication(row: Sequence[Any]) -> Publication:
    attributes = tuple((name, value) for name, value in json.loads(row[4]))
    return Publication(row[0], row[1], row[2], row[3], attributes, _properties(row[5]), row[6])


def _properties(text: str) -> tuple[Property, ...]:
    return tuple(Property(*values) for values in json.loads(text))


def _dumps(properties: tuple[Property, ...]) -> str:
    return json.dumps([astuple(each) for each in properties], ensure_ascii=False)


def _marks(row: tuple[object, ...]) -> str:
    return ", ".join("?" * len(row))


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest().upper()


def _new_id() -> str:
    return secrets.token_hex(16).upper()


def _new_receipt_handle(priority: int) -> str:
    return f"{priority}-{secrets.token_hex(16)}"
