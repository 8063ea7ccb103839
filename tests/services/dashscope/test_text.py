"""qwen's wire format: the unmodified SDK gets briefs, prompts and streams from the stand-in writer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from dashscope import Generation

from shared.facts import facts_of
from shared.prompts import messages, parse_brief, repair_messages
from shared.styles import load_styles
from shared.trips import parse_trip

if TYPE_CHECKING:
    from conftest import Client

PATH = "services/aigc/text-generation/generation"

ARTICLE_SYSTEM = """请根据我输入的中文描述,生成符合主题的完整提示词。生成后的内容服务于一个绘画AI。
#风格
真实、高清、写实
#action
1.提取途径城市之一,根据此地点搜索当地最著名的景点或建筑
2.提取有关天气的词汇,会决定于整个画面的色调"""

ARTICLE_TRIP = """- 用户标记emoji:出游
- 用户文字:新司机的五一出游!
- 出行时间:2024/5/2 下午10:38-2024/5/5 下午6:57
- 总驾驶时长:14小时28分钟
- 公里数:645.4km
- 起点:上海市黄浦区中山南路1891号-1893号
- 起点天气:晴天
- 终点:上海市闵行区申长路688号
- 终点天气:多云
- 途径城市:湖州市 无锡市 常州市
- 组队信息:欧阳开心的队伍
- 车辆信息:黑色一代
"""

TRIP = {
    "trip_id": "T20240505-000123",
    "started_at": "2024-05-02T22:38:00+08:00",
    "ended_at": "2024-05-05T18:57:00+08:00",
    "start": {"address": "上海市黄浦区中山南路1891号-1893号", "weather": "晴天"},
    "end": {"address": "上海市闵行区申长路688号", "weather": "多云"},
    "via_cities": ["湖州市", "无锡市", "常州市"],
    "text": "新司机的五一出游!",
    "consent": {"process": True, "publish": True},
}


FACTS = facts_of(parse_trip(json.dumps(TRIP).encode()))
STYLES = load_styles(Path(__file__).parents[3] / "workflows" / "styles")


def _body(model: str = "qwen3.7-plus", content: str = "画一张无锡的春天", **parameters: object) -> dict[str, object]:
    return {
        "model": model,
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": {"result_format": "message", **parameters},
    }


@pytest.mark.usefixtures("sdk")
def test_the_facts_of_a_trip_become_a_brief_in_json() -> None:
    with requests.Session() as session:
        answer = Generation.call(
            "qwen3.7-plus",
            messages=messages(FACTS, STYLES["watercolour"]),
            result_format="message",
            response_format={"type": "json_object"},
            enable_thinking=False,
            session=session,
            request_timeout=20,
        )

    assert answer.status_code == 200
    assert answer.request_id
    choice = answer.output.choices[0]
    assert choice.finish_reason == "stop"
    brief = parse_brief(choice.message.content, FACTS, STYLES["watercolour"])
    assert "watercolour painting" in brief.painting_prompt
    assert brief.title
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.usage.output_tokens > 10


@pytest.mark.usefixtures("sdk")
def test_a_request_to_mend_the_answer_still_finds_the_facts_of_the_first_message() -> None:
    style = STYLES["ink_wash"]
    repair = repair_messages(messages(FACTS, style), '{"painting_prompt": "半', "an answer in JSON")

    answer = Generation.call("qwen3.8-flash", messages=repair, result_format="message", enable_thinking=False)

    assert parse_brief(answer.output.choices[0].message.content, FACTS, style)


@pytest.mark.usefixtures("sdk")
def test_the_named_style_decides_the_style() -> None:
    prompts = [
        json.loads(
            Generation.call("qwen-plus", messages=messages(FACTS, STYLES[style]), result_format="message")
            .output.choices[0]
            .message.content
        )["painting_prompt"]
        for style in ("watercolour", "realistic")
    ]

    assert "watercolour painting" in prompts[0]
    assert "realistic" in prompts[1]


@pytest.mark.usefixtures("sdk")
def test_the_articles_own_call_gets_a_painting_prompt_as_plain_text() -> None:
    asked = [{"role": "system", "content": ARTICLE_SYSTEM}, {"role": "user", "content": ARTICLE_TRIP}]

    answer = Generation.call(model="qwen-max", messages=asked, result_format="message")

    assert answer.status_code == 200
    prompt = answer.output.choices[0].message.content
    assert not prompt.startswith("{")
    assert "realistic landscape photograph" in prompt
    assert "spring" in prompt
    assert "cloudy" in prompt
    assert "dusk" in prompt
    assert "1891" not in prompt
    assert "欧阳" not in prompt


@pytest.mark.parametrize(
    ("asked", "painted"),
    [
        ("画一张杭州西湖的秋天，傍晚，小雨", ("lake", "autumn", "dusk", "rain")),
        ("A winter night in Harbin, woodblock print", ("winter", "night", "woodblock print")),
    ],
)
def test_places_seasons_and_weather_of_free_words_are_painted(
    client: Client, asked: str, painted: tuple[str, ...]
) -> None:
    prompt = client.post(PATH, _body(content=asked)).json()["output"]["choices"][0]["message"]["content"]

    assert [word for word in painted if word not in prompt] == []


@pytest.mark.usefixtures("sdk")
def test_without_a_result_format_an_older_model_answers_with_text() -> None:
    answer = Generation.call("qwen-max", prompt="画一张杭州西湖的秋天")

    assert answer.output.text
    assert answer.output.finish_reason == "stop"


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("incremental", [True, False])
def test_a_stream_ends_with_the_same_words_as_the_whole_answer(incremental: bool) -> None:
    asked = [{"role": "user", "content": ARTICLE_TRIP}]
    whole = Generation.call("qwen3.7-plus", messages=asked, result_format="message")

    pieces = list(
        Generation.call(
            "qwen3.7-plus", messages=asked, result_format="message", stream=True, incremental_output=incremental
        )
    )

    assert len(pieces) > 1
    contents = [piece.output.choices[0].message.content for piece in pieces]
    streamed = "".join(contents) if incremental else contents[-1]
    assert streamed == whole.output.choices[0].message.content
    assert [piece.output.choices[0].finish_reason for piece in pieces][-2:] == ["null", "stop"]
    assert pieces[-1].usage.output_tokens == whole.usage.output_tokens


def test_an_answer_longer_than_max_tokens_ends_with_length(client: Client) -> None:
    answer = client.post(PATH, _body(content=ARTICLE_TRIP, max_tokens=5)).json()

    assert answer["output"]["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["output_tokens"] <= 5


def test_thinking_is_answered_beside_the_content_and_counted(client: Client) -> None:
    answer = client.post(PATH, _body(enable_thinking=True)).json()

    assert "does not think" in answer["output"]["choices"][0]["message"]["reasoning_content"]
    assert answer["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_body(response_format={"type": "json_object"}), "must contain the word 'json'"),
        (_body(content="答成 json", response_format={"type": "json_object"}, enable_thinking=True), "enable_thinking"),
        (_body(temperature=2.5), "parameters.temperature"),
        (_body(result_format="xml"), "parameters.result_format"),
        (_body(content="  "), "input.messages"),
        ({"model": "qwen-plus"}, "input: required"),
        ({"input": {}}, "model: required"),
        (_body(model="wan2.2-t2i-flash"), "url error"),
    ],
)
def test_what_can_not_be_answered_is_refused_by_name(client: Client, body: dict[str, object], message: str) -> None:
    answer = client.post(PATH, body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidParameter"
    assert message in answer.json()["message"]


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    answer = client.session.post(
        client.api(PATH), data=b"{", headers={"Authorization": f"Bearer {client.cloud.dashscope_api_key}"}, timeout=10
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize("model", ["qwen-turbo", "qwen-vl-max", "qwen-of-tomorrow"])
def test_retired_and_unknown_models_are_not_found(client: Client, model: str) -> None:
    answer = client.post(PATH, _body(model=model))

    assert (answer.status_code, answer.json()["code"]) == (404, "ModelNotFound")


@pytest.mark.parametrize("header", ["Bearer sk-wrong", "Bearer ", "Basic abc", ""])
def test_a_wrong_key_is_refused(client: Client, header: str) -> None:
    answer = client.post(PATH, _body(), Authorization=header)

    assert (answer.status_code, answer.json()["code"]) == (401, "InvalidApiKey")
    assert set(answer.json()) == {"code", "message", "request_id"}


def test_refused_words_are_looked_for_in_what_the_user_says_only(client: Client) -> None:
    said = client.post(PATH, _body(content="一张血腥的画"))
    told = _body()
    told["input"] = {
        "messages": [
            {"role": "system", "content": "never nude"},
            {"role": "user", "content": "denuded hills, 南京"},
        ]
    }

    assert (said.status_code, said.json()["code"]) == (400, "DataInspectionFailed")
    assert client.post(PATH, told).status_code == 200


def test_text_takes_no_asynchronous_calls(client: Client) -> None:
    answer = client.post(PATH, _body(), **{"X-DashScope-Async": "enable"})

    assert (answer.status_code, answer.json()["code"]) == (403, "AccessDenied")


def test_an_unserved_path_is_refused_in_dashscopes_shape(client: Client) -> None:
    answer = client.post("services/aigc/video-generation/video-synthesis", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "InvalidURL")


def test_neither_prompts_nor_keys_reach_the_log(client: Client) -> None:
    client.post(PATH, _body(content="给李雷画一张苏州园林"))
    client.post(PATH, {**_body(content="给李雷画一张苏州园林"), "parameters": {"seed": "李雷"}})

    log = client.cloud.log_file("dashscope").read_text("utf-8")
    assert "李雷" not in log
    assert client.cloud.dashscope_api_key not in log
