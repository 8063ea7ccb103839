"""The journey's records as create-only objects.

OSS has no compare-and-swap, but creating an object that must not exist is atomic (the bucket must stay unversioned):
whoever creates the record of a step owns that step. Keys::

    journeys/<first two hex>/<journey id>/<step>[-<attempt>].json
    journeys/<first two hex>/<journey id>/trouble-<milliseconds>-<step>.json
    open/<minute the journey is due>/<journey id>        while it is not finished
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import msgspec

from shared.clouds.objects import Bucket
from shared.journey import BY_ATTEMPT, Journey, Received, Record, StepRecord, Trouble, step_of

_MAX_RECORD_BYTES = 256 * 1024
_JSON = "application/json"
_MINUTE = "%Y-%m-%dT%H:%MZ"

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The records of all journeys in one bucket."""

    bucket: Bucket

    def add(self, journey: Journey, record: StepRecord) -> bool:
        """Write the next record; False when another instance wrote that step first.

        Raises `shared.journey.IllegalStep` when the journey's table does not allow the step.
        """
        journey.followed_by(record)
        step = step_of(record)
        name = f"{step.value}-{record.attempt}" if step in BY_ATTEMPT else step.value
        return self.bucket.create(f"{_folder(journey.id)}{name}.json", _encoder.encode(record), _JSON)

    def note(self, journey_id: str, trouble: Trouble) -> None:
        """Write down what went wrong on the way; moves nothing."""
        name = f"trouble-{int(trouble.at.timestamp() * 1000)}-{trouble.during}.json"
        self.bucket.create(_folder(journey_id) + name, _encoder.encode(trouble), _JSON)

    def read(self, journey_id: str) -> Journey:
        """The journey as it stands; without records when nothing is known of it."""
        keys = list(self.bucket.keys(_folder(journey_id)))
        if not keys:
            return Journey(journey_id)
        with ThreadPoolExecutor(min(4, len(keys))) as pool:
            bodies = list(pool.map(lambda key: self.bucket.get(key, max_bytes=_MAX_RECORD_BYTES), keys))
        return Journey.of(journey_id, [_decoder.decode(body) for body in bodies])

    def open(self, journey_id: str, due: datetime) -> None:
        """Put the marker by which the sweeper finds the journey once it is due."""
        self.bucket.put(_marker(journey_id, due), b"", "text/plain")

    def close(self, journey: Journey, allowance: timedelta) -> None:
        """Take away the marker that `open` put when the journey was received."""
        received = journey.find(Received)
        if received is not None:
            self.bucket.delete(_marker(journey.id, received.at + allowance))

    def due(self, now: datetime, *, limit: int = 500) -> Iterator[tuple[str, str]]:
        """Markers of unfinished journeys whose minute has come: (key of the marker, journey id), oldest first."""
        for key in self.bucket.keys("open/", limit=limit):
            _, minute, journey_id = key.split("/")
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


def _folder(journey_id: str) -> str:
    return f"journeys/{journey_id[:2]}/{journey_id}/"


def _marker(journey_id: str, due: datetime) -> str:
    return f"open/{due.astimezone(timezone.utc).strftime(_MINUTE)}/{journey_id}"
