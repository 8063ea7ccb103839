"""DashScope's envelope: how a request body is read, how an answer and a refusal look.

Refusals are flat, ``{"code", "message", "request_id"}``. The real service also knows an OpenAI-shaped body; this one
never sends it.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

#: Larger request bodies are refused; the documented limit for one picture is 10 MB, which base64 makes a third longer.
MAX_BODY_BYTES = 20 * 1024 * 1024

_AT = re.compile(r" - at `\$?\.?(?P<path>.*)`$")
_Body = TypeVar("_Body")


class Refusal(Exception):
    """What a caller gets instead of an answer: HTTP `status`, DashScope `code`, and a message that may name a field."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The refusal as an HTTP response with a fresh request id."""
        return encoded({"code": self.code, "message": self.message, "request_id": request_id()}, self.status)


def invalid(parameter: str, expected: str) -> Refusal:
    """400 InvalidParameter that names the parameter and says what would have been right."""
    return Refusal(400, "InvalidParameter", f"{parameter}: {expected}")


def wrong_path() -> Refusal:
    """What the service says to a model on a path of another kind of model."""
    return Refusal(400, "InvalidParameter", "url error, please check url!")


def no_such_model(model: str) -> Refusal:
    """404 for an id that is unknown or retired."""
    return Refusal(404, "ModelNotFound", f"The model `{model}` does not exist or you do not have access to it.")


def request_id() -> str:
    """A fresh request id."""
    return str(uuid.uuid4())


def encoded(content: dict[str, Any], status: int = 200) -> Response:
    """`content` as a UTF-8 JSON response."""
    return Response(msgspec.json.encode(content), status, media_type="application/json; charset=utf-8")


def check_async(request: Request, *, wanted: bool) -> None:
    """Raises `Refusal` (403) unless the request asks for a task just when one is `wanted`."""
    if (request.headers.get("x-dashscope-async", "").lower() == "enable") != wanted:
        kind = "synchronous" if wanted else "asynchronous"
        raise Refusal(403, "AccessDenied", f"current user api does not support {kind} calls.")


async def body_of(request: Request) -> bytes:
    """The request's body. Raises `Refusal` when it is larger than `MAX_BODY_BYTES`."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise Refusal(400, "BadRequest.TooLarge", f"The request body is larger than {MAX_BODY_BYTES} bytes.")
    return bytes(body)


def decoded(body: bytes, shape: type[_Body]) -> _Body:
    """A JSON body as a `shape`. Raises `Refusal` naming the first field that does not fit."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        found = _AT.search(str(error))
        missing = re.match(r"Object missing required field `(\w+)`", str(error))
        path = [found["path"]] if found else []
        if missing:
            raise invalid(".".join([*path, missing[1]]), "required, but missing") from None
        raise invalid(".".join(path) or "body", _AT.sub("", str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "InvalidParameter", "Required body invalid, please check the request body format.") from None


class Part(msgspec.Struct, frozen=True):
    """One part of a message: a text or a picture (its URL or data URI)."""

    text: str | None = None
    image: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation; `content` is a text or a list of parts."""

    role: str
    content: str | list[Part]

    @property
    def text(self) -> str:
        """All words of the message."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if part.text)

    @property
    def images(self) -> tuple[str, ...]:
        """The URLs and data URIs of its pictures."""
        if isinstance(self.content, str):
            return ()
        return tuple(part.image for part in self.content if part.image)


def tokens(text: str) -> int:
    """About how many tokens `text` is: a Chinese character about two thirds of one, four other characters one.

    An estimate, so that usage counts have a plausible size; the real tokenizer is not here.
    """
    wide = sum(1 for character in text if character >= "\u2e80")
    return -(-(wide * 8 + (len(text) - wide) * 3) // 12)
