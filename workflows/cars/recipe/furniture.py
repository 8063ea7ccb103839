"""What is put into the shell and on its front: the cabin, and a number plate."""

from __future__ import annotations

import numpy as np
from badges import stand
from car import Part, part
from solids import Field, Plane, polygon, smax


def _block(
    centre: tuple[float, float, float], half: tuple[float, float, float], radius: float, lean: float = 0.0
) -> Field:
    def solid(x: Plane, y: Plane, z: Plane) -> Plane:
        u = x - centre[0] - lean * (z - centre[2])
        q = [
            np.abs(a - b) - h + radius
            for a, b, h in ((u, 0.0, half[0]), (y, centre[1], half[1]), (z, centre[2], half[2]))
        ]
        outside = np.sqrt(sum(np.square(np.maximum(a, 0.0)) for a in q))
        return outside + np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0.0) - radius

    return solid


def cabin() -> list[Part]:
    """Seats, dashboard, steering wheel and floor, as `gen1` has them: what shows as silhouettes through the glass."""
    blocks = [
        _block((1.74, 0.0, 0.77), (0.28, 0.64, 0.12), 0.06, -0.4),
        _block((2.75, 0.0, 0.40), (1.30, 0.74, 0.05), 0.03),
        _block((3.45, 0.0, 0.86), (0.09, 0.62, 0.24), 0.07, 0.45),
        _block((3.85, 0.0, 0.98), (0.32, 0.60, 0.03), 0.02, 0.0),
    ]
    for y in (-0.37, 0.37):
        blocks.append(_block((2.50, y, 0.82), (0.075, 0.25, 0.30), 0.07, 0.40))
        blocks.append(_block((2.665, y, 1.20), (0.045, 0.13, 0.085), 0.045, 0.30))
        blocks.append(_block((3.62, y, 1.11), (0.04, 0.13, 0.06), 0.04, 0.30))
    parts = [part("cabin", block, (0.9, -0.85, 0.3), (4.4, 0.85, 1.35), 0.02) for block in blocks]

    def wheel(x: Plane, y: Plane, z: Plane) -> Plane:
        along = (x - 1.98) * 0.92 + (z - 0.93) * 0.39
        across = -(x - 1.98) * 0.39 + (z - 0.93) * 0.92
        ring = np.hypot(np.hypot(across, y + 0.37) - 0.175, along) - 0.015
        hub = np.maximum(np.hypot(across, y + 0.37) - 0.05, np.abs(along) - 0.02)
        bar = np.maximum(np.abs(across) - 0.02, np.maximum(np.abs(along) - 0.012, np.abs(y + 0.37) - 0.175))
        return np.minimum(np.minimum(ring, hub), bar)

    parts.append(part("cabin", wheel, (1.8, -0.6, 0.7), (2.15, -0.14, 1.15), 0.008))
    return parts


def plate(front: Plane) -> list[Part]:
    """A blank front number plate, 440 x 140 mm, on its carrier; ``front`` (3,) is its middle."""

    def sheet(x: Plane, y: Plane, z: Plane) -> Plane:
        flat = polygon([(-0.22, -0.07), (0.22, -0.07), (0.22, 0.07), (-0.22, 0.07)], 0.012)(x, z)
        return smax(flat, np.abs(y) - 0.003, 0.003)

    def carrier(x: Plane, y: Plane, z: Plane) -> Plane:
        flat = polygon([(-0.228, -0.078), (0.228, -0.078), (0.228, 0.078), (-0.228, 0.078)], 0.016)(x, z)
        return smax(flat, np.abs(y - 0.02) - 0.022, 0.004)

    box = ((-0.24, -0.02, -0.1), (0.24, 0.06, 0.1))
    parts = [part("plate", sheet, *box, 0.004), part("plastic", carrier, *box, 0.004)]
    return stand(parts, front, np.array([-1.0, 0.0, 0.0]), 0.0)
