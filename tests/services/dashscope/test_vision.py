"""Asking about a picture: the answer has a vision model's shape and says what it is."""

from __future__ import annotations

import base64
import http.server
import io
import json
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from dashscope import MultiModalConversation
from PIL import Image

if TYPE_CHECKING:
    from conftest import Client

PATH = "services/aigc/multimodal-generation/generation"
QUESTION = {"text": "Rubric: is the picture usable? Answer JSON."}


def _data_uri(pixels: np.ndarray, kind: str = "png") -> str:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, kind)
    return f"data:image/{kind};base64,{base64.b64encode(sink.getvalue()).decode()}"


def _landscape() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (96, 128, 3), dtype=np.uint8)


def _asked(image: str, model: str = "qwen3.7-plus") -> dict[str, object]:
    return {"model": model, "input": {"messages": [{"role": "user", "content": [{"image": image}, QUESTION]}]}}


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_in_the_message_is_judged_by_its_statistics(kind: str) -> None:
    answer = MultiModalConversation.call(
        "qwen3.7-plus",
        messages=[{"role": "user", "content": [{"image": _data_uri(_landscape(), kind)}, QUESTION]}],
        response_format={"type": "json_object"},
    )

    assert answer.status_code == 200
    content = answer.output.choices[0].message.content
    assert isinstance(content, list)
    verdict = json.loads(content[0]["text"])
    assert verdict["passes"] is True
    assert (verdict["measures"]["width"], verdict["measures"]["height"]) == (128, 96)
    assert "no vision model" in verdict["model_note"]
    assert answer.usage["image_tokens"] > 0


def test_a_flat_picture_does_not_pass(client: Client) -> None:
    black = np.zeros((64, 64, 3), dtype=np.uint8)

    answer = client.post(PATH, _asked(_data_uri(black)))

    verdict = json.loads(answer.json()["output"]["choices"][0]["message"]["content"][0]["text"])
    assert verdict["passes"] is False
    assert verdict["faults"] == ["almost one flat colour", "no detail", "almost black"]


def test_a_picture_of_this_service_can_be_judged_by_its_address(client: Client) -> None:
    painted = client.finished(client.paint("wan2.2-t2i-flash", "青岛的海边").json()["output"]["task_id"])

    answer = client.post(PATH, _asked(painted["results"][0]["url"], "qwen3.8-flash"))

    verdict = json.loads(answer.json()["output"]["choices"][0]["message"]["content"][0]["text"])
    assert verdict["measures"]["width"] == 512


def test_addresses_outside_this_cloud_are_never_fetched(client: Client) -> None:
    seen = []

    class Outside(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)

    with http.server.HTTPServer(("127.0.0.1", 0), Outside) as outside:
        thread = threading.Thread(target=outside.serve_forever)
        thread.start()
        answers = [
            client.post(PATH, _asked(address))
            for address in (
                f"http://127.0.0.1:{outside.server_port}/picture.png",
                f"{client.cloud.url('dashscope')}@127.0.0.1:{outside.server_port}/",
                "https://example.com/picture.png",
                "file:///etc/passwd",
            )
        ]
        outside.shutdown()
        thread.join()

    assert {answer.json()["code"] for answer in answers} == {"InvalidParameter.DataInspection"}
    assert seen == []


@pytest.mark.parametrize(
    "image",
    [
        "data:image/png;base64,!!!",
        "data:image/png;base64,aGVsbG8=",
        "data:text/plain;base64,aGVsbG8=",
        "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode(),
    ],
)
def test_what_is_no_picture_is_refused(client: Client, image: str) -> None:
    answer = client.post(PATH, _asked(image))

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


def test_a_model_that_does_not_see_is_refused(client: Client) -> None:
    answer = client.post(PATH, _asked(_data_uri(_landscape()), "qwen3.8-max"))

    assert (answer.status_code, "url error" in answer.json()["message"]) == (400, True)


def test_the_judge_can_be_made_to_say_anything(client: Client) -> None:
    client.script(call="vision", mode="says", text='{"looks_pasted_in": true}')

    answer = client.post(PATH, _asked(_data_uri(_landscape())))

    assert answer.json()["output"]["choices"][0]["message"]["content"] == [{"text": '{"looks_pasted_in": true}'}]


def test_without_a_picture_it_is_a_plain_conversation(client: Client) -> None:
    body = {"model": "qwen3.7-plus", "input": {"messages": [{"role": "user", "content": [{"text": "画一张南京"}]}]}}

    assert client.post(PATH, body).json()["output"]["choices"][0]["message"]["content"][0]["text"]
