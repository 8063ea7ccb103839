"""Which protocol an image model speaks, and which sizes it paints: known before anything is paid for.

Sources: "Text to image V2", "Wan 2.6 image", "Wan 2.7 image", "Qwen-Image" and "Z-Image" of the Model Studio reference
(https://help.aliyun.com/zh/model-studio/text-to-image-v2-api-reference and its neighbours), read in November 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

#: ``prompt``: one prompt, a task. ``later``: a conversation, a task. ``now``: a conversation, answered when painted.
Route = Literal["prompt", "later", "now"]

_SIZE = re.compile(r"([1-9]\d{2,3})\*([1-9]\d{2,3})")
_TAKES_ALL = frozenset({"n", "negative_prompt", "prompt_extend", "watermark"})


@dataclass(frozen=True, slots=True)
class Family:
    """Models that share a protocol and its limits; `sides` and `area` are in pixels, `ratio` is of the longer side.

    `also` are sizes that the documents recommend beyond those limits, `named` are words that stand for a size,
    `takes` are the optional parameters that the family's documents name, `always` what it needs besides.
    """

    name: str
    ids: re.Pattern[str]
    route: Route
    sides: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    ratio: float = 0.0
    also: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    example: str = "1024*1024"
    takes: frozenset[str] = _TAKES_ALL
    always: tuple[tuple[str, object], ...] = ()


#: Recommended for wan2.5 and wan2.6 for 3:4 and 9:16, though they have fewer pixels than the least that is demanded.
_RECOMMENDED = ("1104*1472", "1472*1104", "960*1696", "1696*960")

#: In this order; the last two stand for ids that came after this was written.
_FAMILIES = (
    Family(
        "wan2.5",
        re.compile(r"wan2\.5(?!\d).*"),
        "prompt",
        area=(1280**2, 1440**2),
        ratio=4,
        also=_RECOMMENDED,
        example="1104*1472",
    ),
    Family(
        "wan2.2",
        re.compile(r"wanx(-v1|2).*|wan2\.[0-4](?!\d).*"),
        "prompt",
        sides=(512, 1440),
        example="768*960",
    ),
    # Without a picture to edit, this model paints only in its mode of mixed text and pictures.
    Family(
        "wan2.6-image",
        re.compile(r"wan2\.6-image(?!\d).*"),
        "later",
        area=(768**2, 1280**2),
        ratio=4,
        example="960*1280",
        takes=frozenset({"n", "negative_prompt", "watermark"}),
        always=(("enable_interleave", True), ("max_images", 1)),
    ),
    Family(
        "wan2.6",
        re.compile(r"wan2\.6(?!\d).*"),
        "later",
        area=(1280**2, 1440**2),
        ratio=4,
        also=_RECOMMENDED,
        example="1104*1472",
    ),
    Family(
        "wan2.7-image-pro",
        re.compile(r"wan2\.7-image-pro(?!\d).*"),
        "later",
        area=(768**2, 4096**2),
        ratio=8,
        named=("1K", "2K", "4K"),
        example="960*1280",
    ),
    Family(
        "wan2.7-image",
        re.compile(r"wan2\.7(?!\d).*"),
        "later",
        area=(768**2, 2048**2),
        ratio=8,
        named=("1K", "2K"),
        example="960*1280",
    ),
    # "All other models use the synchronous API" says the page on asynchronous Qwen-Image.
    Family("qwen-image", re.compile(r"qwen-image.*"), "now", area=(512**2, 2048**2), ratio=8, example="960*1280"),
    Family(
        "z-image",
        re.compile(r"z-image.*"),
        "now",
        area=(512**2, 2048**2),
        ratio=8,
        example="960*1280",
        takes=frozenset({"prompt_extend"}),
    ),
    Family("wan", re.compile(r"wan.*"), "later", named=("1K", "2K", "4K")),
    Family("other", re.compile(r".*"), "now", named=("1K", "2K", "4K")),
)


def family_of(model: str) -> Family:
    """The family of a model id. An unknown id is taken for the newest protocol of its kind, with no limits of size."""
    return next(family for family in _FAMILIES if family.ids.fullmatch(model.strip()))


def size_problem(size: object, model: object = None) -> str:
    """What is wrong with `size` (``W*H``) for `model`, in both languages; "" when nothing is.

    None stands for a value that another node will give, and is not known yet.
    """
    if size is None:
        return ""
    family = family_of(model) if isinstance(model, str) else None
    names = family.named if family else ("1K", "2K", "4K")
    text = size if isinstance(size, str) else ""
    if text in names or (family and text in family.also):
        return ""
    match = _SIZE.fullmatch(text)
    if match is None:
        known = "".join(f"、{name}" for name in family.named) if family else ""
        return f"尺寸应为 宽*高{known}，例如 768*960 / size must be W*H{known.replace('、', ' or ')}, such as 768*960"
    width, height = int(match[1]), int(match[2])
    if family is None:
        return ""
    return _limit_problem(family, str(model), width, height)


def _limit_problem(family: Family, model: str, width: int, height: int) -> str:
    if family.sides and not family.sides[0] <= min(width, height) <= max(width, height) <= family.sides[1]:
        low, high = family.sides
        return (
            f"{model} 的每边应为 {low} 到 {high} 像素，例如 {family.example} / "
            f"{model} takes sides of {low} to {high} pixels, such as {family.example}"
        )
    if family.area and not family.area[0] <= width * height <= family.area[1]:
        low, high = family.area
        return (
            f"{model} 的宽×高应为 {low} 到 {high} 像素，现在是 {width * height}，例如 {family.example} / "
            f"{model} takes {low} to {high} pixels in all, not {width * height}; try {family.example}"
        )
    if family.ratio and max(width, height) > family.ratio * min(width, height):
        return (
            f"{model} 的长边最多是短边的 {family.ratio:g} 倍 / "
            f"{model} takes a longer side of at most {family.ratio:g} times the shorter one"
        )
    return ""
