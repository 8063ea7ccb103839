"""Where the horizon of a background lies: the row in which most columns change at once.

A level horizon is the one line of a landscape that runs through the whole picture in one row; crests, roofs and trees
scatter over many. Hills and mist can hide it, so the picture is *ordered* with its horizon at a known height, and what
is measured is how the picture keeps to that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .light import Bytes, Floats

#: The height of the horizon that pictures are ordered with, from the top.
ORDERED = 0.5
#: How far from it a painter may stray (standard deviation), in heights.
_SPREAD = 0.05
#: The picture is looked at in this size (columns, rows): a row is 0.4 % of the height.
_COLUMNS, _ROWS = 64, 240
#: Rows of the bands above and below that are compared.
_BANDS = (2, 5)
#: The share of columns that may disagree: a horizon behind trees, towers and a car is a horizon still.
_HIDDEN = 0.3
#: Second-best rows that are nearer than this, in heights, are the same line.
_APART = 0.04


@dataclass(frozen=True, slots=True)
class Horizon:
    """A row of the picture (in pixels from the top), and how far it stands out: 0 not at all, 1 alone."""

    y_px: float
    confidence: float


def horizon_of(plate: Bytes, expected: float | None = ORDERED) -> Horizon:
    """The horizon of a background (H, W, 3), 8-bit sRGB.

    `expected` is the ordered height in 0..1 from the top; None when nothing was ordered (a photograph).
    """
    height = plate.shape[0]
    small = cv2.resize(plate, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    rows = np.arange(_ROWS) / _ROWS
    centre, spread = (ORDERED, 3 * _SPREAD) if expected is None else (expected, _SPREAD)
    likely = np.exp(-0.5 * ((rows - centre) / spread) ** 2)
    votes = np.asarray(likely * np.sum([_changes(lab, band) for band in _BANDS], axis=0), dtype=np.float32)
    best = int(np.argmax(votes))
    if votes[best] < 1e-3:
        return Horizon(centre * height, 0.0)
    others = votes[np.abs(rows - rows[best]) > _APART]
    around = slice(max(best - 1, 0), best + 2)
    row = float(np.average(np.arange(_ROWS)[around], weights=votes[around] ** 2))
    return Horizon(row * height / _ROWS, float(1.0 - others.max() / votes[best]))


def _changes(lab: Floats, band: int) -> Floats:
    """How much nearly all columns of (R, C, 3) change at each row, relative to the greatest change in the picture."""
    sums = np.concatenate([np.zeros_like(lab[:1]), np.cumsum(lab, axis=0)])
    steps = (sums[2 * band :] - 2 * sums[band:-band] + sums[: -2 * band]) / band
    size = np.sqrt((steps**2).sum(axis=2))
    found = np.zeros(len(lab), np.float32)
    rank = int(_HIDDEN * _COLUMNS)
    found[band : band + len(size) - 1] = np.partition(size[:-1], rank, axis=1)[:, rank]
    greatest = float(np.max(found[_ROWS // 6 : -_ROWS // 6]))
    return np.asarray(found / max(greatest, 1.0), dtype=np.float32)
