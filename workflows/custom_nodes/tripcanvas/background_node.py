"""The node that has a landscape painted around a cut-out, which comes back untouched."""

from __future__ import annotations

from typing import Any

from .engine import Progress, painting
from .errors import RequestRefused

DEFAULT_BACKGROUND_MODEL = "wanx-background-generation-v2"
#: "Longer side at most 2048 pixels" (image background generation, base_image_url).
_MAX_SIDE_PX = 2048


class WanxBackground:
    """A painted background around a cut-out.

    The cut-out and the reference go to DashScope's temporary space for this: only pictures of the car asset and of the
    designer belong here, never anything of an owner.
    """

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "由万相背景生成模型在抠图周围画背景，抠图像素原样保留。 "
        "The Wanx background model paints around a cut-out, whose pixels come back exactly as they went in. "
        "抠图与参考图会上传到百炼的临时空间（48 小时后删除） "
        "The cut-out and the reference are uploaded to DashScope's temporary space, for 48 hours."
    )
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("画好背景的图片，与抠图一样大 The picture, as large as the cut-out.",)
    FUNCTION = "paint"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        seed = {
            "default": 0,
            "min": 0,
            "max": 2147483647,
            "control_after_generate": True,
            "tooltip": "换一个数就重画一次；画面不可重现 Another number paints anew; no picture can be had twice.",
        }
        return {
            "required": {
                "image": (
                    "IMAGE",
                    {"tooltip": "画布上的抠图，长边最多 2048 The cut-out on its canvas, at most 2048 px."},
                ),
                "mask": ("MASK", {"tooltip": "1 = 保留（车），0 = 要画 1 = kept (the car), 0 = to be painted."}),
                "prompt": (
                    "STRING",
                    {
                        "default": "",
                        "multiline": True,
                        "tooltip": "背景描述，约 100 字以内，多余的会被忽略 The background, in at most 150 words.",
                    },
                ),
                "seed": ("INT", seed),
            },
            "optional": {
                "reference": ("IMAGE", {"tooltip": "背景参考图（可不接） A picture with a like background, if any."}),
                "model": (
                    "STRING",
                    {"default": DEFAULT_BACKGROUND_MODEL, "tooltip": "背景生成模型 The background model."},
                ),
                "deadline_s": (
                    "INT",
                    {"default": 300, "min": 1, "max": 1800, "tooltip": "最长等待秒数 Seconds to wait at most."},
                ),
            },
        }

    def paint(
        self,
        image: object,
        mask: object,
        prompt: str,
        seed: int,  # noqa: ARG002 - another one makes ComfyUI run the node again
        reference: object | None = None,
        model: str = DEFAULT_BACKGROUND_MODEL,
        deadline_s: int = 300,
    ) -> tuple[object]:
        """Return the picture as IMAGE, float32 (1, H, W, 3) in 0..1, the size of `image`.

        Where `mask` is 1, the values are those of `image`; where it is between 0 and 1, the two are blended in linear
        light. Raises `NodeError`.
        """
        from .composition.light import to_linear, to_srgb
        from .dashscope_client import BackgroundOrder, DashScope
        from .pictures import as_array, as_tensor, decode, first_mask, first_picture, png_of, resized

        cutout = first_picture(image)
        height, width = cutout.shape[:2]
        alpha = first_mask(mask, height, width)
        _check(height, width, nothing_kept=not (alpha > 0).any(), all_kept=bool((alpha >= 1).all()))
        if not prompt.strip() and reference is None:
            raise RequestRefused("背景描述和参考图至少要有一个", "give a prompt or a reference picture")
        order = BackgroundOrder(
            prompt, model, png_of(cutout, alpha), b"" if reference is None else png_of(first_picture(reference))
        )
        progress = Progress()
        with DashScope.from_environment(deadline_s) as dashscope:
            url = dashscope.paint_around(order, painting(progress))
            progress.show(90)
            painted = resized(decode(dashscope.download(url)), height, width)
        share = alpha[..., None]
        result = to_srgb(to_linear(cutout) * share + to_linear(painted) * (1 - share))
        # Written over, not computed: not even the last bit of a kept pixel changes.
        kept = alpha >= 1
        result[kept] = as_array(image)[0, :, :, :3][kept]
        progress.show(100)
        return (as_tensor(result[None]),)


def _check(height: int, width: int, *, nothing_kept: bool, all_kept: bool) -> None:
    if max(height, width) > _MAX_SIDE_PX:
        raise RequestRefused(
            f"抠图长边最多 {_MAX_SIDE_PX} 像素，现在是 {width}×{height}",
            f"the cut-out's longer side may have {_MAX_SIDE_PX} pixels; it is {width}×{height}",
        )
    if nothing_kept:
        raise RequestRefused(
            "遮罩里没有要保留的部分（例如车型为 none）；没有车时请用 WanxImage",
            "the mask keeps nothing (as for the car none); without a car, use WanxImage",
        )
    if all_kept:
        raise RequestRefused(
            "遮罩保留了整张图，没有可画的地方；遮罩应为 1 = 车、0 = 背景",
            "the mask keeps the whole picture; it should be 1 for the car and 0 for the background",
        )
