"""The car over the ground: the steps in their order, and the last one down to eight bits.

`compose` is what the nodes `HorizonPlace`, `CarShadow`, `CarHarmonize`, `CarComposite` and `BadgeLock` do one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ground import with_car_on_it
from .harmonise import harmonised
from .layer import Layer, prepared
from .light import Bytes, Floats, quantised, to_linear
from .manifest import Manifest
from .order import SceneOrder
from .packs import load_picture, nearest_light
from .place import Place, find_place, placed_at


@dataclass(frozen=True, slots=True)
class Composition:
    """A picture with the car in it, and what it was made of.

    `picture` (H, W, 3) is 8-bit sRGB; `plain` the car as the pack has it, `layer` as it went in; `ground` (H, W, 3) the
    background in linear light with the car's shadow on it.
    """

    picture: Bytes
    place: Place
    layer: Layer
    plain: Layer
    ground: Floats

    @property
    def badge_mask(self) -> NDArray[np.bool_]:
        """Which pixels of the picture (H, W) are the badge's."""
        mask = np.zeros(self.picture.shape[:2], bool)
        here, there = window(self.place, self.ground)
        mask[here] = self.layer.lock[there]
        return mask


def compose(plate: Bytes, manifest: Manifest, colour: str, order: SceneOrder) -> Composition:
    """Put a car into the background `plate` (H, W, 3), 8-bit sRGB.

    Raises `NoPlace` when the background can't take the car, and `BadPack` for a colour or a file that the pack lacks.
    """
    if order.given_px is None:
        place = find_place(plate, manifest, order.view, order.position)
    else:
        place = placed_at(manifest, order.view, *order.given_px)
    picture = load_picture(manifest, place.view_id, colour, nearest_light(manifest, order.light).light_id)
    plain = prepared(picture, place)
    ground = with_car_on_it(to_linear(plate), picture, plain, place, order)
    layer = harmonised(plain, plain, ground, place, order)
    return Composition(finished(over(layer, place, ground), layer, place, plate), place, layer, plain, ground)


def over(layer: Layer, place: Place, ground: Floats) -> Floats:
    """The car (h, w, 4) over the ground (H, W, 3) at its place, in linear light: P + (1 - alpha) * ground."""
    out: Floats = ground.copy()
    here, there = window(place, ground)
    pixels = layer.pixels[there]
    out[here] = pixels[..., :3] + (np.float32(1.0) - pixels[..., 3:]) * ground[here]
    return out


def finished(linear: Floats, layer: Layer, place: Place, plate: Bytes | None = None) -> Bytes:
    """The picture (H, W, 3) in 8-bit sRGB; the badge has the code values of the asset, untouched by dither.

    `plate` is the background in 8 bits, if it is at hand: above car and horizon the picture is that, which saves time.
    """
    first = 0
    if plate is not None:
        first = min(max(min(place.top_px, int(place.horizon_y_px)), 0), len(linear))
    picture = quantised(linear[first:], first)
    if plate is not None:
        picture = np.concatenate([plate[:first], picture])
    here, there = window(place, linear)
    lock = layer.lock[there]
    picture[here][lock] = layer.locked[there][lock]
    return picture


def window(place: Place, ground: Floats) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the car lies in the picture, and which part of the car that is; a place may reach beyond the picture."""
    height, width = ground.shape[:2]
    x0, y0 = max(place.left_px, 0), max(place.top_px, 0)
    x1, y1 = min(place.left_px + place.width_px, width), min(place.top_px + place.height_px, height)
    here = (slice(y0, max(y1, y0)), slice(x0, max(x1, x0)))
    dx, dy = place.left_px, place.top_px
    return here, (slice(y0 - dy, max(y1, y0) - dy), slice(x0 - dx, max(x1, x0) - dx))
