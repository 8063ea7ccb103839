"""A message from the vehicle platform, to journeys whose pictures are queued."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

import msgspec

from shared.clouds.messages import MAX_BODY_BYTES
from shared.composing import compose
from shared.errors import Conflict, InvalidInput, Misconfigured, NotDone, ServiceError, Unavailable
from shared.events import Message
from shared.facts import facts_of
from shared.journey import (
    Journey,
    Prompted,
    Received,
    Rejected,
    Step,
    Trouble,
    journey_id,
    seed_of,
)
from shared.services import Services
from shared.styles import choose_style
from shared.submission import BACKFILL, LIVE, close_failed, record, submit
from shared.telemetry import log
from shared.trips import MAX_TRIP_BYTES, Trip, content_hash, parse_trip

#: In place of a style in the id of a journey that never got one.
_NO_STYLE = "-"
#: Bytes kept inside a dead letter; what is larger goes to OSS, because base64 and a queue's limit leave no more room.
_INLINE_BYTES = MAX_BODY_BYTES // 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message in one style. `retry` asks the caller to have the whole event delivered again."""

    journey: str
    step: str
    reason: str = ""
    retry: bool = False


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that can't be handled: its bytes as sent, and why. `object_key` instead of `body` when it is large."""

    journey: str
    code: str
    reason: str
    sha256: str
    size_bytes: int
    message_id: str = ""
    body_base64: str = ""
    object_key: str = ""


def take_message(message: Message, services: Services) -> list[Outcome]:
    """Validate one trip message and take each of its journeys as far as the GPU queue.

    Repeating it is harmless: every step already on the ledger is passed over. A fault of one message or style never
    touches another; what should be tried again is said in the outcome.
    """
    try:
        trip = parse_trip(message.body)
        if not trip.consent.process:
            return [
                _reject(
                    message,
                    InvalidInput("consent.process", "true; without it nothing is processed"),
                    services,
                    keep=False,
                )
            ]
        styles = _styles_of(trip, services)
    except InvalidInput as error:
        return [_reject(message, error, services, keep=True)]
    return [_take_journey(message, trip, style, services) for style in styles]


def _styles_of(trip: Trip, services: Services) -> list[str]:
    for number, style in enumerate(trip.styles):
        if style not in services.styles:
            raise InvalidInput(f"styles[{number}]", f"one of {', '.join(sorted(services.styles))}")
    return list(dict.fromkeys(trip.styles)) or [choose_style(facts_of(trip), services.styles).id]


def _take_journey(message: Message, trip: Trip, style: str, services: Services) -> Outcome:
    journey = Journey(journey_id(trip.trip_id, style))
    during = "receiving"
    try:
        journey = _received(journey, message, trip, style, services)
        during = "prompting"
        journey = prompt(journey, services)
        during = "submitting"
        if journey.step in (Step.PROMPTED, Step.SUBMITTING):
            journey = submit(journey, services)
    except Conflict as error:
        return _reject(message, error, services, keep=True, conflicting=journey.id)
    except NotDone as error:
        journey = close_failed(journey, during, str(error), services)
    except (ServiceError, Misconfigured) as error:
        note_trouble(journey.id, during, error, services)
        return Outcome(journey.id, during, str(error), retry=True)
    return Outcome(journey.id, journey.step.value if journey.step else "")


def _received(journey: Journey, message: Message, trip: Trip, style: str, services: Services) -> Journey:
    digest = content_hash(trip)
    received = Received(
        at=services.now(),
        content_hash=digest,
        style=style,
        source=BACKFILL if message.direct else LIVE,
        facts=facts_of(trip),
        publish=trip.consent.publish,
        show_cities=trip.consent.show_cities,
        trip_date=trip.ended_at.date().isoformat(),
        distance_km=round(trip.distance_km),
        traceparent=_traceparent(message, journey.id),
    )
    # The marker first: a journey that dies right after its first record must still be found.
    services.ledger.open(journey.id, received.at + services.step_allowance)
    journey, mine = record(journey, received, services)
    if not mine:
        first = journey.find(Received)
        if first is None or first.content_hash != digest:
            raise Conflict("trip_id", "new; this one was accepted before with other content, which stands")
        log("duplicate", journey=journey.id)
    return journey


