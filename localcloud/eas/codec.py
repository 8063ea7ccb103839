"""The bodies on the queue service's wire: protobuf frames, attribute maps and their JSON forms.

The messages, as the public SDKs define them::

    DataFrameProto     { uint64 index = 1; map<string, string> tags = 2; bytes data = 3; string message = 4; }
    DataFrameListProto { repeated DataFrameProto index = 1; }
    AttributesProto    { map<string, string> attributes = 1; }

Written by hand because these three messages need two of protobuf's wire types, and the package `protobuf` is pinned
to an old release by the official client.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PROTOBUF = "application/vnd.google.protobuf"
JSON = "application/json"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


class FrameError(ValueError):
    """The bytes are not the protobuf message they should be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One record as clients see it. `message` is empty in everything the service sends."""

    index: int
    tags: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    message: str = ""


def encode_frame(frame: Frame) -> bytes:
    """A DataFrameProto. Fields that hold their default are left out, as proto3 asks."""
    parts = [b"\x08" + _varint(frame.index)] if frame.index else []
    parts += [_map_entry(2, key, value) for key, value in frame.tags.items()]
    if frame.data:
        parts.append(_delimited(3, frame.data))
    if frame.message:
        parts.append(_delimited(4, frame.message.encode()))
    return b"".join(parts)


def decode_frame(encoded: bytes) -> Frame:
    """Read a DataFrameProto; unknown fields are skipped. Raises `FrameError`."""
    index, tags, body, message = 0, {}, b"", ""
    for number, value in _fields(encoded):
        if number == 1 and isinstance(value, int):
            index = value
        elif number == 2 and isinstance(value, bytes):
            key, text = _read_map_entry(value)
            tags[key] = text
        elif number == 3 and isinstance(value, bytes):
            body = value
        elif number == 4 and isinstance(value, bytes):
            message = _text(value)
    return Frame(index, tags, body, message)


def encode_frames(frames: Iterable[Frame]) -> bytes:
    """A DataFrameListProto; no frames give no bytes."""
    return b"".join(_delimited(1, encode_frame(frame)) for frame in frames)


def encode_attributes(attributes: Mapping[str, str]) -> bytes:
    """An AttributesProto."""
    return b"".join(_map_entry(1, key, value) for key, value in attributes.items())


def encode_frames_json(frames: Iterable[Frame]) -> bytes:
    """The JSON form of a list of frames: ``[{"index": 42, "tags": {…}, "data": "<base64>"}]``."""
    return json.dumps(
        [
            {
                "index": frame.index,
                "tags": dict(frame.tags),
                "data": base64.b64encode(frame.data).decode("ascii"),
                **({"message": frame.message} if frame.message else {}),
            }
            for frame in frames
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def length_delimited(encoded: bytes) -> bytes:
    """One message of the plain-HTTP watch: its length as a big-endian uint32, then the message."""
    return len(encoded).to_bytes(4, "big") + encoded


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _delimited(number: int, body: bytes) -> bytes:
    return bytes((number << 3 | _BYTES,)) + _varint(len(body)) + body


def _map_entry(number: int, key: str, value: str) -> bytes:
    return _delimited(number, _delimited(1, key.encode()) + _delimited(2, value.encode()))


def _read_map_entry(encoded: bytes) -> tuple[str, str]:
    parts = {1: "", 2: ""}
    for number, value in _fields(encoded):
        if number in parts and isinstance(value, bytes):
            parts[number] = _text(value)
    return parts[1], parts[2]


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        raise FrameError("a string field is not UTF-8") from None


def _fields(encoded: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Every field of a message as (number, value): int for varints, bytes for everything else."""
    at = 0
    while at < len(encoded):
        key, at = _read_varint(encoded, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = _read_varint(encoded, at)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, at = _read_varint(encoded, at)
        elif wire_type == _FIXED64:
            length = 8
        elif wire_type == _FIXED32:
            length = 4
        else:
            raise FrameError(f"wire type {wire_type} is not used by proto3")
        if at + length > len(encoded):
            raise FrameError("a field is longer than its message")
        yield number, encoded[at : at + length]
        at += length


def _read_varint(encoded: bytes, at: int) -> tuple[int, int]:
    number = 0
    for position, byte in enumerate(encoded[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            return number, at + position + 1
    raise FrameError("a varint does not end")
