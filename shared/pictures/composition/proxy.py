"""The car as a few convex solids on the ground, and the camera that sees them.

Shadows need no more than the car's measures: a body above its ground clearance, a cabin that narrows upwards, four
wheels. Car coordinates in metres: x towards the nose from the front axle, y to the car's left from its middle, z up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .manifest import Manifest, View

Solid = NDArray[np.float64]

#: Share of the height at which the cabin begins, as designers call it the beltline.
_BELTLINE = 0.60
#: Half the width of a tyre, in metres.
_TYRE_HALF_WIDTH_M = 0.11


@dataclass(frozen=True, slots=True)
class Standing:
    """How the ground of a view lies: `to_car` (3, 3) takes pixels (x, y, 1) of the pack's file to homogeneous x, y."""

    to_car: NDArray[np.float64]

    def points_px(self, ground: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels (N, 2) of ground points (N, 2) in car coordinates; what lies behind the camera comes as NaN."""
        homogeneous = np.column_stack([ground, np.ones(len(ground))]) @ np.linalg.inv(self.to_car).T
        ahead = homogeneous[:, 2] > 1e-9
        pixels = homogeneous[:, :2] / np.where(ahead, homogeneous[:, 2], np.nan)[:, np.newaxis]
        return np.asarray(pixels, dtype=np.float64)


def standing(manifest: Manifest, view: View) -> Standing:
    """The ground as the view's camera sees it, by its horizon, its height, and the two wheels that touch the ground.

    A level camera sees the ground point at depth d in row ``horizon_y + focal * height / d`` (pinhole camera).
    """
    height = view.camera_height_m
    # Homogeneous (right, ahead, 1) in metres from the camera's foot.
    to_ground = np.array(
        [
            [height, 0.0, -view.axis_x * height],
            [0.0, 0.0, view.focal_px * height],
            [0.0, 1.0, -view.horizon_y],
        ]
    )
    seen = np.array([[x, y, 1.0] for x, y in view.wheel_contacts]) @ to_ground.T
    front, rear = seen[:, :2] / seen[:, 2:]
    nose = (front - rear) / math.hypot(*(front - rear))
    left = np.array([-nose[1], nose[0]])
    # The near wheels are on the side that faces the camera, which stands at (0, 0).
    side = 1.0 if float(-front @ left) > 0 else -1.0
    middle = front - left * side * manifest.track_m / 2
    to_car = np.array(
        [
            [nose[0], nose[1], -float(middle @ nose)],
            [left[0], left[1], -float(middle @ left)],
            [0.0, 0.0, 1.0],
        ]
    )
    return Standing(to_car @ to_ground)


def solids(manifest: Manifest) -> list[Solid]:
    """The convex solids of a car, each by its 8 corners (8, 3): four at the bottom, then four above them."""
    front, rear = manifest.front_overhang_m, manifest.front_overhang_m - manifest.length_m
    half, top = manifest.width_m / 2, manifest.height_m
    belt = _BELTLINE * top
    # A tall car carries its roof to the tail, a low one slopes towards it.
    upright = min(max((top - 1.45) / 0.25, 0.0), 1.0)
    length = manifest.length_m
    roof_rear = rear + (0.24 - 0.17 * upright) * length
    cabin_rear = rear + (0.12 - 0.10 * upright) * length
    body = _prism((rear + 0.03, front - 0.03, half - 0.03), (rear, front, half), manifest.ground_clearance_m, belt)
    cabin = _prism(
        (cabin_rear, front - 0.30 * length, half - 0.06), (roof_rear, front - 0.45 * length, half - 0.26), belt, top
    )
    return [body, cabin, *_wheels(manifest)]


def _wheels(manifest: Manifest) -> list[Solid]:
    radius, lift = manifest.tyre_diameter_m / 2, 0.0
    wheels = []
    for axle in (0.0, -manifest.wheelbase_m):
        for side in (-1.0, 1.0):
            middle = side * manifest.track_m / 2
            # A disc as an octagon would have is near enough: narrow at the ground, wide at the hub.
            foot, hub = 0.30 * radius, 0.95 * radius
            corners = [
                (axle + dx, middle + dy, z)
                for z, across in ((lift, foot), (radius, hub))
                for dx, dy in (
                    (-across, -_TYRE_HALF_WIDTH_M),
                    (across, -_TYRE_HALF_WIDTH_M),
                    (across, _TYRE_HALF_WIDTH_M),
                    (-across, _TYRE_HALF_WIDTH_M),
                )
            ]
            wheels.append(np.array(corners))
    return wheels


def _prism(bottom: tuple[float, float, float], top: tuple[float, float, float], bottom_m: float, top_m: float) -> Solid:
    """A solid between two rectangles, each (rear, front, half width)."""
    return np.array(
        [
            (x, y, z)
            for (rear, front, half), z in ((bottom, bottom_m), (top, top_m))
            for x, y in ((rear, -half), (front, -half), (front, half), (rear, half))
        ]
    )
