"""Our protobuf frames are the official client's frames, byte for meaning, in both directions."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.eas import codec

if TYPE_CHECKING:
    from types import ModuleType

# protobuf 3.20, which the official client needs, warns on every import with a current Python.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# protobuf 3.20 is pure Python, and slow, from Python 3.11 on.
RELAXED = settings(deadline=None, max_examples=50)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FRAMES = st.builds(
    codec.Frame,
    index=st.integers(0, 2**64 - 1),
    tags=st.dictionaries(TEXT, TEXT, max_size=4),
    data=st.binary(max_size=300),
    message=TEXT,
)


@pytest.fixture(scope="module")
def official() -> ModuleType:
    from eas_prediction.queue_types import queueservice_pb2

    return queueservice_pb2  # type: ignore[no-any-return]


def as_frame(proto: Any) -> codec.Frame:
    return codec.Frame(proto.index, dict(proto.tags), proto.data, proto.message)


@RELAXED
@given(FRAMES)
def test_the_official_decoder_reads_our_frame(official: ModuleType, frame: codec.Frame) -> None:
    assert as_frame(official.DataFrameProto.FromString(codec.encode_frame(frame))) == frame


@RELAXED
@given(FRAMES)
def test_our_decoder_reads_the_official_frame(official: ModuleType, frame: codec.Frame) -> None:
    proto = official.DataFrameProto(index=frame.index, tags=frame.tags, data=frame.data, message=frame.message)
    assert codec.decode_frame(proto.SerializeToString()) == frame


@RELAXED
@given(st.lists(FRAMES, max_size=4))
def test_the_official_decoder_reads_our_list(official: ModuleType, frames: list[codec.Frame]) -> None:
    decoded = official.DataFrameListProto.FromString(codec.encode_frames(frames))
    assert [as_frame(proto) for proto in decoded.index] == frames


@RELAXED
@given(st.dictionaries(TEXT, TEXT, max_size=6))
def test_the_official_decoder_reads_our_attributes(official: ModuleType, attributes: dict[str, str]) -> None:
    assert dict(official.AttributesProto.FromString(codec.encode_attributes(attributes)).attributes) == attributes


def test_a_field_from_a_later_version_of_the_message_is_passed_over() -> None:
    later = b"\x2a\x03new" + b"\x31" + bytes(8) + b"\x3d" + bytes(4)
    assert codec.decode_frame(b"\x08\x07" + later) == codec.Frame(7)


@pytest.mark.parametrize(
    "broken",
    [b"\x1a\x05abc", b"\x08" + b"\xff" * 11, b"\x08", b"\x0b", b"\x22\x01\xff", b"\x12\x03\x0a\x01\xff"],
    ids=["shorter than it says", "endless varint", "no value", "a group", "message not UTF-8", "tag not UTF-8"],
)
def test_bytes_that_are_no_frame_are_refused(broken: bytes) -> None:
    with pytest.raises(codec.FrameError):
        codec.decode_frame(broken)


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused_in_a_named_way(noise: bytes) -> None:
    with contextlib.suppress(codec.FrameError):
        codec.decode_frame(noise)


def test_the_json_form_carries_the_body_in_base64_and_tags_as_they_are() -> None:
    body = "水彩画:从上海到湖州".encode()
    decoded = json.loads(codec.encode_frames_json([codec.Frame(42, {"city": "湖州市"}, body)]))
    assert decoded == [{"index": 42, "tags": {"city": "湖州市"}, "data": base64.b64encode(body).decode()}]
