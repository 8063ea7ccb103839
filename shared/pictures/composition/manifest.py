"""What a car asset says about itself: ``car.toml``, read and checked. Lengths in metres, pixels of the pack's files."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Longest manifest that is read.
_MAX_BYTES = 65536
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: The light that every pack has.
STUDIO = "studio"


class BadPack(ValueError):
    """A car asset that can't be used: what is wrong, and what was expected there."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected} expected")
        self.field = field
        self.expected = expected


@dataclass(frozen=True, slots=True)
class View:
    """How the car is seen. The camera is level: upright lines stay upright, and the horizon is one row.

    `size_px` is width and height; `badge_box` left, top, right, bottom; `wheel_contacts` where the near front and the
    near rear wheel touch the ground; `axis_x` and `horizon_y` the optical axis, which may lie outside the file.
    """

    view_id: str
    name_zh: str
    name_en: str
    size_px: tuple[int, int]
    badge_box: tuple[float, float, float, float]
    wheel_contacts: tuple[tuple[float, float], tuple[float, float]]
    horizon_y: float
    axis_x: float
    camera_height_m: float
    camera_distance_m: float
    camera_azimuth_deg: float
    camera_fov_deg: float

    @property
    def focal_px(self) -> float:
        """The focal length in pixels of the file."""
        return self.size_px[0] / 2 / math.tan(math.radians(self.camera_fov_deg) / 2)


@dataclass(frozen=True, slots=True)
class Light:
    """What lit the car. The sun's azimuth is relative to the car: 0 in front of its nose, 90 at its left side."""

    light_id: str
    name_zh: str
    name_en: str
    sun_azimuth_deg: float | None = None
    sun_elevation_deg: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """One car model: its measures, and the colours, lights and views it was pictured in."""

    folder: Path
    model: str
    name_zh: str
    name_en: str
    licence: str
    length_m: float
    width_m: float
    height_m: float
    wheelbase_m: float
    front_overhang_m: float
    track_m: float
    tyre_diameter_m: float
    ground_clearance_m: float
    colours: dict[str, tuple[str, str]]
    lights: dict[str, Light]
    views: dict[str, View]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the pack in `folder`. Raises `BadPack`, naming the key and what it should be."""
    file = folder / "car.toml"
    table = _parsed(file)
    where = _Table(table, f"{folder.name}/car.toml")
    if where.text("model") != folder.name:
        raise BadPack(f"{folder.name}/car.toml: model", f"{folder.name!r}, the folder's name")
    return Manifest(
        folder=folder,
        model=folder.name,
        name_zh=where.text("name_zh"),
        name_en=where.text("name_en"),
        licence=where.text("licence"),
        length_m=where.metres("length_mm"),
        width_m=where.metres("width_mm"),
        height_m=where.metres("height_mm"),
        wheelbase_m=where.metres("wheelbase_mm"),
        front_overhang_m=where.metres("front_overhang_mm"),
        track_m=where.metres("track_mm"),
        tyre_diameter_m=where.metres("tyre_diameter_mm"),
        ground_clearance_m=where.metres("ground_clearance_mm"),
        colours={name: (each.text("name_zh"), each.text("name_en")) for name, each in where.tables("colours")},
        lights=_lights(where),
        views={name: _view(name, each) for name, each in where.tables("views")},
    )


def _lights(where: _Table) -> dict[str, Light]:
    lights = {}
    for name, each in where.tables("lights"):
        azimuth, elevation = each.optional("sun_azimuth_deg"), each.optional("sun_elevation_deg")
        if (azimuth is None) != (elevation is None):
            raise BadPack(f"{each.name}.sun_elevation_deg", "both sun_azimuth_deg and sun_elevation_deg, or neither")
        lights[name] = Light(name, each.text("name_zh"), each.text("name_en"), azimuth, elevation)
    if STUDIO not in lights:
        raise BadPack(f"{where.name}: lights.{STUDIO}", "the light that every pack has")
    return lights


def _view(view_id: str, where: _Table) -> View:
    width, height = where.numbers("size_px", 2)
    if not (width == int(width) and height == int(height) and 16 <= width <= 8192 and 16 <= height <= 8192):
        raise BadPack(f"{where.name}.size_px", "two whole numbers from 16 to 8192")
    x0, y0, x1, y1 = where.numbers("badge_box", 4)
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise BadPack(f"{where.name}.badge_box", "left, top, right, bottom inside the picture")
    contacts = where.points("wheel_contacts", 2)
    horizon_y = where.number("horizon_y", least=-1e5)
    if any(not 0 <= x <= width or not horizon_y < y <= height for x, y in contacts):
        raise BadPack(f"{where.name}.wheel_contacts", "points inside the picture and below the horizon")
    fov = where.number("camera_fov_deg", least=1.0)
    if fov >= 120.0:
        raise BadPack(f"{where.name}.camera_fov_deg", "degrees from 1 to 120")
    return View(
        view_id,
        where.text("name_zh"),
        where.text("name_en"),
        (int(width), int(height)),
        (x0, y0, x1, y1),
        (contacts[0], contacts[1]),
        horizon_y,
        where.number("axis_x", least=-1e5),
        where.number("camera_height_m", least=0.1),
        where.number("camera_distance_m", least=0.5),
        where.number("camera_azimuth_deg", least=-360.0),
        fov,
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the manifest; its values by key, each checked."""

    values: Mapping[str, Any]
    name: str

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise BadPack(f"{self.name}.{key}", "a text")
        return value

    def number(self, key: str, *, least: float) -> float:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 1e6:
            raise BadPack(f"{self.name}.{key}", f"a number of at least {least:g}" if least > -1e5 else "a number")
        return float(value)

    def optional(self, key: str) -> float | None:
        return self.number(key, least=-360.0) if key in self.values else None

    def metres(self, key: str) -> float:
        return self.number(key, least=1.0) / 1000.0

    def numbers(self, key: str, count: int) -> list[float]:
        value = self.values.get(key)
        right = isinstance(value, list) and len(value) == count
        if not right or any(isinstance(n, bool) or not isinstance(n, int | float) for n in value or ()):
            raise BadPack(f"{self.name}.{key}", f"{count} numbers")
        return [float(n) for n in value or ()]

    def points(self, key: str, count: int) -> list[tuple[float, float]]:
        value = self.values.get(key)
        if not isinstance(value, list) or len(value) != count:
            raise BadPack(f"{self.name}.{key}", f"{count} points [x, y]")
        return [tuple(_Table({key: each}, self.name).numbers(key, 2)) for each in value]  # type: ignore[misc]

    def tables(self, key: str) -> list[tuple[str, _Table]]:
        value = self.values.get(key)
        if not isinstance(value, dict) or not value:
            raise BadPack(f"{self.name}: {key}", f"at least one table [{key}.<id>]")
        for name, each in value.items():
            if not _ID.fullmatch(name) or not isinstance(each, dict):
                raise BadPack(f"{self.name}: {key}", "ids of small letters, digits, - and _")
        return [(name, _Table(each, f"{self.name}: {key}.{name}")) for name, each in value.items()]


def _parsed(file: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise BadPack(f"{file.parent.name}/car.toml", f"at most {_MAX_BYTES} bytes")
        return dict(tomllib.loads(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError):
        raise BadPack(f"{file.parent.name}/car.toml", "a readable file in UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError):
        raise BadPack(f"{file.parent.name}/car.toml", "valid TOML") from None
