"""Snow around the tyres: they stand in it, not on it."""

from __future__ import annotations

import numpy as np

from .light import Floats

#: How deep a tyre sinks in, how far to either side of its middle, and how ragged the edge is, in its radii.
_DEEP, _WIDE, _RAGGED = 0.11, 0.75, 0.012
#: The edge is this soft, in pixels.
_SOFT_PX = 1.6


def sink(pixels: Floats, tyres: tuple[tuple[float, float, float], ...]) -> None:
    """Take what is below the snow out of the car's pixels (h, w, 4), premultiplied, in place; `tyres` as in `Layer`."""
    height, width = pixels.shape[:2]
    for column, row, radius in tyres:
        left, right = max(int(column - _WIDE * radius), 0), min(int(column + _WIDE * radius) + 1, width)
        top, bottom = max(int(row - 0.5 * radius), 0), min(int(row + 0.5 * radius) + 1, height)
        if left >= right or top >= bottom:
            continue
        across = (np.arange(left, right, dtype=np.float32) - np.float32(column)) / np.float32(_WIDE * radius)
        # Two waves that never meet in step: ragged, and the same each time.
        ragged = np.sin(across * 5.0 + 1.0) + 0.6 * np.sin(across * 13.0)
        edge = row - radius * (_DEEP * np.sqrt(np.maximum(1.0 - across**2, 0.0)) + _RAGGED * ragged)
        rows = np.arange(top, bottom, dtype=np.float32)[:, np.newaxis]
        seen = np.clip((edge[np.newaxis] - rows) / _SOFT_PX + 0.5, 0.0, 1.0)
        pixels[top:bottom, left:right] *= seen[..., np.newaxis].astype(np.float32)
