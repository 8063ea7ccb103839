"""Bridges and piers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import RGB, times
from localcloud.painter.sights.dwellings import lantern
from localcloud.painter.sights.pen import arch, circle

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen, Point

_STONE: RGB = (0.74, 0.72, 0.68)
_TILE: RGB = (0.32, 0.34, 0.38)
_WOOD: RGB = (0.50, 0.32, 0.21)
_STEEL: RGB = (0.33, 0.37, 0.44)


def stone_arch_bridge(pen: Pen) -> None:
    """A humpbacked bridge with one great arch and a balustrade; the opening is a half circle."""
    t = np.linspace(-1, 1, 41)
    deck = [(float(s) * 1.20, 0.10 + 0.66 * (1 - abs(float(s)) ** 1.9)) for s in t]
    pen.fill([(-1.20, 0), (1.20, 0), *deck[::-1]], _STONE, 0.36)
    for course in np.linspace(0.08, 0.62, 8):
        reach = 1.2 * max(0.05, 1 - max(0.0, float(course) - 0.10) / 0.66) ** (1 / 1.9)
        pen.line([(-reach, float(course)), (reach, float(course))], 0.005, times(_STONE, (0.88,) * 3), 0.2)
    for _ in range(70):
        x, y = float(pen.rng.uniform(-1, 1)), float(pen.rng.uniform(0.04, 0.5))
        if y < 0.05 + 0.62 * (1 - abs(x / 1.2) ** 1.9):
            pen.rectangle(
                x - 0.035,
                x + 0.035,
                y - 0.02,
                y + 0.02,
                times(_STONE, (0.80 + 0.3 * float(pen.rng.random()),) * 3),
                0.35,
            )
    pen.fill(circle(0, 0, 0.56, corners=60), times(_STONE, (1.12,) * 3), 0.5)
    for number in range(24):
        angle = math.pi * number / 23
        pen.line(
            [(0.50 * math.cos(angle), 0.50 * math.sin(angle)), (0.56 * math.cos(angle), 0.56 * math.sin(angle))],
            0.008,
            times(_STONE, (0.7,) * 3),
            0.1,
        )
    soffit = [(0.49 * math.cos(a), 0.49 * math.sin(a)) for a in np.linspace(0, math.pi, 40)]
    pen.fill(soffit, times(_STONE, (0.5,) * 3), -0.2)
    pen.erase([(x * 0.93 - 0.03 * pen.side, y * 0.95 - 0.012) for x, y in soffit] + [(-0.49, -0.02), (0.42, -0.02)])
    pen.line([(x, y + 0.008) for x, y in deck], 0.026, times(_STONE, (1.1,) * 3), 0.8)
    pen.line([(x, y + 0.105) for x, y in deck], 0.022, times(_STONE, (1.05,) * 3), 0.7)
    for x, y in deck[1::2]:
        pen.rectangle(x - 0.014, x + 0.014, y, y + 0.135, _STONE, 0.55)
    for x, y in deck[::2]:
        pen.rectangle(x - 0.008, x + 0.008, y, y + 0.10, _STONE, 0.2)
    pen.wash([(-1.2, 0), (1.2, 0), (0.8, 0.5), (0, 0.9), (-0.8, 0.5)], strength=0.3)
    for x in (-0.6, 0.6):
        lantern(pen, x, 0.66, 0.030)


def suspension_bridge(pen: Pen) -> None:
    """Two red portal towers, swinging main cables with hangers, and a long thin deck."""
    red: RGB = (0.76, 0.26, 0.18)
    deck, top, tower = 0.26, 0.97, 0.78
    for x in (-tower, tower):
        pen.fill([(x - 0.055, 0), (x + 0.055, 0), (x + 0.045, 0.10), (x - 0.045, 0.10)], (0.70, 0.69, 0.66), 0.4)
        for end in (-1, 1):
            centre = x + end * 0.032
            pen.fill(
                [(centre - 0.015, 0.08), (centre + 0.015, 0.08), (centre + 0.011, top), (centre - 0.011, top)],
                red,
                0.30 + 0.35 * end * pen.side,
            )
        for y in (0.18, 0.44, 0.62, 0.78, 0.93):
            pen.rectangle(x - 0.032, x + 0.032, y, y + 0.025, red, 0.4)
        pen.shine(circle(x, top, 0.014, corners=8), (1.0, 0.25, 0.2))
    for ends in ((-tower, tower, 0.31), (-1.9, -tower, None), (tower, 1.9, None)):
        x0, x1, sag = ends
        cable: list[Point] = []
        for t in np.linspace(0, 1, 30):
            x = x0 + (x1 - x0) * float(t)
            if sag is not None:
                y = sag + (top - sag) * (2 * float(t) - 1) ** 2
            else:
                from_tower = abs(x) - tower
                y = deck + (top - deck) * max(0.0, 1 - from_tower / (1.9 - tower)) ** 1.35
            cable.append((x, y))
        for x, y in cable[1:-1]:
            pen.line([(x, deck), (x, y)], 0.0035, times(red, (0.9,) * 3), 0.4)
        pen.line(cable, 0.013, red, 0.55, glowing=0.75)
    pen.rectangle(-1.95, 1.95, deck - 0.035, deck, red, 0.1)
    pen.rectangle(-1.95, 1.95, deck, deck + 0.016, times(red, (1.1,) * 3), 0.8)
    for x in np.arange(-1.9, 1.95, 0.09):
        pen.line([(float(x), deck - 0.034), (float(x) + 0.045, deck - 0.004)], 0.005, times(red, (0.7,) * 3), 0.1)
        pen.shine(circle(float(x), deck + 0.03, 0.007, corners=6))


def steel_truss_bridge(pen: Pen) -> None:
    """Three bowed steel spans with crossed diagonals on stone piers."""
    for span in (-1, 0, 1):
        left = span * 1.24 - 0.62
        nodes = 8
        upper = [(left + 1.24 * n / nodes, 0.50 + 0.34 * math.sin(math.pi * n / nodes)) for n in range(nodes + 1)]
        lower = [(x, 0.42) for x, _ in upper]
        for n in range(nodes):
            pen.line([upper[n], lower[n + 1]], 0.012, _STEEL, 0.25)
            pen.line([lower[n], upper[n + 1]], 0.012, _STEEL, 0.45)
        for top, foot in zip(upper, lower, strict=True):
            pen.line([foot, top], 0.018, _STEEL, 0.4)
        pen.line(upper, 0.030, _STEEL, 0.7, glowing=0.6)
        pen.rectangle(left, left + 1.24, 0.36, 0.43, _STEEL, 0.15)
    for x in (-1.86, -0.62, 0.62, 1.86):
        pen.fill([(x - 0.085, 0), (x + 0.085, 0), (x + 0.060, 0.36), (x - 0.060, 0.36)], _STONE, 0.42 - 0.2 * pen.side)
        pen.fill([(x + 0.02, 0), (x + 0.085, 0), (x + 0.060, 0.36), (x + 0.02, 0.36)], _STONE, 0.2 + 0.45 * pen.side)
        pen.rectangle(x - 0.085, x + 0.085, 0.335, 0.37, _STONE, 0.7)
    for x in np.arange(-1.8, 1.85, 0.2):
        pen.shine(circle(float(x), 0.46, 0.014, corners=6))


def covered_bridge(pen: Pen) -> None:
    """A timber bridge on stone piers, roofed along its length, with three towered pavilions."""
    for x in (-1.15, 0.0, 1.15):
        pen.fill([(x - 0.16, 0), (x + 0.16, 0), (x + 0.12, 0.25), (x - 0.12, 0.25)], _STONE, 0.35)
        pen.fill([(x + 0.05, 0), (x + 0.16, 0), (x + 0.12, 0.25), (x + 0.05, 0.25)], _STONE, 0.2 + 0.4 * pen.side)
        for step, y in enumerate((0.25, 0.285, 0.32)):
            reach = 0.16 + 0.07 * step
            pen.rectangle(x - reach, x + reach, y, y + 0.030, times(_WOOD, (0.85,) * 3), 0.3)
    pen.rectangle(-1.5, 1.5, 0.35, 0.40, _WOOD, 0.4)
    pen.rectangle(-1.48, 1.48, 0.40, 0.57, times(_WOOD, (0.42,) * 3), 0.0)
    pen.shine([(-1.48, 0.42), (1.48, 0.42), (1.48, 0.57), (-1.48, 0.57)], (1.0, 0.62, 0.28), 0.4)
    for x in np.arange(-1.48, 1.5, 0.115):
        pen.rectangle(float(x) - 0.010, float(x) + 0.010, 0.40, 0.58, times(_WOOD, (0.9,) * 3), 0.5)
    pen.rectangle(-1.5, 1.5, 0.40, 0.455, _WOOD, 0.35)
    pen.eaves(-1.46, 1.46, 0.575, 0.11, _TILE, overhang=0.25, upturn=0.25, ridge=0.97)
    for x, scale in ((-1.15, 0.82), (0.0, 1.0), (1.15, 0.82)):
        for tier in range(3):
            half = (0.25 - 0.06 * tier) * scale
            y = 0.62 + 0.105 * tier * scale
            pen.rectangle(x - half * 0.8, x + half * 0.8, y - 0.01, y + 0.05 * scale, times(_WOOD, (0.7,) * 3), 0.2)
            rise = (0.075 if tier < 2 else 0.14) * scale
            pen.eaves(
                x - half * 0.8,
                x + half * 0.8,
                y + 0.04 * scale,
                rise,
                _TILE,
                overhang=0.5,
                upturn=0.55,
                ridge=0.75 if tier < 2 else 0.06,
            )
    for x in (-0.6, 0.6):
        lantern(pen, x, 0.51, 0.022)


def pier(pen: Pen) -> None:
    """A long pier on piles with lamps, and an eight-sided pavilion at its end."""
    for x in np.arange(-1.75, 1.75, 0.15):
        pen.rectangle(float(x) - 0.016, float(x) + 0.016, 0, 0.24, times(_WOOD, (0.75,) * 3), 0.2 + 0.2 * pen.side)
        pen.line([(float(x), 0.03), (float(x) + 0.15, 0.20)], 0.010, times(_WOOD, (0.6,) * 3), 0.1)
    pen.rectangle(-1.8, 1.8, 0.23, 0.29, (0.66, 0.54, 0.42), 0.35)
    pen.rectangle(-1.8, 1.8, 0.28, 0.30, (0.78, 0.67, 0.54), 0.8)
    for x in np.arange(-1.75, 1.0, 0.12):
        pen.rectangle(float(x) - 0.007, float(x) + 0.007, 0.29, 0.38, (0.90, 0.89, 0.86), 0.5)
    pen.line([(-1.8, 0.38), (0.98, 0.38)], 0.014, (0.92, 0.91, 0.88), 0.7)
    for x in (-1.5, -0.9, -0.3, 0.3):
        pen.line([(x, 0.30), (x, 0.66)], 0.012, (0.24, 0.26, 0.28), 0.4)
        pen.fill(circle(x, 0.68, 0.030, corners=12), (0.96, 0.95, 0.88), 0.7)
        pen.shine(circle(x, 0.68, 0.034, corners=12))
    pen.rectangle(0.96, 1.70, 0.29, 0.34, (0.74, 0.72, 0.68), 0.5)
    for x in np.linspace(1.02, 1.64, 6):
        pen.solid([(0.020, 0.33), (0.018, 0.58)], (0.66, 0.22, 0.17), x=float(x))
    opening = arch(1.33, 0.46, 0.2, 0.08, foot=0.34)
    pen.shine(opening, (1.0, 0.66, 0.32), 0.5)
    pen.eaves(1.02, 1.64, 0.57, 0.15, (0.82, 0.62, 0.24), overhang=0.4, upturn=0.5, ridge=0.62)
    pen.rectangle(1.16, 1.50, 0.70, 0.76, (0.66, 0.22, 0.17), 0.3)
    pen.eaves(1.16, 1.50, 0.75, 0.21, (0.82, 0.62, 0.24), overhang=0.35, upturn=0.4, ridge=0.05)
    pen.solid([(0.02, 0.94), (0.006, 1.0)], (0.86, 0.68, 0.28), x=1.33)
