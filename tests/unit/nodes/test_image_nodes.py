"""WanxImage and ImageSynthesisNode: one paid task, patient polling, one checked download."""

from __future__ import annotations

import sys
import time
from itertools import islice
from types import ModuleType

import numpy as np
import pytest

from tests.unit.nodes.scripted import (
    CREATE,
    KEY,
    PICTURE,
    POLL,
    Reply,
    Script,
    created,
    painted,
    photo,
    png,
    refused,
    state,
)
from workflows.custom_nodes.tripcanvas.dashscope_client import picture_address, poll_pauses_s
from workflows.custom_nodes.tripcanvas.errors import (
    ContentRefused,
    DeadlinePassed,
    NodeError,
    NotConfigured,
    OutcomeUnknown,
    PictureRefused,
    RequestRefused,
)
from workflows.custom_nodes.tripcanvas.image_nodes import ImageSynthesisNode, WanxImage

PROMPT = "杭州西湖的清晨，三潭印月，薄雾"


def paint(deadline_s: int = 30) -> np.ndarray:
    (image,) = WanxImage().paint(PROMPT, "people", "wan2.2-t2i-flash", "768*960", 42, False, deadline_s)
    assert isinstance(image, np.ndarray)
    return image


def ready(dashscope: Script) -> None:
    dashscope.on(CREATE, created())
    dashscope.on(POLL, painted(dashscope.host + PICTURE))
    dashscope.on(PICTURE, Reply(png(photo())))


def test_a_picture_arrives_as_comfyui_image_with_exact_pixels(dashscope: Script) -> None:
    ready(dashscope)
    image = paint()
    assert image.shape == (1, 64, 48, 3)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(np.round(image[0] * 255).astype(np.uint8), photo())
    assert image.min() >= 0
    assert image.max() <= 1


def test_exactly_one_picture_is_ordered_without_rewriting_and_watermark(dashscope: Script) -> None:
    ready(dashscope)
    paint()
    (order,) = dashscope.requests_to(CREATE)
    assert order.headers["X-DashScope-Async"] == "enable"
    assert order.headers["Authorization"] == f"Bearer {KEY}"
    assert order.body == {
        "model": "wan2.2-t2i-flash",
        "input": {"prompt": PROMPT, "negative_prompt": "people"},
        "parameters": {"size": "768*960", "n": 1, "seed": 42, "prompt_extend": False, "watermark": False},
    }


def test_the_key_is_not_shown_to_the_host_that_keeps_the_picture(dashscope: Script) -> None:
    ready(dashscope)
    paint()
    (download,) = dashscope.requests_to(PICTURE)
    assert "Authorization" not in download.headers


def test_polls_that_fail_for_passing_reasons_do_not_lose_the_paid_task(dashscope: Script) -> None:
    ready(dashscope)
    dashscope.on(
        POLL,
        refused(429, "Throttling.RateQuota"),
        Reply(b"<html>", 503),
        Reply(drop=True),
        Reply({"request_id": "r"}),
        state("RUNNING"),
        painted(dashscope.host + PICTURE),
    )
    paint()
    assert len(dashscope.requests_to(CREATE)) == 1
    assert len(dashscope.requests_to(POLL)) >= 6


def test_a_throttled_order_is_repeated(dashscope: Script) -> None:
    ready(dashscope)
    dashscope.on(CREATE, refused(429, "Throttling.RateQuota"), created())
    paint()
    assert len(dashscope.requests_to(CREATE)) == 2


@pytest.mark.parametrize(
    "reply", [Reply(drop=True), Reply({"request_id": "r"}), Reply({"output": {"task_id": "../x"}})]
)
def test_an_order_of_unknown_outcome_is_not_repeated(dashscope: Script, reply: Reply) -> None:
    dashscope.on(CREATE, reply)
    with pytest.raises(OutcomeUnknown):
        paint()
    assert len(dashscope.seen) == 1


