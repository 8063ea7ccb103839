"""The car over the ground: the steps in their order, and the last one down to eight bits.

`compose` is what the nodes `HorizonPlace`, `CarShadow`, `CarHarmonize`, `CarComposite` and `BadgeLock` do one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .behind import without_car
from .ground import with_car_on_it
from .harmonise import harmonised
from .layer import Layer, prepared, window
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

    @property
    def car_mask(self) -> NDArray[np.bool_]:
        """Which pixels of the picture (H, W) show the car."""
        mask = np.zeros(self.picture.shape[:2], bool)
        here, there = window(self.place, self.ground)
        mask[here] = self.layer.pixels[there][..., 3] > 0.05
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
    empty = to_linear(plate) if order.given_px is None else without_car(to_linear(plate), plain, place)
    ground = with_car_on_it(empty, picture, plain, place, order)
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
