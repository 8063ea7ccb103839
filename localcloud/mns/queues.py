"""Calls on queues and their messages."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from starlette.responses import Response

from localcloud.mns import documents
from localcloud.mns.errors import (
    SmqError,
    already_exists,
    bad_receipt_handle,
    invalid_argument,
    no_message,
    not_exist,
    out_of_range,
)
from localcloud.mns.model import (
    MAX_BATCH,
    MAX_MESSAGE_BYTES,
    MAX_VISIBILITY_S,
    MAX_WAIT_S,
    Draft,
    QueueAttributes,
    check_name,
)
from localcloud.mns.store import now_ms

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from localcloud.mns.call import Call
    from localcloud.mns.model import Message, Queue
    from localcloud.xmltree import Node

_RECEIPT_HANDLE = re.compile(r"\d{1,2}-[0-9a-f]{32}")


async def list_queues(call: Call) -> Response:
    """ListQueue."""
    queues, marker = call.page({queue.name: queue for queue in call.store.queues()})
    items: list[Node] = []
    for queue in queues:
        fields: list[Node] = [("QueueURL", _url(call, queue.name))]
        if call.wants_meta:
            fields += documents.queue_fields(queue, call.store.counts(queue.name))
        items.append(("Queue", fields))
    return documents.page("Queues", items, marker)


async def put_queue(call: Call) -> Response:
    """CreateQueue, and SetQueueAttributes with ``metaoverride=true``."""
    name = call.name("queue")
    check_name("Queue", name)
    tree = documents.read(call.body, "Queue")
    found = call.store.queue(name)
    if call.is_override:
        if found is None:
            raise not_exist("Queue")
        call.store.set_queue_attributes(name, documents.queue_attributes(tree, found.attributes))
        return Response(status_code=204)
    attributes = documents.queue_attributes(tree, QueueAttributes())
    if found is not None and found.attributes != attributes:
        raise already_exists("Queue")
    if found is None:
        call.store.create_queue(name, attributes)
    return Response(status_code=204 if found else 201, headers={"Location": _url(call, name)})


async def get_queue(call: Call) -> Response:
    """GetQueueAttributes."""
    queue = _queue(call)
    return documents.answer(200, "Queue", documents.queue_fields(queue, call.store.counts(queue.name)))


async def delete_queue(call: Call) -> Response:
    """DeleteQueue: 204 whether or not there was one."""
    call.store.delete_queue(call.name("queue"))
    return Response(status_code=204)


async def post_messages(call: Call) -> Response:
    """SendMessage and BatchSendMessage, told apart by the document's root."""
    queue = _queue(call)
    try:
        tree = documents.read(call.body, "Message")
    except SmqError:
        return await _send_batch(call, queue, documents.read(call.body, "Messages"))
    draft = documents.draft(tree, queue.attributes.maximum_message_bytes)
    message = call.store.send(queue, [draft])[0]
    call.service.arrivals.announce(queue.name)
    fields = documents.sent(message)
    if message.receipt_handle:
        fields.append(("ReceiptHandle", message.receipt_handle))
    return documents.answer(201, "Message", fields)


async def _send_batch(call: Call, queue: Queue, tree: Element) -> Response:
    elements = tree.findall("Message")
    if not 1 <= len(elements) <= MAX_BATCH:
        raise out_of_range("Message count", 1, MAX_BATCH, "")
    if sum(len(each.findtext("MessageBody", "").encode()) for each in elements) > MAX_MESSAGE_BYTES:
        raise out_of_range("Messages", 1, MAX_MESSAGE_BYTES, "bytes")
    drafts: list[Draft | SmqError] = []
    for each in elements:
        try:
            drafts.append(documents.draft(each, queue.attributes.maximum_message_bytes))
        except SmqError as error:
            drafts.append(error)
    messages = iter(call.store.send(queue, [each for each in drafts if isinstance(each, Draft)]))
    call.service.arrivals.announce(queue.name)
    items: list[Node] = [
        ("Message", _refused(each) if isinstance(each, SmqError) else documents.sent(next(messages))) for each in drafts
    ]
    is_whole = all(isinstance(each, Draft) for each in drafts)
    return documents.answer(201 if is_whole else 500, "Messages", items)


