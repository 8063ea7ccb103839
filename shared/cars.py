"""The car assets a deployment has, and which of them is the car of a trip.

An asset is a folder with a ``car.toml`` and, for each view and colour, a cut-out; the node `LoadCar` reads the
pictures, the functions only the names. A car that no asset shows exactly is left out of the picture: the wrong colour
or the wrong generation is worse than a landscape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from shared.errors import Misconfigured
from shared.toml_files import read_as

#: What `LoadCar` takes for a picture without a car.
NO_CAR = "none"


class _Named(msgspec.Struct, frozen=True):
    name_zh: str
    name_en: str


class CarAsset(msgspec.Struct, frozen=True):
    """What the functions need of a ``car.toml``; colours are words of `shared.vocabulary.CAR_COLORS`."""

    model: str
    colours: dict[str, _Named]


@dataclass(frozen=True, slots=True)
class CarChoice:
    """The inputs of `LoadCar`."""

    car: str
    colour: str


@cache
def load_cars(folder: Path) -> dict[str, CarAsset]:
    """Every car asset of a folder, by model. Raises `Misconfigured`, naming the file and what is wrong in it."""
    cars = {}
    for file in sorted(folder.glob("*/car.toml")):
        car = read_as(CarAsset, file, f"cars/{file.parent.name}/car.toml")
        if car.model != file.parent.name or car.model == NO_CAR:
            raise Misconfigured(f"cars/{file.parent.name}/car.toml: model must be {file.parent.name!r}")
        cars[car.model] = car
    return cars


def choose_car(model: str, color: str, cars: dict[str, CarAsset]) -> CarChoice | None:
    """The asset that shows this model in this colour; None when none does."""
    asset = cars.get(model)
    return CarChoice(model, color) if asset is not None and color in asset.colours else None
