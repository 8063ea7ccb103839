"""Memory is bounded by what arrived, and by a limit where what arrives can be unpacked to a thousand times as much."""

from __future__ import annotations

import gzip
import tracemalloc
from random import Random

import pytest

from shared.clouds.image_queue import open_image_queue
from shared.clouds.llm import TextModel
from shared.errors import OutcomeUnknown
from shared.feed import open_feed
from tests.fuzz import driver
from tests.fuzz.service_targets import no_waiting
from tests.fuzz.targets import PURE
from tests.fuzz.transport import Reply, answering
from workflows.custom_nodes.tripcanvas.dashscope_client import DashScope
from workflows.custom_nodes.tripcanvas.errors import NodeError

#: As much as a function is ever handed in a test; the largest synchronous event has 32 MB and the same ratio.
_BYTES = 600_000
_RATIO, _FLOOR_BYTES = 40, 8 << 20
_LARGE = {
    "list of numbers": b"[" + b"0," * (_BYTES // 2) + b"0]",
    "list of objects": b"[" + b"{}," * (_BYTES // 3) + b"{}]",
    "list of texts": b"[" + b'"a",' * (_BYTES // 4) + b'""]',
    "object of many members": b"{" + b",".join(b'"%d":0' % n for n in range(_BYTES // 9)) + b"}",
    "nested": b"[" * (_BYTES // 2) + b"]" * (_BYTES // 2),
    "one text": b'{"text": "' + b"x" * _BYTES + b'"}',
    "not JSON": b"\xff" * _BYTES,
    "base64": b"ICAg" * (_BYTES // 4),
    "members that are looked at": b'{"data":[' + b"0," * (_BYTES // 2) + b'0],"specversion":"1.0"}',
}
_PACKED = b"".join(gzip.compress(bytes(10_000_000), 9) for _ in range(1)) * 100


@pytest.mark.parametrize("large", _LARGE, ids=str)
@pytest.mark.parametrize("target", [target for target in PURE if target.name != "owners_words"], ids=lambda t: t.name)
def test_large_input_takes_memory_in_proportion(target, large):
    case = _LARGE[large]
    assert peak_bytes_of(lambda: target.check(case, Random(1))) < _RATIO * len(case) + _FLOOR_BYTES


def _eas():
    open_image_queue("http://127.0.0.1:1", "svc", "token").poll_sink(wait_s=0, length=16)


def _chat():
    TextModel("http://127.0.0.1:1/api/v1", "sk-0123456789abcdef", "m", 5.0).ask([{"role": "user", "content": "x"}])


def _feed():
    open_feed("http://127.0.0.1:1/api/posts", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").find("j")


def _node():
    DashScope("http://127.0.0.1:7713/api/v1", "sk-0123456789abcdef", 5).write("m", "s", "u")


@pytest.mark.parametrize("ask", [_eas, _chat, _feed, _node])
def test_a_packed_answer_is_unpacked_up_to_a_limit(ask):
    """A gigabyte in a megabyte."""
    reply = Reply(200, _PACKED, {"Content-Type": "application/json", "Content-Encoding": "gzip"})

    def refused() -> None:
        with pytest.raises((OutcomeUnknown, NodeError)):
            ask()

    with answering(lambda _: reply), driver.no_pauses(), no_waiting():
        assert peak_bytes_of(refused) < 200 << 20


def peak_bytes_of(call) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_measure_sees_a_gigabyte():
    """The limit above is one that can be passed."""
    assert len(_PACKED) < 2_000_000
    assert peak_bytes_of(lambda: bytes(300 << 20)) > 200 << 20
