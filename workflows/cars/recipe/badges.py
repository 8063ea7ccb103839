"""Badges: emblems drawn flat, and how they are set upright on the shell. Each is the project's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from car import Badge, Part, part
from solids import Plane, polygon, smax

#: Draws an emblem of a width in metres flat on y = 0, looking along -y: its parts, and its outline's corners (N, 3).
Emblem = Callable[[float], Badge]

_HEXAGON = [(-0.5, 0.0), (-0.27, 0.40), (0.27, 0.40), (0.5, 0.0), (0.27, -0.40), (-0.27, -0.40)]
_PEAKS = [(-0.40, -0.15), (-0.14, 0.22), (-0.02, 0.04), (0.12, 0.30), (0.42, -0.15)]


def road_and_horizon(width: float) -> Badge:
    """A hexagonal frame with a winding road that narrows to the horizon."""
    outline = polygon([(u * width, v * width) for u, v in _HEXAGON], 0.06 * width)
    t = np.linspace(0.0, 1.0, 24)
    road_u = width * (0.20 * np.sin(2.1 * np.pi * t - 0.55) * (1.0 - 0.75 * t) - 0.02)
    road_v = width * (-0.36 + 0.58 * t)
    half = width * (0.085 * (1.0 - t) ** 1.3 + 0.020)

    def road(u: Plane, v: Plane) -> Plane:
        near = np.full(np.broadcast(u, v).shape, 1.0)
        for a, b, h in zip(road_u, road_v, half, strict=True):
            near = np.minimum(near, np.hypot(u - a, v - b) - h)
        return near

    horizon_v = 0.225 * width

    def metal(x: Plane, y: Plane, z: Plane) -> Plane:
        frame = np.abs(outline(x, z) + 0.035 * width) - 0.035 * width
        line = np.maximum(np.abs(z - horizon_v) - 0.016 * width, outline(x, z))
        drawn = np.minimum(np.minimum(frame, line), np.maximum(road(x, z), outline(x, z)))
        return smax(drawn, np.abs(y) - 0.0045, 0.003)

    def enamel(x: Plane, y: Plane, z: Plane) -> Plane:
        return np.maximum(outline(x, z), np.abs(y) - 0.002)

    reach = 0.55 * width
    box = ((-reach, -0.007, -0.5 * width), (reach, 0.007, 0.5 * width))
    corners = np.array([(u * width, 0.0, v * width) for u, v in _HEXAGON])
    return Badge([part("chrome", metal, *box, width / 110), part("enamel", enamel, *box, width / 60)], corners)


def peaks(width: float) -> Badge:
    """A roundel with two peaks."""
    ridge = polygon([(u * width, v * width) for u, v in _PEAKS])

    def roundel(x: Plane, z: Plane) -> Plane:
        return np.hypot(x, z) - 0.5 * width

    def metal(x: Plane, y: Plane, z: Plane) -> Plane:
        frame = np.abs(roundel(x, z) + 0.04 * width) - 0.04 * width
        drawn = np.minimum(frame, np.maximum(ridge(x, z), roundel(x, z)))
        return smax(drawn, np.abs(y) - 0.0055, 0.004)

    def enamel(x: Plane, y: Plane, z: Plane) -> Plane:
        return np.maximum(roundel(x, z), np.abs(y) - 0.002)

    reach = 0.55 * width
    box = ((-reach, -0.008, -reach), (reach, 0.008, reach))
    turns = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    corners = np.stack([np.cos(turns), np.zeros(24), np.sin(turns)], axis=1) * 0.5 * width
    return Badge([part("chrome", metal, *box, width / 110), part("enamel", enamel, *box, width / 70)], corners)


def badge(emblem: Emblem, at: Plane, outward: Plane, width: float) -> Badge:
    """An emblem of a width in metres at a point (3,), its face towards ``outward`` (3,)."""
    flat = emblem(width)
    corners = Part("outline", flat.outline, flat.outline, np.zeros((0, 3), dtype=int))
    *parts, outline = stand([*flat.parts, corners], at, outward, 0.002)
    return Badge(parts, outline.points)


def stand(parts: list[Part], at: Plane, outward: Plane, lift: float) -> list[Part]:
    """Parts drawn looking along -y, set upright at a point with their front towards ``outward``."""
    right = np.cross(outward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, outward)
    # Columns: the picture's right as its reader sees it, away from the reader, up.
    matrix = np.stack([-right, -outward, up], axis=1)
    return [Part(p.material, p.points @ matrix.T + at + lift * outward, p.normals @ matrix.T, p.faces) for p in parts]
