"""Whether a cut-out's alpha is good enough: what no later step can mend, a person has to cut out again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cli.cars.backdrop import LEAST, MOST, fitted, nearest
from shared.errors import InvalidInput
from shared.pictures.composition.light import Floats

#: Width of the outline's soft transition in pixels of the pack: below it is a staircase, above it is blurred.
SOFT_FROM_PX, SOFT_TO_PX = 0.45, 2.6
#: How far inside the alpha's edge the picture's own edge may lie, in pixels of the pack.
HALO_TO_PX = 0.6
#: What a reading may leave of the deviation, to be believed: a mixture, and the backdrop alone.
_EXPLAINED, _ALONE = 0.3, 0.05
#: How deep the car's own colour is taken, and how far the profiles reach, in pixels.
_DEEP_PX, _REACH_PX = 6.0, 5.0
#: A soft shadow below the car, as a share of the car's pixels.
_SHADOW_SHARE = 0.004


@dataclass(frozen=True, slots=True)
class Edge:
    """The outline, measured.

    `soft_px` is the width of the transition in alpha; `halo_px` how far inside the alpha's edge the picture turns from
    the backdrop's colour to the car's, None where that can't be told (a clean cut-out, a car of the backdrop's colour);
    `shadow_share` soft pixels away from the outline in the lowest part, as a share of the car.
    """

    soft_px: float
    halo_px: float | None
    shadow_share: float


def measured(codes: Floats, linear: Floats, alpha: Floats) -> Edge:
    """Measure the outline of a cut-out: `codes` and `linear` light (H, W, 3), straight `alpha` (H, W), all 0..1."""
    body = np.pad((alpha >= 0.5).astype(np.uint8), 1)
    outside = np.pad((alpha <= 0.01).astype(np.uint8), 1, constant_values=1)
    from_outside = np.asarray(cv2.distanceTransform(1 - outside, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)
    # Only the edge towards the outside counts, not that of a window.
    sure = cv2.morphologyEx(body, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(sure, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(each, closed=True) for each in contours)
    soft = (alpha > LEAST) & (alpha < MOST)
    near = from_outside <= 12
    width = float((soft & near).sum()) / max(length, 1.0) / (MOST - LEAST)
    low = np.zeros(alpha.shape, bool)
    rows = np.flatnonzero((alpha >= 0.5).any(axis=1))
    if len(rows):
        low[int(rows[0] + 0.6 * (rows[-1] - rows[0])) :] = True
    solid = cv2.dilate((alpha >= MOST).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    shadow = float((soft & low & ~solid).sum()) / max(float((alpha >= 0.5).sum()), 1.0)
    return Edge(width, _halo_px(codes, linear, alpha, from_outside), shadow)


def check_edge(edge: Edge, scale: float) -> None:
    """Raises `InvalidInput` when a person has to cut the car out again; `scale` is pixels of the pack for one here."""
    if edge.soft_px < SOFT_FROM_PX:
        raise InvalidInput("alpha", "a soft edge; this is a hard mask, cut the car out again with antialiasing")
    if edge.shadow_share > _SHADOW_SHARE:
        raise InvalidInput("alpha", "the car alone; there is a soft shadow below it, cut the car out again without it")
    if edge.soft_px * min(scale, 1.0) > SOFT_TO_PX:
        raise InvalidInput(
            "alpha",
            f"an edge at most {SOFT_TO_PX} px wide in the pack; this one is blurred to "
            f"{edge.soft_px * min(scale, 1.0):.1f} px, the car needs to be cut out again by a person",
        )
    if edge.halo_px is not None and edge.halo_px * min(scale, 1.0) > HALO_TO_PX:
        raise InvalidInput(
            "alpha",
            f"an edge on the car's outline; this one lies {edge.halo_px:.1f} px outside and takes the backdrop along, "
            "the car needs to be cut out again by a person",
        )


def _halo_px(codes: Floats, linear: Floats, alpha: Floats, from_outside: Floats) -> float | None:
    samples = (alpha > LEAST) & (alpha < MOST) & (from_outside <= 6)
    deep = (alpha >= MOST) & (from_outside >= _DEEP_PX)
    if samples.sum() < 50 or not deep.any():
        return None
    here = nearest(deep)
    none = np.zeros_like(alpha)
    # The soft pixels as a mixture, of light or of codes, or as the backdrop alone: what a dilated mask took along.
    readings = [
        (fitted(picture, share, picture[here], samples), picture)
        for picture, share in ((linear, alpha), (codes, alpha), (codes, none))
    ]
    best, picture = min(readings, key=lambda reading: reading[0].residual)
    if best.residual > (_ALONE if best is readings[-1][0] else _EXPLAINED):
        return None
    own, behind = picture[here], best.light
    across = ((behind - own) ** 2).sum(axis=-1)
    inside = cv2.distanceTransform((alpha >= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    rim = (inside > 0) & (inside <= _REACH_PX + 1) & (across > 0.15**2)
    if rim.sum() < 200:
        return None
    share = ((picture - own) * (behind - own)).sum(axis=-1)[rim] / across[rim]
    # The first pixel inside the edge is half a pixel away from it.
    depth = inside[rim] - 0.5
    steps = np.arange(0.0, _REACH_PX, 0.5)
    profile = [float(np.median(share[(depth >= at) & (depth < at + 1)])) for at in steps]
    below = next((n for n, each in enumerate(profile) if each < 0.5), None)
    if below is None:
        return _REACH_PX
    if below == 0:
        return 0.0
    return float(steps[below] + 0.5 - 0.5 * (0.5 - profile[below]) / max(profile[below - 1] - profile[below], 1e-6))
