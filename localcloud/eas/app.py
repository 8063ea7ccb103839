"""The queue service over HTTP and WebSocket.

========  =======================================================  ==========================================
method    query                                                    does
========  =======================================================  ==========================================
POST      ``_eos_=true[&_force_=true]``                            end: refuse further puts
POST      tags, ``_priority_``                                     put: the body becomes a record
DELETE    ``_trunc_=true&_index_=``                                truncate: remove what is below the index
DELETE    ``_indexes_=1,2``                                        delete
PUT       ``_negative_=true&_indexes_=`` (form: code and reason)   negative: give records back
PUT       ``_indexes_=1,2``                                        commit: the same as delete
GET       ``_attrs_=true``                                         attributes
GET       ``_search_=true&_index_=``                               search: where a record is for the caller's group
GET       ``_count_=true[&_priority_=]``, tags                     count
GET       ``_watch_=true&_index_=&_window_=…``, tags               watch (see `watch`)
GET       ``_index_=&_length_=&_timeout_=…``, tags                 get: wait for records, read, perhaps remove
========  =======================================================  ==========================================

Below ``/api/predict/<service>`` lies the input queue, below ``/api/predict/<service>/sink`` the sink; any other path
after the service's name is the input queue again and travels with the record to the container. The header
`X-EAS-QueueService-Access-Rear: true` means the rear queue of either. Below the name of the standard edition's service
lie ComfyUI's own routes (`gateway`). Two routes are not EAS's own: ``POST /-/restart-queues`` and ``/-/faults``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from localcloud.eas import codec, wire
from localcloud.eas.channels import Channel, Channels
from localcloud.eas.control import ControlPlane
from localcloud.eas.faults import FAULTS, Faults
from localcloud.eas.gateway import Gateway
from localcloud.eas.queue import PayloadTooLargeError, QueueEndedError, QueueFullError, Record
from localcloud.eas.settings import read_settings
from localcloud.eas.store import Store
from localcloud.eas.watch import FrameStream, Watch, serve_websocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import HTTPConnection, Request
    from starlette.types import ASGIApp, Receive, Scope, Send
    from starlette.websockets import WebSocket

    from localcloud.state import Cloud

#: What the service answers to a put into a full queue. PAI documents 450 for a full queue of an instance.
STATUS_FULL = 450

_log = logging.getLogger(__name__)


def build(cloud: Cloud) -> Starlette:
    """The EAS of one cloud: the asynchronous service `cloud.eas_service`, and ComfyUI's standard edition beside it."""
    service = QueueService(cloud)
    methods = ["GET", "POST", "PUT", "DELETE"]
    return Starlette(
        routes=[
            *ControlPlane(cloud, service.lose_records).routes(),
            Route("/-/restart-queues", service.restart_queues, methods=["POST"]),
            Route("/-/faults", service.list_faults, methods=["GET"]),
            Route("/-/faults/{fault}", service.order_fault, methods=["POST"]),
            Route("/api/predict/{service}", service.answer, methods=methods),
            Route("/api/predict/{service}/{path:path}", service.answer, methods=methods),
            WebSocketRoute("/api/predict/{service}", service.watch),
            WebSocketRoute("/api/predict/{service}/{path:path}", service.watch),
        ],
        lifespan=service.lifespan,
    )


