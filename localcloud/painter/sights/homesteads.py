"""Dwellings one travels to see, and the works and boats beside them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import RGB, mix, times
from localcloud.painter.sights.dwellings import lantern
from localcloud.painter.sights.pen import arch, circle, ellipse

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen, Point

_TILE: RGB = (0.32, 0.33, 0.36)
_WOOD: RGB = (0.48, 0.31, 0.20)
_WHITE: RGB = (0.95, 0.94, 0.90)


def tulou_roundhouse(pen: Pen) -> None:
    """A great round earthen house seen from a little above: a ring wall, a ring roof, a court with inner rings."""
    earth: RGB = (0.80, 0.64, 0.42)
    half, squash, top = 0.92, 0.30, 0.58
    wall = [
        (half * math.cos(a), 0.27 + half * squash * 0.82 * math.sin(a)) for a in np.linspace(math.pi, 2 * math.pi, 40)
    ]
    strips = list(pairwise(wall))
    for (ax, ay), (bx, by) in strips:
        angle = math.asin(max(-1.0, min(1.0, (ax + bx) / 2 / half)))
        pen.fill(
            [(ax, ay), (bx + 0.002, by), (bx * 0.985, by + 0.34), (ax * 0.985, ay + 0.34)],
            earth,
            1.1 * math.cos(angle - 0.75 * pen.side) - 0.25,
        )
    for level, share in enumerate((0.52, 0.72, 0.88)):
        for number in range(3, 37, 2):
            (ax, ay) = wall[number]
            if level == 0 and number % 4 != 3:
                continue
            y = ay + 0.34 * share
            pane = [(ax - 0.012, y - 0.018), (ax + 0.012, y - 0.018), (ax + 0.012, y + 0.016), (ax - 0.012, y + 0.016)]
            pen.fill(pane, (0.22, 0.15, 0.10), 0.1)
            pen.shine(pane, strength=0.9)
    gate = arch(-0.05, 0.13, 0.055, 0.05, foot=0.032)
    pen.fill(arch(-0.05, 0.135, 0.085, 0.075, foot=0.030), (0.86, 0.82, 0.74), 0.5)
    pen.fill(gate, (0.20, 0.12, 0.08), 0.0)
    pen.shine(gate)
    lantern(pen, -0.17, 0.17, 0.022)
    lantern(pen, 0.07, 0.17, 0.022)
    pen.fill(ellipse(0, top, half * 1.07, half * squash * 1.04, corners=60), times(_TILE, (0.6,) * 3), -0.1)
    for number in range(60):
        a0, a1 = 2 * math.pi * number / 60, 2 * math.pi * (number + 1) / 60
        facing = 0.42 + 0.38 * math.cos(a0) * pen.side - 0.16 * math.sin(a0)
        outer = [(half * 1.07 * math.cos(a), top + 0.018 + half * squash * 1.04 * math.sin(a)) for a in (a0, a1)]
        inner = [(half * 0.80 * math.cos(a), top + 0.095 + half * squash * 0.76 * math.sin(a)) for a in (a1, a0)]
        pen.fill(
            outer + inner,
            times(_TILE, (1.0 - 0.1 * (number % 2),) * 3) if pen.snow < 0.8 else (0.94, 0.95, 0.98),
            facing,
        )
    court = ellipse(0, top + 0.092, half * 0.80, half * squash * 0.76, corners=50)
    pen.fill(court, (0.40, 0.28, 0.19), 0.2)
    pen.fill(ellipse(0, top + 0.055, half * 0.72, half * squash * 0.60, corners=50), (0.60, 0.54, 0.45), 0.4)
    pen.shine(ellipse(0, top + 0.13, half * 0.7, half * squash * 0.5), (1.0, 0.6, 0.28), 0.35)
    for ring, y in ((0.46, top + 0.06), (0.20, top + 0.07)):
        pen.fill(ellipse(0, y, half * ring, half * squash * ring, corners=40), times(_TILE, (0.95,) * 3), 0.5)
        pen.fill(
            ellipse(0, y + 0.012, half * ring * 0.66, half * squash * ring * 0.60, corners=40), (0.46, 0.38, 0.31), 0.2
        )
    for number in range(50):
        a = math.pi + math.pi * number / 49
        pen.line(
            [
                (half * 1.07 * math.cos(a), top + 0.012 + half * squash * 1.04 * math.sin(a)),
                (half * 1.07 * math.cos(a), top - 0.012 + half * squash * 1.04 * math.sin(a)),
            ],
            0.008,
            times(_TILE, (0.8,) * 3),
            0.2,
        )


def yurts(pen: Pen) -> None:
    """Three white felt tents with blue ornament, one with smoke, and a hitching rail."""
    for x, scale in ((0.78, 0.62), (-0.86, 0.70), (-0.02, 1.0)):
        half, wall = 0.52 * scale, 0.40 * scale
        pen.solid([(half, 0), (half * 1.02, wall)], _WHITE, x=x)
        pen.solid(
            [(half * 1.05, wall), (half * 0.74, wall + 0.20 * scale), (half * 0.22, wall + 0.36 * scale)], _WHITE, x=x
        )
        pen.solid([(half * 1.035, wall - 0.045 * scale), (half * 1.035, wall + 0.01 * scale)], (0.22, 0.40, 0.68), x=x)
        pen.solid([(half * 0.24, wall + 0.35 * scale), (half * 0.20, wall + 0.41 * scale)], (0.55, 0.36, 0.24), x=x)
        for turn in np.linspace(-1.2, 1.2, 7):
            rope = [
                (x + half * 1.05 * math.sin(float(turn)), wall),
                (x + half * 0.24 * math.sin(float(turn)), wall + 0.35 * scale),
            ]
            pen.line(rope, 0.007 * scale, (0.72, 0.62, 0.50), 0.2)
        for y in (0.12, 0.26):
            pen.solid([(half * 1.01, y * scale), (half * 1.01, (y + 0.016) * scale)], (0.74, 0.66, 0.56), x=x)
        door = [
            (x - 0.10 * scale, 0),
            (x + 0.10 * scale, 0),
            (x + 0.10 * scale, 0.33 * scale),
            (x - 0.10 * scale, 0.33 * scale),
        ]
        pen.fill([(px * 1.0 + (px - x) * 0.25, py * 1.06) for px, py in door], (0.86, 0.62, 0.22), 0.5)
        pen.fill(door, (0.72, 0.22, 0.16), 0.4)
        pen.line([(x, 0), (x, 0.33 * scale)], 0.010, (0.9, 0.7, 0.3), 0.4)
        pen.shine(door, (1.0, 0.5, 0.25), 0.7)
        pen.shine(ellipse(x, wall + 0.38 * scale, half * 0.2, 0.03), (1.0, 0.7, 0.35), 0.9)
        pen.wash([(x - half, 0), (x + half, 0), (x + half, wall), (x - half, wall)], (1.0, 0.75, 0.45), 0.14)


def stilted_houses(pen: Pen) -> None:
    """A cluster of dark timber houses on posts over the bank, their tiled roofs stepping up the slope."""
    rows = ((0.36, 5, 0.62), (0.16, 6, 0.85), (0.0, 5, 1.0))
    for depth, (lift, count, scale) in enumerate(rows):
        for number in range(count):
            x = -1.0 + 2.0 * (number + 0.5) / count + float(pen.rng.uniform(-0.05, 0.05))
            half = 0.205 * scale * float(pen.rng.uniform(0.85, 1.15))
            base = lift + (0.20 if depth == 2 else 0.06)
            tall = 0.25 * scale * float(pen.rng.uniform(0.85, 1.2))
            wood = mix(_WOOD, (0.62, 0.44, 0.27), float(pen.rng.random()))
            if depth == 2:
                for post in np.linspace(-half * 0.85, half * 0.85, 4):
                    pen.line([(x + float(post), 0), (x + float(post), base)], 0.015, times(_WOOD, (0.8,) * 3), 0.3)
                pen.line([(x - half, 0.03), (x + half, base)], 0.008, times(_WOOD, (0.6,) * 3), 0.1)
            else:
                pen.rectangle(x - half * 1.1, x + half * 1.1, 0 if depth else lift - 0.2, base, (0.50, 0.47, 0.42), 0.2)
            pen.block(x - half, x + half, base, base + tall, wood, turn=0.22)
            pen.rectangle(
                x - half * 1.06, x + half * 1.06, base + tall * 0.40, base + tall * 0.47, times(wood, (0.7,) * 3), 0.3
            )
            for row in (0.08, 0.55):
                pen.windows(
                    x - half * 0.92,
                    x + half * 0.50,
                    base + tall * row,
                    base + tall * (row + 0.30),
                    3,
                    1,
                    fill=0.62,
                    glass=(0.22, 0.15, 0.10),
                    lit=0.85,
                )
            for rail in np.linspace(-half, half, 12):
                pen.line(
                    [(x + float(rail), base), (x + float(rail), base + tall * 0.07)],
                    0.005,
                    times(wood, (0.85,) * 3),
                    0.5,
                )
            pen.eaves(x - half, x + half, base + tall, 0.125 * scale, _TILE, overhang=0.40, upturn=0.35, ridge=0.66)
            if pen.rng.random() < 0.6:
                lantern(pen, x - half * 0.9, base + tall * 0.72, 0.018)


def water_wheel(pen: Pen) -> None:
    """A tall bamboo water wheel on a trestle, with a flume and a mill hut."""
    x, y, radius = -0.12, 0.47, 0.44
    pen.block(0.30, 0.66, 0, 0.30, (0.70, 0.58, 0.44))
    pen.windows(0.33, 0.52, 0.10, 0.24, 2, 1, fill=0.5, lit=1.0)
    pen.eaves(0.30, 0.66, 0.30, 0.19, (0.58, 0.46, 0.28), overhang=0.28, upturn=0.1, ridge=0.55)
    for end in (-1, 1):
        pen.line([(x + end * 0.24, 0), (x, y)], 0.030, times(_WOOD, (0.8,) * 3), 0.2 + 0.3 * end * pen.side)
    for number in range(20):
        angle = 2 * math.pi * number / 20 + 0.1
        tip = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        pen.line([(x, y), tip], 0.011, _WOOD, 0.3 + 0.3 * math.cos(angle) * pen.side)
        paddle = [
            (x + r * math.cos(angle + d), y + r * math.sin(angle + d))
            for r, d in ((radius * 0.93, -0.05), (radius * 1.08, -0.05), (radius * 1.08, 0.05), (radius * 0.93, 0.05))
        ]
        pen.fill(paddle, times(_WOOD, (1.2,) * 3), 0.4 + 0.3 * math.cos(angle) * pen.side)
    for ring in (radius, radius * 0.86, radius * 0.42):
        rim = circle(x, y, ring, corners=60)
        pen.line([*rim, rim[0]], 0.014, times(_WOOD, (1.15,) * 3), 0.5)
    pen.fill(circle(x, y, 0.05), times(_WOOD, (0.8,) * 3), 0.5)
    pen.wash(circle(x, y, radius * 1.1), strength=0.35)
    pen.line([(x + 0.05, 0.86), (0.34, 0.80), (0.68, 0.78)], 0.028, times(_WOOD, (1.2,) * 3), 0.6)
    for post in (0.36, 0.62):
        pen.line([(post, 0.3), (post, 0.79)], 0.014, _WOOD, 0.3)
    for number in range(14):
        fall = x + radius * 0.98 + float(pen.rng.normal(0, 0.02))
        pen.line([(fall, 0.42 - 0.02 * number), (fall + 0.008, 0.36 - 0.025 * number)], 0.006, (0.92, 0.96, 1.0), 0.8)


def harbour_boats(pen: Pen) -> None:
    """Junks under ribbed sails, and smaller fishing boats before them."""
    sail_hues: list[RGB] = [(0.80, 0.46, 0.24), (0.90, 0.82, 0.66), (0.70, 0.30, 0.22)]
    for number, (x, scale) in enumerate(((-0.86, 0.56), (0.82, 0.68), (-0.04, 1.0))):
        _junk(pen, x, scale, sail_hues[number])
    for x, scale in ((-0.58, 0.30), (0.44, 0.34), (1.12, 0.28)):
        hull = [
            (x - 0.42 * scale, 0.16 * scale),
            (x - 0.30 * scale, 0),
            (x + 0.30 * scale, 0),
            (x + 0.46 * scale, 0.20 * scale),
        ]
        pen.fill(hull, (0.36, 0.48, 0.60), 0.35)
        pen.fill([hull[0], hull[3], (x + 0.40 * scale, 0.13 * scale), (x - 0.38 * scale, 0.11 * scale)], _WHITE, 0.6)
        awning = [
            (x - 0.20 * scale, 0.14 * scale),
            (x + 0.16 * scale, 0.15 * scale),
            (x + 0.13 * scale, 0.36 * scale),
            (x - 0.17 * scale, 0.36 * scale),
        ]
        pen.fill(awning, (0.62, 0.50, 0.32), 0.5)
        pen.shine(awning, strength=0.5)


def _junk(pen: Pen, x: float, scale: float, hue: RGB) -> None:
    hull: list[Point] = [
        (x - 0.44 * scale, 0.20 * scale),
        (x - 0.34 * scale, 0.0),
        (x + 0.30 * scale, 0.0),
        (x + 0.46 * scale, 0.25 * scale),
        (x + 0.36 * scale, 0.15 * scale),
        (x - 0.2 * scale, 0.12 * scale),
    ]
    pen.fill(hull, (0.40, 0.25, 0.17), 0.25)
    pen.line([hull[0], hull[5], hull[4], hull[3]], 0.014 * scale, (0.70, 0.48, 0.28), 0.7)
    cabin = [
        (x - 0.36 * scale, 0.16 * scale),
        (x - 0.14 * scale, 0.13 * scale),
        (x - 0.14 * scale, 0.25 * scale),
        (x - 0.36 * scale, 0.27 * scale),
    ]
    pen.fill(cabin, (0.58, 0.40, 0.26), 0.4)
    pen.shine(cabin, strength=0.8)
    for mast, tall, lean in ((-0.02, 0.98, 0.0), (0.27, 0.74, 0.05)):
        pen.line(
            [(x + mast * scale, 0.12 * scale), (x + (mast + lean) * scale, tall * scale)],
            0.014 * scale,
            (0.36, 0.26, 0.18),
            0.4,
        )
        wide = 0.27 * tall
        left = [
            (x + (mast - wide * (0.80 - 0.28 * t) + lean * t) * scale, (0.24 + (tall - 0.28) * t) * scale)
            for t in np.linspace(0, 1, 7)
        ]
        right = [
            (x + (mast + wide * (0.52 - 0.30 * t**2) + lean * t) * scale, (0.22 + (tall - 0.20) * t) * scale)
            for t in np.linspace(0, 1, 7)
        ]
        for step in range(6):
            face = 0.42 + 0.22 * pen.side * (1 if step % 2 else 0.7)
            pen.fill(
                [left[step], right[step], right[step + 1], left[step + 1]],
                times(hue, (1.0 - 0.05 * (step % 2),) * 3),
                face,
            )
        for lo, hi in zip(left, right, strict=True):
            pen.line([lo, hi], 0.007 * scale, times(hue, (0.6,) * 3), 0.2)
    pen.shine(circle(x, 0.30 * scale, 0.016), (1.0, 0.7, 0.4))
