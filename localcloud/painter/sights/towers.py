"""Towers and other works of engineering."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import RGB, times
from localcloud.painter.sights.pen import LAMP, circle, ellipse

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen, Point

_CONCRETE: RGB = (0.74, 0.72, 0.70)
_STEEL: RGB = (0.46, 0.47, 0.50)
_WHITE: RGB = (0.94, 0.93, 0.91)
_GLASS: RGB = (0.42, 0.55, 0.64)


def television_tower(pen: Pen) -> None:
    """Slanted legs, three columns, a large and a smaller red sphere, a capsule, and a long mast."""
    ruby: RGB = (0.72, 0.27, 0.36)
    for end in (-1, 1):
        pen.line([(end * 0.13, 0), (end * 0.022, 0.27)], 0.013, _CONCRETE, 0.25 + 0.4 * end * pen.side)
    pen.solid([(0.09, 0), (0.08, 0.025), (0.05, 0.035)], _CONCRETE)
    for x in (-0.026, 0.026, 0.0):
        pen.solid([(0.012, 0.02), (0.012, 0.62)], _CONCRETE, x=x)
    for bead in np.linspace(0.33, 0.56, 5):
        pen.ball(0, float(bead), 0.017, ruby)
    for y, radius in ((0.235, 0.078), (0.60, 0.058)):
        pen.ball(0, y, radius, ruby)
        for shift in (-0.25, 0.05, 0.35):
            half = radius * math.sqrt(1 - shift**2)
            pen.line(
                [(-half, y + shift * radius), (half, y + shift * radius)],
                0.0035,
                times(ruby, (1.3,) * 3),
                0.6,
                glowing=0.9,
            )
        for number in range(9):
            angle = math.pi * (number + 0.5) / 9
            pen.shine(
                circle(
                    radius * 0.9 * math.cos(angle), y + 0.2 * radius * math.sin(angle * 3), radius * 0.09, corners=8
                ),
                (1.0, 0.45, 0.70),
                0.9,
            )
        pen.shine(circle(0, y, radius), (0.85, 0.25, 0.50), 0.30)
    pen.solid([(0.013, 0.655), (0.012, 0.74)], _CONCRETE)
    pen.ball(0, 0.755, 0.022, ruby)
    pen.shine(circle(0, 0.755, 0.022), (1.0, 0.4, 0.7), 0.7)
    pen.solid([(0.008, 0.77), (0.006, 0.86), (0.002, 1.0)], (0.80, 0.55, 0.52))
    for x in (-0.026, 0.026):
        pen.line([(x, 0.3), (x, 0.54)], 0.003, _WHITE, 0.8, glowing=0.6)


def lattice_tower(pen: Pen) -> None:
    """Four splayed legs that meet in a needle, crossed by braces, with two platforms and an arch."""
    iron: RGB = (0.44, 0.37, 0.32)

    def half(y: float) -> float:
        return 0.20 * float((1 - y) ** 2.6) * (1 - 0.1 * y) + 0.008

    levels = [0.0, 0.10, 0.20, 0.29, 0.37, 0.45, 0.52, 0.59, 0.66, 0.72, 0.78, 0.84, 0.89, 0.93]
    for low, high in pairwise(levels):
        for end in (-1, 1):
            face = 0.2 + 0.35 * end * pen.side
            outer0, outer1 = end * half(low), end * half(high)
            leg0, leg1 = outer0 * 0.52 if low < 0.3 else -outer0, outer1 * 0.52 if low < 0.3 else -outer1
            pen.line([(outer0, low), (outer1, high)], 0.011, iron, face, glowing=0.7)
            pen.line([(outer0, low), (leg1, high)], 0.005, iron, face, glowing=0.55)
            pen.line([(leg0, low), (outer1, high)], 0.005, iron, face, glowing=0.55)
            if low < 0.3:
                pen.line([(leg0, low), (leg1, high)], 0.008, iron, face - 0.2, glowing=0.6)
        pen.line([(-half(high), high), (half(high), high)], 0.005, iron, 0.3, glowing=0.5)
    span = [(0.118 * math.cos(a), 0.02 + 0.155 * math.sin(a)) for a in np.linspace(0, math.pi, 21)]
    pen.line(span, 0.008, iron, 0.5, glowing=0.7)
    for y, reach in ((0.20, 1.18), (0.37, 1.25), (0.89, 1.9)):
        pen.rectangle(-half(y) * reach, half(y) * reach, y - 0.008, y + 0.012, iron, 0.5)
        pen.shine(
            [(-half(y) * reach, y), (half(y) * reach, y), (half(y) * reach, y + 0.01), (-half(y) * reach, y + 0.01)]
        )
    pen.solid([(0.006, 0.92), (0.003, 1.0)], iron)
    pen.shine(circle(0, 0.985, 0.008), (1, 0.3, 0.2))


def skyscraper(pen: Pen) -> None:
    """A twisting glass tower between a stepped one and a bottle opener."""
    pen.block(-0.23, -0.10, 0, 0.66, (0.60, 0.58, 0.58))
    pen.block(-0.21, -0.12, 0.66, 0.72, (0.60, 0.58, 0.58))
    pen.block(-0.185, -0.145, 0.72, 0.78, (0.60, 0.58, 0.58))
    pen.line([(-0.165, 0.77), (-0.165, 0.86)], 0.005, _STEEL)
    pen.windows(-0.225, -0.14, 0.02, 0.65, 4, 22, lit=0.5)
    pen.fill([(0.10, 0), (0.23, 0), (0.215, 0.78), (0.115, 0.78)], (0.50, 0.60, 0.70), 0.45)
    pen.fill([(0.19, 0), (0.23, 0), (0.215, 0.78), (0.185, 0.78)], (0.50, 0.60, 0.70), 0.1 + 0.5 * pen.side)
    pen.erase([(0.135, 0.69), (0.195, 0.69), (0.19, 0.755), (0.14, 0.755)])
    pen.windows(0.11, 0.185, 0.02, 0.67, 4, 24, glass=(0.36, 0.46, 0.56), lit=0.45, lamp=(0.75, 0.88, 1.0))
    shell = [(0.085 - 0.045 * y**1.4 + 0.012 * math.sin(y * 5), y) for y in np.linspace(0, 0.97, 20)]
    pen.solid(shell, _GLASS)
    pen.fill(
        [(-shell[-1][0], 0.965), (shell[-1][0], 0.955), (shell[-1][0] * 0.6, 1.0), (-shell[-1][0], 0.985)], _GLASS, 0.6
    )
    for turn in np.linspace(-1.2, 0.9, 6):
        seam = [(radius * math.sin(turn + 0.8 * y), y) for radius, y in shell]
        pen.line(seam, 0.0025, times(_GLASS, (0.75,) * 3), 0.3)
    for radius, y in shell[1:]:
        pen.line([(-radius, y), (radius, y - 0.004)], 0.002, times(_GLASS, (0.8,) * 3), 0.4, glowing=0.35)
    edge = [(radius * math.sin(-0.4 + 1.2 * y), y) for radius, y in shell]
    pen.line(edge, 0.005, _WHITE, 0.9, glowing=0.9)


def clock_tower(pen: Pen) -> None:
    """A square stone tower with four clock faces, a belfry, and a copper spire."""
    stone: RGB = (0.76, 0.68, 0.56)
    copper: RGB = (0.40, 0.56, 0.50)
    pen.block(-0.26, 0.26, 0, 0.20, stone)
    pen.windows(-0.25, 0.10, 0.03, 0.17, 7, 2)
    pen.rectangle(-0.275, 0.275, 0.195, 0.215, times(stone, (1.1,) * 3), 0.7)
    pen.block(-0.105, 0.105, 0.20, 0.60, stone, turn=0.3)
    pen.windows(-0.085, 0.025, 0.24, 0.56, 2, 5, fill=0.5)
    pen.rectangle(-0.12, 0.12, 0.59, 0.61, times(stone, (1.1,) * 3), 0.8)
    pen.block(-0.112, 0.112, 0.61, 0.78, stone, turn=0.3)
    face = ellipse(-0.034, 0.695, 0.060, 0.066)
    pen.fill(ellipse(-0.034, 0.695, 0.069, 0.075), (0.36, 0.30, 0.22), 0.4)
    pen.fill(face, (0.97, 0.95, 0.88), 0.7)
    pen.shine(face, (1.0, 0.92, 0.70), 0.95)
    for number in range(12):
        angle = number * math.pi / 6
        pen.fill(
            circle(-0.034 + 0.05 * math.sin(angle), 0.695 + 0.055 * math.cos(angle), 0.005, corners=6),
            (0.15, 0.12, 0.10),
            0.1,
        )
    pen.line([(-0.034, 0.695), (-0.034 + 0.018, 0.695 + 0.036)], 0.009, (0.12, 0.10, 0.10), 0.0)
    pen.line([(-0.034, 0.695), (-0.034 - 0.045, 0.695 + 0.016)], 0.007, (0.12, 0.10, 0.10), 0.0)
    pen.fill(ellipse(0.079, 0.695, 0.020, 0.062), (0.92, 0.90, 0.83), 0.3 + 0.3 * pen.side)
    pen.rectangle(-0.13, 0.13, 0.775, 0.80, times(stone, (1.1,) * 3), 0.8)
    pen.block(-0.075, 0.075, 0.80, 0.86, stone, turn=0.3)
    pen.windows(-0.07, 0.03, 0.805, 0.855, 3, 1, fill=0.7, glass=(0.2, 0.17, 0.15))
    pen.fill([(-0.09, 0.86), (0.09, 0.86), (0.0, 0.97)], copper, 0.35 - 0.2 * pen.side)
    pen.fill([(0.03, 0.86), (0.09, 0.86), (0.0, 0.97)], copper, 0.35 + 0.35 * pen.side)
    pen.line([(0, 0.96), (0, 1.0)], 0.006, (0.80, 0.66, 0.30), 0.7)
    pen.wash([(-0.105, 0.2), (0.045, 0.2), (0.045, 0.6), (-0.105, 0.6)], strength=0.25)


def lighthouse(pen: Pen) -> None:
    """A white and red banded tower with a gallery and a lantern, and the keeper's house."""
    red: RGB = (0.80, 0.20, 0.16)
    pen.block(0.10, 0.30, 0, 0.12, _WHITE)
    pen.fill([(0.09, 0.115), (0.27, 0.115), (0.25, 0.19), (0.12, 0.19)], red, 0.45)
    pen.windows(0.11, 0.23, 0.03, 0.10, 3, 1, fill=0.5, lit=0.9)

    def radius(y: float) -> float:
        return 0.105 - 0.045 * y

    bands = [0.0, 0.15, 0.30, 0.45, 0.60, 0.74]
    for number, (low, high) in enumerate(pairwise(bands)):
        pen.solid([(radius(low), low), (radius(high), high)], _WHITE if number % 2 == 0 else red)
    for y in (0.22, 0.40, 0.56):
        pen.fill([(-0.012, y), (0.012, y), (0.012, y + 0.03), (-0.012, y + 0.03)], (0.2, 0.22, 0.26), 0.3)
        pen.shine([(-0.012, y), (0.012, y), (0.012, y + 0.03), (-0.012, y + 0.03)])
    pen.solid([(0.075, 0.735), (0.105, 0.765), (0.105, 0.78)], _STEEL)
    for number in range(9):
        x = -0.10 + 0.025 * number
        pen.line([(x, 0.78), (x, 0.815)], 0.003, _STEEL)
    pen.line([(-0.104, 0.815), (0.104, 0.815)], 0.004, _STEEL, 0.6)
    pen.solid([(0.052, 0.78), (0.052, 0.87)], (0.75, 0.86, 0.88))
    lamp = [(-0.052, 0.785), (0.052, 0.785), (0.052, 0.87), (-0.052, 0.87)]
    pen.shine(lamp, (1.0, 0.94, 0.70), 1.0)
    for x in (-0.05, -0.018, 0.018, 0.05):
        pen.line([(x, 0.78), (x, 0.87)], 0.004, (0.25, 0.25, 0.28))
    pen.solid([(0.066, 0.868), (0.050, 0.92), (0.020, 0.955), (0.004, 0.965)], red)
    pen.line([(0, 0.96), (0, 1.0)], 0.005, _STEEL)


