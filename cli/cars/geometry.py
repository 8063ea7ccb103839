"""Whether what is said of a camera fits where the car's wheels stand in its picture.

A level camera, as `shared.pictures.composition.manifest.View` describes it: a point of the ground at the depth Z and
X to the right of the optical axis lies at column ``axis_x + f X / Z`` and row ``horizon_y + f h / Z``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared.errors import InvalidInput
from shared.pictures.composition.manifest import Manifest, View

#: How far the wheelbase seen in the picture may be off the car's, as a share of it.
WHEELBASE_WITHIN = 0.05
#: How far a contact point may lie off where the camera sees it, as a share of the seen wheelbase.
_CONTACT_WITHIN = 0.05
#: A key explains the contradiction alone when another value of it leaves the points no farther off than this.
_EXPLAINS = 0.015
#: What a key may be mistaken by, and be named for it: multiplied by, or (for rows, columns, angles) moved by.
_SHARES = [0.5 * 1.005**n for n in range(279)]


def seen_wheelbase_m(view: View) -> float:
    """The distance in metres between the two contact points, back-projected onto the ground.

    Raises `InvalidInput` when a contact point does not lie below the horizon.
    """
    points = []
    for x, y in view.wheel_contacts:
        if y - view.horizon_y < 1:
            raise InvalidInput(
                f"views.{view.view_id}.horizon_y",
                f"above the wheel contacts; row {view.horizon_y:.0f} is not above row {y:.0f}",
            )
        depth = view.focal_px * view.camera_height_m / (y - view.horizon_y)
        points.append(((x - view.axis_x) * depth / view.focal_px, depth))
    return math.dist(*points)


def seen_contacts(view: View, manifest: Manifest) -> list[tuple[float, float]]:
    """Where the near front and the near rear wheel must touch the ground, in pixels of the picture.

    Raises `InvalidInput` when the camera would stand in the car.
    """
    azimuth = math.radians(view.camera_azimuth_deg)
    # Azimuths up to 180 degrees see the car's left side.
    side = manifest.track_m / 2 * (1 if math.sin(azimuth) >= 0 else -1)
    front = manifest.length_m / 2 - manifest.front_overhang_m
    points = []
    for ahead in (front, front - manifest.wheelbase_m):
        depth = view.camera_distance_m - ahead * math.cos(azimuth) - side * math.sin(azimuth)
        across = side * math.cos(azimuth) - ahead * math.sin(azimuth)
        if depth < 0.2:
            raise InvalidInput(f"views.{view.view_id}.camera_distance_m", "a camera outside the car")
        points.append(
            (
                view.axis_x + view.focal_px * across / depth,
                view.horizon_y + view.focal_px * view.camera_height_m / depth,
            )
        )
    return points


def check_camera(view: View, manifest: Manifest) -> None:
    """Raises `InvalidInput` when camera, measures and wheel contacts contradict each other.

    It names the key that alone would explain it, with the value that would fit, where there is such a key.
    """
    wheelbase = seen_wheelbase_m(view)
    off = _off(view, manifest)
    if abs(wheelbase / manifest.wheelbase_m - 1) <= WHEELBASE_WITHIN and off <= _CONTACT_WITHIN:
        return
    said = f"the wheels stand {wheelbase:.2f} m apart in the picture, {manifest.wheelbase_m:.2f} m by wheelbase_mm"
    tried = sorted(_best(view, manifest, name, tries) for name, tries in _suspects(view))
    where = f"views.{view.view_id}"
    fitting = [f"{key} about {value:.4g}" for left, key, value in tried if left <= _EXPLAINS]
    if fitting:
        raise InvalidInput(where, f"{' or '.join(fitting)}, to fit the wheel contacts; {said}")
    raise InvalidInput(
        f"{where}.wheel_contacts",
        f"points that fit the camera, front wheel first; {said}, and no single key explains it",
    )


def _off(view: View, manifest: Manifest) -> float:
    """The farthest contact point's distance from where it must be, as a share of the seen wheelbase."""
    try:
        wanted = seen_contacts(view, manifest)
    except InvalidInput:
        return math.inf
    span = max(math.dist(*view.wheel_contacts), 1.0)
    return max(math.dist(have, want) for have, want in zip(view.wheel_contacts, wanted, strict=True)) / span


def _suspects(view: View) -> list[tuple[str, Callable[[float], float]]]:
    """Keys that may be wrong, and for each how a share from 0.5 to 2 becomes another value of it."""
    height, width = view.size_px[1], view.size_px[0]
    return [
        ("camera_height_m", lambda share: view.camera_height_m * share),
        ("camera_distance_m", lambda share: view.camera_distance_m * share),
        ("camera_fov_deg", lambda share: min(view.camera_fov_deg * share, 150.0)),
        ("camera_azimuth_deg", lambda share: view.camera_azimuth_deg + 120 * math.log2(share)),
        ("horizon_y", lambda share: view.horizon_y + height * math.log2(share)),
        ("axis_x", lambda share: view.axis_x + width * math.log2(share)),
    ]


def _best(view: View, manifest: Manifest, key: str, value_of: Callable[[float], float]) -> tuple[float, str, float]:
    """How far the contacts remain off with the best other value of one key; the key; that value."""
    tried: list[tuple[float, dict[str, Any]]] = [(value, {key: value}) for value in map(value_of, _SHARES)]
    return min((_off(replace(view, **changed), manifest), key, value) for value, changed in tried)
