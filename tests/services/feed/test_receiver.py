"""The receiver that ships as an example, as a process of its own, under real posts from the product's own client."""

from __future__ import annotations

import base64
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import requests

from shared.errors import Misconfigured, Refused
from shared.feed import Post, PostImage, PostStyle, document_of, open_feed
from shared.webhooks import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[3] / "examples" / "feed_receiver.py"
# One in each alphabet of base64; the second is the one that comes.
OLD = "whsec_" + base64.b64encode(bytes([251, 255, 190] * 8)).decode()
NEW = "whsec_" + base64.urlsafe_b64encode(bytes([251, 255, 191] * 10 + [7])).decode().rstrip("=")
STRANGE = "whsec_" + "QUFB" * 11
CREATED_AT = "2026-11-22T08:00:00+00:00"


@dataclass(frozen=True)
class Receiver:
    url: str
    database: Path

    def posts(self, journey: str) -> list[bytes | None]:
        with sqlite3.connect(self.database) as database:
            found = database.execute("SELECT document FROM posts WHERE journey = ?", (journey,)).fetchall()
        database.close()
        return [document for (document,) in found]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """It holds both keys, as while a key is being changed."""
    database = tmp_path_factory.mktemp("receiver") / "feed.sqlite"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FEED_SECRET": f"{OLD} {NEW}", "FEED_DATABASE": str(database)}
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE), str(port)], env=environment, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield Receiver(f"http://127.0.0.1:{port}/api/posts", database)
    finally:
        process.kill()
        process.wait()


def post(journey: str) -> Post:
    return Post(
        journey_id=journey, visibility="public", style=PostStyle("ink_wash", "水墨", "Ink wash"), title="雨中西湖",
        caption="撑着伞慢慢走。", tags=("西湖", "雨"), alt_text="雾里的湖", language="zh", cities=("杭州",),
        date="2025-03-22", distance_km=176,
        images=(PostImage("https://gallery.example.com/a.jpg", 768, 960, "image/jpeg", 90_000),),
    )  # fmt: skip


@pytest.fixture
def journey() -> str:
    return str(uuid.uuid4())


def raw(receiver: Receiver, journey: str, body: bytes, *, sent: bytes | None = None, **changes: str) -> int:
    """Send what was signed for `body`, with `sent` in its place if given; the status that came back."""
    at = int(changes.pop("at", time.time()))
    headers = {"webhook-id": journey, "webhook-timestamp": str(at), "idempotency-key": journey}
    headers["webhook-signature"] = sign(changes.pop("secret", OLD), journey, at, body)
    answer = requests.post(receiver.url, data=sent or body, headers={**headers, **changes}, timeout=10)
    return answer.status_code


@pytest.mark.parametrize("secret", [OLD, NEW, f"{OLD} {NEW}"], ids=["old", "new", "both"])
def test_a_real_post_is_taken_once_however_often_it_comes_by_either_key(receiver, journey, secret):
    feed = open_feed(receiver.url, secret)
    first = feed.publish(post(journey), CREATED_AT)
    assert feed.publish(post(journey), CREATED_AT) == first == feed.find(journey)
    [document] = receiver.posts(journey)
    assert msgspec.json.decode(document)["data"]["title"] == "雨中西湖"


def test_a_sender_with_a_strange_key_is_refused(receiver, journey):
    with pytest.raises(Misconfigured, match="401"):
        open_feed(receiver.url, STRANGE).publish(post(journey), CREATED_AT)
    assert receiver.posts(journey) == []


def test_a_tampered_replayed_or_unsigned_post_is_refused(receiver, journey):
    body = document_of(post(journey), CREATED_AT)
    tampered = body.replace("雨中西湖".encode(), "大减价".encode())
    assert raw(receiver, journey, body, sent=tampered) == 401
    assert raw(receiver, journey, body, at=str(int(time.time()) - 400)) == 401
    assert raw(receiver, journey, body, at=str(int(time.time()) + 400)) == 401
    assert raw(receiver, journey, body, **{"webhook-id": "msg_1"}) == 401
    assert raw(receiver, journey, body, **{"webhook-signature": ""}) == 401
    assert raw(receiver, journey, body, **{"webhook-signature": "v1,é"}) == 401
    assert receiver.posts(journey) == []
    assert raw(receiver, journey, body) == 201


def test_another_document_under_the_same_journey_changes_nothing(receiver, journey):
    feed = open_feed(receiver.url, NEW)
    feed.publish(post(journey), CREATED_AT)
    with pytest.raises(Refused, match="409"):
        feed.publish(msgspec.structs.replace(post(journey), title="另一幅画"), CREATED_AT)
    [document] = receiver.posts(journey)
    assert "雨中西湖".encode() in document


def test_a_withdrawn_post_is_forgotten_and_does_not_come_back(receiver, journey):
    feed = open_feed(receiver.url, NEW)
    feed.publish(post(journey), CREATED_AT)
    feed.withdraw(journey)
    assert receiver.posts(journey) == [None]
    assert feed.find(journey) is None
    with pytest.raises(Refused, match="409"):
        feed.publish(post(journey), CREATED_AT)


def test_a_withdrawal_before_the_post_keeps_it_out(receiver, journey):
    feed = open_feed(receiver.url, OLD)
    feed.withdraw(journey)
    with pytest.raises(Refused, match="409"):
        feed.publish(post(journey), CREATED_AT)


def test_a_look_ups_signature_is_not_good_for_a_withdrawal(receiver, journey):
    open_feed(receiver.url, OLD).publish(post(journey), CREATED_AT)
    at = int(time.time())
    headers = {"webhook-id": journey, "webhook-timestamp": str(at), "webhook-signature": sign(OLD, journey, at, b"")}
    answer = requests.delete(receiver.url, params={"journey_id": journey}, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert receiver.posts(journey) != [None]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "no secret at all"])
def test_without_a_key_of_24_bytes_it_does_not_start(tmp_path, secret):
    environment = {**os.environ, "FEED_SECRET": secret, "FEED_DATABASE": str(tmp_path / "feed.sqlite")}
    ended = subprocess.run([sys.executable, str(EXAMPLE), "0"], env=environment, capture_output=True, timeout=20)
    assert ended.returncode == 1
    assert b"FEED_SECRET: no key" in ended.stderr


def test_it_is_as_short_as_it_says():
    lines = [
        line for line in EXAMPLE.read_text("utf-8").splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    body = [line for line in lines if not re.match(r'import|from|"""', line)]
    assert len(body) <= 55
