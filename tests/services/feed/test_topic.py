"""The second target: posts and withdrawals on the topic community-feed, as official subscribers get them."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.clouds.messages import open_messages
from shared.errors import InvalidInput, Misconfigured
from shared.feed import PostReceipt
from shared.feed_topic import SignedMessage, open_topic_feed
from shared.services import Services
from shared.settings import Credentials, Settings
from shared.webhooks import verify
from tests.services.feed.test_receiver import CREATED_AT, NEW, OLD, STRANGE, post
from tests.services.mns.clients import account, eventually, made_queue, made_topic, queue_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.feed_topic import TopicFeed


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("topic") / "cloud", free_ports=True)
    with Supervisor(cloud, ["mns"]):
        yield cloud


@pytest.fixture
def topic(cloud: Cloud) -> str:
    name = f"community-feed-{uuid.uuid4().hex[:8]}"
    made_topic(cloud, name)
    return name


@pytest.fixture
def feed(cloud: Cloud, topic: str) -> TopicFeed:
    credentials = Credentials(cloud.access_key_id, cloud.access_key_secret)
    return open_topic_feed(open_messages(cloud.url("mns"), credentials), topic, f"{OLD} {NEW}")


@pytest.fixture
def journey() -> str:
    return str(uuid.uuid4())


def subscriber(cloud: Cloud, topic: str, content_format: str) -> Any:
    from mns.subscription import SubscriptionMeta

    name = f"q-{uuid.uuid4().hex[:8]}"
    queue = made_queue(cloud, name)
    meta = SubscriptionMeta(queue_endpoint(cloud, name), "", content_format)
    account(cloud).get_subscription(topic, name).subscribe(meta)
    return queue


def heard(queue: Any, count: int) -> list[str]:
    """The next messages of a subscriber's queue, in the order in which they came."""
    got: list[str] = []

    def more() -> bool:
        message = queue.receive_message(2)
        queue.delete_message(message.receipt_handle)
        got.append(message.message_body)
        return len(got) == count

    eventually(more)
    return got


def signed(text: str) -> tuple[dict[str, str], bytes]:
    """A message's headers and document, as the receiver's side has to take them apart."""
    message = json.loads(text)
    return message, message["body"].encode()


@pytest.mark.parametrize("held", [OLD, NEW], ids=["old", "new"])
@pytest.mark.parametrize("content_format", ["SIMPLIFIED", "JSON"])
def test_a_subscriber_gets_the_same_signed_document_under_its_journey(
    cloud, topic, feed, journey, content_format, held
):
    queue = subscriber(cloud, topic, content_format)
    assert feed.publish(post(journey), CREATED_AT) == PostReceipt(journey)
    [text] = heard(queue, 1)
    headers, document = signed(json.loads(text)["Message"] if content_format == "JSON" else text)
    assert verify(held, headers, document, now=time.time()) == journey
    assert headers["idempotency-key"] == journey
    found = msgspec.json.decode(document)
    assert (found["type"], found["timestamp"], found["data"]["title"]) == ("post.created", CREATED_AT, "雨中西湖")


def test_a_repetition_carries_the_same_document_and_key(cloud, topic, feed, journey):
    queue = subscriber(cloud, topic, "SIMPLIFIED")
    feed.publish(post(journey), CREATED_AT)
    feed.publish(post(journey), CREATED_AT)
    first, second = (msgspec.json.decode(text, type=SignedMessage) for text in heard(queue, 2))
    assert (first.body, first.idempotency_key, first.id) == (second.body, second.idempotency_key, second.id)


def test_a_withdrawal_is_a_signed_message_of_its_own(cloud, topic, feed, journey):
    queue = subscriber(cloud, topic, "SIMPLIFIED")
    feed.withdraw(journey)
    headers, document = signed(heard(queue, 1)[0])
    assert verify(NEW, headers, document, now=time.time()) == f"withdraw:{journey}"
    assert msgspec.json.decode(document) == {"type": "post.withdrawn", "data": {"journey_id": journey}}


def test_a_message_that_somebody_else_changed_or_signed_is_none(cloud, topic, feed, journey):
    queue = subscriber(cloud, topic, "SIMPLIFIED")
    feed.publish(post(journey), CREATED_AT)
    headers, document = signed(heard(queue, 1)[0])
    for secret, body in ((NEW, document.replace("雨".encode(), "雪".encode())), (STRANGE, document)):
        with pytest.raises(InvalidInput, match="webhook-signature"):
            verify(secret, headers, body, now=time.time())


def test_a_topic_cannot_be_asked_for_a_post(feed, journey):
    feed.publish(post(journey), CREATED_AT)
    assert feed.find(journey) is None


def test_a_topic_that_is_not_there_is_a_fault_of_the_settings(cloud, journey):
    credentials = Credentials(cloud.access_key_id, cloud.access_key_secret)
    feed = open_topic_feed(open_messages(cloud.url("mns"), credentials), "no-such-topic", NEW)
    with pytest.raises(Misconfigured, match="TopicNotExist"):
        feed.publish(post(journey), CREATED_AT)


@pytest.mark.parametrize("secret", ["", "whsec_" + base64.b64encode(bytes(23)).decode()])
def test_a_secret_that_cannot_sign_is_refused_when_the_target_is_opened(cloud, secret):
    settings = Settings.from_environment({**cloud.environment(), "TRIPCANVAS_FEED_TARGET": "mns"})
    from dataclasses import replace

    services = Services(replace(settings, feed_secret=secret), Credentials("LTAI0123", "secret-7b1e"))
    with pytest.raises(Misconfigured):
        _ = services.feed


def test_a_target_that_is_neither_is_named():
    with pytest.raises(Misconfigured, match="^TRIPCANVAS_FEED_TARGET must be http or mns$"):
        _ = Services(Settings(feed_target="kafka"), Credentials("LTAI0123", "secret-7b1e")).feed


def test_the_secret_stays_out_of_sight(feed):
    assert OLD not in repr(feed)
    assert NEW not in repr(feed)
