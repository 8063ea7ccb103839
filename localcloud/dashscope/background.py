"""Background generation: a picture task around a cut-out.

As documented in "Image background generation" (https://help.aliyun.com/en/model-studio/image-background-generation):
always a task, the base picture an RGBA PNG of at most 2048 pixels a side, a prompt or a reference picture, an answer as
large as the base. The stand-in paints from the prompt alone and lays the cut-out over it as it is; the reference is
fetched and checked, and not used. There is no seed on the wire: here the picture follows from prompt and cut-out,
while the real service's differs each time.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import msgspec

from localcloud.dashscope.tasks import Order
from localcloud.dashscope.wire import Refusal, body_of, check_async, decoded, invalid

if TYPE_CHECKING:
    from PIL import Image
    from starlette.requests import Request
    from starlette.responses import Response

    from localcloud.dashscope.media import Media
    from localcloud.dashscope.pictures import Pictures
    from localcloud.dashscope.registry import Registry
    from localcloud.dashscope.results import Results

MAX_SIDE_PX = 2048
#: What the painter can paint at least; the service names no lower limit.
MIN_SIDE_PX = 64


class BackgroundInput(msgspec.Struct, frozen=True):
    """The pictures and words to paint from; edge elements are accepted and not used."""

    base_image_url: str
    ref_image_url: str | None = None
    ref_prompt: str | None = None
    neg_ref_prompt: str | None = None


class BackgroundParameters(msgspec.Struct, frozen=True):
    """How to paint."""

    n: int | None = None
    model_version: str = "v2"
    noise_level: int = 300
    ref_prompt_weight: float = 0.5


class BackgroundBody(msgspec.Struct, frozen=True):
    """Body of ``background-generation/generation``."""

    model: str
    input: BackgroundInput
    parameters: BackgroundParameters = BackgroundParameters()


class Background:
    """The handler of the background endpoint."""

    def __init__(self, registry: Registry, pictures: Pictures, results: Results, media: Media) -> None:
        self._registry = registry
        self._pictures = pictures
        self._results = results
        self._media = media

    async def generate_later(self, request: Request) -> Response:
        """Create a task. Raises `Refusal` for a model, value or picture the service would refuse."""
        check_async(request, wanted=True)
        body = decoded(await body_of(request), BackgroundBody)
        rules = self._registry.image_rules(body.model, "background")
        self._pictures.admit(body.model)
        prompt = (body.input.ref_prompt or "").strip()
        if not prompt and not body.input.ref_image_url:
            raise invalid("input.ref_prompt", "required when there is no ref_image_url")
        count = rules.default_count if body.parameters.n is None else body.parameters.n
        if not rules.count[0] <= count <= rules.count[1]:
            raise invalid("parameters.n", f"from {rules.count[0]} to {rules.count[1]}")
        if body.parameters.model_version not in ("v2", "v3"):
            raise invalid("parameters.model_version", "v2 or v3")
        if not 0 <= body.parameters.noise_level <= 999:
            raise invalid("parameters.noise_level", "from 0 to 999")
        if not 0 <= body.parameters.ref_prompt_weight <= 1:
            raise invalid("parameters.ref_prompt_weight", "from 0 to 1")
        self._registry.inspection.check_input(prompt)
        base = await self._media.picture(body.input.base_image_url, body.model, request)
        if body.input.ref_image_url:
            await self._media.picture(body.input.ref_image_url, body.model, request)
        cut_out = _checked(base)
        return self._pictures.created(
            Order(
                model=body.model,
                protocol="background",
                prompt=prompt,
                actual_prompt=None,
                negative_prompt=body.input.neg_ref_prompt or "",
                width=base.width,
                height=base.height,
                count=count,
                seed=int.from_bytes(hashlib.sha256(prompt.encode() + cut_out).digest()[:4], "big") // 4,
                watermark=False,
                cut_out=self._results.keep(cut_out),
            )
        )


def _checked(base: Image.Image) -> bytes:
    """The base picture as PNG. Raises `Refusal` unless it has four channels and a size that is painted."""
    if base.mode != "RGBA":
        raise Refusal(400, "InvalidParameter", "base_image_url: an RGBA picture with four channels")
    if max(base.size) > MAX_SIDE_PX or min(base.size) < MIN_SIDE_PX:
        raise Refusal(400, "InvalidParameter", f"base_image_url: sides of at most {MAX_SIDE_PX} pixels")
    sink = io.BytesIO()
    base.save(sink, "PNG", compress_level=1)
    return sink.getvalue()
