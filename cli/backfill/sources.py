"""Where a backfill reads trips from: one file, or every file of trips under an OSS prefix."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

from cli.backfill.rows import Row, is_table, open_table
from cli.backfill.texts import digest_of
from shared.clouds.objects import Bucket, Listed
from shared.errors import InvalidInput, Misconfigured

#: Objects that one prefix may hold.
_MAX_OBJECTS = 100_000
_OSS = "oss://"


class Source(Protocol):
    """Trips in an order that is the same each time, as long as `fingerprint` is."""

    @property
    def name(self) -> str:
        """What the source is called in messages and in the journal."""

    def fingerprint(self) -> str:
        """A hash of the content; another one means that something was changed."""

    def rows(self, tell: Callable[[str], None]) -> Iterator[Row]:
        """Every row; `tell` hears what is worth knowing about a file before its first row."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file on this machine."""

    file: Path

    @property
    def name(self) -> str:
        """The file's absolute path."""
        return str(self.file.resolve())

    def fingerprint(self) -> str:
        """SHA-256 of the file. Raises `InvalidInput` when it can't be read."""
        return digest_of(self.file)

    def rows(self, tell: Callable[[str], None]) -> Iterator[Row]:
        """The file's rows. Raises `InvalidInput` for a file that is none of trips."""
        table = open_table(self.file, self.file.name)
        for note in table.notes:
            tell(note)
        yield from table.rows


@dataclass(frozen=True, slots=True)
class PrefixSource:
    """The objects under a prefix, in the order of their keys; one at a time is on this machine's disk."""

    bucket: Bucket
    bucket_name: str
    prefix: str

    @property
    def name(self) -> str:
        """The address: ``oss://bucket/prefix``."""
        return f"{_OSS}{self.bucket_name}/{self.prefix}"

    def fingerprint(self) -> str:
        """SHA-256 of keys and ETags. Raises `InvalidInput` when there is nothing, `Misconfigured`, `ServiceError`."""
        digest, count = hashlib.sha256(), 0
        for item in self._tables(lambda _: None):
            digest.update(f"{item.key}\n{item.etag}\n{item.size_bytes}\n".encode())
            count += 1
        if not count:
            raise InvalidInput(
                self.name, "objects whose names end in .jsonl, .ndjson, .csv or .parquet; there are none"
            )
        return digest.hexdigest()

    def rows(self, tell: Callable[[str], None]) -> Iterator[Row]:
        """The rows of all objects. Raises as `fingerprint` and `FileSource.rows` do."""
        for item in self._tables(tell):
            with tempfile.NamedTemporaryFile(prefix="tripcanvas-backfill-") as copy:
                self._download(item, cast("IO[bytes]", copy))
                table = open_table(Path(copy.name), item.key.removeprefix(self.prefix).lstrip("/") or item.key)
                for note in table.notes:
                    tell(note)
                yield from table.rows

    def _tables(self, tell: Callable[[str], None]) -> Iterator[Listed]:
        left_out = 0
        try:
            with closing(self.bucket.listed(self.prefix, limit=_MAX_OBJECTS)) as found:  # type: ignore[type-var]
                for item in found:
                    if is_table(item.key):
                        yield item
                    elif not item.key.endswith("/"):
                        left_out += 1
        except Misconfigured as error:
            raise self._forbidden(error, "oss:ListObjects") from None
        if left_out:
            tell(f"{self.name}: {left_out} objects left out, which are no .jsonl, .ndjson, .csv or .parquet")

    def _download(self, item: Listed, copy: IO[bytes]) -> None:
        try:
            self.bucket.download(item.key, copy)  # type: ignore[arg-type]
            copy.flush()
        except Misconfigured as error:
            raise self._forbidden(error, "oss:GetObject") from None
        except OSError as error:
            raise InvalidInput(item.key, f"room for a copy in {tempfile.gettempdir()}: {error.strerror}") from None

    def _forbidden(self, error: Misconfigured, action: str) -> Misconfigured:
        if "AccessDenied" not in str(error):
            return error
        resource = f"acs:oss:*:*:{self.bucket_name}"
        return Misconfigured(f"{error}; this access key needs {action} on {resource}")


def open_source(text: str, bucket: Callable[[str], Bucket]) -> Source:
    """The source that an argument names; `bucket` opens one by its name. Raises `InvalidInput`."""
    if not text.startswith(_OSS):
        file = Path(text)
        if not file.is_file():
            raise InvalidInput(text, "a file, or oss://BUCKET/PREFIX")
        return FileSource(file)
    name, _, prefix = text.removeprefix(_OSS).partition("/")
    if not name:
        raise InvalidInput(text, "oss://BUCKET/PREFIX")
    return PrefixSource(bucket(name), name, prefix)
