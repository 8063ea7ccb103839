"""A sheet of before and after, on the four colours that show every fringe."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shared.pictures.composition.light import Bytes, Floats, quantised, to_linear

#: The glyphs of the labels below, and ASCII (a subset of Noto Sans CJK, see README.md beside it).
_FONT = Path(__file__).parent / "fonts" / "sheet-subset.otf"
GROUNDS = {
    "黑 black": (0, 0, 0),
    "白 white": (255, 255, 255),
    "绿 green": (0, 177, 64),
    "品红 magenta": (255, 0, 144),
}
BEFORE, AFTER = "导入前 before", "导入后 after"
PLACES = {"edge": "轮廓 edge", "badge": "车标 badge", "glass": "车窗 glass"}
_WHOLE_PX, _ZOOM_PX, _ZOOM, _GAP, _LABEL_PX = 520, 48, 5, 8, 26


def draw_sheet(before: Floats, after: Floats, badge: Floats, title: str) -> Bytes:
    """The sheet (H, W, 3), 8-bit sRGB.

    `before` (H, W, 4) holds sRGB codes times alpha, and alpha, `after` premultiplied linear light, `badge` (H, W) its
    coverage, all of one size. On each ground: the whole car, then where the two differ most at the outline, the badge,
    and the glass, five times as large. Left is the picture pasted as it was, right what the pack holds.
    """
    pairs = [(_pasted(before, ground), _composed(after, ground)) for ground in GROUNDS.values()]
    places = _places(before, after, badge)
    height, width = after.shape[:2]
    whole = (_WHOLE_PX, max(round(height * _WHOLE_PX / width), 1))
    zoom = _ZOOM_PX * _ZOOM
    row_px = max(whole[1], zoom) + _GAP
    columns = [_GAP, 2 * _GAP + _WHOLE_PX]
    for number in range(2 * len(places)):
        columns.append(3 * _GAP + 2 * _WHOLE_PX + number * (zoom + _GAP))
    sheet = Image.new("RGB", (columns[-1] + zoom + _GAP, 3 * _LABEL_PX + len(pairs) * (row_px + _LABEL_PX)), (238,) * 3)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(str(_FONT), 17)
    draw.text((_GAP, 4), title, fill=(0, 0, 0), font=font)
    heads = [BEFORE, AFTER, *(f"{PLACES[name]} · {side}" for name in places for side in (BEFORE, AFTER))]
    for x, head in zip(columns, heads, strict=True):
        draw.text((x, _LABEL_PX + 4), head, fill=(0, 0, 0), font=font)
    y = 2 * _LABEL_PX
    for name, pair in zip(GROUNDS, pairs, strict=True):
        draw.text((_GAP, y + 2), name, fill=(90, 90, 90), font=font)
        y += _LABEL_PX
        for x, picture in zip(columns, pair, strict=False):
            sheet.paste(Image.fromarray(_smaller(picture, whole)), (x, y))
        zooms = [picture[window] for window in places.values() for picture in pair]
        for x, cut in zip(columns[2:], zooms, strict=True):
            large = cv2.resize(np.ascontiguousarray(cut), None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
            sheet.paste(Image.fromarray(np.asarray(large, np.uint8)), (x, y))
        y += row_px
    return np.asarray(sheet)


def write_sheet(file: Path, sheet: Bytes) -> None:
    """Write it as PNG or JPEG 4:4:4, by the name's ending."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix.lower() in (".jpg", ".jpeg"):
        Image.fromarray(sheet).save(file, quality=92, subsampling=0)
    else:
        Image.fromarray(sheet).save(file)


def _pasted(before: Floats, ground: tuple[int, int, int]) -> Bytes:
    codes = before[..., :3] + (1 - before[..., 3:]) * np.array(ground, np.float32) / 255
    return np.asarray(np.rint(np.clip(codes, 0, 1) * 255), dtype=np.uint8)


def _composed(after: Floats, ground: tuple[int, int, int]) -> Bytes:
    light = to_linear(np.array([[ground]], np.uint8))
    return quantised(after[..., :3] + (1 - after[..., 3:]) * light)


def _places(before: Floats, after: Floats, badge: Floats) -> dict[str, tuple[slice, slice]]:
    """The windows that are shown large, by name."""
    apart = sum(
        np.abs(_pasted(before, ground).astype(np.float32) - _composed(after, ground)).sum(axis=-1)
        for ground in ((0, 0, 0), (255, 255, 255))
    )
    alpha = after[..., 3]
    from_outside = cv2.distanceTransform((alpha > 0.01).astype(np.uint8), cv2.DIST_L2, 5)
    rim = (alpha > 0) & (from_outside <= 4)
    glass = (alpha < 0.98) & (from_outside > 8)
    found = {"edge": _window(np.where(rim, 1 + np.asarray(apart), 0)), "badge": _window(badge)}
    if glass.sum() > 200:
        found["glass"] = _window(glass.astype(np.float32))
    return found


def _window(weight: NDArray[np.floating]) -> tuple[slice, slice]:
    """Where a square of the zoom's size holds most of the weight (H, W), inside the picture."""
    height, width = weight.shape
    sums = cv2.boxFilter(weight.astype(np.float32), -1, (_ZOOM_PX, _ZOOM_PX), borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(np.argmax(sums)), sums.shape)
    top = int(np.clip(int(row) - _ZOOM_PX // 2, 0, max(height - _ZOOM_PX, 0)))
    left = int(np.clip(int(column) - _ZOOM_PX // 2, 0, max(width - _ZOOM_PX, 0)))
    return slice(top, top + _ZOOM_PX), slice(left, left + _ZOOM_PX)


def _smaller(picture: Bytes, size: tuple[int, int]) -> Bytes:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
