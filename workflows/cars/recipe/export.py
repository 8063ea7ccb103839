"""Packs rendered frames as a car asset: ``python workflows/cars/recipe/export.py FRAMES workflows/cars/gen1``.

Run from the repository's root with the project's own Python. The look (exposure, contrast, shoulder) turns rendered
light into light as a picture shows it. Alpha is rendered once for each view, with many samples.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.manifest import read_manifest
from shared.pictures.composition.occlusion import write_ground
from shared.pictures.composition.packs import colour_file, write_alpha, write_badge, write_colour

Floats = NDArray[np.float32]

#: The look: exposure, then contrast as a power about mid-white, then a shoulder for the highlights.
_EXPOSURES = {"studio": 0.86, "noon": 0.86, "dusk": 0.86, "overcast": 1.0, "night": 0.74}
_CONTRAST, _PIVOT, _SHOULDER = 1.22, 0.45, 0.72
#: Below this the colour of a pixel is rounding noise.
_LEAST_ALPHA = 0.006
#: What counts as outside, and as wholly inside; and how far from the outside the rim reaches.
_OUTSIDE, _INSIDE, _RIM_PX = 0.024, 0.98, 2.5
_MARGIN_PX = 4
_VIEW_NAMES = {"three_quarter": ("前侧", "Front three-quarter"), "side": ("正侧", "Side")}
_LIGHT_NAMES = {
    "studio": ("影棚", "Studio"),
    "noon": ("正午", "Noon"),
    "dusk": ("黄昏", "Dusk"),
    "overcast": ("阴天", "Overcast"),
    "night": ("夜晚", "Night"),
}


def looked(colour: Floats, exposure: float) -> Floats:
    """Rendered light (…, 3) as the light of a picture: highlights roll off, they don't clip."""
    toned = _PIVOT * np.power(np.clip(exposure * colour, 0.0, None) / _PIVOT, _CONTRAST)
    over = np.clip(toned - _SHOULDER, 0.0, None)
    room = 1.0 - _SHOULDER
    return np.asarray(np.minimum(toned, _SHOULDER) + room * (1.0 - np.exp(-over / room)), dtype=np.float32)


def rimmed(colour: Floats, alpha: Floats) -> Floats:
    """Straight colour (H, W, 3), that of the rim's soft pixels taken from the nearest opaque pixel inside.

    At its very outline a body mirrors what lies straight behind it. That is the sky of the render, and would be a light
    fringe in a darker place.
    """
    to_outside = cv2.distanceTransform((alpha >= _OUTSIDE).astype(np.uint8), cv2.DIST_L2, 5)
    inside = (alpha >= _INSIDE).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros((labels.max() + 1, 3), np.float32)
    of_label[labels[inside == 1]] = colour[inside == 1]
    nearest = of_label[labels]
    share = np.where(to_outside <= _RIM_PX, np.clip(2.0 * (1.0 - alpha), 0.0, 1.0), 0.0)[..., np.newaxis]
    return np.asarray((1.0 - share) * colour + share * nearest, dtype=np.float32)


