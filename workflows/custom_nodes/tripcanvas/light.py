"""Scaling and blending in linear light, with colour carried by how much of it is there (premultiplied alpha).

Transfer function: IEC 61966-2-1 (sRGB). Scaling the stored values instead darkens edges, and lets colours that hide
under transparent pixels bleed into them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Below this alpha a pixel's own colour is mostly rounding.
_FAINT = 1 / 512


def to_linear(srgb: NDArray[np.floating]) -> Floats:
    """sRGB values in 0..1 as linear light in 0..1."""
    values = np.asarray(srgb, dtype=np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: NDArray[np.floating]) -> Floats:
    """Linear light in 0..1 as sRGB values in 0..1."""
    values = np.clip(np.asarray(linear, dtype=np.float64), 0.0, 1.0)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def over(front: NDArray[np.floating], alpha: NDArray[np.floating], back: NDArray[np.floating]) -> Floats:
    """`front` (H, W, 3) over `back`, both sRGB in 0..1, by `alpha` (H, W); blended in linear light."""
    share = np.asarray(alpha, dtype=np.float64)[:, :, np.newaxis]
    return to_srgb(to_linear(front) * share + to_linear(back) * (1.0 - share))


def scaled(rgba: NDArray[np.uint8], height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A cut-out (H, W, 4), straight alpha in sRGB, at another size: colours (height, width, 3) and alpha, both uint8.

    Reduced by exact area; enlarged by straight lines between pixels, which can't ring. Colours go on under transparent
    pixels, so that whoever scales or blurs the result finds no dark or white fringe. At its own size, every pixel that
    is not transparent stays as it is.
    """
    alpha = rgba[:, :, 3].astype(np.float64) / 255.0
    light = to_linear(rgba[:, :, :3] / 255.0) * alpha[:, :, np.newaxis]
    planes = np.dstack([light, alpha])
    planes = _along(_along(planes, height, 0), width, 1)
    colours = to_srgb(_bled(planes[:, :, :3], planes[:, :, 3]))
    return np.round(colours * 255.0).astype(np.uint8), np.round(planes[:, :, 3] * 255.0).astype(np.uint8)


def _along(planes: Floats, length: int, axis: int) -> Floats:
    given = planes.shape[axis]
    if given == length:
        return planes
    rows = np.moveaxis(planes, axis, 0)
    if length < given:
        # The sum up to any place, also between two pixels, is a straight line between the sums up to each pixel.
        sums = np.concatenate([np.zeros((1, *rows.shape[1:])), np.cumsum(rows, axis=0)])
        out = np.diff(_between(sums, np.linspace(0.0, given, length + 1)), axis=0) * (length / given)
    else:
        places = np.clip((np.arange(length) + 0.5) * (given / length) - 0.5, 0.0, given - 1.0)
        out = _between(rows, places)
    return np.moveaxis(out, 0, axis)


def _between(rows: Floats, places: Floats) -> Floats:
    low = np.minimum(places.astype(np.intp), len(rows) - 2) if len(rows) > 1 else np.zeros(len(places), np.intp)
    share = (places - low).reshape(-1, *[1] * (rows.ndim - 1))
    high = np.minimum(low + 1, len(rows) - 1)
    between: Floats = rows[low] * (1.0 - share) + rows[high] * share
    return between


def _bled(light: Floats, alpha: Floats) -> Floats:
    """Colours without alpha; where there is none, those of the nearest half, quarter, … that has some."""
    there = alpha > _FAINT
    own = light / np.where(there, alpha, 1.0)[:, :, np.newaxis]
    if there.all() or max(alpha.shape) == 1:
        return own
    height, width = alpha.shape
    planes = np.pad(np.dstack([light, alpha]), ((0, height % 2), (0, width % 2), (0, 0)))
    half = planes[0::2, 0::2] + planes[1::2, 0::2] + planes[0::2, 1::2] + planes[1::2, 1::2]
    coarse = _bled(half[:, :, :3], half[:, :, 3]).repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return np.where(there[:, :, np.newaxis], own, coarse)
