"""The asynchronous invocations that were accepted, in one SQLite file.

A row is written before the caller hears "202", and goes when nothing is left to do with it: the function succeeded
or gave up, and the destination has been told. Functions in asyncTask mode keep theirs for seven days, as the
document "Asynchronous tasks" says.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ENQUEUED = "Enqueued"
RUNNING = "Running"
RETRYING = "Retrying"
STOPPING = "Stopping"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPED = "Stopped"
EXPIRED = "Expired"

_WAITING = f"status IN ('{ENQUEUED}', '{RETRYING}')"
_ENDED = f"status IN ('{SUCCEEDED}', '{FAILED}', '{STOPPED}', '{EXPIRED}')"
_KEPT_MS = 7 * 86400 * 1000


class TaskExists(RuntimeError):
    """A task with this id was accepted before."""


@dataclass(frozen=True, slots=True)
class Task:
    """One asynchronous invocation. Times are milliseconds since 1970.

    `attempts` counts what the function has answered, `throttles` how often no instance was free since then.
    `notice` is the destination's message while it still has to be delivered to `notice_arn`.
    """

    request_id: str
    function: str
    task_id: str
    service: str
    event: bytes
    status: str
    accepted_ms: int
    due_ms: int
    attempts: int = 0
    throttles: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    instance_id: str | None = None
    error_message: str | None = None
    payload: bytes | None = None
    notice: bytes | None = None
    notice_arn: str | None = None
    destination_status: str | None = None


_COLUMNS = tuple(column.name for column in fields(Task))


class Backlog:
    """The table of `Task`. Not for several threads or processes at once."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # What is deleted is gone from the file: trips lie in it.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute(
            f"CREATE TABLE IF NOT EXISTS task ({', '.join(_COLUMNS)}, PRIMARY KEY (request_id),"
            " UNIQUE (function, task_id))"
        )
        self._connection.execute("CREATE INDEX IF NOT EXISTS task_due ON task (function, status, due_ms)")

    def recover(self, now_ms: int) -> None:
        """After a start: what was running runs again, what was being stopped is stopped, what is old is dropped."""
        for before, after in ((RUNNING, ENQUEUED), (STOPPING, STOPPED)):
            self._connection.execute("UPDATE task SET status = ? WHERE status = ?", (after, before))
        self._connection.execute(
            f"DELETE FROM task WHERE {_ENDED} AND notice IS NULL AND accepted_ms < ?",  # noqa: S608 - constants
            (now_ms - _KEPT_MS,),
        )

    def accept(self, task: Task) -> None:
        """Write `task` to disk. Raises `TaskExists`."""
        marks = ", ".join("?" * len(_COLUMNS))
        try:
            self._connection.execute(
                f"INSERT INTO task VALUES ({marks})",  # noqa: S608 - marks only
                [getattr(task, column) for column in _COLUMNS],
            )
        except sqlite3.IntegrityError:
            raise TaskExists(task.task_id) from None

    def take(self, function: str, now_ms: int) -> Task | None:
        """The task that has waited longest among those that are due; it is `RUNNING` now."""
        row = self._one(f"function = ? AND {_WAITING} AND due_ms <= ? ORDER BY due_ms, accepted_ms", function, now_ms)
        if row is None:
            return None
        self.update(row.request_id, status=RUNNING, started_ms=now_ms)
        return row

    def next_due_ms(self, function: str) -> int | None:
        """When the next waiting task is due; None if none waits."""
        row = self._one(f"function = ? AND {_WAITING} ORDER BY due_ms", function)
        return None if row is None else row.due_ms

    def update(self, request_id: str, **values: Any) -> None:
        """Set the named columns of one task."""
        assignments = ", ".join(f"{column} = ?" for column in values)
        self._connection.execute(
            f"UPDATE task SET {assignments} WHERE request_id = ?",  # noqa: S608 - our own column names
            (*values.values(), request_id),
        )

    def confirm_stop(self, request_id: str, now_ms: int) -> None:
        """The task was being stopped, and is now."""
        self._connection.execute(
            "UPDATE task SET status = ?, ended_ms = ? WHERE request_id = ? AND status = ?",
            (STOPPED, now_ms, request_id, STOPPING),
        )

    def forget(self, request_id: str) -> None:
        """Drop one task."""
        self._connection.execute("DELETE FROM task WHERE request_id = ?", (request_id,))

    def find(self, function: str, task_id: str) -> Task | None:
        """The task of that id, if there is one."""
        return self._one("function = ? AND task_id = ?", function, task_id)

    def tasks(self, function: str, *, prefix: str = "", status: str = "", limit: int = 100) -> list[Task]:
        """Tasks in the order they were accepted, newest first; `prefix` is that of the task id."""
        return self._all(
            "function = ? AND substr(task_id, 1, ?) = ? AND (? = '' OR status = ?) ORDER BY accepted_ms DESC LIMIT ?",
            function, len(prefix), prefix, status, status, limit,
        )  # fmt: skip

    def undelivered(self) -> list[Task]:
        """Tasks whose destination has not been told yet."""
        return self._all("notice IS NOT NULL")

    def waiting(self, function: str) -> int:
        """How many tasks of `function` wait for their first or next attempt."""
        condition = f"function = ? AND {_WAITING}"
        (count,) = self._connection.execute(f"SELECT count(*) FROM task WHERE {condition}", (function,)).fetchone()  # noqa: S608
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _one(self, condition: str, *values: object) -> Task | None:
        return next(iter(self._all(f"{condition} LIMIT 1", *values)), None)

    def _all(self, condition: str, *values: object) -> list[Task]:
        rows = self._connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM task WHERE {condition}",  # noqa: S608 - constants
            values,
        )
        return [Task(*row) for row in rows]