def main() -> None:
    """Write the pack's pictures, its sky map and its manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--rate", type=int, default=85, help="bytes of a colour file, in thousandths of the raw ones")
    args = parser.parse_args()
    args.pack.mkdir(parents=True, exist_ok=True)
    car = json.loads((args.frames / "car.json").read_text("utf-8"))
    every = sorted(path.stem.split("-") for path in args.frames.glob("*-*-*.npy"))
    # A pack holds a light in all its views and colours, or not at all.
    counts = Counter(light for _, _, light in every)
    lights = [light for light in _LIGHT_NAMES if counts[light] == len(_VIEW_NAMES) * len(car["colours"])]
    made = [each for each in every if each[2] in lights]
    tables = []
    for view_id in _VIEW_NAMES:
        mine = [each for each in made if each[0] == view_id]
        if mine:
            tables.append(_view(view_id, mine, args.frames, args.pack, args.rate))
    text = _head(car, lights) + "".join(tables)
    (args.pack / "car.toml").write_text(text, encoding="utf-8")
    write_ground(read_manifest(args.pack))


def _view(view_id: str, made: list[list[str]], frames: Path, pack: Path, rate: int) -> str:
    badge, alpha = np.moveaxis(np.clip(np.load(frames / f"{view_id}-coverage.npy"), 0.0, 1.0), -1, 0)
    # The last and the first per cent are noise of the sampling: a body is opaque, and the world behind it is not.
    alpha = np.where(alpha > 0.992, 1.0, np.where(alpha < 0.004, 0.0, alpha)).astype(np.float32)
    rows, columns = np.flatnonzero((alpha > 0).any(axis=1)), np.flatnonzero((alpha > 0).any(axis=0))
    top, bottom = max(int(rows[0]) - _MARGIN_PX, 0), min(int(rows[-1]) + 1 + _MARGIN_PX, alpha.shape[0])
    left, right = max(int(columns[0]) - _MARGIN_PX, 0), min(int(columns[-1]) + 1 + _MARGIN_PX, alpha.shape[1])
    cut = (slice(top, bottom), slice(left, right))
    alpha = alpha[cut]
    write_alpha(pack / f"{view_id}-alpha.png", alpha)
    write_badge(pack / f"{view_id}-badge.png", _frontal(badge[cut], alpha))
    for _, colour, light in made:
        frame = np.load(frames / f"{view_id}-{colour}-{light}.npy").astype(np.float32)[cut]
        # A frame's colour is denoised and its own alpha is not: the view's alpha is the one that fits.
        straight = looked(frame[..., :3] / np.maximum(alpha, _LEAST_ALPHA)[..., np.newaxis], _EXPOSURES[light])
        straight = rimmed(straight, alpha)
        write_colour(pack / colour_file(view_id, colour, light), straight * alpha[..., np.newaxis], rate)
    camera = json.loads((frames / f"{view_id}.json").read_text("utf-8"))
    return _view_table(view_id, camera, (left, top, right, bottom))


def _frontal(badge: Floats, alpha: Floats) -> Floats:
    """The badge mask (H, W) without badges on the outline: edge on, they show nothing that could be kept."""
    count, labels = cv2.connectedComponents((badge > 0.02).astype(np.uint8))
    on_outline = [label for label in range(1, count) if alpha[labels == label].min() < 0.999]
    return np.where((badge > 0.02) & ~np.isin(labels, on_outline), badge, 0.0).astype(np.float32)


def _view_table(view_id: str, camera: dict[str, Any], cut: tuple[int, int, int, int]) -> str:
    left, top, right, bottom = cut
    corner = np.array([left, top])
    outline = np.array(camera["badge_outline"]) - corner
    x0, y0 = np.floor(outline.min(axis=0)).astype(int)
    x1, y1 = np.ceil(outline.max(axis=0)).astype(int)
    contacts = ", ".join(f"[{x:.1f}, {y:.1f}]" for x, y in np.array(camera["wheel_contacts"]) - corner)
    fov = math.degrees(2 * math.atan((right - left) / 2 / camera["focal_px"]))
    zh, en = _VIEW_NAMES[view_id]
    return f"""
[views.{view_id}]
name_zh = "{zh}"
name_en = "{en}"
size_px = [{right - left}, {bottom - top}]
badge_box = [{x0}, {y0}, {x1}, {y1}]
wheel_contacts = [{contacts}]
horizon_y = {camera["horizon_y"] - top:.1f}
axis_x = {camera["axis_x"] - left:.1f}
camera_height_m = {camera["height_m"]}
camera_distance_m = {camera["distance_m"]}
camera_azimuth_deg = {camera["azimuth_deg"]}
camera_fov_deg = {fov:.3f}
"""


def _head(car: dict[str, Any], lights: list[str]) -> str:
    text = "# Written by workflows/cars/recipe/export.py; what each key means: workflows/cars/README.md\n"
    for key in ("model", "name_zh", "name_en", "licence"):
        text += f'{key} = "{car[key]}"\n'
    for key, value in car["measures_mm"].items():
        text += f"{key}_mm = {value:.0f}\n"
    for colour, (zh, en) in car["colours"].items():
        text += f'\n[colours.{colour}]\nname_zh = "{zh}"\nname_en = "{en}"\n'
    for light in lights:
        zh, en = _LIGHT_NAMES[light]
        text += f'\n[lights.{light}]\nname_zh = "{zh}"\nname_en = "{en}"\n'
        if light in car["suns"]:
            azimuth, elevation = car["suns"][light]
            text += f"sun_azimuth_deg = {azimuth}\nsun_elevation_deg = {elevation}\n"
    return text


if __name__ == "__main__":
    main()
