"""Where things stand in the picture, and the stage they are painted on.

The composition depends on the seed and the place alone, not on sights, weather, hour or style: the same seed shows the
same view at another time.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.canvas import Canvas
from localcloud.painter.light import Light, lighten

if TYPE_CHECKING:
    from localcloud.painter.scene import Scene


#: How much farther away the near ground begins when open ground is ordered in front, as a share of the height.
_OPEN = 0.11


@dataclass(frozen=True, slots=True)
class Composition:
    """The plan of one picture. Lengths are shares of its width (x) or height (y), from the top left."""

    horizon: float
    #: Where the first sight stands, then the second and the third.
    sights_x: tuple[float, float, float]
    light_side: int
    sun_x: float
    #: Where the near ground begins, at the side away from its slope.
    near_top: float
    #: Which way the near ground rises: -1 to the left, +1 to the right.
    near_slope: int
    #: The side of the framing tree; 0 for none. A tree on the left only reaches in from above.
    frame: int
    #: Where the road leaves the picture at the bottom, where it goes, and how it bends.
    road_x: float
    vanishing_x: float
    road_bend: float


def compose(rng: np.random.Generator, *, level: bool) -> Composition:
    """Plan a picture: never centred, the lower left third kept free for what may be set there.

    `level` puts the horizon in the middle and wide open ground in front, about as exactly as an image model follows
    such an order.
    """
    sight_side = int(rng.choice([-1, 1]))
    sight_x = 0.5 + sight_side * rng.uniform(0.16, 0.24)
    light_side = int(rng.choice([-1, 1]))
    return Composition(
        horizon=_horizon(rng, level),
        sights_x=(
            float(sight_x),
            float(0.5 - sight_side * rng.uniform(0.20, 0.28)),
            float(0.5 + sight_side * rng.uniform(-0.04, 0.04)),
        ),
        light_side=light_side,
        sun_x=float(0.5 + light_side * rng.uniform(0.12, 0.34)),
        near_top=float(rng.uniform(0.76, 0.82)) - (_OPEN if level else 0.0),
        near_slope=int(rng.choice([-1, 1], p=[0.3, 0.7])),
        frame=int(rng.choice([-sight_side, -sight_side, 0])),
        road_x=float(rng.uniform(0.26, 0.36)),
        vanishing_x=float(0.5 - sight_side * rng.uniform(-0.02, 0.2)),
        road_bend=float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.0)),
    )


def _horizon(rng: np.random.Generator, level: bool) -> float:
    free = float(rng.choice([0.42, 0.49, 0.56]) + rng.uniform(-0.025, 0.025))
    return 0.5 + (free - 0.49) * 0.4 if level else free


@dataclass(frozen=True, slots=True)
class Stage:
    """One picture in the making: the scene, its plan and light, and the canvas."""

    scene: Scene
    plan: Composition
    light: Light
    canvas: Canvas
    seed: int

    @classmethod
    def set_up(cls, scene: Scene, seed: int, height: int, width: int) -> Stage:
        """An empty stage for `scene`."""
        plan = compose(_dice(scene, seed, "composition"), level=scene.level)
        light = lighten(scene, plan.light_side)
        return cls(scene, plan, light, Canvas(height, width, light), seed)

    def dice(self, part: str) -> np.random.Generator:
        """The random numbers of one part of the picture, independent of every other part."""
        return _dice(self.scene, self.seed, part)

    @property
    def unit(self) -> float:
        """Pixels in the unit of length; 1 at 768 × 960."""
        return self.canvas.unit

    @property
    def horizon_px(self) -> int:
        """The row of the horizon."""
        return round(self.plan.horizon * self.canvas.height)

    def x_px(self, share: float) -> float:
        """A column from a share of the width."""
        return share * self.canvas.width

    def y_px(self, share: float) -> float:
        """A row from a share of the height."""
        return share * self.canvas.height


def _dice(scene: Scene, seed: int, part: str) -> np.random.Generator:
    return np.random.default_rng([seed % 2**64, zlib.crc32(f"{scene.place.value}/{part}".encode())])
