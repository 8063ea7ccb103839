"""What lies in the dead-letter queue, read. Pure: bodies of queue messages in, `Letter` out.

Three shapes come together in that queue:

* a message that `trip_completed` can't use: `shared.rejection.DeadLetter`, with the bytes as they were sent
* an asynchronous invocation that used up its retries: the record that Function Compute sends to the destination
  ``onFailure`` (its document "Result callback"), with the whole event in ``requestPayload``
* a bare message: what a topic could not deliver to a subscription that has this queue for its dead letters

Anything else is shown as `Origin.UNKNOWN`: a person can look at it and discard it. Redriving is always the same:
the messages are published again to the topic that their function listens to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import msgspec

from shared.clouds.messages import MAX_BODY_BYTES, QueuedMessage
from shared.errors import InvalidInput
from shared.events import Message, messages_of
from shared.facts import facts_of
from shared.journey import journey_id, parse_task_id
from shared.rejection import DeadLetter, trip_id_in
from shared.results import SinkRecord
from shared.styles import Style, choose_style
from shared.trips import parse_trip

#: Settings that name the topics, by the end of the names of the functions that listen to them (see `s.yaml`).
_TOPICS = {"trip-completed": "trip_topic", "backfill-trips": "trip_topic", "image-ready": "result_topic"}
#: Where `shared.rejection` keeps bytes that are too large for a queue; nothing else in the bucket is a letter's.
_OBJECTS = "dead-letters/"


class Origin(str, Enum):
    """What a letter was before."""

    REJECTED = "rejected"
    INVOCATION = "invocation"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"


class Hopeless(Exception):
    """Redriving a letter can't help; the text says why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    `id` is eight hex digits, the same as long as the letter lies in the queue. `function` is the one that failed, if
    that is known; `topic` the setting that names the topic it listens to ("" for none). `journeys` are those the
    letter speaks of. `size_bytes` and `sha256` are the original's. The original itself is `content`, or lies in the
    ledger's bucket under `object_key`, or is not kept at all (see `absence`). `sent_as` is the message id or request id
    under which it came first.
    """

    id: str
    origin: Origin
    code: str
    reason: str
    size_bytes: int
    sha256: str
    enqueued_at: datetime
    function: str = ""
    topic: str = ""
    journeys: tuple[str, ...] = ()
    sent_as: str = ""
    content: bytes | None = field(default=None, repr=False)
    object_key: str = ""

    @property
    def absence(self) -> str:
        """Why there are no original bytes; empty when there are."""
        if self.content is not None or self.object_key:
            return ""
        why = "its owner has not agreed to any processing" if self.code == "no_consent" else "the letter has none"
        return f"no bytes were kept: {why}"

    def holds(self, content: bytes) -> bool:
        """Whether these are the original's bytes."""
        return hashlib.sha256(content).hexdigest() == self.sha256


def letter_id(message_id: str) -> str:
    """The id under which people call a letter: short, and the same each time the message is received."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:8]


def read_letter(message: QueuedMessage, styles: dict[str, Style]) -> Letter:
    """Read any message of the dead-letter queue. Never raises; `styles` are those a trip may name."""
    return _rejected(message) or _invocation(message, styles) or _bare(message, styles)


def check_redrive(letter: Letter, styles: dict[str, Style]) -> None:
    """Raise `Hopeless` when it is known, without the letter's bytes if need be, that redriving can't help."""
    if letter.absence:
        raise Hopeless(letter.absence)
    if letter.code == "conflict":
        raise Hopeless("it would conflict again: the trip's first message stands")
    if not letter.topic:
        raise Hopeless("it is nothing that a function of this product takes")
    if letter.content is not None:
        publications(letter, letter.content, styles)


def publications(letter: Letter, content: bytes, styles: dict[str, Style]) -> list[bytes]:
    """The messages to publish to the letter's topic. Raises `Hopeless`."""
    bodies = [content] if letter.origin is Origin.REJECTED else [message.sent for message in messages_of(content)]
    for body in bodies:
        if not 0 < len(body) <= MAX_BODY_BYTES:
            raise Hopeless(f"a topic carries 1 to {MAX_BODY_BYTES} bytes, this has {len(body)}; invoke the function")
        if not _is_text(body):
            raise Hopeless("a topic carries text in UTF-8 only; invoke the function")
    if letter.origin is Origin.REJECTED:
        try:
            _journeys_of_trip(as_received(content), styles)
        except InvalidInput as error:
            raise Hopeless(f"it would be rejected again: {error}") from None
    return bodies


def is_about(letter: Letter, content: bytes, trip_id: str, journeys: Collection[str]) -> bool:
    """Whether a letter, or anything in its original bytes, is of this trip or of one of these journeys."""
    return not set(journeys).isdisjoint(letter.journeys) or mentions(content, trip_id)


def mentions(content: bytes, trip_id: str) -> bool:
    """Whether any message in these bytes is of this trip, also one that no parser takes."""
    return any(_is_of(message, trip_id) for message in messages_of(content))


def others(letter: Letter, content: bytes, trip_id: str) -> list[Message]:
    """The messages of other trips in a letter that is about this trip: one event may have carried many."""
    if letter.origin is not Origin.INVOCATION or letter.topic != _TOPICS["trip-completed"]:
        return []
    return [message for message in messages_of(content) if not _is_of(message, trip_id)]


