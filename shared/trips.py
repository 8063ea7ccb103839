"""The trip-completed event: its typed model, its validation, and its JSON Schema.

A `Trip` holds private data (addresses, times, names). What may leave the house is built from it by
`shared.facts`, from an allow-list; nothing else may pass a `Trip` on.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from shared.errors import InvalidInput

#: A trip message larger than this is refused before it is parsed. SMQ carries 64 KB; FC's asynchronous calls 128 KB.
MAX_TRIP_BYTES = 128 * 1024

#: Years a trip may lie in: what the almanac knows, and far from the ends of the calendar.
_YEARS = (2000, 2100)

#: How far the clock of a vehicle, or of its platform, may be ahead of ours.
CLOCK_SKEW = timedelta(minutes=5)

_Text = Annotated[str, msgspec.Meta(max_length=200)]
_Style = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,31}$")]


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trip starts or ends. `address` never leaves the house; `city` may, by consent."""

    address: Annotated[str, msgspec.Meta(max_length=300, description="Street address; never leaves the house.")] = ""
    city: Annotated[str, msgspec.Meta(max_length=40, description="City; derived from the address when absent.")] = ""
    weather: Annotated[
        str, msgspec.Meta(max_length=40, description="As the vehicle reports it: 晴天, light rain …")
    ] = ""


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Who drove together."""

    name: Annotated[str, msgspec.Meta(max_length=60)] = ""
    size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Car(msgspec.Struct, frozen=True, kw_only=True):
    """The owner's car, as far as a picture needs it: no plate, no VIN."""

    description: Annotated[str, msgspec.Meta(max_length=80, description="In words: 黑色一代.")] = ""
    model: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{0,32}$")] = ""
    color: Annotated[str, msgspec.Meta(max_length=24, description="Derived from the description when absent.")] = ""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner has agreed to. `process` and `publish` have no default: silence is not consent."""

    process: Annotated[bool, msgspec.Meta(description="The trip may be processed and sent to the models.")]
    publish: Annotated[bool, msgspec.Meta(description="The picture may be shown in public; otherwise a private draft.")]
    show_cities: Annotated[bool, msgspec.Meta(description="City names may stand in the post.")] = False


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """One finished trip, as the vehicle platform publishes it. Unknown fields are kept out, not refused."""

    trip_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    started_at: Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339 with the zone of the place.")]
    ended_at: Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339; not before started_at.")]
    start: Stop
    end: Stop
    consent: Consent
    event: Annotated[str, msgspec.Meta(pattern=r"^trip\.completed$")] = "trip.completed"
    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    owner_id: Annotated[str, msgspec.Meta(max_length=128)] = ""
    emoji: Annotated[str, msgspec.Meta(max_length=32, description="The owner's mood tag: 出游.")] = ""
    text: Annotated[str, msgspec.Meta(max_length=500, description="The owner's own words.")] = ""
    driving_seconds: Annotated[int, msgspec.Meta(ge=0, le=90 * 86400)] = 0
    distance_km: Annotated[float, msgspec.Meta(ge=0, le=100_000)] = 0.0
    via_cities: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=50)] = ()
    team: Team | None = None
    car: Car = msgspec.field(default_factory=Car)
    styles: Annotated[tuple[_Style, ...], msgspec.Meta(max_length=8, description="Empty: chosen by rule.")] = ()


_decoder = msgspec.json.Decoder(Trip)
_AT = re.compile(r" - at `(?P<path>.+)`$")


def parse_trip(body: bytes) -> Trip:
    """Read and check one trip message (UTF-8 JSON).

    Raises `InvalidInput`, naming the field and what was expected there; the message never repeats what was sent.
    """
    if len(body) > MAX_TRIP_BYTES:
        raise InvalidInput("message", f"at most {MAX_TRIP_BYTES} bytes, got {len(body)}")
    try:
        trip = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidInput("message", "JSON in UTF-8") from None
    _check_times(trip)
    _check_names(trip)
    return trip


def check_is_over(trip: Trip, now: datetime) -> None:
    """Raise `InvalidInput` for a trip that ends later than `now`: no post may tell where somebody still is."""
    if trip.ended_at > now + CLOCK_SKEW:
        raise InvalidInput("ended_at", "a time that has passed; the trip can be sent again once it is over")


def _check_names(trip: Trip) -> None:
    """Refuse the line break that `$` in a pattern lets pass at the end."""
    names = {"trip_id": trip.trip_id, "car.model": trip.car.model}
    for field, name in {**names, **{f"styles[{n}]": style for n, style in enumerate(trip.styles)}}.items():
        if name.endswith("\n"):
            raise InvalidInput(field, "no line break")


def _check_times(trip: Trip) -> None:
    for field, time in (("started_at", trip.started_at), ("ended_at", trip.ended_at)):
        if not _YEARS[0] <= time.year <= _YEARS[1]:
            raise InvalidInput(field, f"a year from {_YEARS[0]} to {_YEARS[1]}")
    if trip.ended_at < trip.started_at:
        raise InvalidInput("ended_at", "a time not before started_at")
    if trip.ended_at - trip.started_at > timedelta(days=90):
        raise InvalidInput("ended_at", "at most 90 days after started_at")
    if timedelta(seconds=trip.driving_seconds) > trip.ended_at - trip.started_at + timedelta(minutes=5):
        raise InvalidInput("driving_seconds", "no longer than the trip itself")


def _named(message: str) -> InvalidInput:
    """Turn msgspec's sentence into field and expectation; its sentences hold types and limits, not content."""
    missing = re.match(r"Object missing required field `(?P<name>\w+)`", message)
    at = _AT.search(message)
    path = at["path"].removeprefix("$").removeprefix(".") if at else ""
    if missing:
        return InvalidInput(f"{path}.{missing['name']}".removeprefix("."), "required, but missing")
    return InvalidInput(path or "message", _AT.sub("", message))


def content_hash(trip: Trip) -> str:
    """SHA-256 of the trip's canonical JSON: two messages of one trip are duplicates when this agrees."""
    return hashlib.sha256(msgspec.json.encode(trip, order="deterministic")).hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the trip-completed event, as published in ``docs/trip-completed.schema.json``."""
    schema = msgspec.json.schema(Trip)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trip completed",
        **schema,
    }