def observatory(pen: Pen) -> None:
    """A white dome with an open slit and a telescope, on a drum beside a smaller dome."""
    pen.block(-0.80, 0.80, 0, 0.22, (0.84, 0.83, 0.80), turn=0.2)
    pen.windows(-0.76, 0.42, 0.04, 0.18, 10, 1, lit=0.5)
    for x, radius, base in ((-0.52, 0.24, 0.30), (0.22, 0.46, 0.42)):
        pen.solid([(radius, 0.2), (radius, base)], (0.86, 0.85, 0.83), x=x)
        pen.solid([(radius * 1.05, base), (radius * 1.05, base + 0.03)], _STEEL, x=x)
        shell = [
            (radius * math.cos(a), base + 0.03 + radius * 1.05 * math.sin(a)) for a in np.linspace(0, math.pi / 2, 12)
        ]
        pen.solid(shell, _WHITE, x=x)
        lean = -0.30
        slit = [
            (x + radius * (lean - 0.13), base + 0.10),
            (x + radius * (lean + 0.13), base + 0.10),
            (x + radius * 0.14, base + radius * 0.98),
            (x - radius * 0.10, base + radius * 1.02),
        ]
        pen.fill(slit, (0.13, 0.15, 0.20), 0.1)
        pen.shine(slit, (1.0, 0.55, 0.35), 0.35)
        pen.line(
            [(x + radius * (lean + 0.05), base + 0.14), (x - radius * 0.16, base + radius * 0.86)],
            0.06 * radius / 0.46,
            (0.72, 0.74, 0.78),
            0.6,
        )
        for angle in (-0.9, 0.35, 0.8):
            rib = [
                (x + radius * math.sin(angle) * math.cos(a), base + 0.03 + radius * 1.05 * math.sin(a))
                for a in np.linspace(0, 1.45, 9)
            ]
            pen.line(rib, 0.006, (0.80, 0.80, 0.80), 0.3)


