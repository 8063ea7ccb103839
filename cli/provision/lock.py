"""One person provisions at a time: a create-only object in the ledger's bucket says who does."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from shared.clouds.objects import Bucket, NotFound
from shared.errors import Misconfigured
from shared.services import utc_now

KEY = "provisioning/lock.json"
#: A run is over long before; a lock that is older was left behind by one that died.
STALE_AFTER = timedelta(minutes=15)
_MAX_BYTES = 4096


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock, and since when."""

    who: str
    since: datetime
    token: str


class InOtherHands(Misconfigured):
    """Somebody else is provisioning this deployment."""


@contextlib.contextmanager
def held(bucket: Bucket) -> Iterator[None]:
    """Hold the lock. Raises `InOtherHands`, saying whose it is and when it ends."""
    mine = Holder(f"{os.environ.get('USER', 'somebody')}@{socket.gethostname()}", utc_now(), secrets.token_hex(8))
    if not _create(bucket, mine):
        standing = _read(bucket)
        if standing is not None and standing.since + STALE_AFTER > utc_now():
            raise InOtherHands(
                f"{standing.who} has been provisioning this deployment since {standing.since:%H:%M:%S} UTC; a run that "
                f"died is over for others at {standing.since + STALE_AFTER:%H:%M}"
            )
        bucket.delete(KEY)
        if not _create(bucket, mine):
            raise InOtherHands("somebody else has just begun to provision this deployment")
    try:
        yield
    finally:
        standing = _read(bucket)
        if standing is not None and standing.token == mine.token:
            bucket.delete(KEY)


def _create(bucket: Bucket, holder: Holder) -> bool:
    return bucket.create(KEY, msgspec.json.encode(holder), "application/json")


def _read(bucket: Bucket) -> Holder | None:
    try:
        return msgspec.json.decode(bucket.get(KEY, max_bytes=_MAX_BYTES), type=Holder)
    except (NotFound, msgspec.DecodeError, UnicodeDecodeError):
        return None
