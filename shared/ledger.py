"""Each journey as a log of create-only objects.

OSS has no compare-and-swap, but creating an object that must not exist is atomic (the bucket must stay unversioned).
So a journey is a log of numbered entries, and whoever creates the next entry has decided on the newest state: another
run that decided on the same state finds the number taken, reads again and decides anew. Keys::

    journeys/<first two hex>/<journey id>/<0000…>.json         the journey as of that entry
    open/<minute it is due>/<live|backfill>/<journey id>/<trip key>     while it is not finished
    held/<journey id>/<trip key>                               while it waits for a person
    failed/<journey id>/<minute it ended>/<code>               once it has failed, until a person takes it up again
    trips/<trip key>.json                                      the first message of a trip id: its hash and journeys
    tombstones/<trip key>                                      the trip was withdrawn; nothing more of it is accepted

An entry holds the whole journey as its writer left it, so that reading the newest one is enough. A journey begins with
its trip's claim, and its own log with what came next.

What is withdrawn is emptied, not deleted: every number that was taken stays taken, by an entry that says no more than
that, and so does the claim. A run that has read an old state and would write the next entry finds it taken, as ever.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import msgspec

from shared.clouds.objects import Bucket, NotFound
from shared.errors import ServiceError, TripcanvasError, code_word
from shared.journey import Journey
from shared.records import (
    Failed,
    Received,
    StepRecord,
    Trouble,
    Withdrawn,
)

_MAX_ENTRY_BYTES = 512 * 1024
#: More than a journey can write in its lifetime; a log this long is listed in a few calls.
_MAX_ENTRIES = 10_000
#: Markers looked at in one sweep.
_MAX_MARKERS = 5_000
#: Markers looked through for those of one trip; there is one for each unfinished journey.
_MAX_OPEN = 1_000_000
#: How often a journey's end is tried anew while other runs write.
_ENDINGS = 20
_JSON = "application/json"
_MINUTE = "%Y-%m-%dT%H:%MZ"


class Overtaken(TripcanvasError):
    """Another run wrote the journey's next entry first; read it again and decide anew."""

    retryable = True


class _Entry(msgspec.Struct, frozen=True):
    records: tuple[StepRecord, ...]
    troubles: tuple[Trouble, ...]
    #: Drawn anew for every entry: two runs that tell the same never write the same bytes, by which a run whose answer
    #: was lost finds out whether an entry is its own.
    writer: str


class TripClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the first message of a trip id was: its content's hash, and the journeys that it opens, by their ids.

    Of a withdrawn trip only the journeys' ids are kept, in `withdrawn`, which is None for any other.
    """

    content_hash: str
    journeys: dict[str, Received]
    withdrawn: tuple[str, ...] | None = None

    def journey(self, journey_id: str) -> Journey:
        """A journey of this trip of which nothing else is known yet."""
        return Journey(journey_id, (self.journeys[journey_id],), unwritten=True)


#: The claim of a withdrawn trip of which nothing is known.
WITHDRAWN_CLAIM = TripClaim("", {}, withdrawn=())


@dataclass(frozen=True, slots=True)
class Marker:
    """A journey's place in the index of unfinished ones. `due` is cut to its minute."""

    due: datetime
    source: str
    journey_id: str
    trip: str

    @classmethod
    def of(cls, journey_id: str, received: Received, due: datetime) -> Marker:
        """The marker of a journey for the minute of `due`."""
        minute = due.astimezone(timezone.utc).replace(second=0, microsecond=0)
        return cls(minute, received.source, journey_id, received.trip)

    @property
    def key(self) -> str:
        """Its object key."""
        return f"open/{self.due.strftime(_MINUTE)}/{self.source}/{self.journey_id}/{self.trip}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A journey's place in the index of those that have failed. `at` is cut to its minute."""

    journey_id: str
    at: datetime
    code: str


