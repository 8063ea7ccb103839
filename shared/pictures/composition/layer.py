"""A car's picture at the size it gets in one background, with its badge locked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .light import Bytes, Floats, scaled, to_srgb
from .packs import CarPicture
from .place import Place

#: From this much coverage on, a pixel is the badge's: its code values are never changed.
LOCK_FROM = 0.5
#: What counts as opaque; the rest is interpolation.
_OPAQUE = 0.999


@dataclass(frozen=True, slots=True)
class Layer:
    """The car at its size in the picture.

    `pixels` (h, w, 4) premultiplied linear light; `badge` (h, w) its coverage in 0..1; `lock` (h, w) which pixels are
    the badge's, and `locked` (h, w, 3) their sRGB code values, which the finished picture has to show. `tyres` are the
    wheels nearest the camera: column and row in which each touches the ground, and its radius, in pixels.
    """

    pixels: Floats
    badge: Floats
    locked: Bytes
    lock: NDArray[np.bool_]
    tyres: tuple[tuple[float, float, float], ...] = ()


def prepared(picture: CarPicture, place: Place) -> Layer:
    """The asset scaled to its place: nothing but the asset's own data."""
    pixels = scaled(picture.pixels, place.width_px, place.height_px)
    badge = scaled(picture.badge, place.width_px, place.height_px)
    lock = (badge >= LOCK_FROM) & (pixels[..., 3] >= _OPAQUE)
    locked = np.zeros((*lock.shape, 3), np.uint8)
    locked[lock] = np.rint(to_srgb(pixels[..., :3][lock]) * np.float32(255.0)).astype(np.uint8)
    return Layer(pixels, badge, locked, lock, _tyres(picture, place))


def _tyres(picture: CarPicture, place: Place) -> tuple[tuple[float, float, float], ...]:
    """A level camera sees a thing of size s that stands in row y as large as s / camera height * (y - horizon)."""
    view, scale = picture.view, place.width_px / picture.view.size_px[0]
    radius = picture.manifest.tyre_diameter_m / 2 / view.camera_height_m
    return tuple((x * scale, y * scale, radius * (y - view.horizon_y) * scale) for x, y in view.wheel_contacts)


def window(place: Place, ground: Floats) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the car lies in the picture, and which part of the car that is; a place may reach beyond the picture."""
    height, width = ground.shape[:2]
    x0, y0 = max(place.left_px, 0), max(place.top_px, 0)
    x1, y1 = min(place.left_px + place.width_px, width), min(place.top_px + place.height_px, height)
    here = (slice(y0, max(y1, y0)), slice(x0, max(x1, x0)))
    dx, dy = place.left_px, place.top_px
    return here, (slice(y0 - dy, max(y1, y0) - dy), slice(x0 - dx, max(x1, x0) - dx))
