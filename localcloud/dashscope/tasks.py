"""Picture tasks and what is known of them, kept in SQLite so that they outlive the process."""

from __future__ import annotations

import enum
import sqlite3
import uuid
from typing import TYPE_CHECKING

import msgspec

from localcloud.dashscope.registry import Protocol

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    submitted_at REAL NOT NULL,
    scheduled_at REAL,
    ended_at REAL,
    order_json BLOB NOT NULL,
    pictures_json BLOB NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS by_submission ON tasks (submitted_at);
"""
_COLUMNS = "task_id, status, submitted_at, scheduled_at, ended_at, order_json, pictures_json"


class Status(str, enum.Enum):
    """The states of a task, by their names on the wire."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Fate(msgspec.Struct, frozen=True):
    """What was scripted to become of a task; see `localcloud.dashscope.faults`."""

    mode: str = ""
    code: str = ""
    message: str = ""
    delay_s: float = 0.0


class Order(msgspec.Struct, frozen=True):
    """What is to be painted: `count` pictures of `width` x `height` pixels, seeds counting up from `seed`.

    `cut_out` is the key, among the results, of an RGBA PNG of that size that lies over the painting; empty for none.
    """

    model: str
    protocol: Protocol
    prompt: str
    actual_prompt: str | None
    negative_prompt: str
    width: int
    height: int
    count: int
    seed: int
    watermark: bool
    fate: Fate = Fate()
    cut_out: str = ""


class Picture(msgspec.Struct, frozen=True):
    """One picture of a task: its key among the results, or the code and message of its failure."""

    key: str = ""
    code: str = ""
    message: str = ""


class Task(msgspec.Struct, frozen=True):
    """A task as it stands now; times are seconds since 1970 (UTC)."""

    task_id: str
    status: Status
    submitted_at: float
    scheduled_at: float | None
    ended_at: float | None
    order: Order
    pictures: tuple[Picture, ...]


class Tasks:
    """The tasks of the account. Finished ones are forgotten `lifetime_s` after their end."""

    def __init__(self, file: Path, lifetime_s: int) -> None:
        self._lifetime_s = lifetime_s
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        # What is deleted is gone from the file: prompts lie in it.
        self._database.execute("PRAGMA secure_delete=ON")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def create(self, order: Order, now: float) -> str:
        """Keep a new task in state PENDING and return its id."""
        task_id = str(uuid.uuid4())
        self._database.execute(
            "INSERT INTO tasks (task_id, model, status, submitted_at, order_json) VALUES (?, ?, ?, ?, ?)",
            (task_id, order.model, Status.PENDING, now, msgspec.json.encode(order)),
        )
        return task_id

    def get(self, task_id: str, now: float) -> Task | None:
        """The task, or None when there is none or its lifetime is over."""
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM tasks WHERE task_id = ?",  # noqa: S608 - the columns are a constant above
            (task_id,),
        ).fetchone()
        task = _task(row) if row else None
        if task and task.ended_at is not None and task.ended_at + self._lifetime_s < now:
            return None
        return task

    def start(self, task_id: str, now: float) -> bool:
        """PENDING to RUNNING; False when the task was cancelled meanwhile."""
        return self._move(task_id, Status.PENDING, Status.RUNNING, "scheduled_at", now)

    def cancel(self, task_id: str, now: float) -> bool:
        """PENDING to CANCELED; False when the task is in any other state."""
        return self._move(task_id, Status.PENDING, Status.CANCELED, "ended_at", now)

    def end(self, task_id: str, pictures: tuple[Picture, ...], now: float) -> None:
        """RUNNING to SUCCEEDED, or to FAILED when no picture came about."""
        status = Status.SUCCEEDED if any(picture.key for picture in pictures) else Status.FAILED
        self._database.execute(
            "UPDATE tasks SET status = ?, ended_at = ?, pictures_json = ? WHERE task_id = ? AND status = ?",
            (status, now, msgspec.json.encode(pictures), task_id, Status.RUNNING),
        )

    def take_up(self) -> list[str]:
        """Put back what was RUNNING when the process ended; return all that waits, oldest first."""
        self._database.execute(
            "UPDATE tasks SET status = ?, scheduled_at = NULL WHERE status = ?", (Status.PENDING, Status.RUNNING)
        )
        rows = self._database.execute(
            "SELECT task_id FROM tasks WHERE status = ? ORDER BY submitted_at", (Status.PENDING,)
        )
        return [task_id for (task_id,) in rows]

    def listing(
        self, *, model: str, status: str, since: float, until: float, page: int, page_size: int
    ) -> tuple[int, list[Task]]:
        """How many tasks fit, and one page of them, newest first; empty `model` and `status` fit every task."""
        fits = "(model = ? OR ? = '') AND (status = ? OR ? = '') AND submitted_at BETWEEN ? AND ?"
        values = (model, model, status, status, since, until)
        (total,) = self._database.execute(f"SELECT count(*) FROM tasks WHERE {fits}", values).fetchone()  # noqa: S608
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM tasks WHERE {fits} ORDER BY submitted_at DESC LIMIT ? OFFSET ?",  # noqa: S608
            (*values, page_size, (page - 1) * page_size),
        )
        return total, [_task(row) for row in rows]

    def forget_expired(self, now: float) -> None:
        """Delete the tasks whose lifetime is over."""
        self._database.execute("DELETE FROM tasks WHERE ended_at < ?", (now - self._lifetime_s,))

    def _move(self, task_id: str, before: Status, after: Status, time_column: str, now: float) -> bool:
        cursor = self._database.execute(
            f"UPDATE tasks SET status = ?, {time_column} = ? WHERE task_id = ? AND status = ?",  # noqa: S608
            (after, now, task_id, before),
        )
        return cursor.rowcount == 1


def _task(row: tuple[str, str, float, float | None, float | None, bytes, bytes]) -> Task:
    task_id, status, submitted_at, scheduled_at, ended_at, order, pictures = row
    return Task(
        task_id=task_id,
        status=Status(status),
        submitted_at=submitted_at,
        scheduled_at=scheduled_at,
        ended_at=ended_at,
        order=msgspec.json.decode(order, type=Order),
        pictures=msgspec.json.decode(pictures, type=tuple[Picture, ...]),
    )
