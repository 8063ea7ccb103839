"""WanxBackground: what is sent, and that the cut-out comes back as it went in."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.nodes.scripted import KEY, PICTURE, POLL, Reply, Script, painted, png, refused, state
from workflows.custom_nodes.tripcanvas.background_node import WanxBackground
from workflows.custom_nodes.tripcanvas.errors import NodeError, NotConfigured, PictureRefused, RequestRefused

POLICY = "/api/v1/uploads"
UPLOAD = "/upload-host"
CREATE = "/api/v1/services/aigc/background-generation/generation/"
WIDTH, HEIGHT = 64, 48


def cut_out() -> tuple[np.ndarray, np.ndarray]:
    """IMAGE and MASK; values between the 256 levels, so that a rounding on the way would show."""
    image = np.random.default_rng(3).random((1, HEIGHT, WIDTH, 3), np.float32)
    mask = np.zeros((1, HEIGHT, WIDTH), np.float32)
    mask[0, 10:30, 10:50] = 1.0
    mask[0, 30:33, 10:50] = 0.5
    return image, mask


def background(level: int = 90, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    return png(np.full((height, width, 3), level, np.uint8))


def policy(dashscope: Script, **changed: Any) -> Reply:
    granted = {
        "policy": "cG9saWN5",
        "signature": "c2ln",
        "upload_dir": "dashscope-instant/abc/2026-11-22/def",
        "upload_host": dashscope.host + UPLOAD,
        "oss_access_key_id": "LTAI",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
        **changed,
    }
    return Reply({"request_id": "r", "data": granted})


def ready(dashscope: Script, result: bytes | None = None) -> None:
    dashscope.on(POLICY, policy(dashscope))
    dashscope.on(UPLOAD, Reply(b""))
    dashscope.on(CREATE, Reply({"output": {"task_status": "PENDING", "task_id": "task-1"}}))
    dashscope.on(POLL, state("RUNNING"), painted(dashscope.host + PICTURE))
    dashscope.on(PICTURE, Reply(result or background()))


def paint(reference: Any = None, prompt: str = "太湖边的石板路", deadline_s: int = 20) -> np.ndarray:
    image, mask = cut_out()
    (result,) = WanxBackground().paint(image, mask, prompt, 1, reference, deadline_s=deadline_s)
    assert isinstance(result, np.ndarray)
    return result


def test_kept_pixels_come_back_bit_for_bit_and_the_rest_is_painted(dashscope: Script) -> None:
    ready(dashscope)
    image, mask = cut_out()
    result = paint()
    assert (result.shape, result.dtype) == (image.shape, np.float32)
    np.testing.assert_array_equal(result[mask == 1], image[mask == 1])
    np.testing.assert_allclose(result[mask == 0], 90 / 255, atol=1e-6)


def test_a_soft_edge_is_blended_in_linear_light(dashscope: Script) -> None:
    ready(dashscope, background(0))
    image, mask = cut_out()
    image[...] = 1.0
    (result,) = WanxBackground().paint(image, mask, "夜", 1)
    # Half the light of white over black.
    np.testing.assert_allclose(np.asarray(result)[mask == 0.5] * 255, 187.5, atol=0.2)


def test_the_request_is_the_documented_one(dashscope: Script) -> None:
    ready(dashscope)
    paint()
    (asked,) = dashscope.requests_to(POLICY)
    assert asked.query == "action=getPolicy&model=wanx-background-generation-v2"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    (left,) = dashscope.requests_to(UPLOAD)
    assert "Authorization" not in left.headers
    names = [part.partition('"')[0] for part in left.raw.decode("latin-1").split('form-data; name="')[1:]]
    assert len(names) == 9
    (order,) = dashscope.requests_to(CREATE)
    assert order.headers["X-DashScope-Async"] == order.headers["X-DashScope-OssResourceResolve"] == "enable"
    address = order.body["input"].pop("base_image_url")
    assert address.startswith("oss://dashscope-instant/abc/2026-11-22/def/")
    assert address.endswith(".png")
    assert address.removeprefix("oss://").encode() in left.raw
    assert order.body == {
        "model": "wanx-background-generation-v2",
        "input": {"ref_prompt": "太湖边的石板路"},
        "parameters": {"n": 1, "model_version": "v3"},
    }


def test_what_is_uploaded_is_the_cut_out_with_straight_alpha_and_nothing_else(dashscope: Script) -> None:
    ready(dashscope)
    paint()
    image, mask = cut_out()
    with Image.open(io.BytesIO(_file_of(dashscope.requests_to(UPLOAD)[0].raw))) as sent:
        assert (sent.mode, sent.info) == ("RGBA", {})
        pixels = np.asarray(sent)
    np.testing.assert_array_equal(pixels[:, :, :3], np.round(image[0] * 255))
    np.testing.assert_array_equal(pixels[:, :, 3], np.round(mask[0] * 255))


def test_a_reference_is_uploaded_too(dashscope: Script) -> None:
    ready(dashscope)
    paint(np.zeros((1, 20, 30, 3), np.float32), prompt="")
    assert len(dashscope.requests_to(UPLOAD)) == 2
    given = dashscope.requests_to(CREATE)[0].body["input"]
    assert set(given) == {"base_image_url", "ref_image_url"}
    assert given["base_image_url"] != given["ref_image_url"]


def test_a_result_of_a_slightly_other_size_is_brought_back_to_the_cut_outs(dashscope: Script) -> None:
    ready(dashscope, background(90, WIDTH * 2, HEIGHT * 2))
    image, mask = cut_out()
    result = paint()
    assert result.shape == image.shape
    np.testing.assert_array_equal(result[mask == 1], image[mask == 1])


def test_a_result_of_another_shape_is_refused(dashscope: Script) -> None:
    ready(dashscope, background(90, WIDTH, WIDTH))
    with pytest.raises(PictureRefused, match="比例"):
        paint()


@pytest.mark.parametrize(
    ("image", "mask", "prompt", "words"),
    [
        ((1, 48, 64, 3), np.zeros((1, 48, 64)), "湖", "没有要保留的部分"),
        ((1, 48, 64, 3), np.ones((1, 48, 64)), "湖", "保留了整张图"),
        ((1, 48, 64, 3), np.eye(48, 50)[None], "湖", "遮罩是 50×48，图片是 64×48"),
        ((1, 10, 2049, 3), np.eye(10, 2049)[None], "湖", "2048"),
        ((1, 48, 64, 3), np.eye(48, 64)[None], " ", "至少要有一个"),
    ],
)
def test_what_can_not_be_painted_is_refused_before_anything_is_sent(
    dashscope: Script, image: tuple[int, ...], mask: np.ndarray, prompt: str, words: str
) -> None:
    with pytest.raises(NodeError, match=words):
        WanxBackground().paint(np.zeros(image, np.float32), mask.astype(np.float32), prompt, 1)
    assert not dashscope.seen


@pytest.mark.parametrize(
    "changed",
    [
        {"upload_host": "https://evil.example/"},
        {"upload_host": "http://169.254.169.254/"},
        {"upload_dir": "a b\r\n"},
        {"signature": None},
    ],
)
def test_a_policy_that_leads_elsewhere_is_not_followed(dashscope: Script, changed: dict[str, Any]) -> None:
    ready(dashscope)
    dashscope.on(POLICY, policy(dashscope, **changed))
    with pytest.raises(RequestRefused):
        paint()
    assert [seen.path for seen in dashscope.seen] == [POLICY]


def test_a_failing_policy_or_upload_orders_nothing(dashscope: Script) -> None:
    ready(dashscope)
    dashscope.on(POLICY, refused(401, "InvalidApiKey"))
    with pytest.raises(NotConfigured):
        paint()
    ready(dashscope)
    dashscope.on(UPLOAD, Reply(b"<Error/>", 403))
    with pytest.raises(RequestRefused, match="临时空间"):
        paint()
    assert not dashscope.requests_to(CREATE)


def test_an_upload_that_broke_off_is_made_again(dashscope: Script) -> None:
    ready(dashscope)
    dashscope.on(POLICY, Reply(b"", 503), policy(dashscope))
    dashscope.on(UPLOAD, Reply(drop=True), Reply(b""))
    paint()
    assert len(dashscope.requests_to(CREATE)) == 1


def test_the_page_says_that_the_cut_out_is_uploaded() -> None:
    assert "上传" in WanxBackground.DESCRIPTION
    assert "uploaded" in WanxBackground.DESCRIPTION


def _file_of(form: bytes) -> bytes:
    boundary = form.partition(b"\r\n")[0]
    part = form.split(b'name="file"')[1]
    return part.partition(b"\r\n\r\n")[2].partition(b"\r\n" + boundary)[0]


def test_the_reader_of_forms_in_this_test_can_fail() -> None:
    assert base64.b64encode(_file_of(b'--b\r\nname="file"\r\n\r\nabc\r\n--b--')) == b"YWJj"
