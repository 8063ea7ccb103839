"""The TCP connection under an ASGI request: ASGI has no word for ending it without an answer.

uvicorn's own `send` is a method of the object that holds the connection, for HTTP and WebSocket alike; `keep` finds it
there before anything wraps `send`.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send

_KEY = "localcloud.transport"


def keep(scope: Scope, send: Send) -> None:
    """Remember the connection of the server's own `send` in `scope`."""
    server: Any = send
    scope[_KEY] = server.__self__.transport


def reset(scope: Scope) -> None:
    """End the connection with a TCP reset: the client's next read or write fails with ECONNRESET."""
    transport: asyncio.Transport = scope[_KEY]
    connection = transport.get_extra_info("socket")
    # Lingering for no time turns the end of the connection into a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def close(scope: Scope) -> None:
    """End the connection in an orderly way: the client reads its end where an answer should begin."""
    transport: asyncio.Transport = scope[_KEY]
    transport.close()


async def ended(receive: Receive) -> None:
    """Return when the server has noticed the end of the connection, whoever ended it; what still comes is dropped."""
    while not (await receive())["type"].endswith(".disconnect"):
        pass
