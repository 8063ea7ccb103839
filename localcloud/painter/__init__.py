"""A procedural landscape painter: the local stand-in for the image model.

No diffusion model runs here. The prompt is read for a place, sights, season, weather, hour, style and mood, and a
landscape with all of them is painted with polygons, noise and brush strokes. What the vocabulary doesn't hold is not
painted. People, lettering and vehicles never are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from localcloud.painter.composition import Stage
from localcloud.painter.places import paint_place
from localcloud.painter.scene import read
from localcloud.painter.sky import paint_sky
from localcloud.painter.styles import finish
from localcloud.painter.weather import paint_fall, paint_mist

__all__ = ["SIDES_PX", "paint"]

#: The side lengths `paint` accepts; the image services' own range is 512 to 1440.
SIDES_PX = range(64, 2049)


def paint(
    prompt: str, *, negative_prompt: str = "", seed: int = 0, width: int = 768, height: int = 960
) -> NDArray[np.uint8]:
    """Paint the landscape that `prompt` asks for, in English or Chinese: (height, width, 3) uint8, sRGB.

    The same arguments give the same picture; another seed another view of the same scene. Raises `ValueError` when a
    side is not in `SIDES_PX`.
    """
    if width not in SIDES_PX or height not in SIDES_PX:
        raise ValueError(f"width and height must be {SIDES_PX.start} to {SIDES_PX.stop - 1}, got {width} × {height}")
    stage = Stage.set_up(read(prompt, negative_prompt), seed, height, width)
    paint_sky(stage)
    paint_place(stage)
    paint_mist(stage)
    paint_fall(stage)
    stage.canvas.shine()
    return np.round(finish(stage) * 255).astype(np.uint8)
