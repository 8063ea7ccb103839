"""What stood behind the car: the studio's backdrop, from the pixels that let it through."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.light import Floats

#: Shares of alpha between which a soft pixel tells something of both.
LEAST, MOST = 0.04, 0.96
#: Residuals beyond this many robust standard deviations don't count (Tukey's biweight).
_BEYOND = 4.7
_ROUNDS = 12
_KNOT_EVERY_PX, _MOST_KNOTS, _MOST_SAMPLES = 5, 120, 8000


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The backdrop `light` (H, W, 3), how far it is unsure, `spread`, and how much of "clean" its mixture leaves.

    `residual` is the mixture's share of the deviation that remains when the cut-out is taken as clean: 0 = it explains
    all, 1 = it explains nothing.
    """

    light: Floats
    spread: float
    residual: float


def fitted(mixed: Floats, alpha: Floats, near: Floats, samples: NDArray[np.bool_]) -> Backdrop:
    """The backdrop of `mixed` (H, W, 3) = alpha F + (1 - alpha) B, seen at the soft pixels `samples` (H, W).

    `near` (H, W, 3) stands in for F: the colour of the nearest opaque pixel. B is a profile over the rows, as free as a
    floor that meets a wall needs it, plus a surface of second order across them; by robust least squares, each pixel
    weighed by (1 - alpha) squared.
    """
    height, width = alpha.shape
    rows, columns = np.nonzero(samples)
    through = 1 - alpha[rows, columns].astype(np.float64)
    seen = (mixed - alpha[..., None] * near)[rows, columns].astype(np.float64)
    knots = max(min(height // _KNOT_EVERY_PX, _MOST_KNOTS), 2)
    # Every n-th is plenty, and keeps the time of a large picture that of a small one.
    few = slice(None, None, max(len(rows) // _MOST_SAMPLES, 1))
    weighted = through[few, None] * _basis(columns[few] / width, rows[few] / height, knots)
    ridge = _ridge(knots)
    trust = np.ones(len(weighted))
    surface, spread = np.zeros((weighted.shape[1], 3)), 1.0
    for _ in range(_ROUNDS):
        left = weighted.T * trust
        surface = np.linalg.solve(left @ weighted + ridge, left @ seen[few])
        off = np.sqrt((((seen[few] - weighted @ surface) / np.maximum(through[few], 0.2)[:, None]) ** 2).sum(axis=1))
        spread = float(max(1.4826 * np.median(off), 1e-4))
        trust = np.clip(1 - (off / (_BEYOND * spread)) ** 2, 0, None) ** 2
    light = _evaluated(surface, height, width, knots)
    mixture = np.abs(seen - through[:, None] * light[rows, columns]).sum(axis=1)
    clean = through * np.abs((mixed - near)[rows, columns]).sum(axis=1)
    mixture_mid, clean_mid = float(np.median(mixture)), float(np.median(clean))
    return Backdrop(light, spread, mixture_mid / max(clean_mid, 1e-9))


def refined(light: Floats, mixed: Floats, alpha: Floats, own: Floats, seen: NDArray[np.bool_]) -> Floats:
    """The backdrop `light` with what the `seen` pixels say about it: along rows first, then closely around each.

    A studio changes from floor to wall more than from left to right. `own` (H, W, 3) is the car's colour.
    """
    width = alpha.shape[1]
    through = np.where(seen, 1 - alpha, 0).astype(np.float32)
    for across_px, down_px, doubt in ((0.12 * width, 4.0, 2.0), (5.0, 5.0, 2.0)):
        rest = through[..., None] * (mixed - alpha[..., None] * own - (1 - alpha)[..., None] * light)
        # Twice the spread of a robust residual: a shadow on the floor counts, a wrong pixel of alpha does not.
        rest = np.clip(rest, -0.15, 0.15)
        top, bottom = (_blurred(each, across_px, down_px) for each in (rest, through * through))
        floor = doubt / (2 * np.pi * across_px * down_px)
        light = np.clip(light + top / (bottom + floor)[..., None], 0, 1)
    return np.asarray(light, dtype=np.float32)


def _blurred(planes: Floats, across_px: float, down_px: float) -> Floats:
    """Planes (H, W, …) blurred by a Gaussian, wide ones at a smaller size: a studio has no detail there."""
    height, width = planes.shape[:2]
    size = max(round(4 * width / max(across_px, 4)), 1), max(round(4 * height / max(down_px, 4)), 1)
    small = cv2.resize(planes, size, interpolation=cv2.INTER_AREA) if size != (width, height) else planes
    sigma = across_px * size[0] / width, down_px * size[1] / height
    kernel = (2 * round(3 * sigma[0]) + 1, 2 * round(3 * sigma[1]) + 1)
    blurred = cv2.GaussianBlur(small, kernel, sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def nearest(solid: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every pixel row and column, each (H, W), of the solid one nearest to it."""
    labels: NDArray[np.int64] = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1].astype(np.int64)
    rows, columns = np.nonzero(solid)
    at = labels[rows, columns]
    row_of, column_of = np.zeros(int(np.max(at)) + 1, np.int64), np.zeros(int(np.max(at)) + 1, np.int64)
    row_of[at], column_of[at] = rows, columns
    return row_of[labels], column_of[labels]


def _basis(x: NDArray[np.floating], y: NDArray[np.floating], knots: int) -> NDArray[np.float64]:
    """Hats over the rows, then x, x squared and x y, at places (n,) in 0..1 of the picture: (n, knots + 3)."""
    at = np.clip(y, 0, 1) * (knots - 1)
    hats = np.clip(1 - np.abs(at[:, None] - np.arange(knots)), 0, None)
    u, v = 2 * np.asarray(x, np.float64) - 1, 2 * np.asarray(y, np.float64) - 1
    return np.concatenate([hats, np.stack([u, u * u, u * v], axis=1)], axis=1)


def _ridge(knots: int) -> NDArray[np.float64]:
    """What holds neighbouring rows together, as strongly as one half-seen pixel, and slopes where nothing is seen."""
    difference = np.diff(np.eye(knots), axis=0)
    out = np.zeros((knots + 3, knots + 3))
    out[:knots, :knots] = 0.25 * difference.T @ difference
    out += np.diag([1e-6] * knots + [0.5] * 3)
    return out


def _evaluated(surface: NDArray[np.float64], height: int, width: int, knots: int) -> Floats:
    y, x = (np.arange(height) + 0.0) / height, (np.arange(width) + 0.0) / width
    v, u = 2 * y - 1, (2 * x - 1)[None, :, None]
    down = (_basis(np.full(height, 0.5), y, knots)[:, :knots] @ surface[:knots])[:, None]
    linear, square, both = surface[knots:]
    light = down + u * linear + u * u * square + u * v[:, None, None] * both
    return np.asarray(np.clip(light, 0, 1), dtype=np.float32)
