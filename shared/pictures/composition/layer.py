"""A car's picture at the size it gets in one background, with its badge locked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .light import Bytes, Floats, scaled, to_srgb
from .packs import CarPicture
from .place import Place

#: From this much coverage on, a pixel is the badge's: its code values are never changed.
LOCK_FROM = 0.5
#: What counts as opaque; the rest is interpolation.
_OPAQUE = 0.999


@dataclass(frozen=True, slots=True)
class Layer:
    """The car at its size in the picture.

    `pixels` (h, w, 4) premultiplied linear light; `badge` (h, w) its coverage in 0..1; `lock` (h, w) which pixels are
    the badge's, and `locked` (h, w, 3) their sRGB code values, which the finished picture has to show.
    """

    pixels: Floats
    badge: Floats
    locked: Bytes
    lock: NDArray[np.bool_]


def prepared(picture: CarPicture, place: Place) -> Layer:
    """The asset scaled to its place: nothing but the asset's own data."""
    pixels = scaled(picture.pixels, place.width_px, place.height_px)
    badge = scaled(picture.badge, place.width_px, place.height_px)
    lock = (badge >= LOCK_FROM) & (pixels[..., 3] >= _OPAQUE)
    locked = np.zeros((*lock.shape, 3), np.uint8)
    locked[lock] = np.rint(to_srgb(pixels[..., :3][lock]) * np.float32(255.0)).astype(np.uint8)
    return Layer(pixels, badge, locked, lock)
