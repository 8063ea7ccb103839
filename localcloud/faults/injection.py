"""The layer around a service in which calls meet their faults, and the route that reads and sets the rules."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from localcloud.faults import answers, connection
from localcloud.faults.rules import FAULT_HEADER, InvalidRules, Plan, decode_fault, decode_plan

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from localcloud.faults.active import ActiveRules
    from localcloud.faults.rules import Fault

#: Where every service shows its rules (GET), takes others in their place (PUT) and forgets them (DELETE).
RULES_PATH = "/-/fault-rules"

#: Paths that belong to this machine and not to the emulated service meet no faults.
_OWN_PATHS = "/-/"
_HEADER = FAULT_HEADER.encode()

_log = logging.getLogger("localcloud.faults")


class FaultInjection:
    """An ASGI application around `app` that lets requests meet the faults of `rules`, or the one in their header."""

    def __init__(self, app: ASGIApp, rules: ActiveRules, host: str) -> None:
        self._app = app
        self._rules = rules
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the service sees neither the header nor a fault."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection.keep(scope, send)
        ordered = next((value for name, value in scope["headers"] if name == _HEADER), None)
        if ordered is not None:
            # Signatures cover what the client signed, which was before the header came in.
            scope["headers"] = [header for header in scope["headers"] if header[0] != _HEADER]
        if scope["path"].startswith(_OWN_PATHS):
            fault = None
        elif ordered is None:
            fault = None if self._rules.is_empty else self._met_by(scope)
        else:
            try:
                fault = decode_fault(ordered)
            except InvalidRules as error:
                await PlainTextResponse(f"{FAULT_HEADER}: {error}", 400)(scope, receive, send)
                return
            _log.info("a request's own fault strikes %s: %s", self._rules.service, fault.do)
        if fault is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._refuse_handshake(fault, scope, receive, send)
        else:
            await self._meet(fault, scope, receive, send)

    def _met_by(self, scope: Scope) -> Fault | None:
        return self._rules.met_by(
            scope.get("method", "GET"),
            scope["path"],
            scope["query_string"].decode("latin-1"),
            is_handshake=scope["type"] == "websocket",
        )

    async def _meet(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = fault.seconds or 0.0
        if fault.do == "delay":
            if fault.after_effect:
                send = _held(send, seconds)
            else:
                await asyncio.sleep(seconds)
            await self._app(scope, receive, send)
            return
        # A request that is refused was still read: its client is not stopped in the middle of sending it.
        await (self._app(scope, receive, _withheld) if fault.after_effect else _read(receive))
        if fault.do == "hang":
            await _hang(seconds, scope, receive)
        elif fault.do == "reset":
            connection.reset(scope)
            await connection.ended(receive)
        elif fault.do == "garbage":
            await answers.garbage()(scope, receive, send)
        else:
            await self._refusal(fault, scope)(scope, receive, send)

    async def _refuse_handshake(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket handshake ends in an error or a reset; any other fault passes it by."""
        if fault.do == "status" and not fault.after_effect:
            await self._refusal(fault, scope)(scope, receive, send)
        elif fault.do == "reset" and not fault.after_effect:
            connection.reset(scope)
            # Nobody reads this; it tells the server that the handshake was dealt with.
            await send({"type": "websocket.close"})
        else:
            await self._app(scope, receive, send)

    def _refusal(self, fault: Fault, scope: Scope) -> Response:
        return answers.refusal(self._rules.service, self._host, scope, fault.status or 500, fault.code)


def rules_route(rules: ActiveRules) -> Route:
    """The route at `RULES_PATH`: GET, PUT of a `Plan` in JSON, DELETE. All answer the rules, or 400."""

    async def endpoint(request: Request) -> Response:
        if request.method == "PUT":
            try:
                rules.replace(decode_plan(await request.body()))
            except InvalidRules as error:
                return JSONResponse({"error": str(error)}, 400)
        elif request.method == "DELETE":
            rules.replace(Plan())
        return JSONResponse(rules.listing())

    return Route(RULES_PATH, endpoint, methods=["GET", "PUT", "DELETE"])


async def _withheld(_: Message) -> None:
    """Send nothing: the service answers into the void."""


def _held(send: Send, seconds: float) -> Send:
    """`send` that keeps an answer back for `seconds` before its first byte."""

    async def held(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(seconds)
        await send(message)

    return held


async def _read(receive: Receive) -> None:
    """Take the request to its end and drop it."""
    while (await receive()).get("more_body", False):
        pass


async def _hang(seconds: float, scope: Scope, receive: Receive) -> None:
    """Answer nothing for `seconds`, or until the client has gone; then end the connection."""
    try:
        await asyncio.wait_for(connection.ended(receive), seconds)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        # Only a server that stops cancels: it ends the connection as well.
        connection.close(scope)
        await connection.ended(receive)
