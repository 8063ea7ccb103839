"""The car assets on this machine: which cars, colours and views there are.

An asset is a folder ``<id>/`` as `composition.manifest` describes it. Nothing here takes a path from a graph: what a
graph names is looked up among the manifests.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from .composition.manifest import BadPack, Manifest, read_manifest
from .errors import CarUnusable

FOLDER_VARIABLE = "TRIPCANVAS_CARS"
NO_CAR = "none"
#: The view that the background is to choose.
AUTO = "auto"

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


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


def cars() -> dict[str, Manifest]:
    """Every asset that can be read, by id. One with a broken manifest is left out; `car` says what is wrong with it."""
    found = {}
    for car_id in _ids():
        try:
            found[car_id] = car(car_id)
        except CarUnusable:
            continue
    return found


def car(car_id: str) -> Manifest:
    """One asset. Raises `CarUnusable` when there is no such one, or when its manifest can't be read."""
    ids = _ids()
    if car_id not in ids:
        raise _absent("车型", "car", car_id, ids)
    try:
        return read_manifest(ids[car_id])
    except BadPack as bad:
        raise unusable(bad) from None


def chosen(car_id: str, colour: str, view: str) -> Manifest:
    """The asset, with that colour and view in it. Raises `CarUnusable`, saying which cars, colours or views there are.

    The view ``auto`` is one of every asset's.
    """
    found = car(car_id)
    if colour not in found.colours:
        raise _absent("颜色", "colour", colour, found.colours, of=car_id)
    if view != AUTO and view not in found.views:
        raise _absent("视角", "view", view, found.views, of=car_id)
    return found


def unusable(bad: BadPack) -> CarUnusable:
    """What a broken pack is for the designer. It names files and keys of the pack, never a folder of the server."""
    return CarUnusable(f"车型素材有误：{bad.field}", f"the car's files are not what they should be: {bad}")


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