async def get_messages(call: Call) -> Response:
    """ReceiveMessage and PeekMessage, each of one message or a batch."""
    queue = _queue(call)
    is_batch = call.parameter("numOfMessages") is not None
    count = call.number("numOfMessages", 1, 1, MAX_BATCH)
    if call.parameter("peekonly") == "true":
        messages, fields = call.store.peek(queue.name, count), documents.peeked
    else:
        wait_s = call.number("waitseconds", queue.attributes.polling_wait_s, 0, MAX_WAIT_S)
        messages, fields = await _receive(call, queue, count, wait_s), documents.received
    if not messages:
        raise no_message()
    if is_batch:
        return documents.answer(200, "Messages", [("Message", fields(each)) for each in messages])
    return documents.answer(200, "Message", fields(messages[0]))


async def _receive(call: Call, queue: Queue, count: int, wait_s: int) -> list[Message]:
    """What there is, or what comes within `wait_s`; nothing is held for a client that has gone."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_s
    while True:
        messages = call.store.receive(queue, count)
        rest_s = deadline - clock()
        if messages or rest_s <= 0:
            return messages
        visible_ms = call.store.next_visible_ms(queue.name)
        if visible_ms is not None:
            rest_s = min(rest_s, max(0, visible_ms - now_ms()) / 1000 + 0.001)
        await call.service.arrivals.wait(queue.name, rest_s)
        if await call.request.is_disconnected():
            return []
        queue = _queue(call)


async def delete_messages(call: Call) -> Response:
    """DeleteMessage by query, or BatchDeleteMessage by document."""
    queue = _queue(call)
    handle = call.parameter("ReceiptHandle")
    if handle is not None:
        if not call.store.delete_message(queue.name, _checked(handle)):
            raise bad_receipt_handle()
        return Response(status_code=204)
    if not call.body:
        raise SmqError(400, "MissingReceiptHandle", "ReceiptHandle is required.")
    handles = [each.text or "" for each in documents.read(call.body, "ReceiptHandles").iter("ReceiptHandle")]
    if not 1 <= len(handles) <= MAX_BATCH:
        raise out_of_range("ReceiptHandle count", 1, MAX_BATCH, "")
    stale = [each for each in handles if not call.store.delete_message(queue.name, each)]
    if not stale:
        return Response(status_code=204)
    errors: list[Node] = [("Error", [*_refused(bad_receipt_handle()), ("ReceiptHandle", each)]) for each in stale]
    return documents.answer(404, "Errors", errors)


async def put_messages(call: Call) -> Response:
    """ChangeMessageVisibility: the message is held on, under a new receipt handle."""
    queue = _queue(call)
    handle = call.parameter("ReceiptHandle")
    if handle is None:
        raise SmqError(400, "MissingReceiptHandle", "ReceiptHandle is required.")
    if call.parameter("VisibilityTimeout") is None:
        raise SmqError(400, "MissingVisibilityTimeout", "VisibilityTimeout is required.")
    timeout_s = call.number("VisibilityTimeout", 0, 1, MAX_VISIBILITY_S)
    changed = call.store.change_visibility(queue.name, _checked(handle), timeout_s)
    if changed is None:
        raise no_message()
    call.service.arrivals.announce(queue.name)
    return documents.answer(200, "ChangeVisibility", [("ReceiptHandle", changed[0]), ("NextVisibleTime", changed[1])])


def _queue(call: Call) -> Queue:
    queue = call.store.queue(call.name("queue"))
    if queue is None:
        raise not_exist("Queue")
    return queue


def _checked(handle: str) -> str:
    if not handle:
        raise invalid_argument("ReceiptHandle is empty.")
    if not _RECEIPT_HANDLE.fullmatch(handle):
        raise bad_receipt_handle()
    return handle


def _refused(error: SmqError) -> list[Node]:
    return [("ErrorCode", error.code), ("ErrorMessage", error.message)]


def _url(call: Call, name: str) -> str:
    return f"{call.service.cloud.url('mns')}/queues/{name}"
