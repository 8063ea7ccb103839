"""Which protocol a model speaks and which sizes it paints."""

from __future__ import annotations

import pytest

from tests.unit.nodes.scripted import KEY, PICTURE, POLL, Reply, Script, photo, png, refused
from workflows.custom_nodes.tripcanvas.dashscope_client import DashScope
from workflows.custom_nodes.tripcanvas.errors import ContentRefused, NodeError, OutcomeUnknown, RequestRefused
from workflows.custom_nodes.tripcanvas.image_models import family_of, size_problem
from workflows.custom_nodes.tripcanvas.image_nodes import WanxImage

LATER = "/api/v1/services/aigc/image-generation/generation"
NOW = "/api/v1/services/aigc/multimodal-generation/generation"


@pytest.mark.parametrize(
    ("model", "family", "route"),
    [
        ("wanx2-t2i-lite", "wan2.2", "prompt"),
        ("wanx2.1-t2i-turbo", "wan2.2", "prompt"),
        ("wanx-v1", "wan2.2", "prompt"),
        ("wan2.2-t2i-flash", "wan2.2", "prompt"),
        ("wan2.5-t2i-preview", "wan2.5", "prompt"),
        ("wan2.6-t2i", "wan2.6", "later"),
        ("wan2.6-image", "wan2.6-image", "later"),
        ("wan2.7-image", "wan2.7-image", "later"),
        ("wan2.7-image-pro", "wan2.7-image-pro", "later"),
        ("wan2.10-t2i", "wan", "later"),
        ("wan3.0-image", "wan", "later"),
        ("qwen-image-2.0-pro", "qwen-image", "now"),
        ("z-image-turbo", "z-image", "now"),
        ("flux-9", "other", "now"),
        ("", "other", "now"),
    ],
)
def test_a_models_protocol_follows_from_its_id(model: str, family: str, route: str) -> None:
    assert (family_of(model).name, family_of(model).route) == (family, route)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("wan2.2-t2i-flash", "768*960"),
        ("wan2.2-t2i-flash", "512*1440"),
        ("wan2.5-t2i-preview", "1104*1472"),
        ("wan2.6-t2i", "960*1696"),
        ("wan2.6-image", "768*960"),
        ("wan2.7-image", "2K"),
        ("wan2.7-image", "768*768"),
        ("wan2.7-image-pro", "4096*4096"),
        ("qwen-image-2.0", "1536*2688"),
        ("z-image-turbo", "1024*1536"),
        ("wan9-t2i", "6000*6000"),
    ],
)
def test_a_documented_size_passes(model: str, size: str) -> None:
    assert size_problem(size, model) == ""
    assert WanxImage.VALIDATE_INPUTS(size=size, model=model) is True


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        ("wan2.2-t2i-flash", "500*900", "512 到 1440"),
        ("wan2.2-t2i-flash", "1024*1441", "512 to 1440"),
        ("wan2.2-t2i-flash", "2K", "W*H"),
        ("wan2.5-t2i-preview", "768*960", "1638400"),
        ("wan2.6-t2i", "768*960", "try 1104*1472"),
        ("wan2.6-t2i", "640*2600", "4 倍"),
        ("wan2.6-image", "1440*1440", "1638400"),
        ("wan2.7-image", "4K", "W*H or 1K or 2K"),
        ("wan2.7-image", "4096*4096", "4194304"),
        ("qwen-image-2.0", "400*500", "262144"),
        ("z-image-turbo", "240*2000", "8 times"),
    ],
)
def test_a_size_that_the_model_does_not_paint_is_refused_before_anything_is_paid_for(
    dashscope: Script, model: str, size: str, words: str
) -> None:
    answer = WanxImage.VALIDATE_INPUTS(size=size, model=model)
    assert isinstance(answer, str)
    assert words in answer
    # A size that another node gave is met when the node runs.
    with pytest.raises(RequestRefused):
        WanxImage().paint("西湖", "", model, size, 1)
    assert not dashscope.seen