class QueueService:
    """The handlers; each request finds its queue, and the queue decides."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._settings = read_settings(cloud.folder("eas"))
        self._faults = Faults()
        self._gateway = Gateway(cloud.url("comfyui"))
        self._channels: Channels

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Open the records on disk while the service runs."""
        store = Store(self._cloud.folder("eas") / "queues.sqlite3")
        try:
            self._channels = Channels(self._settings, store)
            yield
        finally:
            store.close()

    async def answer(self, request: Request) -> ASGIApp:
        """Any HTTP request to a queue."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if request.path_params["service"] == self._cloud.eas_standard_service:
            return await self._gateway.forward(request, request.path_params.get("path", ""))
        try:
            return await self._dispatch(request, self._channel(request))
        except wire.QueryError as error:
            return PlainTextResponse(str(error), 400)

    async def watch(self, websocket: WebSocket) -> None:
        """A WebSocket handshake."""
        refusal = self._refusal(websocket)
        if refusal is None and websocket.path_params["service"] != self._cloud.eas_service:
            refusal = PlainTextResponse("not a queue", 404)
        watch = None
        if refusal is None:
            try:
                watch = _watch(websocket)
            except wire.QueryError as error:
                refusal = PlainTextResponse(str(error), 400)
        if refusal is None and self._faults.strikes("watch-refused"):
            refusal = PlainTextResponse("no healthy instance", 503)
        if refusal is not None or watch is None:
            await websocket.send_denial_response(refusal or PlainTextResponse("", 400))
            return
        await websocket.accept()
        await serve_websocket(websocket, self._channel(websocket), watch, self._faults)

    async def restart_queues(self, _: Request) -> Response:
        """Lose every record and every index, as a restart of the real queue instance would."""
        lost = self.lose_records()
        _log.warning("the queues were restarted on request; records lost: %s", lost)
        return JSONResponse(
            {
                "lost": lost,
                "meaning": "The real queues live in memory: a restart of their instance loses every record, "
                "ends every watch and counts indexes from 1 again. This just happened here.",
            }
        )

    def lose_records(self) -> dict[str, int]:
        """Lose every record, as when the queue's instance goes; returns how many each queue had."""
        return self._channels.restart()

    async def list_faults(self, _: Request) -> Response:
        """What can be ordered."""
        return JSONResponse(FAULTS)

    async def order_fault(self, request: Request) -> Response:
        """``POST /-/faults/<fault>?times=2``."""
        try:
            self._faults.order(request.path_params["fault"], wire.integer(request.query_params, "times", 1))
        except KeyError:
            return PlainTextResponse("no such fault", 404)
        except wire.QueryError as error:
            return PlainTextResponse(str(error), 400)
        return PlainTextResponse("OK")

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        if connection.path_params["service"] not in (self._cloud.eas_service, self._cloud.eas_standard_service):
            return PlainTextResponse("service not found", 404)
        if connection.headers.get("Authorization") != self._cloud.eas_token:
            return PlainTextResponse("invalid token", 401)
        return None

    def _channel(self, connection: HTTPConnection) -> Channel:
        rear = connection.headers.get(wire.REAR_HEADER, "").lower() == "true"
        return self._channels.choose(sink=_is_sink(connection), rear=rear)

    async def _dispatch(self, request: Request, channel: Channel) -> ASGIApp:
        query = request.query_params
        if request.method == "POST":
            if wire.is_true(query, "_eos_"):
                channel.queue.end(force=wire.is_true(query, "_force_"))
                return PlainTextResponse("OK")
            return await self._put(request, channel)
        if request.method == "DELETE":
            if wire.is_true(query, "_trunc_"):
                channel.queue.truncate(wire.integer(query, "_index_", 0))
            else:
                channel.queue.remove(wire.indexes(query))
            return PlainTextResponse("OK")
        if request.method == "PUT":
            if wire.is_true(query, "_negative_"):
                return await self._negative(request, channel)
            channel.queue.remove(wire.indexes(query))
            return PlainTextResponse("OK")
        return await self._read(request, channel)

    async def _read(self, request: Request, channel: Channel) -> ASGIApp:
        query = request.query_params
        if wire.is_true(query, "_attrs_"):
            return self._attributes(request, channel)
        if wire.is_true(query, "_search_"):
            return _search(request, channel)
        if wire.is_true(query, "_count_"):
            priority = wire.integer(query, "_priority_", 0) if "_priority_" in query else None
            return PlainTextResponse(str(channel.queue.count(wire.tags_of(query), priority)))
        if wire.is_true(query, "_watch_"):
            if self._faults.strikes("watch-refused"):
                return PlainTextResponse("no healthy instance", 503)
            return FrameStream(channel, _watch(request))
        return await self._get(request, channel)

    async def _put(self, request: Request, channel: Channel) -> ASGIApp:
        query = request.query_params
        tags = wire.tags_of(query)
        request_id = tags.get(wire.REQUEST_ID_TAG, "") if _is_framework(request) else ""
        request_id = tags[wire.REQUEST_ID_TAG] = request_id or str(uuid.uuid4())
        sink = _is_sink(request)
        path = request.path_params.get("path", "")
        priority = wire.integer(query, "_priority_", wire.integer(request.headers, wire.PRIORITY_HEADER, 0))
        try:
            body = await _body(request, channel.queue.limits.max_payload_bytes)
            if sink and self._faults.strikes("sink-put-lost"):
                index = channel.queue.last_index + 1
            else:
                index = channel.queue.put(tags, body, path="" if sink or not path else f"/{path}", priority=priority)
        except PayloadTooLargeError:
            return PlainTextResponse("the payload is larger than meta.maxPayloadBytes", 413)
        except QueueFullError:
            return PlainTextResponse("the queue is full", STATUS_FULL)
        except QueueEndedError:
            return PlainTextResponse("the queue has ended", 400)
        if self._faults.strikes("put-taken-but-503"):
            return PlainTextResponse("no healthy instance", 503)
        answer = PlainTextResponse(str(index), headers={wire.REQUEST_ID_HEADER: request_id})
        return _cut_off if self._faults.strikes("put-taken-but-cut-off") else answer

    async def _negative(self, request: Request, channel: Channel) -> Response:
        indexes = wire.indexes(request.query_params)
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        code = form.get("_code_", "")
        wire.check_code(code)
        gid, uid = _identity(request)
        channel.queue.leave(gid, uid, indexes, stops=code == wire.SHUTDOWN)
        return PlainTextResponse("OK")

    async def _get(self, request: Request, channel: Channel) -> ASGIApp:
        query = request.query_params
        start = wire.integer(query, "_index_", 0)
        length = wire.integer(query, "_length_", 1)
        timeout_s = wire.duration_s(query.get("_timeout_", "0"))
        tags = wire.tags_of(query)
        auto_delete = wire.is_true(query, "_auto_delete_")
        watched = request if auto_delete and not self._settings.lossy_get else None
        try:
            records = await _wait_for(channel, start, length, timeout_s, tags, watched)
        except asyncio.CancelledError:
            # Only a server that stops cancels a request; the client should hear so, and the record stays.
            return PlainTextResponse("the service stops", 503)
        if auto_delete:
            channel.queue.remove([record.index for record in records])
        if self._faults.strikes("get-cut-off"):
            return _cut_off
        if not records:
            return Response(status_code=204)
        if query.get("_raw_", "true").lower() != "false":
            return Response(records[0].body, media_type="application/octet-stream")
        frames = [codec.Frame(record.index, record.tags, record.body) for record in records]
        if codec.PROTOBUF in request.headers.get("Accept", ""):
            return Response(codec.encode_frames(frames), media_type=codec.PROTOBUF)
        return Response(codec.encode_frames_json(frames), media_type=codec.JSON)

    def _attributes(self, request: Request, channel: Channel) -> Response:
        queue = channel.queue
        lines = list(queue.consumers())
        attributes = {
            "meta.name": self._cloud.eas_service + ("/sink" if _is_sink(request) else ""),
            "meta.state": "Ended" if queue.ended else "Normal",
            "meta.backend": "tripcanvas",
            "meta.maxPayloadBytes": str(queue.limits.max_payload_bytes),
            "meta.header.user": wire.UID_HEADER,
            "meta.header.group": wire.GID_HEADER,
            "meta.header.priority": wire.PRIORITY_HEADER,
            "stream.length": str(len(queue)),
            "stream.approxMaxLength": str(queue.limits.max_length),
            "stream.firstEntry": str(queue.first_index),
            "stream.lastEntry": str(queue.last_index),
            "consumers.stats.total": str(len(lines)),
            # The Go SDK knows the total by this name.
            "consumers.status.total": str(len(lines)),
            **{f"consumers.list.[{number}]": line for number, line in enumerate(lines)},
        }
        if codec.PROTOBUF in request.headers.get("Accept", ""):
            return Response(codec.encode_attributes(attributes), media_type=codec.PROTOBUF)
        return JSONResponse(attributes)


