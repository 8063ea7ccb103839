"""The XML bodies of SMQ, read into and written from the values of `localcloud.mns.model`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from localcloud.mns.errors import SmqError, invalid_argument, malformed_xml, out_of_range
from localcloud.mns.model import (
    MAX_DELAY_S,
    MAX_MESSAGE_BYTES,
    MAX_VISIBILITY_S,
    MAX_WAIT_S,
    TOPIC_RETENTION_S,
    Draft,
    Property,
    QueueAttributes,
)
from localcloud.xmltree import Node, NotXmlError, parse, render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from localcloud.mns.model import Message, Queue, Subscription, Topic

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"


def read(body: bytes, root: str) -> Element:
    """The request's document. Raises `SmqError` 400 MalformedXML."""
    try:
        return parse(body, root)
    except NotXmlError:
        raise malformed_xml() from None


def answer(status: int, root: str, content: list[Node]) -> Response:
    """An answer with an XML body."""
    return Response(render(root, content, namespace=NAMESPACE), status, media_type="text/xml;charset=utf-8")


def refusal(error: SmqError, request_id: str, host: str) -> Response:
    """The answer to a request that is refused."""
    fields: list[Node] = [("Code", error.code), ("Message", error.message)]
    return answer(error.status, "Error", [*fields, ("RequestId", request_id), ("HostId", host)])


def queue_attributes(tree: Element, base: QueueAttributes) -> QueueAttributes:
    """The attributes in a ``<Queue>``; what it leaves out is as in `base`. Raises `SmqError` outside the limits."""
    return QueueAttributes(
        _number(tree, "VisibilityTimeout", base.visibility_timeout_s, 1, MAX_VISIBILITY_S),
        _number(tree, "MaximumMessageSize", base.maximum_message_bytes, 1024, MAX_MESSAGE_BYTES, "bytes"),
        _number(tree, "MessageRetentionPeriod", base.retention_s, 60, 604_800),
        _number(tree, "DelaySeconds", base.delay_s, 0, MAX_DELAY_S),
        _number(tree, "PollingWaitSeconds", base.polling_wait_s, 0, MAX_WAIT_S),
        _flag(tree, "LoggingEnabled", default=base.logging_enabled),
    )


def topic_attributes(tree: Element, maximum_message_bytes: int, *, logging_enabled: bool) -> tuple[int, bool]:
    """Maximum message size and logging in a ``<Topic>``, by default as given. Raises `SmqError`."""
    return (
        _number(tree, "MaximumMessageSize", maximum_message_bytes, 1024, MAX_MESSAGE_BYTES, "bytes"),
        _flag(tree, "LoggingEnabled", default=logging_enabled),
    )


def draft(tree: Element, maximum_bytes: int) -> Draft:
    """One ``<Message>`` to be sent. Raises `SmqError`."""
    return Draft(
        message_body(tree, maximum_bytes),
        _number(tree, "DelaySeconds", 0, 0, MAX_DELAY_S) if tree.find("DelaySeconds") is not None else None,
        _number(tree, "Priority", 8, 1, 16, ""),
        tree.findtext("MessageGroupId", ""),
        properties(tree, "UserProperties", "PropertyValue"),
        properties(tree, "SystemProperties", "SystemPropertyValue"),
    )


def message_body(tree: Element, maximum_bytes: int) -> str:
    """The text of ``<MessageBody>``, counted as it was transported. Raises `SmqError`."""
    body = tree.findtext("MessageBody", "")
    if not body:
        raise invalid_argument("The XML you provided did not validate against our published schema: MessageBody.")
    size_bytes = len(body.encode())
    if size_bytes > maximum_bytes:
        raise out_of_range("MessageBody", 1, maximum_bytes, "bytes")
    return body


def properties(tree: Element, group: str, item: str) -> tuple[Property, ...]:
    """User or system properties of a message."""
    return tuple(
        Property(each.findtext("Name", ""), each.findtext("Value", ""), each.findtext("Type", ""))
        for each in tree.iterfind(f"{group}/{item}")
    )


