"""Sights nobody built, and the wall that follows the ridges."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import RGB, mix, times
from localcloud.painter.sights.pen import circle

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen, Point

_GRANITE: RGB = (0.60, 0.58, 0.55)


def _shrubs(pen: Pen, points: list[Point], radius: float) -> None:
    """Bushes and small pines that hold on to ledges, dark below and light above."""
    leaf = pen.foliage if pen.snow < 0.3 else (0.52, 0.58, 0.56)
    for x, y in points:
        for _ in range(26):
            dx, dy = float(pen.rng.normal(0, 0.8)), abs(float(pen.rng.normal(0, 0.55)))
            face = -0.35 + 0.75 * dy + 0.25 * pen.side * dx
            pen.fill(
                circle(x + dx * radius, y + dy * radius, radius * float(pen.rng.uniform(0.14, 0.30)), corners=6),
                leaf,
                face,
            )


def great_wall(pen: Pen) -> None:
    """The wall climbs in bends from ridge to ridge; battlements, and watchtowers that shrink with distance."""
    brick: RGB = (0.72, 0.64, 0.53)
    slope = mix(pen.foliage, (0.46, 0.48, 0.34), 0.4) if pen.snow < 0.3 else (0.70, 0.74, 0.76)
    pen.rock(
        [
            (-1.10, 0),
            (1.10, 0),
            (1.08, 0.24),
            (0.82, 0.44),
            (0.52, 0.60),
            (0.30, 0.80),
            (0.04, 0.66),
            (-0.22, 0.72),
            (-0.48, 0.52),
            (-0.82, 0.40),
            (-1.08, 0.14),
        ],
        slope,
        seam=0.10,
    )
    course: list[tuple[float, float, float]] = [
        (-1.02, 0.02, 0.13),
        (-0.72, 0.13, 0.115),
        (-0.46, 0.17, 0.10),
        (-0.20, 0.15, 0.092),
        (0.08, 0.20, 0.083),
        (0.34, 0.32, 0.070),
        (0.56, 0.40, 0.060),
        (0.62, 0.48, 0.053),
        (0.42, 0.55, 0.046),
        (0.30, 0.64, 0.039),
        (0.28, 0.76, 0.033),
        (0.10, 0.68, 0.028),
        (-0.06, 0.655, 0.025),
        (-0.20, 0.71, 0.022),
    ]
    path: list[tuple[float, float, float]] = []
    for (ax, ay, aw), (bx, by, bw) in pairwise(course):
        for step in range(7):
            t = step / 7
            path.append((ax + (bx - ax) * t, ay + (by - ay) * t, aw + (bw - aw) * t))
    path.append(course[-1])
    for (ax, ay, aw), (bx, by, bw) in reversed(list(pairwise(path))):
        climb = math.atan2(by - ay, abs(bx - ax) + 1e-6)
        face = 0.42 + 0.30 * pen.side * math.copysign(1, bx - ax) * abs(climb)
        pen.fill([(ax, ay), (bx, by), (bx, by + bw * 0.62), (ax, ay + aw * 0.62)], brick, face - 0.16)
        pen.fill(
            [
                (ax, ay + aw * 0.55),
                (bx, by + bw * 0.55),
                (bx + bw * 0.10, by + bw * 0.78),
                (ax + aw * 0.10, ay + aw * 0.78),
            ],
            times(brick, (1.16,) * 3),
            0.85,
        )
        pen.fill([(ax, ay + aw * 0.55), (bx, by + bw * 0.55), (bx, by + bw * 0.68), (ax, ay + aw * 0.68)], brick, face)
        tooth = ax * 0.55 + bx * 0.45
        rise = (ay * 0.55 + by * 0.45) + aw * 0.66
        pen.rectangle(min(ax, tooth), max(ax, tooth), rise - aw * 0.05, rise + aw * 0.11, brick, face + 0.1)
    for x, y, wide in reversed((course[1], course[4], course[7], course[10], course[13])):
        half, tall = wide * 0.62, wide * 1.55
        pen.block(x - half, x + half, y - 0.01, y + tall, brick, turn=0.34)
        pen.rectangle(x - half * 1.10, x + half * 1.10, y + tall * 0.86, y + tall, times(brick, (1.1,) * 3), 0.55)
        for n in range(5):
            tooth = x - half * 1.10 + half * 2.2 * (n + 0.15) / 5
            pen.rectangle(tooth, tooth + half * 0.28, y + tall, y + tall * 1.13, brick, 0.5)
        for shift in (-0.55, 0.0):
            hole = [
                (x + half * (shift - 0.13), y + tall * 0.44),
                (x + half * (shift + 0.13), y + tall * 0.44),
                (x + half * (shift + 0.13), y + tall * 0.70),
                (x + half * (shift - 0.13), y + tall * 0.70),
            ]
            pen.fill(hole, (0.20, 0.16, 0.13), 0.1)
            pen.shine(hole, strength=0.8)
    _shrubs(pen, [(float(pen.rng.uniform(-1.0, 1.0)), float(pen.rng.uniform(0, 0.07))) for _ in range(22)], 0.035)


def waterfall(pen: Pen) -> None:
    """White water over a dark wooded cliff in two leaps, with spray at its foot."""
    rock: RGB = (0.46, 0.46, 0.44)
    pen.rock(
        [
            (-0.66, 0),
            (0.66, 0),
            (0.66, 0.62),
            (0.50, 0.84),
            (0.30, 0.90),
            (0.12, 0.86),
            (-0.12, 0.86),
            (-0.26, 0.95),
            (-0.50, 0.86),
            (-0.66, 0.60),
        ],
        rock,
        seam=0.16,
    )
    white: RGB = (0.97, 0.985, 1.0)
    for low, high, left, right, flare in ((0.40, 0.865, -0.12, 0.12, 0.03), (0.015, 0.42, -0.19, 0.20, 0.06)):
        pen.fill([(left - flare, low), (right + flare, low), (right, high), (left, high)], (0.80, 0.89, 0.93), 0.5)
        for _ in range(70):
            top = float(pen.rng.uniform(left, right))
            foot = top + float(pen.rng.normal(0, 0.01)) + (top - (left + right) / 2) * 2 * flare / (right - left)
            start, end = sorted(pen.rng.uniform(low, high, 2))
            share = (high - float(start)) / (high - low)
            x0 = top + (foot - top) * share
            pen.line(
                [(x0, float(end)), (foot, float(start))],
                float(pen.rng.uniform(0.003, 0.009)),
                white,
                float(pen.rng.uniform(0.4, 1.0)),
            )
    pen.rock([(-0.24, 0.36), (-0.05, 0.37), (-0.03, 0.45), (-0.12, 0.49), (-0.22, 0.44)], rock, seam=0.2)
    pen.rock([(0.08, 0.37), (0.30, 0.36), (0.26, 0.44), (0.15, 0.46)], rock, seam=0.2)
    for _ in range(60):
        x, y = float(pen.rng.normal(0, 0.17)), abs(float(pen.rng.normal(0, 0.035)))
        pen.fill(circle(x, y, float(pen.rng.uniform(0.01, 0.03)), corners=8), white, 0.7)
    ledges = [
        (float(pen.rng.choice([-1, 1]) * pen.rng.uniform(0.26, 0.62)), float(pen.rng.uniform(0.0, 0.8)))
        for _ in range(26)
    ]
    ledges += [(float(x), 0.86 + 0.04 * math.sin(float(x) * 9)) for x in np.linspace(-0.5, 0.5, 16) if abs(x) > 0.14]
    _shrubs(pen, ledges, 0.045)
    pen.wash([(-0.2, 0), (0.2, 0), (0.12, 0.86), (-0.12, 0.86)], (0.55, 0.75, 1.0), 0.18)


def sand_dunes(pen: Pen) -> None:
    """Three crescent dunes with knife-edged crests: one face in the light, one in shade; a train of camels."""
    sand: RGB = (0.93, 0.74, 0.46)
    for x, tall, half in ((0.62, 0.66, 0.85), (-0.74, 0.60, 0.80), (0.0, 1.0, 1.15)):
        t = np.linspace(0, 1, 24)
        bend = 0.16 * half
        crest = [(x + bend * math.sin(float(s) * 3.6) * (1 - float(s)) + 0.02, tall * float(s) ** 0.85) for s in t]
        left = [(x - half * _slope(float(s)), tall * float(s)) for s in t]
        right = [(x + 0.06 * half + half * _slope(float(s)), tall * float(s)) for s in t]
        pen.fill(left + crest[::-1], sand, 0.42 - 0.46 * pen.side)
        pen.fill(right + crest[::-1], sand, 0.42 + 0.46 * pen.side)
        for number in range(9):
            share = 0.08 + 0.09 * number
            y = tall * share
            outer, inner = (right, crest) if pen.side > 0 else (left, crest)
            start = np.interp(y, [p[1] for p in outer], [p[0] for p in outer])
            end = np.interp(y, [p[1] for p in inner], [p[0] for p in inner])
            wave = [
                (float(start + (end - start) * s), y + 0.010 * math.sin(float(s) * 14 + number))
                for s in np.linspace(0.1, 0.9, 12)
            ]
            pen.line(wave, 0.005, times(sand, (0.93,) * 3), 0.5)
    for number in range(6):
        _camel(pen, -0.50 + 0.155 * number, 0.10 + 0.012 * number, 0.085)


def _slope(share: float) -> float:
    """Half the width of a dune at a share of its height: a wide foot, a blunt crest."""
    return 0.72 * float((1 - share) ** 1.7) + 0.28 * float((1 - share) ** 0.6)


def _camel(pen: Pen, x: float, y: float, size: float) -> None:
    coat: RGB = (0.42, 0.27, 0.16)
    outline = [
        (-0.5, 0.45),
        (-0.45, 0.7),
        (-0.25, 0.72),
        (-0.15, 1.0),
        (0.0, 0.72),
        (0.12, 1.0),
        (0.26, 0.7),
        (0.42, 0.62),
        (0.58, 0.98),
        (0.82, 1.02),
        (0.84, 0.90),
        (0.66, 0.84),
        (0.50, 0.42),
    ]
    pen.fill([(x + px * size, y + py * size) for px, py in outline], coat, 0.1)
    for leg in (-0.42, -0.28, 0.26, 0.40):
        pen.line([(x + leg * size, y + 0.5 * size), (x + leg * size * 1.05, y)], 0.011, coat, 0.0)


def karst_pillars(pen: Pen) -> None:
    """Quartz sandstone pillars that rise side by side out of mist, with trees on their tops and ledges."""
    stone: RGB = (0.66, 0.54, 0.44)
    pillars = sorted(
        (
            (float(x), float(tall), float(half))
            for x, tall, half in (
                (-0.62, 0.62, 0.10),
                (0.66, 0.56, 0.11),
                (-0.36, 0.84, 0.085),
                (0.42, 0.78, 0.095),
                (-0.10, 0.70, 0.07),
                (0.14, 1.0, 0.10),
                (-0.50, 0.40, 0.09),
                (0.28, 0.42, 0.08),
                (-0.22, 0.5, 0.07),
            )
        ),
        key=lambda pillar: -pillar[1],
    )
    for x, tall, half in pillars:
        top = tall - 0.04
        outline: list[Point] = [
            (x - half * 1.25, 0),
            (x + half * 1.25, 0),
            (x + half * 0.90, top * 0.45),
            (x + half * 1.0, top * 0.72),
            (x + half * 0.78, top),
            (x - half * 0.70, top),
            (x - half * 1.02, top * 0.66),
            (x - half * 0.86, top * 0.4),
        ]
        pen.rock(outline, stone, seam=0.13)
        crown = [(x + half * float(t), top - 0.005) for t in np.linspace(-0.8, 0.8, 5)]
        ledges = [
            (x + half * float(pen.rng.uniform(-0.9, 0.9)), top * float(pen.rng.uniform(0.1, 0.85))) for _ in range(4)
        ]
        _shrubs(pen, crown, 0.032)
        _shrubs(pen, ledges, 0.022)


def rock_peak(pen: Pen) -> None:
    """A bare granite spire with cracks, pines on its ledges and a thread of steps."""
    pen.rock(
        [(-0.52, 0), (-0.10, 0), (0.02, 0.50), (-0.10, 0.72), (-0.22, 0.62), (-0.40, 0.30)],
        times(_GRANITE, (0.92,) * 3),
        seam=0.2,
    )
    pen.rock([(0.12, 0), (0.56, 0), (0.44, 0.34), (0.30, 0.55), (0.18, 0.48)], times(_GRANITE, (0.95,) * 3), seam=0.2)
    pen.rock(
        [
            (-0.34, 0),
            (0.36, 0),
            (0.27, 0.40),
            (0.20, 0.70),
            (0.12, 0.92),
            (0.04, 0.995),
            (-0.04, 0.94),
            (-0.10, 0.70),
            (-0.20, 0.52),
            (-0.24, 0.25),
        ],
        _GRANITE,
        seam=0.22,
    )
    for _ in range(12):
        x, y = float(pen.rng.uniform(-0.16, 0.2)), float(pen.rng.uniform(0.1, 0.72))
        pen.line(
            [(x, y), (x + float(pen.rng.normal(0, 0.02)), y + 0.07), (x + float(pen.rng.normal(0, 0.03)), y + 0.16)],
            0.006,
            times(_GRANITE, (0.55,) * 3),
            0.0,
        )
    steps = [(-0.12, 0.02), (0.06, 0.12), (-0.04, 0.24), (0.08, 0.36), (0.0, 0.50), (0.07, 0.64), (0.03, 0.80)]
    pen.line(steps, 0.009, (0.88, 0.86, 0.80), 0.8, glowing=0.5)
    ledges = [
        (-0.18, 0.50),
        (0.18, 0.66),
        (-0.07, 0.72),
        (0.26, 0.36),
        (-0.30, 0.36),
        (-0.14, 0.68),
        (0.32, 0.50),
        (0.06, 0.93),
        (-0.42, 0.12),
        (0.46, 0.16),
        (0.24, 0.06),
        (-0.28, 0.04),
    ]
    _shrubs(pen, ledges, 0.040)