async def _cut_off(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An answer that promises more than it sends: the client's connection breaks in the middle of it."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"[", "more_body": True})


async def _body(request: Request, limit_bytes: int) -> bytes:
    """The request's body. One that is too large is read to its end but not kept, so that the client gets its answer."""
    parts, size_bytes = [], 0
    async for part in request.stream():
        size_bytes += len(part)
        if size_bytes <= limit_bytes:
            parts.append(part)
    if size_bytes > limit_bytes:
        raise PayloadTooLargeError
    return b"".join(parts)


async def _wait_for(
    channel: Channel, start: int, length: int, timeout_s: float, tags: Mapping[str, str], watched: Request | None
) -> list[Record]:
    """Records as soon as there are `length`, or what there is after `timeout_s`.

    With `watched`, nothing once that request's client has gone. Without it a client that went away is not noticed: its
    request stays in the wait and takes what comes.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    gone = asyncio.ensure_future(_disconnected(watched)) if watched else None
    try:
        while True:
            if gone is not None and gone.done():
                return []
            records = channel.queue.select(start, length, tags)
            if len(records) >= length or clock() >= deadline:
                return records
            change = asyncio.ensure_future(channel.changes.wait(deadline - clock()))
            await asyncio.wait({change, gone} if gone else {change}, return_when=asyncio.FIRST_COMPLETED)
            change.cancel()
    finally:
        if gone is not None:
            gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _search(request: Request, channel: Channel) -> Response:
    gid, _ = _identity(request)
    found = channel.queue.find(wire.integer(request.query_params, "_index_", 0), gid)
    if found is None:
        return PlainTextResponse("no data in stream", 404)
    return JSONResponse({"ConsumerId": found.consumer, "IsPending": bool(found.consumer), "WaitCount": found.ahead})


def _watch(connection: HTTPConnection) -> Watch:
    query = connection.query_params
    gid, uid = _identity(connection)
    return Watch(
        gid=gid,
        uid=uid,
        start=wire.integer(query, "_index_", 0),
        window=wire.integer(query, "_window_", 1),
        index_only=wire.is_true(query, "_index_only_"),
        auto_commit=wire.is_true(query, "_auto_commit_"),
        tags=wire.tags_of(query),
        with_path=_is_framework(connection),
    )


def _identity(connection: HTTPConnection) -> tuple[str, str]:
    """Group and user. A client without a user id is one of its own each time."""
    gid = connection.headers.get(wire.GID_HEADER) or wire.DEFAULT_GID
    return gid, connection.headers.get(wire.UID_HEADER) or str(uuid.uuid4())


def _is_framework(connection: HTTPConnection) -> bool:
    return connection.headers.get(wire.FRAMEWORK_HEADER, "").lower() == "true"


def _is_sink(connection: HTTPConnection) -> bool:
    return str(connection.path_params.get("path", "")).split("/")[0] == "sink"
