"""Places of worship and pilgrimage from other building traditions, and what was cut into cliffs."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import RGB, times
from localcloud.painter.sights.pen import arch, circle, ellipse

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen, Point

_GOLD: RGB = (0.90, 0.70, 0.26)
_DARK: RGB = (0.16, 0.14, 0.13)
_WHITE: RGB = (0.95, 0.94, 0.91)


def _onion(pen: Pen, x: float, y: float, radius: float, albedo: RGB) -> None:
    """An onion dome on a drum, with a cross or crescent staff."""
    tall = radius * 2.7
    profile = [
        (0.74, 0.0),
        (0.95, 0.12),
        (1.03, 0.24),
        (0.98, 0.38),
        (0.78, 0.54),
        (0.48, 0.70),
        (0.22, 0.84),
        (0.05, 1.0),
    ]
    pen.solid([(radius * r, y + tall * h) for r, h in profile], albedo, x=x, ribs=1)
    pen.line([(x, y + tall * 0.98), (x, y + tall * 1.24)], radius * 0.09, _GOLD, 0.8)


def onion_domed_church(pen: Pen) -> None:
    """A red brick church with a great green onion dome and four tented turrets."""
    brick: RGB = (0.60, 0.30, 0.22)
    trim: RGB = (0.84, 0.74, 0.60)
    green: RGB = (0.26, 0.48, 0.38)
    pen.block(-0.44, 0.44, 0, 0.34, brick, turn=0.18)
    for x in (-0.30, 0.0, 0.26):
        pen.fill(arch(x, 0.26, 0.075, 0.09, foot=0.06), trim, 0.5)
        opening = arch(x, 0.25, 0.055, 0.07, foot=0.07)
        pen.fill(opening, _DARK, 0.1)
        pen.shine(opening, strength=0.9)
    pen.rectangle(-0.455, 0.455, 0.33, 0.355, trim, 0.6)
    for x in (-0.34, 0.34):
        pen.solid([(0.075, 0.34), (0.075, 0.47)], brick, x=x)
        pen.solid([(0.088, 0.465), (0.088, 0.48)], trim, x=x)
        pen.solid([(0.088, 0.48), (0.012, 0.62)], green, x=x, ribs=1)
        _onion(pen, x, 0.61, 0.036, green)
    pen.block(-0.16, 0.16, 0.34, 0.44, brick, turn=0.2)
    pen.solid([(0.185, 0.42), (0.185, 0.575)], brick)
    for number in range(5):
        x = -0.14 + 0.07 * number
        pen.fill(arch(x, 0.525, 0.022, 0.028, foot=0.45), trim, 0.5)
        opening = arch(x, 0.52, 0.015, 0.02, foot=0.455)
        pen.fill(opening, _DARK, 0.1)
        pen.shine(opening, strength=0.9)
    pen.solid([(0.20, 0.565), (0.20, 0.585)], trim)
    _onion(pen, 0, 0.58, 0.165, green)
    pen.rectangle(-0.03, 0.03, 0.99, 1.0, _GOLD, 0.8)
    pen.wash([(-0.44, 0), (0.3, 0), (0.3, 0.34), (-0.44, 0.34)], strength=0.26)


def mosque(pen: Pen) -> None:
    """A turquoise dome behind a tall tiled portal, between two slender minarets."""
    sand: RGB = (0.86, 0.76, 0.60)
    tile: RGB = (0.20, 0.54, 0.60)
    for x in (-0.56, 0.56):
        pen.solid([(0.055, 0), (0.042, 0.68)], sand, x=x)
        for band in np.linspace(0.10, 0.62, 6):
            pen.solid([(0.050, float(band)), (0.049, float(band) + 0.02)], tile, x=x)
        pen.solid([(0.045, 0.67), (0.066, 0.70), (0.066, 0.715)], sand, x=x)
        pen.solid([(0.036, 0.715), (0.036, 0.79)], sand, x=x)
        pen.shine([(x - 0.03, 0.72), (x + 0.03, 0.72), (x + 0.03, 0.78), (x - 0.03, 0.78)])
        _onion(pen, x, 0.785, 0.040, tile)
    pen.block(-0.46, 0.46, 0, 0.36, sand, turn=0.10)
    for x in (-0.36, -0.26, 0.26, 0.36):
        for y in (0.04, 0.20):
            niche = arch(x, y + 0.07, 0.035, 0.045, foot=y)
            pen.fill(niche, times(tile, (0.7,) * 3), 0.2)
            pen.shine(niche, strength=0.6)
    pen.solid([(0.20, 0.36), (0.20, 0.48)], tile, x=0)
    pen.solid([(0.205, 0.47), (0.205, 0.485)], sand)
    _onion(pen, 0, 0.48, 0.195, tile)
    pen.block(-0.17, 0.17, 0, 0.46, sand, turn=0.0)
    pen.rectangle(-0.145, 0.145, 0.02, 0.435, tile, 0.4)
    pen.rectangle(-0.118, 0.118, 0, 0.405, sand, 0.45)
    portal = [(-0.095, 0), (0.095, 0), (0.095, 0.24), (0.06, 0.32), (0, 0.37), (-0.06, 0.32), (-0.095, 0.24)]
    pen.fill(portal, times(tile, (0.5,) * 3), 0.0)
    pen.shine(portal, strength=0.75)
    pen.wash([(-0.46, 0), (0.46, 0), (0.46, 0.36), (-0.46, 0.36)], strength=0.2)


def white_stupa(pen: Pen) -> None:
    """A white bell-shaped stupa on a stepped base, with thirteen rings and a golden parasol; prayer flags run down."""
    for number, half in enumerate((0.36, 0.31, 0.26)):
        pen.block(-half, half, 0.055 * number, 0.055 * (number + 1), _WHITE, turn=0.2)
        pen.rectangle(
            -half - 0.01, half + 0.01, 0.055 * (number + 1) - 0.012, 0.055 * (number + 1), (0.80, 0.62, 0.30), 0.5
        )
    pen.solid(
        [(0.20, 0.165), (0.225, 0.20), (0.255, 0.30), (0.255, 0.40), (0.215, 0.48), (0.13, 0.53), (0.085, 0.545)],
        _WHITE,
    )
    niche = arch(0, 0.37, 0.055, 0.07, foot=0.27)
    pen.fill(arch(0, 0.38, 0.075, 0.09, foot=0.255), _GOLD, 0.5)
    pen.fill(niche, (0.55, 0.18, 0.14), 0.2)
    pen.shine(niche)
    pen.block(-0.085, 0.085, 0.54, 0.59, _WHITE)
    for number in range(11):
        y = 0.59 + 0.023 * number
        radius = 0.070 - 0.0042 * number
        pen.solid([(radius, y), (radius * 0.92, y + 0.015)], (0.86, 0.66, 0.30) if number % 2 else (0.78, 0.56, 0.26))
    pen.solid([(0.10, 0.845), (0.085, 0.875), (0.02, 0.885)], _GOLD)
    pen.solid([(0.012, 0.885), (0.022, 0.93), (0.004, 0.995)], _GOLD)
    flags: list[RGB] = [(0.20, 0.40, 0.80), _WHITE, (0.85, 0.20, 0.18), (0.20, 0.60, 0.32), (0.95, 0.80, 0.22)]
    for end in (-1, 1):
        for number in range(18):
            t = (number + 0.5) / 18
            x, y = end * (0.06 + 0.44 * t), 0.84 - 0.80 * t - 0.16 * math.sin(math.pi * t) * 0.5
            pen.fill(
                [(x - 0.010, y), (x + 0.010, y - 0.012), (x + 0.009, y - 0.036), (x - 0.011, y - 0.026)],
                flags[number % 5],
                0.5,
            )
    pen.wash(ellipse(0, 0.36, 0.24, 0.2), (1.0, 0.86, 0.62), 0.3)


def hilltop_palace(pen: Pen) -> None:
    """A white fortress with a red core and golden roofs, terraced up a steep hill, zigzag stairs before it."""
    pen.rock(
        [(-1.06, 0), (1.06, 0), (0.86, 0.18), (0.62, 0.40), (0.2, 0.50), (-0.36, 0.48), (-0.66, 0.36), (-0.88, 0.16)],
        (0.56, 0.50, 0.40),
        seam=0.12,
    )
    white: RGB = (0.96, 0.95, 0.92)
    maroon: RGB = (0.56, 0.17, 0.14)

    def storey(x0: float, x1: float, y0: float, y1: float, colour: RGB, rows: int) -> None:
        batter = (y1 - y0) * 0.10
        pen.fill([(x0, y0), (x1, y0), (x1 - batter, y1), (x0 + batter, y1)], colour, 0.42 - 0.12 * pen.side)
        edge = x1 - (x1 - x0) * 0.14
        pen.fill([(edge, y0), (x1, y0), (x1 - batter, y1), (edge, y1)], colour, 0.2 + 0.5 * pen.side)
        pen.rectangle(x0 + batter - 0.008, x1 - batter + 0.008, y1 - 0.020, y1, (0.36, 0.14, 0.12), 0.3)
        columns = max(2, int((edge - x0) / 0.062))
        pen.windows(
            x0 + batter + 0.012,
            edge - 0.01,
            y0 + 0.02,
            y1 - 0.03,
            columns,
            rows,
            fill=0.40,
            glass=(0.16, 0.11, 0.10),
            lit=0.5,
        )

    storey(-0.80, -0.34, 0.26, 0.52, white, 3)
    storey(0.34, 0.78, 0.24, 0.54, white, 4)
    storey(-0.46, 0.50, 0.32, 0.66, white, 4)
    storey(-0.56, -0.20, 0.50, 0.74, white, 3)
    storey(0.26, 0.56, 0.54, 0.76, white, 3)
    storey(-0.26, 0.32, 0.56, 0.86, maroon, 4)
    for x in (-0.14, 0.04, 0.20):
        pen.eaves(x - 0.055, x + 0.055, 0.86, 0.055, _GOLD, overhang=0.35, upturn=0.4, ridge=0.6)
        pen.solid([(0.008, 0.915), (0.003, 0.955)], _GOLD, x=x)
    zigzag: list[Point] = [(0.55, 0.02), (-0.30, 0.14), (0.30, 0.235), (-0.16, 0.325)]
    for (ax, ay), (bx, by) in pairwise(zigzag):
        pen.fill([(ax, ay), (bx, by), (bx, by + 0.045), (ax, ay + 0.045)], white, 0.55)
        pen.line([(ax, ay + 0.046), (bx, by + 0.046)], 0.007, (0.40, 0.16, 0.13), 0.3)
    pen.wash([(-0.78, 0.26), (0.66, 0.26), (0.5, 0.7), (-0.55, 0.7)], (1.0, 0.80, 0.52), 0.32)


def cliff_grottoes(pen: Pen) -> None:
    """A sandstone cliff riddled with caves and galleries, with a nine-storeyed red timber front in the middle."""
    sand: RGB = (0.80, 0.64, 0.45)
    pen.rock(
        [
            (-1.15, 0),
            (1.15, 0),
            (1.12, 0.52),
            (0.86, 0.66),
            (0.46, 0.74),
            (0.24, 0.92),
            (-0.28, 0.90),
            (-0.5, 0.72),
            (-0.92, 0.68),
            (-1.13, 0.5),
        ],
        sand,
        seam=0.10,
    )
    for level, y in enumerate((0.08, 0.22, 0.36, 0.50)):
        pen.line([(-1.08, y - 0.015), (-0.26, y - 0.008)], 0.014, (0.60, 0.46, 0.32), 0.4)
        pen.line([(0.26, y - 0.010), (1.08, y - 0.015)], 0.014, (0.60, 0.46, 0.32), 0.4)
        for number in range(15):
            x = -1.05 + 0.15 * number + 0.03 * math.sin(number * 2.3 + level)
            if abs(x) < 0.27 or pen.rng.random() < 0.12:
                continue
            half = 0.034 * float(pen.rng.uniform(0.8, 1.3))
            cave = arch(x, y + 0.05, half, half * 0.9, foot=y)
            pen.fill(arch(x, y + 0.052, half * 1.25, half * 1.2, foot=y), times(sand, (1.12,) * 3), 0.55)
            pen.fill(cave, (0.24, 0.16, 0.11), 0.1)
            if pen.rng.random() < 0.5:
                pen.fill(ellipse(x, y + 0.035, half * 0.4, half * 0.9, corners=10), (0.62, 0.48, 0.34), 0.2)
            pen.shine(cave, strength=0.65)
    red: RGB = (0.62, 0.22, 0.16)
    for storey in range(8):
        half, y = 0.235 - 0.018 * storey, 0.02 + 0.102 * storey
        pen.rectangle(-half, half, y, y + 0.075, times(red, (0.75,) * 3), 0.2)
        pen.windows(-half * 0.9, half * 0.9, y + 0.008, y + 0.066, 5, 1, fill=0.62, glass=(0.22, 0.10, 0.08), lit=0.95)
        for column in np.linspace(-half, half, 6):
            pen.rectangle(float(column) - 0.008, float(column) + 0.008, y, y + 0.075, red, 0.4)
        pen.eaves(-half, half, y + 0.074, 0.036, (0.44, 0.38, 0.34), overhang=0.6, upturn=0.6, ridge=0.86)
    pen.eaves(-0.09, 0.09, 0.835, 0.10, (0.44, 0.38, 0.34), overhang=0.4, upturn=0.4, ridge=0.1)


def giant_buddha(pen: Pen) -> None:
    """A seated Buddha, hands on the knees, in a niche of a red sandstone cliff with trees on its top."""
    cliff: RGB = (0.60, 0.42, 0.33)
    stone: RGB = (0.78, 0.66, 0.54)
    pen.rock(
        [(-0.56, 0), (0.56, 0), (0.55, 0.72), (0.42, 0.93), (0.16, 0.98), (-0.22, 0.97), (-0.46, 0.90), (-0.56, 0.68)],
        cliff,
        seam=0.14,
    )
    pen.fill(
        [(-0.33, 0), (0.33, 0), (0.31, 0.68), (0.17, 0.93), (-0.17, 0.93), (-0.31, 0.68)],
        times(cliff, (0.60,) * 3),
        0.1,
    )
    for number in range(46):
        x = -0.54 + 1.08 * number / 45
        y = 0.965 - 0.30 * max(0.0, abs(x) - 0.3) ** 1.2 + float(pen.rng.normal(0, 0.012))
        pen.fill(
            circle(x, y, float(pen.rng.uniform(0.022, 0.036)), corners=9),
            (0.28, 0.44, 0.24),
            float(pen.rng.uniform(-0.1, 0.8)),
        )
    for end in (-1, 1):
        side = 0.40 + 0.4 * end * pen.side
        pen.fill(
            [(end * 0.03, 0), (end * 0.20, 0), (end * 0.235, 0.34), (end * 0.20, 0.40), (end * 0.04, 0.36)], stone, side
        )
        pen.fill(ellipse(end * 0.115, 0.025, 0.075, 0.028), stone, side + 0.2)
        pen.line([(end * 0.075, 0.06), (end * 0.09, 0.33)], 0.008, times(stone, (0.75,) * 3), 0.0)
    pen.solid([(0.215, 0.34), (0.205, 0.44), (0.215, 0.56), (0.205, 0.63), (0.13, 0.68), (0.075, 0.70)], stone)
    for end in (-1, 1):
        side = 0.36 + 0.4 * end * pen.side
        pen.fill(
            [
                (end * 0.20, 0.63),
                (end * 0.262, 0.56),
                (end * 0.272, 0.42),
                (end * 0.185, 0.355),
                (end * 0.11, 0.37),
                (end * 0.15, 0.42),
                (end * 0.205, 0.46),
            ],
            stone,
            side,
        )
        pen.fill(ellipse(end * 0.135, 0.368, 0.055, 0.024), stone, side + 0.25)
    for fold in range(4):
        reach, y = 0.13 - 0.018 * fold, 0.64 - 0.012 * fold
        drape = [
            (reach * math.cos(a), y + (0.06 + 0.05 * fold) * math.sin(a)) for a in np.linspace(math.pi, 2 * math.pi, 13)
        ]
        pen.line(drape, 0.005, times(stone, (0.80,) * 3), 0.1)
    pen.solid([(0.05, 0.68), (0.05, 0.72)], stone)
    for end in (-1, 1):
        pen.fill(ellipse(end * 0.088, 0.775, 0.018, 0.052), stone, 0.3 + 0.4 * end * pen.side)
    pen.solid([(0.050, 0.705), (0.082, 0.735), (0.092, 0.79), (0.086, 0.84), (0.060, 0.875), (0.02, 0.89)], stone)
    pen.fill(
        [
            (-0.090, 0.81),
            (-0.05, 0.828),
            (0.05, 0.828),
            (0.090, 0.81),
            (0.084, 0.850),
            (0.052, 0.884),
            (-0.052, 0.884),
            (-0.084, 0.850),
        ],
        (0.36, 0.34, 0.36),
        0.35,
    )
    pen.fill(ellipse(0, 0.888, 0.040, 0.026), (0.36, 0.34, 0.36), 0.45)
    for end in (-1, 1):
        pen.line([(end * 0.055, 0.793), (end * 0.035, 0.787), (end * 0.018, 0.790)], 0.006, (0.26, 0.20, 0.17), 0.0)
        pen.line(
            [(end * 0.060, 0.808), (end * 0.035, 0.815), (end * 0.014, 0.806)], 0.004, times(stone, (0.6,) * 3), 0.0
        )
    pen.line(
        [(0.006 * pen.side, 0.80), (-0.010 * pen.side, 0.762), (0.010 * pen.side, 0.760)],
        0.006,
        times(stone, (0.68,) * 3),
        0.0,
    )
    pen.line([(-0.024, 0.742), (0, 0.737), (0.024, 0.742)], 0.006, (0.50, 0.30, 0.26), 0.0)
    pen.wash([(-0.25, 0), (0.25, 0), (0.2, 0.7), (0.08, 0.88), (-0.08, 0.88), (-0.2, 0.7)], strength=0.36)
