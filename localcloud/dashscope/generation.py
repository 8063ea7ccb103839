"""Text generation: checks the request, asks the stand-in writer, and answers whole or as a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from starlette.responses import Response, StreamingResponse

from localcloud.dashscope.faults import words
from localcloud.dashscope.wire import (
    Message,
    Refusal,
    body_of,
    check_async,
    decoded,
    encoded,
    invalid,
    request_id,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from localcloud.dashscope.registry import Registry
    from localcloud.dashscope.writer import Writer

_PIECE_CHARS = 24
_THOUGHT = "This is a local stand-in that fills templates; it does not think."


class ResponseFormat(msgspec.Struct, frozen=True):
    """Whether the answer is free text or JSON; a schema is accepted and not enforced."""

    type: Literal["text", "json_object", "json_schema"] = "text"


class TextInput(msgspec.Struct, frozen=True):
    """A conversation, or a single prompt."""

    messages: list[Message] = []
    prompt: str = ""


class TextParameters(msgspec.Struct, frozen=True):
    """How to answer. Sampling parameters are checked and have no effect: the stand-in does not sample."""

    result_format: Literal["text", "message"] | None = None
    response_format: ResponseFormat = ResponseFormat()
    enable_thinking: bool = False
    incremental_output: bool = False
    temperature: Annotated[float, msgspec.Meta(ge=0, lt=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2147483647)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None


class TextBody(msgspec.Struct, frozen=True):
    """Body of ``text-generation/generation``."""

    model: str
    input: TextInput
    parameters: TextParameters = TextParameters()


class TextAnswer(msgspec.Struct, frozen=True):
    """What the stand-in said; `finish_reason` is ``stop``, or ``length`` when `max_tokens` cut it."""

    content: str
    finish_reason: str
    thought: str
    input_tokens: int

    def usage(self, content: str) -> dict[str, Any]:
        """Usage counts after `content` of the answer was sent."""
        thinking = tokens(self.thought)
        spoken = tokens(content) + thinking
        usage: dict[str, Any] = {
            "input_tokens": self.input_tokens,
            "output_tokens": spoken,
            "total_tokens": self.input_tokens + spoken,
        }
        if thinking:
            usage["output_tokens_details"] = {"reasoning_tokens": thinking}
        return usage


class Generation:
    """The handler of the text endpoint."""

    def __init__(self, registry: Registry, writer: Writer) -> None:
        self._registry = registry
        self._writer = writer

    async def generate(self, request: Request) -> Response:
        """Answer one conversation. Raises `Refusal`."""
        check_async(request, wanted=False)
        body = decoded(await body_of(request), TextBody)
        model = self._registry.text_model(body.model)
        messages = body.input.messages or [Message("user", body.input.prompt)]
        answer = self._answer(messages, body.parameters, words(request))
        shape = body.parameters.result_format or model.answers
        if request.headers.get("x-dashscope-sse", "").lower() == "enable":
            pieces = _stream(answer, shape, incremental=body.parameters.incremental_output)
            return StreamingResponse(pieces, media_type="text/event-stream; charset=utf-8")
        return encoded(_spoken(answer, answer.content, answer.finish_reason, shape, request_id()))

    def _answer(self, messages: list[Message], parameters: TextParameters, says: str | None) -> TextAnswer:
        if not any(message.text.strip() for message in messages if message.role == "user"):
            raise invalid("input.messages", "a user message that is not empty")
        as_json = parameters.response_format.type != "text"
        if as_json and parameters.enable_thinking:
            raise Refusal(400, "InvalidParameter", "Json mode response is not supported when enable_thinking is true.")
        if parameters.response_format.type == "json_object" and not any(
            "json" in message.text.lower() for message in messages
        ):
            raise Refusal(
                400,
                "InvalidParameter",
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            )
        for message in messages:
            if message.role == "user":
                self._registry.inspection.check_input(message.text)
        content = self._writer.reply(messages, as_json=as_json) if says is None else says
        limit = math.inf if parameters.max_tokens is None else parameters.max_tokens
        whole = tokens(content) <= limit
        while tokens(content) > limit:
            content = content[: len(content) - max(1, len(content) // 50)]
        return TextAnswer(
            content=content,
            finish_reason="stop" if whole else "length",
            thought=_THOUGHT if parameters.enable_thinking else "",
            input_tokens=sum(tokens(message.text) + 4 for message in messages),
        )


def _spoken(answer: TextAnswer, content: str, finish_reason: str, shape: str, answer_id: str) -> dict[str, Any]:
    output: dict[str, Any]
    if shape == "text":
        output = {"text": content, "finish_reason": finish_reason}
    else:
        message = {"role": "assistant", "content": content}
        if answer.thought:
            message["reasoning_content"] = answer.thought
        output = {"choices": [{"finish_reason": finish_reason, "message": message}]}
    return {"output": output, "usage": answer.usage(content), "request_id": answer_id}


def _stream(answer: TextAnswer, shape: str, *, incremental: bool) -> Iterator[bytes]:
    """The answer as server-sent events: each holds the next piece, or else all that was said so far."""
    answer_id = request_id()
    for number, end in enumerate(
        range(_PIECE_CHARS, max(1, len(answer.content)) + _PIECE_CHARS, _PIECE_CHARS), start=1
    ):
        start = end - _PIECE_CHARS if incremental else 0
        finish_reason = answer.finish_reason if end >= len(answer.content) else "null"
        event = _spoken(answer, answer.content[start:end], finish_reason, shape, answer_id)
        event["usage"] = answer.usage(answer.content[:end])
        yield b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%b\n\n" % (number, msgspec.json.encode(event))
