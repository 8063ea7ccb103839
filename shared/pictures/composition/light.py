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

#: Steps of the tables that turn linear light into sRGB: by the light's square root, where sRGB is nearly straight.
_STEPS = 65535


def to_linear(srgb: Bytes | Floats) -> Floats:
    """Linear light in 0..1 of sRGB values of any shape: uint8 codes, or floats in 0..1."""
    if srgb.dtype == np.uint8 and srgb.size:
        return np.asarray(cv2.LUT(srgb, _linear_of_codes()), dtype=np.float32)
    values = np.asarray(srgb, dtype=np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0.0) + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb(linear: Floats) -> Floats:
    """sRGB values in 0..1 of linear light of any shape; what lies outside 0..1 is clipped.

    By a table of 65,536 steps: at most 0.01 of an 8-bit code away from the formula.
    """
    return _srgb_of_roots()[_roots(linear)]


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


def quantised(linear: Floats, first_row: int = 0) -> Bytes:
    """Linear light (H, W, 3) as 8-bit sRGB with ordered dither, so that soft shadows don't show bands.

    The dither is smaller than half a code: what was 8-bit sRGB before comes back unchanged. It is fixed by the place
    in the picture (`first_row` is the row of the first one), so that the same light always gives the same codes.
    """
    fine = _fine_codes_of_roots()[_roots(linear)]
    height, width = fine.shape[:2]
    pattern = np.roll(_dither(), -first_row, axis=0)
    fine += np.tile(pattern, (-(-height // 8), -(-width // 8)))[:height, :width, np.newaxis]
    fine >>= 8
    return fine.astype(np.uint8)


def _roots(linear: Floats) -> NDArray[np.uint16]:
    """The square root of light, clipped to 0..1, in steps of a table."""
    root = np.minimum(linear, np.float32(1.0))
    np.maximum(root, np.float32(0.0), out=root)
    cv2.sqrt(root, root)
    root *= np.float32(_STEPS)
    root += np.float32(0.5)
    steps: NDArray[np.uint16] = root.astype(np.uint16)
    return steps


@cache
def _linear_of_codes() -> Floats:
    return to_linear((np.arange(256) / 255.0).astype(np.float32))


@cache
def _srgb_of_roots() -> Floats:
    linear = (np.arange(_STEPS + 1, dtype=np.float64) / _STEPS) ** 2
    table = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return table.astype(np.float32)


@cache
def _fine_codes_of_roots() -> NDArray[np.uint16]:
    """sRGB in 256ths of an 8-bit code."""
    return np.rint(_srgb_of_roots() * 65280.0).astype(np.uint16)


@cache
def _dither() -> NDArray[np.uint16]:
    """An 8 x 8 matrix of thresholds (Bayer, 1973) in 256ths of a code, around one half."""
    index = np.array([[0, 2], [3, 1]])
    for _ in range(2):
        index = np.block([[4 * index, 4 * index + 2], [4 * index + 3, 4 * index + 1]])
    # A little short of a whole code on either side: rounding of the tables can't move an exact one.
    return np.rint(128.0 + 244.0 * ((index + 0.5) / 64.0 - 0.5)).astype(np.uint16)
