"""Trees, grass and flowers: each tree is built from a trunk, limbs and hundreds of leaf dabs, lit from one side."""

from __future__ import annotations

import math
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from localcloud.painter.canvas import Cutout
from localcloud.painter.raster import RGB, mix, plane
from localcloud.painter.terms import Season

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import Plane


class Tree(Enum):
    """The habit of a tree."""

    BROADLEAF = "broadleaf"
    CONIFER = "conifer"
    PINE = "pine"
    WILLOW = "willow"
    POPLAR = "poplar"
    PALM = "palm"
    BAMBOO = "bamboo"
    BLOSSOM = "blossom"
    BUSH = "bush"


_LEAVES: dict[Season, tuple[RGB, ...]] = {
    Season.SPRING: ((0.44, 0.62, 0.26), (0.56, 0.70, 0.30), (0.50, 0.66, 0.34)),
    Season.SUMMER: ((0.26, 0.47, 0.20), (0.34, 0.54, 0.22), (0.22, 0.42, 0.24)),
    Season.AUTUMN: ((0.84, 0.34, 0.12), (0.90, 0.60, 0.14), (0.72, 0.24, 0.13), (0.86, 0.72, 0.22)),
    Season.WINTER: ((0.40, 0.36, 0.30), (0.44, 0.38, 0.30)),
}
_BARK: RGB = (0.34, 0.26, 0.20)
_SNOW: RGB = (0.97, 0.98, 1.0)
_SCALE = 2


