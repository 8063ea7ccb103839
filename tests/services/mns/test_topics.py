"""Topics, subscriptions and their pushes, through the official SDK and to real HTTP endpoints."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests
from mns.mns_exception import MNSServerException
from mns.subscription import SubscriptionMeta
from mns.topic import Base64TopicMessage, TopicMessage, TopicMeta

from localcloud import acs3
from localcloud.mns.model import NotifyStrategy
from localcloud.mns.pushing import retry_pause_s
from localcloud.signing import WireRequest
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.mns.clients import (
    Endpoint,
    Push,
    account,
    eventually,
    function_endpoint,
    made_queue,
    made_topic,
    queue_endpoint,
    subscribed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIP = '{"emoji":"出游","text":"新司机的五一出游!"}'
# Signs with datetime.utcnow().
SDK_WARNINGS = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
FAST = {"TRIPCANVAS_LOCAL_TIME_SCALE": "0.01"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("mns") / "cloud", free_ports=True)
    with Supervisor(cloud, ["mns"], FAST):
        yield cloud


@pytest.fixture
def topic(request: pytest.FixtureRequest, cloud: Cloud) -> Iterator[Any]:
    made = made_topic(cloud, hashlib.sha1(request.node.name.encode()).hexdigest())
    yield made
    # Ends what is still being tried, so that it can't reach the next test's endpoint.
    made.delete()


@pytest.fixture
def functions(cloud: Cloud) -> Iterator[Endpoint]:
    """Stands where Function Compute listens, and accepts every invocation."""
    with Endpoint([202], cloud.ports["fc"]) as endpoint:
        yield endpoint


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(MNSServerException) as error:
        call(*arguments)
    return str(error.value.type)


def test_a_function_gets_the_documented_json_event(cloud: Cloud, topic: Any, functions: Endpoint) -> None:
    subscribed(cloud, topic.topic_name, function_endpoint(cloud, "trip_completed"), "JSON")
    published = topic.publish_message(TopicMessage(TRIP))
    (push,) = functions.wait_for(1)
    assert push.path == "/2023-03-30/functions/trip_completed/invocations"
    assert push.headers["x-fc-invocation-type"] == "Async"
    event = json.loads(push.body)
    assert isinstance(event.pop("PublishTime"), int)
    assert event == {
        "TopicOwner": cloud.account_id,
        "Message": TRIP,
        "Subscriber": cloud.account_id,
        "SubscriptionName": "sub",
        "MessageMD5": hashlib.md5(TRIP.encode()).hexdigest().upper(),
        "TopicName": topic.topic_name,
        "MessageId": published.message_id,
    }


def test_a_stream_event_is_the_body_and_nothing_else(cloud: Cloud, topic: Any, functions: Endpoint) -> None:
    subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"))
    topic.publish_message(TopicMessage(TRIP))
    topic.publish_message(Base64TopicMessage(TRIP))
    bodies = {push.body for push in functions.wait_for(2)}
    assert bodies == {TRIP.encode(), base64.b64encode(TRIP.encode())}


@pytest.mark.parametrize(
    ("content_format", "expected"),
    [
        ("STREAM", {"body": "hello topic", "attrs": {"Extend": '{"key":"价值"}'}}),
        ("JSON", {"Message": "hello topic", "key": "价值"}),
    ],
)
def test_message_attributes_reach_the_function(
    cloud: Cloud, topic: Any, functions: Endpoint, content_format: str, expected: dict[str, object]
) -> None:
    subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"), content_format)
    _publish_with_attributes(cloud, topic.topic_name, "hello topic", '{"key":"价值"}')
    (push,) = functions.wait_for(1)
    event = json.loads(push.body)
    assert {name: event[name] for name in expected} == expected


def test_the_invocation_is_signed_for_the_open_api(cloud: Cloud, topic: Any, functions: Endpoint) -> None:
    subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"))
    topic.publish_message(TopicMessage(TRIP))
    (push,) = functions.wait_for(1)
    request = WireRequest("POST", push.path, "", push.headers)
    keys = {"access_key_id": cloud.access_key_id, "access_key_secret": cloud.access_key_secret}
    acs3.verify(request, push.body, **keys)
    with pytest.raises(acs3.SignatureRejected, match="hash of the body"):
        acs3.verify(request, push.body + b" ", **keys)
    with pytest.raises(acs3.SignatureRejected, match="15 minutes"):
        acs3.verify(request, push.body, **keys, now=datetime.now(timezone.utc) + timedelta(minutes=16))
    with pytest.raises(acs3.SignatureRejected, match="computed"):
        acs3.verify(request, push.body, access_key_id=cloud.access_key_id, access_key_secret="wrong")


@SDK_WARNINGS
def test_the_official_client_signs_as_verified(functions: Endpoint, cloud: Cloud) -> None:
    from alibabacloud_fc20230330 import models
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_tea_openapi.utils_models import Config
    from darabonba.runtime import RuntimeOptions

    config = Config(
        access_key_id=cloud.access_key_id,
        access_key_secret=cloud.access_key_secret,
        endpoint=f"127.0.0.1:{cloud.ports['fc']}",
        protocol="http",
    )
    request = models.InvokeFunctionRequest(body=TRIP.encode(), qualifier="LATEST")
    Client(config).invoke_function_with_options("f", request, models.InvokeFunctionHeaders(), RuntimeOptions())
    (push,) = functions.wait_for(1)
    path = urlsplit(push.path)
    acs3.verify(
        WireRequest("POST", path.path, path.query, push.headers),
        push.body,
        access_key_id=cloud.access_key_id,
        access_key_secret=cloud.access_key_secret,
    )


def test_a_function_that_is_not_reached_is_tried_again_until_it_is(cloud: Cloud, topic: Any) -> None:
    subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"), strategy="EXPONENTIAL_DECAY_RETRY")
    topic.publish_message(TopicMessage(TRIP))
    eventually(lambda: "not taken by " + topic.topic_name in cloud.log_file("mns").read_text("utf-8"))
    with Endpoint([429, 500, 202], cloud.ports["fc"]) as functions:
        assert [push.body for push in functions.wait_for(3)] == [TRIP.encode()] * 3
        eventually(lambda: topic.get_attributes().message_count == 0)


def test_a_message_nobody_takes_becomes_the_subscriptions_dead_letter(cloud: Cloud, topic: Any) -> None:
    dead = made_queue(cloud, f"{topic.topic_name}-dead")
    subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"), "JSON")
    policy = {"DeadLetterTargetQueue": f"{topic.topic_name}-dead"}
    url = f"{cloud.url('mns')}/-/topics/{topic.topic_name}/subscriptions/sub/dead-letter"
    assert requests.put(url, json=policy, timeout=5).status_code == 204
    with Endpoint([503], cloud.ports["fc"]) as functions:
        topic.publish_message(TopicMessage(TRIP))
        assert dead.receive_message(15).message_body == TRIP
        assert len(functions.pushes) == 4


def test_a_message_nobody_takes_is_dropped_with_its_id_in_the_log(cloud: Cloud, topic: Any) -> None:
    with Endpoint([503], cloud.ports["fc"]):
        subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"))
        published = topic.publish_message(TopicMessage(TRIP))
        line = f"message {published.message_id} dropped by {topic.topic_name}/sub after 4 attempts: HTTP 503"
        eventually(lambda: line in cloud.log_file("mns").read_text("utf-8"))
    assert "出游" not in cloud.log_file("mns").read_text("utf-8")
    assert topic.get_attributes().message_count == 0


def test_what_is_under_way_survives_a_crash(tmp_path: Any) -> None:
    cloud = Cloud.open(tmp_path / "cloud", free_ports=True)
    with Supervisor(cloud, ["mns"], FAST) as supervisor:
        topic = made_topic(cloud, "crash")
        subscribed(cloud, "crash", function_endpoint(cloud, "f"), strategy="EXPONENTIAL_DECAY_RETRY")
        published = topic.publish_message(TopicMessage(TRIP))
        supervisor.stop_service("mns", kill=True)

        with Endpoint([202], cloud.ports["fc"]) as functions:
            supervisor.start_service("mns")
            assert functions.wait_for(1)[0].body == TRIP.encode()
        assert published.message_id


def test_an_attempt_that_outlives_its_topic_ends_no_other_delivery(cloud: Cloud) -> None:
    with Endpoint([202], cloud.ports["fc"], thinks_s=0.3) as functions:
        for body in ("first", "second"):
            topic = made_topic(cloud, f"outlived-{body}")
            subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"))
            topic.publish_message(TopicMessage(body))
            functions.wait_for(1)
            if body == "first":
                topic.delete()
        assert [push.body for push in functions.wait_for(2)] == [b"first", b"second"]
        topic.delete()


@pytest.mark.parametrize("content_format", ["XML", "JSON", "SIMPLIFIED"])
def test_a_queue_gets_the_notification_in_its_format(cloud: Cloud, topic: Any, content_format: str) -> None:
    queue = made_queue(cloud, f"{topic.topic_name}-q")
    subscribed(cloud, topic.topic_name, queue_endpoint(cloud, f"{topic.topic_name}-q"), content_format)
    published = topic.publish_message(TopicMessage(TRIP, "live"))
    body = queue.receive_message(10).message_body
    assert _message_of(body, content_format) == TRIP
    if content_format != "SIMPLIFIED":
        assert published.message_id in body
        assert "live" in body


@pytest.mark.parametrize("content_format", ["XML", "JSON", "SIMPLIFIED"])
def test_an_http_endpoint_gets_the_notification(cloud: Cloud, topic: Any, content_format: str) -> None:
    with Endpoint([500, 204]) as endpoint:
        subscribed(cloud, topic.topic_name, f"http://127.0.0.1:{endpoint.port}", content_format)
        topic.publish_message(TopicMessage(TRIP, "live"))
        pushes: list[Push] = endpoint.wait_for(2)
    assert [push.path for push in pushes] == ["/notifications"] * 2
    assert pushes[0].body == pushes[1].body
    assert _message_of(pushes[1].body.decode(), content_format) == TRIP
    assert pushes[1].headers["x-mns-version"] == "2015-06-06"
    if content_format == "SIMPLIFIED":
        assert pushes[1].headers["x-mns-message-tag"] == "live"


def test_a_filter_tag_lets_only_its_own_messages_through(cloud: Cloud, topic: Any) -> None:
    queue = made_queue(cloud, f"{topic.topic_name}-q")
    endpoint = queue_endpoint(cloud, f"{topic.topic_name}-q")
    subscribed(cloud, topic.topic_name, endpoint, "SIMPLIFIED", tag="live")
    for tag in ("backfill", "", "live"):
        topic.publish_message(TopicMessage(f"{tag}:{TRIP}", tag))
    assert queue.receive_message(10).message_body == f"live:{TRIP}"
    assert code_of(queue.receive_message, 0) == "MessageNotExist"


def test_subscriptions_are_described_changed_listed_and_removed(cloud: Cloud, topic: Any) -> None:
    endpoint = function_endpoint(cloud, "trip_completed")
    subscription = subscribed(cloud, topic.topic_name, endpoint, "JSON", tag="live")
    found = subscription.get_attributes()
    assert (found.endpoint, found.notify_content_format, found.filter_tag) == (endpoint, "JSON", "live")
    assert (found.notify_strategy, found.topic_owner) == ("BACKOFF_RETRY", cloud.account_id)
    subscription.set_attributes(SubscriptionMeta(notify_strategy="EXPONENTIAL_DECAY_RETRY"))
    assert subscription.get_attributes().notify_strategy == "EXPONENTIAL_DECAY_RETRY"
    urls, marker = topic.list_subscription()
    assert (urls, marker) == ([f"{cloud.url('mns')}/topics/{topic.topic_name}/subscriptions/sub"], "")
    subscription.unsubscribe()
    assert code_of(subscription.get_attributes) == "SubscriptionNotExist"


def test_subscribing_twice_is_harmless_unless_it_differs(cloud: Cloud, topic: Any) -> None:
    subscription = subscribed(cloud, topic.topic_name, function_endpoint(cloud, "f"), "JSON")
    again = SubscriptionMeta(function_endpoint(cloud, "f"), "", "JSON")
    assert subscription.subscribe(again).endswith("/subscriptions/sub")
    other = SubscriptionMeta(function_endpoint(cloud, "g"), "", "JSON")
    assert code_of(subscription.subscribe, other) == "SubscriptionAlreadyExist"


def test_endpoints_of_others_are_refused(cloud: Cloud, topic: Any) -> None:
    for endpoint in (
        f"acs:mns:{cloud.region}:1:queues/q",
        f"acs:fc:us-west-1:{cloud.account_id}:functions/f",
        "mail:directmail:a@example.com",
    ):
        subscription = account(cloud).get_subscription(topic.topic_name, "sub")
        assert code_of(subscription.subscribe, SubscriptionMeta(endpoint)) == "EndpointInvalid"


def test_topic_attributes(cloud: Cloud, topic: Any) -> None:
    topic.set_attributes(TopicMeta(maximum_message_size=2048))
    found = topic.get_attributes()
    assert (found.maximum_message_size, found.message_retention_period) == (2048, 86_400)
    assert code_of(topic.publish_message, TopicMessage("x" * 2049)) == "InvalidArgument"
    assert code_of(topic.create, TopicMeta()) == "TopicAlreadyExist"
    assert code_of(account(cloud).get_topic("absent").publish_message, TopicMessage("x")) == "TopicNotExist"


def test_backoff_tries_three_times_after_ten_to_twenty_seconds() -> None:
    pauses = [retry_pause_s(NotifyStrategy.BACKOFF, attempts) for attempts in (1, 2, 3)]
    assert all(pause is not None and 10 <= pause <= 20 for pause in pauses)
    assert retry_pause_s(NotifyStrategy.BACKOFF, 4) is None


def test_exponential_decay_tries_for_a_day() -> None:
    pauses = [retry_pause_s(NotifyStrategy.EXPONENTIAL, attempts) for attempts in range(1, 178)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses.count(512) == 167
    assert pauses[-1] is None
    assert 86_000 < sum(pause for pause in pauses if pause) < 86_400


def _message_of(body: str, content_format: str) -> str:
    if content_format == "XML":
        return ElementTree.fromstring(body).findtext("{http://mns.aliyuncs.com/doc/v1/}Message", "")
    return str(json.loads(body)["Message"]) if content_format == "JSON" else body


def _publish_with_attributes(cloud: Cloud, topic: str, body: str, extend: str) -> None:
    """Publish with an ``Extend`` attribute, for which the SDK has no method."""
    path = f"/topics/{topic}/messages"
    document = (
        '<?xml version="1.0" encoding="utf-8"?><Message xmlns="http://mns.aliyuncs.com/doc/v1/">'
        f"<MessageBody>{body}</MessageBody><MessageAttributes><Extend>{extend}</Extend></MessageAttributes></Message>"
    ).encode()
    headers = {
        "content-md5": base64.b64encode(hashlib.md5(document).digest()).decode(),
        "content-type": "text/xml;charset=UTF-8",
        "date": formatdate(usegmt=True),
        "x-mns-version": "2015-06-06",
    }
    signed = "\n".join(
        ("POST", headers["content-md5"], headers["content-type"], headers["date"], f"x-mns-version:2015-06-06\n{path}")
    )
    digest = hmac.new(cloud.access_key_secret.encode(), signed.encode(), hashlib.sha1).digest()
    headers["authorization"] = f"MNS {cloud.access_key_id}:{base64.b64encode(digest).decode()}"
    answer = requests.post(cloud.url("mns") + path, data=document, headers=headers, timeout=5)
    assert answer.status_code == 201
