"""Ordinary buildings in the landscape: farms, the towers of a city, the houses along a lane or a canal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.growth import scaled
from localcloud.painter.sights.dwellings import farmhouse, office_tower, town_house
from localcloud.painter.sights.pen import Pen
from localcloud.painter.terms import Place

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import Plane


def paint_farms(stage: Stage, foot: Plane, count: int, height: float, distance: float) -> None:
    """A few farmhouses along `foot`, away from the first sight; none where nobody lives."""
    if stage.scene.place in (
        Place.DESERT,
        Place.GRASSLAND,
        Place.PLATEAU,
        Place.FOREST,
        Place.GORGE,
        Place.SNOW_MOUNTAINS,
    ):
        return
    rng = stage.dice("houses")
    centre = stage.plan.sights_x[1] if stage.scene.sights else float(rng.uniform(0.2, 0.8))
    for _ in range(count):
        x = stage.x_px(centre + float(rng.normal(0, 0.10)))
        pen = Pen(stage.light, rng, stage.y_px(height * rng.uniform(0.7, 1.0)), 1.5, stage.scene.snow_cover)
        farmhouse(pen)
        stage.canvas.place(pen.cutout(), x, float(foot[int(np.clip(x, 0, len(foot) - 1))]), distance)


def paint_skyline(stage: Stage) -> None:
    """Three rows of towers; the farther ones higher up in the haze."""
    for number, (tall, distance, spacing, drop) in enumerate(
        ((0.20, 0.95, 0.045, 0.005), (0.17, 0.72, 0.055, 0.012), (0.10, 0.52, 0.075, 0.020))
    ):
        rng = stage.dice(f"towers {number}")
        x = -0.03
        drawings = []
        for _ in range(6):
            pen = Pen(
                stage.light, rng, stage.y_px(tall), float(rng.uniform(0.20, 0.42)) * (1.6 if number == 2 else 1.0)
            )
            office_tower(pen)
            drawings.append(pen.cutout())
        while x < 1.03:
            bulge = 1 - 0.45 * abs(x - stage.plan.sights_x[0])
            drawing = scaled(drawings[int(rng.integers(0, 6))], float(rng.uniform(0.4, 1.0)) * min(1.0, bulge + 0.1))
            stage.canvas.place(drawing, stage.x_px(x), stage.horizon_px + stage.y_px(drop) + 2, distance)
            x += spacing * float(rng.uniform(0.6, 1.3))


def paint_street_houses(stage: Stage, foot: Plane, vanishing_x: float, gap: float) -> None:
    """Two rows of houses along `foot`, (width,) rows, that recede to `vanishing_x` with `gap` free on either side."""
    rng, height = stage.dice("street"), stage.canvas.height
    drawings = []
    for _ in range(6):
        pen = Pen(stage.light, rng, 0.40 * height, float(rng.uniform(0.85, 1.2)), stage.scene.snow_cover)
        town_house(pen)
        drawings.append(pen.cutout())
    for depth in np.linspace(0, 1, 13) ** 1.25:
        for side in (-1, 1):
            at = vanishing_x + side * (gap + 0.03 + float(depth) * 0.62)
            if not -0.25 < at < 1.25:
                continue
            row = foot[int(np.clip(stage.x_px(at), 0, len(foot) - 1))] if 0 <= at <= 1 else foot[0 if at < 0 else -1]
            size = (0.16 + 1.0 * float(depth)) * float(rng.uniform(0.88, 1.05))
            house = scaled(drawings[int(rng.integers(0, 6))], min(1.0, size))
            stage.canvas.place(house, stage.x_px(at), float(row), 0.42 * (1 - float(depth)) + 0.03)