def windmills(pen: Pen) -> None:
    """Three wind turbines, one behind the other."""
    for x, scale, turn in ((0.30, 0.58, 0.5), (-0.34, 0.74, 1.3), (0.0, 1.0, 0.15)):
        hub = 0.66 * scale
        pen.solid([(0.016 * scale, 0), (0.008 * scale, hub)], _WHITE, x=x)
        pen.block(x - 0.02 * scale, x + 0.035 * scale, hub - 0.012 * scale, hub + 0.014 * scale, _WHITE)
        for blade in range(3):
            angle = turn + blade * 2 * math.pi / 3
            cosine, sine = math.cos(angle), math.sin(angle)
            reach, chord = 0.33 * scale, 0.019 * scale
            outline = [(0.0, -0.3), (0.2, -1.0), (0.45, -0.75), (1.0, -0.08), (1.0, 0.08), (0.2, 0.35), (0.0, 0.3)]
            pen.fill(
                [
                    (x + reach * a * sine + chord * b * cosine, hub + reach * a * cosine - chord * b * sine)
                    for a, b in outline
                ],
                _WHITE,
                0.45 + 0.4 * sine * pen.side,
            )
        pen.ball(x, hub, 0.018 * scale, _WHITE)
        pen.shine(circle(x, hub, 0.012 * scale), (1.0, 0.2, 0.15), 0.9)


