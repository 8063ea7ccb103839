"""Solids from implicit functions: blended, meshed, and cut along lines that are given as distances.

A solid is where ``f(x, y, z) < 0``. All functions take arrays that broadcast against each other and give metres, not
quite the distance but with a gradient near 1 at the surface. x runs from the nose to the tail, y to the car's right, z
up; the ground is z = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from skimage.measure import marching_cubes

Plane = NDArray[np.float64]
Field = Callable[[Plane, Plane, Plane], Plane]


def smax(a: Plane | float, b: Plane | float, k: Plane | float) -> Plane:
    """The intersection of two solids with an edge rounded over about ``k`` metres (cubic polynomial, after Quilez)."""
    h = np.maximum(k - np.abs(np.subtract(a, b)), 0.0) / k
    return np.maximum(a, b) + h * h * h * np.asarray(k) / 6.0


def smin(a: Plane | float, b: Plane | float, k: Plane | float) -> Plane:
    """The union of two solids with a groove rounded over about ``k`` metres."""
    return -smax(-np.asarray(a), -np.asarray(b), k)


def ramp(t: Plane, width: float) -> Plane:
    """max(t, 0) with a bend of about ``width`` metres."""
    return width * np.logaddexp(0.0, np.clip(t / width, -60.0, 60.0))


def step(t: Plane, low: float, high: float) -> Plane:
    """0 below ``low``, 1 above ``high``, a smooth cubic between."""
    s = np.clip((t - low) / (high - low), 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)


def bell(t: Plane, width: float) -> Plane:
    """A Gaussian of height 1."""
    return np.exp(-np.square(t / width))


def curve(*knots: tuple[float, float]) -> Callable[[Plane], Plane]:
    """A twice differentiable curve through knots, straight beyond them."""
    xs, ys = np.array(knots, dtype=np.float64).T
    spline = CubicSpline(xs, ys, bc_type="natural")

    def at(x: Plane) -> Plane:
        inside = np.clip(x, xs[0], xs[-1])
        return spline(inside) + spline(inside, 1) * (x - inside)

    return at


def polygon(corners: Sequence[tuple[float, float]], radius: float = 0.0) -> Callable[[Plane, Plane], Plane]:
    """The signed distance to a convex or concave polygon (negative inside), its corners rounded by ``radius`` metres.

    The rounding is that of the distance to the polygon shrunk by ``radius``.
    """
    points = np.array(corners, dtype=np.float64)
    if radius:
        points = _shrunk(points, radius)

    def distance(u: Plane, v: Plane) -> Plane:
        u, v = np.broadcast_arrays(u, v)
        nearest = np.full(u.shape, np.inf)
        inside = np.zeros(u.shape, dtype=bool)
        for (au, av), (bu, bv) in zip(points, np.roll(points, -1, axis=0), strict=True):
            du, dv = bu - au, bv - av
            t = np.clip(((u - au) * du + (v - av) * dv) / (du * du + dv * dv), 0.0, 1.0)
            nearest = np.minimum(nearest, (u - au - t * du) ** 2 + (v - av - t * dv) ** 2)
            if dv != 0.0:
                crosses = (av > v) != (bv > v)
                inside ^= crosses & (u < du * (v - av) / dv + au)
        return np.where(inside, -1.0, 1.0) * np.sqrt(nearest) - radius

    return distance


def rounded(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A closed outline with its corners cut three times (Chaikin 1974): nearly a quadratic B-spline."""
    points = np.array(corners, dtype=np.float64)
    for _ in range(3):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], axis=1).reshape(-1, 2)
    return [(float(u), float(v)) for u, v in points]


