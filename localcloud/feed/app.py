"""The feed site: a signed API for the sender, and public pages, JSON and events for readers.

The API is described in ``docs/feed-api.yaml``. The pages are one HTML shell that draws what ``/api/feed`` answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from localcloud.feed.posts import MAX_POST_BYTES, parse_post
from localcloud.feed.store import PostStore
from shared import webhooks
from shared.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from localcloud.state import Cloud

log = logging.getLogger(__name__)

#: A comment line goes to idle listeners this often, so that a connection that died is noticed on either side.
HEARTBEAT_S = 15.0

MAX_PAGE_LENGTH = 50

_STATIC = Path(__file__).parent / "static"

# Pictures may come from anywhere on the web, as posts name them; everything else comes from this site or not at all.
_HEADERS = {
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' http: https:;"
        b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-cache",
}

_CODES = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def build(cloud: Cloud) -> Starlette:
    """The feed site of `cloud`. Raises `Misconfigured` when its secret can't sign."""
    webhooks.signing_keys(cloud.feed_secret)
    site = FeedSite(
        PostStore(cloud.folder("feed") / "feed.sqlite"), secret=cloud.feed_secret, address=cloud.url("feed")
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with contextlib.closing(site.store):
            yield

    return Starlette(
        routes=[
            Route("/", site.feed_page),
            Route("/posts/{post_id}", site.post_page),
            Route("/api/posts", site.posts, methods=["GET", "POST", "DELETE"]),
            Route("/api/posts/{post_id}", site.withdraw, methods=["DELETE"]),
            Route("/api/feed", site.feed),
            Route("/api/feed/{post_id}", site.published),
            Route("/events", site.events),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(_EveryAnswer)],
        exception_handlers={HTTPException: _refuse, InvalidInput: _refuse},
        lifespan=lifespan,
    )


class FeedSite:
    """The endpoints over one store. `address` is the site's own, without a trailing slash."""

    def __init__(self, store: PostStore, *, secret: str, address: str) -> None:
        self.store = store
        self._secret = secret
        self._address = address
        self._shell = (_STATIC / "index.html").read_text("utf-8")
        self._changed = asyncio.Event()

    async def posts(self, request: Request) -> Response:
        """``POST`` delivers a post; ``GET ?journey_id=`` asks whether one arrived; ``DELETE`` lets none of it stand."""
        if request.method == "POST":
            return await self._receive(request)
        return await (self._withdraw_journey(request) if request.method == "DELETE" else self._look_up(request))

    async def _receive(self, request: Request) -> Response:
        body = await _read(request, MAX_POST_BYTES)
        self._authenticate(request, body)
        post = parse_post(body)
        # The signature does not cover this header: a repeat under another key would otherwise make a second post.
        if request.headers.get("idempotency-key") != post.journey_id:
            raise InvalidInput("idempotency-key", "the same as data.journey_id")
        receipt = self.store.add(post, body)
        if receipt.created:
            log.info("post %s created, %s", receipt.post_id, post.visibility)
            self._announce()
        return self._receipt(receipt.post_id, status=201 if receipt.created else 200)

    async def _look_up(self, request: Request) -> Response:
        journey_id = request.query_params.get("journey_id", "")
        self._authenticate(request, b"", about=journey_id)
        post_id = self.store.find(journey_id)
        if post_id is None:
            raise HTTPException(404, "no post of this journey")
        return self._receipt(post_id, status=200)

    async def _withdraw_journey(self, request: Request) -> Response:
        journey_id = request.query_params.get("journey_id", "")
        # Not the bare id: a look-up's signature must not be good for this.
        self._authenticate(request, b"", about=f"withdraw:{journey_id}")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", journey_id):
            raise InvalidInput("journey_id", "1 to 64 letters, digits, - and _")
        if self.store.withdraw_journey(journey_id):
            log.info("the post of a journey withdrawn")
            self._announce()
        return Response(status_code=204)

    async def withdraw(self, request: Request) -> Response:
        """``DELETE`` one post, public or draft, for good."""
        post_id: str = request.path_params["post_id"]
        self._authenticate(request, b"", about=post_id)
        if not self.store.withdraw(post_id):
            raise HTTPException(404, "no such post")
        log.info("post %s withdrawn", post_id)
        self._announce()
        return Response(status_code=204)

    async def feed(self, request: Request) -> Response:
        """Public posts, newest first."""
        before = _whole_number(request.query_params, "before")
        limit = _whole_number(request.query_params, "limit", largest=MAX_PAGE_LENGTH)
        return _json(self.store.page(before=before, limit=limit or 20))

    async def published(self, request: Request) -> Response:
        """One public post."""
        post = self.store.published(request.path_params["post_id"])
        if post is None:
            raise HTTPException(404, "no such post")
        return _json(post)

    async def events(self, request: Request) -> Response:
        """Server-sent events from ``Last-Event-ID`` on, else from ``?after=``, else from now."""
        latest = self.store.last_event_id()
        wanted = request.headers.get("last-event-id") or request.query_params.get("after", "")
        # A listener may have met a feed that has been emptied since: its position is then ahead of ours.
        start = min(int(wanted), latest) if _is_whole(wanted) else latest
        return StreamingResponse(self._stream(start), media_type="text/event-stream")

    async def _stream(self, after: int) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        while True:
            changed = self._changed
            events = self.store.events_after(after)
            for event in events:
                content = msgspec.json.encode(event.post if event.post else {"post_id": event.post_id})
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.kind.encode(), content)
                after = event.number
            if events:
                continue
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
            except asyncio.TimeoutError:
                yield b": listening\n\n"

    def _announce(self) -> None:
        """Wake every listener. Each holds the event it began to wait on, so none can miss the change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def feed_page(self, _: Request) -> Response:
        """The page of all posts."""
        return HTMLResponse(self._shell)

    async def post_page(self, request: Request) -> Response:
        """The page of one post; drafts and withdrawn posts are not found."""
        found = self.store.published(request.path_params["post_id"]) is not None
        return HTMLResponse(self._shell, status_code=200 if found else 404)

    def _authenticate(self, request: Request, body: bytes, *, about: str | None = None) -> None:
        """Refuse with 401 what the sender did not sign.

        Requests without a body must carry what they are `about` as their message id: the signature covers no path,
        so one made for a look-up could otherwise be replayed to delete.
        """
        try:
            message_id = webhooks.verify(self._secret, request.headers, body, now=time.time())
            if about is not None and message_id != about:
                raise InvalidInput(webhooks.ID_HEADER, "the id that the request is about")
        except InvalidInput as error:
            raise HTTPException(401, str(error)) from None

    def _receipt(self, post_id: str, status: int) -> Response:
        return _json({"post_id": post_id, "url": f"{self._address}/posts/{post_id}"}, status)


class _EveryAnswer:
    """Put the security headers on every answer of the site."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