def ferris_wheel(pen: Pen) -> None:
    """A tall spoked wheel with coloured cabins on an A-shaped stand."""
    centre, radius = 0.54, 0.43
    for end in (-1, 1):
        pen.line([(end * 0.24, 0), (0, centre)], 0.022, _WHITE, 0.3 + 0.4 * end * pen.side)
    for number in range(28):
        angle = number * math.pi / 14
        pen.line(
            [(0, centre), (radius * math.cos(angle), centre + radius * math.sin(angle))],
            0.003,
            _STEEL,
            0.4,
            glowing=0.5,
        )
    hues: list[RGB] = [
        (0.90, 0.25, 0.25),
        (0.96, 0.70, 0.18),
        (0.25, 0.60, 0.85),
        (0.35, 0.72, 0.42),
        (0.72, 0.42, 0.80),
    ]
    for ring, width in ((radius, 0.012), (radius * 0.90, 0.006)):
        rim = circle(0, centre, ring, corners=64)
        pen.line([*rim, rim[0]], width, _WHITE, 0.6, glowing=0.7)
    for number in range(28):
        angle = number * math.pi / 14
        x, y = radius * 1.02 * math.cos(angle), centre + radius * 1.02 * math.sin(angle) - 0.018
        hue = hues[number % 5]
        pen.fill(ellipse(x, y, 0.019, 0.022, corners=12), hue, 0.3 + 0.4 * math.cos(angle) * pen.side)
        pen.rectangle(x - 0.014, x + 0.014, y, y + 0.011, (0.75, 0.85, 0.9), 0.6)
        pen.shine(ellipse(x, y, 0.019, 0.022, corners=12), hue, 1.0)
    pen.ball(0, centre, 0.035, _WHITE)
    pen.shine(circle(0, centre, 0.05), (0.9, 0.5, 0.9), 0.6)
    pen.block(-0.30, 0.30, 0, 0.05, _CONCRETE)
    pen.windows(-0.29, 0.10, 0.008, 0.042, 12, 1, lit=0.9)


