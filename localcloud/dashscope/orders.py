"""Requests for pictures, in both protocols, checked and turned into an `Order`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from localcloud.dashscope.tasks import Order
from localcloud.dashscope.wire import Message, invalid

if TYPE_CHECKING:
    from localcloud.dashscope.registry import ImageRules, Protocol, Registry

MAX_SEED = 2147483647


class SynthesisInput(msgspec.Struct, frozen=True):
    """What to paint; keys beyond these are not looked at, as on the real service."""

    prompt: str
    negative_prompt: str | None = None


class Parameters(msgspec.Struct, frozen=True):
    """How to paint; `negative_prompt` stands here in the messages protocol only."""

    size: str | None = None
    n: int | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    prompt_extend: bool = True
    watermark: bool = False


class SynthesisBody(msgspec.Struct, frozen=True):
    """Body of ``text2image/image-synthesis``."""

    model: str
    input: SynthesisInput
    parameters: Parameters = Parameters()


class MessagesInput(msgspec.Struct, frozen=True):
    """A conversation of one user message."""

    messages: list[Message]


class MessagesBody(msgspec.Struct, frozen=True):
    """Body of ``image-generation/generation``, and of ``multimodal-generation/generation`` for image models."""

    model: str
    input: MessagesInput
    parameters: Parameters = Parameters()


def of_synthesis(body: SynthesisBody, registry: Registry) -> Order:
    """The order of a request with one prompt. Raises `Refusal` for a model or value the service would refuse."""
    rules = registry.image_rules(body.model, "synthesis")
    if not body.input.prompt.strip():
        raise invalid("input.prompt", "required, but empty")
    return _order(
        registry, rules, "synthesis", body.model, body.parameters,
        prompt=body.input.prompt, negative_prompt=body.input.negative_prompt or "", place="input.prompt",
    )  # fmt: skip


def of_messages(body: MessagesBody, registry: Registry) -> Order:
    """The order of a conversation. Reference pictures are accepted and not used: the painter here paints from words.

    Raises `Refusal` for a model or value the service would refuse.
    """
    rules = registry.image_rules(body.model, "messages")
    if len(body.input.messages) != 1 or body.input.messages[0].role != "user":
        raise invalid("input.messages", "one message with the role user")
    prompt = body.input.messages[0].text
    if not prompt.strip():
        raise invalid("input.messages[0].content", "a text, but there is none")
    return _order(
        registry, rules, "messages", body.model, body.parameters,
        prompt=prompt, negative_prompt=body.parameters.negative_prompt or "", place="input.messages[0].content",
    )  # fmt: skip


def _order(
    registry: Registry,
    rules: ImageRules,
    protocol: Protocol,
    model: str,
    parameters: Parameters,
    *,
    prompt: str,
    negative_prompt: str,
    place: str,
) -> Order:
    if len(prompt) > rules.prompt_chars:
        raise invalid(place, f"at most {rules.prompt_chars} characters")
    if len(negative_prompt) > rules.negative_chars:
        raise invalid("negative_prompt", f"at most {rules.negative_chars} characters")
    width, height = rules.size(parameters.size)
    count = rules.default_count if parameters.n is None else parameters.n
    if not rules.count[0] <= count <= rules.count[1]:
        raise invalid("parameters.n", f"from {rules.count[0]} to {rules.count[1]}")
    if parameters.seed is not None and not 0 <= parameters.seed <= MAX_SEED:
        raise invalid("parameters.seed", f"from 0 to {MAX_SEED}")
    # Only the wanted is inspected: a negative prompt is full of words that must not become a picture.
    registry.inspection.check_input(prompt)
    return Order(
        model=model,
        protocol=protocol,
        prompt=prompt,
        actual_prompt=_extended(prompt) if parameters.prompt_extend else None,
        negative_prompt=negative_prompt,
        width=width,
        height=height,
        count=count,
        seed=secrets.randbelow(MAX_SEED) if parameters.seed is None else parameters.seed,
        watermark=parameters.watermark,
    )


def _extended(prompt: str) -> str:
    """`prompt_extend` here: a fixed ending. The real service rewrites freely, and may add what nobody asked for."""
    chinese = any("\u4e00" <= character <= "\u9fff" for character in prompt)
    ending = "画面层次丰富，光影细腻，构图开阔。" if chinese else "Rich depth, delicate light, a wide composition."
    return f"{prompt.rstrip()} {ending}"
