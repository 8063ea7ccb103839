"""The nodes that have a picture painted by a wan or wanx model."""

from __future__ import annotations

import re
import secrets
from typing import Any

from .dashscope_client import DashScope, PictureOrder
from .engine import Progress
from .errors import RequestRefused

DEFAULT_IMAGE_MODEL = "wan2.2-t2i-flash"
DEFAULT_SIZE = "768*960"
MAX_SEED = 2147483647

_NEGATIVE = (
    "people, vehicles, text, signature, watermark, logo, blurry, low quality, jpeg artifacts, deformed, distorted, "
    "cropped, out of frame"
)
_SIZE = re.compile(r"[1-9]\d{2,3}\*[1-9]\d{2,3}")

_PROMPT_INPUT = (
    "STRING",
    {"default": "", "multiline": True, "tooltip": "画面描述，最多 800 字 What to paint, at most 800 characters."},
)
_NEGATIVE_INPUT = (
    "STRING",
    {"default": _NEGATIVE, "multiline": True, "tooltip": "不要画的东西，最多 500 字 What to leave out, at most 500."},
)
_MODEL_INPUT = (
    "STRING",
    {"default": DEFAULT_IMAGE_MODEL, "tooltip": "百炼文生图模型：wan2.5 及更早 A DashScope model up to wan2.5."},
)
_SIZE_INPUT = (
    "STRING",
    {
        "default": DEFAULT_SIZE,
        "tooltip": "宽*高；wan2.2 及更早每边 512 到 1440 Width*height; up to wan2.2 each side is 512 to 1440.",
    },
)
_DEADLINE_INPUT = (
    "INT",
    {"default": 300, "min": 1, "max": 1800, "tooltip": "最长等待秒数 Seconds to wait at most."},
)


def _size_problem(size: object) -> bool | str:
    """ComfyUI's answer of a validation: True, or what is wrong. A linked value is not known yet and arrives as None."""
    if size is None or (isinstance(size, str) and _SIZE.fullmatch(size)):
        return True
    return "尺寸应为 宽*高，例如 768*960 / size must be W*H, such as 768*960"


def _painted_url(dashscope: DashScope, order: PictureOrder, progress: Progress) -> str:
    if not order.prompt.strip():
        raise RequestRefused("提示词为空", "the prompt is empty")
    task_id = dashscope.order_picture(order)
    reached = 10
    progress.show(reached)

    def on_state(state: str) -> None:
        nonlocal reached
        # How far the painting is, nobody tells: the bar moves while it runs, and waits below what is left to do.
        if state == "RUNNING":
            reached = min(reached + 5, 80)
        progress.show(reached)

    return dashscope.picture_url(task_id, on_state)


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
    def VALIDATE_INPUTS(cls, size: str | None = None) -> bool | str:
        """Refuse a malformed size before anything is paid for."""
        return _size_problem(size)

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
    def VALIDATE_INPUTS(cls, size: str | None = None) -> bool | str:
        """Refuse a malformed size before anything is paid for."""
        return _size_problem(size)

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
        # Loaded here: where only texts are made, nothing needs numpy and Pillow.
        from .pictures import as_image, decode

        order = PictureOrder(prompt, negative_prompt, model, size, seed, prompt_extend)
        progress = Progress()
        with DashScope.from_environment(deadline_s) as dashscope:
            url = _painted_url(dashscope, order, progress)
            progress.show(90)
            image = as_image(decode(dashscope.download(url)))
        progress.show(100)
        return (image,)
