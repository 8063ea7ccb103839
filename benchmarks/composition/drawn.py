"""Two drawn cars with what is hard: chrome badges, saturated paint, tinted glass wide and narrow, thin parts.

They exist beside the shipped packs so that nothing can be tuned on the shipped ones alone.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.composition.assets import Asset
from shared.pictures.composition.manifest import Light, Manifest, View

_FINE = 4
_WIDTH_PX, _HEIGHT_PX, _MARGIN_PX = 900, 300, 10
_LENGTH_M, _CAMERA_M, _DISTANCE_M = 4.70, 1.6, 16.0

#: Outline, rear to front over the roof, in hundredths of the width; y upwards from the ground.
_SALOON = [
    (1, 6),
    (1.5, 17),
    (5, 21.5),
    (22, 22.5),
    (36, 29.5),
    (52, 30),
    (64, 24),
    (82, 21.5),
    (95, 17.5),
    (99, 13),
    (99, 5),
]
_ESTATE = [(1, 6), (1, 20), (4, 29), (10, 31), (52, 31), (66, 24), (84, 22), (97, 17), (99, 12), (98, 5)]
_SALOON_GLASS = [
    [(26, 22.6), (37, 28.2), (43, 28.6), (43, 22.2)],
    [(44.5, 22.2), (44.5, 28.6), (52, 28.6), (61, 23.2), (59, 22)],
]
_ESTATE_GLASS = [
    [(7, 23), (10, 29.4), (26, 29.6), (26, 22.6)],
    [(27.5, 22.6), (27.5, 29.6), (50, 29.6), (61, 23.6), (60, 22.6)],
]


def drawn_assets() -> list[Asset]:
    """A red saloon with a chrome badge, and a near-black estate with a golden one."""
    return [
        _drawn("drawn-saloon", _SALOON, _SALOON_GLASS, (0.48, 0.010, 0.016), (0.05, 0.20, 0.62), 0.50),
        _drawn("drawn-estate", _ESTATE, _ESTATE_GLASS, (0.010, 0.012, 0.016), (0.55, 0.33, 0.03), 0.72),
    ]


def _drawn(name: str, outline, windows, paint, enamel, tint: float) -> Asset:  # type: ignore[no-untyped-def]
    height, width = _HEIGHT_PX * _FINE, _WIDTH_PX * _FINE
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    unit = (_WIDTH_PX - 2 * _MARGIN_PX) / 100 * _FINE
    ground = (_HEIGHT_PX - _MARGIN_PX) * _FINE
    across, up = (x + 0.5 - _MARGIN_PX * _FINE) / unit, (ground - y - 0.5) / unit
    canvas = np.zeros((height, width, 4), np.float32)

    def inside(points) -> NDArray[np.bool_]:  # type: ignore[no-untyped-def]
        corners = np.array([(px * unit + _MARGIN_PX * _FINE, ground - py * unit) for px, py in points])
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1, shift=4)
        return mask > 0

    def put(mask, colour, alpha: float = 1.0) -> None:  # type: ignore[no-untyped-def]
        canvas[mask, :3] = np.broadcast_to(colour, canvas[..., :3].shape)[mask] * np.float32(alpha)
        canvas[mask, 3] = alpha

    grey = np.array([0.93, 0.97, 1.0], np.float32)
    sky = 0.16 * np.exp(-(((up - 20.5) / 1.6) ** 2)) + 0.05 * np.exp(-(((up - 13.5) / 0.8) ** 2))
    body = np.array(paint, np.float32) * (0.55 + 0.03 * up[..., None]) + sky[..., None] * grey
    # An aerial and a mirror: parts a pixel or two wide.
    put(inside([(41, 29), (41.3, 29), (37.2, 32.8), (37.0, 32.7)]), np.float32(0.01))
    put(inside(outline), body.astype(np.float32))
    pane = (0.012 + 0.22 * np.exp(-(((across - 2.2 * up + 14) / 1.6) ** 2)))[..., None] * grey
    for window in windows:
        put(inside(window), pane.astype(np.float32), tint)
    put(inside([(60, 21.6), (63.5, 21.8), (63.2, 24.2), (61, 24.0)]), body * np.float32(0.7))
    for centre in (18.5, 79.5):
        radius = np.hypot(across - centre, up - 6.9)
        put(radius < 7.9, np.float32(0.004))
        put(radius < 6.9, np.float32(0.012))
        spokes = 0.28 + 0.22 * np.cos(6 * np.arctan2(up - 6.9, across - centre))
        put(radius < 4.8, spokes[..., None] * grey)
    put(inside([(93, 15.2), (97.6, 15.4), (98.3, 13.6), (94, 13.4)]), np.float32(0.8) * grey)
    shield = np.hypot((across - 70.5) / 1.9, (up - 15) / 1.5)
    chrome = (0.42 + 0.34 * np.sin(up * 5.0))[..., None] * grey
    put(shield < 1.0, chrome.astype(np.float32))
    put(shield < 0.62, np.array(enamel, np.float32))
    put(inside([(69.8, 14.5), (71.2, 14.5), (70.5, 15.7)]), np.float32(0.86))
    pixels = cv2.resize(canvas, (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    badge = cv2.resize((shield < 1.0).astype(np.float32), (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return Asset(name, _manifest(name, badge), "side", "own", np.asarray(pixels), np.asarray(badge))


def _manifest(name: str, badge: NDArray[np.float32]) -> Manifest:
    px_per_m = (_WIDTH_PX - 2 * _MARGIN_PX) / _LENGTH_M
    near = _DISTANCE_M - 0.8
    focal = px_per_m * near
    foot = float(_HEIGHT_PX - _MARGIN_PX)
    at = [(_MARGIN_PX + share * (_WIDTH_PX - 2 * _MARGIN_PX), foot) for share in (0.795, 0.185)]
    rows, columns = np.nonzero(badge > 0.02)
    view = View(
        "side", "正侧", "Side", (_WIDTH_PX, _HEIGHT_PX),
        (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)),
        (at[0], at[1]), foot - focal * _CAMERA_M / near, _WIDTH_PX / 2,
        _CAMERA_M, _DISTANCE_M, -90.0, math.degrees(2 * math.atan(_WIDTH_PX / 2 / focal)),
    )  # fmt: skip
    lights = {"studio": Light("studio", "影棚", "Studio"), "noon": Light("noon", "正午", "Noon", -100.0, 55.0)}
    return Manifest(
        Path(), name, "画出的车", "Drawn car", "Apache-2.0", _LENGTH_M, 1.82, 1.47, _LENGTH_M * 0.61, 0.205 * _LENGTH_M,
        1.6, 0.69, 0.16, {"own": ("本色", "Own")}, lights, {"side": view},
    )  # fmt: skip
