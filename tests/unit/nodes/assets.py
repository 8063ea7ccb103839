"""A small car pack drawn for the tests: two colours, one view, a soft edge, a badge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.pictures.composition.light import to_linear
from shared.pictures.composition.packs import colour_file, write_alpha, write_badge, write_colour

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 80, 40
#: sRGB.
PAINTS = {"red": (180, 20, 30), "white": (230, 230, 235)}
BADGE = (4, 18, 8, 22)
BADGE_BLUE = (20, 40, 160)

MANIFEST = f"""
model = "{{model}}"
name_zh = "试验车"
name_en = "Test car"
licence = "Apache-2.0"
length_mm = 4750
width_mm = 1860
height_mm = 1450
wheelbase_mm = 2800
front_overhang_mm = 900
track_mm = 1600
tyre_diameter_mm = 680
ground_clearance_mm = 150
[colours.red]
name_zh = "红"
name_en = "Red"
[colours.white]
name_zh = "白"
name_en = "White"
[lights.studio]
name_zh = "影棚"
name_en = "Studio"
[lights.noon]
name_zh = "正午"
name_en = "Noon"
sun_azimuth_deg = 115.0
sun_elevation_deg = 55.0
[views.side]
name_zh = "正侧"
name_en = "Side"
size_px = [{WIDTH}, {HEIGHT}]
badge_box = {list(BADGE)}
wheel_contacts = [[18, 36], [62, 36]]
horizon_y = 8.0
axis_x = 40.0
camera_height_m = 1.2
camera_distance_m = 16.0
camera_azimuth_deg = 90.0
camera_fov_deg = 20.0
"""


def make_asset(folder: Path, model: str = "gen1") -> Path:
    """Write the pack below `folder`, the folder of all cars; returns the pack's own. At noon it is half as bright."""
    pack = folder / model
    pack.mkdir(parents=True)
    (pack / "car.toml").write_text(MANIFEST.format(model=model), "utf-8")
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[4:37, 3:77] = 0.5
    alpha[5:36, 4:76] = 1.0
    badge = np.zeros((HEIGHT, WIDTH), np.float32)
    x0, y0, x1, y1 = BADGE
    badge[y0:y1, x0:x1] = 1.0
    for colour, paint in PAINTS.items():
        picture = np.full((HEIGHT, WIDTH, 3), paint, np.uint8)
        picture[badge > 0] = BADGE_BLUE
        light = to_linear(picture) * alpha[..., None]
        for light_id, gain in (("studio", 1.0), ("noon", 0.5)):
            # Losslessly, so that the tests know each value.
            write_colour(pack / colour_file("side", colour, light_id), light * np.float32(gain), 1000)
    write_alpha(pack / "side-alpha.png", alpha)
    write_badge(pack / "side-badge.png", badge)
    return pack
