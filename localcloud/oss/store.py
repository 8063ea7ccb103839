"""Buckets and objects on disk: an index in SQLite, one file for each object's bytes.

A write is: stream the bytes to a new file, then insert or replace one row. The row is the truth; a file without a row
is swept away at the next start. A reader opens the file that its row names and keeps reading it even if the object is
replaced meanwhile. All of it runs on the event loop's thread, and nothing awaits between a check and the row it guards,
which is what makes `only_if_absent` atomic.

Rows are committed to the write-ahead log before a request is answered, so they survive the end of the process at any
moment (SIGKILL included); files are not fsynced, so a power cut may lose the last seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import crcmod  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: CRC-64/XZ (ECMA-182, reflected), the checksum of ``x-oss-hash-crc64ecma``.
_crc64 = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, rev=True, xorOut=0xFFFF_FFFF_FFFF_FFFF)

_SCHEMA = """
CREATE TABLE buckets (
    name TEXT PRIMARY KEY, acl TEXT NOT NULL, versioning TEXT NOT NULL, created_ms INTEGER NOT NULL
) WITHOUT ROWID;
-- Keys are BLOBs: OSS lists in the order of their UTF-8 bytes, and so does SQLite with BLOBs.
CREATE TABLE objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, file TEXT NOT NULL, size_bytes INTEGER NOT NULL, etag TEXT NOT NULL,
    crc64 TEXT NOT NULL, modified_ms INTEGER NOT NULL, type TEXT NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, created_ms INTEGER NOT NULL,
    attributes TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    etag TEXT NOT NULL, crc64 TEXT NOT NULL, modified_ms INTEGER NOT NULL, PRIMARY KEY (upload, number)
) WITHOUT ROWID;
"""

_BUCKETS = "SELECT *, name IN (SELECT bucket FROM public_blocks) FROM buckets"
_UNBLOCK = "DELETE FROM public_blocks WHERE bucket = ?"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket; `versioning` is empty, ``Enabled`` or ``Suspended``; nobody else reads one that `blocks_public`."""

    name: str
    acl: str
    versioning: str
    created_ms: int
    blocks_public: bool


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an object carries beside its bytes. `headers` are those given back with it, names in lower case."""

    headers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    acl: str = "default"
    storage_class: str = "Standard"

    def dumps(self) -> str:
        """As a row keeps it; escaped, because a header may hold bytes that are no text."""
        return json.dumps([self.headers, self.tags, self.acl, self.storage_class])


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes that are on disk, named by no object yet. `etag` is the MD5 in upper-case hex, `crc64` decimal."""

    file: str
    size_bytes: int
    etag: str
    crc64: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the index knows it."""

    key: str
    body: Body
    modified_ms: int
    type: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a bucket: objects and rolled-up prefixes in byte order; `next_marker` is empty on the last page."""

    objects: tuple[StoredObject, ...]
    prefixes: tuple[str, ...]
    next_marker: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    id: str
    bucket: str
    key: str
    created_ms: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart upload, numbered from 1."""

    number: int
    body: Body
    modified_ms: int


class KeyTakenError(Exception):
    """The key has an object already, and the writer asked not to replace it."""


class Incoming:
    """Bytes on their way to disk; `finish` keeps them, `discard` does not."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / secrets.token_hex(16)
        self._file: BinaryIO = self._path.open("xb", buffering=0)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc64 = 0
        self._size_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`."""
        self._file.write(chunk)
        self._md5.update(chunk)
        self._crc64 = _crc64(chunk, self._crc64)
        self._size_bytes += len(chunk)

    def finish(self) -> Body:
        """Close the file and say what is in it."""
        self._file.close()
        return Body(self._path.name, self._size_bytes, self._md5.hexdigest().upper(), str(self._crc64))

    def discard(self) -> None:
        """Remove what came so far."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Store:
    """The index and the files under one folder."""

    def __init__(self, folder: Path, first_buckets: tuple[str, ...]) -> None:
        self._blobs = folder / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._index = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
        self._index.execute("PRAGMA journal_mode=WAL")
        self._index.execute("PRAGMA synchronous=NORMAL")
        (version,) = self._index.execute("PRAGMA user_version").fetchone()
        if version == 0:
            with self._transaction():
                for statement in _SCHEMA.split(";\n"):
                    self._index.execute(statement)
                for name in first_buckets:
                    self.create_bucket(name, "private")
                self._index.execute("PRAGMA user_version = 1")
        # Newer than version 1, and all that it lacks.
        self._index.execute("CREATE TABLE IF NOT EXISTS lifecycles (bucket TEXT PRIMARY KEY, rules TEXT NOT NULL)")
        self._index.execute("CREATE TABLE IF NOT EXISTS encryptions (bucket TEXT PRIMARY KEY, algorithm TEXT NOT NULL)")
        self._index.execute("CREATE TABLE IF NOT EXISTS public_blocks (bucket TEXT PRIMARY KEY)")
        self._sweep()

    def close(self) -> None:
        """Close the index; the store can't be used afterwards."""
        self._index.close()

    # Buckets

    def bucket(self, name: str) -> Bucket | None:
        """The bucket called `name`."""
        row = self._index.execute(f"{_BUCKETS} WHERE name = ?", (name,)).fetchone()
        return _bucket(row) if row else None

    def buckets(self) -> list[Bucket]:
        """Every bucket, by name."""
        return [_bucket(row) for row in self._index.execute(f"{_BUCKETS} ORDER BY name")]

    def create_bucket(self, name: str, acl: str) -> None:
        """Make a bucket; one that exists keeps its objects."""
        row = (name, acl, "", _now_ms())
        self._index.execute("INSERT INTO buckets VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

    def set_bucket_acl(self, name: str, acl: str) -> None:
        """Change who may read without a signature."""
        self._index.execute("UPDATE buckets SET acl = ? WHERE name = ?", (acl, name))

    def set_versioning(self, name: str, status: str) -> None:
        """Remember the versioning status."""
        self._index.execute("UPDATE buckets SET versioning = ? WHERE name = ?", (status, name))

    def delete_bucket(self, name: str) -> bool:
        """Remove an empty bucket; False if it holds an object or an unfinished upload."""
        for table in ("objects", "uploads"):
            found = self._index.execute(f"SELECT 1 FROM {table} WHERE bucket = ? LIMIT 1", (name,))  # noqa: S608
            if found.fetchone():
                return False
        self._index.execute("DELETE FROM buckets WHERE name = ?", (name,))
        self._index.execute("DELETE FROM lifecycles WHERE bucket = ?", (name,))
        self._index.execute("DELETE FROM encryptions WHERE bucket = ?", (name,))
        self.block_public(name, is_on=False)
        return True

    def block_public(self, name: str, *, is_on: bool) -> None:
        """Let nobody but the account read a bucket, whatever its ACLs say, or go by them again."""
        statement = "INSERT OR REPLACE INTO public_blocks VALUES (?)" if is_on else _UNBLOCK
        self._index.execute(statement, (name,))

    def totals(self, bucket: str) -> tuple[int, int, int]:
        """Bytes stored, objects, and unfinished uploads of a bucket."""
        size, count = self._index.execute(
            "SELECT coalesce(sum(size_bytes), 0), count(*) FROM objects WHERE bucket = ?", (bucket,)
        ).fetchone()
        (uploads,) = self._index.execute("SELECT count(*) FROM uploads WHERE bucket = ?", (bucket,)).fetchone()
        return int(size), int(count), int(uploads)

    def lifecycle(self, bucket: str) -> list[tuple[str, str, bool, int]]:
        """The lifecycle rules of a bucket: id, prefix, whether enabled, and days."""
        row = self._index.execute("SELECT rules FROM lifecycles WHERE bucket = ?", (bucket,)).fetchone()
        return [(id_, prefix, enabled, days) for id_, prefix, enabled, days in json.loads(row[0])] if row else []

    def set_lifecycle(self, bucket: str, rules: list[tuple[str, str, bool, int]]) -> None:
        """Replace the lifecycle rules of a bucket."""
        row = (bucket, json.dumps(rules))
        self._index.execute("INSERT OR REPLACE INTO lifecycles VALUES (?, ?)", row)

    def encryption(self, bucket: str) -> str:
        """The algorithm by which a bucket encrypts what is put; "" for none."""
        row = self._index.execute("SELECT algorithm FROM encryptions WHERE bucket = ?", (bucket,)).fetchone()
        return str(row[0]) if row else ""

    def set_encryption(self, bucket: str, algorithm: str) -> None:
        """Remember the algorithm; nothing is encrypted here."""
        self._index.execute("INSERT OR REPLACE INTO encryptions VALUES (?, ?)", (bucket, algorithm))

    # Bytes

    def receive(self) -> Incoming:
        """A place for the bytes of a request."""
        return Incoming(self._blobs)

    def open(self, body: Body) -> BinaryIO:
        """The bytes of a stored object. Raises `FileNotFoundError` if it was replaced since its row was read."""
        return (self._blobs / body.file).open("rb")

    def copy(self, body: Body) -> Body:
        """The same bytes under a second name; files never change, so a hard link is a copy."""
        name = secrets.token_hex(16)
        os.link(self._blobs / body.file, self._blobs / name)
        return Body(name, body.size_bytes, body.etag, body.crc64)

    def discard(self, *bodies: Body) -> None:
        """Remove bytes that no row names."""
        for body in bodies:
            (self._blobs / body.file).unlink(missing_ok=True)

    # Objects

    def object(self, bucket: str, key: str) -> StoredObject | None:
        """The object at `key`."""
        row = self._index.execute(_SELECT_OBJECT + "AND key = ?", (bucket, key.encode())).fetchone()
        return _object(row) if row else None

    def put(
        self,
        bucket: str,
        key: str,
        body: Body,
        attributes: Attributes,
        *,
        only_if_absent: bool = False,
        type_: str = "Normal",
    ) -> StoredObject:
        """Make `body` the object at `key`. Raises `KeyTakenError` and drops `body` if `only_if_absent` and it is."""
        before = self.object(bucket, key)
        if before and only_if_absent:
            self.discard(body)
            raise KeyTakenError
        stored = StoredObject(key, body, _now_ms(), type_, attributes)
        self._index.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                bucket,
                key.encode(),
                body.file,
                body.size_bytes,
                body.etag,
                body.crc64,
                stored.modified_ms,
                type_,
                attributes.dumps(),
            ),
        )
        if before:
            self.discard(before.body)
        return stored

    def set_attributes(self, bucket: str, key: str, attributes: Attributes) -> None:
        """Change ACL or tags; the modification time stays."""
        self._index.execute(
            "UPDATE objects SET attributes = ? WHERE bucket = ? AND key = ?",
            (attributes.dumps(), bucket, key.encode()),
        )

    def delete(self, bucket: str, key: str) -> None:
        """Remove the object at `key`, if there is one."""
        found = self.object(bucket, key)
        if found:
            self._index.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key.encode()))
            self.discard(found.body)

    def delete_older(self, bucket: str, prefix: str, latest_ms: int) -> int:
        """Remove the objects below a prefix that were last written at `latest_ms` or before; returns how many."""
        start, end = prefix.encode(), _successor(prefix.encode())
        found = [_object(row) for row in self._range(bucket, start, end)]
        old = [each for each in found if each.modified_ms <= latest_ms]
        for each in old:
            self.delete(bucket, each.key)
        return len(old)

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Listing:
        """Up to `limit` objects and rolled-up prefixes after `after`, in byte order."""
        start, end = prefix.encode(), _successor(prefix.encode())
        rolled, marker = delimiter.encode(), after.encode()
        lowest = max(start, marker + b"\0") if marker else start
        if rolled and marker.startswith(start) and 0 <= marker.find(rolled, len(start)) == len(marker) - len(rolled):
            # The marker is itself a rolled-up prefix, which stands for all keys under it.
            lowest = _successor(marker)
        objects: list[StoredObject] = []
        prefixes: list[str] = []
        last = ""
        while True:
            group = None
            for row in self._range(bucket, lowest, end):
                if len(objects) + len(prefixes) == limit:
                    return Listing(tuple(objects), tuple(prefixes), last)
                key: bytes = row[0]
                cut = key.find(rolled, len(start)) if rolled else -1
                if cut >= 0:
                    group = key[: cut + len(rolled)]
                    prefixes.append(last := group.decode())
                    break
                objects.append(_object(row))
                last = objects[-1].key
            if group is None:
                return Listing(tuple(objects), tuple(prefixes), "")
            lowest = _successor(group)

    def _range(
        self, bucket: str, lowest: bytes, end: bytes
    ) -> Iterator[tuple[bytes, str, int, str, str, int, str, str]]:
        if end:
            yield from self._index.execute(
                _SELECT_OBJECT + "AND key >= ? AND key < ? ORDER BY key", (bucket, lowest, end)
            )
        else:
            yield from self._index.execute(_SELECT_OBJECT + "AND key >= ? ORDER BY key", (bucket, lowest))

    # Multipart uploads

    def begin_upload(self, bucket: str, key: str, attributes: Attributes) -> Upload:
        """Open a multipart upload."""
        upload = Upload(secrets.token_hex(16).upper(), bucket, key, _now_ms(), attributes)
        self._index.execute(
            "INSERT INTO uploads VALUES (?, ?, ?, ?, ?)",
            (upload.id, bucket, key.encode(), upload.created_ms, attributes.dumps()),
        )
        return upload

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload | None:
        """The open upload `upload_id` of this very key."""
        found = [upload for upload in self.uploads(bucket) if (upload.key, upload.id) == (key, upload_id)]
        return found[0] if found else None

    def uploads(self, bucket: str) -> list[Upload]:
        """Every open upload of a bucket, by key and id."""
        rows = self._index.execute("SELECT * FROM uploads WHERE bucket = ? ORDER BY key, id", (bucket,))
        return [Upload(id_, name, key.decode(), created, _attributes(text)) for id_, name, key, created, text in rows]

    def put_part(self, upload: Upload, number: int, body: Body) -> Part:
        """Add or replace one part."""
        before = [part for part in self.parts(upload) if part.number == number]
        part = Part(number, body, _now_ms())
        self._index.execute(
            "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (upload.id, number, body.file, body.size_bytes, body.etag, body.crc64, part.modified_ms),
        )
        self.discard(*(old.body for old in before))
        return part

    def parts(self, upload: Upload) -> list[Part]:
        """The parts so far, by number."""
        rows = self._index.execute("SELECT * FROM parts WHERE upload = ? ORDER BY number", (upload.id,))
        return [Part(row[1], Body(row[2], row[3], row[4], row[5]), row[6]) for row in rows]

    def end_upload(self, upload: Upload) -> None:
        """Forget an upload and its parts, completed or aborted."""
        parts = self.parts(upload)
        with self._transaction():
            self._index.execute("DELETE FROM parts WHERE upload = ?", (upload.id,))
            self._index.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))
        self.discard(*(part.body for part in parts))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._index.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._index.execute("ROLLBACK")
            raise
        self._index.execute("COMMIT")

    def _sweep(self) -> None:
        """Remove files that no row names: what a killed process had begun to write or not yet removed."""
        named = {name for (name,) in self._index.execute("SELECT file FROM objects UNION SELECT file FROM parts")}
        for path in self._blobs.iterdir():
            if path.name not in named:
                path.unlink()


_SELECT_OBJECT = (
    "SELECT key, file, size_bytes, etag, crc64, modified_ms, type, attributes FROM objects WHERE bucket = ? "
)


def _object(row: tuple[bytes, str, int, str, str, int, str, str]) -> StoredObject:
    key, file, size_bytes, etag, crc64, modified_ms, type_, attributes = row
    return StoredObject(key.decode(), Body(file, size_bytes, etag, crc64), modified_ms, type_, _attributes(attributes))


def _attributes(text: str) -> Attributes:
    return Attributes(*json.loads(text))


def _successor(prefix: bytes) -> bytes:
    """The smallest bytes above everything that starts with `prefix`; empty if there is no bound."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else b""


def _bucket(row: tuple[str, str, str, int, int]) -> Bucket:
    name, acl, versioning, created_ms, blocks_public = row
    return Bucket(name, acl, versioning, created_ms, bool(blocks_public))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