def test_a_service_that_is_not_there_is_dialled_until_the_deadline(dashscope: Script) -> None:
    dashscope.close()
    began = time.monotonic()
    with pytest.raises(RequestRefused, match="无法连接"):
        paint(deadline_s=1)
    assert time.monotonic() - began > 0.5


@pytest.mark.parametrize(
    ("poll", "kind", "words"),
    [
        (state("FAILED", code="DataInspectionFailed", message="…"), ContentRefused, "内容审查"),
        (state("FAILED", code="InternalError.Timeout"), RequestRefused, "InternalError.Timeout"),
        (state("FAILED"), RequestRefused, "Task.FAILED"),
        (state("CANCELED"), RequestRefused, "Task.CANCELED"),
        (state("UNKNOWN"), RequestRefused, "Task.UNKNOWN"),
        (state("SUCCEEDED", results=[{"code": "DataInspectionFailed", "message": "…"}]), ContentRefused, "内容审查"),
        (state("SUCCEEDED", results=[{"url": ""}]), RequestRefused, "百炼没有完成请求"),
        (state("SUCCEEDED", results=[]), RequestRefused, "百炼没有完成请求"),
        (refused(401, "InvalidApiKey"), NotConfigured, "DASHSCOPE_API_KEY"),
    ],
)
def test_a_task_that_ended_badly_says_why(dashscope: Script, poll: Reply, kind: type[NodeError], words: str) -> None:
    dashscope.on(CREATE, created())
    dashscope.on(POLL, poll)
    with pytest.raises(kind, match=words) as caught:
        paint()
    assert KEY not in str(caught.value)
    assert "西湖" not in str(caught.value)


def test_a_task_that_never_ends_is_given_up_at_the_deadline_and_named(dashscope: Script) -> None:
    dashscope.on(CREATE, created())
    dashscope.on(POLL, state("RUNNING"))
    began = time.monotonic()
    with pytest.raises(DeadlinePassed, match="task-1"):
        paint(deadline_s=1)
    assert time.monotonic() - began < 2


def test_an_unfinished_download_is_fetched_again(dashscope: Script) -> None:
    ready(dashscope)
    dashscope.on(PICTURE, Reply(b"", 503), Reply(drop=True), Reply(png(photo())))
    assert paint().shape == (1, 64, 48, 3)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>not a picture</html>"),
        Reply(png(photo())[:-900]),
        Reply(b"GIF89a" + bytes(40)),
        Reply(b"", 403),
        Reply(b"", 302, {"Location": "http://127.0.0.1:9/other.png"}),
        Reply(b"\x89PNG\r\n\x1a\n" + bytes(33 * 1024 * 1024)),
        Reply(png(np.zeros((1, 5000, 3), np.uint8))),
    ],
    ids=["html", "truncated", "gif", "forbidden", "redirect", "33 MiB", "5000 px wide"],
)
def test_what_is_no_complete_picture_of_sane_size_is_refused(dashscope: Script, reply: Reply) -> None:
    ready(dashscope)
    dashscope.on(PICTURE, reply)
    with pytest.raises(PictureRefused) as caught:
        paint()
    assert dashscope.host not in str(caught.value)


BEIJING = "https://dashscope.aliyuncs.com/api/v1"


@pytest.mark.parametrize(
    ("url", "base", "fetched"),
    [
        (
            "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/a.png?Expires=1&Signature=x%2B",
            BEIJING,
            "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/a.png?Expires=1&Signature=x%2B",
        ),
        (
            "http://dashscope-7c2c.oss-accelerate.aliyuncs.com/a.png?Expires=1",
            BEIJING,
            "https://dashscope-7c2c.oss-accelerate.aliyuncs.com/a.png?Expires=1",
        ),
        (
            "http://127.0.0.1:7713/pictures/a.png",
            "http://127.0.0.1:7713/api/v1",
            "http://127.0.0.1:7713/pictures/a.png",
        ),
    ],
)
def test_pictures_are_fetched_from_dashscopes_hosts_over_https(url: str, base: str, fetched: str) -> None:
    assert picture_address(url, base) == fetched


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/dashscope-result-bj.oss-cn-beijing.aliyuncs.com.png",
        "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com.evil.example/a.png",
        "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com@evil.example/a.png",
        "https://user@dashscope-result-bj.oss-cn-beijing.aliyuncs.com/a.png",
        "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com:8443/a.png",
        "https://other-bucket.oss-cn-beijing.aliyuncs.com/a.png",
        "http://dashscope.aliyuncs.com/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:22/",
        "file:///etc/passwd",
        "https://[broken/a.png",
        "",
    ],
)
def test_no_other_address_is_fetched(url: str) -> None:
    with pytest.raises(PictureRefused):
        picture_address(url, BEIJING)


