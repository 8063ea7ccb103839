"""A car's premultiplied light as what other nodes take: sRGB with straight alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .composition.light import to_srgb

if TYPE_CHECKING:
    from .composition.light import Floats

#: Below this alpha a pixel's own colour is mostly rounding.
_FAINT = 1 / 512


def straight(planes: Floats) -> tuple[Floats, Floats]:
    """Colours (H, W, 3) in sRGB 0..1 and alpha (H, W) of premultiplied linear light (H, W, 4).

    Colours go on under transparent pixels, so that whoever scales or blurs the result finds no dark or white fringe.
    """
    alpha = np.ascontiguousarray(planes[..., 3])
    return to_srgb(_bled(planes[..., :3], alpha)), alpha


def _bled(light: Floats, alpha: Floats) -> Floats:
    """Colours without alpha; where there is none, those of the nearest half, quarter, … that has some."""
    there = alpha > _FAINT
    own: Floats = light / np.where(there, alpha, np.float32(1.0))[:, :, np.newaxis]
    if there.all() or max(alpha.shape) == 1:
        return own
    height, width = alpha.shape
    padded = np.pad(np.dstack([light, alpha]), ((0, height % 2), (0, width % 2), (0, 0)))
    half = padded[0::2, 0::2] + padded[1::2, 0::2] + padded[0::2, 1::2] + padded[1::2, 1::2]
    coarse = _bled(half[:, :, :3], half[:, :, 3]).repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return np.where(there[:, :, np.newaxis], own, coarse)
