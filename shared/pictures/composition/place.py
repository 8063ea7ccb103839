"""Where the car stands in a background: its horizon on the background's horizon, its wheels on calm ground.

A camera at a given height sees everything as high as itself on the horizon. So the car's own horizon must lie on the
background's, and how large the car is says in which row it stands: nearer is larger and lower.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .horizon import horizon_of
from .light import Bytes, Floats
from .manifest import Manifest, View

#: Widths of the car that are tried, as shares of the picture's, and the preferred one.
_WIDTHS = tuple(0.40 + 0.03 * n for n in range(16))
_PREFERRED_WIDTH = 0.70
#: Where the wheels preferably stand, as a share of the picture's height: foregrounds are at the bottom.
_PREFERRED_ROW = 0.885
#: Room between the car and the picture's edge, as a share of its sides.
_MARGIN = 0.04
#: The middle of the car for each position, as shares of the picture's width.
POSITIONS = {"left": 0.40, "centre": 0.5, "right": 0.60}
#: Weights of what is compared: ground that is not calm, a car of another size, wheels in another row, off the middle.
_ROUGH, _SIZE, _ROW, _ASIDE = 1.0, 1.2, 2.2, 0.25


class NoPlace(ValueError):
    """This background can't take this car."""


@dataclass(frozen=True, slots=True)
class Place:
    """The car's rectangle in the picture in whole pixels, and the row of the picture's horizon.

    `scale` is pixels of the picture for one pixel of the pack's file.
    """

    view_id: str
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    horizon_y_px: float
    scale: float


def find_place(plate: Bytes, manifest: Manifest, view: str = "auto", position: str = "auto") -> Place:
    """The best place for the car in a background (H, W, 3), 8-bit sRGB.

    `view` is one of the car's views, `position` ``left``, ``centre`` or ``right``; ``auto`` leaves the choice to the
    background. Raises `NoPlace` when no size of the car fits between horizon and lower edge, and `ValueError` for a
    view or position that there is not.
    """
    views = list(manifest.views.values()) if view == "auto" else [_named(manifest, view)]
    if position != "auto" and position not in POSITIONS:
        raise ValueError(f"position: one of auto, {', '.join(POSITIONS)} expected")
    middles = POSITIONS.values() if position == "auto" else [POSITIONS[position]]
    horizon = horizon_of(plate).y_px
    roughness = _roughness(plate)
    found = []
    for seen in views:
        for share in _WIDTHS:
            for middle in middles:
                place = _placed(plate, seen, share, middle, horizon)
                if place is not None:
                    found.append((_cost(place, seen, plate, roughness, share, middle), place))
    if not found:
        raise NoPlace("the horizon lies where no size of the car fits")
    return min(found, key=lambda each: each[0])[1]


def placed_at(manifest: Manifest, view: str, left_px: int, top_px: int, width_px: int) -> Place:
    """A place that was fixed before the background was painted around it. Raises `ValueError` for an unknown view."""
    seen = _named(manifest, view)
    scale = width_px / seen.size_px[0]
    height = round(seen.size_px[1] * scale)
    return Place(seen.view_id, left_px, top_px, width_px, height, top_px + seen.horizon_y * scale, scale)


def _named(manifest: Manifest, view: str) -> View:
    if view not in manifest.views:
        raise ValueError(f"view: one of auto, {', '.join(manifest.views)} expected")
    return manifest.views[view]


def _placed(plate: Bytes, seen: View, share: float, middle: float, horizon: float) -> Place | None:
    height, width = plate.shape[:2]
    across = round(share * width)
    scale = across / seen.size_px[0]
    down = round(seen.size_px[1] * scale)
    left, top = round(middle * width - across / 2), round(horizon - seen.horizon_y * scale)
    room_x, room_y = _MARGIN * width, _MARGIN * height
    if left < room_x or left + across > width - room_x or top + down > height - room_y or top < room_y:
        return None
    return Place(seen.view_id, left, top, across, down, horizon, scale)


def _cost(place: Place, seen: View, plate: Bytes, roughness: Floats, share: float, middle: float) -> float:
    height, width = plate.shape[:2]
    contact = place.top_px + max(y for _, y in seen.wheel_contacts) * place.scale
    # The strip on which it stands, and a little before it.
    y0, y1 = (contact - 0.25 * place.height_px) / height, (contact + 0.12 * place.height_px) / height
    x0, x1 = place.left_px / width, (place.left_px + place.width_px) / width
    rows, columns = roughness.shape
    strip = roughness[
        int(y0 * rows) : max(int(y1 * rows), int(y0 * rows) + 1), int(x0 * columns) : max(int(x1 * columns), 1)
    ]
    rough = float(strip.mean()) if strip.size else 1.0
    cost = (
        _ROUGH * rough
        + _SIZE * abs(share - _PREFERRED_WIDTH)
        + _ROW * abs(contact / height - _PREFERRED_ROW)
        + _ASIDE * abs(middle - 0.5)
    )
    return float(cost)


def _roughness(plate: Bytes) -> Floats:
    """How uneven the picture is, about 0 to 1, in an eighth of its size: edges of a certain width, no grain."""
    small = cv2.resize(plate, (plate.shape[1] // 8, plate.shape[0] // 8), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return np.asarray(np.minimum(edges / 160.0, 1.0), dtype=np.float32)
