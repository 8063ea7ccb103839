"""QwenPrompt and QwenJudge: what is asked, and how strictly the answer is read."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
import time
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.nodes.scripted import PICTURE, WRITE, Reply, Script, photo, png, refused
from workflows.custom_nodes.tripcanvas.errors import (
    ContentRefused,
    DeadlinePassed,
    NodeError,
    OutcomeUnknown,
    PictureRefused,
    RequestRefused,
)
from workflows.custom_nodes.tripcanvas.image_nodes import WanxPicture
from workflows.custom_nodes.tripcanvas.judge_node import QwenJudge
from workflows.custom_nodes.tripcanvas.text_nodes import QwenPrompt

SEE = "/api/v1/services/aigc/multimodal-generation/generation"


def said(text: object) -> Reply:
    return Reply({"output": {"choices": [{"finish_reason": "stop", "message": {"content": text}}]}})


def write(output: str = "text", deadline_s: int = 10) -> str:
    return QwenPrompt().write("写标题", "无锡到常州", "qwen3.7-plus", output, 0.3, deadline_s)[0]


def judge(image: np.ndarray | None = None) -> tuple[str, float, bool]:
    picture = np.zeros((2, 1500, 3000, 3), np.float32) if image is None else image
    return QwenJudge().judge(picture, "没有文字", "qwen3.7-plus", 10)


def test_a_text_is_asked_for_with_the_temperature(dashscope: Script) -> None:
    dashscope.on(WRITE, said(" 鼋头渚的春天\n"))
    assert write() == "鼋头渚的春天"
    (seen,) = dashscope.seen
    assert seen.body["parameters"] == {"result_format": "message", "enable_thinking": False, "temperature": 0.3}
    assert seen.body["input"]["messages"][0]["content"] == "写标题"


def test_json_is_asked_for_by_name_and_handed_on_compact(dashscope: Script) -> None:
    dashscope.on(WRITE, said('{\n "标题": "春",\n "tags": [1, 2]\n}'))
    assert json.loads(write("json")) == {"标题": "春", "tags": [1, 2]}
    (seen,) = dashscope.seen
    assert seen.body["parameters"]["response_format"] == {"type": "json_object"}
    assert "json" in str(seen.body["input"]["messages"]).lower()


@pytest.mark.parametrize(
    "text", ["不是", "[1]", '"a"', '{"a": 1', '{"a": NaN}', '{"a": 1, "a": 2}', "{} {}", "[" * 99999]
)
def test_what_is_not_one_json_object_is_refused(dashscope: Script, text: str) -> None:
    dashscope.on(WRITE, said(text))
    with pytest.raises(RequestRefused, match="不是 JSON 对象"):
        write("json")
    assert len(dashscope.seen) == 1


def test_an_empty_prompt_costs_nothing(dashscope: Script) -> None:
    with pytest.raises(RequestRefused, match="为空"):
        QwenPrompt().write("写", " ", "qwen3.7-plus", "text")
    with pytest.raises(RequestRefused, match="为空"):
        QwenJudge().judge(np.zeros((1, 8, 8, 3), np.float32), " ", "qwen3.7-plus")
    assert not dashscope.seen


def test_the_picture_is_sent_small_as_data_and_judged_at_temperature_zero(dashscope: Script) -> None:
    dashscope.on(SEE, said([{"text": '{"passes": true, "score": 7.5, "faults": [], "model_note": "x"}'}]))
    assert judge() == ('{"passes": true, "score": 7.5, "faults": []}', 7.5, True)
    (seen,) = dashscope.seen
    assert seen.body["parameters"] == {
        "response_format": {"type": "json_object"},
        "temperature": 0,
        "enable_thinking": False,
    }
    system, user = seen.body["input"]["messages"]
    assert "JSON" in system["content"][0]["text"]
    assert user["content"][1] == {"text": "没有文字"}
    head, _, content = user["content"][0]["image"].partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as sent:
        assert sent.size == (1024, 512)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"score": 5, "faults": []}, "passes"),
        ({"passes": "true", "score": 5, "faults": []}, "passes"),
        ({"passes": 1, "score": 5, "faults": []}, "passes"),
        ({"passes": True, "score": "5", "faults": []}, "score"),
        ({"passes": True, "score": True, "faults": []}, "score"),
        ({"passes": True, "score": 11, "faults": []}, "score"),
        ({"passes": True, "score": -1, "faults": []}, "score"),
        ({"passes": True, "score": 5}, "faults"),
        ({"passes": True, "score": 5, "faults": "无"}, "faults"),
        ({"passes": True, "score": 5, "faults": [3]}, "faults"),
        ([], "JSON"),
    ],
)
def test_a_verdict_of_another_form_is_refused(dashscope: Script, answer: Any, words: str) -> None:
    dashscope.on(SEE, said([{"text": json.dumps(answer)}]))
    with pytest.raises(RequestRefused, match=words):
        judge()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refused(400, "DataInspectionFailed"), ContentRefused),
        (Reply(drop=True), OutcomeUnknown),
        (said([]), RequestRefused),
        (said([{"image": "x"}]), RequestRefused),
    ],
)
def test_a_judge_that_fails_says_why_and_is_asked_once(dashscope: Script, reply: Reply, kind: type[NodeError]) -> None:
    dashscope.on(SEE, reply)
    with pytest.raises(kind):
        judge()
    assert len(dashscope.seen) == 1


class _Cancelled(BaseException):
    pass


def test_cancelling_works_while_the_model_is_writing(dashscope: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    model_management = ModuleType("comfy.model_management")
    asked_in: set[int] = set()

    def throw_exception_if_processing_interrupted() -> None:
        asked_in.add(threading.get_ident())
        if dashscope.seen:
            raise _Cancelled

    model_management.throw_exception_if_processing_interrupted = (  # type: ignore[attr-defined]
        throw_exception_if_processing_interrupted
    )
    monkeypatch.setitem(sys.modules, "comfy.model_management", model_management)
    dashscope.on(WRITE, Reply(after_s=2.0, drop=True))
    began = time.monotonic()
    with pytest.raises(_Cancelled):
        write()
    assert time.monotonic() - began < 1.5
    # ComfyUI's flag is put back by whoever finds it set: only the thread that runs the graph may look.
    assert asked_in == {threading.get_ident()}


def test_a_trickle_of_bytes_does_not_outlive_the_deadline(dashscope: Script) -> None:
    dashscope.on(WRITE, Reply({"output": {}, "padding": "x" * 100}, drip_s=0.05))
    began = time.monotonic()
    with pytest.raises((OutcomeUnknown, DeadlinePassed)):
        write(deadline_s=1)
    assert time.monotonic() - began < 1.6


def test_the_picture_of_an_address_is_fetched(dashscope: Script) -> None:
    dashscope.on(PICTURE, Reply(png(photo())))
    (image,) = WanxPicture().fetch(f" {dashscope.host}{PICTURE}\n")
    np.testing.assert_array_equal(np.round(np.asarray(image)[0] * 255), photo())


@pytest.mark.parametrize("address", ["", "http://169.254.169.254/", "file:///etc/passwd", "/etc/passwd", "oss://a/b"])
def test_no_other_address_is_fetched_by_the_node(dashscope: Script, address: str) -> None:
    with pytest.raises(PictureRefused):
        WanxPicture().fetch(address)
    assert not dashscope.seen
