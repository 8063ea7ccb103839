"""A drawn car whose true colours are known, and photographs of it before studio backdrops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.light import Floats

#: Subpixels along each axis of what is drawn.
_FINE = 4

PAINTS = {"black": (0.012, 0.012, 0.014), "white": (0.78, 0.79, 0.80), "red": (0.42, 0.012, 0.018)}
BACKDROPS = ("grey", "green", "white", "gradient", "step", "vignette")


@dataclass(frozen=True, slots=True)
class DrawnCar:
    """`pixels` (H, W, 4) premultiplied linear light, `badge` (H, W) its coverage, both true; points in pixels."""

    pixels: Floats
    badge: Floats
    badge_box: tuple[float, float, float, float]
    wheel_contacts: tuple[tuple[float, float], tuple[float, float]]


@cache
def drawn_car(paint: str = "red", *, width_px: int = 640, margin_px: int = 24) -> DrawnCar:
    """A saloon from its left side: tinted glass one looks through, a chrome badge, wheels, a mirror, an aerial."""
    # Drawn in units of 1/1000 of the car's length; y downwards from the roof.
    height_px = round(width_px * 0.31) + 2 * margin_px
    scale = width_px / 1000.0
    fine = np.zeros((height_px * _FINE, (width_px + 2 * margin_px) * _FINE, 4), np.float32)
    ys, xs = np.mgrid[0 : fine.shape[0], 0 : fine.shape[1]].astype(np.float32)
    x = ((xs + 0.5) / _FINE - margin_px) / scale
    y = ((ys + 0.5) / _FINE - margin_px) / scale

    def shape(points: list[tuple[float, float]]) -> NDArray[np.bool_]:
        corners = np.array([[(px * scale + margin_px) * _FINE, (py * scale + margin_px) * _FINE] for px, py in points])
        mask = np.zeros(fine.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(_rounded(corners) * 16).astype(np.int32)], 1, shift=4)
        return mask > 0

    def fill(mask: NDArray[np.bool_], colour: Floats, alpha: float = 1.0) -> None:
        fine[mask, :3] = colour[mask] * np.float32(alpha)
        fine[mask, 3] = alpha

    colour = np.array(PAINTS[paint], np.float32)
    # The paint mirrors a sky above and darkens below; it stays positive everywhere.
    gloss = 0.10 * np.exp(-(((y - 95) / 30) ** 2)) + 0.05 * np.exp(-(((y - 150) / 12) ** 2))
    shade = np.clip(1.15 - 0.002 * y, 0.4, 1.2)
    body = colour * shade[..., None] + gloss[..., None] * np.array([0.9, 0.95, 1.0], np.float32)
    dark = np.full_like(body, 0.008)
    fill(shape([(690, 2), (694, 2), (706, 60), (694, 60)]), dark)
    outline = [(4, 175), (18, 120), (90, 98), (255, 84), (360, 18), (470, 4), (610, 8), (760, 60), (930, 78), (990, 98),
               (996, 180), (975, 228), (60, 234), (12, 220)]  # fmt: skip
    fill(shape(outline), body)
    glass = np.full_like(body, 0.02) + (0.25 * np.exp(-(((x - y - 360) / 40) ** 2)))[..., None]
    fill(shape([(290, 86), (372, 30), (475, 17), (478, 84)]), glass, 0.45)
    fill(shape([(490, 84), (487, 17), (600, 20), (690, 58), (700, 80)]), glass, 0.62)
    for cx in (190.0, 800.0):
        r = np.hypot(x - cx, y - 236)
        rubber = np.full_like(body, 0.006) + (0.012 * np.exp(-(((r - 60) / 3) ** 2)))[..., None]
        fill(r < 66, rubber)
        spokes = 0.25 + 0.25 * np.cos(np.arctan2(y - 236, x - cx) * 5)
        fill(r < 46, np.repeat(spokes[..., None], 3, axis=-1).astype(np.float32))
    fill(shape([(268, 92), (300, 80), (318, 88), (312, 106), (280, 108)]), body * np.float32(0.8))
    ring = np.hypot((x - 420) / 17, (y - 140) / 13)
    chrome = (0.45 + 0.4 * np.sin(y / 2.2))[..., None] * np.array([0.96, 0.98, 1.0], np.float32)
    fill(ring < 1.0, chrome.astype(np.float32))
    fill(ring < 0.66, np.broadcast_to(np.array([0.01, 0.05, 0.42], np.float32), body.shape))
    pixels = _smaller(fine)
    badge = _smaller((ring < 1.0).astype(np.float32))
    rows, columns = np.nonzero(badge > 0.02)
    box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    ground = (236 + 66) * scale + margin_px
    contacts = ((190 * scale + margin_px, ground), (800 * scale + margin_px, ground))
    return DrawnCar(pixels, badge, box, contacts)


def backdrop(kind: str, height_px: int, width_px: int) -> Floats:
    """A studio's wall and floor (H, W, 3) in linear light."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    x, y = x / width_px, y / height_px
    one = np.ones_like(x)
    grey, warm = np.array([0.32, 0.32, 0.33]), np.array([0.34, 0.30, 0.25])
    light = {
        "grey": one[..., None] * grey,
        "green": one[..., None] * np.array([0.06, 0.55, 0.10]),
        "white": one[..., None] * np.array([0.90, 0.91, 0.92]),
        "gradient": (0.55 + 0.6 * x - 0.25 * y)[..., None] * grey,
        "step": np.where(y < 0.62, 0.9, 0.45)[..., None] * warm,
        "vignette": (1.25 - 1.6 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))[..., None] * grey,
    }[kind]
    return np.asarray(light, dtype=np.float32)


