"""One person provisions at a time: numbered, create-only objects in the ledger's bucket say who does.

The newest number counts. Once it is over or was left behind it is taken by creating the next one, which only one run
can; older ones are deleted. A run that was late enough to create one that had been deleted finds a newer one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from shared.clouds.objects import Bucket, NotFound
from shared.errors import Misconfigured, TripcanvasError
from shared.services import utc_now

#: Where everything about provisioning lies; nothing of it is data of the product.
FOLDER = "provisioning/"
_LOCKS = f"{FOLDER}lock/"
#: A run is over long before; a lock that is older was left behind by one that died.
STALE_AFTER = timedelta(minutes=15)
_MAX_BYTES = 4096
_JUST_BEGUN = "somebody else has just begun to provision this deployment"


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock, since when, and whether that is over."""

    who: str
    since: datetime
    token: str
    is_over: bool = False


class InOtherHands(Misconfigured):
    """Somebody else is provisioning this deployment."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock in our hands, by its number."""

    bucket: Bucket
    number: int
    holder: Holder

    def check(self) -> None:
        """Raise `InOtherHands` when somebody took it over, which takes a run of more than `STALE_AFTER`."""
        if _newest(self.bucket) != self.number:
            raise InOtherHands("this run took so long that somebody else has begun to provision; run it again")


@contextlib.contextmanager
def held(bucket: Bucket) -> Iterator[Lock]:
    """Hold the lock. Raises `InOtherHands`, saying whose it is and when it ends."""
    newest = _newest(bucket)
    standing = _read(bucket, newest)
    if standing is not None and not standing.is_over and standing.since + STALE_AFTER > utc_now():
        raise InOtherHands(
            f"{standing.who} has been provisioning this deployment since {standing.since:%H:%M:%S} UTC; if that run "
            f"died, try again at {standing.since + STALE_AFTER:%H:%M} UTC"
        )
    mine = Holder(f"{os.environ.get('USER', 'somebody')}@{socket.gethostname()}", utc_now(), secrets.token_hex(8))
    lock = Lock(bucket, newest + 1, mine)
    if not bucket.create(_key(lock.number), msgspec.json.encode(mine), "application/json"):
        raise InOtherHands(_JUST_BEGUN)
    if _newest(bucket) != lock.number:
        bucket.delete(_key(lock.number))
        raise InOtherHands(_JUST_BEGUN)
    for key in [key for key in bucket.keys(_LOCKS) if key < _key(lock.number)]:
        bucket.delete(key)
    try:
        yield lock
    finally:
        # Without it the next run waits until it is stale. The bucket itself may be gone.
        with contextlib.suppress(TripcanvasError):
            if _newest(bucket) == lock.number:
                over = msgspec.structs.replace(mine, is_over=True)
                bucket.put(_key(lock.number), msgspec.json.encode(over), "application/json")


def _key(number: int) -> str:
    return f"{_LOCKS}{number:08}.json"


def _newest(bucket: Bucket) -> int:
    numbers = [key.removeprefix(_LOCKS).removesuffix(".json") for key in bucket.keys(_LOCKS)]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _read(bucket: Bucket, number: int) -> Holder | None:
    """Who holds that number; None when nobody can be read there."""
    try:
        return msgspec.json.decode(bucket.get(_key(number), max_bytes=_MAX_BYTES), type=Holder)
    except (NotFound, msgspec.DecodeError, UnicodeDecodeError):
        return None
