"""What is looked at: zones of a car's picture, the truth of a composite, and differences added up.

Nothing here uses the arithmetic that is being judged: own transfer curves and own scaling, in double precision. The
colour difference is the product's; `colours` holds it against the published pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.delta_e import delta_e00

_RING_PX = 2
#: Differences are counted in bins this wide, up to this large.
_BIN, _MOST = 0.01, 100.0


def light_of(codes: NDArray[np.uint8] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear light of sRGB: 8-bit codes, or floats in 0..1 (IEC 61966-2-1)."""
    if codes.dtype == np.uint8:
        return _LIGHT_OF_CODES[codes]
    return _decoded(codes.astype(np.float64))


def _decoded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)


_LIGHT_OF_CODES = _decoded(np.arange(256) / 255.0)


def shown(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB in 0..1 of linear light, not rounded."""
    light = np.clip(light.astype(np.float64), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-12) ** (1 / 2.4) - 0.055)


def by_area(planes: NDArray[np.floating], width: int, height: int) -> NDArray[np.float64]:
    """Smaller by exact area: each pixel is the mean of what it covers."""
    rows, columns = _cover(planes.shape[0], height), _cover(planes.shape[1], width)
    across = np.tensordot(columns, planes.astype(np.float64), axes=(1, 1))
    return np.asarray(np.tensordot(rows, across, axes=(1, 1)))


def _cover(before: int, after: int) -> NDArray[np.float64]:
    edges = np.arange(after + 1) * before / after
    low, high = edges[:-1, None], edges[1:, None]
    cells = np.arange(before)
    return np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, 1) / (before / after)


@dataclass(frozen=True, slots=True)
class Zones:
    """Masks (h, w) of a car's picture: the outline ± 2 px, the badge, glass that is looked through, the opaque body."""

    ring: NDArray[np.bool_]
    badge: NDArray[np.bool_]
    glass: NDArray[np.bool_]
    body: NDArray[np.bool_]


def zones(alpha: NDArray[np.floating], badge: NDArray[np.floating]) -> Zones:
    """The zones by the car's true coverage (h, w) and its badge's."""
    solid = (alpha >= 0.5).astype(np.uint8)
    # What is enclosed belongs to the car: glass is no outside, however clear it is.
    padded = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    outside = padded.copy()
    cv2.floodFill(outside, None, (0, 0), 2)
    car = (outside != 2).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RING_PX + 1, 2 * _RING_PX + 1))
    ring = (cv2.dilate(car, disc) > cv2.erode(car, disc, borderValue=0))[1:-1, 1:-1]
    deep = cv2.erode(car, np.ones((9, 9), np.uint8), borderValue=0)[1:-1, 1:-1] > 0
    locked = (badge >= 0.5) & (alpha >= 0.999)
    near = cv2.dilate(locked.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return Zones(ring, locked, deep & (alpha > 0.02) & (alpha < 0.98), deep & (alpha >= 0.999) & ~near)


@dataclass(slots=True)
class Tally:
    """Differences (ΔE00) of many pictures: mean and percentiles over all pixels, and the worst picture's mean."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(int(_MOST / _BIN), np.int64))
    total: float = 0.0
    worst_mean: float = 0.0
    pictures: int = 0

    def add(self, differences: NDArray[np.floating]) -> None:
        """Add one picture's differences (N,)."""
        if not differences.size:
            return
        bins = np.minimum((differences / _BIN).astype(np.int64), len(self.counts) - 1)
        self.counts += np.bincount(bins, minlength=len(self.counts))
        self.total += float(differences.sum(dtype=np.float64))
        self.worst_mean = max(self.worst_mean, float(differences.mean()))
        self.pictures += 1

    @property
    def mean(self) -> float:
        """The mean; NaN when nothing was added."""
        pixels = int(self.counts.sum())
        return self.total / pixels if pixels else float("nan")

    def percentile(self, share: float) -> float:
        """The upper edge of the bin in which the percentile lies."""
        pixels = int(self.counts.sum())
        if not pixels:
            return float("nan")
        return float((np.searchsorted(np.cumsum(self.counts), share / 100 * pixels) + 1) * _BIN)


def differences(picture: NDArray[np.uint8], truth: NDArray[np.float64], zone: NDArray[np.bool_]) -> NDArray[np.float32]:
    """ΔE00 (N,) of an 8-bit picture (H, W, 3) to a truth in sRGB (H, W, 3), within a zone (H, W)."""
    return np.asarray(delta_e00((picture[zone] / 255.0).astype(np.float32), truth[zone].astype(np.float32)))
