"""Arithmetic on picture planes: noise, blurs, blends.

Planes are float32, colours sRGB in 0 to 1. Everything random draws from a `numpy.random.Generator` that is passed in.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

#: float32, (height, width) or (height, width, 3).
Plane: TypeAlias = NDArray[np.float32]

#: What numpy makes of planes on the way; the functions here take it and give planes back.
Field: TypeAlias = NDArray[np.floating[Any]]

#: sRGB, 0 to 1.
RGB: TypeAlias = tuple[float, float, float]


def plane(array: Any) -> Plane:
    """`array` as float32."""
    return np.asarray(array, dtype=np.float32)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """The colour `share` of the way from `one` to `other`."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def times(one: RGB, other: RGB) -> RGB:
    """The product, channel by channel."""
    return one[0] * other[0], one[1] * other[1], one[2] * other[2]


def grey_of(colour: RGB) -> float:
    """Luma of a colour (ITU-R BT.601 weights)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def luma(rgb: Field) -> Plane:
    """Luma of a picture (ITU-R BT.601 weights)."""
    return plane(cv2.cvtColor(plane(rgb), cv2.COLOR_RGB2GRAY))


def smoothstep(low: float, high: float, value: Any) -> Plane:
    """0 below `low`, 1 above `high`, smooth between (`low` may be the greater one)."""
    t = np.clip((plane(value) - np.float32(low)) / np.float32(high - low), 0, 1)
    return plane(t * t * (3 - 2 * t))


def resize(source: Field, height: int, width: int, *, shrink: bool = False) -> Plane:
    """Scaled: cubic, or by area when it shrinks."""
    how = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    return plane(cv2.resize(plane(source), (width, height), interpolation=how))


def blur(source: Field, sigma_px: float) -> Plane:
    """Gaussian blur; wide ones are done on a smaller copy."""
    source = plane(source)
    if sigma_px < 0.3:
        return source
    height, width = source.shape[:2]
    step = int(min(sigma_px / 3, height / 8, width / 8))
    if step < 2:
        return plane(cv2.GaussianBlur(source, (0, 0), sigma_px))
    small = cv2.resize(source, (max(2, width // step), max(2, height // step)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma_px / step)
    return plane(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell_px: float,
    *,
    octaves: int = 4,
    gain: float = 0.5,
    stretch: float = 1.0,
) -> Plane:
    """Fractal noise of zero mean and about unit deviation; `stretch` is how much wider than high its shapes are.

    Built from the coarsest grid up, doubling the resolution and adding finer noise each time, so that only the last
    scaling touches the whole plane.
    """
    height, width = shape
    cell_x, cell_y = max(1.0, cell_px * stretch), max(1.0, cell_px)
    rows, columns = int(height / cell_y) + 3, int(width / cell_x) + 3
    field = plane(rng.standard_normal((rows, columns)))
    amplitude, power = 1.0, 1.0
    for _ in range(octaves - 1):
        if rows >= height and columns >= width:
            break
        rows, columns = min(rows * 2, height + 2), min(columns * 2, width + 2)
        amplitude *= gain
        power += amplitude * amplitude
        field = resize(field, rows, columns)
        field += amplitude * plane(rng.standard_normal((rows, columns)))
    return plane(resize(field, height, width) / np.float32(power**0.5 * 0.8))


def curve(rng: np.random.Generator, length: int, cell_px: float, *, octaves: int = 4, gain: float = 0.5) -> Plane:
    """Fractal noise along one line, (length,)."""
    total = np.zeros(length, np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        knots = int(length / max(2.0, cell_px)) + 4
        values = plane(rng.standard_normal((1, knots)))
        total += amplitude * resize(values, 1, length)[0]
        amplitude *= gain
        cell_px *= 0.5
    return total


def moved(source: Field, map_x: Field, map_y: Field) -> Plane:
    """`source` sampled at (map_x, map_y), in pixels; beyond the edge it is mirrored."""
    return plane(
        cv2.remap(plane(source), plane(map_x), plane(map_y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def shifted(source: Field, right_px: float, down_px: float) -> Plane:
    """`source` moved right and down; what comes in over the edge is mirrored."""
    matrix = np.array([[1, 0, right_px], [0, 1, down_px]], np.float32)
    size = (source.shape[1], source.shape[0])
    return plane(cv2.warpAffine(plane(source), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def saturated(rgb: Field, amount: float) -> Plane:
    """Colours pulled from (`amount` < 1) or pushed away from (> 1) their own grey."""
    grey = luma(rgb)[..., None]
    return plane(grey + (rgb - grey) * np.float32(amount))


def shape_of(field: Field) -> tuple[int, int]:
    """(height, width)."""
    return int(field.shape[0]), int(field.shape[1])


def coordinates(height: int, width: int) -> tuple[Plane, Plane]:
    """x and y of every pixel, each (height, width)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x, y
