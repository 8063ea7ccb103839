"""What the car does to the ground it stands on: shadow of the sky, shadow of the sun, mirror image, light of its lamps.

The shadow's direction is that of the light on the car's body, or the picture would have two suns; its length comes
from the sun of the trip's place and time.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .layer import Layer
from .light import Floats
from .occlusion import GroundMap, sky_map, sun_map
from .order import SceneOrder
from .packs import CarPicture
from .place import Place
from .proxy import standing

#: Colour of the sky's light relative to the sun's, in linear Rec. 709: what a shadow under a blue sky looks like.
_SKY_TINT = np.array([0.86, 0.98, 1.22], np.float32)
#: Light that finds its way under a car from the ground around it.
_BOUNCE = 0.02
#: How much of the mirrored car wet ground shows, looking down steeply and along it (Schlick's approximation, water).
_WET_SHARE, _WET_GRAZING = 0.16, 0.45
#: Wet ground is darker: water lets less light come back out of it.
_WET_DARK = 0.82


def with_car_on_it(plate_linear: Floats, picture: CarPicture, layer: Layer, place: Place, order: SceneOrder) -> Floats:
    """The background (H, W, 3) in linear light as it is with the car on it.

    Light on the ground is the sum of the sun's and the sky's; each is multiplied by the share of it that the car lets
    through. Snow scatters light into the shadow.
    """
    top = max(math.ceil(place.horizon_y_px) + 2, 0)
    height, width = plate_linear.shape[:2]
    if top >= height:
        return plate_linear
    out: Floats = plate_linear.copy()
    size = (width, height - top)
    to_car = _to_car(picture, place, top)
    sky = _laid(sky_map(picture.manifest), to_car, size)
    sky = np.float32(_BOUNCE) + np.float32(1.0 - _BOUNCE) * sky
    if order.surface == "snow":
        sky = np.sqrt(sky)
    sun = picture.light.sun_azimuth_deg
    if order.sun_elevation_deg is not None and sun is not None:
        lit = _laid(sun_map(picture.manifest, sun, order.sun_elevation_deg), to_car, size)
        shares = sun_share(order.sun_elevation_deg)
        light = shares * lit[..., np.newaxis] + (np.float32(1.0) - shares) * sky[..., np.newaxis]
    else:
        light = np.broadcast_to(sky[..., np.newaxis], (*sky.shape, 3))
    out[top:] *= light
    if order.surface == "wet":
        _mirror(out, picture, layer, place)
    if order.light in ("night", "dusk"):
        _shine(out[top:], to_car, picture, order.light)
    return out


def sun_share(elevation_deg: float) -> Floats:
    """The share (3,) of the sun in the light on level ground under a clear sky, in linear Rec. 709.

    Direct light by the air mass of the elevation with an optical depth of 0.25; diffuse light a fifth of what was
    scattered out of it and more (after Bird and Hulstrom, 1981, rounded).
    """
    sine = math.sin(math.radians(min(max(elevation_deg, 1.0), 90.0)))
    through = math.exp(-0.25 / max(sine, 0.05))
    direct, diffuse = sine * through, 0.11 + 0.30 * sine * (1.0 - through)
    shares = direct / (direct + diffuse * _SKY_TINT)
    return np.asarray(shares, dtype=np.float32)


def _to_car(picture: CarPicture, place: Place, top: int) -> NDArray[np.float64]:
    """(3, 3): pixels of the picture below row `top` to homogeneous car coordinates."""
    across = picture.view.size_px[0] / place.width_px
    down = picture.view.size_px[1] / place.height_px
    to_file = np.array(
        [
            [across, 0, -(place.left_px - 0.5) * across],
            [0, down, (top + 0.5 - place.top_px) * down],
            [0, 0, 1],
        ]
    )
    return np.asarray(standing(picture.manifest, picture.view).to_car @ to_file)


def _laid(ground: GroundMap, to_car: NDArray[np.float64], size: tuple[int, int]) -> Floats:
    """A map of the ground as the picture shows it, (rows, columns) of `size` (columns, rows)."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpPerspective(
        ground.shares, ground.from_car @ to_car, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(1.0,)
    )
    return np.asarray(laid, dtype=np.float32)


