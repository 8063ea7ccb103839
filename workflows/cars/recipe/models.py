"""The car models that this recipe makes, by name."""

from __future__ import annotations

import gen1
import suv

MODELS = {car.model: car for car in (gen1.CAR, suv.CAR)}
