"""The label that people see: `AI生成` on a contrast plate in a corner of the picture.

GB 45438-2025 asks for text with an AI word and a generation word at an edge or corner, at least 5 % of the shortest
side high (5.1, 5.2). It is drawn where it hides neither car nor badge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: "AI" is the AI word, "生成" the generation word.
TEXT = "AI生成"
#: In order of preference, at equal harm: Annex C.2 of the standard shows bottom right.
CORNERS = ("bottom right", "bottom left", "top right", "top left")
#: Least height of the smallest glyph's box over the picture's shortest side; the standard's 5 % and a little more,
#: because it does not say which height it means.
_GLYPH_SHARE = 0.052
_FONT = Path(__file__).parent / "fonts" / "label-subset.otf"
_PLATE, _INK = np.array([16, 18, 22], np.float32), np.array([255, 255, 255], np.float32)
#: How much of the plate and of the ink covers what lies below.
_PLATE_COVER, _INK_COVER = 0.75, 0.97
#: A pixel of the badge under the plate counts as so many of the car.
_BADGE_WEIGHT = 1000
#: Least difference of mean luma between ink and plate, in codes, at which a mark is said to be there.
_LEGIBLE = 60.0
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What must stay visible in a picture: masks (H, W) of the car and of its badge."""

    car: Mask
    badge: Mask


@dataclass(frozen=True, slots=True, eq=False)
class _Stamp:
    """Coverage of plate and ink, each (h, w) in 0..1, and the distance of the plate from the edges in pixels."""

    plate: NDArray[np.float32]
    ink: NDArray[np.float32]
    margin: int

    def window(self, corner: str, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Where the stamp lies in a picture of this shape."""
        height, width = self.plate.shape
        vertical, horizontal = corner.split()
        top = self.margin if vertical == "top" else shape[0] - self.margin - height
        left = self.margin if horizontal == "left" else shape[1] - self.margin - width
        return slice(top, top + height), slice(left, left + width)


def draw_mark(pixels: Bytes, subject: Subject | None = None) -> Bytes:
    """A copy of sRGB pixels (H, W, 3) with the visible label in the corner where it hides least of the subject."""
    stamp = _stamp_for(min(pixels.shape[:2]))
    window = stamp.window(corner_for(pixels.shape, subject), pixels.shape)
    out: Bytes = pixels.copy()
    below = out[window].astype(np.float32)
    plate = _PLATE_COVER * stamp.plate[..., None]
    ink = _INK_COVER * stamp.ink[..., None]
    shown = (below * (1 - plate) + _PLATE * plate) * (1 - ink) + _INK * ink
    out[window] = np.rint(shown).astype(np.uint8)
    return out


def corner_for(shape: tuple[int, ...], subject: Subject | None) -> str:
    """The corner in which the mark hides least of the subject; the first of `CORNERS` among equals."""
    if subject is None:
        return CORNERS[0]
    stamp = _stamp_for(min(shape[:2]))

    def harm(corner: str) -> int:
        window = stamp.window(corner, shape)
        return int(subject.car[window].sum()) + _BADGE_WEIGHT * int(subject.badge[window].sum())

    return min(CORNERS, key=harm)


def find_mark(pixels: Bytes) -> str | None:
    """The corner where a mark of this module is to be seen in sRGB pixels (H, W, 3), None when it is in none."""
    stamp = _stamp_for(min(pixels.shape[:2]))
    ink, plate = stamp.ink > 0.9, (stamp.ink < 0.05) & (stamp.plate > 0.9)
    contrasts = {}
    for corner in CORNERS:
        luma = pixels[stamp.window(corner, pixels.shape)] @ _LUMA
        if luma.shape == ink.shape:
            contrasts[corner] = float(np.percentile(luma[ink], 10) - np.percentile(luma[plate], 90))
    best = max(contrasts, key=lambda corner: contrasts[corner], default=None)
    return best if best is not None and contrasts[best] >= _LEGIBLE else None


@cache
def _stamp_for(shortest: int) -> _Stamp:
    """The mark for a picture whose shortest side has so many pixels."""
    font = font_for(max(8, int(np.ceil(shortest * _GLYPH_SHARE))))
    left, top, right, bottom = font.getbbox(TEXT)
    pad, margin = shortest // 60, shortest // 40
    size = (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad)
    plate, ink = Image.new("L", size), Image.new("L", size)
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=pad, fill=255)
    ImageDraw.Draw(ink).text((pad - left, pad - top), TEXT, font=font, fill=255)
    return _Stamp(_shares(plate), _shares(ink), margin)


def _shares(coverage: Image.Image) -> NDArray[np.float32]:
    return (np.asarray(coverage) / 255).astype(np.float32)


@cache
def font_for(glyph_height: int) -> ImageFont.FreeTypeFont:
    """The font at the smallest size at which every glyph's ink is at least `glyph_height` pixels high."""
    size = glyph_height
    while True:
        font = ImageFont.truetype(str(_FONT), size)
        boxes = [font.getbbox(glyph) for glyph in TEXT]
        if min(bottom - top for _, top, _, bottom in boxes) >= glyph_height:
            return font
        size += 1
