"""The cars of the benchmark: pictures whose true colours and true coverage are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.manifest import STUDIO, BadPack, Manifest, View, read_manifest
from shared.pictures.composition.packs import (
    CarPicture,
    colour_file,
    load_picture,
    write_alpha,
    write_badge,
    write_colour,
)

CARS = Path(__file__).resolve().parents[2] / "workflows" / "cars"


@dataclass(frozen=True, slots=True, eq=False)
class Asset:
    """One picture of a car: `pixels` (H, W, 4) premultiplied linear Rec. 709, `badge` (H, W), its coverage in 0..1."""

    name: str
    manifest: Manifest
    view_id: str
    colour: str
    pixels: NDArray[np.float32]
    badge: NDArray[np.float32]

    @property
    def view(self) -> View:
        """The camera that saw it."""
        return self.manifest.views[self.view_id]


def manifests(folder: Path = CARS) -> list[Manifest]:
    """Every car asset of a folder that can be read."""
    found = []
    for file in sorted(folder.glob("*/car.toml")):
        try:
            manifest = read_manifest(file.parent)
            load_picture(manifest, next(iter(manifest.views)), next(iter(manifest.colours)), STUDIO)
        except BadPack as refused:
            print(f"left out: {refused}")
        else:
            found.append(manifest)
    return found


def pack_assets(cars: list[Manifest]) -> list[Asset]:
    """Every view and colour of the packs in studio light."""
    return [
        Asset(f"{car.model}-{view}-{colour}", car, view, colour, picture.pixels, picture.badge)
        for car in cars
        for view in car.views
        for colour in car.colours
        for picture in [load_picture(car, view, colour, STUDIO)]
    ]


def spread(assets: list[Asset], count: int) -> list[Asset]:
    """`count` of the assets that have as many different models, views and colours as there are."""
    chosen: list[Asset] = []
    while len(chosen) < min(count, len(assets)):
        rest = [each for each in assets if each not in chosen]
        chosen.append(min(rest, key=lambda each: (_likeness(each, chosen), rest.index(each))))
    return chosen


def _likeness(asset: Asset, chosen: list[Asset]) -> int:
    return sum(
        2 * (asset.manifest.model == other.manifest.model)
        + (asset.view_id == other.view_id)
        + (asset.colour == other.colour)
        for other in chosen
    )


def stored(asset: Asset, pixels: NDArray[np.float32], folder: Path) -> CarPicture:
    """What a pack gives back when these pixels (H, W, 4) are put into it: the files' losses are in it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_colour(folder / colour_file(asset.view_id, asset.colour, STUDIO), pixels)
    write_alpha(folder / f"{asset.view_id}-alpha.png", pixels[..., 3])
    write_badge(folder / f"{asset.view_id}-badge.png", asset.badge)
    return load_picture(replace(asset.manifest, folder=folder), asset.view_id, asset.colour, STUDIO)
