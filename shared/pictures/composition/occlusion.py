"""How much of the sky the ground around a car sees, and where the sun reaches it.

Both are maps of the ground in car coordinates (metres; x towards the nose, y to the left): a `GroundMap` knows its
place, so that it can be laid into any view of the car.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .light import Floats
from .manifest import BadPack, Manifest
from .proxy import Solid, solids

#: Around the car's outline the sky map goes on for so far, in metres; beyond, a car hides less than 2 % of the sky.
_MARGIN_M = 2.2
#: Cells of the sky map, and of the sun map, in metres.
_SKY_CELL_M, _SUN_CELL_M = 0.05, 0.025
#: Directions into the sky, cosine-weighted: rings in elevation times steps in azimuth.
_RINGS, _STEPS = 8, 24
#: The sun's disc as seen from Earth, in radians (0.533°).
_SUN_RAD = math.radians(0.533)
#: Lower suns throw shadows that leave every picture.
LOWEST_SUN_DEG = 6.0
#: The baked sky map of a pack.
GROUND_FILE = "ground.png"


@dataclass(frozen=True, slots=True)
class GroundMap:
    """Shares 0..1 (rows along y, columns along x); the first cell's centre lies at `origin_m`, cells `cell_m` apart."""

    shares: Floats
    origin_m: tuple[float, float]
    cell_m: float

    @property
    def corners_m(self) -> NDArray[np.float64]:
        """The corners (4, 2) of the map in car coordinates."""
        (x0, y0), (rows, columns) = self.origin_m, self.shares.shape
        x1, y1 = x0 + (columns - 1) * self.cell_m, y0 + (rows - 1) * self.cell_m
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    @property
    def from_car(self) -> NDArray[np.float64]:
        """(3, 3): car coordinates (x, y, 1) to columns and rows of `shares`."""
        x, y = self.origin_m
        return np.array([[1 / self.cell_m, 0, -x / self.cell_m], [0, 1 / self.cell_m, -y / self.cell_m], [0, 0, 1]])


def bake_ground(manifest: Manifest) -> GroundMap:
    """The share of the sky's light that reaches the ground around and below the car: cosine-weighted, by ray casting.

    Half a second of work, done once for each model; `write_ground` keeps it in the pack.
    """
    origin, shape = _extent(manifest)
    x = origin[0] + _SKY_CELL_M * np.arange(shape[1])
    y = origin[1] + _SKY_CELL_M * np.arange(shape[0])
    points = np.stack([*np.meshgrid(x, y), np.zeros(shape)], axis=-1).reshape(-1, 3).astype(np.float32)
    faces = [_faces(solid) for solid in solids(manifest)]
    seen = np.zeros(len(points), np.float32)
    for direction in _sky_directions():
        blocked = np.zeros(len(points), bool)
        for normals, offsets in faces:
            blocked |= _hit(points, direction, normals, offsets)
        seen += ~blocked
    hidden = cv2.GaussianBlur(1.0 - (seen / (_RINGS * _STEPS)).reshape(shape), (0, 0), 1.0)
    # The map ends where almost nothing is hidden; the last of it fades, so that no edge is seen.
    fade_x, fade_y = (np.minimum(np.minimum(np.arange(n), np.arange(n)[::-1]) / 10.0, 1.0) for n in shape[::-1])
    shares = 1.0 - hidden * (fade_y[:, np.newaxis] * fade_x)
    return GroundMap(shares.astype(np.float32), origin, _SKY_CELL_M)


