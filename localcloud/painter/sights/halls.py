"""The timber architecture of China: pagodas, halls, gates, pavilions, gardens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import RGB, times
from localcloud.painter.sights.dwellings import lantern
from localcloud.painter.sights.pen import arch, circle, ellipse

if TYPE_CHECKING:
    from localcloud.painter.sights.pen import Pen, Point

_TILE: RGB = (0.32, 0.34, 0.38)
_GOLD_TILE: RGB = (0.88, 0.62, 0.20)
_RED: RGB = (0.66, 0.20, 0.15)
_STONE: RGB = (0.76, 0.74, 0.70)
_MARBLE: RGB = (0.92, 0.91, 0.88)
_BRICK: RGB = (0.50, 0.48, 0.47)
_DARK: RGB = (0.20, 0.13, 0.10)
_GOLD: RGB = (0.86, 0.68, 0.28)


def pagoda(pen: Pen) -> None:
    """Seven storeys that step back under upturned eaves, and a finial of rings."""
    pen.block(-0.23, 0.23, 0, 0.03, _STONE)
    storeys, y, half = 7, 0.03, 0.155
    for storey in range(storeys):
        tall = 0.118 - 0.0052 * storey
        wall = tall * 0.60
        body: RGB = (0.80, 0.56, 0.40) if storey else (0.74, 0.50, 0.36)
        pen.solid([(half, y), (half * 0.98, y + wall)], body)
        for end in (-0.62, 0.62):
            pen.rectangle(end * half - 0.006, end * half + 0.006, y, y + wall, _RED, 0.3 + 0.3 * end * pen.side)
        opening = arch(0, y + wall * 0.50, half * 0.22, wall * 0.24, foot=y + wall * 0.12)
        pen.fill(opening, _DARK, 0.1)
        pen.shine(opening)
        for end in (-0.42, 0.42):
            pane = [
                (end * half - 0.016, y + wall * 0.3),
                (end * half + 0.016, y + wall * 0.3),
                (end * half + 0.016, y + wall * 0.7),
                (end * half - 0.016, y + wall * 0.7),
            ]
            pen.fill(pane, _DARK, 0.2)
            pen.shine(pane, strength=0.8)
        pen.rectangle(-half * 1.08, half * 1.08, y + wall * 0.86, y + wall, _RED, 0.3)
        pen.eaves(-half, half, y + wall, tall * 0.36, _TILE, overhang=0.55, upturn=0.55, ridge=0.80)
        if storey < storeys - 1:
            pen.rectangle(-half * 0.98, half * 0.98, y + tall * 0.98, y + tall * 1.09, _RED, 0.25)
        y += tall
        half *= 0.915
    pen.eaves(-half * 0.92, half * 0.92, y - 0.008, 0.062, _TILE, overhang=0.42, upturn=0.35, ridge=0.08)
    pen.solid([(0.014, y + 0.045), (0.010, y + 0.08), (0.003, 0.985)], _GOLD)
    for ring in np.linspace(y + 0.065, 0.955, 5):
        pen.solid([(0.018, float(ring)), (0.018, float(ring) + 0.006)], _GOLD)
    pen.ball(0, 0.988, 0.009, _GOLD)


def _colonnade(pen: Pen, half: float, low: float, high: float, bays: int, *, wall: RGB = _RED) -> None:
    """A timber front: columns, lattice doors, a painted beam."""
    pen.rectangle(-half, half, low, high, times(wall, (0.72,) * 3), 0.1)
    beam = low + (high - low) * 0.82
    step = 2 * half / bays
    for bay in range(bays):
        x0 = -half + step * bay
        door = [
            (x0 + step * 0.14, low),
            (x0 + step * 0.86, low),
            (x0 + step * 0.86, beam * 0.97 + low * 0.03),
            (x0 + step * 0.14, beam * 0.97 + low * 0.03),
        ]
        pen.fill(door, times(wall, (0.5, 0.52, 0.5)), 0.2)
        pen.shine(door, strength=0.62)
        for bar in (0.32, 0.5, 0.68):
            pen.line([(x0 + step * bar, low), (x0 + step * bar, beam)], 0.004, times(wall, (0.8,) * 3), 0.3)
    pen.rectangle(-half * 1.02, half * 1.02, beam, high, (0.20, 0.42, 0.46), 0.25)
    for bay in range(bays * 2):
        x = -half + step * (bay + 0.5) / 2
        pen.rectangle(
            x - step * 0.10, x + step * 0.10, beam + (high - beam) * 0.3, beam + (high - beam) * 0.7, _GOLD, 0.4
        )
    for column in range(bays + 1):
        x = -half + step * column
        pen.solid([(0.013 * 1.3, low), (0.013, high)], (0.74, 0.20, 0.14), x=x)


def _terrace(pen: Pen, half: float, low: float, high: float) -> None:
    """A stone terrace with a balustrade and a central stair."""
    pen.block(-half, half, low, high, _MARBLE, turn=0.10)
    posts = max(8, int(half * 26))
    for number in range(posts + 1):
        x = -half + 2 * half * number / posts
        pen.rectangle(x - 0.006, x + 0.006, high - 0.004, high + 0.032, _MARBLE, 0.6)
    pen.rectangle(-half, half, high + 0.016, high + 0.024, _MARBLE, 0.7)
    stair = half * 0.20
    pen.fill(
        [(-stair * 1.15, low), (stair * 1.15, low), (stair, high + 0.02), (-stair, high + 0.02)],
        times(_MARBLE, (0.9,) * 3),
        0.35,
    )
    for step in np.linspace(low, high, 6):
        pen.line([(-stair, float(step)), (stair, float(step))], 0.003, times(_MARBLE, (0.72,) * 3), 0.1)


def temple_hall(pen: Pen) -> None:
    """A great hall under a double hipped roof, on a terrace, with an incense burner before it."""
    _terrace(pen, 0.80, 0, 0.12)
    _colonnade(pen, 0.60, 0.12, 0.40, 7)
    pen.eaves(-0.62, 0.62, 0.39, 0.16, _TILE, overhang=0.42, upturn=0.42, ridge=0.76)
    _colonnade(pen, 0.44, 0.53, 0.63, 7)
    pen.eaves(-0.47, 0.47, 0.62, 0.30, _TILE, overhang=0.26, upturn=0.26, ridge=0.52)
    pen.fill([(-0.26, 0.575), (0.26, 0.575), (0.26, 0.592), (-0.26, 0.592)], _GOLD, 0.4)
    pen.solid([(0.05, 0), (0.06, 0.05), (0.045, 0.09), (0.06, 0.10)], (0.35, 0.32, 0.26))
    for x in (-0.42, 0.42):
        lantern(pen, x, 0.32, 0.022)


def palace(pen: Pen) -> None:
    """A golden-roofed throne hall on three marble terraces, with red walls at its sides."""
    for number, half in enumerate((1.02, 0.92, 0.82)):
        _terrace(pen, half, 0.065 * number, 0.065 * (number + 1))
    for end in (-1, 1):
        pen.rectangle(min(end * 0.58, end * 0.86), max(end * 0.58, end * 0.86), 0.195, 0.37, _RED, 0.3)
        pen.eaves(
            min(end * 0.60, end * 0.85),
            max(end * 0.60, end * 0.85),
            0.37,
            0.10,
            _GOLD_TILE,
            overhang=0.35,
            upturn=0.3,
            ridge=0.8,
        )
    _colonnade(pen, 0.62, 0.195, 0.44, 9)
    pen.eaves(-0.64, 0.64, 0.43, 0.15, _GOLD_TILE, overhang=0.42, upturn=0.32, ridge=0.78)
    _colonnade(pen, 0.48, 0.565, 0.655, 9)
    pen.eaves(-0.50, 0.50, 0.65, 0.29, _GOLD_TILE, overhang=0.26, upturn=0.24, ridge=0.60)
    pen.rectangle(-0.045, 0.045, 0.60, 0.665, (0.12, 0.22, 0.48), 0.4)


def _brick_wall(pen: Pen, half: float, high: float, *, slope: float = 0.04) -> None:
    outline: list[Point] = [(-half, 0), (half, 0), (half - slope, high), (-half + slope, high)]
    pen.fill(outline, _BRICK, 0.36)
    for course in np.linspace(0.02, high - 0.02, 14):
        pen.line(
            [
                (-half + slope * float(course) / high, float(course)),
                (half - slope * float(course) / high, float(course)),
            ],
            0.0025,
            times(_BRICK, (0.86,) * 3),
            0.2,
        )
    teeth = int(half * 2 / 0.055)
    for number in range(teeth):
        x = -half + slope + (2 * half - 2 * slope) * (number + 0.25) / teeth
        pen.rectangle(x, x + 0.03, high - 0.004, high + 0.032, _BRICK, 0.5)


def city_gate_tower(pen: Pen) -> None:
    """A brick bastion with battlements and an arched gate, and a two-storeyed tower above it."""
    _brick_wall(pen, 0.92, 0.30)
    _brick_wall(pen, 0.60, 0.40)
    pen.fill([(0.40, 0), (0.60, 0), (0.56, 0.40), (0.42, 0.40)], _BRICK, 0.1 + 0.5 * pen.side)
    gate = arch(0, 0.15, 0.095, 0.11, foot=0)
    pen.fill(arch(0, 0.15, 0.115, 0.13, foot=0), times(_BRICK, (1.2,) * 3), 0.5)
    pen.fill(gate, _DARK, 0.0)
    pen.shine(gate, strength=0.6)
    _colonnade(pen, 0.46, 0.40, 0.56, 7)
    pen.eaves(-0.47, 0.47, 0.55, 0.12, _TILE, overhang=0.45, upturn=0.40, ridge=0.80)
    _colonnade(pen, 0.36, 0.65, 0.76, 7)
    pen.eaves(-0.38, 0.38, 0.755, 0.20, _TILE, overhang=0.34, upturn=0.32, ridge=0.62)
    for x in (-0.30, -0.1, 0.1, 0.30):
        lantern(pen, x, 0.50, 0.017)
    pen.wash([(-0.58, 0), (0.40, 0), (0.40, 0.4), (-0.58, 0.4)], strength=0.24)


def pavilion(pen: Pen) -> None:
    """A hexagonal pavilion with two tiers of steep upturned roofs, open all around."""
    pen.solid([(0.40, 0), (0.40, 0.05), (0.37, 0.05), (0.37, 0.09)], _STONE)
    back = (-0.16, 0.16)
    for x in back:
        pen.rectangle(x - 0.012, x + 0.012, 0.09, 0.42, times(_RED, (0.6,) * 3), 0.0)
    pen.rectangle(-0.30, 0.30, 0.37, 0.42, (0.22, 0.42, 0.40), 0.2)
    for x in (-0.30, -0.11, 0.11, 0.30):
        pen.solid([(0.018, 0.09), (0.016, 0.42)], _RED, x=x)
    for x0, x1 in ((-0.30, -0.11), (0.11, 0.30)):
        pen.rectangle(x0, x1, 0.13, 0.15, _RED, 0.4)
        for number in range(1, 5):
            x = x0 + (x1 - x0) * number / 5
            pen.rectangle(x - 0.004, x + 0.004, 0.09, 0.15, _RED, 0.3)
    pen.eaves(-0.31, 0.31, 0.42, 0.17, _TILE, overhang=0.42, upturn=0.62, ridge=0.52)
    pen.rectangle(-0.19, 0.19, 0.56, 0.62, _RED, 0.3)
    pen.windows(-0.18, 0.18, 0.565, 0.615, 5, 1, fill=0.6, glass=_DARK, lit=1.0)
    pen.eaves(-0.20, 0.20, 0.61, 0.28, _TILE, overhang=0.26, upturn=0.36, ridge=0.05)
    pen.solid([(0.022, 0.88), (0.030, 0.915), (0.014, 0.945), (0.004, 0.99)], _GOLD)
    pen.wash([(-0.34, 0.0), (0.34, 0.0), (0.34, 0.42), (-0.34, 0.42)], strength=0.4)


def garden_moon_gate(pen: Pen) -> None:
    """A white garden wall with a round opening, a wavy tiled coping, lattice windows and scholar's rocks."""
    wall: RGB = (0.95, 0.94, 0.91)
    t = np.linspace(-1, 1, 61)
    wave = [(float(s) * 0.98, 0.80 + 0.07 * math.cos(float(s) * math.pi * 2.0)) for s in t]
    pen.fill([(-0.98, 0), (0.98, 0), *[(x, y) for x, y in reversed(wave)]], wall, 0.40)
    pen.fill([(x, y - 0.01) for x, y in wave] + [(x, y + 0.075) for x, y in reversed(wave)], _TILE, 0.4)
    for x, y in wave:
        pen.line([(x, y - 0.012), (x, y + 0.07)], 0.006, times(_TILE, (0.72,) * 3), 0.1)
    pen.line([(x, y + 0.08) for x, y in wave], 0.018, times(_TILE, (0.8,) * 3), 0.6)
    pen.fill(circle(0, 0.42, 0.345, corners=48), (0.52, 0.54, 0.56), 0.4)
    pen.erase(circle(0, 0.42, 0.305, corners=48))
    for x in (-0.68, 0.68):
        frame = [(x - 0.14, 0.36), (x + 0.14, 0.36), (x + 0.14, 0.60), (x - 0.14, 0.60)]
        pen.fill(frame, (0.52, 0.54, 0.56), 0.4)
        pen.fill([(x - 0.12, 0.38), (x + 0.12, 0.38), (x + 0.12, 0.58), (x - 0.12, 0.58)], (0.25, 0.34, 0.28), 0.1)
        pen.shine(frame, strength=0.5)
        for bar in np.linspace(-0.09, 0.09, 4):
            pen.line([(x + float(bar), 0.38), (x + float(bar), 0.58)], 0.010, wall, 0.4)
            pen.line([(x - 0.12, 0.48 + float(bar)), (x + 0.12, 0.48 + float(bar))], 0.010, wall, 0.4)
    for x, tall in ((-0.42, 0.30), (0.44, 0.22), (0.36, 0.14)):
        pen.rock(
            [(x - 0.09, 0), (x + 0.10, 0), (x + 0.075, tall * 0.6), (x + 0.02, tall), (x - 0.05, tall * 0.75)],
            (0.62, 0.62, 0.60),
            seam=0.3,
        )
    for _ in range(26):
        x, y = float(pen.rng.uniform(-0.95, -0.62)), float(pen.rng.uniform(0.02, 0.30))
        pen.fill(ellipse(x, y, 0.03, 0.012, corners=8), (0.30, 0.50, 0.24), float(pen.rng.uniform(-0.1, 0.8)))


