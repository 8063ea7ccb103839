"""The embedded SMQ (formerly MNS): queues, topics and subscriptions over HTTP, for the `mns` SDK.

It stands in for one account's SMQ in one region. What is real: the wire protocol of version 2015-06-06, signatures,
long polls, receipt handles, visibility, delays, priorities, retention, dead letters, pushes to queues, functions and
HTTP endpoints with the strategies' retries. What is not: quotas and rates, logging to OSS, mail and SMS
endpoints, signatures on HTTP pushes; and the pauses between two attempts to push run ten times faster
(`localcloud.mns.pushing` says how to change that).

Dead-letter policies have no field in this version of the API (the real service sets them on its control plane,
mns-open 2022-01-19). Here they are set, unsigned and from this machine only, with the control plane's words:

* ``PUT /-/queues/{queue}/dead-letter`` ``{"DeadLetterTargetQueue": "…", "MaxReceiveCount": 3}``
* ``PUT /-/topics/{topic}/subscriptions/{subscription}/dead-letter`` ``{"DeadLetterTargetQueue": "…"}``

and removed with an empty ``DeadLetterTargetQueue``.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from localcloud.mns import documents, permissions, queues, signatures, topics
from localcloud.mns.call import Arrivals, Call, Service, not_allowed
from localcloud.mns.errors import SmqError, invalid_argument, not_exist
from localcloud.mns.model import DeadLetterPolicy, Subscription
from localcloud.mns.pushing import Pusher
from localcloud.mns.store import Store, now_ms
from localcloud.signing import WireRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from localcloud.state import Cloud

#: The product's topics and queue, there from the first start unless the cloud begins empty.
FIRST_TOPICS = ("trip-completed", "render-finished", "community-feed")
FIRST_QUEUES = ("tripcanvas-dead-letters",)

#: Sixteen messages of 64 KB in XML with properties stay below this.
_MAX_BODY_BYTES = 4 * 1024 * 1024

_Operation = Callable[[Call], Awaitable[Response]]

_OPERATIONS: dict[str, dict[str, _Operation]] = {
    "/queues": {"GET": queues.list_queues},
    "/queues/{queue}": {"PUT": queues.put_queue, "GET": queues.get_queue, "DELETE": queues.delete_queue},
    "/queues/{queue}/messages": {
        "POST": queues.post_messages,
        "GET": queues.get_messages,
        "DELETE": queues.delete_messages,
        "PUT": queues.put_messages,
    },
    "/topics": {"GET": topics.list_topics},
    "/topics/{topic}": {"PUT": topics.put_topic, "GET": topics.get_topic, "DELETE": topics.delete_topic},
    "/topics/{topic}/messages": {"POST": topics.publish},
    "/topics/{topic}/subscriptions": {"GET": topics.list_subscriptions},
    "/topics/{topic}/subscriptions/{subscription}": {
        "PUT": topics.put_subscription,
        "GET": topics.get_subscription,
        "DELETE": topics.delete_subscription,
    },
}
_METHODS = ["GET", "PUT", "POST", "DELETE"]


class _DeadLetter(msgspec.Struct, frozen=True):
    target_queue: str = msgspec.field(name="DeadLetterTargetQueue")
    max_receive_count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = msgspec.field(name="MaxReceiveCount", default=3)


def build(cloud: Cloud) -> Starlette:
    """The ASGI application of the embedded SMQ; its data lies under ``mns`` in the cloud's folder."""
    first = ((), ()) if cloud.is_empty else (FIRST_TOPICS, FIRST_QUEUES)
    store = Store(cloud.folder("mns"), *first)
    arrivals = Arrivals()
    service = Service(store, arrivals, Pusher(store, arrivals, cloud), cloud)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(service.pusher.run()), asyncio.create_task(service.pusher.settle())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()

    routes = [
        Route(path, _endpoint(service, path, by_method), methods=_METHODS) for path, by_method in _OPERATIONS.items()
    ]
    unsigned: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/-/queues/{queue}/dead-letter": _answering(service, _set_queue_dead_letter),
        "/-/topics/{topic}/subscriptions/{subscription}/dead-letter": _answering(
            service, _set_subscription_dead_letter
        ),
    }
    routes += [Route(path, endpoint, methods=["PUT"]) for path, endpoint in unsigned.items()]
    routes.append(Route("/{path:path}", _endpoint(service, "", {}), methods=_METHODS))
    return Starlette(routes=routes, lifespan=lifespan)


def _endpoint(
    service: Service, path: str, by_method: dict[str, _Operation]
) -> Callable[[Request], Awaitable[Response]]:
    async def operate(call: Call) -> Response:
        caller = signatures.check(WireRequest.of(call.request), call.body, service.cloud)
        operation = by_method.get(call.request.method)
        if operation is None:
            raise not_allowed()
        permissions.check(caller, path, call)
        return await operation(call)

    return _answering(service, operate)


def _answering(service: Service, operation: _Operation) -> Callable[[Request], Awaitable[Response]]:
    host = service.cloud.url("mns")

    async def answer(request: Request) -> Response:
        request_id = secrets.token_hex(12).upper()
        try:
            body = await _body(request)
            response = await operation(Call(request, WireRequest.of(request).headers, body, service))
        except SmqError as error:
            response = documents.refusal(error, request_id, host)
        except ClientDisconnect:
            response = Response(status_code=400)
        response.headers["x-mns-request-id"] = request_id
        response.headers["x-mns-version"] = "2015-06-06"
        return response

    return answer


async def _body(request: Request) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _MAX_BODY_BYTES:
            raise invalid_argument("The request body is too long.")
    return bytes(received)


async def _set_queue_dead_letter(call: Call) -> Response:
    queue = call.store.queue(call.name("queue"))
    if queue is None:
        raise not_exist("Queue")
    asked = _policy(call, refused_target=queue.name)
    policy = DeadLetterPolicy(asked.target_queue, asked.max_receive_count) if asked.target_queue else None
    call.store.set_dead_letter(queue.name, policy)
    return Response(status_code=204)


async def _set_subscription_dead_letter(call: Call) -> Response:
    found = call.store.subscription(call.name("topic"), call.name("subscription"))
    if found is None:
        raise not_exist("Subscription")
    values = {name: getattr(found, name) for name in Subscription.__dataclass_fields__}
    values |= {"dead_letter_queue": _policy(call).target_queue, "modified_ms": now_ms()}
    call.store.put_subscription(Subscription(**values))
    return Response(status_code=204)


def _policy(call: Call, refused_target: str = "") -> _DeadLetter:
    try:
        asked = msgspec.json.decode(call.body, type=_DeadLetter)
    except msgspec.DecodeError:
        raise invalid_argument("The dead-letter policy is not valid.") from None
    if asked.target_queue:
        if asked.target_queue == refused_target:
            raise invalid_argument("A queue can't be its own dead-letter queue.")
        if call.store.queue(asked.target_queue) is None:
            raise not_exist("Queue")
    return asked
