"""A running feed, pictures to show in it, and a real browser to look at it with."""

from __future__ import annotations

import functools
import http.server
import io
import json
import os
import shutil
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared import webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

_CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@functools.lru_cache
def _landscape(width: int, height: int, kind: str = "PNG") -> bytes:
    """A sunset over hills: a gradient is enough to see whether a picture is shown, cropped or stretched."""
    ramp = Image.linear_gradient("L").resize((width, height))
    sky = Image.composite(Image.new("RGB", ramp.size, "#f6a15b"), Image.new("RGB", ramp.size, "#43658b"), ramp)
    draw = ImageDraw.Draw(sky)
    draw.ellipse((width * 0.6, height * 0.35, width * 0.78, height * 0.35 + width * 0.18), fill="#ffe9b8")
    draw.polygon(
        [(0, height), (0, height * 0.7), (width * 0.4, height * 0.52), (width, height * 0.82), (width, height)]
    )
    draw.polygon([(0, height), (width * 0.3, height * 0.8), (width, height * 0.68), (width, height)], fill="#2f4f4f")
    file = io.BytesIO()
    sky.save(file, kind)
    return file.getvalue()


class _Pictures(http.server.BaseHTTPRequestHandler):
    """``/768x960.png`` is a picture of that size, as is ``.avif``; ``.broken`` an AVIF that none can read; anything
    else is not there.
    """

    def do_GET(self) -> None:
        name, _, ending = self.path.removeprefix("/").partition(".")
        size = name.split("x")
        if len(size) != 2 or not all(part.isdigit() for part in size):
            self.send_error(404)
            return
        kind = "PNG" if ending == "png" else "AVIF"
        body = b"nothing" if ending == "broken" else _landscape(int(size[0]), int(size[1]), kind)
        self.send_response(200)
        self.send_header("content-type", f"image/{kind.lower()}")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def pictures() -> Iterator[str]:
    """The address of a server of pictures."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window. Its absence skips the tests on a desk and fails them in CI.

    Not for the whole session: while it lives, playwright keeps an event loop running in this thread, and no other
    test of the process could run one of its own.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium found")
        pytest.skip("no chromium found: install the distribution's chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with Supervisor(Cloud.open(tmp_path_factory.mktemp("cloud"), free_ports=True), ["feed"]) as supervisor:
        yield supervisor


@pytest.fixture
def feed(site: Supervisor, pictures: str) -> Iterator[Feed]:
    """A running feed without posts."""
    feed = Feed(site, pictures)
    yield feed
    feed.start()
    feed.clear()


@pytest.fixture
def visit(browser: Browser, feed: Feed) -> Iterator[Callable[..., Page]]:
    """Opens a page for a reader of their own, Chinese and at a desk unless said otherwise.

    Leaving the test fails it for anything the pages wrote to the console, but for lines that hold `expected`.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(expected: str | None = None, **options: Any) -> Page:
        def listen(complaint: str) -> None:
            if expected is None or expected not in complaint:
                complaints.append(complaint)

        at_a_desk = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**(at_a_desk | options))
        contexts.append(context)
        context.on("console", lambda message: listen(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: listen(str(error.error)))
        return context.new_page()

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    return visit()


class Feed:
    """The running feed, seen by its sender."""

    def __init__(self, supervisor: Supervisor, pictures: str) -> None:
        self.url = supervisor.cloud.url("feed")
        self._supervisor = supervisor
        self._secret = supervisor.cloud.feed_secret
        self._pictures = pictures
        self._post_ids: list[str] = []

    def publish(self, **changes: Any) -> str:
        """Post one journey, with `changes` to an ordinary post; answers the post's id."""
        journey_id = str(uuid.uuid4())
        content = {
            "journey_id": journey_id,
            "visibility": "public",
            "style": {"id": "watercolour", "name_zh": "水彩", "name_en": "Watercolour"},
            "title": "太湖边的晚风",
            "caption": "三天六百公里，把五月的湖光装进后视镜。",
            "tags": ["自驾游", "五一", "江南"],
            "alt_text": "水彩画：傍晚的湖边公路，一辆黑色轿车停在柳树下",
            "language": "zh",
            "cities": ["上海市", "湖州市", "无锡市"],
            "date": "2024-05-05",
            "distance_km": 645,
            "images": [self.image(1536, 1920), self.image(768, 960), self.image(384, 480)],
            "ai_generated": True,
            "ai_notice": "AI生成",
        } | changes
        delivery = {"type": "post.created", "timestamp": "2026-05-05T19:10:00Z", "data": content}
        body = json.dumps(delivery, ensure_ascii=False).encode()
        headers = self._signed(journey_id, body) | {"idempotency-key": journey_id}
        answer = requests.post(f"{self.url}/api/posts", data=body, headers=headers, timeout=10)
        assert answer.status_code == 201, answer.text
        self._post_ids.append(answer.json()["post_id"])
        return self._post_ids[-1]

    def withdraw(self, post_id: str) -> None:
        self._post_ids.remove(post_id)
        answer = requests.delete(f"{self.url}/api/posts/{post_id}", headers=self._signed(post_id, b""), timeout=10)
        assert answer.status_code == 204, answer.text

    def clear(self) -> None:
        for post_id in list(self._post_ids):
            self.withdraw(post_id)

    def crash(self) -> None:
        self._supervisor.stop_service("feed", kill=True)

    def start(self) -> None:
        self._supervisor.start_service("feed")

    def image(self, width: int, height: int, name: str = "") -> dict[str, Any]:
        return {
            "url": f"{self._pictures}/{name or f'{width}x{height}.png'}",
            "width": width,
            "height": height,
            "content_type": "image/png" if name.endswith("png") or not name else "image/avif",
            "size_bytes": 40_000,
        }

    def _signed(self, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = int(time.time())
        return {
            webhooks.ID_HEADER: message_id,
            webhooks.TIMESTAMP_HEADER: str(timestamp),
            webhooks.SIGNATURE_HEADER: webhooks.sign(self._secret, message_id, timestamp, body),
        }
