"""Conversations about a picture: fetches it, measures it, and answers in the shape of a vision model.

What answers here is no vision model. It measures brightness, contrast, saturation and sharpness and says so in the
`model_note` of its answer; whether a picture shows what it should, it can't tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from localcloud.dashscope.faults import words
from localcloud.dashscope.generation import ResponseFormat
from localcloud.dashscope.orders import MessagesBody
from localcloud.dashscope.wire import (
    Message,
    body_of,
    check_async,
    decoded,
    encoded,
    invalid,
    request_id,
    tokens,
    wrong_path,
)

if TYPE_CHECKING:
    from PIL import Image
    from starlette.requests import Request
    from starlette.responses import Response

    from localcloud.dashscope.media import Media
    from localcloud.dashscope.pictures import Pictures
    from localcloud.dashscope.registry import Registry
    from localcloud.dashscope.writer import Writer

MODEL_NOTE = (
    "Written by a local stand-in that measures brightness, contrast, saturation and sharpness. "
    "It is no vision model and can't tell what a picture shows."
)


class JudgeParameters(msgspec.Struct, frozen=True):
    """How to answer about a picture."""

    response_format: ResponseFormat = ResponseFormat()


class JudgeInput(msgspec.Struct, frozen=True):
    """A conversation with pictures in it."""

    messages: list[Message]


class JudgeBody(msgspec.Struct, frozen=True):
    """Body of ``multimodal-generation/generation`` for models that see."""

    model: str
    input: JudgeInput
    parameters: JudgeParameters = JudgeParameters()


class _Named(msgspec.Struct, frozen=True):
    model: str


@dataclass(frozen=True, slots=True)
class Measures:
    """Simple statistics of a picture, each from 0 to 1 but `sharpness`; computed on sRGB values as they stand.

    `brightness` and `contrast` are mean and standard deviation of luma (Rec. 601), `saturation` is the mean of HSV
    saturation, `sharpness` the standard deviation of luma differences between neighbours (above about 0.01 for a
    picture with detail).
    """

    width: int
    height: int
    brightness: float
    contrast: float
    saturation: float
    sharpness: float

    @property
    def faults(self) -> tuple[str, ...]:
        """What is plainly wrong with the picture, in words."""
        checks = (
            (self.contrast < 0.03, "almost one flat colour"),
            (self.sharpness < 0.003, "no detail"),
            (self.brightness < 0.06, "almost black"),
            (self.brightness > 0.94, "almost white"),
        )
        return tuple(words for wrong, words in checks if wrong)


class Vision:
    """The handler of the multimodal endpoint, which also serves the image models that paint at once."""

    def __init__(self, registry: Registry, pictures: Pictures, writer: Writer, media: Media) -> None:
        self._registry = registry
        self._pictures = pictures
        self._writer = writer
        self._media = media

    async def converse(self, request: Request) -> Response:
        """Judge or paint, by the kind of the model. Raises `Refusal`."""
        check_async(request, wanted=False)
        body = await body_of(request)
        model = decoded(body, _Named).model
        if model in self._registry.image:
            return await self._pictures.generate_now(decoded(body, MessagesBody))
        if not self._registry.text_model(model).sees:
            raise wrong_path()
        return await self._judge(decoded(body, JudgeBody), request)

    async def _judge(self, body: JudgeBody, request: Request) -> Response:
        says = words(request)
        messages = body.input.messages
        if not any(message.role == "user" for message in messages):
            raise invalid("input.messages", "a user message")
        for message in messages:
            if message.role == "user":
                self._registry.inspection.check_input(message.text)
        addresses = [address for message in messages for address in message.images]
        measured = [measure(await self._media.picture(address, body.model, request)) for address in addresses]
        if says is not None:
            content = says
        elif measured:
            content = _verdict(measured[-1])
        else:
            content = self._writer.reply(messages, as_json=body.parameters.response_format.type != "text")
        image_tokens = sum(-(-m.width // 32) * -(-m.height // 32) + 2 for m in measured)
        text_tokens = sum(tokens(message.text) + 4 for message in messages)
        spoken = tokens(content)
        return encoded(
            {
                "output": {
                    "choices": [
                        {"finish_reason": "stop", "message": {"role": "assistant", "content": [{"text": content}]}}
                    ]
                },
                "usage": {
                    "input_tokens": text_tokens + image_tokens,
                    "image_tokens": image_tokens,
                    "output_tokens": spoken,
                    "total_tokens": text_tokens + image_tokens + spoken,
                },
                "request_id": request_id(),
            }
        )


def measure(image: Image.Image) -> Measures:
    """The statistics of `image`, measured at no more than 512 pixels a side."""
    width, height = image.size
    small = image.convert("RGB")
    small.thumbnail((512, 512))
    rgb = np.asarray(small, dtype=np.float32) / 255
    luma = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    highest = rgb.max(axis=2)
    saturation = (highest - rgb.min(axis=2)) / np.maximum(highest, 1e-6)
    steps = np.concatenate([np.diff(luma, axis=0).ravel(), np.diff(luma, axis=1).ravel(), np.zeros(1, np.float32)])
    return Measures(
        width=width,
        height=height,
        brightness=round(float(luma.mean()), 4),
        contrast=round(float(luma.std()), 4),
        saturation=round(float(saturation.mean()), 4),
        sharpness=round(float(steps.std()), 4),
    )


def _verdict(measures: Measures) -> str:
    faults = measures.faults
    return msgspec.json.encode(
        {
            "passes": not faults,
            "score": (points := max(1, 8 - 3 * len(faults))),
            # The questions of the product's own rubric; what is asked makes no difference to what is measured.
            "style": points,
            "belonging": points,
            "clean": points,
            "faults": faults,
            "measures": measures,
            "model_note": MODEL_NOTE,
        }
    ).decode()
