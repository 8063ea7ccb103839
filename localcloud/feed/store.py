"""The feed's memory: posts by idempotency key, and the events that open pages follow.

One process, one connection, one thread. The site calls it from the event loop: each call runs a few small statements,
and running one after the other is what makes racing deliveries of one key end in one post.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

import msgspec

from localcloud.feed.posts import Content, FeedPage, Post, PublishedPost
from shared.errors import Conflict

if TYPE_CHECKING:
    from pathlib import Path

# `content` is NULL once a post is withdrawn: the key stays taken, so that a late repeat can't bring the post back.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id TEXT NOT NULL UNIQUE,
    journey_id TEXT NOT NULL UNIQUE,
    body_sha256 TEXT NOT NULL,
    visibility TEXT NOT NULL,
    published_at TEXT NOT NULL,
    content BLOB
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    post_id TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: the post's id, and whether this delivery made it."""

    post_id: str
    created: bool


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """Something that changed the public feed. `post` is None when the post was removed."""

    number: int
    kind: Literal["post.created", "post.removed"]
    post_id: str
    post: PublishedPost | None


class PostStore:
    """Posts and events in one sqlite file."""

    def __init__(self, file: Path) -> None:
        # Autocommit, so that transactions are exactly the `with self._database` blocks opened by BEGIN below.
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        # What is withdrawn must be gone from the file too; a write-ahead log would keep it for a while.
        self._database.execute("PRAGMA secure_delete = ON")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the store can't be used afterwards."""
        self._database.close()

    def add(self, post: Post, body: bytes) -> Receipt:
        """Keep `post`, delivered as `body`, under its journey id; a repeat of the same bytes changes nothing.

        Raises `Conflict` when the key was used for other bytes, or for a post that has been withdrawn.
        """
        body_sha256 = hashlib.sha256(body).hexdigest()
        known = self._row("SELECT * FROM posts WHERE journey_id = ?", post.journey_id)
        if known is not None:
            if known["content"] is None:
                raise Conflict("idempotency-key", "a key that is unused: the post of this one was withdrawn")
            if known["body_sha256"] != body_sha256:
                raise Conflict("idempotency-key", "the same body as when the key was first used")
            return Receipt(known["post_id"], created=False)
        post_id = secrets.token_hex(8)
        published_at = _now()
        content = msgspec.json.encode(msgspec.convert(post, Content, from_attributes=True))
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute(
                "INSERT INTO posts (post_id, journey_id, body_sha256, visibility, published_at, content)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (post_id, post.journey_id, body_sha256, post.visibility, published_at, content),
            )
            if post.visibility == "public":
                self._record("post.created", post_id)
        return Receipt(post_id, created=True)

    def find(self, journey_id: str) -> str | None:
        """The id of the post of one journey, drafts included; None when there is none (any more)."""
        row = self._row("SELECT post_id FROM posts WHERE journey_id = ? AND content IS NOT NULL", journey_id)
        return None if row is None else str(row["post_id"])

    def withdraw_journey(self, journey_id: str) -> bool:
        """Forget the post of a journey for good, and take its key, so that none comes later. False without a post."""
        known = self._row("SELECT post_id FROM posts WHERE journey_id = ?", journey_id)
        if known is not None:
            return self.withdraw(known["post_id"])
        self._database.execute(
            "INSERT INTO posts (post_id, journey_id, body_sha256, visibility, published_at)"
            " VALUES (?, ?, '', 'draft', ?)",
            (secrets.token_hex(8), journey_id, _now()),
        )
        return False

    def withdraw(self, post_id: str) -> bool:
        """Forget the content of a post for good. False when there is no such post (any more)."""
        row = self._row("SELECT visibility FROM posts WHERE post_id = ? AND content IS NOT NULL", post_id)
        if row is None:
            return False
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("UPDATE posts SET content = NULL WHERE post_id = ?", (post_id,))
            if row["visibility"] == "public":
                self._record("post.removed", post_id)
        return True

    def published(self, post_id: str) -> PublishedPost | None:
        """One public post; None for drafts, withdrawn and unknown ones alike."""
        row = self._row(
            "SELECT * FROM posts WHERE post_id = ? AND visibility = 'public' AND content IS NOT NULL", post_id
        )
        return None if row is None else _published(row)

    def page(self, *, before: int | None, limit: int) -> FeedPage:
        """At most `limit` public posts, newest first, from below the position `before`."""
        rows = self._database.execute(
            "SELECT * FROM posts WHERE visibility = 'public' AND content IS NOT NULL AND (? IS NULL OR number < ?)"
            " ORDER BY number DESC LIMIT ?",
            (before, before, limit + 1),
        ).fetchall()
        shown = rows[:limit]
        return FeedPage(
            posts=tuple(_published(row) for row in shown),
            next_before=shown[-1]["number"] if len(rows) > limit else None,
            last_event_id=self.last_event_id(),
        )

    def last_event_id(self) -> int:
        """The number of the newest event, 0 before the first."""
        row = self._row("SELECT COALESCE(MAX(number), 0) AS last FROM events")
        return 0 if row is None else int(row["last"])

    def events_after(self, number: int, limit: int = 100) -> list[FeedEvent]:
        """What happened after the event `number`, oldest first; creations of posts withdrawn since are left out."""
        rows = self._database.execute(
            "SELECT events.number AS event_number, events.kind, posts.* FROM events JOIN posts USING (post_id)"
            " WHERE events.number > ? AND (events.kind = 'post.removed' OR posts.content IS NOT NULL)"
            " ORDER BY events.number LIMIT ?",
            (number, limit),
        ).fetchall()
        return [
            FeedEvent(
                number=row["event_number"],
                kind=row["kind"],
                post_id=row["post_id"],
                post=_published(row) if row["kind"] == "post.created" else None,
            )
            for row in rows
        ]

    def _record(self, kind: str, post_id: str) -> None:
        self._database.execute("INSERT INTO events (kind, post_id) VALUES (?, ?)", (kind, post_id))

    def _row(self, query: str, *values: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.execute(query, values).fetchone()
        return row


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _published(row: sqlite3.Row) -> PublishedPost:
    return PublishedPost(
        post_id=row["post_id"],
        published_at=datetime.fromisoformat(row["published_at"]),
        content=msgspec.json.decode(row["content"], type=Content),
    )
