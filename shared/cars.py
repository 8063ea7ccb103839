"""The car assets a deployment has, and which of them is the car of a trip.

A car that no asset shows exactly is left out of the picture: the wrong colour or the wrong generation is worse than a
landscape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.errors import Misconfigured
from shared.pictures.composition.manifest import BadPack, Manifest, read_manifest

#: What `LoadCar` takes for a picture without a car.
NO_CAR = "none"


@dataclass(frozen=True, slots=True)
class CarChoice:
    """A car among the assets, and one of its colours, a word of `shared.vocabulary.CAR_COLORS`."""

    car: str
    colour: str


@cache
def load_cars(folder: Path) -> dict[str, Manifest]:
    """Every car asset of a folder, by model. Raises `Misconfigured`, naming the file and what is wrong in it."""
    cars = {}
    for file in sorted(folder.glob("*/car.toml")):
        try:
            car = read_manifest(file.parent)
        except BadPack as bad:
            raise Misconfigured(f"cars/{bad}") from None
        if car.model == NO_CAR:
            raise Misconfigured(f"cars/{file.parent.name}/car.toml: another model than {NO_CAR!r} expected")
        cars[car.model] = car
    return cars


def choose_car(model: str, color: str, cars: Mapping[str, Manifest]) -> CarChoice | None:
    """The asset that shows this model in this colour; None when none does."""
    car = cars.get(model)
    return CarChoice(model, color) if car is not None and color in car.colours else None
