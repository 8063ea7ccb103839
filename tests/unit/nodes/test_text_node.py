"""旅行文本生成: the painting prompt from qwen, and everything that can go wrong on the way."""

from __future__ import annotations

import pytest

from tests.unit.nodes.scripted import KEY, WRITE, Reply, Script, refused
from workflows.custom_nodes.tripcanvas.errors import (
    Busy,
    ContentRefused,
    NodeError,
    NotConfigured,
    OutcomeUnknown,
    RequestRefused,
)
from workflows.custom_nodes.tripcanvas.text_nodes import 旅行文本生成

TRIP = "- 途径城市:湖州市 无锡市 常州市\n- 起点天气:晴天"


def answered(text: str, finish_reason: str = "stop") -> Reply:
    choice = {"finish_reason": finish_reason, "message": {"role": "assistant", "content": text}}
    return Reply({"output": {"choices": [choice]}, "usage": {"input_tokens": 9, "output_tokens": 3}})


def write(deadline_s: int = 30) -> str:
    return 旅行文本生成().生成绘画提示词("写一段画面描述", TRIP, "qwen3.7-plus", deadline_s)[0]


def test_the_models_answer_is_the_painting_prompt(dashscope: Script) -> None:
    dashscope.on(WRITE, answered("  无锡鼋头渚，初夏的湖面，晴空。\n"))
    assert write() == "无锡鼋头渚，初夏的湖面，晴空。"
    (seen,) = dashscope.seen
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    assert seen.body == {
        "model": "qwen3.7-plus",
        "input": {
            "messages": [{"role": "system", "content": "写一段画面描述"}, {"role": "user", "content": TRIP}],
        },
        "parameters": {"result_format": "message", "enable_thinking": False},
    }


def test_throttling_and_a_dead_port_are_tried_again(dashscope: Script) -> None:
    dashscope.on(WRITE, refused(429, "Throttling.RateQuota"), answered("西湖"))
    assert write() == "西湖"
    assert len(dashscope.seen) == 2


def test_a_service_that_throttles_for_ever_ends_as_busy(dashscope: Script) -> None:
    dashscope.on(WRITE, refused(429, "Throttling.BurstRate"))
    with pytest.raises(Busy, match="限流"):
        write(deadline_s=1)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (refused(400, "DataInspectionFailed"), ContentRefused, "内容审查.*content check"),
        (refused(400, "data_inspection_failed"), ContentRefused, "DataInspectionFailed"),
        (Reply({"error": {"code": "invalid_api_key", "message": "…"}}, 401), NotConfigured, "DASHSCOPE_API_KEY"),
        (refused(400, "Arrearage"), NotConfigured, "欠费"),
        (refused(429, "PrepaidBillOverdue"), NotConfigured, "欠费"),
        (refused(404, "ModelNotFound"), NotConfigured, "没有这个模型"),
        (refused(403, "AccessDenied.Unpurchased"), NotConfigured, "无权"),
        (refused(400, "InvalidParameter"), RequestRefused, "参数"),
        (refused(500, "InternalError.Algo"), RequestRefused, "InternalError.Algo"),
        (Reply(b"<html>502</html>", 502), RequestRefused, "HTTP.502"),
        (Reply({"request_id": "r-4"}), RequestRefused, "没有返回文字"),
        (answered("   "), RequestRefused, "没有返回文字"),
        (answered("一半", "length"), RequestRefused, "截断"),
        (Reply(drop=True), OutcomeUnknown, "重复计费"),
        (Reply(status=307, headers={"Location": "http://127.0.0.1:9/"}), RequestRefused, "HTTP.307"),
    ],
)
def test_a_failure_is_told_in_both_languages_and_not_repeated(
    dashscope: Script, reply: Reply, kind: type[NodeError], words: str
) -> None:
    dashscope.on(WRITE, reply)
    with pytest.raises(kind, match=words) as caught:
        write()
    assert len(dashscope.seen) == 1
    assert KEY not in str(caught.value)
    assert "湖州" not in str(caught.value)


def test_the_servers_own_words_stay_out_of_the_message(dashscope: Script) -> None:
    dashscope.on(WRITE, refused(400, "InvalidParameter", f"bad text {TRIP} for key {KEY}"))
    with pytest.raises(RequestRefused) as caught:
        write()
    assert KEY not in str(caught.value)
    assert "湖州" not in str(caught.value)


def test_an_answer_that_does_not_come_ends_at_the_deadline_without_a_second_request(dashscope: Script) -> None:
    dashscope.on(WRITE, Reply(after_s=1.5, drop=True))
    with pytest.raises(OutcomeUnknown):
        write(deadline_s=1)
    assert len(dashscope.seen) == 1


@pytest.mark.parametrize("key", ["", "short", "sk-with a blank", "sk-0123456789\r\nX-Evil: 1"])
def test_a_missing_or_malformed_key_is_refused_before_anything_is_sent(
    dashscope: Script, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    with pytest.raises(NotConfigured, match="DASHSCOPE_API_KEY") as caught:
        write()
    assert not dashscope.seen
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://dashscope.aliyuncs.com/api/v1", "ftp://127.0.0.1/", "dashscope.aliyuncs.com"])
def test_the_key_is_never_sent_over_an_unencrypted_connection(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("TRIPCANVAS_DASHSCOPE_URL", url)
    with pytest.raises(NotConfigured, match="https"):
        write()


def test_an_empty_trip_is_refused_without_a_call(dashscope: Script) -> None:
    with pytest.raises(RequestRefused, match="行程资料为空"):
        旅行文本生成().生成绘画提示词("写", " \n")
    assert not dashscope.seen
