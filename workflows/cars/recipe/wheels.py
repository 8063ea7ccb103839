"""Wheels: rims with pairs of spokes, tyres, discs and calipers. Drawn at one size, then scaled.

x forward, y outward, z up, the hub at 0; metres at a tyre radius of 0.348.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from car import Part, part, unit
from solids import Plane, curve, cut, gradient, mesh, smax, smin, step

_RADIUS_M = 0.348

_face = curve((0.0, 0.078), (0.07, 0.076), (0.13, 0.070), (0.19, 0.080), (0.235, 0.102), (0.26, 0.108))


@dataclass(frozen=True, slots=True)
class Rim:
    """How many pairs of spokes there are, half their distance at the hub and at the rim, and half a spoke's width."""

    spokes: int
    pair_half_m: float
    rim_half_m: float = 0.062
    half_width_m: float = 0.0125

    def arms(self, x: Plane, z: Plane) -> Plane:
        """Distance to the spokes as seen along the axle: pairs that open towards the rim."""
        radius, angle = np.hypot(x, z), np.arctan2(x, z)
        sector = 2 * np.pi / self.spokes
        folded = np.abs((angle + sector / 2) % sector - sector / 2)
        u, v = radius * np.cos(folded), radius * np.sin(folded)
        lean = np.arctan2(self.rim_half_m - self.pair_half_m, 0.245 - 0.05)
        across = (v - self.pair_half_m) * np.cos(lean) - (u - 0.05) * np.sin(lean)
        arms = np.abs(across) - (self.half_width_m + 0.004 * step(radius, 0.16, 0.25))
        return smin(arms, radius - 0.062, 0.03)

    def solid(self, x: Plane, y: Plane, z: Plane) -> Plane:
        """Spokes, bowl and lip, with bolt holes and a hub cap."""
        radius = np.hypot(x, z)
        depth = y - _face(radius)
        face = smax(smax(self.arms(x, z), depth, 0.007), -depth - 0.034, 0.006)
        face = smax(face, radius - 0.248, 0.004)
        bowl = smax(np.abs(radius - 0.246) - 0.0055, np.abs(y) - 0.108, 0.004)
        lip = smax(np.abs(radius - 0.2515) - 0.007, np.abs(y - 0.1085) - 0.0055, 0.006)
        whole = smin(smin(face, bowl, 0.010), lip, 0.004)
        bolts = np.full(np.broadcast(x, z).shape, 1.0)
        for k in range(5):
            turn = 2 * np.pi * (k + 0.5) / 5
            bolts = np.minimum(bolts, np.hypot(x - 0.052 * np.sin(turn), z - 0.052 * np.cos(turn)) - 0.0085)
        bolts = np.maximum(bolts, 0.06 - y)
        hub = np.maximum(np.abs(radius - 0.031) - 0.0012, 0.072 - y)
        return smax(smax(whole, -bolts, 0.003), -hub, 0.002)

    def parts(self, step_m: float) -> list[Part]:
        """The rim, its faces turned bright."""
        whole = cut(mesh(self.solid, (-0.27, -0.12, -0.27), (0.27, 0.13, 0.27), step_m), _machined)
        normals = unit(gradient(self.solid, whole.points))
        x, y, z = whole.centres()
        bright = _machined(x, y, z) < 0.0
        bowl = ~bright & (y < 0.03)
        kinds = {"rim_bright": bright, "rim_inside": bowl, "rim": ~bright & ~bowl}
        return [Part(name, whole.points, normals, whole.faces[which]) for name, which in kinds.items()]


def _tyre(x: Plane, y: Plane, z: Plane) -> Plane:
    radius = np.hypot(x, z)
    u, v = (radius - 0.298) / 0.0515, y / 0.122
    ring = 0.05 * (np.power(np.abs(u) ** 4.5 + np.abs(v) ** 4.5, 1 / 4.5) - 1.0)
    ring = smax(ring, radius - _RADIUS_M, 0.02)
    for groove in (-0.055, -0.018, 0.018, 0.055):
        ring = smax(ring, -np.maximum(np.abs(y - groove) - 0.004, _RADIUS_M - 0.007 - radius), 0.003)
    # A raised rib guards the rim, as on most road tyres.
    return ring - 0.0022 * np.exp(-np.square((radius - 0.272) / 0.004))


def _disc(x: Plane, y: Plane, z: Plane) -> Plane:
    radius = np.hypot(x, z)
    plate = np.maximum(np.maximum(radius - 0.185, 0.085 - radius), np.abs(y - 0.030) - 0.013)
    return np.minimum(plate, np.maximum(radius - 0.088, np.abs(y - 0.02) - 0.035))


def _caliper(x: Plane, y: Plane, z: Plane) -> Plane:
    radius, angle = np.hypot(x, z), np.arctan2(z - 0.01, x)
    block = np.maximum(np.maximum(radius - 0.205, 0.125 - radius), np.abs(y - 0.030) - 0.034)
    return smax(block, 0.16 * (np.abs(angle) - 0.42), 0.015)


def _machined(x: Plane, y: Plane, z: Plane) -> Plane:
    """Negative on the faces of the spokes and the lip, which are turned bright; the flanks stay dark."""
    radius = np.hypot(x, z)
    return np.minimum(_face(radius) - 0.0026 - y, np.maximum(0.2485 - radius, 0.104 - y))


def wheels(
    rim: Rim, step_m: float, axles_x_m: tuple[float, float], tyre_middle_y_m: float, radius_m: float
) -> list[Part]:
    """Four wheels on their places; ``step_m`` is the mesh size of rims and tyres."""
    reach = 0.37
    made = [
        *rim.parts(step_m),
        part("tyre", _tyre, (-reach, -0.14, -reach), (reach, 0.14, reach), step_m * 1.4),
        part("disc", _disc, (-0.2, -0.05, -0.2), (0.2, 0.08, 0.2), 0.004),
        part("caliper", _caliper, (-0.01, -0.02, -0.2), (0.22, 0.08, 0.2), 0.004),
    ]
    scale = radius_m / _RADIUS_M
    parts = []
    for axle, turn in zip(axles_x_m, (0.35, 0.9), strict=True):
        for side in (-1.0, 1.0):
            for each in made:
                # The caliper stands behind the axle line of its hub; only what turns with the wheel is turned.
                spin = 0.0 if each.material == "caliper" else turn
                c, s = np.cos(spin), np.sin(spin)
                matrix = np.array([[c, 0, s], [0, side, 0], [-s, 0, c]])
                place = np.array([axle, side * tyre_middle_y_m, radius_m])
                faces = each.faces if side > 0 else each.faces[:, ::-1]
                points = scale * each.points @ matrix.T + place
                parts.append(Part(each.material, points, each.normals @ matrix.T, faces))
    return parts
