"""From a rendered frame (linear, premultiplied) to a cut-out file (8-bit sRGB, straight alpha)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

#: The look: exposure, then contrast as a power about mid-white, then a shoulder for the highlights.
_EXPOSURE, _CONTRAST, _PIVOT, _SHOULDER = 0.86, 1.22, 0.45, 0.72
#: Below this the colour of a pixel is rounding noise.
_LEAST_ALPHA = 1.5 / 255.0
#: Of 255: what counts as outside, and as wholly inside.
_OUTSIDE, _INSIDE = 6, 250
_EDGE_PX = 2.5
_BLEED_PX = 24


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle of the frame in pixels: ``left`` and ``top`` are inside, ``right`` and ``bottom`` outside."""

    left: int
    top: int
    right: int
    bottom: int

    def around(self, other: Crop) -> Crop:
        """The smallest rectangle that holds both."""
        return Crop(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def tight(alpha: NDArray[np.float32], margin_px: int = 3) -> Crop:
    """The rectangle of what isn't transparent in (H, W), with a margin."""
    rows, columns = np.flatnonzero((alpha > 0.5 / 255).any(axis=1)), np.flatnonzero((alpha > 0.5 / 255).any(axis=0))
    height, width = alpha.shape
    return Crop(
        max(int(columns[0]) - margin_px, 0),
        max(int(rows[0]) - margin_px, 0),
        min(int(columns[-1]) + 1 + margin_px, width),
        min(int(rows[-1]) + 1 + margin_px, height),
    )


def straight(premultiplied: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 4) linear premultiplied floats as 8-bit sRGB with straight alpha; highlights roll off, not clip."""
    alpha = np.clip(premultiplied[..., 3], 0.0, 1.0)
    colour = premultiplied[..., :3] / np.maximum(alpha, _LEAST_ALPHA)[..., None]
    colour = _PIVOT * np.power(np.clip(_EXPOSURE * colour, 0.0, None) / _PIVOT, _CONTRAST)
    over = np.clip(colour - _SHOULDER, 0.0, None)
    room = 1.0 - _SHOULDER
    colour = np.minimum(colour, _SHOULDER) + room * (1.0 - np.exp(-over / room))
    encoded = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * np.power(colour, 1 / 2.4) - 0.055)
    return edged(np.rint(np.concatenate([encoded, alpha[..., None]], axis=-1) * 255.0).astype(np.uint8))


def edged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same cut-out (H, W, 4), the colour of its rim taken from the nearest opaque pixel inside, and bled outwards.

    At its very outline a body mirrors what lies straight behind it. That is the studio's bright sky here, and would be
    a light fringe in a darker place. Beyond the bled rim, one colour for all: it is never seen and compresses best.
    """
    alpha, colour = picture[..., 3], picture[..., :3].astype(np.float64)
    to_outside = distance_transform_edt(alpha >= _OUTSIDE)
    to_inside, nearest = distance_transform_edt(alpha < _INSIDE, return_indices=True)
    inner = colour[nearest[0], nearest[1]]
    share = np.where(to_outside <= _EDGE_PX, np.clip(2.0 * (1.0 - alpha / 255.0), 0.0, 1.0), 0.0)[..., None]
    colour = (1.0 - share) * colour + share * inner
    colour[(alpha < _OUTSIDE) & (to_inside > _BLEED_PX)] = np.median(colour[alpha >= _INSIDE], axis=0)
    return np.concatenate([np.rint(colour).astype(np.uint8), alpha[..., None]], axis=-1)


def save(picture: NDArray[np.uint8], path: Path) -> None:
    """An RGBA picture as PNG, said to be sRGB."""
    Image.fromarray(picture, "RGBA").save(path, optimize=True)