def sent(message: Message) -> list[Node]:
    """What a sender gets back."""
    return [("MessageId", message.id), ("MessageBodyMD5", message.body_md5)]


def received(message: Message) -> list[Node]:
    """What a receiver gets."""
    held: list[Node] = [("ReceiptHandle", message.receipt_handle), ("NextVisibleTime", message.next_visible_ms)]
    return [*peeked(message), *held]


def peeked(message: Message) -> list[Node]:
    """What a peek shows: no receipt handle, no NextVisibleTime."""
    fields: list[Node] = [
        *sent(message),
        ("MessageBody", message.body),
        ("EnqueueTime", message.enqueued_ms),
        ("FirstDequeueTime", message.first_received_ms),
        ("DequeueCount", message.receive_count),
        ("Priority", message.priority),
    ]
    if message.group_id:
        fields.append(("MessageGroupId", message.group_id))
    for group, item, values in (
        ("UserProperties", "PropertyValue", message.user_properties),
        ("SystemProperties", "SystemPropertyValue", message.system_properties),
    ):
        if values:
            items: list[Node] = [
                (item, [("Name", each.name), ("Value", each.value), ("Type", each.type)]) for each in values
            ]
            fields.append((group, items))
    return fields


def queue_fields(queue: Queue, counts: tuple[int, int, int]) -> list[Node]:
    """Everything a queue says of itself; times are in seconds here."""
    attributes = queue.attributes
    active, inactive, delayed = counts
    return [
        ("QueueName", queue.name),
        ("CreateTime", queue.created_ms // 1000),
        ("LastModifyTime", queue.modified_ms // 1000),
        ("VisibilityTimeout", attributes.visibility_timeout_s),
        ("MaximumMessageSize", attributes.maximum_message_bytes),
        ("MessageRetentionPeriod", attributes.retention_s),
        ("DelaySeconds", attributes.delay_s),
        ("PollingWaitSeconds", attributes.polling_wait_s),
        ("ActiveMessages", active),
        ("InactiveMessages", inactive),
        ("DelayMessages", delayed),
        ("LoggingEnabled", str(attributes.logging_enabled)),
    ]


def topic_fields(topic: Topic, pending: int) -> list[Node]:
    """Everything a topic says of itself."""
    return [
        ("TopicName", topic.name),
        ("CreateTime", topic.created_ms // 1000),
        ("LastModifyTime", topic.modified_ms // 1000),
        ("MaximumMessageSize", topic.maximum_message_bytes),
        ("MessageRetentionPeriod", TOPIC_RETENTION_S),
        ("MessageCount", pending),
        ("LoggingEnabled", str(topic.logging_enabled)),
    ]


def subscription_fields(subscription: Subscription, account_id: str) -> list[Node]:
    """Everything a subscription says of itself."""
    fields: list[Node] = [
        ("SubscriptionName", subscription.name),
        ("Subscriber", account_id),
        ("TopicName", subscription.topic),
        ("TopicOwner", account_id),
        ("Endpoint", subscription.endpoint),
        ("NotifyStrategy", subscription.strategy.value),
        ("NotifyContentFormat", subscription.content_format.value),
        ("CreateTime", subscription.created_ms // 1000),
        ("LastModifyTime", subscription.modified_ms // 1000),
    ]
    return [*fields, ("FilterTag", subscription.filter_tag)] if subscription.filter_tag else fields


def page(root: str, items: Sequence[Node], next_marker: str) -> Response:
    """One page of a list; the SDK can't read an empty element, so there is no marker on the last page."""
    fields = list(items)
    if next_marker:
        fields.append(("NextMarker", next_marker))
    return answer(200, root, fields)


def _number(tree: Element, name: str, default: int, low: int, high: int, unit: str = "seconds") -> int:
    text = tree.findtext(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise invalid_argument(f"The value of {name} is no integer.") from None
    if not low <= value <= high:
        raise out_of_range(name, low, high, unit)
    return value


def _flag(tree: Element, name: str, *, default: bool) -> bool:
    text = tree.findtext(name)
    return default if text is None else text.lower() == "true"
