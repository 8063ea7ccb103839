"""HTTP without a network: whatever goes out by `requests` (as most SDKs do) is answered by a function of the test.

Everything above the socket is real: sessions, redirects, decompression, the SDKs' reading of answers. It takes the
place of the loopback servers of other tests because one of those costs more than the code under test.
"""

from __future__ import annotations

import contextlib
import gzip
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import InvalidHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

_STATUSES = (201, 204, 301, 400, 401, 403, 404, 408, 409, 413, 429, 450, 500, 502, 503, 504, 599)
_TYPES = ("text/event-stream", "text/html; charset=gbk", "application/json; charset=utf-16", "", "application/json;;;")


@dataclass(frozen=True)
class Reply:
    """One answer; a `Content-Length` stands in it only when it is given."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def odd_reply(body: bytes, choices: Random, content_type: str = "application/json") -> Reply:
    """`body` as an answer: four in five as it should be, the rest with another status or odd headers."""
    status = choices.choice(_STATUSES) if choices.random() < 0.15 else 200
    headers = {"Content-Type": content_type, "x-oss-request-id": "r-1"}
    odd = choices.random()
    if odd < 0.04:
        headers["Content-Encoding"] = choices.choice(("gzip", "deflate", "br", "nonsense"))
    elif odd < 0.06:
        headers["Content-Encoding"], body = "gzip", gzip.compress(body, 1)
    elif odd < 0.10:
        headers["Content-Type"] = choices.choice(_TYPES)
    elif odd < 0.14:
        headers["Content-Length"] = choices.choice(("0", "7", "-1", "9" * 30, "many", "1, 2"))
    elif odd < 0.16:
        status, headers["Location"] = (
            302,
            choices.choice(("http://[::1", "/\ud800", "//", "", "http://127.0.0.1:99999/")),
        )
    elif odd < 0.18:
        headers |= {"Last-Modified": "yesterday", "x-oss-hash-crc64ecma": "NaN", "ETag": ""}
    return Reply(status, body, headers)


@contextlib.contextmanager
def answering(answer: Callable[[requests.PreparedRequest], Reply]) -> Iterator[None]:
    """Have every request of this process answered by `answer`."""

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        reply = answer(request)
        try:
            response = HTTPResponse(
                io.BytesIO(reply.body),
                headers=reply.headers,
                status=reply.status,
                preload_content=False,
                decode_content=False,
                request_method=request.method,
            )
        except InvalidHeader as error:
            # As the method that this one stands in for does.
            raise requests.exceptions.InvalidHeader(error, request=request) from None
        return adapter.build_response(request, response)

    real = HTTPAdapter.send
    HTTPAdapter.send = send  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        HTTPAdapter.send = real  # type: ignore[method-assign]