def test_a_foreign_picture_address_is_not_even_dialled(dashscope: Script) -> None:
    ready(dashscope)
    dashscope.on(POLL, painted("http://127.0.0.1:9/evil.png"))
    with pytest.raises(PictureRefused, match="不属于百炼"):
        paint()


def test_the_cloud_is_asked_seldom_and_this_machine_often() -> None:
    assert list(islice(poll_pauses_s(loopback=False), 5)) == [2.0, 3.0, 5.0, 5.0, 5.0]
    near = list(islice(poll_pauses_s(loopback=True), 12))
    assert near[0] == 0.2
    assert near == sorted(near)
    assert near[-1] == 2.0


class _Cancelled(BaseException):
    pass


def test_cancelling_and_progress_go_through_comfyuis_own_hooks(
    dashscope: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    running = ModuleType("comfy.utils")
    model_management = ModuleType("comfy.model_management")

    class ProgressBar:
        def __init__(self, total: int) -> None:
            assert total == 100

        def update_absolute(self, value: int) -> None:
            shown.append(value)

    def throw_exception_if_processing_interrupted() -> None:
        if len(dashscope.requests_to(POLL)) >= 2:
            raise _Cancelled

    running.ProgressBar = ProgressBar  # type: ignore[attr-defined]
    model_management.throw_exception_if_processing_interrupted = (  # type: ignore[attr-defined]
        throw_exception_if_processing_interrupted
    )
    monkeypatch.setitem(sys.modules, "comfy.utils", running)
    monkeypatch.setitem(sys.modules, "comfy.model_management", model_management)
    dashscope.on(CREATE, created())
    dashscope.on(POLL, state("RUNNING"))
    began = time.monotonic()
    with pytest.raises(_Cancelled):
        paint()
    assert time.monotonic() - began < 3
    assert shown
    assert shown == sorted(shown)


def test_the_address_node_returns_the_vendors_address_and_takes_a_new_seed_each_time(dashscope: Script) -> None:
    ready(dashscope)
    urls = {ImageSynthesisNode().generate_image_url(PROMPT)[0] for _ in range(2)}
    assert urls == {dashscope.host + PICTURE}
    seeds = [order.body["parameters"]["seed"] for order in dashscope.requests_to(CREATE)]
    assert seeds[0] != seeds[1]
    assert all(0 <= seed <= 2147483647 for seed in seeds)
    assert not dashscope.requests_to(PICTURE)


def test_an_empty_prompt_costs_nothing(dashscope: Script) -> None:
    with pytest.raises(RequestRefused, match="提示词为空"):
        ImageSynthesisNode().generate_image_url("  ")
    assert not dashscope.seen


@pytest.mark.parametrize("size", ["768x960", "0768*960", "768*", "99*960", "", "768*960; drop"])
def test_a_malformed_size_fails_validation(size: str) -> None:
    answer = WanxImage.VALIDATE_INPUTS(size)
    assert isinstance(answer, str)
    assert "W*H" in answer


@pytest.mark.parametrize("size", ["768*960", "1440*512", None])
def test_a_good_or_linked_size_passes_validation(size: str | None) -> None:
    assert WanxImage.VALIDATE_INPUTS(size) is True
