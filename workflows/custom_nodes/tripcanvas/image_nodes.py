"""The nodes that have a picture painted by a wan or wanx model."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .engine import Progress, painting
from .errors import PictureRefused, RequestRefused
from .image_models import size_problem

if TYPE_CHECKING:
    from .dashscope_client import DashScope, PictureOrder

DEFAULT_IMAGE_MODEL = "wan2.2-t2i-flash"
DEFAULT_SIZE = "768*960"
MAX_SEED = 2147483647

_NEGATIVE = (
    "people, vehicles, text, signature, watermark, logo, blurry, low quality, jpeg artifacts, deformed, distorted, "
    "cropped, out of frame"
)

_PROMPT_INPUT = (
    "STRING",
    {
        "default": "",
        "multiline": True,
        "tooltip": "画面描述，wan2.2 及更早最多 800 字 What to paint; up to wan2.2 at most 800 characters.",
    },
)
_NEGATIVE_INPUT = (
    "STRING",
    {"default": _NEGATIVE, "multiline": True, "tooltip": "不要画的东西，最多 500 字 What to leave out, at most 500."},
)
_MODEL_INPUT = (
    "STRING",
    {
        "default": DEFAULT_IMAGE_MODEL,
        "tooltip": "百炼文生图模型，如 wan2.2-t2i-flash、wan2.6-t2i、qwen-image-2.0 A DashScope image model.",
    },
)
_SIZE_INPUT = (
    "STRING",
    {
        "default": DEFAULT_SIZE,
        "tooltip": "宽*高；wan2.2 每边 512 到 1440，wan2.5、2.6 共 1280² 到 1440² 像素 Width*height, by model.",
    },
)
_DEADLINE_INPUT = (
    "INT",
    {"default": 300, "min": 1, "max": 1800, "tooltip": "最长等待秒数 Seconds to wait at most."},
)


def _validated(size: object, model: object) -> bool | str:
    """ComfyUI's answer of a validation: True, or what is wrong. A linked value is not known yet and arrives as None."""
    return size_problem(size, model) or True


def _painted_url(dashscope: DashScope, order: PictureOrder, progress: Progress) -> str:
    if not order.prompt.strip():
        raise RequestRefused("提示词为空", "the prompt is empty")
    progress.show(10)
    return dashscope.paint(order, painting(progress))


class ImageSynthesisNode:
    """The address of one painted picture; the class, method and input names are those existing graphs use."""

    CATEGORY = "Image Synthesis"
    DESCRIPTION = (
        "由百炼万相模型画一张图，输出 24 小时内有效的地址。 "
        "A wan model paints one picture; the output is its address, which works for 24 hours."
    )
    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("image_url",)
    OUTPUT_TOOLTIPS = ("图片地址 The picture's address.",)
    FUNCTION = "generate_image_url"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        seed = {
            "default": -1,
            "min": -1,
            "max": MAX_SEED,
            "tooltip": "种子；-1 表示每次随机 Seed; -1 is a new one for each run.",
        }
        return {
            "required": {"prompt": _PROMPT_INPUT},
            "optional": {
                "negative_prompt": _NEGATIVE_INPUT,
                "model": _MODEL_INPUT,
                "size": _SIZE_INPUT,
                "seed": ("INT", seed),
                "deadline_s": _DEADLINE_INPUT,
            },
        }

    @classmethod
    def IS_CHANGED(cls, **_: object) -> float:
        """Never the same: an address from ComfyUI's cache may have expired."""
        return float("nan")

    @classmethod
    def VALIDATE_INPUTS(cls, size: str | None = None, model: str | None = None) -> bool | str:
        """Refuse a size that the model does not paint before anything is paid for."""
        return _validated(size, model)

    def generate_image_url(
        self,
        prompt: str,
        negative_prompt: str = _NEGATIVE,
        model: str = DEFAULT_IMAGE_MODEL,
        size: str = DEFAULT_SIZE,
        seed: int = -1,
        deadline_s: int = 300,
    ) -> tuple[str]:
        """Return the picture's address as DashScope gave it. Raises `NodeError`."""
        from .dashscope_client import DashScope, PictureOrder

        order = PictureOrder(
            prompt=prompt,
            negative_prompt=negative_prompt,
            model=model,
            size=size,
            seed=secrets.randbelow(MAX_SEED + 1) if seed < 0 else seed,
            prompt_extend=False,
        )
        progress = Progress()
        with DashScope.from_environment(deadline_s) as dashscope:
            url = _painted_url(dashscope, order, progress)
        progress.show(100)
        return (url,)


