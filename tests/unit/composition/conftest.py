"""A drawn car pack, so that the arithmetic is tested on known truths."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.pictures.composition.manifest import Manifest, read_manifest
from shared.pictures.composition.packs import colour_file, write_alpha, write_badge, write_colour

MANIFEST = """
model = "drawn"
name_zh = "手绘车"
name_en = "Drawn car"
licence = "Apache-2.0"
length_mm = 4700
width_mm = 1850
height_mm = 1500
wheelbase_mm = 2800
front_overhang_mm = 900
track_mm = 1600
tyre_diameter_mm = 680
ground_clearance_mm = 160

[colours.red]
name_zh = "中国红"
name_en = "China red"

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
size_px = [480, 160]
badge_box = [120, 70, 150, 90]
wheel_contacts = [[95.0, 158.0], [381.0, 158.0]]
horizon_y = 36.0
axis_x = 240.0
camera_height_m = 1.2
camera_distance_m = 16.0
camera_azimuth_deg = 90.0
camera_fov_deg = 17.0
"""


def draw(folder: Path) -> Manifest:
    """Write the pack of the drawn car: red body, dark glass of which 40 % is seen through, two wheels, a blue badge."""
    folder.mkdir(parents=True)
    (folder / "car.toml").write_text(MANIFEST, encoding="utf-8")
    alpha, colour = _drawn()
    for light, gain in (("studio", 1.0), ("noon", 1.2)):
        write_colour(folder / colour_file("side", "red", light), np.clip(colour * gain, 0, 1) * alpha[..., None])
    write_alpha(folder / "side-alpha.png", alpha)
    badge = np.zeros((160, 480), np.float32)
    badge[70:90, 120:150] = 1.0
    write_badge(folder / "side-badge.png", badge)
    return read_manifest(folder)


def _drawn() -> tuple[np.ndarray, np.ndarray]:
    scale = 4
    alpha = np.zeros((160 * scale, 480 * scale), np.float32)
    colour = np.zeros((160 * scale, 480 * scale, 3), np.float32)

    def shape(points: list[tuple[float, float]], rgb: tuple[float, float, float], opacity: float = 1.0) -> None:
        mask = np.zeros(alpha.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(np.array(points) * scale).astype(np.int32)], 1)
        alpha[mask == 1] = opacity
        colour[mask == 1] = rgb

    shape([(8, 130), (12, 80), (110, 62), (160, 14), (320, 14), (400, 64), (470, 76), (473, 130)], (0.4, 0.02, 0.02))
    shape([(135, 60), (170, 20), (312, 20), (372, 60)], (0.03, 0.03, 0.04), 0.6)
    shape([(120, 70), (150, 70), (150, 90), (120, 90)], (0.02, 0.05, 0.5))
    for x in (95, 381):
        around = np.linspace(0, 2 * np.pi, 40)
        shape([(x + 33 * np.cos(a), 125 + 33 * np.sin(a)) for a in around], (0.01, 0.01, 0.01))
    small = (480, 160)
    out = cv2.resize(np.dstack([colour * alpha[..., None], alpha]), small, interpolation=cv2.INTER_AREA)
    return out[..., 3], out[..., :3] / np.maximum(out[..., 3:], 1e-6)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return draw(tmp_path_factory.mktemp("cars") / "drawn")
