"""The models of this service and the limits that go with them, read from ``models.toml``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from localcloud.dashscope.wire import Refusal, invalid, no_such_model, wrong_path
from shared.toml_files import tomllib

Protocol = Literal["synthesis", "messages", "background"]


class Limits(msgspec.Struct, frozen=True):
    """Limits of the account; see the comments in ``models.toml``."""

    submit_per_second: float
    submit_burst: int
    tasks_at_once: int
    lifetime_s: int


class Inspection(msgspec.Struct, frozen=True):
    """The words that the stand-in of the content check refuses."""

    input_words: tuple[str, ...]
    output_words: tuple[str, ...]

    def check_input(self, text: str) -> None:
        """Raise `Refusal` (400 DataInspectionFailed) when `text` holds a refused word."""
        if _holds(text, self.input_words):
            raise Refusal(400, "DataInspectionFailed", "Input data may contain inappropriate content.")

    def refuses_output(self, prompt: str) -> bool:
        """Whether a picture of `prompt` would be withheld."""
        return _holds(prompt, self.output_words)


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)" if word.isascii() else re.escape(word), text, re.IGNORECASE)
        for word in words
    )


class TextModel(msgspec.Struct, frozen=True):
    """A text model: whether it takes pictures, and how it answers when the request names no result_format."""

    sees: bool = False
    answers: Literal["text", "message"] = "message"


class ImageRules(msgspec.Struct, frozen=True):
    """What a family of image models accepts; sizes are (width, height) in pixels, `also` those beyond the limits."""

    default_size: tuple[int, int]
    prompt_chars: int
    negative_chars: int
    count: tuple[int, int]
    default_count: int
    side: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    max_ratio: float = 0.0
    named_sizes: dict[str, tuple[int, int]] = {}
    also: tuple[tuple[int, int], ...] = ()

    def size(self, text: str | None) -> tuple[int, int]:
        """Width and height for the request's `size`. Raises `Refusal`."""
        if not text:
            return self.default_size
        if text in self.named_sizes:
            return self.named_sizes[text]
        match = re.fullmatch(r"(\d{2,5})\*(\d{2,5})", text)
        if match is None:
            names = "".join(f" or {name}" for name in self.named_sizes)
            raise invalid("parameters.size", f"width*height{names}, such as 1024*1024")
        width, height = int(match[1]), int(match[2])
        if (width, height) in self.also:
            return width, height
        if self.side and not (self.side[0] <= min(width, height) and max(width, height) <= self.side[1]):
            raise invalid("parameters.size", f"each side from {self.side[0]} to {self.side[1]} pixels")
        if self.area and not self.area[0] <= width * height <= self.area[1]:
            raise invalid("parameters.size", f"{self.area[0]} to {self.area[1]} pixels in all")
        if self.max_ratio and max(width, height) > self.max_ratio * min(width, height):
            raise invalid("parameters.size", f"sides in a ratio of at most {self.max_ratio:g} to 1")
        return width, height


class ImageModel(msgspec.Struct, frozen=True):
    """An image model: the protocol it speaks and the name of its rules."""

    protocol: Protocol
    rules: str


class Registry(msgspec.Struct, frozen=True):
    """Every model id this service knows."""

    limits: Limits
    inspection: Inspection
    retired: tuple[str, ...]
    text: dict[str, TextModel]
    image: dict[str, ImageModel]
    rules: dict[str, ImageRules]

    def text_model(self, model: str) -> TextModel:
        """The text model `model`. Raises `Refusal`: 404 when it is unknown or retired, 400 when it is no text model."""
        if model in self.text:
            return self.text[model]
        raise wrong_path() if model in self.image else no_such_model(model)

    def check_known(self, model: str) -> None:
        """Raise `Refusal` (404) for a model that is unknown or retired."""
        if model not in self.text and model not in self.image:
            raise no_such_model(model)

    def image_rules(self, model: str, protocol: Protocol) -> ImageRules:
        """The rules of the image model `model`, which must speak `protocol`. Raises `Refusal`, as `text_model` does."""
        known = self.image.get(model)
        if known is None:
            raise wrong_path() if model in self.text else no_such_model(model)
        if known.protocol != protocol:
            raise wrong_path()
        return self.rules[known.rules]


def load() -> Registry:
    """Read and check the registry."""
    file = Path(__file__).with_name("models.toml")
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Registry)
