"""Ordinary buildings: the houses of towns and villages, and the towers of a skyline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.painter.raster import RGB, mix, times
from localcloud.painter.sights.pen import ellipse

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen

_TILE: RGB = (0.30, 0.32, 0.35)
_WOOD: RGB = (0.42, 0.26, 0.17)
_PLASTER: RGB = (0.93, 0.91, 0.86)


def town_house(pen: Pen) -> None:
    """A whitewashed house of the water towns: stepped gable walls, dark tiles, wooden upper floor, a lantern."""
    rng = pen.rng
    half = pen.edge * 0.86
    wall = rng.uniform(0.58, 0.68)
    wooden = rng.random() < 0.45
    pen.block(-half, half, 0, wall, mix(_WOOD, (0.62, 0.44, 0.28), 0.5) if wooden else _PLASTER, turn=0.12)
    pen.gable(-half, half, wall, 0.20, _TILE, overhang=0.05)
    for end in (-1, 1):
        x = end * half
        inner = x - end * half * 0.16
        pen.fill(
            [
                (x, wall - 0.02),
                (x, wall + 0.20),
                (inner, wall + 0.20),
                (inner, wall + 0.27),
                (x + end * 0.005, wall + 0.27),
            ],
            _PLASTER,
            0.3 + 0.4 * end * pen.side,
        )
        pen.rectangle(min(x, inner) - 0.015, max(x, inner) + 0.015, wall + 0.26, wall + 0.295, _TILE, 0.3)
    pen.rectangle(-half * 0.9, half * 0.78, wall * 0.50, wall * 0.53, _WOOD, 0.2)
    pen.windows(
        -half * 0.82,
        half * 0.70,
        wall * 0.58,
        wall * 0.94,
        int(rng.integers(2, 4)),
        1,
        fill=0.55,
        glass=times(_WOOD, (0.55,) * 3),
        lit=0.75,
    )
    door = rng.uniform(-0.4, 0.2) * half
    pen.rectangle(door - 0.07, door + 0.07, 0, wall * 0.40, times(_WOOD, (0.7,) * 3), 0.2)
    pen.windows(
        door + 0.10, half * 0.72, wall * 0.14, wall * 0.40, 1, 1, fill=0.6, glass=times(_WOOD, (0.55,) * 3), lit=0.8
    )
    if rng.random() < 0.6:
        lantern(pen, door + 0.12, wall * 0.46, 0.028)


def lantern(pen: Pen, x: float, y: float, radius: float) -> None:
    """A red lantern hanging with its middle at (x, y)."""
    pen.line([(x, y + radius * 2), (x, y)], 0.006, (0.2, 0.15, 0.1))
    body = ellipse(x, y, radius * 1.1, radius, corners=12)
    pen.fill(body, (0.80, 0.14, 0.10), 0.5)
    pen.shine(body, (1.0, 0.30, 0.14), 1.0)


def farmhouse(pen: Pen) -> None:
    """A low farmhouse with a tiled roof and a chimney."""
    rng = pen.rng
    half = pen.edge * 0.82
    wall_colour = (0.90, 0.85, 0.74) if rng.random() < 0.6 else (0.76, 0.60, 0.42)
    roof = (0.22, 0.23, 0.26) if rng.random() < 0.5 else (0.54, 0.25, 0.17)
    pen.block(-half, half, 0, 0.52, wall_colour, turn=0.22)
    pen.fill([(half * 0.56, 0.52), (half, 0.52), (half * 0.78, 0.92)], wall_colour, 0.1 + 0.5 * pen.side)
    pen.rectangle(-half * 0.6, -half * 0.46, 0.7, 1.0, times(wall_colour, (0.7,) * 3), 0.3)
    pen.fill([(-half * 1.1, 0.50), (half * 0.60, 0.50), (half * 0.80, 0.94), (-half * 0.85, 0.94)], roof, 0.5)
    if pen.snow > 0.3:
        pen.fill(
            [(-half * 1.02, 0.60), (half * 0.62, 0.60), (half * 0.78, 0.94), (-half * 0.85, 0.94)],
            (0.96, 0.97, 1.0),
            0.7,
        )
    pen.windows(-half * 0.88, half * 0.42, 0.16, 0.44, 3, 1, fill=0.42, lit=0.7)
    pen.rectangle(-half * 0.08, half * 0.12, 0, 0.34, _WOOD, 0.3)


def office_tower(pen: Pen) -> None:
    """One anonymous tower of a skyline; form, colour and crown are left to chance."""
    rng = pen.rng
    half = pen.edge * 0.92
    glassy = rng.random() < 0.6
    colour: RGB = (
        mix((0.50, 0.60, 0.70), (0.66, 0.72, 0.76), float(rng.random()))
        if glassy
        else mix((0.72, 0.68, 0.62), (0.60, 0.56, 0.54), float(rng.random()))
    )
    crown = rng.integers(0, 4)
    top = 0.90 if crown else 0.99
    pen.block(-half, half, 0, top, colour, turn=0.32)
    if crown == 1:
        pen.block(-half * 0.6, half * 0.6, top, top + 0.06, colour)
        pen.line([(0, top + 0.05), (0, 1.0)], 0.008, (0.5, 0.5, 0.52))
    elif crown == 2:
        pen.fill([(-half, top), (half * 0.36, top), (half * 0.36, 0.99)], colour, 0.45)
        pen.fill([(half * 0.36, top), (half, top), (half * 0.36, 0.99)], colour, 0.1 + 0.5 * pen.side)
    elif crown == 3:
        pen.block(-half * 0.75, half * 0.75, top, top + 0.04, colour)
        pen.block(-half * 0.45, half * 0.45, top + 0.04, top + 0.08, colour)
    floors = max(6, int(26 * top))
    lamp: RGB = (1.0, 0.86, 0.58) if rng.random() < 0.7 else (0.72, 0.86, 1.0)
    pen.windows(
        -half * 0.95,
        half * 0.33,
        0.03,
        top - 0.02,
        5,
        floors,
        fill=0.62,
        glass=times(colour, (0.74, 0.78, 0.84)),
        lit=0.26,
        lamp=lamp,
    )
    pen.windows(
        half * 0.40,
        half * 0.96,
        0.03,
        top - 0.02,
        2,
        floors,
        fill=0.62,
        glass=times(colour, (0.62, 0.66, 0.72)),
        lit=0.22,
        lamp=lamp,
    )
