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
from .paper import keep_paper
from .place import Place
from .proxy import standing
from .reflection import mirror

#: Colour of the sky's light relative to the sun's, in linear Rec. 709: what a shadow under a blue sky looks like.
_SKY_TINT = np.array([0.86, 0.98, 1.22], np.float32)
#: Light that finds its way under a car from the ground around it.
_BOUNCE = 0.02
#: Snow is never darker than this share of itself: it scatters light into what lies in the shadow.
_SNOW_LEAST = 0.12


def with_car_on_it(plate_linear: Floats, picture: CarPicture, layer: Layer, place: Place, order: SceneOrder) -> Floats:
    """The background (H, W, 3) in linear light as it is with the car on it.

    Light on the ground is the sum of the sun's and the sky's; each is multiplied by the share of it that the car lets
    through. Snow scatters light into the shadow. Bare paper around a painting stays bare.
    """
    out: Floats = plate_linear.copy()
    azimuth, elevation = picture.light.sun_azimuth_deg, order.sun_elevation_deg
    sky, sun = sky_map(picture.manifest), None
    if azimuth is not None and elevation is not None:
        sun = sun_map(picture.manifest, azimuth, elevation)
    maps = [sky] if sun is None else [sky, sun]
    to_car = _to_car(picture, place)
    top, bottom, left, right = _touched(maps, to_car, place, plate_linear)
    if top < bottom and left < right:
        part = out[top:bottom, left:right]
        size, here = (right - left, bottom - top), to_car @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
        from_sky = np.float32(_BOUNCE) + np.float32(1.0 - _BOUNCE) * _laid(sky, here, size)
        if order.surface == "snow":
            from_sky = np.float32(_SNOW_LEAST) + np.float32(1.0 - _SNOW_LEAST) * np.sqrt(from_sky)
        if sun is None or elevation is None:
            part *= from_sky[..., np.newaxis]
        else:
            more = _laid(sun, here, size) - from_sky
            part *= cv2.merge([from_sky + share * more for share in sun_share(elevation)])
    if order.surface == "wet":
        mirror(out, picture, layer, place)
    if order.light in ("night", "dusk"):
        _shine(out, to_car, picture, place, order.light)
    keep_paper(out, plate_linear, max(math.floor(place.horizon_y_px), 0))
    return out


def _touched(
    maps: list[GroundMap], to_car: NDArray[np.float64], place: Place, plate: Floats
) -> tuple[int, int, int, int]:
    """The rows and columns (top, bottom, left, right) of the picture in which the maps lie."""
    height, width = plate.shape[:2]
    horizon = max(math.ceil(place.horizon_y_px) + 2, 0)
    corners = np.concatenate([each.corners_m for each in maps])
    seen = np.column_stack([corners, np.ones(len(corners))]) @ np.linalg.inv(to_car).T
    # Points ahead of the camera have one sign, that of the car's own middle.
    middle = np.array([-1.4, 0.0, 1.0]) @ np.linalg.inv(to_car).T
    ahead = seen[:, 2] * np.sign(middle[2]) > 1e-9
    pixels = seen[ahead, :2] / seen[ahead, 2:]
    if not ahead.all():
        # Something lies beside or behind the camera: it may be anywhere below.
        return min(max(int(pixels[:, 1].min()), horizon), height), height, 0, width
    (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
    return (
        min(max(int(y0), horizon), height),
        min(max(math.ceil(y1) + 1, 0), height),
        min(max(int(x0), 0), width),
        min(max(math.ceil(x1) + 1, 0), width),
    )


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


def _to_car(picture: CarPicture, place: Place) -> NDArray[np.float64]:
    """(3, 3): pixels of the picture to homogeneous car coordinates."""
    across = picture.view.size_px[0] / place.width_px
    down = picture.view.size_px[1] / place.height_px
    to_file = np.array(
        [
            [across, 0, -(place.left_px - 0.5) * across],
            [0, down, -(place.top_px - 0.5) * down],
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


def _shine(out: Floats, to_car: NDArray[np.float64], picture: CarPicture, place: Place, light: str) -> None:
    """The pool of light that dipped headlamps throw before the car."""
    strength = 0.55 if light == "night" else 0.16
    cells = 0.05
    x = np.arange(0, 9, cells)[np.newaxis]
    y = np.arange(-3.5, 3.5, cells)[:, np.newaxis]
    spread = 0.75 + 0.16 * x
    pool = np.exp(-0.5 * (y / spread) ** 2) * np.exp(-0.5 * ((x - 2.6) / 2.0) ** 2)
    pool = pool * (np.clip(x / 0.8, 0, 1) ** 2)
    pool_map = GroundMap((1.0 - pool).astype(np.float32), (picture.manifest.front_overhang_m, -3.5), cells)
    top, bottom, left, right = _touched([pool_map], to_car, place, out)
    if top >= bottom or left >= right:
        return
    here = to_car @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    share = np.float32(1.0) - _laid(pool_map, here, (right - left, bottom - top))
    warm = np.array([1.0, 0.93, 0.80], np.float32) * np.float32(strength)
    part = out[top:bottom, left:right]
    # Light falls on what is there: it brightens the ground's own colour, and a little of the mist above it.
    part += share[..., np.newaxis] * warm * (part * np.float32(2.2) + np.float32(0.02))