@pytest.mark.parametrize(
    "model", ["wan2.2-t2i-flash", "wan2.6-t2i", "wan2.7-image-pro", "qwen-image-2.0", "z-image-turbo"]
)
def test_the_example_in_the_sentence_is_itself_a_size_that_passes(model: str) -> None:
    assert size_problem(family_of(model).example, model) == ""


def talked(url: str) -> Reply:
    content = [{"type": "text", "text": "好"}, {"type": "image", "image": url}]
    choices = [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}]
    return Reply({"output": {"task_status": "SUCCEEDED", "finished": True, "choices": choices}, "request_id": "r"})


def paint(model: str, size: str) -> None:
    (image,) = WanxImage().paint("西湖的清晨", "people", model, size, 42, True)
    assert image.shape == (1, 64, 48, 3)  # type: ignore[attr-defined]


def test_a_newer_wan_model_paints_from_a_conversation_as_a_task(dashscope: Script) -> None:
    dashscope.on(LATER, Reply({"output": {"task_id": "task-1", "task_status": "PENDING"}}))
    dashscope.on(POLL, talked(dashscope.host + PICTURE))
    dashscope.on(PICTURE, Reply(png(photo())))
    paint("wan2.6-t2i", "1104*1472")
    (order,) = dashscope.requests_to(LATER)
    assert order.headers["X-DashScope-Async"] == "enable"
    assert order.body == {
        "model": "wan2.6-t2i",
        "input": {"messages": [{"role": "user", "content": [{"text": "西湖的清晨"}]}]},
        "parameters": {
            "size": "1104*1472",
            "seed": 42,
            "n": 1,
            "negative_prompt": "people",
            "prompt_extend": True,
            "watermark": False,
        },
    }


def test_wan26_image_is_asked_for_a_picture_from_words_alone(dashscope: Script) -> None:
    dashscope.on(LATER, Reply({"output": {"task_id": "task-1"}}))
    dashscope.on(POLL, talked(dashscope.host + PICTURE))
    dashscope.on(PICTURE, Reply(png(photo())))
    paint("wan2.6-image", "960*1280")
    parameters = dashscope.requests_to(LATER)[0].body["parameters"]
    assert (parameters["enable_interleave"], parameters["max_images"], parameters["n"]) == (True, 1, 1)
    assert "prompt_extend" not in parameters


@pytest.mark.parametrize(
    ("model", "size", "parameters"),
    [
        (
            "qwen-image-2.0",
            "1024*1024",
            {"n": 1, "negative_prompt": "people", "prompt_extend": True, "watermark": False},
        ),
        ("z-image-turbo", "1024*1536", {"prompt_extend": True}),
    ],
)
def test_qwen_image_and_z_image_answer_at_once(
    dashscope: Script, model: str, size: str, parameters: dict[str, object]
) -> None:
    dashscope.on(NOW, talked(dashscope.host + PICTURE))
    dashscope.on(PICTURE, Reply(png(photo())))
    paint(model, size)
    (order,) = dashscope.requests_to(NOW)
    assert "X-DashScope-Async" not in order.headers
    assert order.body["parameters"] == {"size": size, "seed": 42, **parameters}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refused(400, "DataInspectionFailed"), ContentRefused),
        (Reply(drop=True), OutcomeUnknown),
        (Reply({"output": {"choices": [{"message": {"content": [{"text": "只有文字"}]}}]}}), RequestRefused),
        (Reply({"output": {"choices": "x"}}), RequestRefused),
        (Reply({"output": {"choices": [None]}}), RequestRefused),
    ],
)
def test_a_picture_that_does_not_come_at_once_is_not_ordered_again(
    dashscope: Script, reply: Reply, kind: type[NodeError]
) -> None:
    dashscope.on(NOW, reply)
    with pytest.raises(kind):
        paint("qwen-image-2.0", "1024*1024")
    assert len(dashscope.seen) == 1


def test_the_key_stays_out_of_sight(dashscope: Script) -> None:
    assert KEY not in repr(DashScope.from_environment(3))
