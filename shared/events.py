"""Trigger envelopes of Function Compute, opened: bytes as a function receives them, to the messages inside.

Forms, all from Alibaba Cloud's documentation of the triggers:

* ``mns_topic``, format JSON: an object with ``TopicName``, ``MessageId`` and ``Message``
* ``mns_topic``, format STREAM: the body itself; with message attributes ``{"body": …, "attrs": {…}}``
* EventBridge with an SMQ queue: one CloudEvent or a list of them, ``data.messageBody`` holding the body; in the
  RawData form only the ``data`` objects
* a direct invoke: one object, or a list of objects
* a backfill's wrapping around one trip, wherever that travels: ``{"backfill": {"publish": false}, "trip": {…}}``

A body may be base64 (the SMQ SDK's default for queues). What fits no form is passed on as it is: the parser of the
content names what is wrong with it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Message:
    """One message out of an envelope.

    `sent` are the bytes as the sender published them (what a dead letter keeps), `body` the same without base64 and
    without a backfill's wrapping, `message_id` the queue's or topic's id ("" when there is none), `traceparent` the
    W3C header, if one travelled along, `direct` whether it came without an envelope, by a direct invoke, or in a
    backfill's wrapping. `draft` asks for no public post, whatever the owner agreed to.
    """

    sent: bytes
    body: bytes
    message_id: str = ""
    traceparent: str = ""
    direct: bool = False
    draft: bool = False


#: Most messages of one event, EventBridge's largest batch. A longer list is one message, which no parser takes.
MAX_MESSAGES = 10_000
#: A list of more commas than this is not opened: it would fill the instance's memory before it could be counted.
_MAX_COMMAS = 100 * MAX_MESSAGES

#: Longest id or trace header.
_MAX_TEXT_BYTES = 1000

_NONE = msgspec.Raw()


class _Members(msgspec.Struct):
    """The members by which envelopes are told apart, as they stand there; whatever else an object holds is skipped."""

    topic: msgspec.Raw = msgspec.field(default=_NONE, name="TopicName")
    message: msgspec.Raw = msgspec.field(default=_NONE, name="Message")
    message_id: msgspec.Raw = msgspec.field(default=_NONE, name="MessageId")
    traceparent: msgspec.Raw = _NONE
    body: msgspec.Raw = _NONE
    attrs: msgspec.Raw = _NONE
    data: msgspec.Raw = _NONE
    specversion: msgspec.Raw = _NONE
    id: msgspec.Raw = _NONE
    message_body: msgspec.Raw = msgspec.field(default=_NONE, name="messageBody")
    trip: msgspec.Raw = _NONE
    backfill: msgspec.Raw = _NONE
    queue_message_id: msgspec.Raw = msgspec.field(default=_NONE, name="messageId")


class _Backfill(msgspec.Struct):
    publish: bool = False


_any = msgspec.json.Decoder()
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_raw_object = msgspec.json.Decoder(_Members)
_backfill = msgspec.json.Decoder(_Backfill)
_OUTSIDE_TEXT = re.compile(rb'["\[\]{},]')
_INSIDE_TEXT = re.compile(rb'["\\]')


def messages_of(event: bytes) -> list[Message]:
    """Open one function event, into at most `MAX_MESSAGES`.

    Never raises: an event that fits no envelope is one message with the event's bytes.
    """
    elements = None
    if event.count(b",") <= _MAX_COMMAS:
        elements = _decoded(_raw_list, event)
        if elements is None:
            elements = _elements_of_a_broken_list(event)
    if elements is not None and len(elements) <= MAX_MESSAGES:
        return [unwrapped(_message(bytes(element))) for element in elements]
    return [unwrapped(_message(event))]


def wrapped(trip: bytes, *, publish: bool) -> bytes:
    """What a backfill sends for one trip message."""
    return b'{"backfill":{"publish":%s},"trip":%s}' % (b"true" if publish else b"false", trip)


def unwrapped(message: Message) -> Message:
    """A backfill's message without its wrapping; any other as it is."""
    if b'"backfill"' not in message.body:
        return message
    members: _Members = _decoded(_raw_object, message.body) or _Members()
    wish: _Backfill | None = _decoded(_backfill, bytes(members.backfill))
    if wish is None or not _there(members.trip):
        return message
    return replace(message, body=bytes(members.trip), direct=True, draft=not wish.publish)


