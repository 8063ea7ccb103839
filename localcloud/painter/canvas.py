"""What is painted on: the picture plane, the distance of what is seen in each pixel, and what shines by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import Plane, blur, plane

if TYPE_CHECKING:
    from localcloud.painter.light import Light
    from localcloud.painter.raster import RGB


@dataclass(frozen=True, slots=True)
class Cutout:
    """A drawing to be set into a picture: (h, w, 4) premultiplied sRGB + alpha, and its own light (h, w, 3) or None."""

    rgba: Plane
    glow: Plane | None = None

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.rgba.shape[0])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.rgba.shape[1])


class Canvas:
    """The picture while it is painted, from far to near."""

    def __init__(self, height: int, width: int, light: Light) -> None:
        self.height, self.width, self.light = height, width, light
        #: Pixels in a unit of length that is the same share of every picture; 1 at 768 × 960.
        self.unit = float((height * width / (768 * 960)) ** 0.5)
        self.rgb = np.zeros((height, width, 3), np.float32)
        #: 0 at the viewer, 1 at the horizon, 2 for the sky.
        self.distance = np.full((height, width), 2.0, np.float32)
        self.glow = np.zeros((height, width, 3), np.float32)
        #: What falls in front of everything, by its cover: rain or snow. The styles lay it on in their own way.
        self.fall: Plane | None = None

    def cover(self, top: int, colour: Plane | RGB, alpha: Plane, distance: float | Plane) -> None:
        """Lay `colour`, (rows, width, 3) or one colour, over the rows from `top`, by `alpha` (rows, width)."""
        if alpha.shape[0] == 0:
            return
        rows = slice(top, top + alpha.shape[0])
        share = alpha[..., None]
        under = self.rgb[rows]
        under += (plane(colour) - under) * share
        self.glow[rows] *= 1 - share
        away = self.distance[rows]
        away += (distance - away) * (alpha > 0.5)

    def place(self, cutout: Cutout, x: float, foot: float, distance: float, *, veil: float | None = None) -> None:
        """Set a cut-out with its foot's middle at (x, foot) px, seen through the air of `distance` (or `veil`)."""
        left, top = round(x - cutout.width / 2), round(foot - cutout.height)
        x0, x1 = max(0, left), min(self.width, left + cutout.width)
        y0, y1 = max(0, top), min(self.height, top + cutout.height)
        if x0 >= x1 or y0 >= y1:
            return
        part = cutout.rgba[y0 - top : y1 - top, x0 - left : x1 - left]
        alpha = part[..., 3:]
        haze = self.light.veil(distance) if veil is None else veil
        seen = part[..., :3] * (1 - haze) + alpha * (plane(self.light.haze) * haze)
        under = self.rgb[y0:y1, x0:x1]
        under *= 1 - alpha
        under += seen
        glow = self.glow[y0:y1, x0:x1]
        glow *= 1 - alpha
        if cutout.glow is not None:
            glow += cutout.glow[y0 - top : y1 - top, x0 - left : x1 - left] * (1 - 0.7 * haze)
        away = self.distance[y0:y1, x0:x1]
        away += (distance - away) * (alpha[..., 0] > 0.5)

    def veil(self, top: int, alpha: Plane, colour: RGB | None = None) -> None:
        """Lay mist over the rows from `top`; what shines shines through half of it."""
        rows = slice(top, top + alpha.shape[0])
        share = alpha[..., None]
        self.rgb[rows] += (plane(self.light.haze if colour is None else colour) - self.rgb[rows]) * share
        self.glow[rows] *= 1 - 0.5 * share

    def shine(self) -> None:
        """Add what shines by itself, with a halo around it."""
        if not self.glow.any():
            return
        halo = blur(self.glow, 5 * self.unit) * 0.55 + blur(self.glow, 22 * self.unit) * 0.6
        light = np.minimum(self.glow * 0.95 + halo, 1)
        self.rgb = self.rgb + light * (1 - 0.55 * np.clip(self.rgb, 0, 1))