class WanxImage:
    """One painted picture as an IMAGE, downloaded and checked at once."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = "由百炼万相模型画一张图。A wan model paints one picture."
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("画好的图片 The painted picture.",)
    FUNCTION = "paint"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        seed = {
            "default": 0,
            "min": 0,
            "max": MAX_SEED,
            "control_after_generate": True,
            "tooltip": "种子；同一种子画面相近 Seed; the same one gives a similar picture.",
        }
        extend = {
            "default": False,
            "tooltip": "让服务改写提示词，画面会偏离原文 Let the service rewrite the prompt.",
        }
        return {
            "required": {
                "prompt": _PROMPT_INPUT,
                "negative_prompt": _NEGATIVE_INPUT,
                "model": _MODEL_INPUT,
                "size": _SIZE_INPUT,
                "seed": ("INT", seed),
            },
            "optional": {
                "prompt_extend": ("BOOLEAN", extend),
                "deadline_s": _DEADLINE_INPUT,
            },
        }

    @classmethod
    def VALIDATE_INPUTS(cls, size: str | None = None, model: str | None = None) -> bool | str:
        """Refuse a size that the model does not paint before anything is paid for."""
        return _validated(size, model)

    def paint(
        self,
        prompt: str,
        negative_prompt: str,
        model: str,
        size: str,
        seed: int,
        prompt_extend: bool = False,
        deadline_s: int = 300,
    ) -> tuple[object]:
        """Return the picture as IMAGE, float32 (1, H, W, 3) in 0..1. Raises `NodeError`."""
        from .dashscope_client import DashScope, PictureOrder
        from .pictures import as_image, decode

        order = PictureOrder(prompt, negative_prompt, model, size, seed, prompt_extend)
        progress = Progress()
        with DashScope.from_environment(deadline_s) as dashscope:
            url = _painted_url(dashscope, order, progress)
            progress.show(90)
            image = as_image(decode(dashscope.download(url)))
        progress.show(100)
        return (image,)


class WanxPicture:
    """The picture behind an address that `ImageSynthesisNode` gave."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "下载万相图片地址的图片（24 小时内有效）。 Fetches the picture of a Wanx address, which lasts 24 hours."
    )
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("下载的图片 The picture.",)
    FUNCTION = "fetch"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        address = {
            "default": "",
            "forceInput": True,
            "tooltip": "“万相图片地址”节点的输出；只下载百炼的地址 What ImageSynthesisNode gave.",
        }
        return {
            "required": {"address": ("STRING", address)},
            "optional": {"deadline_s": ("INT", {**_DEADLINE_INPUT[1], "default": 60})},
        }

    def fetch(self, address: str, deadline_s: int = 60) -> tuple[object]:
        """Return the picture as IMAGE, float32 (1, H, W, 3) in 0..1. Raises `NodeError`."""
        from .dashscope_client import DashScope
        from .pictures import as_image, decode

        if not address.strip():
            raise PictureRefused("图片地址为空", "the picture's address is empty")
        progress = Progress()
        with DashScope.from_environment(deadline_s) as dashscope:
            image = as_image(decode(dashscope.download(address.strip())))
        progress.show(100)
        return (image,)
