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


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The backdrop `light` (H, W, 3), how far it is unsure, `spread`, and how much of "clean" its mixture leaves.

    `residual` is the mixture's share of the deviation that remains when the cut-out is taken as clean: 0 = it explains
    all, 1 = it explains nothing.
    """

    light: Floats
    spread: float
    residual: float
    mixture: float
    clean: float


def fitted(mixed: Floats, alpha: Floats, near: Floats, samples: NDArray[np.bool_]) -> Backdrop:
    """The backdrop of `mixed` (H, W, 3) = alpha F + (1 - alpha) B, seen at the soft pixels `samples` (H, W).

    `near` (H, W, 3) stands in for F: the colour of the nearest opaque pixel. B is a surface of second order in x and
    y by robust least squares, each pixel weighed by (1 - alpha) squared.
    """
    height, width = alpha.shape
    rows, columns = np.nonzero(samples)
    through = 1 - alpha[samples].astype(np.float64)
    seen = mixed[samples] - alpha[samples][:, None] * near[samples]
    basis = _basis(columns / width, rows / height)
    weighted = through[:, None] * basis
    trust = np.ones(len(through))
    ridge = np.diag([0, 1e-4, 1e-4, 3e-3, 3e-3, 3e-3]) * len(through)
    surface = np.zeros((6, 3))
    spread = 1.0
    for _ in range(_ROUNDS):
        left = weighted.T * trust
        surface = np.linalg.solve(left @ weighted + ridge + 1e-9 * np.eye(6), left @ seen)
        off = np.sqrt((((seen - weighted @ surface) / np.maximum(through, 0.2)[:, None]) ** 2).sum(axis=1))
        spread = float(max(1.4826 * np.median(off), 1e-4))
        trust = np.clip(1 - (off / (_BEYOND * spread)) ** 2, 0, None) ** 2
    y, x = np.mgrid[0:height, 0:width]
    light = np.clip((_basis(x.ravel() / width, y.ravel() / height) @ surface).reshape(height, width, 3), 0, 1)
    mixture = np.abs(seen - through[:, None] * light[samples]).sum(axis=1)
    clean = through * np.abs(mixed[samples] - near[samples]).sum(axis=1)
    cap = max(float(np.percentile(clean, 90)), 1e-6)
    mixture_mean, clean_mean = float(np.minimum(mixture, cap).mean()), float(np.minimum(clean, cap).mean())
    return Backdrop(light.astype(np.float32), spread, mixture_mean / max(clean_mean, 1e-9), mixture_mean, clean_mean)


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
        kernel = (2 * round(3 * across_px) + 1, 2 * round(3 * down_px) + 1)
        top = cv2.GaussianBlur(rest, kernel, across_px, sigmaY=down_px)
        bottom = cv2.GaussianBlur(through * through, kernel, across_px, sigmaY=down_px)
        floor = doubt / (2 * np.pi * across_px * down_px)
        light = np.clip(light + top / (bottom + floor)[..., None], 0, 1)
    return np.asarray(light, dtype=np.float32)


def _basis(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    u, v = 2 * np.asarray(x, np.float64) - 1, 2 * np.asarray(y, np.float64) - 1
    return np.stack([np.ones_like(u), u, v, u * u, v * v, u * v], axis=-1)
