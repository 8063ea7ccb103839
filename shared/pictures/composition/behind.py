"""What lies behind a car that was in the picture before: a background that was painted around it holds it already.

Seen through the new car's soft edge, the old one would make the edge harder; seen through its glass, the glass darker.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .layer import Layer, window
from .light import Floats
from .place import Place

#: How far beyond the car's edge the old car may have left colour, in pixels.
_REACH_PX = 2
#: How much of the surroundings is looked at, in pixels.
_MARGIN_PX = 32


def without_car(plate: Floats, layer: Layer, place: Place) -> Floats:
    """The background (H, W, 3), linear light, with the car's place filled smoothly from around it.

    What opaque paint will cover again need not be good; edges and glass show the colours that are nearest.
    """
    here, there = window(place, plate)
    covered = np.zeros(plate.shape[:2], np.uint8)
    covered[here] = layer.pixels[there][..., 3] > 0
    rows, columns = (
        slice(max(side.start - _MARGIN_PX, 0), min(side.stop + _MARGIN_PX, length))
        for side, length in zip(here, plate.shape[:2], strict=True)
    )
    size = 2 * _REACH_PX + 1
    hole = cv2.dilate(covered[rows, columns], np.ones((size, size), np.uint8)) > 0
    out: Floats = plate.copy()
    out[rows, columns] = filled(plate[rows, columns], hole)
    return out


def filled(picture: Floats, hole: NDArray[np.bool_]) -> Floats:
    """The picture (H, W, 3) with its hole (H, W) filled: by halves of the size, from coarse to fine.

    Pull and push (Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph", 1996). A picture that is all hole comes
    back as it was.
    """
    if hole.all():
        return picture
    known: Floats = (~hole).astype(np.float32)
    out = _filled(picture * known[..., None], known)
    out[~hole] = picture[~hole]
    return out


def _filled(light: Floats, known: Floats) -> Floats:
    """Colours of light that is there in part: own where it is, from the half size where it is not."""
    own: Floats = light / np.maximum(known, np.float32(1e-6))[..., None]
    height, width = known.shape
    if max(height, width) == 1 or bool((known > 0).all()):
        return own
    half = ((width + 1) // 2, (height + 1) // 2)
    coarse = _filled(
        np.asarray(cv2.resize(light, half, interpolation=cv2.INTER_AREA), np.float32).reshape(half[1], half[0], 3),
        np.asarray(cv2.resize(known, half, interpolation=cv2.INTER_AREA), np.float32).reshape(half[1], half[0]),
    )
    wide = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    share = np.minimum(known, np.float32(1.0))[..., None]
    mixed: Floats = share * own + (np.float32(1.0) - share) * wide.reshape(height, width, 3)
    return mixed