def _mirror(out: Floats, picture: CarPicture, layer: Layer, place: Place) -> None:
    """Wet ground mirrors the car about the line on which it stands, and is darker where the car shelters nothing."""
    height, width = out.shape[:2]
    base = _base_rows(picture, place)
    lowest = math.ceil(float(np.nanmax(base)))
    first, last = place.top_px + place.height_px // 3, min(lowest + place.height_px, height)
    if last <= max(first, 0):
        return
    first = max(first, 0)
    columns = np.arange(place.width_px, dtype=np.float32)
    rows = np.arange(first, last, dtype=np.float32)[:, np.newaxis]
    # A point as high above the ground as its image is below it: 2 * base - row.
    source_y = (2 * base[np.newaxis] - rows - place.top_px).astype(np.float32)
    source_x = np.broadcast_to(columns, source_y.shape).astype(np.float32)
    image = cv2.remap(layer.pixels, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    below = rows - base[np.newaxis]
    image[below < 0] = 0.0
    # The rougher the water, the more an image is drawn out downwards, the farther it is from what it mirrors.
    sharp, soft = cv2.GaussianBlur(image, (0, 0), 0.8), cv2.GaussianBlur(image, (3, 0), sigmaX=1.5, sigmaY=9.0)
    depth = np.clip(below / (0.5 * place.height_px), 0.0, 1.0)[..., np.newaxis].astype(np.float32)
    image = sharp + (soft - sharp) * np.sqrt(depth)
    share = np.float32(_WET_GRAZING) + np.float32(_WET_SHARE - _WET_GRAZING) * np.sqrt(depth)
    x0, x1 = max(place.left_px, 0), min(place.left_px + place.width_px, width)
    cut = slice(x0 - place.left_px, x1 - place.left_px)
    part, image, share = out[first:last, x0:x1], image[:, cut], share[:, cut]
    part *= np.float32(1.0) - share * image[..., 3:]
    part += share * image[..., :3]


def _base_rows(picture: CarPicture, place: Place) -> NDArray[np.float64]:
    """For each column of the car, the row of the picture on which what stands in it touches the ground."""
    manifest = picture.manifest
    half = manifest.track_m / 2 + 0.1
    front, rear = (
        manifest.front_overhang_m * 0.6,
        -manifest.wheelbase_m - 0.6 * (manifest.length_m - manifest.wheelbase_m - manifest.front_overhang_m),
    )
    corners = np.array([(front, half), (front, -half), (rear, -half), (rear, half)])
    pixels = standing(manifest, picture.view).points_px(corners)
    pixels = pixels * (place.width_px / picture.view.size_px[0]) + (0.0, place.top_px)
    columns = np.arange(place.width_px, dtype=np.float64)
    lowest = np.full(place.width_px, -np.inf)
    for (x0, y0), (x1, y1) in zip(pixels, np.roll(pixels, -1, axis=0), strict=True):
        if abs(x1 - x0) < 1.0:
            continue
        row = y0 + (columns - x0) * (y1 - y0) / (x1 - x0)
        inside = (columns >= min(x0, x1)) & (columns <= max(x0, x1))
        lowest[inside] = np.maximum(lowest[inside], row[inside])
    known = np.flatnonzero(np.isfinite(lowest))
    return np.asarray(np.interp(columns, known, lowest[known]))


def _shine(ground: Floats, to_car: NDArray[np.float64], picture: CarPicture, light: str) -> None:
    """The pool of light that dipped headlamps throw before the car."""
    height, width = ground.shape[:2]
    nose = picture.manifest.front_overhang_m
    strength = 0.55 if light == "night" else 0.16
    cells = 0.05
    x = np.arange(0, 9, cells)[np.newaxis]
    y = np.arange(-3.5, 3.5, cells)[:, np.newaxis]
    spread = 0.75 + 0.16 * x
    pool = np.exp(-0.5 * (y / spread) ** 2) * np.exp(-0.5 * ((x - 2.6) / 2.0) ** 2) * (x > 0.0)
    pool = pool * (np.clip(x / 0.8, 0, 1) ** 2)
    pool_map = GroundMap((1.0 - pool).astype(np.float32), (nose, -3.5), cells)
    share = np.float32(1.0) - _laid(pool_map, to_car, (width, height))
    warm = np.array([1.0, 0.93, 0.80], np.float32) * np.float32(strength)
    # Light falls on what is there: it brightens the ground's own colour, and a little of the mist above it.
    ground += share[..., np.newaxis] * warm * (ground * np.float32(2.2) + np.float32(0.02))