#: What a decoder raises for bytes that are no entry or claim.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_encoder = msgspec.json.Encoder()
_entries: msgspec.json.Decoder[_Entry] = msgspec.json.Decoder(_Entry)
_claims: msgspec.json.Decoder[TripClaim] = msgspec.json.Decoder(TripClaim)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The journeys of one deployment, in one bucket."""

    bucket: Bucket

    def commit(self, journey: Journey) -> Journey:
        """Write what the journey has to tell as its next entry; one that has nothing new comes back as it is.

        Raises `Overtaken` when that entry exists already.
        """
        if not journey.unwritten:
            return journey
        body = _encoder.encode(_Entry(journey.records, journey.troubles, secrets.token_hex(8)))
        if not self.bucket.create(_key(journey.id, journey.entries), body, _JSON):
            raise Overtaken(f"journey {journey.id}: entry {journey.entries} was written by another run")
        return replace(journey, entries=journey.entries + 1, unwritten=False)

    def keys(self, journey_id: str) -> list[str]:
        """The keys of the journey's entries; another list means that it has moved."""
        return list(self.bucket.keys(_folder(journey_id), limit=_MAX_ENTRIES))

    def read(self, journey_id: str, *, entries: int = 0) -> Journey:
        """The journey as it stands; without records when its log has no entry.

        With `entries`, the journey as it stood with so many of them, if it has come so far: one call instead of two.
        Whoever decides on an old state by that finds out when committing. Raises `ServiceError` with the code
        ``UnreadableRecord`` for an entry that this code can't read.
        """
        if entries:
            try:
                return self._entry(journey_id, entries - 1)
            except NotFound:
                pass
        keys = self.keys(journey_id)
        # By its name, not by how many there are: old entries end by their age.
        return self._entry(journey_id, _number(keys[-1])) if keys else Journey(journey_id)

    def _entry(self, journey_id: str, number: int) -> Journey:
        body = self.bucket.get(_key(journey_id, number), max_bytes=_MAX_ENTRY_BYTES)
        try:
            entry: _Entry | None = _entries.decode(body)
        except _UNREADABLE:
            entry = None
        if entry is None or not entry.records:
            raise ServiceError("oss", "UnreadableRecord", f"journey {journey_id}, entry {number}")
        return Journey(journey_id, entry.records, entry.troubles, entries=number + 1)

    def claim_trip(self, trip_key: str, claim: TripClaim) -> TripClaim:
        """Bind a trip id to its first message; returns the claim that stands, which may be an earlier one."""
        if self.bucket.create(_claim_key(trip_key), _encoder.encode(claim), _JSON):
            return claim
        standing = self.claim(trip_key)
        if standing is None:
            raise ServiceError("oss", "UnreadableRecord", f"trip {trip_key}")
        return standing

    def claim(self, trip_key: str) -> TripClaim | None:
        """The claim of a trip; None when no message of it was accepted."""
        try:
            claim = _claims.decode(self.bucket.get(_claim_key(trip_key), max_bytes=_MAX_ENTRY_BYTES))
        except NotFound:
            return None
        except _UNREADABLE:
            claim = None
        if claim is None or (not claim.journeys and claim.withdrawn is None):
            raise ServiceError("oss", "UnreadableRecord", f"trip {trip_key}")
        return claim

    def find(self, journey_id: str, trip_key: str) -> Journey:
        """The journey as it stands, from its trip's claim when its own log has no entry yet."""
        journey = self.read(journey_id)
        if not journey.records:
            claim = self.claim(trip_key)
            if claim is not None and journey_id in claim.journeys:
                return claim.journey(journey_id)
        return journey

    def is_withdrawn(self, trip_key: str) -> bool:
        """Whether the trip was withdrawn, however long ago."""
        try:
            self.bucket.get(_tombstone_key(trip_key), max_bytes=_MAX_ENTRY_BYTES)
        except NotFound:
            return False
        return True

    def withdraw_trip(self, trip_key: str) -> tuple[str, ...]:
        """Let no message of a trip be accepted any more, and empty its claim; returns the journeys it had opened."""
        self.bucket.put(_tombstone_key(trip_key), b"", "text/plain")
        if self.bucket.create(_claim_key(trip_key), _encoder.encode(WITHDRAWN_CLAIM), _JSON):
            return ()
        try:
            standing = self.claim(trip_key) or WITHDRAWN_CLAIM
        except ServiceError as error:
            if error.code != "UnreadableRecord":
                raise
            standing = TripClaim("", {})
        journeys = standing.withdrawn or tuple(standing.journeys)
        if standing.withdrawn is None:
            body = _encoder.encode(TripClaim("", {}, withdrawn=journeys))
            self.bucket.put(_claim_key(trip_key), body, _JSON)
        return journeys

    def withdraw(self, journey_id: str, at: datetime) -> Journey:
        """End a journey's log by `Withdrawn`, unless that is its end, and empty every entry before it.

        Harmless to repeat. Raises `Overtaken` when other runs were faster again and again.
        """
        for _ in range(_ENDINGS):
            try:
                journey = self.commit(self._newest(journey_id).withdrawn(at))
                break
            except Overtaken:
                continue
        else:
            raise Overtaken(f"journey {journey_id}: other runs are at it")
        for key in self.filled(journey_id):
            body = _encoder.encode(_Entry(journey.records, (), secrets.token_hex(8)))
            self.bucket.put(key, body, _JSON)
        return journey

    def filled(self, journey_id: str) -> list[str]:
        """The keys of the journey's entries that tell more than that it was withdrawn."""
        return [key for key in self.keys(journey_id) if not self._is_empty(journey_id, _number(key))]

    def _newest(self, journey_id: str) -> Journey:
        """The journey as it stands, or, with an entry that can't be read, at least how far its log goes."""
        try:
            return self.read(journey_id)
        except ServiceError as error:
            if error.code != "UnreadableRecord":
                raise
            return Journey(journey_id, entries=_number(self.keys(journey_id)[-1]) + 1)

    def _is_empty(self, journey_id: str, number: int) -> bool:
        try:
            records = self._entry(journey_id, number).records
        except ServiceError as error:
            if error.code != "UnreadableRecord":
                raise
            return False
        return bool(records) and all(isinstance(record, Withdrawn) for record in records)

    def markers(self, journeys: Collection[str]) -> list[Marker]:
        """Every marker of these journeys, however late it is due."""
        found = (_marker(key) for key in self.bucket.keys("open/", limit=_MAX_OPEN))
        return [marker for marker in found if marker.journey_id in journeys]

    def mark(self, marker: Marker) -> None:
        """Put the marker by which the sweeper finds the journey once it is due."""
        self.bucket.put(marker.key, b"", "text/plain")

    def unmark(self, marker: Marker) -> None:
        """Delete a marker."""
        self.bucket.delete(marker.key)

    def close(self, journey: Journey, allowance: timedelta) -> None:
        """Take away the marker that the journey got when it was received, `allowance` ahead."""
        received = journey.find(Received)
        if received is not None:
            self.unmark(Marker.of(journey.id, received, received.at + allowance))

    def hold(self, journey: Journey) -> None:
        """Put the journey into the index of those that wait for a person."""
        self.bucket.put(_held_key(journey), b"", "text/plain")

    def release(self, journey: Journey) -> None:
        """Take the journey out of that index."""
        self.bucket.delete(_held_key(journey))

    def held(self) -> Iterator[str]:
        """The ids of the journeys in that index. One may have been interrupted before it was held."""
        for key in self.bucket.keys("held/", limit=_MAX_MARKERS):
            yield key.split("/", 2)[1]

    def held_keys(self, journey_id: str) -> list[str]:
        """Where one journey stands in that index."""
        return list(self.bucket.keys(f"held/{journey_id}/"))

    def note_failure(self, journey: Journey) -> None:
        """Put the journey into the index of those that have failed."""
        end = journey.need(Failed)
        minute = end.at.astimezone(timezone.utc).strftime(_MINUTE)
        self.bucket.put(f"failed/{journey.id}/{minute}/{code_word(end.code) or 'other'}", b"", "text/plain")

    def forget_failure(self, journey_id: str) -> None:
        """Take the journey out of that index."""
        for key in self.failed_keys(journey_id):
            self.bucket.delete(key)

    def failures(self, *, limit: int = _MAX_OPEN) -> Iterator[Failure]:
        """At most `limit` of that index, in the order of their ids. One may have been interrupted before it failed."""
        for key in self.bucket.keys("failed/", limit=limit):
            _, journey_id, minute, code = key.split("/", 3)
            yield Failure(journey_id, datetime.strptime(minute, _MINUTE).replace(tzinfo=timezone.utc), code)

    def failed_keys(self, journey_id: str) -> list[str]:
        """Where one journey stands in that index."""
        return list(self.bucket.keys(f"failed/{journey_id}/"))

    def open(self, *, limit: int) -> Iterator[Marker]:
        """At most `limit` markers of unfinished journeys, those first whose minute comes first.

        A journey may have two for a moment, and a finished one has its last until it is due.
        """
        for key in self.bucket.keys("open/", limit=limit):
            yield _marker(key)

    def due(self, now: datetime) -> Iterator[Marker]:
        """Markers whose minute has come, oldest first, at most a few thousand."""
        this_minute = now.astimezone(timezone.utc).strftime(_MINUTE)
        for key in self.bucket.keys("open/", limit=_MAX_MARKERS):
            if key.split("/", 2)[1] > this_minute:
                return
            yield _marker(key)


def _folder(journey_id: str) -> str:
    return f"journeys/{journey_id[:2]}/{journey_id}/"


def _key(journey_id: str, entry: int) -> str:
    return f"{_folder(journey_id)}{entry:04d}.json"


def _number(key: str) -> int:
    """Which entry a key names. Raises `ServiceError` for one that this code has not written."""
    digits = key.rpartition("/")[2].removesuffix(".json")
    if not digits.isdecimal():
        raise ServiceError("oss", "UnreadableRecord", "a key that names no entry")
    return int(digits)


def _marker(key: str) -> Marker:
    _, minute, source, journey_id, trip = key.split("/", 4)
    return Marker(datetime.strptime(minute, _MINUTE).replace(tzinfo=timezone.utc), source, journey_id, trip)


def _tombstone_key(trip_key: str) -> str:
    return f"tombstones/{trip_key}"


def _held_key(journey: Journey) -> str:
    return f"held/{journey.id}/{journey.need(Received).trip}"


def _claim_key(trip_key: str) -> str:
    return f"trips/{trip_key}.json"
