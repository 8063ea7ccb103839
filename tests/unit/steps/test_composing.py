"""The brief: asked of the model, mended once, or written from the template; a trip never fails for it."""

from __future__ import annotations

import json

import pytest

from shared.records import Prompted
from tests.unit.steps.deployment import trip

GOOD = {
    "painting_prompt": "Chinese ink wash painting: the Broken Bridge over a wide, still lake in the rain, willows, low clouds",
    "negative_prompt": "people",
    "title": "雨中西湖",
    "caption": "撑着伞慢慢走,{CITY}很安静。",
    "tags": ["西湖", "雨", "春天"],
    "alt_text": "雨里的湖和断桥",
    "city": "杭州市",
}


def says(content: object) -> dict[str, object]:
    return {"mode": "says", "text": json.dumps(content, ensure_ascii=False)}


@pytest.fixture
def prompted(deployment):
    """What the ledger holds of a trip's brief, once the trip was taken."""

    def take() -> Prompted:
        return deployment.read(deployment.submitted()).need(Prompted)

    return take


def test_the_models_brief_is_taken_when_it_is_good(prompted, model_fault):
    model_fault(**says(GOOD))
    record = prompted()
    assert (record.written_by, record.fallback) == ("qwen3.7-plus", "")
    assert (record.brief.title, record.brief.city) == ("雨中西湖", "杭州市")
    assert record.input_tokens > 0


def test_a_brief_with_a_fault_is_mended_in_one_more_round_and_both_are_counted(prompted, model_fault):
    model_fault(**says(GOOD))
    once = prompted()
    model_fault(**says({**GOOD, "title": ""}))
    model_fault(**says(GOOD))
    mended = prompted()
    assert (mended.written_by, mended.brief.title) == ("qwen3.7-plus", "雨中西湖")
    assert mended.input_tokens > once.input_tokens
    assert mended.output_tokens > once.output_tokens


@pytest.mark.parametrize("answer", ["对不起,我不能回答。", '["诗"]', '{"title": "雨'])
def test_after_two_useless_answers_the_template_writes_and_says_why(prompted, model_fault, answer):
    model_fault(mode="says", text=answer, times=2)
    record = prompted()
    assert record.written_by == "template"
    assert record.fallback.startswith("answer 2: answer: ")
    assert answer not in record.fallback
    assert record.input_tokens > 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 401, "code": "InvalidApiKey"}, "dashscope: InvalidApiKey"),
        ({"status": 404, "code": "ModelNotFound"}, "dashscope: ModelNotFound"),
        ({"status": 500, "code": "InternalError"}, "dashscope: InternalError"),
        ({"status": 429, "code": "Throttling.RateQuota", "times": 2}, "dashscope: Throttling.RateQuota"),
        ({"mode": "html"}, "dashscope: "),
        ({"mode": "no_output"}, "dashscope: NoOutput"),
    ],
    ids=["key", "model", "internal", "throttled", "html", "no output"],
)
def test_when_the_model_cannot_answer_the_template_writes_and_says_why(prompted, model_fault, fault, reason):
    model_fault(**fault)
    record = prompted()
    assert record.written_by == "template"
    assert record.fallback.startswith(reason)
    assert record.brief.painting_prompt.startswith("Chinese ink wash painting")
    assert (record.input_tokens, record.output_tokens) == (0, 0)


def test_where_no_place_may_be_named_a_sight_in_the_words_is_a_fault(deployment, model_fault):
    model_fault(**says({**GOOD, "title": "雷峰塔的雨"}))
    model_fault(**says({**GOOD, "title": "湖上的雨", "tags": ["湖", "雨", "春天"], "alt_text": "雨里的湖"}))
    quiet = {"process": True, "publish": True, "show_cities": False}
    record = deployment.read(deployment.submitted(consent=quiet)).need(Prompted)
    assert (record.written_by, record.brief.title) == ("qwen3.7-plus", "湖上的雨")
    # The picture may still show the sight.
    assert "Broken Bridge" in record.brief.painting_prompt


def test_a_service_that_is_down_does_not_hold_up_the_trip(prompted, outage):
    outage("dashscope")
    assert prompted().fallback.startswith("dashscope: ConnectionFailed")


def test_a_model_slower_than_the_limit_does_not_hold_up_the_trip(deployment, model_fault):
    model_fault(**says(GOOD), delay_s=1)
    outcome = deployment.take(trip(), deployment.instance(text_timeout_s="0.2"))
    assert deployment.read(outcome.journey).need(Prompted).fallback == "dashscope: Timeout: ReadTimeout"
