"""Trigger envelopes of Function Compute, opened: bytes as a function receives them, to the messages inside.

Forms, all from Alibaba Cloud's documentation of the triggers:

* ``mns_topic``, format JSON: an object with ``TopicName``, ``MessageId`` and ``Message``
* ``mns_topic``, format STREAM: the body itself; with message attributes ``{"body": …, "attrs": {…}}``
* EventBridge with an SMQ queue: one CloudEvent or a list of them, ``data.messageBody`` holding the body; in the
  RawData form only the ``data`` objects
* a direct invoke: one object, or a list of objects

A body may be base64 (the SMQ SDK's default for queues). What fits no form is passed on as it is: the parser of the
content names what is wrong with it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Message:
    """One message out of an envelope.

    `sent` are the bytes as the sender published them (what a dead letter keeps), `body` the same without base64,
    `message_id` the queue's or topic's id ("" when there is none), `traceparent` the W3C header, if one travelled
    along, `direct` whether it came without an envelope: by a direct invoke, as a backfill sends it.
    """

    sent: bytes
    body: bytes
    message_id: str = ""
    traceparent: str = ""
    direct: bool = False


_Members = dict[str, msgspec.Raw]
_any = msgspec.json.Decoder()
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_raw_object = msgspec.json.Decoder(_Members)


def messages_of(event: bytes) -> list[Message]:
    """Open one function event. Never raises: an event that fits no envelope is one message with the event's bytes."""
    elements = _decoded(_raw_list, event)
    if elements is not None:
        return [_message(bytes(element)) for element in elements]
    return [_message(event)]


def _message(element: bytes) -> Message:
    members: _Members | None = _decoded(_raw_object, element)
    if members is None:
        return Message(sent=element, body=_without_base64(element), direct=True)
    if "Message" in members and "TopicName" in members:
        return _carried(
            members["Message"], message_id=_text(members, "MessageId"), traceparent=_text(members, "traceparent")
        )
    if "body" in members and "attrs" in members:
        attributes: _Members = _decoded(_raw_object, bytes(members["attrs"])) or {}
        return _carried(members["body"], traceparent=_text(attributes, "traceparent"))
    if "data" in members and "specversion" in members:
        content: _Members = _decoded(_raw_object, bytes(members["data"])) or {}
        if "messageBody" in content:
            return _carried(content["messageBody"], message_id=_text(content, "messageId"))
        return Message(sent=bytes(members["data"]), body=bytes(members["data"]), message_id=_text(members, "id"))
    if "messageBody" in members:
        return _carried(members["messageBody"], message_id=_text(members, "messageId"))
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


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _text(members: _Members, name: str) -> str:
    if name not in members:
        return ""
    value = _decoded(_any, bytes(members[name]))
    return value if isinstance(value, str) else ""
