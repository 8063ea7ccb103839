"""Shows a car's cut-outs on white, black, green and a landscape, where a fringe would be seen.

From the repository's root, with the project's own Python: ``python workflows/cars/recipe/sheet.py OUT.jpg``. Blended in
linear light. The car has no shadow here: this is to look at edges, not at how it stands.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from localcloud.painter import paint

_TILE_PX = (520, 240)
_CAR_PX = 480


def _linear(srgb: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.rint(np.clip(srgb, 0.0, 1.0) * 255).astype(np.uint8)


def _tile(cutout: NDArray[np.uint8], behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A cut-out, scaled by area in premultiplied linear light, on a background (240, 520, 3)."""
    alpha = cutout[..., 3:].astype(np.float32) / 255
    premultiplied = np.concatenate([_linear(cutout[..., :3].astype(np.float32) / 255) * alpha, alpha], axis=-1)
    height = round(cutout.shape[0] * _CAR_PX / cutout.shape[1])
    small = cv2.resize(premultiplied, (_CAR_PX, height), interpolation=cv2.INTER_AREA)
    ground = _linear(behind.astype(np.float32) / 255)
    top, left = _TILE_PX[1] - height - 12, (_TILE_PX[0] - _CAR_PX) // 2
    part = ground[top : top + height, left : left + _CAR_PX]
    part[:] = small[..., :3] + (1.0 - small[..., 3:]) * part
    return _encoded(ground)


def main() -> None:
    """Write the contact sheet of one car."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--car", type=Path, default=Path(__file__).parents[1] / "gen1")
    args = parser.parse_args()
    width, height = _TILE_PX
    plain = [np.full((height, width, 3), colour, dtype=np.uint8) for colour in ((255,) * 3, (0,) * 3, (0, 177, 64))]
    scene = paint("初夏的草原公路，写实，远山，多云的午后", seed=7, width=2 * width, height=2 * width)
    # The middle of the sheet: its torn edge would hide the car's.
    middle = scene[height : height + width, width // 4 : width // 4 + width * 3 // 2]
    crop = cv2.resize(middle, (width, width * 2 // 3), interpolation=cv2.INTER_AREA)
    crop = crop[-height:]
    rows = []
    for path in sorted(args.car.glob("*.png"), reverse=True):
        with Image.open(path) as picture:
            cutout = np.asarray(picture)
        rows.append(np.concatenate([_tile(cutout, behind) for behind in (*plain, crop)], axis=1))
    Image.fromarray(np.concatenate(rows)).save(args.out, quality=88, subsampling=0)


if __name__ == "__main__":
    main()
