"""Models that answer at once: for measuring what surrounds them, where a second of painting each would hide it.

With ``TRIPCANVAS_LOCAL_INSTANT_MODELS=1`` in the service's environment, the first order of a style, hour and size is
painted on a third of the size and enlarged in whole pixels; every later one gets that painting again with a patch of
grain of its own. It is a picture of the ordered size, with real edges and contrast, whose bytes are those of no other
order's; but it is coarse, shows nothing of the rest of its prompt, and takes about a third of a fine one's time to
encode. The account's limits of orders a second and of pictures at a time are lifted too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from localcloud.dashscope.registry import Limits
    from localcloud.painter.scene import Scene
    from localcloud.painter.terms import Hour, Style

VARIABLE = "TRIPCANVAS_LOCAL_INSTANT_MODELS"

#: Pixels of a picture for each painted one, along a side.
_COARSENESS = 3
#: Side of the square of grain, in pixels, and how far its values go up or down.
_GRAIN_PX = 48
_GRAIN = 12
_NO_LIMIT = 1_000_000
_PICTURES_AT_ONCE = 16


def are_wanted() -> bool:
    """Whether the environment asks for instant models."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def lifted(limits: Limits) -> Limits:
    """The limits of an account that nobody throttles."""
    return msgspec.structs.replace(
        limits, submit_per_second=float(_NO_LIMIT), submit_burst=_NO_LIMIT, tasks_at_once=_PICTURES_AT_ONCE
    )


class Stock:
    """The paintings made so far in this process, one for each style, hour and size.

    Of each hour its own, because a car that is lit for noon would stand in the stock's night.
    """

    def __init__(self) -> None:
        self._paintings: dict[tuple[Style, Hour, int, int], NDArray[np.uint8]] = {}

    def picture(
        self, scene: Scene, seed: int, width: int, height: int, paint: Callable[[int, int], NDArray[np.uint8]]
    ) -> NDArray[np.uint8]:
        """A picture like `scene`, (height, width, 3) uint8; `paint` makes the first of its kind, in the given size."""
        kind = (scene.style, scene.hour, width, height)
        if kind not in self._paintings:
            small = paint(-(-width // _COARSENESS), -(-height // _COARSENESS))
            self._paintings[kind] = small.repeat(_COARSENESS, 0).repeat(_COARSENESS, 1)[:height, :width]
        pixels: NDArray[np.uint8] = self._paintings[kind].copy()
        random = np.random.default_rng(seed)
        side = min(_GRAIN_PX, width, height)
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        patch = pixels[top : top + side, left : left + side]
        grain = random.integers(-_GRAIN, _GRAIN, patch.shape, endpoint=True)
        patch[:] = np.clip(patch + grain, 0, 255).astype(np.uint8)
        return pixels
