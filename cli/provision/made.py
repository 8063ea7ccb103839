"""What provisioning made, as opposed to what was there before: only that is ever taken away.

One object in the ledger's bucket. It is written before a resource is made, under the lock: a run that dies in between
leaves a resource that is known to be ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from cli.provision.lock import FOLDER
from cli.provision.resources import Resource, name_of
from shared.clouds.objects import Bucket, NotFound
from shared.errors import Misconfigured

_KEY = f"{FOLDER}made.json"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one deployment."""

    bucket: Bucket

    def read(self) -> frozenset[str]:
        """Kinds and names, as `name_of` has them. Raises `Misconfigured` for a record that can't be read."""
        try:
            return frozenset(msgspec.json.decode(self.bucket.get(_KEY, max_bytes=_MAX_BYTES), type=list[str]))
        except NotFound:
            return frozenset()
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Misconfigured(f"{_KEY} in the ledger's bucket: a JSON list of names expected") from None

    def add(self, resource: Resource) -> None:
        """Note that a resource is about to be made by us."""
        self._write(self.read() | {name_of(resource)})

    def remove(self, resource: Resource) -> None:
        """Note that a resource is gone."""
        self._write(self.read() - {name_of(resource)})

    def _write(self, names: frozenset[str]) -> None:
        self.bucket.put(_KEY, msgspec.json.encode(sorted(names)), "application/json")
