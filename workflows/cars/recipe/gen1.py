"""The shape of the first generation: a fictitious electric saloon, 4.75 m x 1.86 m x 1.45 m, drawn with functions.

The body is one implicit solid (profile, plan and section curves, blended); windows, lamps and shut-lines are cut into
its mesh as real edges. Only the right half (y > 0) is made; the other is its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from solids import Field, Mesh, Plane, bell, curve, cut, gradient, mesh, polygon, ramp, rounded, smax, smin, step

LENGTH_M, WIDTH_M, HEIGHT_M = 4.75, 1.86, 1.45
AXLES_X_M = (0.87, 3.67)
WHEEL_RADIUS_M = 0.348  # 245/45 R19
TYRE_MIDDLE_Y_M = 0.795
_ARCH_M = 0.377


class Part(NamedTuple):
    """A surface with one material: points (N, 3), their normals (N, 3), triangles (M, 3)."""

    material: str
    points: Plane
    normals: Plane
    faces: np.ndarray


# ------------------------------------------------------------------------------------------------ curves (metres)

_half_width = curve((-0.1, 0.82), (0.4, 0.900), (0.87, 0.924), (1.6, 0.921), (2.3, 0.922), (3.0, 0.926), (3.67, 0.93),
                    (4.2, 0.897), (4.75, 0.80))  # fmt: skip
_crease = curve((0.5, 0.735), (1.5, 0.80), (2.6, 0.835), (3.7, 0.875), (4.75, 0.90))
_bonnet = curve((-0.1, 0.60), (0.04, 0.678), (0.2, 0.742), (0.5, 0.816), (0.9, 0.886), (1.3, 0.938), (1.7, 0.960),
                (2.4, 0.965), (3.2, 0.99), (3.8, 1.025), (4.2, 1.046), (4.5, 1.052), (4.75, 1.068))  # fmt: skip
_nose = curve((0.10, 0.13), (0.18, 0.06), (0.28, 0.02), (0.42, 0.002), (0.55, 0.0), (0.64, 0.02), (0.74, 0.09),
              (0.9, 0.25))  # fmt: skip
_tail = curve((0.12, 4.42), (0.22, 4.58), (0.34, 4.69), (0.47, 4.735), (0.6, 4.735), (0.8, 4.708), (0.95, 4.712),
              (1.05, 4.735), (1.2, 4.775))  # fmt: skip
_floor = curve((0.0, 0.165), (0.8, 0.17), (2.3, 0.175), (3.7, 0.185), (4.3, 0.22), (4.75, 0.30))
_canopy = curve((0.85, 0.78), (1.2, 0.962), (1.6, 1.170), (1.95, 1.335), (2.25, 1.423), (2.6, 1.450), (3.0, 1.424),
                (3.4, 1.345), (3.8, 1.228), (4.2, 1.088), (4.5, 0.985))  # fmt: skip
_canopy_half_width = curve((1.2, 0.775), (1.8, 0.80), (2.5, 0.805), (3.1, 0.785), (3.7, 0.725), (4.2, 0.64))


def _wheel_distance(x: Plane, z: Plane) -> Plane:
    return np.minimum(*(np.hypot(x - axle, z - WHEEL_RADIUS_M) for axle in AXLES_X_M))


def _flank(x: Plane, y: Plane, z: Plane) -> Plane:
    below = _crease(x) - z
    doors = step(x, 0.9, 1.7) * (1.0 - step(x, 2.9, 3.7))
    section = -0.34 * ramp(-below, 0.012)
    section -= (0.004 + 0.012 * doors) * np.square(np.sin(np.pi * np.clip(below / 0.40, 0.0, 1.0)))
    section -= 0.030 * np.square(np.clip(below / 0.45, 0.0, None))
    section -= 0.45 * ramp(0.27 - z, 0.02)
    section += 0.014 * bell(_wheel_distance(x, z) - _ARCH_M - 0.01, 0.065)
    return np.abs(y) - _half_width(x) + 0.009 - section


def _deck(x: Plane, y: Plane, z: Plane) -> Plane:
    side = np.abs(y)
    front = 1.0 - step(x, 1.1, 1.7)
    crown = -0.055 * np.square(side / 0.8) + 0.020 * front * bell(side - 0.70, 0.14)
    crease = -0.05 * front * ramp(0.44 + 0.13 * (x - 0.2) - side, 0.010) * step(x, 0.0, 0.5) * 0.5
    return z - _bonnet(x) - crown - crease


def _front(x: Plane, y: Plane, z: Plane) -> Plane:
    sweep = 0.135 * np.power(np.abs(y) / 0.8, 2.3)
    recess = 0.035 * step(-_intake(np.abs(y), z), 0.0, 0.016) + 0.022 * step(-_curtain(np.abs(y), z), 0.0, 0.016)
    return _nose(z) + sweep + recess - x


def _rear(x: Plane, y: Plane, z: Plane) -> Plane:
    return x - _tail(z) - 0.010 + 0.165 * np.power(np.abs(y) / 0.8, 2.2)


def _lower(x: Plane, y: Plane, z: Plane) -> Plane:
    shoulder = 0.10 + 0.06 * (1.0 - step(x, 0.6, 1.5)) + 0.02 * step(x, 3.6, 4.3)
    body = smax(_flank(x, y, z), _deck(x, y, z), shoulder)
    body = smax(body, _front(x, y, z), 0.16)
    body = smax(body, _rear(x, y, z), 0.09)
    return smax(body, _floor(x) - z, 0.05)


def _canopy_top(x: Plane, y: Plane, z: Plane) -> Plane:
    return 0.88 * (z - _canopy(_along_canopy(x, y)) + 0.065 * np.square(y / 0.62))


def _along_canopy(x: Plane, y: Plane) -> Plane:
    """x of the centre line that a point of the curved windscreen or rear window belongs to."""
    return x - 0.27 * np.square(y / 0.75) * (1.0 - step(x, 1.5, 2.7)) + 0.24 * np.square(y / 0.75) * step(x, 2.9, 4.0)


def _canopy_side(x: Plane, y: Plane, z: Plane) -> Plane:
    up = z - 0.95
    return 0.92 * (np.abs(y) - _canopy_half_width(x) + 0.36 * up + 0.22 * np.square(np.clip(up, 0.0, None)))


def _shell(x: Plane, y: Plane, z: Plane) -> Plane:
    canopy = smax(_canopy_top(x, y, z), _canopy_side(x, y, z), 0.085)
    canopy = smax(canopy, np.maximum(0.7 - z, x - 4.4), 0.01)
    body = smin(_lower(x, y, z), canopy, 0.022 + 0.10 * step(x, 3.5, 4.1))
    well = smax(_wheel_distance(x, z) - _ARCH_M, 0.50 - np.abs(y), 0.03)
    return smax(body, -well, 0.014)


# -------------------------------------------------------------------------------------------- lines on the surface

# fmt: off
_intake = polygon([(-0.7, 0.235), (0.56, 0.235), (0.655, 0.345), (0.56, 0.385), (-0.7, 0.385)], 0.02)
_curtain = polygon([(0.69, 0.27), (0.735, 0.27), (0.775, 0.52), (0.745, 0.52)], 0.008)
_side_window = polygon(rounded([(1.50, 0.955), (1.53, 0.985), (1.68, 1.062), (1.90, 1.180), (2.10, 1.283),
    (2.24, 1.338), (2.42, 1.362), (2.70, 1.366), (3.00, 1.345), (3.35, 1.272), (3.65, 1.175), (3.81, 1.095),
    (3.83, 1.055), (3.72, 1.034), (3.2, 1.006), (2.4, 0.975), (1.8, 0.960)]))
_front_door = polygon([(1.60, 0.30), (1.505, 0.62), (1.475, 0.83), (1.55, 0.94), (1.80, 1.00), (2.10, 1.10),
    (2.40, 1.24), (2.55, 1.29), (2.60, 0.98), (2.60, 0.30)], 0.05)
_rear_door = polygon([(2.606, 0.30), (2.606, 0.98), (2.606, 1.30), (3.0, 1.28), (3.36, 1.20), (3.62, 1.06),
    (3.57, 0.86), (3.44, 0.74), (3.27, 0.58), (3.18, 0.40), (3.14, 0.30)], 0.05)
_bonnet_outline = polygon(rounded([(0.185, -0.8), (0.185, 0.0), (0.188, 0.28), (0.225, 0.52), (0.30, 0.635),
    (0.45, 0.685), (0.9, 0.715), (1.32, 0.725), (1.6, 0.70), (1.6, -0.8)]))
_boot_outline = polygon([(4.1, -0.6), (4.1, 0.50), (4.3, 0.58), (4.9, 0.62), (4.9, -0.6)], 0.04)
_lamp = polygon(rounded([(0.465, 0.640), (0.465, 0.604), (0.62, 0.592), (0.80, 0.590), (0.93, 0.606), (1.06, 0.640),
    (1.20, 0.676), (1.30, 0.712), (1.31, 0.728), (1.20, 0.726), (1.05, 0.712), (0.90, 0.690), (0.72, 0.661),
    (0.60, 0.645)]), 0.003)
_light_strip = polygon(rounded([(0.49, 0.632), (0.49, 0.619), (0.62, 0.622), (0.76, 0.636), (0.92, 0.664),
    (1.06, 0.688), (1.20, 0.705), (1.265, 0.717), (1.19, 0.717), (1.05, 0.703), (0.91, 0.681), (0.75, 0.651),
    (0.62, 0.636)]))
_brow = polygon([(-0.5, 0.634), (-0.5, 0.616), (0.50, 0.610), (0.50, 0.634)], 0.002)
_tail_lamp = polygon(rounded([(-0.6, 0.945), (-0.6, 0.885), (0.0, 0.885), (0.60, 0.883), (0.90, 0.881),
    (1.16, 0.900), (1.36, 0.945), (1.37, 0.958), (1.25, 0.962), (1.00, 0.960), (0.60, 0.952), (0.0, 0.947)]))
_handles = [polygon([(x, 0.845), (x + 0.21, 0.853), (x + 0.21, 0.880), (x, 0.872)], 0.011) for x in (2.30, 3.17)]
# fmt: on


def _windscreen(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_side(x, y, z) - _canopy_top(x, y, z) + 0.050
    return np.maximum.reduce([pillar, 1.21 - _along_canopy(x, y), _along_canopy(x, y) - 2.03, 0.020 - _lower(x, y, z)])


def _side_frame(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_top(x, y, z) - _canopy_side(x, y, z) - 0.002
    return np.maximum(_side_window(x, z), pillar)


def _rear_window(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_side(x, y, z) - _canopy_top(x, y, z) + 0.060
    return np.maximum.reduce([pillar, 3.17 - _along_canopy(x, y), _along_canopy(x, y) - 4.12, 0.03 - _lower(x, y, z)])


class _Mark(NamedTuple):
    """What covers a stretch of the shell: the material, its edges (behind the first, before the second), and where.

    ``box`` is (x, y, z) from and to, in metres.
    """

    material: str
    edge: Field
    inner: Field | None
    box: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

    def here(self, x: Plane, y: Plane, z: Plane) -> np.ndarray:
        """Which points lie in the box."""
        inside = np.ones(x.shape, dtype=bool)
        for values, (low, high) in zip((x, y, z), self.box, strict=True):
            inside &= (values > low) & (values < high)
        return inside


_Outline = Callable[[Plane, Plane], Plane]


def _from_side(outline: _Outline) -> Field:
    return lambda x, _y, z: outline(x, z)


def _from_above(outline: _Outline) -> Field:
    return lambda x, y, _z: outline(x, y)


def _from_ahead(outline: _Outline) -> Field:
    return lambda _x, y, z: outline(y, z)


def _round_front(outline: _Outline) -> Field:
    """Seen along the way around the front corner, so that a lamp keeps its height on both sides of it."""
    return lambda x, y, z: outline(y + 0.75 * x, z)


def _round_rear(outline: _Outline) -> Field:
    return lambda x, y, z: outline(y + 0.75 * (LENGTH_M - x), z)


def _inset(distance: Field, by: float) -> Field:
    return lambda x, y, z: distance(x, y, z) + by


def _leaning(x_at_600: float, lean: float) -> Field:
    """An upright line on the flank through ``x_at_600`` at a height of 0.6 m."""
    return lambda x, _y, z: x - x_at_600 - lean * (z - 0.6)


def _side_glass(x: Plane, y: Plane, z: Plane) -> Plane:
    """Both panes within their frame, without the pillar between them."""
    return np.maximum(_side_frame(x, y, z) + 0.020, 0.05 - np.abs(x - 2.60 + 0.05 * (z - 1.0)))


def _skirt(x: Plane, _y: Plane, z: Plane) -> Plane:
    return z - 0.238 - 0.15 * step(x, 4.0, 4.5)


def _arch_lip(x: Plane, _y: Plane, z: Plane) -> Plane:
    return _wheel_distance(x, z) - _ARCH_M - 0.004


def _marks() -> list[_Mark]:
    """All that covers the paint, later ones over earlier ones."""
    far = (-9.0, 9.0)
    flank, above_skirt = (0.5, 9.0), (0.2, 9.0)
    canopy, pane = (far, far, (0.85, 9.0)), (far, (0.4, 9.0), (0.9, 9.0))
    nose, tail = ((-9.0, 0.72), far, far), ((4.1, 9.0), far, far)
    gaps = [
        *((_from_side(outline), 0.0030, ((0.6, 4.5), flank, above_skirt)) for outline in (_front_door, _rear_door)),
        *((_from_side(outline), 0.0022, ((0.6, 4.5), flank, above_skirt)) for outline in _handles),
        (_from_above(_bonnet_outline), 0.0030, ((-9.0, 1.45), far, (0.66, 9.0))),
        (_from_above(_boot_outline), 0.0030, ((3.9, 9.0), far, (0.96, 9.0))),
        (_leaning(0.535, 0.35), 0.0025, ((-9.0, 0.8), (0.6, 9.0), (0.30, 0.70))),
        (_leaning(4.13, 0.5), 0.0025, ((3.9, 9.0), (0.6, 9.0), (0.30, 0.90))),
    ]
    return [
        *(_Mark("gap", _inset(line, -half), _inset(line, half), box) for line, half, box in gaps),
        _Mark("gloss", _side_frame, None, pane),
        _Mark("glass", _side_glass, None, pane),
        _Mark("gloss", _windscreen, None, canopy),
        _Mark("screen", _inset(_windscreen, 0.025), None, canopy),
        _Mark("gloss", _rear_window, None, canopy),
        _Mark("glass", _inset(_rear_window, 0.03), None, canopy),
        _Mark("gloss", _from_ahead(_brow), None, nose),
        _Mark("gloss", _round_front(_lamp), None, nose),
        _Mark("light", _round_front(_light_strip), None, nose),
        _Mark("tail_lamp", _round_rear(_tail_lamp), None, tail),
        _Mark("tail_light", _inset(_round_rear(_tail_lamp), 0.020), None, tail),
        _Mark("plastic", _from_ahead(_intake), None, nose),
        _Mark("plastic", _from_ahead(_curtain), None, nose),
        _Mark("plastic", _skirt, None, (far, far, far)),
        _Mark("plastic", _arch_lip, None, (far, far, (-9.0, 0.8))),
    ]


# ------------------------------------------------------------------------------------------------------------ parts


def body(step_m: float) -> list[Part]:
    """The shell with everything that is cut into it, both halves."""
    whole = mesh(_shell, (-0.05, 0.0, 0.12), (4.85, 1.0, 1.5), step_m)
    marks = _marks()
    for mark in marks:
        for edge in (mark.edge, mark.inner):
            if edge is not None:
                whole = cut(whole, edge, mark.here(*whole.points.T))
    x, y, z = whole.centres()
    material = np.full(len(x), "paint", dtype="<U10")
    for mark in marks:
        inside = mark.here(x, y, z) & (mark.edge(x, y, z) < 0.0)
        if mark.inner is not None:
            inside &= mark.inner(x, y, z) > 0.0
        material[inside] = mark.material
    normals = _unit(gradient(_shell, whole.points))
    parts = []
    for name in np.unique(material):
        parts += _both(str(name), whole.points, normals, whole.faces[material == name])
    return parts


def mirrors() -> list[Part]:
    """The outside mirrors."""

    def housing(x: Plane, y: Plane, z: Plane) -> Plane:
        u, v, w = (x - 1.655) / 0.090, (y - 0.945) / 0.108, (z - 1.040 - 0.05 * (y - 0.945)) / 0.064
        shell = 0.075 * (np.power(np.abs(u) ** 2.4 + np.abs(v) ** 2.6 + np.abs(w) ** 2.4, 1 / 2.4) - 1.0)
        return smax(shell, x - 1.715, 0.02)

    def foot(x: Plane, y: Plane, z: Plane) -> Plane:
        return smax(
            np.maximum(np.abs(x - 1.66 - 0.1 * (y - 0.9)) - 0.035, y - 0.92),
            np.abs(z - 0.990 - 0.35 * (y - 0.86)) - 0.013,
            0.02,
        )

    parts = []
    for name, solid in (("paint", housing), ("gloss", foot)):
        made = mesh(solid, (1.50, 0.74, 0.90), (1.80, 1.15, 1.16), 0.004)
        normals = _unit(gradient(solid, made.points))
        parts += _both(name, made.points, normals, made.faces)
    return parts


def surface_x(y: float, z: float) -> float:
    """x of the nose at (y, z), by bisection."""
    low, high = -0.3, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        outside = float(_shell(np.array(middle), np.array(y), np.array(z))) > 0
        low, high = (middle, high) if outside else (low, middle)
    return low


def surface_y(x: float, z: float) -> float:
    """y of the right flank at (x, z), by bisection."""
    low, high = 0.5, 1.1
    for _ in range(40):
        middle = (low + high) / 2
        outside = float(_shell(np.array(x), np.array(middle), np.array(z))) > 0
        low, high = (low, middle) if outside else (middle, high)
    return high


def normal_at(point: Plane) -> Plane:
    """The outward normal of the shell at a point (3,)."""
    return _unit(gradient(_shell, point[None]))[0]


def _both(material: str, points: Plane, normals: Plane, faces: np.ndarray) -> list[Part]:
    used, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(-1, 3)
    points, normals = points[used], normals[used]
    flip = np.array([1.0, -1.0, 1.0])
    return [Part(material, points, normals, faces), Part(material, points * flip, normals * flip, faces[:, ::-1])]


def _unit(vectors: Plane) -> Plane:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


__all__ = ["Mesh", "Part", "body", "mirrors", "normal_at", "smin", "surface_x", "surface_y"]
