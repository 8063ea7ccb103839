"""Background generation: a task around a cut-out that stays as it is."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from tests.services.dashscope.conftest import Client
from tests.services.dashscope.test_uploads import RESOLVE, form, leave, post

MODEL = "wanx-background-generation-v2"
PATH = "services/aigc/background-generation/generation/"
LATER = {"X-DashScope-Async": "enable"}


def cut_out(width: int = 192, height: int = 128, mode: str = "RGBA") -> Image.Image:
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[40:100, 50:150] = (200, 30, 40, 255)
    pixels[100:104, 50:150] = (200, 30, 40, 128)
    return Image.fromarray(pixels).convert(mode)


def uploaded(client: Client, picture: Image.Image) -> str:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    policy = leave(client, MODEL)
    fields = form(policy)
    assert post(policy, fields, sink.getvalue()).status_code == 200
    return f"oss://{fields['key']}"


def order(client: Client, address: str, more: dict[str, Any] | None = None, **parameters: Any) -> requests.Response:
    body = {
        "model": MODEL,
        "input": {"base_image_url": address, "ref_prompt": "太湖边的黄昏，石板路", **(more or {})},
        "parameters": {"n": 1, "model_version": "v3", **parameters},
    }
    return client.post(PATH, body, **LATER, **RESOLVE)


def test_the_picture_is_painted_around_the_cut_out(client: Client) -> None:
    base = cut_out()
    created = order(client, uploaded(client, base))
    assert created.status_code == 200, created.text

    output = client.finished(created.json()["output"]["task_id"])
    assert output["task_status"] == "SUCCEEDED"
    (result,) = output["results"]
    assert set(result) == {"url"}
    with Image.open(io.BytesIO(requests.get(result["url"], timeout=10).content)) as picture:
        painted = np.asarray(picture)
    assert painted.shape == (128, 192, 3)
    kept = np.asarray(base)[:, :, 3] == 255
    assert (painted[kept] == (200, 30, 40)).all()
    assert painted[~kept].std() > 5


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "P"])
def test_a_base_without_four_channels_is_refused(client: Client, mode: str) -> None:
    answer = order(client, uploaded(client, cut_out(mode=mode)))
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert "RGBA" in answer.json()["message"]


def test_a_base_beyond_2048_pixels_is_refused(client: Client) -> None:
    answer = order(client, uploaded(client, cut_out(2049, 110)))
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert "2048" in answer.json()["message"]


@pytest.mark.parametrize(
    ("more", "parameters", "named"),
    [
        ({"ref_prompt": ""}, {}, "ref_prompt"),
        ({}, {"n": 5}, "parameters.n"),
        ({}, {"model_version": "v9"}, "model_version"),
        ({}, {"noise_level": 1000}, "noise_level"),
        ({}, {"ref_prompt_weight": 1.5}, "ref_prompt_weight"),
    ],
)
def test_a_value_out_of_range_is_named(
    client: Client, more: dict[str, Any], parameters: dict[str, Any], named: str
) -> None:
    answer = order(client, uploaded(client, cut_out()), more, **parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert named in answer.json()["message"]


def test_only_a_task_is_given_and_only_to_this_model(client: Client) -> None:
    body = {"model": MODEL, "input": {"base_image_url": "oss://x", "ref_prompt": "湖"}}
    assert client.post(PATH, body).status_code == 403
    assert client.post(PATH, {**body, "model": "wan2.2-t2i-flash"}, **LATER).status_code == 400
    assert client.paint(MODEL).status_code == 400


def test_a_refused_word_and_a_foreign_address_end_the_order(client: Client) -> None:
    address = uploaded(client, cut_out())
    assert order(client, address, {"ref_prompt": "血腥的湖"}).json()["code"] == "DataInspectionFailed"
    assert order(client, "https://example.com/a.png").json()["code"] == "InvalidParameter.DataInspection"
