"""The end of a message that can't be used: a record that names the field, and a dead letter that keeps the bytes."""

from __future__ import annotations

import base64
import hashlib
import re

import msgspec

from shared.clouds.messages import MAX_BODY_BYTES
from shared.course import Course
from shared.errors import Conflict, InvalidInput, Misconfigured, ServiceError
from shared.events import Message
from shared.journey import Journey, journey_id, trip_key
from shared.records import Rejected, Step
from shared.reporting import Outcome
from shared.services import Services
from shared.telemetry import log
from shared.trips import MAX_TRIP_BYTES

#: In place of a style in the id of a journey that never got one.
_NO_STYLE = "-"
#: Bytes kept inside a dead letter; what is larger goes to OSS, because base64 and a queue's limit leave no more room.
_INLINE_BYTES = MAX_BODY_BYTES // 2
#: What a trip id looks like.
TRIP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


class NoConsent(InvalidInput):
    """The owner has not agreed to any processing: no byte of the trip may be kept."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that can't be handled: why, and its bytes as sent, or the key of the object that holds them."""

    journey: str
    code: str
    reason: str
    sha256: str
    size_bytes: int
    message_id: str = ""
    body_base64: str = ""
    object_key: str = ""


def reject(message: Message, error: InvalidInput, services: Services) -> Outcome:
    """End a message as `rejected`: the dead letter first, then the record; a crash in between repeats, never loses.

    A message without consent is never asked for again, even when nothing of this could be written: a message that is
    delivered again and again ends, with all its bytes, in the platform's own dead-letter queue.
    """
    code = "no_consent" if isinstance(error, NoConsent) else "invalid"
    digest = hashlib.sha256(message.sent).hexdigest()
    course = Course(Journey(rejected_journey_id(message.body)), services)
    try:
        course.reload()
        # Delivered again, not sent again: a letter that was redriven is gone, and its message must not get lost now.
        known = (digest, message.message_id)
        if any(isinstance(r, Rejected) and (r.sha256, r.message_id) == known for r in course.journey.records):
            return Outcome(course.journey.id, Step.REJECTED.value, str(error))
        trip_id = trip_id_in(message.body)
        if code != "no_consent" and trip_id and services.ledger.is_withdrawn(trip_key(trip_id)):
            log("withdrawn", journey=course.journey.id)
            return Outcome(course.journey.id, Step.WITHDRAWN.value)
        _send(course.journey.id, message, code, error, services)
        course.settle(
            Rejected(
                at=services.now(),
                code=code,
                reason=str(error),
                sha256=digest,
                size_bytes=len(message.sent),
                message_id=message.message_id,
            )
        )
    except (ServiceError, Misconfigured) as failure:
        log("trouble", journey=course.journey.id, during="rejecting", code=type(failure).__name__)
        return Outcome(course.journey.id, "rejecting", str(failure), retry=not isinstance(error, NoConsent))
    return Outcome(course.journey.id, Step.REJECTED.value, str(error))


def reject_conflict(message: Message, error: Conflict, journey: str, services: Services) -> Outcome:
    """Refuse a message whose trip was accepted before with other content; that trip's journeys are left alone."""
    try:
        _send(journey, message, "conflict", error, services)
    except (ServiceError, Misconfigured) as failure:
        log("trouble", journey=journey, during="rejecting", code=type(failure).__name__)
        return Outcome(journey, "rejecting", str(failure), retry=True)
    return Outcome(journey, Step.REJECTED.value, str(error))


def rejected_journey_id(body: bytes) -> str:
    """Where the rejection of a message stands: under its trip id, if it has a well-formed one, else under its hash."""
    trip_id = trip_id_in(body)
    return rejections_of(trip_id or f"sha256:{hashlib.sha256(body).hexdigest()}")


def rejections_of(trip_id: str) -> str:
    """The journey under which messages of one trip id that can't be used are recorded."""
    return journey_id(trip_id, _NO_STYLE)


def _send(journey: str, message: Message, code: str, error: InvalidInput, services: Services) -> None:
    send_letter(journey, message, code, str(error), services)
    log("rejected", journey=journey, code=code, field=error.field, size_bytes=len(message.sent))


def send_letter(journey: str, message: Message, code: str, reason: str, services: Services) -> None:
    """Put a message into the dead-letter queue, with its bytes unless its owner has not agreed to any processing."""
    digest = hashlib.sha256(message.sent).hexdigest()
    body, key = "", ""
    if code != "no_consent":
        if len(message.sent) <= _INLINE_BYTES:
            body = base64.b64encode(message.sent).decode()
        else:
            key = f"dead-letters/{digest}"
            services.ledger.bucket.create(key, message.sent, "application/octet-stream")
    letter = DeadLetter(
        journey=journey,
        code=code,
        reason=reason,
        sha256=digest,
        size_bytes=len(message.sent),
        message_id=message.message_id,
        body_base64=body,
        object_key=key,
    )
    services.messages.send(services.settings.need("dead_letter_queue"), msgspec.json.encode(letter))


class _Identified(msgspec.Struct):
    trip_id: str = ""


def trip_id_in(body: bytes) -> str:
    """The trip id of a message that is otherwise unfit, if it has a well-formed one."""
    try:
        trip_id = msgspec.json.decode(body[: 8 * MAX_TRIP_BYTES], type=_Identified).trip_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return trip_id if TRIP_ID.fullmatch(trip_id) else ""
