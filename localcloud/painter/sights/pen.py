"""The pen sights are drawn with: polygons and solids under the scene's light, drawn large and scaled down."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from localcloud.painter.canvas import Cutout
from localcloud.painter.raster import RGB, curve, fractal, mix, plane, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localcloud.painter.light import Light

#: (x, y): x to the right from the middle, y up from the ground; 1 is the height of the drawing.
Point: TypeAlias = "tuple[float, float]"

_SCALE = 3
_SNOW: RGB = (0.96, 0.97, 1.0)
#: Lamplight behind a window.
LAMP: RGB = (1.0, 0.78, 0.42)


class Pen:
    """Draws one sight. Surfaces get their colour from the light: `facing` -1 in shade … 1 full in the light."""

    def __init__(
        self,
        light: Light,
        rng: np.random.Generator,
        height_px: float,
        aspect: float,
        snow: float = 0.0,
        foliage: RGB = (0.28, 0.44, 0.24),
    ) -> None:
        """`snow` is the snow cover, 0 to 1; `foliage` the colour of the season's leaves."""
        self.light, self.rng, self.snow, self.foliage = light, rng, snow, foliage
        # Tall drawings need less supersampling to look smooth, and cost as much.
        self._scale = _SCALE if height_px < 420 else 2
        self.rows = max(8, round(height_px * self._scale))
        self.columns = max(8, round(height_px * self._scale * aspect))
        self._pixels = np.zeros((self.rows, self.columns, 4), np.uint8)
        self._glow = np.zeros((self.rows, self.columns, 3), np.uint8) if light.lamps > 0 else None
        #: +1 when the light comes from the right.
        self.side = light.side
        #: Half of the drawing's width.
        self.edge = aspect / 2

    def _px(self, points: Iterable[Point]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        flat = np.array([(self.columns / 2 + x * self.rows, self.rows * (1 - y)) for x, y in points])
        return np.round(flat * 8).astype(np.int32)

    def tone(self, albedo: RGB, facing: float = 0.4) -> tuple[float, float, float, float]:
        """The ink of a surface."""
        gloom = 1 + 0.34 * min(0.0, facing) + 0.14 * self.light.softness * (facing - 0.3)
        red, green, blue = (min(255.0, max(0.0, channel * gloom * 255)) for channel in self.light.on(albedo, facing))
        return red, green, blue, 255.0

    def fill(self, points: Sequence[Point], albedo: RGB, facing: float = 0.4) -> None:
        """A flat face."""
        corners = self._px(points)
        cv2.fillPoly(self._pixels, [corners], self.tone(albedo, facing), cv2.LINE_8, 3)
        if self._glow is not None:
            cv2.fillPoly(self._glow, [corners], (0, 0, 0), cv2.LINE_8, 3)

    def erase(self, points: Sequence[Point]) -> None:
        """Make an opening through which the landscape shows."""
        corners = self._px(points)
        cv2.fillPoly(self._pixels, [corners], (0, 0, 0, 0), cv2.LINE_8, 3)
        if self._glow is not None:
            cv2.fillPoly(self._glow, [corners], (0, 0, 0), cv2.LINE_8, 3)

    def shine(self, points: Sequence[Point], colour: RGB = LAMP, strength: float = 1.0) -> None:
        """A face that shines by itself when lamps are lit."""
        if self._glow is not None:
            power = 255 * strength * self.light.lamps
            cv2.fillPoly(self._glow, [self._px(points)], tuple(power * channel for channel in colour), cv2.LINE_8, 3)

    def wash(self, points: Sequence[Point], colour: RGB = (1.0, 0.78, 0.48), strength: float = 0.3) -> None:
        """Floodlight on what is drawn there: its own colours glow, and windows keep shining."""
        if self._glow is None:
            return
        mask = np.zeros(self._pixels.shape[:2], np.uint8)
        cv2.fillPoly(mask, [self._px(points)], 255, cv2.LINE_8, 3)
        inside = (mask > 0) & (self._pixels[..., 3] > 0)
        power = 6.0 * strength * self.light.lamps
        lit = self._pixels[inside, :3].astype(np.float32) * (np.asarray(colour, np.float32) * power)
        self._glow[inside] = np.maximum(self._glow[inside], np.clip(lit, 0, 215).astype(np.uint8))

    def line(
        self, points: Sequence[Point], width: float, albedo: RGB, facing: float = 0.3, *, glowing: float = 0.0
    ) -> None:
        """A rod or a cable, `width` thick; `glowing` makes it a chain of lights at night."""
        thickness = max(1, round(width * self.rows))
        path = self._px(points)
        cv2.polylines(
            self._pixels,
            [path],
            isClosed=False,
            color=self.tone(albedo, facing),
            thickness=thickness,
            lineType=cv2.LINE_8,
            shift=3,
        )
        if self._glow is not None:
            power = 255 * glowing * self.light.lamps
            ink = (power * LAMP[0], power * LAMP[1], power * LAMP[2])
            cv2.polylines(
                self._glow, [path], isClosed=False, color=ink, thickness=thickness, lineType=cv2.LINE_8, shift=3
            )

    def rectangle(self, x0: float, x1: float, y0: float, y1: float, albedo: RGB, facing: float = 0.4) -> None:
        """An upright rectangle."""
        self.fill([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], albedo, facing)

    def block(self, x0: float, x1: float, y0: float, y1: float, albedo: RGB, *, turn: float = 0.28) -> None:
        """A box seen at an angle: a front, and a right side that takes `turn` of the width."""
        corner = x1 - (x1 - x0) * turn
        self.rectangle(x0, corner, y0, y1, albedo, 0.42 - 0.16 * self.side)
        self.rectangle(corner, x1, y0, y1, albedo, 0.12 + 0.5 * self.side)

    def solid(self, profile: Sequence[Point], albedo: RGB, *, x: float = 0.0, ribs: int = 0) -> None:
        """A turned body about the axis `x`: `profile` is (radius, height) from below; `ribs` darkens seams."""
        strips = 14
        angles = np.linspace(-math.pi / 2, math.pi / 2, strips + 1)
        sun = self.side * 0.75
        for left, right in pairwise(angles):
            facing = 1.15 * math.cos((left + right) / 2 - sun) - 0.30
            tint = albedo if not ribs or round((left + 2) * 50) % 2 else times(albedo, (0.93, 0.93, 0.93))
            outer = [(x + radius * math.sin(left), y) for radius, y in profile]
            inner = [(x + radius * math.sin(right) + 0.0008, y) for radius, y in reversed(profile)]
            self.fill(outer + inner, tint, facing)

    def ball(self, x: float, y: float, radius: float, albedo: RGB) -> None:
        """A sphere with a soft terminator."""
        centre_x, centre_y = x, y
        for step in range(9):
            share = 1 - step / 9
            cx = centre_x + self.side * radius * 0.34 * (1 - share)
            cy = centre_y + radius * 0.34 * (1 - share)
            self.fill(circle(cx, cy, radius * share), albedo, -0.45 + 1.5 * (step / 8) ** 0.8)

    def windows(
        self,
        x0: float,
        x1: float,
        y0: float,
        y1: float,
        columns: int,
        rows: int,
        *,
        fill: float = 0.55,
        glass: RGB = (0.20, 0.26, 0.33),
        lit: float = 0.6,
        lamp: RGB = LAMP,
    ) -> None:
        """A grid of windows, `lit` of them with the lights on once lamps are lit."""
        step_x, step_y = (x1 - x0) / columns, (y1 - y0) / rows
        for row in range(rows):
            for column in range(columns):
                left, low = x0 + step_x * (column + (1 - fill) / 2), y0 + step_y * (row + (1 - fill) / 2)
                pane = [
                    (left, low),
                    (left + step_x * fill, low),
                    (left + step_x * fill, low + step_y * fill),
                    (left, low + step_y * fill),
                ]
                self.fill(pane, glass, 0.5)
                if self.rng.random() < lit:
                    self.shine(
                        pane,
                        mix(lamp, (1.0, 0.92, 0.75), float(self.rng.random()) * 0.6),
                        float(self.rng.uniform(0.6, 1.0)),
                    )

    def eaves(
        self,
        x0: float,
        x1: float,
        y: float,
        rise: float,
        albedo: RGB,
        *,
        overhang: float = 0.25,
        upturn: float = 0.35,
        ridge: float = 0.55,
        x: float | None = None,
    ) -> None:
        """A Chinese hipped roof over a wall from `x0` to `x1`: concave slopes, upturned corners, tile ribs, a ridge.

        `y` is the eaves' height, `rise` the roof's; `overhang` and `upturn` are shares of `rise`, `ridge` of the width.
        """
        middle = (x0 + x1) / 2 if x is None else x
        half = (x1 - x0) / 2 + rise * overhang * 2
        top = half * ridge
        shares = np.linspace(0, 1, 9)
        right: list[Point] = []
        for share in shares:
            reach = half + (top - half) * share**0.62
            lift = rise * upturn * max(0.0, 1 - share * 4.2) ** 2
            right.append((middle + reach, y + rise * share + lift))
        low = [(middle + half * t, y + rise * upturn * abs(t) ** 5) for t in np.linspace(1, -1, 17)]
        left = [(2 * middle - px, py) for px, py in right]
        outline = left + right[::-1] + low[1:-1]
        self.fill(
            [(px, py - rise * 0.13) for px, py in low] + [(px, py + rise * 0.05) for px, py in reversed(low)],
            times(albedo, (0.62,) * 3),
            -0.3,
        )
        self.fill(outline, albedo, 0.42)
        ribs = max(6, int(half * 2 * self.rows / self._scale / 5))
        for number in range(1, ribs):
            t = number / ribs * 2 - 1
            foot = (middle + half * t, y + rise * upturn * abs(t) ** 5)
            neck = (middle + (half * 0.35 + top * 0.65) * t, y + rise * 0.42)
            head = (middle + top * t, y + rise * 0.98)
            self.line([foot, neck, head], 0.0022, times(albedo, (0.76,) * 3), 0.1 + 0.25 * t * self.side)
        shade_side = left if self.side > 0 else right
        inner = [(middle + (px - middle) * 0.72, py) for px, py in reversed(shade_side)]
        self.fill(shade_side + inner, times(albedo, (0.84,) * 3), 0.05)
        if self.snow > 0.3:
            drift = [(middle + (px - middle) * 0.96, py) for px, py in left[2:]] + [
                (middle + (px - middle) * 0.96, py) for px, py in right[2:][::-1]
            ]
            self.fill(drift if self.snow > 0.8 else drift[1:-1], _SNOW, 0.75)
        comb = rise * 0.09
        self.rectangle(
            middle - top * 1.03,
            middle + top * 1.03,
            y + rise * 0.96,
            y + rise * 0.96 + comb,
            times(albedo, (0.7,) * 3),
            0.5,
        )
        if top > half * 0.15:
            for end in (-1, 1):
                tip = middle + end * top * 1.03
                self.fill(
                    [
                        (tip, y + rise * 0.96),
                        (tip - end * comb * 1.3, y + rise * 0.96),
                        (tip, y + rise * 0.96 + comb * 2.4),
                    ],
                    times(albedo, (0.66,) * 3),
                    0.4,
                )
        self.line(low, 0.003, times(albedo, (0.55,) * 3), 0.6, glowing=0.75)

    def gable(self, x0: float, x1: float, y: float, rise: float, albedo: RGB, *, overhang: float = 0.02) -> None:
        """A plain pitched roof whose slope faces the viewer."""
        self.fill([(x0 - overhang, y), (x1 + overhang, y), (x1, y + rise), (x0, y + rise)], albedo, 0.5)
        for row in np.linspace(0.15, 0.85, 5):
            shrink = overhang * (1 - row)
            self.line(
                [(x0 - shrink, y + rise * row), (x1 + shrink, y + rise * row)], 0.002, times(albedo, (0.84,) * 3), 0.3
            )
        if self.snow > 0.3:
            self.fill(
                [
                    (x0 - overhang * 0.7, y + rise * 0.2),
                    (x1 + overhang * 0.7, y + rise * 0.2),
                    (x1, y + rise),
                    (x0, y + rise),
                ],
                _SNOW,
                0.7,
            )
        self.rectangle(x0 - 0.004, x1 + 0.004, y + rise * 0.95, y + rise * 1.06, times(albedo, (0.7,) * 3), 0.4)

    def rock(self, outline: Sequence[Point], albedo: RGB, *, seam: float = 0.05) -> None:
        """A natural mass with a rough outline: its colour is worked over with facets in `cutout`."""
        rough: list[Point] = []
        for (ax, ay), (bx, by) in zip(outline, [*outline[1:], outline[0]], strict=True):
            length = math.hypot(bx - ax, by - ay)
            steps = max(1, int(length / 0.012))
            noise = curve(self.rng, steps + 1, 9, octaves=3) * seam * 0.14
            on_ground = ay < 0.01 and by < 0.01
            for number in range(steps):
                t = number / steps
                push = 0.0 if on_ground else float(noise[number]) * (4 * t * (1 - t)) ** 0.5
                x, y = ax + (bx - ax) * t, ay + (by - ay) * t
                rough.append((x + push * (by - ay) / (length or 1), max(0.0, y - push * (bx - ax) / (length or 1))))
        self.fill(rough, albedo, 0.35)
        corners = self._px(rough)
        mask = np.zeros(self._pixels.shape[:2], np.uint8)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_8, 3)
        x0, y0, wide, tall = cv2.boundingRect(corners // 8)
        x0, y0 = max(0, x0), max(0, y0)
        x1, y1 = min(self.columns, x0 + wide + 1), min(self.rows, y0 + tall + 1)
        if x1 - x0 < 4 or y1 - y0 < 4:
            return
        relief = fractal(self.rng, (y1 - y0, x1 - x0), 0.15 * self.rows, octaves=5, gain=0.55, stretch=0.55)
        shift = max(1, self.rows // 130)
        bumps = relief - np.roll(relief, -self.side * shift, axis=1)
        facing = np.clip(0.40 + bumps * 1.7, -0.2, 1.1) * (1 - 0.75 * self.light.softness)
        gloom = 1 + 0.35 * np.minimum(bumps * 1.4, 0.2)
        tint = np.asarray(albedo, np.float32) * (1 + 0.10 * relief)[..., None]
        if self.snow > 0.3:
            white = np.clip(bumps * 3 + self.snow - 0.2, 0, 1)[..., None] * 0.9
            tint = tint + (np.asarray(_SNOW, np.float32) - tint) * white
        lit = tint * (
            plane(self.light.ambient) * gloom[..., None] + plane(self.light.sun) * np.maximum(facing, 0)[..., None]
        )
        part = self._pixels[y0:y1, x0:x1]
        inside = mask[y0:y1, x0:x1] > 0
        part[inside, :3] = np.clip(lit * 255, 0, 255).astype(np.uint8)[inside]

    def cutout(self) -> Cutout:
        """What was drawn, at its final size, a little weathered: streaks, and darker towards the ground."""
        size = (max(2, self.columns // self._scale), max(2, self.rows // self._scale))
        rgba = plane(cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA)) / np.float32(255)
        grain = fractal(self.rng, (size[1], size[0]), max(3.0, size[1] / 14), octaves=4)
        foot = 1 - 0.14 * np.clip(np.linspace(-4.5, 1, size[1]), 0, 1).astype(np.float32)[:, None]
        rgba[..., :3] *= ((1 + 0.035 * np.clip(grain, -2, 2)) * foot)[..., None]
        np.minimum(rgba[..., :3], rgba[..., 3:], out=rgba[..., :3])
        glow = None
        if self._glow is not None and self._glow.any():
            glow = plane(cv2.resize(self._glow, size, interpolation=cv2.INTER_AREA)) / np.float32(255)
        return Cutout(rgba, glow)


def circle(x: float, y: float, radius: float, *, corners: int = 28) -> list[Point]:
    """The outline of a circle."""
    return ellipse(x, y, radius, radius, corners=corners)


def ellipse(x: float, y: float, half_x: float, half_y: float, *, corners: int = 28) -> list[Point]:
    """The outline of an ellipse."""
    return [
        (x + half_x * math.cos(a), y + half_y * math.sin(a))
        for a in np.linspace(0, 2 * math.pi, corners, endpoint=False)
    ]


def arch(x: float, y: float, half: float, rise: float, *, foot: float | None = None) -> list[Point]:
    """An arched opening: a half ellipse on posts from `foot` (default `y`) up to `y`."""
    base = y if foot is None else foot
    curve_points = [(x + half * math.cos(a), y + rise * math.sin(a)) for a in np.linspace(0, math.pi, 17)]
    return [(x + half, base), *curve_points, (x - half, base)]
