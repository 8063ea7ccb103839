"""The car assets on this machine: which cars, colours and views there are, and their files.

An asset is a folder ``<id>/`` with ``car.toml`` and a file ``<view>-<colour>.png`` for each view and colour: RGBA, 8
bits, sRGB, straight alpha. Nothing here takes a path from a graph: what a graph names is looked up among the manifests.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import CarUnusable

FOLDER_VARIABLE = "TRIPCANVAS_CARS"
NO_CAR = "none"

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MAX_MANIFEST_BYTES = 65536


@dataclass(frozen=True, slots=True)
class View:
    """One view of a car, in pixels of its files: size (width, height), badge (x0, y0, x1, y1), where wheels stand."""

    size_px: tuple[int, int]
    badge_box: tuple[float, float, float, float]
    wheel_contacts: tuple[tuple[float, float], ...]
    camera_height_m: float
    camera_fov_deg: float


@dataclass(frozen=True, slots=True)
class Car:
    """One asset; lengths in millimetres."""

    car_id: str
    folder: Path
    length_mm: float
    width_mm: float
    height_mm: float
    colours: tuple[str, ...]
    views: dict[str, View]

    def file(self, view: str, colour: str) -> Path:
        """The cut-out's file."""
        return self.folder / f"{view}-{colour}.png"


def folder_of_cars() -> Path | None:
    """Where the assets are, None when there are none.

    The folder that ``TRIPCANVAS_CARS`` names; else the first that exists of ComfyUI's ``models/cars``, ``cars`` in this
    package, and the ``cars`` beside ``custom_nodes``, as in this package's repository.
    """
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if named:
        return Path(named)
    package = Path(__file__).resolve().parent
    folder_paths: Any = sys.modules.get("folder_paths")
    models = [Path(folder_paths.models_dir) / "cars"] if hasattr(folder_paths, "models_dir") else []
    places = [*models, package / "cars", package.parent.parent / "cars"]
    return next((place for place in places if place.is_dir()), None)


def cars() -> dict[str, Car]:
    """Every asset that can be read, by id. One with a broken manifest is left out; `car` says what is wrong with it."""
    found = {}
    for car_id in _ids():
        try:
            found[car_id] = car(car_id)
        except CarUnusable:
            continue
    return found


def car(car_id: str) -> Car:
    """One asset. Raises `CarUnusable` when there is no such one, or when its manifest can't be read."""
    ids = _ids()
    if car_id not in ids:
        raise _absent("车型", "car", car_id, ids)
    folder = ids[car_id]
    try:
        return _read(car_id, folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise CarUnusable(
            f"车型 {car_id} 的 car.toml 缺失或有误", f"the car.toml of {car_id} is missing or malformed"
        ) from None


def chosen(car_id: str, colour: str, view: str) -> tuple[Car, View]:
    """The asset and the view of it. Raises `CarUnusable`, saying which cars, colours or views there are."""
    found = car(car_id)
    if colour not in found.colours:
        raise _absent("颜色", "colour", colour, found.colours, of=car_id)
    if view not in found.views:
        raise _absent("视角", "view", view, tuple(found.views), of=car_id)
    return found, found.views[view]


def _ids() -> dict[str, Path]:
    folder = folder_of_cars()
    if folder is None:
        return {}
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return {}
    # "none" is the choice of no car, whatever a folder is called.
    return {
        place.name: place
        for place in inside
        if _ID.fullmatch(place.name) and place.name != NO_CAR and (place / "car.toml").is_file()
    }


def _read(car_id: str, folder: Path) -> Car:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    file = folder / "car.toml"
    if file.stat().st_size > _MAX_MANIFEST_BYTES:
        raise ValueError
    manifest = tomllib.loads(file.read_text("utf-8"))
    if manifest["model"] != car_id or not manifest["colours"] or not manifest["views"]:
        raise ValueError
    for name in (*manifest["colours"], *manifest["views"]):
        if not _ID.fullmatch(name):
            raise ValueError
    return Car(
        car_id,
        folder,
        float(manifest["length_mm"]),
        float(manifest["width_mm"]),
        float(manifest["height_mm"]),
        tuple(manifest["colours"]),
        {name: _view(entry) for name, entry in manifest["views"].items()},
    )


def _view(entry: dict[str, Any]) -> View:
    width, height = (int(side) for side in entry["size_px"])
    x0, y0, x1, y1 = (float(edge) for edge in entry["badge_box"])
    contacts = tuple((float(x), float(y)) for x, y in entry["wheel_contacts"])
    if not (1 <= width <= 8192 and 1 <= height <= 8192):
        raise ValueError
    return View(
        (width, height), (x0, y0, x1, y1), contacts, float(entry["camera_height_m"]), float(entry["camera_fov_deg"])
    )


def _absent(zh: str, en: str, wanted: str, there: Any, of: str = "") -> CarUnusable:
    # What is wanted comes from a graph: a long or odd one is not repeated.
    shown = f" {wanted}" if _ID.fullmatch(wanted) else ""
    names = ", ".join(there)
    if not names:
        return CarUnusable(
            "这台服务器上没有车型素材；可选 none（不放车）",
            "there are no car assets on this server; none leaves the car out",
        )
    return CarUnusable(
        f"{of + ' ' if of else ''}没有{zh}{shown}；现有：{names}",
        f"{of + ' has' if of else 'there is'} no {en}{shown}; there {'are' if ',' in names else 'is'}: {names}",
    )