def prompt(journey: Journey, services: Services) -> Journey:
    """Write the brief of a journey that stands at `received`; any other journey comes back as it is."""
    received = journey.find(Received)
    if journey.step is not Step.RECEIVED or received is None:
        return journey
    style = services.styles[received.style]
    composition = compose(received.facts, style, seed_of(journey.id), services.text_model)
    prompted = Prompted(
        at=services.now(),
        brief=composition.brief,
        written_by=composition.written_by,
        fallback=composition.fallback,
        input_tokens=composition.input_tokens,
        output_tokens=composition.output_tokens,
    )
    return record(journey, prompted, services)[0]


def note_trouble(journey: str, during: str, error: Exception, services: Services) -> None:
    """Write on the journey what went wrong; when the ledger itself is what fails, only the log can say it."""
    service = error.service if isinstance(error, ServiceError) else ""
    code = error.code if isinstance(error, ServiceError) else type(error).__name__
    log("trouble", journey=journey, during=during, service=service, code=code)
    trouble = Trouble(
        at=services.now(),
        during=during,
        service=service,
        code=code,
        reason=str(error),
        nothing_taken=isinstance(error, Unavailable),
    )
    try:
        services.ledger.note(journey, trouble)
    except (ServiceError, Misconfigured) as failure:
        log("trouble_not_noted", journey=journey, code=type(failure).__name__)


def _reject(message: Message, error: InvalidInput, services: Services, *, keep: bool, conflicting: str = "") -> Outcome:
    """End a message as `rejected`: the dead letter first, then the record; a crash in between repeats, never loses.

    Without `keep` (no consent to process) the dead letter holds no byte of the trip, only its hash and length.
    """
    digest = hashlib.sha256(message.sent).hexdigest()
    journey = Journey(conflicting or rejected_journey_id(message.body))
    code = "conflict" if isinstance(error, Conflict) else "no_consent" if not keep else "invalid"
    try:
        if not conflicting:
            journey = services.ledger.read(journey.id)
            if any(isinstance(r, Rejected) and r.sha256 == digest for r in journey.records):
                return Outcome(journey.id, Step.REJECTED.value, str(error))
        letter = DeadLetter(
            journey=journey.id,
            code=code,
            reason=str(error),
            sha256=digest,
            size_bytes=len(message.sent),
            message_id=message.message_id,
            **(_kept(message.sent, digest, services) if keep else {}),
        )
        services.messages.send(services.settings.need("dead_letter_queue"), msgspec.json.encode(letter))
        if not conflicting and not journey.records:
            rejected = Rejected(
                at=services.now(), code=code, reason=str(error), sha256=digest, size_bytes=len(message.sent)
            )
            record(journey, rejected, services)
    except (ServiceError, Misconfigured) as failure:
        log("trouble", journey=journey.id, during="rejecting", code=type(failure).__name__)
        return Outcome(journey.id, "rejecting", str(failure), retry=True)
    log("rejected", journey=journey.id, code=code, field=error.field, size_bytes=len(message.sent))
    return Outcome(journey.id, Step.REJECTED.value, str(error))


def rejected_journey_id(body: bytes) -> str:
    """Where the rejection of a message stands: under its trip id, if it has a well-formed one, else under its hash."""
    trip_id = _trip_id_in(body)
    return journey_id(trip_id or f"sha256:{hashlib.sha256(body).hexdigest()}", _NO_STYLE)


def _kept(body: bytes, digest: str, services: Services) -> dict[str, str]:
    if len(body) <= _INLINE_BYTES:
        return {"body_base64": base64.b64encode(body).decode()}
    key = f"dead-letters/{digest}"
    services.ledger.bucket.create(key, body, "application/octet-stream")
    return {"object_key": key}


class _Identified(msgspec.Struct):
    trip_id: str = ""


def _trip_id_in(body: bytes) -> str:
    """The trip id of a message that is otherwise unfit, if it has a well-formed one."""
    try:
        trip_id = msgspec.json.decode(body[: 8 * MAX_TRIP_BYTES], type=_Identified).trip_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return trip_id if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", trip_id) else ""


def _traceparent(message: Message, journey: str) -> str:
    """The sender's W3C trace, or one that belongs to the journey."""
    if re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", message.traceparent):
        return message.traceparent
    digits = journey.replace("-", "")
    return f"00-{digits}-{digits[:16]}-01"
