"""Shows a pack: each colour under each light, on plain ground as bright as such a place.

From the repository's root, with the project's own Python: ``python workflows/cars/recipe/sheet.py OUT.jpg --car DIR``.
Blended in linear light. The cars have no shadow here: this is to look at paint, glass and edges.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.pictures.composition.light import Floats, scaled, to_linear, to_srgb
from shared.pictures.composition.manifest import read_manifest
from shared.pictures.composition.packs import load_picture

#: Sky and ground behind the car, sRGB.
_BEHIND = {
    "studio": ((214, 216, 218), (168, 169, 171)),
    "noon": ((150, 186, 222), (150, 146, 136)),
    "dusk": ((196, 138, 112), (78, 66, 66)),
    "overcast": ((186, 192, 197), (118, 120, 120)),
    "night": ((24, 28, 44), (30, 29, 32)),
}
_TILE_PX = (330, 178)
_CAR_PX = (300, 158)


def _behind(light_id: str) -> Floats:
    """Plain sky over plain ground, a soft line between them, (H, W, 3) linear."""
    width, height = _TILE_PX
    sky, ground = (to_linear(np.array(rgb, np.uint8)) for rgb in _BEHIND[light_id])
    share = np.clip((np.arange(height) / height - 0.38) / 0.06, 0.0, 1.0)[:, np.newaxis, np.newaxis]
    return np.array(np.broadcast_to(sky + share * (ground - sky), (height, width, 3)), np.float32, order="C")


def _tile(pixels: Floats, light_id: str) -> NDArray[np.uint8]:
    picture = _behind(light_id)
    height, width = pixels.shape[:2]
    scale = min(_CAR_PX[0] / width, _CAR_PX[1] / height)
    width, height = round(width * scale), round(height * scale)
    top, left = _TILE_PX[1] - height - 10, (_TILE_PX[0] - width) // 2
    car = scaled(pixels, width, height)
    part = picture[top : top + height, left : left + width]
    part[:] = car[..., :3] + (1.0 - car[..., 3:]) * part
    return np.asarray(np.rint(to_srgb(picture) * 255.0), dtype=np.uint8)


def main() -> None:
    """Write the contact sheet of one car: a row for each view and colour, a column for each light."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--car", type=Path, default=Path(__file__).parents[1] / "gen1")
    args = parser.parse_args()
    manifest = read_manifest(args.car)
    rows = [
        np.concatenate(
            [_tile(load_picture(manifest, view, colour, light).pixels, light) for light in manifest.lights], 1
        )
        for view in manifest.views
        for colour in manifest.colours
    ]
    Image.fromarray(np.concatenate(rows)).save(args.out, quality=86, subsampling=0)


if __name__ == "__main__":
    main()