def _shrunk(points: Plane, by: float) -> Plane:
    """Each edge moved inwards, met again with its neighbours."""
    area = np.sum(points[:, 0] * np.roll(points[:, 1], -1) - np.roll(points[:, 0], -1) * points[:, 1])
    along = np.roll(points, -1, axis=0) - points
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    inward = np.sign(area) * np.stack([-along[:, 1], along[:, 0]], axis=1)
    before, inward_before = np.roll(along, 1, axis=0), np.roll(inward, 1, axis=0)
    out = []
    for p, d0, n0, d1, n1 in zip(points, before, inward_before, along, inward, strict=True):
        matrix = np.stack([d0, -d1], axis=1)
        if abs(np.linalg.det(matrix)) < 1e-6:
            out.append(p + n1 * by)
        else:
            s, _ = np.linalg.solve(matrix, (n1 - n0) * by)
            out.append(p + n0 * by + d0 * s)
    return np.array(out)


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles: ``points`` (N, 3) in metres, ``faces`` (M, 3) counter-clockwise from outside."""

    points: Plane
    faces: NDArray[np.int64]

    def centres(self) -> tuple[Plane, Plane, Plane]:
        """x, y, z of the faces' middles, each (M,)."""
        middle = self.points[self.faces].mean(axis=1)
        return middle[:, 0], middle[:, 1], middle[:, 2]


def mesh(solid: Field, low: tuple[float, float, float], high: tuple[float, float, float], step_m: float) -> Mesh:
    """The surface of a solid inside a box, each point moved onto the surface; open where the box cuts it."""
    axes = [np.arange(a, b + step_m, step_m) for a, b in zip(low, high, strict=True)]
    x, y, z = axes
    values = np.empty((len(x), len(y), len(z)), dtype=np.float32)
    for i in range(0, len(x), 16):
        values[i : i + 16] = solid(x[i : i + 16, None, None], y[None, :, None], z[None, None, :])
    points, faces, _, _ = marching_cubes(values, 0.0, gradient_direction="descent")
    points = points.astype(np.float64) * step_m + np.array(low)
    on_wall = points[:, 1] <= low[1] + 1e-9
    for _ in range(3):
        slope = gradient(solid, points)
        slope[on_wall, 1] = 0.0
        value = solid(*points.T)
        move = (value / np.maximum(np.square(slope).sum(axis=1), 1e-3))[:, None] * slope
        points -= np.clip(move, -step_m, step_m)
    return Mesh(points, faces.astype(np.int64))


def gradient(solid: Field, points: Plane, reach: float = 4e-4) -> Plane:
    """The gradient of a solid's function at points (N, 3), by central differences."""
    x, y, z = points.T
    return np.stack(
        [
            solid(x + reach, y, z) - solid(x - reach, y, z),
            solid(x, y + reach, z) - solid(x, y - reach, z),
            solid(x, y, z + reach) - solid(x, y, z - reach),
        ],
        axis=1,
    ) / (2.0 * reach)


def cut(whole: Mesh, line: Field, where: NDArray[np.bool_] | None = None) -> Mesh:
    """The same surface with its triangles split along ``line == 0``; ``where`` (N,) names the points concerned."""
    values = line(*whole.points.T)
    if where is not None:
        values = np.where(where, values, 1.0)
    values = np.where(np.abs(values) < 1e-6, 1e-6, values)
    behind = values[whole.faces] < 0.0
    count = behind.sum(axis=1)
    kept = whole.faces[(count == 0) | (count == 3)]
    mixed, mixed_behind = whole.faces[(count == 1) | (count == 2)], behind[(count == 1) | (count == 2)]
    if not len(mixed):
        return whole
    # Turned so that the first corner is the one that stands alone on its side.
    alone_is_behind = mixed_behind.sum(axis=1) == 1
    alone = np.argmax(mixed_behind == alone_is_behind[:, None], axis=1)
    a, b, c = (np.take_along_axis(mixed, ((alone + i) % 3)[:, None], axis=1)[:, 0] for i in range(3))
    edges = np.sort(np.concatenate([np.stack([a, b], axis=1), np.stack([a, c], axis=1)]), axis=1)
    edges, index = np.unique(edges, axis=0, return_inverse=True)
    start, end = values[edges[:, 0]], values[edges[:, 1]]
    share = (start / (start - end))[:, None]
    between = whole.points[edges[:, 0]] * (1.0 - share) + whole.points[edges[:, 1]] * share
    index = index.reshape(-1) + len(whole.points)
    ab, ac = index[: len(a)], index[len(a) :]
    faces = [kept, np.stack([a, ab, ac], axis=1), np.stack([ab, b, c], axis=1), np.stack([ab, c, ac], axis=1)]
    return Mesh(np.concatenate([whole.points, between]), np.concatenate(faces))
