"""A watch: records are pushed to a consumer, over a WebSocket or over an HTTP response that does not end."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnect

from localcloud.eas import codec, wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from localcloud.eas.channels import Channel
    from localcloud.eas.faults import Faults
    from localcloud.eas.queue import Consumer, Record

#: What a server that goes away says on a WebSocket (RFC 6455, 7.4.1 and the IANA registry): "service restart".
_SERVICE_RESTART = 1012


@dataclass(frozen=True, slots=True)
class Watch:
    """What a consumer asked for. `with_path` shows it the path after the service's name, as the tag ``_path_``."""

    gid: str
    uid: str
    start: int
    window: int
    index_only: bool
    auto_commit: bool
    tags: Mapping[str, str]
    with_path: bool

    def attach(self, channel: Channel) -> Consumer:
        """Join the queue's consumers."""
        return channel.queue.attach(
            self.gid,
            self.uid,
            start=self.start,
            window=self.window,
            auto_commit=self.auto_commit,
            tags=self.tags,
        )

    def encode(self, record: Record) -> bytes:
        """One pushed message."""
        tags = {**record.tags, wire.PATH_TAG: record.path} if self.with_path and record.path else record.tags
        return codec.encode_frame(codec.Frame(record.index, tags, b"" if self.index_only else record.body))


async def serve_websocket(websocket: WebSocket, channel: Channel, watch: Watch, faults: Faults) -> None:
    """Push over an accepted WebSocket until the client goes or another connection takes its name over."""

    async def send(message: bytes) -> None:
        await websocket.send_bytes(message)
        if faults.strikes("watch-closed"):
            raise _ClosedError

    async def gone() -> bool:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return message.get("code") != _SERVICE_RESTART

    client_went = await _serve(channel, watch, send, gone)
    if not client_went:
        with contextlib.suppress(RuntimeError):
            await websocket.close()


@dataclass(frozen=True, slots=True)
class FrameStream:
    """An ASGI response that pushes length-delimited messages until the client goes or its name is taken over."""

    channel: Channel
    watch: Watch

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def push(message: bytes) -> None:
            body = codec.length_delimited(message)
            await send({"type": "http.response.body", "body": body, "more_body": True})

        async def gone() -> bool:
            while (await receive())["type"] != "http.disconnect":
                pass
            return True

        headers = [(b"content-type", codec.PROTOBUF.encode("ascii"))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # Only a server that stops cancels a request: the stream then ends as it should.
        with contextlib.suppress(asyncio.CancelledError):
            await _serve(self.channel, self.watch, push, gone)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _ClosedError(Exception):
    """The server ends this watch."""


async def _serve(
    channel: Channel, watch: Watch, send: Callable[[bytes], Awaitable[None]], gone: Callable[[], Awaitable[bool]]
) -> bool:
    """Push until one side ends; returns whether that was the client.

    `gone` returns when the connection is lost, and says whether the client is to blame: what it held then counts as a
    failed delivery. When the service itself stops, it does not.
    """
    consumer = watch.attach(channel)
    pushing = asyncio.ensure_future(_push(channel, consumer, watch, send))
    losing = asyncio.ensure_future(gone())
    counts = False
    try:
        await asyncio.wait({pushing, losing}, return_when=asyncio.FIRST_COMPLETED)
        if not losing.done():
            try:
                pushing.result()
            except WebSocketDisconnect:
                await losing
            except _ClosedError:
                counts = True
        if losing.done():
            counts = losing.result()
        return losing.done()
    finally:
        channel.queue.detach(consumer, counts=counts)
        for task in (pushing, losing):
            task.cancel()
        await asyncio.gather(pushing, losing, return_exceptions=True)


async def _push(channel: Channel, consumer: Consumer, watch: Watch, send: Callable[[bytes], Awaitable[None]]) -> None:
    while consumer.attached:
        channel.queue.expire()
        record = channel.queue.deliver(consumer)
        if record is None:
            await channel.changes.wait(channel.queue.next_expiry_s())
        else:
            await send(watch.encode(record))
