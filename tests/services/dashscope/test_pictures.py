"""Pictures, asked for through the SDK and by plain requests in both protocols, against the running service."""

from __future__ import annotations

import io
import re
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
from dashscope import ImageSynthesis
from dashscope.aigc.image_generation import ImageGeneration
from dashscope.api_entities.dashscope_response import Message
from PIL import Image

from localcloud.dashscope.results import Results

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Client

SYNTHESIS = "services/aigc/text2image/image-synthesis"
LATER = "services/aigc/image-generation/generation"
NOW = "services/aigc/multimodal-generation/generation"
ASYNC = {"X-DashScope-Async": "enable"}


def _opened(url: str) -> Image.Image:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


def _conversation(model: str, **parameters: object) -> dict[str, Any]:
    return {
        "model": model,
        "input": {"messages": [{"role": "user", "content": [{"text": "无锡鼋头渚，樱花，水彩"}]}]},
        "parameters": {"n": 1, **parameters},
    }


@pytest.mark.usefixtures("sdk")
def test_a_picture_comes_by_submitting_polling_and_downloading() -> None:
    with requests.Session() as session:
        created = ImageSynthesis.async_call(
            "wan2.2-t2i-flash",
            "太湖边的春天，水彩",
            negative_prompt="car, people, text",
            n=1,
            size="768*960",
            seed=7,
            prompt_extend=False,
            session=session,
        )
    assert created.output.task_status == "PENDING"

    done = ImageSynthesis.wait(created.output.task_id, wait_timeout=60)

    assert done.output.task_status == "SUCCEEDED"
    assert done.usage.image_count == 1
    assert done.output.task_metrics["SUCCEEDED"] == 1
    assert done.output.results[0].orig_prompt == "太湖边的春天，水彩"
    assert "actual_prompt" not in done.output.results[0]
    assert _opened(done.output.results[0].url).size == (768, 960)


@pytest.mark.usefixtures("sdk")
def test_the_articles_own_call_still_works() -> None:
    negative = "(car:1.4), NSFW, nude, naked, porn, (worst quality, low quali-ty:1.4), watermark, text"

    answer = ImageSynthesis.call(
        model="wanx2-t2i-lite",
        prompt="A beautiful high-definition landscape of Turtle Head Isle Park in Wuxi, early summer, cloudy sky",
        negative_prompt=negative,
        n=1,
        size="768*960",
        # Beyond the seeds the service takes, but in `input`, where nobody looks for it.
        extra_input={"seed": 4294967290},
        wait_timeout=60,
    )

    assert answer.status_code == 200
    assert _opened(answer.output.results[0].url).size == (768, 960)


@pytest.mark.usefixtures("sdk")
def test_the_sdk_lists_cancels_and_asks_for_unknown_tasks() -> None:
    listed = ImageSynthesis.list(page_size=5)
    unknown = ImageSynthesis.fetch("no-such-task")
    refused = ImageSynthesis.cancel("no-such-task")

    assert listed.status_code == 200
    assert listed.output["page_no"] == 1
    assert (unknown.status_code, unknown.output.task_status) == (200, "UNKNOWN")
    assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")


@pytest.mark.usefixtures("sdk")
def test_the_sdk_speaks_the_messages_protocol_at_once_and_as_a_task() -> None:
    words = [Message(role="user", content=[{"text": "苏州园林，月亮门，春天"}])]

    now = ImageGeneration.call("z-image-turbo", messages=words, n=1, size="512*512")
    later = ImageGeneration.async_call("z-image-turbo", messages=words, n=1, size="512*512")
    done = ImageGeneration.wait(later)

    assert (now.status_code, now.message) == (200, "")
    assert now.output.finished is True
    assert _opened(now.output.choices[0].message.content[0]["image"]).size == (512, 512)
    assert _opened(done.output.choices[0].message.content[0]["image"]).size == (512, 512)
    assert done.usage.image_count == 1


def test_without_n_the_older_models_paint_four_pictures_with_seeds_counting_up(client: Client) -> None:
    body = {"model": "wan2.2-t2i-plus", "input": {"prompt": "黄山日出"}, "parameters": {"size": "512*512", "seed": 5}}
    four = client.finished(client.post(SYNTHESIS, body, **ASYNC).json()["output"]["task_id"])
    second = client.finished(client.paint("wan2.2-t2i-plus", "黄山日出", seed=6).json()["output"]["task_id"])

    assert four["task_metrics"] == {"TOTAL": 4, "SUCCEEDED": 4, "FAILED": 0}
    pixels = [np.asarray(_opened(result["url"])) for result in (*four["results"], *second["results"])]
    assert not np.array_equal(pixels[0], pixels[1])
    assert np.array_equal(pixels[1], pixels[4])