def write_ground(manifest: Manifest) -> None:
    """Bake the model's sky map into its pack."""
    shares = np.rint(bake_ground(manifest).shares * 255.0).astype(np.uint8)
    done, stored = cv2.imencode(".png", shares, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise ValueError("OpenCV can't write PNG")
    (manifest.folder / GROUND_FILE).write_bytes(stored.tobytes())


def sky_map(manifest: Manifest) -> GroundMap:
    """The model's sky map: as the pack has it, else baked now. Raises `BadPack` for one that does not fit the car."""
    return _sky_map(manifest)


def sun_map(manifest: Manifest, azimuth_deg: float, elevation_deg: float) -> GroundMap:
    """Where the sun reaches the ground: 0 in the car's shadow, 1 outside, between them the penumbra.

    `azimuth_deg` is relative to the car (0 in front of its nose, 90 at its left). Elevations below `LOWEST_SUN_DEG`
    count as that. A solid's shadow on flat ground is the convex hull of its corners' shadows; its penumbra is as wide
    as the sun's disc thrown from the middle of the solid's height.
    """
    elevation = math.radians(min(max(elevation_deg, LOWEST_SUN_DEG), 90.0))
    turn = math.radians(azimuth_deg)
    away = -np.array([math.cos(turn), math.sin(turn)]) / math.tan(elevation)
    parts = solids(manifest)
    shadows = [solid[:, :2] + solid[:, 2:] * away for solid in parts]
    everything = np.concatenate(shadows)
    margin = 0.6
    low, high = everything.min(axis=0) - margin, everything.max(axis=0) + margin
    columns, rows = (int(n) for n in np.ceil((high - low) / _SUN_CELL_M) + 1)
    lit = np.ones((rows, columns), np.float32)
    for solid, shadow in zip(parts, shadows, strict=True):
        hull = cv2.convexHull(((shadow - low) / _SUN_CELL_M).astype(np.float32))
        mask = np.zeros((rows, columns), np.uint8)
        cv2.fillConvexPoly(mask, np.rint(hull * 16).astype(np.int32), 255, lineType=cv2.LINE_AA, shift=4)
        penumbra_m = float(solid[:, 2].mean()) * _SUN_RAD / math.sin(elevation) ** 2
        # A disc's edge as a Gaussian of the same variance: a quarter of the disc's diameter.
        sigma = max(penumbra_m / 4 / _SUN_CELL_M, 0.7)
        shade = cv2.GaussianBlur(mask, (0, 0), sigma).astype(np.float32) / np.float32(255.0)
        lit = np.minimum(lit, np.float32(1.0) - shade)
    return GroundMap(lit, (float(low[0]), float(low[1])), _SUN_CELL_M)


def _extent(manifest: Manifest) -> tuple[tuple[float, float], tuple[int, int]]:
    rear = manifest.front_overhang_m - manifest.length_m
    origin = (rear - _MARGIN_M, -manifest.width_m / 2 - _MARGIN_M)
    columns = math.ceil((manifest.length_m + 2 * _MARGIN_M) / _SKY_CELL_M) + 1
    rows = math.ceil((manifest.width_m + 2 * _MARGIN_M) / _SKY_CELL_M) + 1
    return origin, (rows, columns)


@lru_cache(maxsize=8)
def _sky_map(manifest: Manifest) -> GroundMap:
    file = manifest.folder / GROUND_FILE
    if not file.is_file():
        return bake_ground(manifest)
    origin, shape = _extent(manifest)
    stored = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint8 or stored.shape != shape:
        raise BadPack(
            f"{manifest.model}/{GROUND_FILE}",
            f"an 8-bit picture of {shape[1]} x {shape[0]}, as the car's measures give",
        )
    return GroundMap(stored.astype(np.float32) / np.float32(255.0), origin, _SKY_CELL_M)


def _sky_directions() -> NDArray[np.float32]:
    """Directions (N, 3) that carry the same share of a uniform sky's light on flat ground (Lambert's cosine law)."""
    # Equal shares of sin² of the angle from the zenith; each ring turned against the one before.
    radius = np.sqrt((np.arange(_RINGS) + 0.5) / _RINGS)
    found = []
    for ring, r in enumerate(radius):
        angles = 2 * np.pi * (np.arange(_STEPS) + 0.5 * (ring % 2)) / _STEPS
        found.append(np.column_stack([r * np.cos(angles), r * np.sin(angles), np.full(_STEPS, math.sqrt(1 - r * r))]))
    return np.concatenate(found).astype(np.float32)


def _faces(solid: Solid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Outward normals (6, 3) and offsets (6,) of a solid's faces: inside is where normal · point <= offset."""
    quads = ((0, 1, 2), (4, 5, 6), (0, 1, 5), (1, 2, 6), (2, 3, 7), (3, 0, 4))
    middle = solid.mean(axis=0)
    normals, offsets = [], []
    for a, b, c in quads:
        normal = np.cross(solid[b] - solid[a], solid[c] - solid[a])
        normal = normal / np.linalg.norm(normal)
        if normal @ (middle - solid[a]) > 0:
            normal = -normal
        normals.append(normal)
        offsets.append(normal @ solid[a])
    return np.array(normals, np.float32), np.array(offsets, np.float32)


def _hit(
    points: NDArray[np.float32],
    direction: NDArray[np.float32],
    normals: NDArray[np.float32],
    offsets: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Whether rays from `points` (N, 3) enter a convex solid (Cyrus and Beck, 1978)."""
    enters = np.zeros(len(points), np.float32)
    leaves = np.full(len(points), np.inf, np.float32)
    for normal, offset in zip(normals, offsets, strict=True):
        speed = float(normal @ direction)
        room = offset - points @ normal
        if abs(speed) < 1e-7:
            leaves[room < 0] = -1.0
        elif speed < 0:
            np.maximum(enters, room / speed, out=enters)
        else:
            np.minimum(leaves, room / speed, out=leaves)
    return enters < leaves - 1e-6
