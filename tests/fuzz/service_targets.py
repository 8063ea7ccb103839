"""The clients of the services, each fed with answers: whatever a service says ends in a value or a right error."""

from __future__ import annotations

import contextlib
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import requests

from shared.clouds.comfyui_server import open_comfyui_server
from shared.clouds.image_queue import EasQueue, open_image_queue
from shared.clouds.llm import TextModel
from shared.clouds.moderation import LEVELS, Moderation, open_moderation
from shared.clouds.objects import Bucket, open_bucket
from shared.composing import Composition, compose
from shared.errors import Misconfigured, ServiceError
from shared.feed import Feed, Post, PostStyle, open_feed
from shared.prompts import Brief
from shared.results import Files, read_answer
from shared.settings import Credentials
from tests.fuzz import seeds
from tests.fuzz.targets import Target, tells_nothing
from tests.fuzz.transport import Reply, answering, odd_reply
from workflows.custom_nodes.tripcanvas import dashscope_client
from workflows.custom_nodes.tripcanvas.dashscope_client import DashScope, PictureOrder
from workflows.custom_nodes.tripcanvas.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BASE = "http://127.0.0.1:7713"
_ANSWERS_OF_A_SERVICE = (ServiceError, Misconfigured)
_POST = Post(
    journey_id=seeds.TASK[:-2], visibility="draft", style=PostStyle("watercolour", "水彩", "Watercolour"),
    title="t", caption="c", tags=(), alt_text="a", language="zh", cities=(), date=None, distance_km=None, images=(),
)  # fmt: skip
_ORDER = PictureOrder("a lake", "", "wan2.2-t2i-flash", "768*960", 7, prompt_extend=False)
_SYNCHRONOUS_ORDER = PictureOrder("a lake", "", "z-image-turbo", "768*960", 7, prompt_extend=False)


def eas_answer(case: bytes, choices: Random) -> str:
    """The EAS queue: records that a topic message can be made of, an index, a yes or a no."""
    from shared.relay import _body

    queue = _queue()
    call = choices.randrange(4)
    with _answered(odd_reply(case, choices)):
        try:
            if call == 0:
                index, request_id = queue.put(b"{}", task_id=seeds.TASK)
                assert index >= 0
                assert len(request_id) <= 200
                return "index"
            if call == 1:
                return f"found {queue.find(seeds.TASK)}"
            records = queue.poll_sink(wait_s=0, length=16)
        except _ANSWERS_OF_A_SERVICE as error:
            return tells_nothing(error)
    for record in records:
        assert len(_body(record)) <= 64 * 1024
    return "records" if records else "no records"


def comfyui_answer(case: bytes, choices: Random) -> str:
    """One ComfyUI server: records that a topic message can be made of and that tell no text, a place, or a yes or a no."""
    from shared.relay import _body

    server = open_comfyui_server(_BASE, "svc", "token")
    call = choices.randrange(5)
    with _answered(odd_reply(case, choices)):
        try:
            if call == 0:
                index, request_id = server.put(b"{}", task_id=seeds.TASK)
                assert index >= 1
                return f"index {len(request_id)}"
            if call == 1:
                return f"found {server.find(seeds.TASK) is None}"
            if call == 2:
                return f"load {server.load().unread_limit}"
            records = server.poll_sink(wait_s=0, length=16)
        except _ANSWERS_OF_A_SERVICE as error:
            return tells_nothing(error)
    for record in records:
        assert len(_body(record)) <= 64 * 1024
        reading = read_answer(record, "9")
        assert isinstance(reading, Files) or seeds.MARKER not in reading.reason
    return "records" if records else "no records"


@cache
def _queue() -> EasQueue:
    return open_image_queue(_BASE, "svc", "token")


def chat_answer(case: bytes, choices: Random) -> str:
    """The text model, through the SDK: a brief in the end, by the template when the answers are no use."""
    with _answered(odd_reply(case, choices)):
        composition = compose(seeds.FACTS, seeds.STYLE, 7, _model(), name_places=choices.random() < 0.5)
    assert isinstance(composition, Composition)
    assert isinstance(composition.brief, Brief)
    assert 0 <= composition.input_tokens < 2**63
    assert 0 <= composition.output_tokens < 2**63
    tells_nothing(composition.fallback)
    return "template" if composition.fallback else "written"


@cache
def _model() -> TextModel:
    return TextModel(f"{_BASE}/api/v1", "sk-0123456789abcdef", "qwen3.7-plus", 5.0)


def feed_answer(case: bytes, choices: Random) -> str:
    """The feed: a receipt, none, or an error."""
    with _answered(odd_reply(case, choices)):
        try:
            receipt = (
                _feed().find(_POST.journey_id)
                if choices.random() < 0.5
                else _feed().publish(_POST, "2024-05-05T00:00:00Z")
            )
        except _ANSWERS_OF_A_SERVICE as error:
            return tells_nothing(error)
    if receipt is None:
        return "none"
    assert 0 < len(receipt.post_id) <= 200
    assert len(receipt.url) <= 2000
    return "receipt"