def photographed(
    car: Floats, behind: Floats, *, bits: int = 8, noise: float = 0.0005, hidden: str = "kept", seed: int = 7
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The cut-out (H, W, 4) that a designer hands over: sRGB codes of car and backdrop mixed, straight alpha.

    `noise` is the sensor's, as a share of full scale at mid-grey, growing with the light's root. `hidden` says what
    lies where alpha is 0: the backdrop ``kept``, or ``black``.
    """
    alpha = car[..., 3:]
    light = car[..., :3] + (1 - alpha) * behind
    grain = np.random.default_rng(seed).normal(0, 1, light.shape)
    light = np.clip(light + grain * noise * np.sqrt(np.maximum(light, 0.01) / 0.2), 0, 1)
    return _coded(_exact_srgb(light), alpha, bits, hidden)


def pasted(
    car: Floats, behind: Floats, *, bits: int = 8, hidden: str = "kept"
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The same as a paint program flattens it: mixed in sRGB codes, without noise."""
    alpha = car[..., 3:]
    own = _exact_srgb(car[..., :3] / np.maximum(alpha, 1e-6))
    return _coded(alpha * own + (1 - alpha) * _exact_srgb(behind), alpha, bits, hidden)


def clean(car: Floats, *, bits: int = 8) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The car's own colour at every pixel that has any, straight alpha."""
    alpha = car[..., 3:]
    return _coded(_exact_srgb(car[..., :3] / np.maximum(alpha, 1e-6)), alpha, bits, "black")


def _exact_srgb(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _coded(
    codes: NDArray[np.floating], alpha: Floats, bits: int, hidden: str
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    top, kind = (255.0, np.uint8) if bits == 8 else (65535.0, np.uint16)
    stored = np.rint(np.concatenate([codes, alpha], axis=-1) * top).astype(kind)
    if hidden == "black":
        stored[stored[..., 3] == 0] = 0
    return stored


def _smaller(fine: Floats) -> Floats:
    size = (fine.shape[1] // _FINE, fine.shape[0] // _FINE)
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _rounded(corners: NDArray[np.floating]) -> NDArray[np.floating]:
    """The polygon with its corners cut twice (Chaikin, 1974)."""
    for _ in range(2):
        after = np.roll(corners, -1, axis=0)
        corners = np.stack([0.75 * corners + 0.25 * after, 0.25 * corners + 0.75 * after], axis=1).reshape(-1, 2)
    return corners
