"""One drawn car, its photographs as files, and what is said of its camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.unit.cars_import.studio import DrawnCar, backdrop, drawn_car, photographed

SRGB_ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="session")
def car() -> DrawnCar:
    return drawn_car("red", width_px=480)


@pytest.fixture(scope="session")
def photograph(car: DrawnCar) -> np.ndarray:
    return photographed(car.pixels, backdrop("grey", *car.pixels.shape[:2]))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Saves codes (H, W, 4) as a tagged PNG."""

    def save(rgba: np.ndarray, name: str = "car.png", icc: bytes | None = SRGB_ICC) -> Path:
        Image.fromarray(rgba).save(tmp_path / name, **({"icc_profile": icc} if icc else {}))
        return tmp_path / name

    return save


def manifest_text(car: DrawnCar, **changed: object) -> str:
    """A `car.toml` for the drawn car's left side, points in the photograph's pixels."""
    width = car.pixels.shape[1]
    (front_x, ground_y), (rear_x, _) = car.wheel_contacts
    wheelbase_m, track_m, distance_m, height_m = 2.9, 1.6, 12.0, 1.3
    # Level camera straight from the left, its axis between the axles.
    focal_px = (rear_x - front_x) * (distance_m - track_m / 2) / wheelbase_m
    view = {
        "badge_box": [float(value) for value in car.badge_box],
        "wheel_contacts": [[front_x, ground_y], [rear_x, ground_y]],
        "horizon_y": ground_y - focal_px * height_m / (distance_m - track_m / 2),
        "axis_x": (front_x + rear_x) / 2,
        "camera_height_m": height_m,
        "camera_distance_m": distance_m,
        "camera_azimuth_deg": 90.0,
        "camera_fov_deg": math.degrees(2 * math.atan(width / 2 / focal_px)),
    } | changed
    lines = [f"{key} = {value}" for key, value in view.items() if value is not None]
    return (
        'name_zh = "测试车"\nname_en = "Test car"\nlicence = "Apache-2.0"\nlength_mm = 4700\nwidth_mm = 1850\n'
        "height_mm = 1440\nwheelbase_mm = 2900\nfront_overhang_mm = 900\ntrack_mm = 1600\ntyre_diameter_mm = 640\n"
        'ground_clearance_mm = 150\n[colours.red]\nname_zh = "中国红"\nname_en = "China red"\n'
        '[colours.blue]\nname_zh = "海蓝"\nname_en = "Sea blue"\n[views.side]\n' + "\n".join(lines) + "\n"
    )


@pytest.fixture
def manifest(car: DrawnCar, tmp_path: Path) -> Callable[..., Path]:
    def write(**changed: object) -> Path:
        file = tmp_path / "given.toml"
        file.write_text(manifest_text(car, **changed), encoding="utf-8")
        return file

    return write
