"""What a backfill has done, in one SQLite file: row by row, so that a run that was killed goes on where it was.

Each row's intent is on the disk before its function is invoked; its outcome follows. After a crash between the two the
row is sent again, under the same task id. The file holds places in the source, hashes of trip ids and journey ids,
steps and codes: nothing of a trip. SQLite's log makes every commit whole or not at all, also on a disk that is full.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from shared.errors import InvalidInput, TripcanvasError

_VERSION = "1"
#: Steps at which a journey rests until a person sends it on: a later run looks at it once more.
REVIVABLE = ("dead_letter", "failed", "held")


class State(str, Enum):
    """What became of one row of the source."""

    #: Not a trip that can be sent; the reason names the field.
    BROKEN = "broken"
    #: The owner has not agreed to any processing.
    NO_CONSENT = "no_consent"
    #: A row before it has the same trip id.
    REPEATED = "repeated"
    #: The trip was accepted before this backfill.
    KNOWN = "known"
    #: About to be sent; it may have been.
    SENDING = "sending"
    #: Function Compute has it.
    SENT = "sent"
    #: Function Compute does not take it; the reason is its code.
    REFUSED = "refused"


class JournalFault(TripcanvasError):
    """The journal can't be written or read; nothing is sent without it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A journey that has not ended, as far as it is known; `task` is that of its trip, `sent_at` when that was sent."""

    journey: str
    style: str
    rejections: str
    trip: str
    task: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the report. `journey` is empty for a row that has none."""

    place: str
    state: str
    reason: str
    trip: str
    journey: str
    style: str
    step: str
    code: str
    sent_at: str


class Journal:
    """The journal of one backfill. For one thread."""

    def __init__(self, file: Path) -> None:
        """Open the file, or make it; raises `JournalFault` for one that is none, is in use, or can't be made."""
        self.file = file
        with self._guarded():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            # Another process that holds it is another run: it must not wait for that to end.
            self._db = sqlite3.connect(file, isolation_level=None, timeout=0)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_TABLES)

    def begin(self, identity: dict[str, str], at: datetime, run: str) -> str:
        """Bind the journal to what is run, or find that it belongs to the same; returns the run's id.

        Raises `InvalidInput`, which names the first difference.
        """
        with self._guarded():
            known = dict(self._db.execute("SELECT name, value FROM run"))
            if not known:
                values = {"version": _VERSION, "run": run, "begun_at": at.isoformat(), **identity}
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT INTO run VALUES (?, ?)", values.items())
                self._db.execute("COMMIT")
                return run
        for name, value in {"version": _VERSION, **identity}.items():
            if known.get(name) != value:
                raise InvalidInput(
                    "--state",
                    f"another folder: the journal there is of a backfill with another {name} "
                    f"({known.get(name) or 'none'}, now {value or 'none'})",
                )
        return str(known["run"])

    def value(self, name: str) -> str:
        """One value that belongs to the run; "" when it was never put."""
        with self._guarded():
            row = self._db.execute("SELECT value FROM run WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def put_value(self, name: str, value: str) -> None:
        """Keep a value with the run."""
        with self._guarded():
            self._db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (name, value))

    def state(self, number: int) -> State | None:
        """What became of one row so far."""
        with self._guarded():
            row = self._db.execute("SELECT state FROM trip WHERE number = ?", (number,)).fetchone()
        return State(row[0]) if row else None

    def note(self, number: int, place: str, state: State, *, trip: str = "", reason: str = "") -> None:
        """A row that is not sent."""
        with self._guarded():
            self._db.execute(
                "INSERT OR REPLACE INTO trip (number, place, state, reason, trip) VALUES (?, ?, ?, ?, ?)",
                (number, place, state.value, reason, trip),
            )

    def intend(
        self,
        number: int,
        place: str,
        *,
        trip: str,
        task: str,
        journeys: Iterable[tuple[str, str]],
        rejections: str,
        at: datetime,
    ) -> bool:
        """A row that is about to be sent; False when a row before it has the same trip, and this one is not sent.

        On the disk when this returns.
        """
        with self._guarded():
            earlier = self._db.execute(
                "SELECT number FROM trip WHERE trip = ? AND number < ? AND task <> ''", (trip, number)
            ).fetchone()
            self._db.execute("BEGIN IMMEDIATE")
            if earlier:
                self._db.execute(
                    "INSERT OR REPLACE INTO trip (number, place, state, trip) VALUES (?, ?, ?, ?)",
                    (number, place, State.REPEATED.value, trip),
                )
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO trip (number, place, state, trip, task, rejections, sent_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, place, State.SENDING.value, trip, task, rejections, at.isoformat()),
                )
                self._db.executemany(
                    "INSERT OR IGNORE INTO journey (journey, style, number) VALUES (?, ?, ?)",
                    [(journey, style, number) for journey, style in journeys],
                )
            self._db.execute("COMMIT")
        return not earlier

    def settle(self, number: int, state: State, reason: str = "") -> None:
        """What came of sending a row."""
        with self._guarded():
            self._db.execute("UPDATE trip SET state = ?, reason = ? WHERE number = ?", (state.value, reason, number))

    def move(self, journey: str, step: str, code: str, *, ended: bool) -> None:
        """Where a journey is now."""
        with self._guarded():
            self._db.execute(
                "UPDATE journey SET step = ?, code = ?, ended = ? WHERE journey = ?", (step, code, ended, journey)
            )

    def watched(self) -> list[Watched]:
        """The journeys that have not ended, or may have been sent on since, in the order of the source."""
        with self._guarded():
            rows = self._db.execute(
                f"SELECT journey, style, rejections, trip, task, sent_at {_UNDER_WAY} ORDER BY number"
            ).fetchall()
        return [
            Watched(journey, style, rejections, trip, task, datetime.fromisoformat(at))
            for journey, style, rejections, trip, task, at in rows
        ]

    def sent_since(self, at: datetime) -> int:
        """How many trips were sent since a time (UTC)."""
        with self._guarded():
            row = self._db.execute("SELECT count(*) FROM trip WHERE sent_at >= ?", (at.isoformat(),)).fetchone()
        return int(row[0])

    def states(self) -> dict[str, int]:
        """How many rows are in each state."""
        with self._guarded():
            return dict(self._db.execute("SELECT state, count(*) FROM trip GROUP BY state"))

    def steps(self) -> list[tuple[str, str, bool, int]]:
        """Step, its code, whether it is an end, and how many journeys of sent trips are there."""
        with self._guarded():
            return self._db.execute(
                f"SELECT step, code, ended, count(*) {_SENT} GROUP BY step, code, ended ORDER BY 4 DESC"
            ).fetchall()

    def told(self) -> Iterator[Told]:
        """Every row and its journeys, in the order of the source."""
        with self._guarded():
            yield from (
                Told(*(value or "" for value in row))
                for row in self._db.execute(
                    "SELECT place, state, reason, trip, journey, style, step, code, sent_at"
                    " FROM trip LEFT JOIN journey USING (number) ORDER BY number, style"
                )
            )

    def close(self) -> None:
        """Close the file; harmless to repeat."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise JournalFault(f"{self.file}: another backfill with this --state is running") from None
            raise self._fault(str(error)) from None
        except sqlite3.DatabaseError:
            raise JournalFault(f"{self.file}: not a journal of a backfill; name another folder with --state") from None
        except OSError as error:
            raise self._fault(error.strerror or "can't be written") from None

    def _fault(self, why: str) -> JournalFault:
        return JournalFault(
            f"{self.file}: {why}; nothing is sent that can't be written down. Mend that, and run the same command again"
        )


_TABLES = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trip (
    number INTEGER PRIMARY KEY, place TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    trip TEXT NOT NULL DEFAULT '', task TEXT NOT NULL DEFAULT '', rejections TEXT NOT NULL DEFAULT '', sent_at TEXT
);
CREATE INDEX IF NOT EXISTS trip_key ON trip (trip);
CREATE INDEX IF NOT EXISTS trip_sent ON trip (sent_at) WHERE sent_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS journey (
    journey TEXT PRIMARY KEY, number INTEGER NOT NULL, style TEXT NOT NULL, step TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '', ended INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS journey_number ON journey (number);
CREATE INDEX IF NOT EXISTS journey_open ON journey (number) WHERE NOT ended;
"""
_SENT = f"FROM journey JOIN trip USING (number) WHERE state = '{State.SENT.value}'"
_UNDER_WAY = f"{_SENT} AND (NOT ended OR step IN ({', '.join(repr(step) for step in REVIVABLE)}))"
