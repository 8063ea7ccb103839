"""The car's image in wet ground: upside down, drawn out by the ripples, fainter the steeper one looks down."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .layer import Layer
from .light import Floats, scaled
from .packs import CarPicture
from .place import Place
from .proxy import standing

#: How much wet ground mirrors at the car's foot, and where its roof is seen (after Schlick's approximation for water).
_AT_FOOT, _AT_ROOF = 0.44, 0.16
#: Of the ground's own light, which is not mirrored, at least this share stays.
_LEAST = 0.35
#: What is mirrored is computed in this part of the picture's size: ripples blur it anyway.
_SMALLER = 2
#: Room to both sides for the blur, as a share of the car's width.
_ASIDE = 0.04
#: Blur across and along at the foot and at the roof, in pixels of a car that is 250 px high.
_CLEAR, _DRAWN_OUT = (1.5, 4.0), (4.0, 18.0)


def mirror(ground: Floats, picture: CarPicture, layer: Layer, place: Place) -> None:
    """Let `ground` (H, W, 3), linear light, mirror the car about the line on which it stands; in place.

    Until now the ground mirrored the sky there, so the car's image takes the sky's place.
    """
    height, width = ground.shape[:2]
    base = _base_rows(picture, place)
    top, bottom = int(np.min(base)), min(math.ceil(float(np.max(base))) + place.height_px, height)
    top = max(top, 0)
    room = round(_ASIDE * place.width_px)
    left, right = max(place.left_px - room, 0), min(place.left_px + place.width_px + room, width)
    if top >= bottom or left >= right:
        return
    car = scaled(layer.pixels, -(-place.width_px // _SMALLER), -(-place.height_px // _SMALLER))
    columns = np.arange(left, right, _SMALLER, dtype=np.float32) + np.float32((_SMALLER - 1) / 2 - place.left_px)
    rows = np.arange(top, bottom, _SMALLER, dtype=np.float32)[:, np.newaxis] + np.float32((_SMALLER - 1) / 2)
    foot = np.interp(columns, np.arange(place.width_px), base).astype(np.float32)
    below = rows - foot
    # A point as high above the ground as its image is below it: 2 * foot - row.
    source_y = (foot - below - np.float32(place.top_px) + np.float32(0.5)) / _SMALLER - np.float32(0.5)
    source_x = np.broadcast_to((columns + np.float32(0.5)) / _SMALLER - np.float32(0.5), source_y.shape)
    drawn = cv2.remap(car, np.ascontiguousarray(source_x), source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    image: Floats = np.asarray(drawn, dtype=np.float32)
    image[below < 0] = 0.0
    depth = np.clip(below / np.float32(0.5 * place.height_px), 0.0, 1.0)[..., np.newaxis]
    clear, drawn_out = (_blurred(image, sigmas, place) for sigmas in (_CLEAR, _DRAWN_OUT))
    image = clear + (drawn_out - clear) * np.minimum(np.float32(2.5) * depth, np.float32(1.0))
    sky = ground[: max(int(place.horizon_y_px), 1) : 8, ::8].reshape(-1, 3).mean(axis=0)
    share = np.float32(_AT_FOOT) + np.float32(_AT_ROOF - _AT_FOOT) * np.sqrt(depth)
    more = share * (image[..., :3] - image[..., 3:] * sky)
    part = ground[top:bottom, left:right]
    least = np.float32(_LEAST) * part
    part += cv2.resize(more, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    np.maximum(part, least, out=part)


def _blurred(image: Floats, sigmas: tuple[float, float], place: Place) -> Floats:
    unit = place.height_px / 250 / _SMALLER
    across, along = (max(sigma * unit, 0.3) for sigma in sigmas)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigmaX=across, sigmaY=along), dtype=np.float32)


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