async def _read(request: Request, limit_bytes: int) -> bytes:
    """The body, given up with 413 as soon as it is known to be larger than `limit_bytes`."""
    declared = request.headers.get("content-length", "")
    body = bytearray()
    if not (_is_whole(declared) and int(declared) > limit_bytes):
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit_bytes:
                break
        else:
            return bytes(body)
    raise HTTPException(413, f"at most {limit_bytes} bytes")


def _whole_number(query: Mapping[str, str], name: str, largest: int | None = None) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not _is_whole(value) or int(value) < 1 or (largest is not None and int(value) > largest):
        raise InvalidInput(name, f"a whole number from 1{f' to {largest}' if largest else ''}")
    return int(value)


def _is_whole(text: str) -> bool:
    # 18 digits: what sqlite's 64-bit integers hold.
    return text.isascii() and text.isdigit() and len(text) <= 18


def _json(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(answer), status, headers, media_type="application/json")


async def _refuse(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _refusal(error.status_code, _CODES[error.status_code], error.detail, headers=error.headers)
    if isinstance(error, Conflict):
        return _refusal(409, "conflict", str(error), error.field)
    if isinstance(error, InvalidInput):
        return _refusal(422, "invalid", str(error), error.field)
    raise error


def _refusal(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return _json({"error": {"code": code, "message": message, "field": field}}, status, headers)
