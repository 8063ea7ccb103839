"""A car's shell: one solid, with windows, lamps and shut-lines cut into its mesh as real edges.

Only the right half (y > 0) is made; the other is its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from car import Part, Point, both, unit
from solids import Field, Mesh, Plane, cut, gradient, mesh, smax

Outline = Callable[[Plane, Plane], Plane]
Range = tuple[float, float]
#: A box that holds everything along one axis.
FAR: Range = (-9.0, 9.0)


class Mark(NamedTuple):
    """What covers a stretch of the shell: the material, its edges (behind the first, before the second), and where.

    ``box`` is (x, y, z) from and to, in metres.
    """

    material: str
    edge: Field
    inner: Field | None
    box: tuple[Range, Range, Range]

    def here(self, x: Plane, y: Plane, z: Plane) -> np.ndarray:
        """Which points lie in the box."""
        inside = np.ones(x.shape, dtype=bool)
        for values, (low, high) in zip((x, y, z), self.box, strict=True):
            inside &= (values > low) & (values < high)
        return inside


def gap(line: Field, half_m: float, box: tuple[Range, Range, Range]) -> Mark:
    """A shut-line, dark and twice ``half_m`` wide."""
    return Mark("gap", inset(line, -half_m), inset(line, half_m), box)


def dressed(shell: Field, marks: Sequence[Mark], low: Point, high: Point, step_m: float) -> list[Part]:
    """The shell in paint with everything that covers it, later marks over earlier ones, both halves."""
    whole = mesh(shell, low, high, step_m)
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
    normals = unit(gradient(shell, whole.points))
    parts = []
    for name in np.unique(material):
        parts += both(str(name), Mesh(whole.points, whole.faces[material == name]), normals)
    return parts


def mirrors() -> list[Part]:
    """The outside mirrors, as `gen1` has them."""

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
        parts += both(name, made, unit(gradient(solid, made.points)))
    return parts


def surface_x(shell: Field, y: float, z: float) -> float:
    """x of the nose at (y, z), by bisection."""
    return _edge(lambda x: shell(np.array(x), np.array(y), np.array(z)), 1.0, -0.3)


def surface_y(shell: Field, x: float, z: float) -> float:
    """y of the right flank at (x, z), by bisection."""
    return _edge(lambda y: shell(np.array(x), np.array(y), np.array(z)), 0.5, 1.2)


def surface_z(shell: Field, x: float, y: float) -> float:
    """z of the roof at (x, y), by bisection."""
    return _edge(lambda z: shell(np.array(x), np.array(y), np.array(z)), 0.9, 2.0)


def normal_at(shell: Field, point: Plane) -> Plane:
    """The outward normal of the shell at a point (3,)."""
    return unit(gradient(shell, point[None]))[0]


def _edge(value: Callable[[float], Plane], inside: float, outside: float) -> float:
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if float(value(middle)) > 0 else (middle, outside)
    return inside


def from_side(outline: Outline) -> Field:
    """An outline in (x, z)."""
    return lambda x, _y, z: outline(x, z)


def from_above(outline: Outline) -> Field:
    """An outline in (x, y)."""
    return lambda x, y, _z: outline(x, y)


def from_ahead(outline: Outline) -> Field:
    """An outline in (y, z)."""
    return lambda _x, y, z: outline(y, z)


def round_front(outline: Outline) -> Field:
    """Seen along the way around the front corner, so that a lamp keeps its height on both sides of it."""
    return lambda x, y, z: outline(y + 0.75 * x, z)


def round_rear(outline: Outline, length_m: float) -> Field:
    """Seen along the way around the rear corner."""
    return lambda x, y, z: outline(y + 0.75 * (length_m - x), z)


def inset(distance: Field, by: float) -> Field:
    """The same line, further inside."""
    return lambda x, y, z: distance(x, y, z) + by


def leaning(x_at_600: float, lean: float) -> Field:
    """An upright line on the flank through ``x_at_600`` at a height of 0.6 m."""
    return lambda x, _y, z: x - x_at_600 - lean * (z - 0.6)