def _is_of(message: Message, trip_id: str) -> bool:
    named = re.compile(rb'"trip_id"\s*:\s*"' + re.escape(trip_id.encode()) + rb'"')
    return trip_id_in(message.body) == trip_id or bool(named.search(message.body) or named.search(message.sent))


def journeys_of(topic: str, body: bytes, styles: dict[str, Style]) -> tuple[str, ...]:
    """The journeys that a message of a topic speaks of; none when it can't be used."""
    try:
        if topic == "trip_topic":
            return _journeys_of_trip(body, styles)
        return (parse_task_id(msgspec.json.decode(body, type=SinkRecord).task_id)[0],)
    except (InvalidInput, msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return ()


def _journeys_of_trip(body: bytes, styles: dict[str, Style]) -> tuple[str, ...]:
    """As `shared.intake` will open them. Raises `InvalidInput` where that would reject the trip."""
    trip = parse_trip(body)
    if not trip.consent.process:
        raise InvalidInput("consent.process", "true; without it nothing is processed")
    for number, style in enumerate(trip.styles):
        if style not in styles:
            raise InvalidInput(f"styles[{number}]", f"one of {', '.join(sorted(styles))}")
    chosen = trip.styles or (choose_style(facts_of(trip), styles).id,)
    return tuple(journey_id(trip.trip_id, style) for style in dict.fromkeys(chosen))


def _rejected(message: QueuedMessage) -> Letter | None:
    try:
        letter = msgspec.json.decode(message.body, type=DeadLetter)
        content = base64.b64decode(letter.body_base64, validate=True) if letter.body_base64 else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error):
        return None
    if letter.object_key and not letter.object_key.startswith(_OBJECTS):
        return None
    return Letter(
        id=letter_id(message.id),
        origin=Origin.REJECTED,
        code=_line(letter.code),
        reason=_line(letter.reason),
        size_bytes=letter.size_bytes,
        sha256=_line(letter.sha256),
        enqueued_at=message.enqueued_at,
        function="trip-completed",
        topic=_TOPICS["trip-completed"],
        journeys=(_line(letter.journey),) if letter.journey else (),
        sent_as=_line(letter.message_id),
        content=content,
        object_key=letter.object_key,
    )


class _RequestContext(msgspec.Struct, frozen=True, rename="camel"):
    function_arn: str
    condition: str = ""
    request_id: str = ""


class _FailedInvocation(msgspec.Struct, frozen=True, rename="camel"):
    request_context: _RequestContext
    request_payload: str
    response_payload: msgspec.Raw = msgspec.Raw(b'""')


class _Failure(msgspec.Struct, frozen=True, rename="camel"):
    error_type: str = ""
    error_message: str = ""
    stack_trace: msgspec.Raw = msgspec.Raw()


def _invocation(message: QueuedMessage, styles: dict[str, Style]) -> Letter | None:
    try:
        failed = msgspec.json.decode(message.body, type=_FailedInvocation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    function = failed.request_context.function_arn.rpartition("functions/")[2]
    function = function.partition("/")[0].partition("$")[0]
    topic = next((topic for end, topic in _TOPICS.items() if function.endswith(end)), "")
    content = failed.request_payload.encode("utf-8", "surrogatepass")
    found = [journey for part in messages_of(content) for journey in journeys_of(topic, part.body, styles)]
    return Letter(
        id=letter_id(message.id),
        origin=Origin.INVOCATION,
        code=_line(failed.request_context.condition) or "failed",
        reason=_line(_reason(failed.response_payload)),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        enqueued_at=message.enqueued_at,
        function=_line(function),
        topic=topic,
        journeys=tuple(dict.fromkeys(found)),
        sent_as=_line(failed.request_context.request_id),
        content=content,
    )


def _reason(payload: msgspec.Raw) -> str:
    """Why the function failed. An unforeseen exception may quote the trip: of that only the type is told."""
    try:
        text = msgspec.json.decode(payload)
        failure = msgspec.json.decode(text if isinstance(text, str) else payload, type=_Failure)
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError):
        return ""
    # What the platform itself says of an instance (timed out, out of memory) comes without a stack.
    if failure.error_type == "DeliverAgain" or not bytes(failure.stack_trace):
        return ": ".join(filter(None, (failure.error_type, failure.error_message)))
    return failure.error_type


def _bare(message: QueuedMessage, styles: dict[str, Style]) -> Letter:
    bodies = messages_of(message.body)
    journeys: tuple[str, ...] = ()
    topic = ""
    if len(bodies) == 1:
        for name in _TOPICS.values():
            journeys = journeys_of(name, bodies[0].body, styles)
            if journeys:
                topic = name
                break
    return Letter(
        id=letter_id(message.id),
        origin=Origin.UNDELIVERED if topic else Origin.UNKNOWN,
        code="undelivered" if topic else "unknown",
        reason="a topic could not deliver it" if topic else "no form of a dead letter that is known here",
        size_bytes=len(message.body),
        sha256=hashlib.sha256(message.body).hexdigest(),
        enqueued_at=message.enqueued_at,
        topic=topic,
        journeys=journeys,
        content=message.body,
    )


def as_received(body: bytes) -> bytes:
    """What a function reads of a message that was published with this body."""
    [message] = messages_of(msgspec.json.encode({"TopicName": "", "Message": body.decode("utf-8")}))
    return message.body


def _line(text: str) -> str:
    """Text that whoever may write to the queue chose, fit for a terminal: one line, no control characters."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)[:1000]


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
