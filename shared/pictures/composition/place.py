"""Where the car stands in a background."""

from __future__ import annotations

from dataclasses import dataclass

from .light import Bytes
from .manifest import Manifest


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


def find_place(plate: Bytes, manifest: Manifest, view: str, position: str) -> Place:  # noqa: ARG001
    """The car in the lower part of the background `plate` (H, W, 3), 60 % as wide as the picture."""
    height, width = plate.shape[:2]
    seen = manifest.views[view if view in manifest.views else next(iter(manifest.views))]
    across = round(0.6 * width)
    scale = across / seen.size_px[0]
    down = round(seen.size_px[1] * scale)
    top = round(0.92 * height) - down
    return Place(seen.view_id, (width - across) // 2, top, across, down, top + seen.horizon_y * scale, scale)
