"""Where the car is in a picture: its rectangle, and what lies about that is not the car."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInput
from shared.pictures.composition.light import Floats

#: Alpha above this is something.
_SOMETHING = 0.02
#: Detached parts up to this share of the car are dust; an aerial or a mirror lies within so many pixels of the car.
_DUST_SHARE, _BESIDE_PX = 0.0003, 25
#: Shares of the picture's rows that a contact point may lie above or below the lowest opaque row there.
_ABOVE, _BELOW = 0.06, 0.012


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels: `left` and `top` are inside, `right` and `bottom` outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def window(self) -> tuple[slice, slice]:
        """The same as an index of rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def dust(alpha: Floats) -> NDArray[np.bool_]:
    """Specks (H, W) far from the car, which a mask left over.

    Raises `InvalidInput` when there is nothing opaque, or a second part as large as none of dust is.
    """
    near = cv2.dilate((alpha > _SOMETHING).astype(np.uint8), np.ones((_BESIDE_PX, _BESIDE_PX), np.uint8))
    labels: NDArray[np.int64] = cv2.connectedComponents(near)[1].astype(np.int64)
    areas: NDArray[np.int64] = np.bincount(labels[alpha > _SOMETHING], minlength=2)
    areas[0] = 0
    car = int(np.argmax(areas))
    if not areas.any() or not (alpha >= 0.996).any():
        raise InvalidInput("alpha", "a car with opaque pixels; there are none")
    for part in np.flatnonzero(areas):
        if part != car and areas[part] > _DUST_SHARE * areas[car]:
            rows, columns = np.nonzero((labels == part) & (alpha > _SOMETHING))
            raise InvalidInput("alpha", f"the car alone; there is something else at {columns[0]}, {rows[0]}")
    return np.asarray((labels != car) & (alpha > 0))


def tight(alpha: Floats, margin_px: int) -> Box:
    """The rectangle of what is in (H, W), with a margin, inside the picture."""
    there = alpha > _SOMETHING
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    height, width = alpha.shape
    return Box(
        max(int(columns[0]) - margin_px, 0),
        max(int(rows[0]) - margin_px, 0),
        min(int(columns[-1]) + 1 + margin_px, width),
        min(int(rows[-1]) + 1 + margin_px, height),
    )


def check_contacts(where: str, contacts: tuple[tuple[float, float], ...], alpha: Floats) -> None:
    """Raises `InvalidInput` when a wheel's contact point is not at the lowest rows of what is above it.

    `alpha` (H, W) in 0..1; the points in its pixels.
    """
    height, width = alpha.shape
    reach = max(round(0.012 * width), 1)
    for name, (x, y) in zip(("front", "rear"), contacts, strict=True):
        column = round(x)
        if not (0 <= column < width and 0 <= y <= height):
            raise InvalidInput(f"{where}.wheel_contacts", f"points of the car; the {name} one lies outside the picture")
        opaque = (alpha[:, max(column - reach, 0) : column + reach + 1] >= 0.5).any(axis=1)
        lowest = int(np.flatnonzero(opaque)[-1]) + 1 if opaque.any() else 0
        if not y - _BELOW * height <= lowest <= y + _ABOVE * height:
            raise InvalidInput(
                f"{where}.wheel_contacts",
                f"points at the tyres' lowest rows; at the {name} one ({x:.0f}, {y:.0f}) the car ends at row {lowest}",
            )


def check_badge(where: str, badge: Floats, alpha: Floats) -> None:
    """Raises `InvalidInput` when the badge's mask (H, W) is empty, or lies outside the car or in its glass."""
    total = float(badge.sum())
    if total < 4:
        raise InvalidInput(f"{where}: badge", "a mask that is white where the badge is; it is empty")
    # A badge on the nose stands out of the outline a little when it is seen from the side.
    if float((badge * (1 - alpha)).sum()) > 0.08 * total:
        raise InvalidInput(f"{where}: badge", "a badge on the car; its mask reaches outside, or into glass")
    if total > 0.1 * float(alpha.sum()):
        raise InvalidInput(f"{where}: badge", "the badge alone; its mask covers more than a tenth of the car")
