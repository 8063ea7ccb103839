"""Calls on topics and subscriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import Response

from localcloud.mns import documents
from localcloud.mns.errors import SmqError, already_exists, invalid_argument, not_exist
from localcloud.mns.model import (
    MAX_MESSAGE_BYTES,
    MAX_SUBSCRIPTIONS,
    MAX_TAG_CHARACTERS,
    ContentFormat,
    NotifyStrategy,
    Subscription,
    check_name,
)
from localcloud.mns.store import now_ms

if TYPE_CHECKING:
    from localcloud.mns.call import Call
    from localcloud.mns.model import Topic
    from localcloud.xmltree import Node

#: ``acs:mns:<region>:<account>:queues/<queue>``, ``acs:fc:<region>:<account>:functions/<function>``.
ENDPOINT = re.compile(
    r"acs:(?P<service>mns|fc):(?P<region>[a-z0-9-]+):(?P<account>\d+):/?(?:queues|functions)/(?P<name>[A-Za-z0-9_-]+)"
)


async def list_topics(call: Call) -> Response:
    """ListTopic."""
    topics, marker = call.page({topic.name: topic for topic in call.store.topics()})
    items: list[Node] = []
    for topic in topics:
        fields: list[Node] = [("TopicURL", _url(call, topic.name))]
        if call.wants_meta:
            fields += documents.topic_fields(topic, call.store.pending(topic.name))
        items.append(("Topic", fields))
    return documents.page("Topics", items, marker)


async def put_topic(call: Call) -> Response:
    """CreateTopic, and SetTopicAttributes with ``metaoverride=true``."""
    name = call.name("topic")
    check_name("Topic", name)
    tree = documents.read(call.body, "Topic")
    found = call.store.topic(name)
    if call.is_override:
        if found is None:
            raise not_exist("Topic")
        size, logging = documents.topic_attributes(
            tree, found.maximum_message_bytes, logging_enabled=found.logging_enabled
        )
        call.store.set_topic_attributes(name, size, logging_enabled=logging)
        return Response(status_code=204)
    size, logging = documents.topic_attributes(tree, MAX_MESSAGE_BYTES, logging_enabled=False)
    if found is not None and (found.maximum_message_bytes, found.logging_enabled) != (size, logging):
        raise already_exists("Topic")
    if found is None:
        call.store.create_topic(name, size, logging_enabled=logging)
    return Response(status_code=204 if found else 201, headers={"Location": _url(call, name)})


async def get_topic(call: Call) -> Response:
    """GetTopicAttributes."""
    topic = _topic(call)
    return documents.answer(200, "Topic", documents.topic_fields(topic, call.store.pending(topic.name)))


async def delete_topic(call: Call) -> Response:
    """DeleteTopic: 204 whether or not there was one."""
    call.store.delete_topic(call.name("topic"))
    return Response(status_code=204)


async def publish(call: Call) -> Response:
    """PublishMessage: accepted once it is on disk, delivered after that."""
    topic = _topic(call)
    tree = documents.read(call.body, "Message")
    body = documents.message_body(tree, topic.maximum_message_bytes)
    tag = tree.findtext("MessageTag", "")
    if len(tag) > MAX_TAG_CHARACTERS:
        raise invalid_argument("The length of MessageTag should between 1 and 16.")
    container = tree.find("MessageAttributes")
    attributes = tuple((each.tag, each.text or "") for each in container) if container is not None else ()
    user_properties = documents.properties(tree, "UserProperties", "PropertyValue")
    publication = call.store.publish(topic.name, body, tag, attributes, user_properties)
    call.service.pusher.wake()
    fields: list[Node] = [("MessageId", publication.id), ("MessageBodyMD5", publication.body_md5)]
    return documents.answer(201, "Message", fields)


async def list_subscriptions(call: Call) -> Response:
    """ListSubscriptionByTopic."""
    topic = _topic(call)
    found, marker = call.page({each.name: each for each in call.store.subscriptions(topic.name)})
    items: list[Node] = [("Subscription", [("SubscriptionURL", _subscription_url(call, each.name))]) for each in found]
    return documents.page("Subscriptions", items, marker)


async def put_subscription(call: Call) -> Response:
    """Subscribe, and SetSubscriptionAttributes (the strategy only) with ``metaoverride=true``."""
    topic, name = _topic(call), call.name("subscription")
    check_name("Subscription", name)
    tree = documents.read(call.body, "Subscription")
    found = call.store.subscription(topic.name, name)
    strategy = _strategy(tree.findtext("NotifyStrategy"), found.strategy if found else NotifyStrategy.BACKOFF)
    if call.is_override:
        if found is None:
            raise not_exist("Subscription")
        changed = Subscription(
            found.topic,
            found.name,
            found.endpoint,
            strategy,
            found.content_format,
            found.filter_tag,
            found.dead_letter_queue,
            found.created_ms,
            now_ms(),
        )
        call.store.put_subscription(changed)
        return Response(status_code=204)
    endpoint, tag = tree.findtext("Endpoint", ""), tree.findtext("FilterTag", "")
    content_format = _content_format(call, endpoint, tree.findtext("NotifyContentFormat"))
    if len(tag) > MAX_TAG_CHARACTERS:
        raise invalid_argument("The length of FilterTag should between 1 and 16.")
    url = _subscription_url(call, name)
    if found is not None:
        if (found.endpoint, found.strategy, found.content_format, found.filter_tag) != (
            endpoint,
            _strategy(tree.findtext("NotifyStrategy"), NotifyStrategy.BACKOFF),
            content_format,
            tag,
        ):
            raise already_exists("Subscription")
        return Response(status_code=204, headers={"Location": url})
    if len(call.store.subscriptions(topic.name)) >= MAX_SUBSCRIPTIONS:
        raise invalid_argument(f"A topic has at most {MAX_SUBSCRIPTIONS} subscriptions.")
    now = now_ms()
    call.store.put_subscription(Subscription(topic.name, name, endpoint, strategy, content_format, tag, "", now, now))
    return Response(status_code=201, headers={"Location": url})


async def get_subscription(call: Call) -> Response:
    """GetSubscriptionAttributes."""
    topic = _topic(call)
    found = call.store.subscription(topic.name, call.name("subscription"))
    if found is None:
        raise not_exist("Subscription")
    return documents.answer(200, "Subscription", documents.subscription_fields(found, call.service.cloud.account_id))


async def delete_subscription(call: Call) -> Response:
    """Unsubscribe: 204 whether or not there was one."""
    topic = _topic(call)
    call.store.delete_subscription(topic.name, call.name("subscription"))
    return Response(status_code=204)


def _topic(call: Call) -> Topic:
    topic = call.store.topic(call.name("topic"))
    if topic is None:
        raise not_exist("Topic")
    return topic


def _strategy(text: str | None, default: NotifyStrategy) -> NotifyStrategy:
    try:
        return NotifyStrategy(text) if text else default
    except ValueError:
        raise invalid_argument("The value of NotifyStrategy is invalid.") from None


def _content_format(call: Call, endpoint: str, text: str | None) -> ContentFormat:
    """The format for this endpoint; functions take STREAM (their default) or JSON. Raises `SmqError`."""
    match = ENDPOINT.fullmatch(endpoint)
    cloud = call.service.cloud
    is_known = match is not None and (match["region"], match["account"]) == (cloud.region, cloud.account_id)
    if not is_known and not endpoint.startswith(("http://", "https://")):
        raise SmqError(400, "EndpointInvalid", "The endpoint is no queue or function of this account, and no HTTP URL.")
    is_function = match is not None and match["service"] == "fc"
    try:
        content_format = ContentFormat(text) if text else ContentFormat.STREAM if is_function else ContentFormat.XML
    except ValueError:
        raise invalid_argument("The value of NotifyContentFormat is invalid.") from None
    for_functions = (ContentFormat.STREAM, ContentFormat.JSON)
    if (is_function and content_format not in for_functions) or (
        not is_function and content_format is ContentFormat.STREAM
    ):
        raise invalid_argument("The value of NotifyContentFormat does not fit the endpoint.")
    return content_format


def _url(call: Call, name: str) -> str:
    return f"{call.service.cloud.url('mns')}/topics/{name}"


def _subscription_url(call: Call, name: str) -> str:
    return f"{_url(call, call.name('topic'))}/subscriptions/{name}"
