"""The EAS gateway before a synchronous service: requests are handed to the container, and its answers back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import requests
from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

#: The gateway's own patience; PAI documents 408 and 504 for answers that take longer.
_TIMEOUT_S = (2.0, 30.0)
_PASSED_ON = ("Content-Type", "Content-Disposition")


class Gateway:
    """Hands requests to the container at `url`, without the token that was for the gateway."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def forward(self, request: Request, path: str) -> Response:
        """The container's answer; 503 when there is none, 504 when it takes too long."""
        body = await request.body()
        return await asyncio.to_thread(self._call, request, path, body)

    def _call(self, request: Request, path: str, body: bytes) -> Response:
        headers = {name: request.headers[name] for name in ("Content-Type",) if name in request.headers}
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(
                    request.method,
                    f"{self._url}/{path}",
                    params=request.url.query,
                    data=body,
                    headers=headers,
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                )
            except requests.ConnectionError:
                return PlainTextResponse("no healthy instance", 503)
            except requests.Timeout:
                return PlainTextResponse("the instance did not answer in time", 504)
        kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        return Response(answer.content, answer.status_code, headers=kept)
