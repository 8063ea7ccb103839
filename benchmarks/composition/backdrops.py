"""The studio: a car before a backdrop as a camera sees it, cut out with its true coverage.

The lens mixes in linear light, I = alpha F + (1 - alpha) B; then come the noise of the sensor and 8-bit sRGB codes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.composition.assets import Asset

NAMES = ("grey", "green", "white", "gradient", "step", "vignette")

#: A car fills 6,000 of the 8,200 pixels across a 45-megapixel photograph; a cut-out of 1,000 averages 6 x 6 of them.
_AVERAGED = 6
#: Electrons of a saturated pixel (45,000 of a full-frame sensor), and of the noise of reading one, of that average.
_FULL_WELL, _READ_NOISE = 45_000 * _AVERAGED**2, 4.0 * _AVERAGED


def backdrop(name: str, height: int, width: int) -> NDArray[np.float64]:
    """Linear light (H, W, 3) of an empty studio."""
    y, x = np.mgrid[0:height, 0:width]
    y, x = (y + 0.5) / height, (x + 0.5) / width
    neutral = np.array([0.97, 1.0, 1.02])
    plane = {
        "grey": np.full_like(x, 0.21),
        "white": np.full_like(x, 0.86),
        "gradient": 0.10 + 0.55 * y + 0.06 * x,
        "step": np.where(y < 0.62, 0.46, 0.15) + 0.03 * x,
        "vignette": 0.62 * (1 - 0.62 * ((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.5),
    }
    if name == "green":
        return np.broadcast_to(np.array([0.045, 0.38, 0.085]), (height, width, 3)).copy()
    return np.asarray(plane[name][..., np.newaxis] * neutral)


def photographed(asset: Asset, name: str, seed: int = 0) -> NDArray[np.uint8]:
    """The cut-out (H, W, 4) as a designer has it: straight alpha, 8-bit sRGB, the studio still in its soft pixels."""
    light = asset.pixels.astype(np.float64)
    alpha = light[..., 3:]
    seen = light[..., :3] + (1.0 - alpha) * backdrop(name, *alpha.shape[:2])
    return _developed(seen, alpha, seed)


def clean(asset: Asset, seed: int = 0) -> NDArray[np.uint8]:
    """The cut-out (H, W, 4) as a renderer with alpha gives it: the car's own colour in its soft pixels."""
    light = asset.pixels.astype(np.float64)
    alpha = light[..., 3:]
    return _developed(light[..., :3] / np.maximum(alpha, 1e-3), alpha, seed)


def _developed(light: NDArray[np.float64], alpha: NDArray[np.float64], seed: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    electrons = np.clip(light, 0, 1) * _FULL_WELL
    noise = random.standard_normal(light.shape) * np.sqrt(electrons + _READ_NOISE**2)
    light = np.clip((electrons + noise) / _FULL_WELL, 0, 1)
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(np.maximum(light, 1e-12), 1 / 2.4) - 0.055)
    return np.rint(np.dstack([codes, alpha]) * 255).astype(np.uint8)
