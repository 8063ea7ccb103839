"""What the car does to the ground it stands on."""

from __future__ import annotations

from .layer import Layer
from .light import Floats
from .order import SceneOrder
from .packs import CarPicture
from .place import Place


def with_car_on_it(
    plate_linear: Floats,
    picture: CarPicture,  # noqa: ARG001
    layer: Layer,  # noqa: ARG001
    place: Place,  # noqa: ARG001
    order: SceneOrder,  # noqa: ARG001
) -> Floats:
    """The background (H, W, 3) in linear light as it is with the car on it."""
    return plate_linear
