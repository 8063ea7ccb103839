"""A small car asset drawn for the tests: two colours, one view, a soft edge, colour hidden under transparent pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 80, 40
PAINTS = {"red": (180, 20, 30), "white": (230, 230, 235)}

MANIFEST = f"""
model = "{{model}}"
name_zh = "试验车"
name_en = "Test car"
licence = "Apache-2.0"
length_mm = 4750
width_mm = 1860
height_mm = 1450
[colours.red]
name_zh = "红"
name_en = "Red"
[colours.white]
name_zh = "白"
name_en = "White"
[views.side]
size_px = [{WIDTH}, {HEIGHT}]
badge_box = [4, 18, 8, 22]
wheel_contacts = [[18, 36], [62, 36]]
camera_height_m = 1.2
camera_fov_deg = 20.0
"""


def cut_out(paint: tuple[int, int, int]) -> np.ndarray:
    """RGBA: a body with an edge of half alpha; bright green, which must never show, where alpha is 0."""
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:, :, 1] = 255
    pixels[4:37, 3:77] = (*paint, 128)
    pixels[5:36, 4:76] = (*paint, 255)
    return pixels


def make_asset(folder: Path, model: str = "gen1") -> Path:
    """Write the asset below `folder`, the folder of all cars; returns the asset's own."""
    asset = folder / model
    asset.mkdir(parents=True)
    (asset / "car.toml").write_text(MANIFEST.format(model=model), "utf-8")
    for colour, paint in PAINTS.items():
        Image.fromarray(cut_out(paint)).save(asset / f"side-{colour}.png")
    return asset
