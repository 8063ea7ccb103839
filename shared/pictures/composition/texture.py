"""The grain of a stylised style on the car, so that it belongs to the picture.

Each grain is a few filters on the car's colours; its outline and its transparency stay. How much of it the car takes is
decided by the budget, in `harmonise`. All noise is fixed: the same car in the same place always looks the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from .layer import Layer
from .light import Floats, to_linear, to_srgb
from .order import SceneOrder

#: Below this alpha a pixel has no colour of its own worth a grain.
_FAINT = 0.02
#: Widths at which grain is drawn at its own size, in pixels; larger cars get coarser grain.
_USUAL_WIDTH_PX = 500


def textured(pixels: Floats, plain: Layer, order: SceneOrder) -> Floats:  # noqa: ARG001
    """The car's pixels (h, w, 4), premultiplied linear light, in the grain of ``order.texture``.

    Raises `ValueError` for a texture that there is not.
    """
    if order.texture == "none":
        return pixels
    if order.texture not in TEXTURES:
        raise ValueError(f"texture: one of none, {', '.join(TEXTURES)} expected")
    alpha = pixels[..., 3:]
    srgb = to_srgb(pixels[..., :3] / np.maximum(alpha, np.float32(_FAINT)))
    unit = max(pixels.shape[1] / _USUAL_WIDTH_PX, 0.5)
    drawn = np.asarray(np.clip(TEXTURES[order.texture](srgb, unit), 0.0, 1.0), dtype=np.float32)
    out: Floats = pixels.copy()
    out[..., :3] = np.minimum(to_linear(drawn) * alpha, alpha)
    return out


def _ink(srgb: Floats, unit: float) -> Floats:
    """Ink: tones in a few washes, little colour, darker where washes meet, the grain of the paper."""
    smooth = _flattened(srgb, 9, 0.16, 4 * unit)
    grey = _mean_tone(smooth)
    washed = smooth + np.float32(0.55) * (grey - smooth)
    washed = _stepped(washed, 6, 0.6)
    paper = 1.0 + 0.10 * _noise(srgb, 1.3 * unit) + _fibres(srgb, unit)
    return np.asarray((washed - 0.30 * _lines(smooth, 1.2 * unit)) * paper, dtype=np.float32)


def _watercolour(srgb: Floats, unit: float) -> Floats:
    """Watercolour: flat washes, pigment that settles in the paper's hollows, edges darker where the wash dried."""
    smooth = _flattened(srgb, 9, 0.14, 5 * unit)
    washed = _stepped(smooth, 9, 0.5)
    pooled = 0.07 * _noise(srgb, 7 * unit) + 0.06 * _noise(srgb, 1.2 * unit)
    return np.asarray((washed - 0.22 * _lines(smooth, 1.6 * unit)) * (1.0 + pooled) + 0.03, dtype=np.float32)


def _oil(srgb: Floats, unit: float) -> Floats:
    """Oil: colours carried along short strokes, thick paint catching light, canvas."""
    height, width = srgb.shape[:2]
    reach = 3.2 * unit
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    dx, dy = _noise(srgb, 2.2 * unit, seed=1)[..., 0], _noise(srgb, 2.2 * unit, seed=2)[..., 0]
    smooth = _flattened(srgb, 7, 0.2, 4 * unit)
    strokes = cv2.remap(smooth, x + reach * dx, y + 0.5 * reach * dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    thick = _noise(srgb, 1.6 * unit, seed=3, stretch=4.0)
    return np.asarray(strokes * (1.0 + 0.09 * thick), dtype=np.float32)


def _anime(srgb: Floats, unit: float) -> Floats:
    """Cel: few flat tones with crisp borders, clear colours, thin dark lines."""
    smooth = _flattened(srgb, 9, 0.18, 5 * unit)
    flat = _stepped(smooth, 7, 0.85)
    grey = _mean_tone(flat)
    return np.asarray(flat + 0.15 * (flat - grey) - 0.35 * _lines(smooth, 1.0 * unit), dtype=np.float32)


def _woodblock(srgb: Floats, unit: float) -> Floats:
    """Woodblock: flat inks, a key block's dark lines, the grain of the plank."""
    smooth = _flattened(srgb, 9, 0.2, 5 * unit)
    flat = _stepped(smooth, 6, 0.8)
    grain = 0.07 * _noise(srgb, 1.1 * unit, seed=4, stretch=14.0)
    return np.asarray((flat - 0.40 * _lines(smooth, 1.4 * unit)) * (1.0 + grain), dtype=np.float32)


TEXTURES: dict[str, Callable[[Floats, float], Floats]] = {
    "ink": _ink,
    "watercolour": _watercolour,
    "oil": _oil,
    "anime": _anime,
    "woodblock": _woodblock,
}


def _mean_tone(srgb: Floats) -> Floats:
    """(h, w, 1): the mean of the three channels."""
    return np.asarray(cv2.transform(srgb, np.full((1, 3), 1 / 3, np.float32)), dtype=np.float32)[..., np.newaxis]


def _flattened(srgb: Floats, size: int, tones: float, reach: float) -> Floats:
    """Evened out within edges (bilateral filter; Tomasi and Manduchi, 1998)."""
    return np.asarray(cv2.bilateralFilter(srgb, size, tones, reach), dtype=np.float32)


def _stepped(srgb: Floats, steps: int, share: float) -> Floats:
    """Lightness drawn towards `steps` even tones, by `share`; hue and its strength stay."""
    light = _mean_tone(srgb)
    target = np.round(light * steps) / steps
    return np.asarray(srgb * (1.0 + share * (target / np.maximum(light, 0.02) - 1.0)), dtype=np.float32)


def _lines(srgb: Floats, width_px: float) -> Floats:
    """(h, w, 1), 0..1: where tones meet, as a difference of Gaussians (Marr and Hildreth, 1980)."""
    grey = _mean_tone(srgb)[..., 0]
    narrow, wide = cv2.GaussianBlur(grey, (0, 0), 0.6 * width_px), cv2.GaussianBlur(grey, (0, 0), 1.6 * width_px)
    return np.asarray(np.clip((wide - narrow) * 12.0, 0.0, 1.0), dtype=np.float32)[..., np.newaxis]


def _noise(like: Floats, size_px: float, *, seed: int = 0, stretch: float = 1.0) -> Floats:
    """(h, w, 1) of fixed soft noise, spread about 1; spots about `size_px` high and `stretch` times as wide."""
    return _drawn_noise(like.shape[0], like.shape[1], round(size_px, 2), seed, stretch)


@lru_cache(maxsize=32)
def _drawn_noise(height: int, width: int, size_px: float, seed: int, stretch: float) -> Floats:
    noise = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), sigmaX=size_px * stretch, sigmaY=size_px)
    soft = np.clip(soft / max(float(soft.std()), 1e-6), -2.0, 2.0)
    return np.asarray(soft, dtype=np.float32)[..., np.newaxis]


def _fibres(like: Floats, unit: float) -> Floats:
    """The paper's fibres: long and thin, both ways."""
    across = _noise(like, 0.7 * unit, seed=5, stretch=9.0)
    return np.asarray(np.float32(0.04) * across, dtype=np.float32)
