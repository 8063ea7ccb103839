"""The journey's records as create-only objects.

OSS has no compare-and-swap, but creating an object that must not exist is atomic (the bucket must stay unversioned):
whoever creates the record of a step owns that step. Keys::

    journeys/<first two hex>/<journey id>/<received|prompted|stored>.json
    journeys/<first two hex>/<journey id>/<submitting|submitted|result|inspected>-<attempt>.json
    journeys/<first two hex>/<journey id>/end.json
    journeys/<first two hex>/<journey id>/trouble-<milliseconds>-<step>-<random>.json
    journeys/<first two hex>/<journey id>/takeover-<attempt>-<number>.json
    open/<minute the journey is due>/<journey id>        while it is not finished
    trips/<trip key>.json                                what a trip id stands for: the first message's hash and styles

Steps that exclude each other share a key: an attempt has one `result` (rendered or render_failed), a journey one `end`
(published, held, rejected or failed). Which it is stands in the record.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import msgspec

from shared.clouds.objects import Bucket
from shared.errors import ServiceError
from shared.journey import BY_ATTEMPT, ENDS, Journey, Received, Record, Step, StepRecord, Trouble, step_of

_MAX_RECORD_BYTES = 256 * 1024
_JSON = "application/json"
_MINUTE = "%Y-%m-%dT%H:%MZ"

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class TripClaim(msgspec.Struct, frozen=True):
    """What the first message of a trip id was: its content's hash, and the styles it is painted in."""

    content_hash: str
    styles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The records of all journeys in one bucket."""

    bucket: Bucket

    def add(self, journey: Journey, record: StepRecord) -> bool:
        """Write the next record; False when another instance wrote that step first.

        Raises `shared.journey.IllegalStep` when the journey's table does not allow the step.
        """
        journey.followed_by(record)
        return self.bucket.create(f"{_folder(journey.id)}{_name(record)}.json", _encoder.encode(record), _JSON)

    def note(self, journey_id: str, trouble: Trouble) -> None:
        """Write down what went wrong on the way; moves nothing."""
        name = f"trouble-{int(trouble.at.timestamp() * 1000)}-{trouble.during}-{secrets.token_hex(2)}.json"
        self.bucket.create(_folder(journey_id) + name, _encoder.encode(trouble), _JSON)

    def keys(self, journey_id: str) -> list[str]:
        """The keys of the journey's records; another list means that it has moved."""
        return list(self.bucket.keys(_folder(journey_id)))

    def take_over(self, journey_id: str, number: int, trouble: Trouble) -> bool:
        """Note that a submission is taken over, for the `number`-th time of its attempt; True for one run only."""
        key = f"{_folder(journey_id)}takeover-{trouble.attempt}-{number}.json"
        return self.bucket.create(key, _encoder.encode(trouble), _JSON)

    def read(self, journey_id: str) -> Journey:
        """The journey as it stands; without records when nothing is known of it.

        Raises `ServiceError` with the code ``UnreadableRecord`` for a record that this code can't read.
        """
        keys = self.keys(journey_id)
        if not keys:
            return Journey(journey_id)
        with ThreadPoolExecutor(min(4, len(keys))) as pool:
            bodies = list(pool.map(lambda key: self.bucket.get(key, max_bytes=_MAX_RECORD_BYTES), keys))
        try:
            return Journey.of(journey_id, [_decoder.decode(body) for body in bodies])
        except msgspec.DecodeError:
            raise ServiceError("oss", "UnreadableRecord", f"journey {journey_id}") from None

    def claim_trip(self, trip_key: str, claim: TripClaim) -> TripClaim:
        """Bind a trip id to its first message; returns the claim that stands, which may be an earlier one."""
        key = f"trips/{trip_key}.json"
        if self.bucket.create(key, _encoder.encode(claim), _JSON):
            return claim
        return msgspec.json.decode(self.bucket.get(key, max_bytes=_MAX_RECORD_BYTES), type=TripClaim)

    def open(self, journey_id: str, due: datetime) -> None:
        """Put the marker by which the sweeper finds the journey once it is due."""
        self.bucket.put(_marker(journey_id, due), b"", "text/plain")

    def close(self, journey: Journey, allowance: timedelta) -> None:
        """Take away the marker that `open` put when the journey was received."""
        received = journey.find(Received)
        if received is not None:
            self.bucket.delete(_marker(journey.id, received.at + allowance))

    def drop_marker_of(self, journey_id: str, due: datetime) -> None:
        """Delete the marker that `open` put with the same arguments."""
        self.bucket.delete(_marker(journey_id, due))

    def due(self, now: datetime, *, limit: int = 500) -> Iterator[tuple[str, str]]:
        """Markers of unfinished journeys whose minute has come: (key of the marker, journey id), oldest first."""
        for key in self.bucket.keys("open/", limit=limit):
            _, minute, journey_id = key.split("/", 2)
            if minute > now.astimezone(timezone.utc).strftime(_MINUTE):
                return
            yield key, journey_id

    def postpone(self, key: str, journey_id: str, due: datetime) -> None:
        """Replace a marker by one that comes due later; the same minute keeps the marker as it is."""
        later = _marker(journey_id, due)
        if later != key:
            self.bucket.put(later, b"", "text/plain")
            self.bucket.delete(key)

    def drop_marker(self, key: str) -> None:
        """Delete one marker by its key."""
        self.bucket.delete(key)


def _name(record: StepRecord) -> str:
    step = step_of(record)
    if step in ENDS:
        return "end"
    if step in (Step.RENDERED, Step.RENDER_FAILED):
        return f"result-{record.attempt}"
    return f"{step.value}-{record.attempt}" if step in BY_ATTEMPT else step.value


def _folder(journey_id: str) -> str:
    return f"journeys/{journey_id[:2]}/{journey_id}/"


def _marker(journey_id: str, due: datetime) -> str:
    return f"open/{due.astimezone(timezone.utc).strftime(_MINUTE)}/{journey_id}"
