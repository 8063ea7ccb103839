"""The car in the light of the place, within a budget: what would change its colour further is not done.

The body takes on a little of what surrounds it, the sky from above, the ground from below, and of how bright and how
hazy the place is. The badge keeps its code values, and what borders on it fades into them.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .delta_e import ciede2000, lab_of_linear
from .layer import Layer
from .light import Floats
from .order import SceneOrder
from .place import Place
from .snow import sink
from .texture import textured

#: Rec. 709 luminance.
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
#: How strongly each part of the surroundings tints at full strength.
_FULL = 0.6
#: Steps of the search for the strength: 1/64 is far below what can be seen.
_HALVINGS = 6
#: So many pixels are looked at, to keep the budget.
_SAMPLE = 1500
#: Around the badge this many pixels are locked too, and as many more fade out.
_GUARD_PX = 3


def harmonised(layer: Layer, plain: Layer, ground: Floats, place: Place, order: SceneOrder) -> Layer:
    """The car's layer in the light of its surroundings, and in the grain of a stylised style.

    `plain` is the layer as the asset has it; the 95th percentile of the difference to it (CIEDE2000, opaque body
    without the badge) stays within ``order.budget_delta_e00``. In snow the tyres lose what is sunk in it.
    """
    full = plain.pixels.copy()
    full[..., :3] *= _tint(layer, ground, place)
    np.minimum(full[..., :3], full[..., 3:], out=full[..., :3])
    full = textured(full, plain, order)
    lock, guard = _guard(layer)
    # The badge and what borders on it stay as they are, with a soft passage.
    full[lock][..., :3] += guard * (plain.pixels[lock][..., :3] - full[lock][..., :3])
    strength = np.float32(_strength(plain, full, order.budget_delta_e00))
    mixed = cv2.addWeighted(plain.pixels, float(1.0 - strength), full, float(strength), 0.0)
    pixels = np.asarray(mixed, dtype=np.float32)
    pixels[..., 3] = plain.pixels[..., 3]
    if order.surface == "snow":
        sink(pixels, layer.tyres)
    pixels[layer.lock] = plain.pixels[layer.lock]
    return replace(layer, pixels=pixels)


def _guard(layer: Layer) -> tuple[tuple[slice, slice], Floats]:
    """Where the badges are with room around them, and there (r, c, 1): 1 on them, 0 where the car may change."""
    rows, columns = np.flatnonzero(layer.badge.any(axis=1)), np.flatnonzero(layer.badge.any(axis=0))
    if not len(rows):
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0, 1), np.float32)
    room = 4 * _GUARD_PX
    here = (
        slice(max(int(rows[0]) - room, 0), int(rows[-1]) + room + 1),
        slice(max(int(columns[0]) - room, 0), int(columns[-1]) + room + 1),
    )
    size = 2 * _GUARD_PX + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    guarded = cv2.dilate(np.ascontiguousarray(layer.badge[here]), kernel)
    soft = cv2.GaussianBlur(cv2.dilate(guarded, kernel), (0, 0), _GUARD_PX / 2)
    return here, np.clip(np.maximum(guarded, soft), 0.0, 1.0)[..., np.newaxis]


def _tint(layer: Layer, ground: Floats, place: Place) -> Floats:
    """Gains (h, 1, 3) by height: the sky's colour above, the ground's below."""
    height = ground.shape[0]
    horizon = int(min(max(place.horizon_y_px, 2), height - 2))
    feet = int(min(max(place.top_px + place.height_px, horizon + 2), height))
    sky = _gain(ground[:horizon:8, ::8])
    land = _gain(ground[min(horizon, feet - 1) : feet : 8, ::8])
    down = np.linspace(0.0, 1.0, len(layer.pixels), dtype=np.float32)[:, np.newaxis, np.newaxis]
    gains: Floats = np.float32(1.0) + np.float32(_FULL) * ((sky - 1) * (1 - down) + (land - 1) * down)
    return gains


def _gain(part: Floats) -> Floats:
    """The colour of a part of the picture (3,), its luminance taken out but for a third."""
    colour = part.reshape(-1, 3).mean(axis=0) if part.size else np.ones(3, np.float32)
    luminance = max(float(colour @ _LUMA), 1e-3)
    # Middle grey of outdoor pictures is 0.18 to 0.25 in linear light.
    bright = np.clip((luminance / 0.22) ** 0.33, 0.55, 1.3)
    return np.asarray(np.clip(colour / luminance, 0.5, 1.7) * bright, dtype=np.float32)


def _strength(plain: Layer, full: Floats, budget: float) -> float:
    """How much of the change from `plain` to `full` (h, w, 4) keeps the budget, found by halving."""
    body = np.flatnonzero((plain.pixels[..., 3] > 0.99) & (plain.badge < 0.01))
    body = body[:: max(len(body) // _SAMPLE, 1)]
    if not len(body) or budget <= 0.0:
        return 0.0
    before = plain.pixels.reshape(-1, 4)[body, :3]
    step = full.reshape(-1, 4)[body, :3] - before
    lab = lab_of_linear(before)

    def moved(strength: float) -> float:
        return float(np.percentile(ciede2000(lab, lab_of_linear(before + np.float32(strength) * step)), 95))

    if moved(1.0) <= budget:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if moved(middle) <= budget else (low, middle)
    return low
