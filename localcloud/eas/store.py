"""The queues' records on disk, so that a restart of the embedded cloud loses nothing.

The real queues live in memory and do lose everything; that is what `Queue.clear` shows.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING

from localcloud.eas.queue import Record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    queue TEXT NOT NULL, number INTEGER NOT NULL, tags TEXT NOT NULL, body BLOB NOT NULL, path TEXT NOT NULL,
    priority INTEGER NOT NULL, deliveries TEXT NOT NULL, PRIMARY KEY (queue, number)
);
CREATE TABLE IF NOT EXISTS counter (queue TEXT PRIMARY KEY, last_number INTEGER NOT NULL);
"""


class Store:
    """The file that holds all queues of one service. Only its owner may read it: prompts lie in it."""

    def __init__(self, file: Path) -> None:
        file.touch(mode=0o600)
        self._connection = sqlite3.connect(file)
        # A killed process loses nothing in this mode; a power cut can lose the last moments, which is enough here.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        # What is deleted is gone from the file.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.executescript(_SCHEMA)

    def journal(self, queue: str) -> StoreJournal:
        """What keeps the queue of that name."""
        return StoreJournal(self._connection, queue)

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()


class StoreJournal:
    """Keeps one queue's records; see `queue.Journal`."""

    def __init__(self, connection: sqlite3.Connection, queue: str) -> None:
        self._connection = connection
        self._queue = queue

    def records(self) -> list[Record]:
        """What is kept, by index."""
        rows = self._connection.execute(
            "SELECT number, tags, body, path, priority, deliveries FROM record WHERE queue = ? ORDER BY number",
            (self._queue,),
        )
        return [
            Record(number, json.loads(tags), body, path, priority, json.loads(deliveries))
            for number, tags, body, path, priority, deliveries in rows
        ]

    def last_index(self) -> int:
        """The highest index ever given since the last `cleared`."""
        row = self._connection.execute("SELECT last_number FROM counter WHERE queue = ?", (self._queue,)).fetchone()
        return int(row[0]) if row else 0

    def added(self, record: Record) -> None:
        """Keep a new record."""
        with self._connection:
            self._connection.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._queue,
                    record.index,
                    json.dumps(dict(record.tags), ensure_ascii=False),
                    record.body,
                    record.path,
                    record.priority,
                    json.dumps(dict(record.deliveries)),
                ),
            )
            self._connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (self._queue, record.index))

    def delivered(self, record: Record) -> None:
        """Keep a record's count of deliveries."""
        with self._connection:
            self._connection.execute(
                "UPDATE record SET deliveries = ? WHERE queue = ? AND number = ?",
                (json.dumps(dict(record.deliveries)), self._queue, record.index),
            )

    def removed(self, indexes: Iterable[int]) -> None:
        """Forget records."""
        with self._connection:
            self._connection.executemany(
                "DELETE FROM record WHERE queue = ? AND number = ?", [(self._queue, index) for index in indexes]
            )

    def died(self, record: Record) -> None:
        """Say so in the log: nobody asked for it, and the sender of the record will see no result."""
        _log.warning("record %d of %s is dead after %s deliveries", record.index, self._queue, record.deliveries)

    def cleared(self) -> None:
        """Forget everything, the count of indexes too."""
        with self._connection:
            self._connection.execute("DELETE FROM record WHERE queue = ?", (self._queue,))
            self._connection.execute("DELETE FROM counter WHERE queue = ?", (self._queue,))