def test_a_prompt_is_extended_unless_told_otherwise(client: Client) -> None:
    output = client.finished(client.paint("wan2.2-t2i-plus", "桂林山水").json()["output"]["task_id"])

    assert output["results"][0]["orig_prompt"] == "桂林山水"
    assert output["results"][0]["actual_prompt"].startswith("桂林山水")
    assert output["results"][0]["actual_prompt"] != "桂林山水"


def test_a_watermark_stands_in_the_lower_right_corner_only(client: Client) -> None:
    plain, marked = (
        np.asarray(
            _opened(
                client.finished(
                    client.paint("wan2.2-t2i-plus", "敦煌沙漠", seed=3, watermark=watermark).json()["output"]["task_id"]
                )["results"][0]["url"]
            )
        )
        for watermark in (False, True)
    )

    changed = np.argwhere((plain != marked).any(axis=2))
    assert len(changed) > 100
    assert changed.min(axis=0)[0] > 512 * 0.9
    assert changed.min(axis=0)[1] > 512 * 0.7


def test_times_are_beijings_and_in_order(client: Client) -> None:
    output = client.finished(client.paint("wan2.2-t2i-plus").json()["output"]["task_id"])

    times = [output[name] for name in ("submit_time", "scheduled_time", "end_time")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", moment) for moment in times)
    assert times == sorted(times)
    beijing = datetime.now(timezone.utc) + timedelta(hours=8)
    assert abs(datetime.fromisoformat(times[2]).replace(tzinfo=timezone.utc) - beijing) < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("model", "parameters", "named"),
    [
        ("wan2.2-t2i-flash", {"size": "768*1600"}, "parameters.size"),
        ("wan2.2-t2i-flash", {"size": "500*768"}, "parameters.size"),
        ("wan2.2-t2i-flash", {"size": "768x960"}, "parameters.size"),
        ("wan2.5-t2i-preview", {"size": "768*960"}, "parameters.size"),
        ("wan2.5-t2i-preview", {"size": "600*2800"}, "parameters.size"),
        ("wan2.2-t2i-flash", {"n": 5}, "parameters.n"),
        ("wan2.2-t2i-flash", {"n": 0}, "parameters.n"),
        ("wan2.2-t2i-flash", {"seed": 2147483648}, "parameters.seed"),
        ("wan2.2-t2i-flash", {"seed": -1}, "parameters.seed"),
        ("wan2.2-t2i-flash", {"watermark": "yes"}, "parameters.watermark"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(
    client: Client, model: str, parameters: dict[str, object], named: str
) -> None:
    answer = client.paint(model, **parameters)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"].startswith(named)


def test_prompts_have_a_longest_length(client: Client) -> None:
    assert "input.prompt" in client.paint("wan2.2-t2i-flash", "山" * 801).json()["message"]
    assert "input.prompt" in client.paint("wan2.2-t2i-flash", "  ").json()["message"]
    body = {"model": "wan2.2-t2i-flash", "input": {"prompt": "山", "negative_prompt": "x" * 501}}
    assert "negative_prompt" in client.post(SYNTHESIS, body, **ASYNC).json()["message"]


def test_the_two_protocols_do_not_serve_each_others_models(client: Client) -> None:
    refused = [
        client.paint("wan2.7-image"),
        client.post(LATER, _conversation("wan2.2-t2i-flash"), **ASYNC),
        client.paint("qwen3.7-plus"),
    ]

    assert [answer.status_code for answer in refused] == [400, 400, 400]
    assert all("url error" in answer.json()["message"] for answer in refused)
    assert client.paint("qwen-image-plus").status_code == 404


def test_pictures_are_tasks_or_not_as_the_path_says(client: Client) -> None:
    synchronous = client.post(SYNTHESIS, {"model": "wan2.2-t2i-flash", "input": {"prompt": "山"}})
    asynchronous = client.post(NOW, _conversation("wan2.7-image"), **ASYNC)

    assert [answer.status_code for answer in (synchronous, asynchronous)] == [403, 403]
    assert "does not support synchronous calls" in synchronous.json()["message"]
    assert "does not support asynchronous calls" in asynchronous.json()["message"]


def test_newer_models_take_named_sizes(client: Client) -> None:
    answer = client.post(NOW, _conversation("wan2.7-image", size="1K")).json()

    assert answer["usage"] == {"image_count": 1, "width": 1024, "height": 1024}
    assert _opened(answer["output"]["choices"][0]["message"]["content"][0]["image"]).size == (1024, 1024)
    assert "parameters.size" in client.post(NOW, _conversation("wan2.7-image", size="4K")).json()["message"]


def test_a_picture_longer_than_the_painter_paints_has_its_full_size(client: Client) -> None:
    output = client.finished(client.paint("wan2.5-t2i-preview", size="768*2700").json()["output"]["task_id"])

    assert _opened(output["results"][0]["url"]).size == (768, 2700)


def test_refused_words_stop_the_request_and_the_output_check_fails_the_task(client: Client) -> None:
    created = client.paint("wan2.2-t2i-plus", "NSFW_OUTPUT_TEST_WORD by the lake")
    output = client.finished(created.json()["output"]["task_id"])

    assert (output["task_status"], output["code"]) == ("FAILED", "DataInspectionFailed")
    assert "results" not in output
    refused = client.paint("wan2.2-t2i-plus", "NSFW_TEST_WORD by the lake")
    assert (refused.status_code, refused.json()["code"]) == (400, "DataInspectionFailed")
    at_once = client.post(
        NOW,
        {
            "model": "wan2.7-image",
            "input": {"messages": [{"role": "user", "content": "NSFW_OUTPUT_TEST_WORD"}]},
            "parameters": {"n": 1, "size": "1K"},
        },
    )
    assert (at_once.status_code, at_once.json()["code"]) == (400, "DataInspectionFailed")


def test_two_tasks_of_a_model_run_at_once_and_only_waiting_ones_can_be_cancelled(client: Client) -> None:
    model = "wanx2.1-t2i-plus"
    client.script(call="task", mode="slow", delay_s=3, times=3)
    ids = [client.paint(model).json()["output"]["task_id"] for _ in range(3)]

    states = client.until(
        lambda: [client.task(task_id)["task_status"] for task_id in ids], lambda states: states.count("RUNNING") == 2
    )

    assert states == ["RUNNING", "RUNNING", "PENDING"]
    assert client.post(f"tasks/{ids[0]}/cancel").status_code == 400
    assert client.post(f"tasks/{ids[2]}/cancel").status_code == 200
    assert client.task(ids[2])["task_status"] == "CANCELED"
    assert [client.finished(task_id)["task_status"] for task_id in ids[:2]] == ["SUCCEEDED", "SUCCEEDED"]
    listed = client.get(f"tasks?model_name={model}&status=CANCELED").json()
    assert listed["total"] == 1
    assert listed["data"][0]["task_id"] == ids[2]


def test_polling_stays_quick_while_pictures_are_painted(client: Client) -> None:
    ids = [client.paint(model, n=2).json()["output"]["task_id"] for model in ("wan2.2-t2i-flash", "wan2.2-t2i-plus")]

    waits_s = []
    while any(client.task(task_id)["task_status"] not in {"SUCCEEDED", "FAILED"} for task_id in ids):
        started = time.perf_counter()
        client.task(ids[0])
        waits_s.append(time.perf_counter() - started)
        time.sleep(0.05)

    assert waits_s
    assert sorted(waits_s)[len(waits_s) // 2] < 0.25


def test_submitting_faster_than_the_rate_is_throttled(client: Client) -> None:
    answers = [client.paint("wanx2.0-t2i-turbo", n=9) for _ in range(40)]

    assert answers[0].status_code == 400
    throttled = [answer for answer in answers if answer.status_code == 429]
    assert throttled
    assert {answer.json()["code"] for answer in throttled} == {"Throttling.RateQuota"}
    assert client.paint("wanx2.1-t2i-turbo", n=9).status_code == 400


def test_a_changed_or_incomplete_address_opens_nothing(client: Client) -> None:
    output = client.finished(client.paint("wan2.2-t2i-plus").json()["output"]["task_id"])
    url = output["results"][0]["url"]
    base, _, query = url.partition("?")

    refused = [
        requests.get(base, timeout=10),
        requests.get(re.sub(r"Expires=\d+", "Expires=99999999999", url), timeout=10),
        requests.get(f"{base.rpartition('/')[0]}/{'0' * 32}.png?{query}", timeout=10),
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert "<Code>SignatureDoesNotMatch</Code>" in refused[0].text


def test_an_address_stops_working_when_it_expires(client: Client, tmp_path: Path) -> None:
    signer = Results(tmp_path, client.cloud.url("dashscope"), client.cloud.dashscope_api_key)

    answer = requests.get(signer.url("20240505/0.png", time.time() - 1), timeout=10)
    missing = requests.get(signer.url("20240505/0.png", time.time() + 60), timeout=10)

    assert answer.status_code == 403
    assert "Request has expired" in answer.text
    assert (missing.status_code, "NoSuchKey" in missing.text) == (404, True)
