"""Pixels as light: sRGB to linear and back, scaling, and the last step down to eight bits.

Transfer function: IEC 61966-2-1 (sRGB). Linear light is what adds up when a lens blurs, a pixel is half covered, or two
lamps shine; scaling or blending stored values instead darkens edges. A cut-out carries its colour *premultiplied*: as
much of it as there is, so that hidden colours can't bleed in.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

#: Linear light, float32: (H, W, 3) in 0..1, or premultiplied with alpha as (H, W, 4).
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

#: Entries of the table that turns linear light into sRGB: by the light's square root, where sRGB is nearly straight.
_STEPS = 4096


def to_linear(srgb: Bytes | Floats) -> Floats:
    """Linear light in 0..1 of sRGB values of any shape: uint8 codes, or floats in 0..1."""
    if srgb.dtype == np.uint8:
        return _linear_of_codes()[srgb]
    values = np.asarray(srgb, dtype=np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0.0) + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb(linear: Floats) -> Floats:
    """sRGB values in 0..1 of linear light of any shape; what lies outside 0..1 is clipped.

    By straight lines between 4,096 points of a table: at most 0.002 of an 8-bit code away from the formula.
    """
    root = np.sqrt(np.clip(linear, 0.0, 1.0)) * np.float32(_STEPS)
    low = root.astype(np.int32)
    table, slopes = _srgb_of_roots()
    srgb: Floats = table[low] + slopes[low] * (root - low)
    return srgb


def scaled(planes: Floats, width_px: int, height_px: int) -> Floats:
    """Premultiplied linear planes, (H, W) or (H, W, 1 to 4), at another size.

    By exact area when smaller, by straight lines when larger. Neither can ring: a badge keeps its edges' colours.
    Raises `ValueError` for a size below 1.
    """
    if min(width_px, height_px) < 1:
        raise ValueError("size_px: at least 1 x 1 expected")
    height, width = planes.shape[:2]
    if (width, height) == (width_px, height_px):
        return planes
    smaller = width_px <= width and height_px <= height
    out = cv2.resize(planes, (width_px, height_px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.asarray(out, dtype=np.float32)


def quantised(linear: Floats) -> Bytes:
    """Linear light (H, W, 3) as 8-bit sRGB with ordered dither, so that soft shadows don't show bands.

    The dither is smaller than half a code: what was 8-bit sRGB before comes back unchanged. It is fixed, so that the
    same light gives the same codes wherever it is computed.
    """
    codes = to_srgb(linear) * np.float32(255.0)
    height, width = codes.shape[:2]
    pattern = np.tile(_dither(), (-(-height // 8), -(-width // 8)))[:height, :width, np.newaxis]
    rounded: Bytes = np.floor(codes + pattern).astype(np.uint8)
    return rounded


@cache
def _linear_of_codes() -> Floats:
    return to_linear((np.arange(256) / 255.0).astype(np.float32))


@cache
def _srgb_of_roots() -> tuple[Floats, Floats]:
    linear = (np.arange(_STEPS + 1, dtype=np.float64) / _STEPS) ** 2
    table = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return table.astype(np.float32), np.diff(table, append=table[-1:]).astype(np.float32)


@cache
def _dither() -> Floats:
    """An 8 x 8 matrix of thresholds (Bayer, 1973) around one half, so that exact codes stay what they are."""
    index = np.array([[0, 2], [3, 1]])
    for _ in range(2):
        index = np.block([[4 * index, 4 * index + 2], [4 * index + 3, 4 * index + 1]])
    # 0.02 short of a whole code on either side: rounding of the table can't move an exact one.
    return (0.5 + 0.96 * ((index + 0.5) / 64.0 - 0.5)).astype(np.float32)
