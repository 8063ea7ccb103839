"""DashScope's text models by the official SDK: what each answer means, and that no billed answer is asked for twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.clouds.llm import Answer, TextModel
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, GARBAGE, HTML, PATIENCE_S, SILENT, Reply

KEY = "sk-0f3b5a7c9e1d"
MODEL = "qwen3.7-plus"
MESSAGES = [{"role": "system", "content": "只回答 JSON"}, {"role": "user", "content": "新司机的五一出游!"}]


def at(url: str, patience_s: float = PATIENCE_S) -> TextModel:
    return TextModel(f"{url}/api/v1", KEY, MODEL, patience_s)


@pytest.fixture
def model(service) -> TextModel:
    return at(service.url)


def answered(content: Any = '{"title":"雨中西湖"}', *, reason: str = "stop", **more: Any) -> Reply:
    body = {
        "output": {"choices": [{"finish_reason": reason, "message": {"role": "assistant", "content": content}}]},
        "usage": {"input_tokens": 812, "output_tokens": 240, "total_tokens": 1052},
        "request_id": "r-1",
        **more,
    }
    return says(body)


def says(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"})


def refusal(status: int, code: str) -> Reply:
    return says({"code": code, "message": "模型说:不", "request_id": "r-9"}, status)


def test_one_question_is_one_request_for_one_json_object(model, service):
    service.answers(answered())
    assert model.ask(MESSAGES, max_tokens=900) == Answer('{"title":"雨中西湖"}', MODEL, 812, 240)
    [seen] = service.seen
    assert (seen.method, seen.path) == ("POST", "/api/v1/services/aigc/text-generation/generation")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    asked = seen.json()
    assert (asked["model"], asked["input"]["messages"]) == (MODEL, MESSAGES)
    assert asked["parameters"] == {
        "result_format": "message",
        "response_format": {"type": "json_object"},
        "enable_thinking": False,
        "max_tokens": 900,
    }


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None}, {"input_tokens": "许多"}])
def test_an_answer_without_usage_counts_no_tokens(model, service, usage):
    service.answers(answered(usage=usage))
    answer = model.ask(MESSAGES)
    assert (answer.input_tokens, answer.output_tokens) == (0, 0)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "InvalidApiKey", Misconfigured),
        (401, "invalid_api_key", Misconfigured),
        (403, "AccessDenied", Misconfigured),
        (403, "AccessDenied.Unpurchased", Misconfigured),
        (403, "Model.AccessDenied", Misconfigured),
        (403, "AllocationQuota.FreeTierOnly", Misconfigured),
        (404, "ModelNotFound", Misconfigured),
        (404, "model_not_found", Misconfigured),
        (400, "Arrearage", Misconfigured),
        (400, "CommodityNotPurchased", Misconfigured),
        (400, "PrepaidBillOverdue", Misconfigured),
        (400, "PostpaidBillOverdue", Misconfigured),
        (400, "InvalidParameter", Refused),
        (400, "DataInspectionFailed", Refused),
        (413, "RequestTooLarge", Refused),
        (500, "InternalError", OutcomeUnknown),
        (500, "InternalError.Timeout", OutcomeUnknown),
        (502, "", OutcomeUnknown),
    ],
)
def test_each_refusal_says_whose_fault_it_is_and_is_asked_once(model, service, status, code, kind):
    service.answers(refusal(status, code))
    with pytest.raises(kind) as raised:
        model.ask(MESSAGES)
    assert type(raised.value) is kind
    assert (code or str(status)) in str(raised.value)
    assert "r-9" in str(raised.value)
    # What a service says about a question may quote it.
    assert "模型说" not in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(429, "Throttling.RateQuota"), (429, "limit_requests"), (503, "ModelServingError")]
)
def test_a_throttled_question_is_asked_again(model, service, status, code):
    service.answers(refusal(status, code), answered())
    assert model.ask(MESSAGES).text == '{"title":"雨中西湖"}'
    assert len(service.seen) == 2


def test_a_throttled_question_is_given_up_after_the_second_time(model, service):
    service.answers(refusal(429, "Throttling.RateQuota"))
    with pytest.raises(Unavailable) as raised:
        model.ask(MESSAGES)
    assert raised.value.code == "Throttling.RateQuota"
    assert len(service.seen) == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(SILENT, id="silent"),
        pytest.param(DROPPED, id="dropped"),
        pytest.param(GARBAGE, id="garbage"),
        pytest.param(CUT_SHORT, id="cut"),
        pytest.param(HTML, id="html"),
        pytest.param(Reply(200, b""), id="empty"),
        pytest.param(Reply(502, HTML.body, HTML.headers), id="html 502"),
    ],
)
def test_a_question_without_a_readable_answer_may_have_been_billed_and_is_not_repeated(service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown) as raised:
        at(service.url, reply.patience_s).ask(MESSAGES)
    assert raised.value.service == "dashscope"
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"request_id": "r-1"},
        {"output": None, "request_id": "r-1"},
        {"output": {}, "request_id": "r-1"},
        {"output": {"choices": []}, "request_id": "r-1"},
        {"output": {"choices": None}, "request_id": "r-1"},
        {"output": {"choices": [{"finish_reason": "stop"}]}, "request_id": "r-1"},
        {"output": {"choices": [{"finish_reason": "stop", "message": None}]}, "request_id": "r-1"},
        {"output": {"choices": [{"finish_reason": "stop", "message": {"content": None}}]}, "request_id": "r-1"},
        {"output": {"choices": [{"finish_reason": "stop", "message": {"content": [{"text": "诗"}]}}]}},
        {"output": {"text": "一首诗", "finish_reason": "stop"}, "request_id": "r-1"},
        [],
    ],
    ids=lambda body: json.dumps(body, ensure_ascii=False)[:60],
)
def test_a_200_without_a_text_is_no_answer(model, service, body):
    service.answers(says(body))
    with pytest.raises(OutcomeUnknown) as raised:
        model.ask(MESSAGES)
    assert raised.value.code in ("NoOutput", "NoText", "Timeout")
    assert len(service.seen) == 1


def test_a_refused_connection_has_taken_nothing(refusing):
    with pytest.raises(Unavailable) as raised:
        at(f"http://{refusing}").ask(MESSAGES)
    assert raised.value.code == "ConnectionFailed"


def test_a_connection_that_was_never_made_has_taken_nothing(unreachable):
    with pytest.raises(Unavailable) as raised:
        at(f"http://{unreachable}", patience_s=0.05).ask(MESSAGES)
    assert raised.value.code == "ConnectionFailed"


def test_the_key_stays_out_of_sight(model):
    assert KEY not in repr(model)
