"""A cut-out freed of the backdrop it was photographed before: premultiplied linear light of the car alone.

The soft pixels of a cut-out still hold the studio: I = alpha F + (1 - alpha) B. Whether they do is found out by
comparing three readings of them, the mixture in linear light (a lens), the mixture in codes (a paint program), and F
alone (a clean cut-out).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cli.cars.backdrop import LEAST, MOST, Backdrop, fitted, refined
from cli.cars.foreground import own_colour
from cli.cars.spaces import SRGB, ColourSpace
from shared.pictures.composition.light import Floats

#: From here on a pixel is the car alone, and stays as it is.
SOLID = 0.996
#: A mixture that leaves more than this of what "clean" leaves is no explanation.
CLEAN_FROM = 0.70
#: How far from the outside soft pixels are taken for the outline rather than for glass.
_RIM_PX = 6
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in the soft pixels.

    `kind`: ``clean``, ``contaminated`` or ``premultiplied``; `mixed_in`: ``linear``, ``codes`` or ``""``. `residual` is
    what the best mixture leaves of the deviation that "clean" leaves, 0..1; `backdrop` the middle colour behind the
    car in the cut-out's codes 0..255.
    """

    kind: str
    mixed_in: str
    residual: float
    backdrop: tuple[int, int, int]
    soft_px: int


def unmixed(
    rgba: NDArray[np.uint8] | NDArray[np.uint16], *, space: ColourSpace = SRGB, premultiplied: bool = False
) -> tuple[Floats, Findings]:
    """Premultiplied linear Rec. 709 light (H, W, 4) of a cut-out (H, W, 4) with straight alpha, and what was found.

    `rgba` holds codes of `space` in 8 or 16 bits. `premultiplied` says that they were multiplied with alpha. Opaque
    pixels keep their colour exactly. Never fails: whether the alpha is any good is for `cli.cars.matte` to say.
    """
    codes = (rgba / np.float32(np.iinfo(rgba.dtype).max)).astype(np.float32)
    alpha, codes = codes[..., 3], codes[..., :3]
    solid = alpha >= SOLID
    soft = (alpha > 0) & ~solid
    linear = space.decoded(codes)
    samples = _rim(alpha) & (alpha > LEAST) & (alpha < MOST)
    kind, mixed_in, residual = "clean", "", 1.0
    colour = linear
    backdrop = (0, 0, 0)
    if solid.any() and samples.sum() >= 50:
        nearest = _nearest(solid)
        fits = {
            "linear": fitted(linear, alpha, linear[nearest], samples),
            "codes": fitted(codes, alpha, codes[nearest], samples),
        }
        mixed_in = min(fits, key=lambda name: fits[name].residual)
        best = fits[mixed_in]
        residual = best.residual
        if residual < CLEAN_FROM or premultiplied:
            kind = "contaminated"
            mixed = linear if mixed_in == "linear" else codes
            own, _ = _separated(mixed, alpha, best, mixed[nearest], solid, soft)
            colour = linear.copy()
            colour[soft] = own[soft] if mixed_in == "linear" else space.decoded(own[soft])
        else:
            mixed_in = ""
    light = space.rec709(colour)
    light = np.clip(light, 0, 1) * alpha[..., None]
    return np.dstack([light, alpha]), Findings(kind, mixed_in, residual, backdrop, int(samples.sum()))


def _separated(
    mixed: Floats, alpha: Floats, fit: Backdrop, near: Floats, solid: NDArray[np.bool_], soft: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """The car's own colour and the backdrop, both (H, W, 3), by turns."""
    own, behind = near.copy(), fit.light
    own[solid] = mixed[solid]
    seen = _rim(alpha) & (alpha > 0) & (alpha < MOST)
    for _ in range(_ROUNDS + 1):
        behind = refined(behind, mixed, alpha, own, seen)
        noise = np.sqrt(0.003**2 + ((1 - alpha) * 0.3 * fit.spread) ** 2).astype(np.float32)
        own[soft] = np.clip(own_colour(mixed, alpha, behind, noise, solid=solid, soft=soft), 0, 1)
    return own, behind


def _rim(alpha: Floats) -> NDArray[np.bool_]:
    """Which pixels (H, W) lie within the rim's width of the outside."""
    inside = np.pad((alpha > 0.01).astype(np.uint8), 1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.asarray((distance > 0) & (distance <= _RIM_PX))


def _nearest(solid: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every pixel row and column, each (H, W), of the solid one nearest to it."""
    _, labels = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(solid)
    at = labels[rows, columns]
    count = int(np.max(labels)) + 1
    row_of, column_of = np.zeros(count, np.int64), np.zeros(count, np.int64)
    row_of[at], column_of[at] = rows, columns
    return row_of[labels], column_of[labels]