class _Sketch:
    """A tree on its way to a cut-out, drawn at twice its size; x from -0.5 to 0.5 of the width, y up from the foot."""

    def __init__(self, stage: Stage, rng: np.random.Generator, height_px: float, aspect: float) -> None:
        self.rng, self.light, self.scene = rng, stage.light, stage.scene
        self.rows = max(6, int(height_px * _SCALE))
        self.columns = max(6, int(height_px * _SCALE * aspect))
        self.pixels = np.zeros((self.rows, self.columns, 4), np.uint8)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.columns / 2 + x * self.rows, self.rows * (1 - y)

    def ink(self, albedo: RGB, facing: float) -> tuple[float, float, float, float]:
        red, green, blue = self.light.on(albedo, facing)
        gloom = 1 + 0.35 * min(0.0, facing)
        return min(255.0, red * gloom * 255), min(255.0, green * gloom * 255), min(255.0, blue * gloom * 255), 255.0

    def limb(self, x0: float, y0: float, x1: float, y1: float, width0: float, width1: float, bark: RGB = _BARK) -> None:
        """A tapered stem, darker on the side away from the light."""
        (ax, ay), (bx, by) = self.at(x0, y0), self.at(x1, y1)
        length = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = -(by - ay) / length, (bx - ax) / length
        w0, w1 = max(0.6, width0 * self.rows / 2), max(0.5, width1 * self.rows / 2)
        quad = [
            (ax + nx * w0, ay + ny * w0),
            (bx + nx * w1, by + ny * w1),
            (bx - nx * w1, by - ny * w1),
            (ax - nx * w0, ay - ny * w0),
        ]
        cv2.fillConvexPoly(self.pixels, np.array(quad, np.int32), self.ink(bark, 0.1))
        lit = self.light.side * 0.45
        strip = [(px + lit * w, py) for (px, py), w in zip(quad, (w0, w1, w1, w0), strict=True)]
        middle = [((px + qx) / 2, (py + qy) / 2) for (px, py), (qx, qy) in zip(quad, strip, strict=True)]
        if w0 > 2:
            cv2.fillConvexPoly(self.pixels, np.array(middle, np.int32)[[0, 1, 2, 3]], self.ink(bark, 0.5))

    def dabs(self, points: Plane, size: float, shades: Plane, colours: Plane, *, flat: float = 0.6) -> None:
        """Leaves at `points` (n, 2), the dark ones first; `shades` (n,) is how far each faces the light."""
        order = np.argsort(shades)
        angles = self.rng.uniform(0, math.pi, len(points))
        sizes = size * self.rows * self.rng.uniform(0.6, 1.25, len(points))
        x = self.columns / 2 + points[:, 0] * self.rows
        y = self.rows * (1 - points[:, 1])
        cosine, sine = np.cos(angles), np.sin(angles)
        long, short = sizes, sizes * flat
        corners = np.stack(
            [
                np.stack([x + long * cosine, y + long * sine], 1),
                np.stack([x - short * sine, y + short * cosine], 1),
                np.stack([x - long * cosine, y - long * sine], 1),
                np.stack([x + short * sine, y - short * cosine], 1),
            ],
            axis=1,
        )
        quads = np.round(corners * 8).astype(np.int32)
        key = np.maximum(shades, 0)[:, None] * (1 - 0.8 * self.light.softness)
        gloom = 1 + 0.40 * np.minimum(shades, 0)[:, None] + 0.10 * self.light.softness * shades[:, None]
        inks = np.clip(colours * (plane(self.light.ambient) * gloom + plane(self.light.sun) * key) * 255, 0, 255)
        for index in order:
            red, green, blue = inks[index].tolist()
            cv2.fillConvexPoly(self.pixels, quads[index], (red, green, blue, 255.0), cv2.LINE_8, 3)

    def cutout(self) -> Cutout:
        size = (max(2, self.columns // _SCALE), max(2, self.rows // _SCALE))
        return Cutout(plane(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)) / np.float32(255))


def tree(stage: Stage, rng: np.random.Generator, kind: Tree, height_px: float) -> Cutout:
    """Draw one tree, `height_px` high."""
    aspect = {
        Tree.CONIFER: 0.5,
        Tree.POPLAR: 0.36,
        Tree.BAMBOO: 0.6,
        Tree.PINE: 1.15,
        Tree.PALM: 0.95,
        Tree.BUSH: 1.9,
    }.get(kind, 1.2)
    sketch = _Sketch(stage, rng, height_px, aspect)
    if kind is Tree.CONIFER:
        _conifer(sketch)
    elif kind is Tree.PALM:
        _palm(sketch)
    elif kind is Tree.BAMBOO:
        _bamboo(sketch)
    elif kind is Tree.WILLOW:
        _willow(sketch)
    elif kind is Tree.PINE:
        _pine(sketch)
    elif kind is Tree.BUSH:
        _bush(sketch)
    else:
        _broadleaf(sketch, kind)
    return sketch.cutout()


def _leaf_colours(sketch: _Sketch, count: int, base: RGB | None = None) -> Plane:
    own = (
        base
        if base is not None
        else _LEAVES[sketch.scene.season][int(sketch.rng.integers(0, len(_LEAVES[sketch.scene.season])))]
    )
    spread = sketch.rng.normal(1, 0.10, (count, 1)) + sketch.rng.normal(0, 0.035, (count, 3))
    return plane(np.asarray(own) * spread)


def _detail(sketch: _Sketch, most: int) -> int:
    """Fewer dabs on small trees."""
    return int(min(most, 60 + sketch.rows * 3.4))


def _broadleaf(sketch: _Sketch, kind: Tree) -> None:
    rng, winter = sketch.rng, sketch.scene.season is Season.WINTER
    slim = 0.36 if kind is Tree.POPLAR else 1.0
    lean = rng.uniform(-0.05, 0.05)
    fork = rng.uniform(0.26, 0.36)
    sketch.limb(0, 0, lean * 0.6, fork, 0.060 * slim**0.3, 0.045 * slim**0.3)
    clusters = []
    count = 9 if kind is not Tree.POPLAR else 7
    for number in range(count):
        angle = (number / (count - 1) - 0.5) * 2.5 + rng.uniform(-0.15, 0.15)
        reach = rng.uniform(0.24, 0.36) * (1.1 if abs(angle) > 0.8 else 1.0)
        x, y = lean + math.sin(angle) * reach * slim, 0.56 + math.cos(angle) * reach * 0.80
        clusters.append((x, min(y, 0.86), rng.uniform(0.12, 0.175) * (0.62 if slim < 1 else 1.0)))
    clusters.append((lean, 0.62, 0.17 * slim**0.5))
    for x, y, _ in clusters[:-1]:
        bx, by = lean * 0.6 + x * 0.45, fork + (y - fork) * 0.5
        sketch.limb(lean * 0.6, fork * 0.97, bx, by, 0.034, 0.020)
        sketch.limb(bx, by, x, y, 0.020, 0.005)
        if winter:
            for _ in range(9):
                tx, ty = bx + (x - bx) * rng.uniform(0.2, 1.1), by + (y - by) * rng.uniform(0.2, 1.1)
                ex, ey = tx + rng.normal(0, 0.07), ty + abs(rng.normal(0.06, 0.04))
                sketch.limb(tx, ty, ex, min(ey, 0.99), 0.008, 0.002)
                sketch.limb(ex, ey, ex + rng.normal(0, 0.035), min(ey + 0.035, 0.99), 0.003, 0.001)
    if winter:
        if sketch.scene.snow_cover > 0.8:
            _snow_dabs(sketch, clusters, 90)
        return
    base: RGB | None = None
    if kind is Tree.BLOSSOM:
        base = (0.97, 0.74, 0.81) if rng.random() < 0.7 else (0.97, 0.90, 0.92)
    _leaves(sketch, clusters, (lean, 0.60, 0.36), base)
    if sketch.scene.snow_cover > 0.8:
        _snow_dabs(sketch, clusters, 160)


def _bush(sketch: _Sketch) -> None:
    """Leaves down to the ground."""
    rng = sketch.rng
    clusters = [
        (float(x), float(rng.uniform(0.18, 0.42)), float(rng.uniform(0.26, 0.36))) for x in np.linspace(-0.58, 0.58, 5)
    ]
    clusters += [(float(rng.uniform(-0.25, 0.25)), 0.55, 0.34)]
    base: RGB | None = (0.50, 0.42, 0.32) if sketch.scene.season is Season.WINTER else None
    _leaves(sketch, clusters, (0.0, 0.3, 0.7), base)
    if sketch.scene.snow_cover > 0.3:
        _snow_dabs(sketch, clusters, 90)


def _leaves(
    sketch: _Sketch, clusters: list[tuple[float, float, float]], crown: tuple[float, float, float], base: RGB | None
) -> None:
    """Fill clumps (x, y, radius) with leaves; `crown` is the middle and the radius of the whole."""
    rng = sketch.rng
    own = _leaf_colours(sketch, 1, base)[0]
    for x, y, radius in clusters:
        _mass(sketch, x, y, radius, (float(own[0]), float(own[1]), float(own[2])))
    total = _detail(sketch, 6500)
    weight = np.array([radius**2 for *_, radius in clusters])
    centre = plane(clusters)[rng.choice(len(clusters), total, p=weight / weight.sum())]
    angle, reach = rng.uniform(0, 2 * math.pi, total), np.sqrt(rng.random(total)) * 1.04
    spread = np.stack([np.cos(angle) * 1.1, np.sin(angle) * 0.94], 1) * reach[:, None]
    points = plane(centre[:, :2] + spread * centre[:, 2:])
    whole = (points - np.array(crown[:2])) / crown[2]
    side = sketch.light.side
    shades = 0.36 * spread[:, 0] * side + 0.46 * spread[:, 1] + 0.22 * whole[:, 0] * side + 0.24 * whole[:, 1]
    shades = plane(shades + 0.10 + rng.normal(0, 0.13, total))
    inside = (points[:, 1] > 0.01) & (points[:, 1] < 0.992)
    colours = plane(own * (rng.normal(1, 0.09, (total, 1)) + rng.normal(0, 0.035, (total, 3))))
    sketch.dabs(points[inside], 0.0072 + 1.3 / sketch.rows, shades[inside], colours[inside])


def _mass(sketch: _Sketch, x: float, y: float, radius: float, leaf: RGB) -> None:
    """The dark inside of a clump, so that the sky isn't seen through all of it."""
    for _ in range(4):
        px, py = sketch.at(
            x + float(sketch.rng.normal(0, radius * 0.22)), y + float(sketch.rng.normal(0, radius * 0.2))
        )
        cv2.circle(
            sketch.pixels, (int(px), int(py)), max(1, int(radius * 0.52 * sketch.rows)), sketch.ink(leaf, -0.5), -1
        )


def _snow_dabs(sketch: _Sketch, clusters: list[tuple[float, float, float]], count: int) -> None:
    rng = sketch.rng
    chosen = plane(clusters)[rng.integers(0, len(clusters), count)]
    points = (
        chosen[:, :2]
        + plane(np.stack([rng.normal(0, 0.5, count), np.abs(rng.normal(0.4, 0.25, count))], 1)) * chosen[:, 2:]
    )
    shades = plane(rng.uniform(0.2, 0.9, count))
    sketch.dabs(plane(points), 0.012, shades, plane(np.tile(_SNOW, (count, 1))), flat=0.4)


def _conifer(sketch: _Sketch) -> None:
    rng = sketch.rng
    sketch.limb(0, 0, 0, 0.9, 0.045, 0.006)
    dark: RGB = mix((0.13, 0.30, 0.22), (0.22, 0.36, 0.20), float(rng.random()))
    tiers = 14
    points: list[tuple[float, float]] = []
    shades: list[float] = []
    tones: list[RGB] = []
    snow = sketch.scene.snow_cover
    for tier in range(tiers):
        level = 0.10 + 0.86 * tier / tiers
        half = 0.215 * (1 - level) ** 0.8 + 0.012
        count = int(max(6, 84 * (1 - level) * min(1.0, sketch.rows / 500 + 0.2)))
        for along in np.linspace(-1, 1, count):
            reach = half * rng.uniform(0.86, 1.1)
            x = along * reach
            y = level + 0.050 - abs(along) ** 1.4 * 0.070 + rng.normal(0, 0.007)
            points.append((x, y))
            face = 0.10 + 0.42 * along * sketch.light.side + rng.normal(0, 0.16)
            white = snow > 0.3 and rng.random() < 0.62 * snow
            shades.append(face + (0.5 if white else 0))
            tones.append(_SNOW if white else dark)
            points.append((x * 0.92, y - 0.024))
            shades.append(-0.55)
            tones.append(dark)
    colours = plane(tones) * plane(rng.normal(1, 0.09, (len(tones), 1)))
    sketch.dabs(plane(points), 0.013 + 2.6 / sketch.rows, plane(shades), colours, flat=0.5)


def _pine(sketch: _Sketch) -> None:
    """A mountain pine: a bent trunk and flat pads of needles, one stretched out in greeting."""
    rng = sketch.rng
    bend = 1 if rng.random() < 0.5 else -1
    spine = [(0.0, 0.0), (0.05 * bend, 0.25), (-0.02 * bend, 0.5), (0.06 * bend, 0.74), (0.02 * bend, 0.88)]
    for number in range(4):
        (x0, y0), (x1, y1) = spine[number], spine[number + 1]
        sketch.limb(x0, y0, x1, y1, 0.055 - 0.011 * number, 0.044 - 0.011 * number)
    pads = [
        (0.30 * bend, 0.50, 0.24),
        (-0.22 * bend, 0.62, 0.17),
        (0.20 * bend, 0.74, 0.19),
        (-0.10 * bend, 0.80, 0.16),
        (0.02 * bend, 0.91, 0.19),
    ]
    for x, y, _ in pads:
        sketch.limb(spine[2][0], y - 0.10, x, y - 0.015, 0.026, 0.008)
    needle: RGB = (0.16, 0.34, 0.22)
    for x, y, half in pads:
        count = _detail(sketch, 420) // 2
        along = np.clip(rng.normal(0, 0.48, count), -1, 1)
        up = rng.random(count) * (1 - np.abs(along) ** 2)
        points = plane(np.stack([x + along * half, y - 0.02 + up * 0.075], 1))
        shades = plane(-0.35 + 0.95 * up + 0.25 * along * sketch.light.side + rng.normal(0, 0.12, count))
        colours = _leaf_colours(sketch, count, needle)
        if sketch.scene.snow_cover > 0.3:
            white = (up > 0.55) & (rng.random(count) < sketch.scene.snow_cover)
            colours[white] = _SNOW
        sketch.dabs(points, 0.017, shades, colours, flat=0.4)


def _willow(sketch: _Sketch) -> None:
    rng = sketch.rng
    lean = 0.06 * (1 if rng.random() < 0.5 else -1)
    sketch.limb(0, 0, lean, 0.45, 0.07, 0.045)
    for angle in (-0.9, -0.4, 0.1, 0.5, 1.0):
        sketch.limb(lean, 0.44, lean + math.sin(angle) * 0.26, 0.48 + math.cos(angle) * 0.38, 0.035, 0.008)
    colour = _LEAVES[sketch.scene.season][0] if sketch.scene.season is not Season.AUTUMN else (0.82, 0.70, 0.26)
    strands = int(min(190, 40 + sketch.rows / 4))
    bare = sketch.scene.season is Season.WINTER
    for strand in range(strands):
        angle = rng.uniform(-1.45, 1.45)
        reach = rng.uniform(0.20, 0.40)
        x, y = lean + math.sin(angle) * reach, 0.52 + math.cos(angle) * 0.43 * rng.uniform(0.8, 1.05)
        length = rng.uniform(0.25, 0.55) * (0.6 + 0.6 * abs(math.sin(angle)))
        count = max(4, int(length * sketch.rows / 14))
        t = np.linspace(0, 1, count)
        sway = 0.03 * math.sin(angle) + rng.normal(0, 0.008)
        points = plane(np.stack([x + sway * t + 0.05 * math.sin(angle) * t**0.5, np.maximum(y - length * t, 0.03)], 1))
        tone = 0.15 + 0.34 * math.sin(angle) * sketch.light.side + rng.normal(0, 0.22)
        shades = plane(np.full(count, tone) + 0.2 - 0.25 * t)
        if strand < strands // 3:
            shades -= 0.5
        colours = _leaf_colours(sketch, count, colour)
        sketch.dabs(points, 0.0075 if bare else 0.0125, shades, colours, flat=0.35)


def _palm(sketch: _Sketch) -> None:
    rng = sketch.rng
    bend = rng.uniform(0.08, 0.2) * (1 if rng.random() < 0.5 else -1)
    spine = [(-bend * (1 - t) ** 2 * 1.0 + 0.0, 0.72 * t) for t in np.linspace(0, 1, 9)]
    for number in range(8):
        (x0, y0), (x1, y1) = spine[number], spine[number + 1]
        sketch.limb(x0, y0, x1, y1, 0.036 - 0.002 * number, 0.034 - 0.002 * number, (0.52, 0.43, 0.34))
    top_x, top_y = spine[-1]
    for number, angle in enumerate(np.linspace(-1.9, 1.9, 12) + rng.normal(0, 0.08, 12)):
        length, droop = rng.uniform(0.30, 0.40), 0.13 + 0.17 * abs(angle) / 1.9
        t = np.linspace(0.06, 1, 40)
        x = top_x + math.sin(angle) * length * t
        y = top_y + math.cos(angle) * length * 0.72 * t - droop * t**2.2 + 0.05 * t
        points, shades = [], []
        for px, py, share in zip(x, y, t, strict=True):
            leaf = 0.075 * (1 - share) ** 0.5 + 0.012
            for fraction in (0.2, 0.5, 0.8):
                points.append((px + fraction * leaf * 0.5 * math.copysign(1, angle), py - leaf * fraction))
                shades.append(
                    0.42 - 0.8 * fraction + 0.25 * math.sin(angle) * sketch.light.side - (0.3 if number % 2 else 0)
                )
        sketch.dabs(
            plane(points), 0.013, plane(shades), _leaf_colours(sketch, len(points), (0.28, 0.50, 0.20)), flat=0.35
        )


def _bamboo(sketch: _Sketch) -> None:
    rng = sketch.rng
    for _ in range(9):
        x = rng.uniform(-0.2, 0.2)
        sway = rng.uniform(-0.12, 0.12)
        height = rng.uniform(0.75, 0.97)
        path = [(x + sway * t**2.2, height * t) for t in np.linspace(0, 1, 8)]
        for (x0, y0), (x1, y1) in pairwise(path):
            sketch.limb(x0, y0, x1, y1, 0.014, 0.012, (0.48, 0.60, 0.26))
        count = _detail(sketch, 150) // 2
        t = rng.uniform(0.4, 1.0, count)
        points = plane(
            np.stack(
                [
                    x + sway * t**2.2 + rng.normal(0, 0.07, count),
                    np.minimum(height * t + rng.normal(0, 0.04, count), 0.99),
                ],
                1,
            )
        )
        shades = plane(rng.normal(0.2, 0.35, count))
        sketch.dabs(points, 0.022, shades, _leaf_colours(sketch, count, (0.40, 0.58, 0.24)), flat=0.28)