def memorial_archway(pen: Pen) -> None:
    """A stone archway of three bays and five little roofs."""
    posts = (-0.52, -0.20, 0.20, 0.52)
    for x in posts:
        tall = 0.72 if abs(x) < 0.3 else 0.50
        pen.block(x - 0.035, x + 0.035, 0, tall, _STONE)
        pen.fill([(x - 0.08, 0), (x + 0.08, 0), (x + 0.06, 0.09), (x - 0.06, 0.09)], _STONE, 0.3)
    for x0, x1, y in ((-0.52, -0.20, 0.42), (0.20, 0.52, 0.42), (-0.20, 0.20, 0.56)):
        pen.rectangle(x0 - 0.03, x1 + 0.03, y, y + 0.055, _STONE, 0.5)
        pen.rectangle(x0, x1, y + 0.065, y + 0.12, times(_STONE, (0.86,) * 3), 0.3)
        for number in range(6):
            centre = x0 + (x1 - x0) * (number + 0.5) / 6
            pen.fill(circle(centre, y + 0.092, 0.014, corners=10), times(_STONE, (0.66,) * 3), 0.2)
    pen.rectangle(-0.12, 0.12, 0.685, 0.76, (0.16, 0.30, 0.44), 0.4)
    pen.rectangle(-0.095, 0.095, 0.705, 0.74, _GOLD, 0.5)
    pen.shine([(-0.095, 0.705), (0.095, 0.705), (0.095, 0.74), (-0.095, 0.74)], strength=0.7)
    for x0, x1, y, rise in ((-0.55, -0.22, 0.54, 0.13), (0.22, 0.55, 0.54, 0.13), (-0.26, 0.26, 0.77, 0.19)):
        pen.eaves(x0, x1, y, rise, _TILE, overhang=0.30, upturn=0.5, ridge=0.72)
    pen.solid([(0.02, 0.955), (0.008, 0.995)], _GOLD)
    pen.wash([(-0.55, 0.40), (0.55, 0.40), (0.2, 0.72), (-0.2, 0.72)], strength=0.25)
