"""The feed's client: a signed delivery that may be repeated, and what each answer means."""

from __future__ import annotations

import time

import pytest

from shared import webhooks
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable
from shared.feed import Feed, Post, PostImage, PostReceipt, PostStyle, open_feed
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, GARBAGE, HTML, PATIENCE_S, SILENT, Reply, session_with

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
JOURNEY = "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60"
CREATED_AT = "2026-11-22T08:00:00+00:00"
POST = Post(
    journey_id=JOURNEY, visibility="public", style=PostStyle("ink_wash", "水墨", "Ink wash"), title="雨中西湖",
    caption="撑着伞慢慢走。", tags=("西湖", "雨"), alt_text="雾里的湖", language="zh", cities=("杭州",), date="2025-03-22",
    distance_km=176, images=(PostImage("http://gallery/a.jpg", 768, 960, "image/jpeg", 90_000),),
)  # fmt: skip
RECEIPT = Reply(201, b'{"post_id":"p-1","url":"http://feed/posts/p-1"}')


@pytest.fixture
def feed(service) -> Feed:
    return at(f"{service.url}/api/posts")


def at(url: str, patience_s: float = PATIENCE_S) -> Feed:
    return Feed(url, SECRET, session_with(patience_s))


def test_a_post_is_delivered_signed_under_its_journey(feed, service):
    service.answers(RECEIPT)
    assert feed.publish(POST, CREATED_AT) == PostReceipt("p-1", "http://feed/posts/p-1")
    [seen] = service.seen
    assert (seen.method, seen.path, seen.query) == ("POST", "/api/posts", {})
    assert seen.headers["idempotency-key"] == JOURNEY
    assert webhooks.verify(SECRET, seen.headers, seen.body, now=time.time()) == JOURNEY
    delivery = seen.json()
    assert (delivery["type"], delivery["timestamp"]) == ("post.created", CREATED_AT)
    assert delivery["data"]["title"] == "雨中西湖"
    assert (delivery["data"]["ai_generated"], delivery["data"]["ai_notice"]) == (True, "AI生成")


@pytest.mark.parametrize(
    "lost", [DROPPED, SILENT, GARBAGE, CUT_SHORT, HTML, Reply(200, b"\xff"), Reply(500), Reply(503), Reply(429)],
    ids=["dropped", "silent", "garbage", "cut", "html", "bytes", "500", "503", "429"],
)  # fmt: skip
def test_a_delivery_is_repeated_byte_for_byte_until_there_is_a_receipt(service, lost):
    service.answers(lost, RECEIPT)
    assert at(f"{service.url}/api/posts", lost.patience_s).publish(POST, CREATED_AT).post_id == "p-1"
    first, second = service.seen[0], service.seen[-1]
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"post_id":7}', id="number"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(b'{"post_id":"\xff"}', id="bytes"),
    ],
)
def test_a_receipt_that_cannot_be_read_leaves_the_outcome_unknown(feed, service, body):
    service.answers(Reply(201, body), Reply(400))
    with pytest.raises(Refused):
        feed.publish(POST, CREATED_AT)
    assert len(service.seen) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Misconfigured) for status in (301, 401, 403, 404)),
        *((status, Refused) for status in (400, 409, 413, 422)),
    ],
)
def test_a_no_is_not_repeated(feed, service, status, kind):
    service.answers(Reply(status, "不要".encode(), {"Location": "/elsewhere"}))
    with pytest.raises(kind) as raised:
        feed.publish(POST, CREATED_AT)
    assert type(raised.value) is kind
    assert "不要" not in str(raised.value)
    assert len(service.seen) == 1


@pytest.mark.parametrize(("status", "kind"), [(429, Unavailable), (503, OutcomeUnknown)])
def test_a_delivery_is_given_up_after_four_times(feed, service, status, kind):
    service.answers(Reply(status))
    with pytest.raises(kind):
        feed.publish(POST, CREATED_AT)
    assert len(service.seen) == 4


def test_a_refused_connection_has_taken_nothing(refusing):
    with pytest.raises(Unavailable) as raised:
        at(f"http://{refusing}/api/posts").publish(POST, CREATED_AT)
    assert (raised.value.service, raised.value.code) == ("feed", "ConnectionFailed")


def test_a_look_up_is_signed_for_its_journey(feed, service):
    service.answers(RECEIPT)
    assert feed.find(JOURNEY) == PostReceipt("p-1", "http://feed/posts/p-1")
    [seen] = service.seen
    assert (seen.method, seen.query, seen.body) == ("GET", {"journey_id": JOURNEY}, b"")
    assert webhooks.verify(SECRET, seen.headers, b"", now=time.time()) == JOURNEY


def test_no_post_is_an_answer(feed, service):
    service.answers(Reply(404, b"{}"))
    assert feed.find(JOURNEY) is None
    assert len(service.seen) == 1


def test_a_withdrawal_is_signed_so_that_a_look_up_is_none_and_is_repeated(feed, service):
    service.answers(Reply(500), Reply(204))
    feed.withdraw(JOURNEY)
    assert [seen.method for seen in service.seen] == ["DELETE", "DELETE"]
    seen = service.seen[-1]
    assert seen.query == {"journey_id": JOURNEY}
    assert webhooks.verify(SECRET, seen.headers, b"", now=time.time()) == f"withdraw:{JOURNEY}"


def test_a_secret_that_cannot_sign_is_a_fault_of_the_settings(service):
    with pytest.raises(Misconfigured):
        open_feed(service.url, "not-a-secret").publish(POST, CREATED_AT)
    assert service.seen == []


def test_the_secret_stays_out_of_sight(feed):
    assert SECRET not in repr(feed)