def _message(element: bytes) -> Message:
    members: _Members | None = _decoded(_raw_object, element)
    if members is None:
        return Message(sent=element, body=_without_base64(element), direct=True)
    if _there(members.message) and _there(members.topic):
        return _carried(members.message, message_id=_text(members.message_id), traceparent=_text(members.traceparent))
    if _there(members.body) and _there(members.attrs):
        attributes: _Members = _decoded(_raw_object, bytes(members.attrs)) or _Members()
        return _carried(members.body, traceparent=_text(attributes.traceparent))
    if _there(members.data) and _there(members.specversion):
        content: _Members = _decoded(_raw_object, bytes(members.data)) or _Members()
        if _there(content.message_body):
            return _carried(content.message_body, message_id=_text(content.queue_message_id))
        return Message(sent=bytes(members.data), body=bytes(members.data), message_id=_text(members.id))
    if _there(members.message_body):
        return _carried(members.message_body, message_id=_text(members.queue_message_id))
    return Message(sent=element, body=element, direct=True)


def _carried(raw: msgspec.Raw, *, message_id: str = "", traceparent: str = "") -> Message:
    """The message inside an envelope: a JSON string is unquoted; EventBridge may already have expanded an object."""
    sent = bytes(raw)
    if sent.startswith(b'"'):
        text = _decoded(_any, sent)
        sent = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else sent
    return Message(sent=sent, body=_without_base64(sent), message_id=message_id, traceparent=traceparent)


def _without_base64(body: bytes) -> bytes:
    """Decode base64 when it hides JSON; JSON itself is never valid base64 because of its braces."""
    text = body.strip()
    if not text or text[:1] in b'{["' or len(text) % 4:
        return body
    try:
        decoded = base64.b64decode(text, validate=True)
    except binascii.Error:
        return body
    return decoded if decoded.lstrip()[:1] in (b"{", b"[") else body


def _elements_of_a_broken_list(event: bytes) -> list[bytes] | None:
    """The elements of a list that the parser refuses as a whole because of one of them; None for what is no list.

    A lone surrogate (``\\ud800``), a byte that is no UTF-8 or too deep a nesting in one element must not take the
    others with it. Only quotes, brackets and commas are looked at, without recursion and in linear time.
    """
    body = event.strip()
    elements: list[bytes] = []
    depth, start, at = 0, 1, 0
    while body[:1] == b"[" and (mark := _OUTSIDE_TEXT.search(body, at)):
        at = mark.end()
        if mark[0] == b'"':
            at = _end_of_text(body, at)
        elif mark[0] != b",":
            depth += 1 if mark[0] in b"[{" else -1
        elif depth == 1:
            elements.append(body[start : mark.start()].strip())
            start = at
        if depth == 0:
            break
    elements.append(body[start:-1].strip())
    return elements if depth == 0 and at == len(body) > 0 and all(elements) else None


def _end_of_text(body: bytes, at: int) -> int:
    """Where the text ends that begins at `at`, after its quote; the end of the body when it has no end."""
    while mark := _INSIDE_TEXT.search(body, at):
        at = mark.end()
        if mark[0] == b'"':
            return at
        at += 1
    return len(body)


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _there(member: msgspec.Raw) -> bool:
    return bool(bytes(member))


def _text(member: msgspec.Raw) -> str:
    """A short text; "" for everything else, and for a member that is not there."""
    raw = bytes(member)
    value = _decoded(_any, raw) if raw.startswith(b'"') and len(raw) <= _MAX_TEXT_BYTES else ""
    return value if isinstance(value, str) else ""