def opera_house(pen: Pen) -> None:
    """White shells like sails on a broad podium."""
    pen.block(-1.15, 1.15, 0, 0.14, (0.66, 0.56, 0.50), turn=0.12)
    for row in range(3):
        pen.line([(-1.15, 0.03 + 0.035 * row), (0.86, 0.03 + 0.035 * row)], 0.006, (0.56, 0.46, 0.42), 0.1)
    pen.windows(-1.1, 0.8, 0.09, 0.135, 24, 1, fill=0.75, lit=0.9)
    shell: RGB = (0.96, 0.95, 0.91)
    for x, tall, lean in (
        (0.72, 0.46, 1),
        (-0.74, 0.42, -1),
        (0.30, 0.66, 1),
        (-0.42, 0.60, -1),
        (-0.06, 0.98, 1),
        (0.0, 0.50, -1),
    ):
        tip_x, base = x + lean * tall * 0.42, 0.14
        t = np.linspace(0, 1, 14)
        back: list[Point] = [
            (x - lean * tall * 0.46 + (tip_x - x + lean * tall * 0.46) * s, base + (tall - base) * (1 - (1 - s) ** 2.1))
            for s in t
        ]
        front: list[Point] = [
            (tip_x - lean * tall * 0.30 * math.sin(s * math.pi * 0.5), tall + (base - tall) * s) for s in t
        ]
        sun = lean * pen.side
        pen.fill([*back, *front], shell, 0.38 - 0.36 * sun)
        mouth: list[Point] = [
            (tip_x, tall),
            *[(px + lean * tall * 0.24 * math.sin(s * math.pi), py) for (px, py), s in zip(front, t, strict=True)],
        ]
        pen.fill(mouth + front[::-1], (0.55, 0.42, 0.34), 0.1)
        pen.shine(mouth + front[::-1], LAMP, 0.85)
        for share in (0.25, 0.5, 0.75):
            rib = [
                (bx + (fx - bx) * share, by + (fy - by) * share)
                for (bx, by), (fx, fy) in zip(back, front[::-1], strict=True)
            ]
            pen.line(rib, 0.006, (0.88, 0.87, 0.84), 0.2 - 0.2 * sun)
        pen.wash([*back, *front], (0.85, 0.88, 1.0), 0.36)
        pen.line(back, 0.014, shell, 0.85)


def statue(pen: Pen) -> None:
    """A robed figure in bronze with a raised arm, on a stone plinth with steps."""
    stone: RGB = (0.74, 0.72, 0.68)
    bronze: RGB = (0.36, 0.44, 0.38)
    for number in range(3):
        pen.block(-0.30 + 0.04 * number, 0.30 - 0.04 * number, 0.03 * number, 0.03 * (number + 1), stone, turn=0.2)
    pen.block(-0.15, 0.15, 0.09, 0.36, stone)
    pen.rectangle(-0.17, 0.17, 0.35, 0.38, stone, 0.7)
    pen.rectangle(-0.09, 0.04, 0.17, 0.27, times(stone, (0.8,) * 3), 0.3)
    pen.solid([(0.105, 0.38), (0.095, 0.44), (0.072, 0.60), (0.082, 0.70), (0.072, 0.76), (0.03, 0.80)], bronze)
    for fold in (-0.06, -0.02, 0.03, 0.065):
        pen.line([(fold * 1.4, 0.39), (fold * 0.9, 0.62)], 0.007, times(bronze, (0.72,) * 3), 0.0)
    pen.fill(
        [(0.05, 0.76), (0.075, 0.70), (0.17, 0.86), (0.205, 0.955), (0.175, 0.96), (0.14, 0.875)],
        bronze,
        0.25 + 0.4 * pen.side,
    )
    pen.fill(
        [(-0.07, 0.75), (-0.10, 0.72), (-0.13, 0.56), (-0.095, 0.55), (-0.06, 0.66)], bronze, 0.25 - 0.4 * pen.side
    )
    pen.fill(
        [(0.03, 0.46), (0.115, 0.40), (0.10, 0.60), (0.06, 0.68)], times(bronze, (0.85,) * 3), 0.2 + 0.4 * pen.side
    )
    pen.ball(0.0, 0.845, 0.047, bronze)
    pen.fill(ellipse(0.0, 0.873, 0.048, 0.026), times(bronze, (0.75,) * 3), 0.3)
    pen.wash([(-0.12, 0.38), (0.12, 0.38), (0.08, 0.9), (-0.08, 0.9)], strength=0.3)
