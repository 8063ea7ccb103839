"""How different two colours look: CIE L*a*b* and CIEDE2000.

Lab: CIE 15:2018 with the white of sRGB (D65, CIE 1931 2° observer). Difference: CIE 142-2001 as written out by Sharma,
Wu and Dalal, "The CIEDE2000 color-difference formula" (2005), kL = kC = kH = 1. Below 1 nobody sees it side by side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .light import Bytes, Floats, to_linear

#: Linear Rec. 709 to XYZ relative to D65 white, so that white is (1, 1, 1).
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
) / np.array([[0.95047], [1.0], [1.08883]])
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27
_25_TO_7 = 25.0**7


def to_lab(srgb: Bytes | Floats) -> Floats:
    """L*, a*, b* (…, 3) of sRGB values (…, 3): uint8 codes, or floats in 0..1."""
    return lab_of_linear(to_linear(srgb))


def lab_of_linear(linear: Floats) -> Floats:
    """L*, a*, b* (…, 3) of linear light (…, 3)."""
    xyz = np.clip(linear, 0.0, None) @ _TO_XYZ.T.astype(np.float32)
    f = np.where(xyz > _EPSILON, np.cbrt(xyz), (_KAPPA * xyz + 16.0) / 116.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1).astype(np.float32)


def ciede2000(a: NDArray[np.floating], b: NDArray[np.floating]) -> Floats:
    """Differences (…) of two arrays of L*, a*, b* (…, 3)."""
    l1, a1, b1 = (np.asarray(a[..., n], dtype=np.float64) for n in range(3))
    l2, a2, b2 = (np.asarray(b[..., n], dtype=np.float64) for n in range(3))
    chroma_7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - np.sqrt(chroma_7 / (chroma_7 + _25_TO_7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    coloured = c1 * c2 > 0
    turn = np.where(coloured, (h2 - h1 + 180) % 360 - 180, 0.0)
    # At exactly opposite hues the turn is +180, as in the published pairs.
    turn = np.where(coloured & (h2 - h1 == 180), 180.0, turn)
    d_l, d_c = l2 - l1, c2 - c1
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    apart = np.abs(h1 - h2)
    total = h1 + h2
    mean_h = np.where(apart <= 180, total / 2, np.where(total < 360, (total + 360) / 2, (total - 360) / 2))
    mean_h = np.where(coloured, mean_h, total)
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    rotation = -2 * np.sqrt(mean_c**7 / (mean_c**7 + _25_TO_7))
    rotation = rotation * np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    l_term, c_term, h_term = d_l / s_l, d_c / s_c, d_h / s_h
    squared = l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term
    difference: Floats = np.sqrt(np.maximum(squared, 0.0)).astype(np.float32)
    return difference


def delta_e00(a: Bytes | Floats, b: Bytes | Floats) -> Floats:
    """Differences (…) of two sRGB pictures (…, 3)."""
    return ciede2000(to_lab(a), to_lab(b))