@cache
def _feed() -> Feed:
    return open_feed(f"{_BASE}/api/posts", "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def oss_answer(case: bytes, choices: Random) -> str:
    """OSS: keys, an object within its limit, an end of the call, or an error; a listing always comes to its end."""
    reply = odd_reply(case, choices, "application/xml")
    asked = 0

    def answer(_: requests.PreparedRequest) -> Reply:
        nonlocal asked
        asked += 1
        # A redirect to itself is followed thirty times in each of four attempts.
        assert asked < 200, "a listing without end"
        return reply

    call = choices.randrange(5)
    with answering(answer):
        try:
            match call:
                case 0 | 1:
                    keys = list(_bucket().keys("journeys/", limit=50))
                    assert all(isinstance(key, str) for key in keys)
                    return "keys"
                case 2:
                    assert len(_bucket().get("k", max_bytes=10_000)) <= 10_000
                    return "object"
                case 3:
                    return f"created {_bucket().create('k', b'{}', 'application/json')}"
                case _:
                    _bucket().delete("k")
                    return "deleted"
        except _ANSWERS_OF_A_SERVICE as error:
            return tells_nothing(error)


@cache
def _bucket() -> Bucket:
    return open_bucket("http://oss-cn-shanghai.aliyuncs.com", "cn-shanghai", "ledger", Credentials("LTAI", "secret"))


def node_answer(case: bytes, choices: Random) -> str:
    """The nodes in ComfyUI: a text, a judgement, a place, an address, a picture's bytes, or a `NodeError`."""
    first, end = odd_reply(case, choices), Reply(200, b'{"output": {"task_status": "FAILED", "code": "InternalError"}}')
    replies = iter((first,))
    with answering(lambda _: next(replies, end)), no_waiting():
        # A deadline that is shorter than any pause: a refused order is not tried again.
        client = DashScope(f"{_BASE}/api/v1", "sk-0123456789abcdef", 0.1)
        try:
            match choices.randrange(6):
                case 0:
                    return client.write("qwen3.7-plus", "s", "u") and "text"
                case 1:
                    return client.judge("qwen3.7-plus", "s", "r", "data:image/png;base64,AA==") and "judgement"
                case 2:
                    return client.upload("wanx-background-generation-v2", b"png") and "place"
                case 3:
                    url = client.paint(_ORDER, lambda state: None)
                case 4:
                    url = client.paint(_SYNCHRONOUS_ORDER, lambda state: None)
                case _:
                    url = client.picture_url("task-1", lambda state: None)
            assert len(client.download(url)) <= 32 * 1024 * 1024
        except NodeError as error:
            return tells_nothing(error)
    return "picture"


def green_answer(case: bytes, choices: Random) -> str:
    """Moderation: a level of each service that was asked, or an error; never a level that nobody has said."""
    green = _green()
    green._place = None
    first, rest = odd_reply(case, choices), odd_reply(choices.choice(seeds.GREEN_ANSWERS), choices)
    replies = iter((first,))
    with answering(lambda _: next(replies, rest)):
        try:
            if choices.random() < 0.5:
                found = (green.text("llm_query_moderation", "words", "j"),)
            else:
                found = green.picture(("aigcCheck", "baselineCheck"), b"JPEG", "j")
        except _ANSWERS_OF_A_SERVICE as error:
            return tells_nothing(error)
    assert all(each.level in LEVELS for each in found)
    assert all(len(label) <= 64 and seeds.MARKER not in label for each in found for label in each.labels)
    return "levels"


@cache
def _green() -> Moderation:
    return open_moderation("http://green-cip.cn-shanghai.aliyuncs.com", "cn-shanghai", Credentials("LTAI", "secret"))


@contextlib.contextmanager
def no_waiting() -> Iterator[None]:
    """Poll a picture's task at once."""
    pause, dashscope_client.pause = dashscope_client.pause, lambda seconds: None
    try:
        yield
    finally:
        dashscope_client.pause = pause


def _answered(reply: Reply) -> contextlib.AbstractContextManager[None]:
    return answering(lambda _: reply)


SERVICES = (
    Target("eas_answer", seeds.EAS_ANSWERS, eas_answer, 6),
    Target("comfyui_answer", seeds.COMFYUI_ANSWERS, comfyui_answer, 6),
    Target("chat_answer", seeds.CHAT_ANSWERS, chat_answer, 5),
    Target("green_answer", seeds.GREEN_ANSWERS, green_answer, 3),
    Target("feed_answer", seeds.FEED_ANSWERS, feed_answer, 4),
    Target("oss_answer", seeds.OSS_ANSWERS, oss_answer, 3),
    Target("node_answer", seeds.NODE_ANSWERS, node_answer, 5),
)
