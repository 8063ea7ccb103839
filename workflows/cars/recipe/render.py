"""Renders all cut-outs of the first generation and writes its manifest: ``python render.py OUT``."""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from pathlib import Path

import bpy
import cutout
import numpy as np
from furniture import badge_outlines
from gen1 import AXLES_X_M, HEIGHT_M, LENGTH_M, TYRE_MIDDLE_Y_M, WIDTH_M
from numpy.typing import NDArray
from studio import PAINTS, VIEWS, Camera, build, set_paint

_NAMES = {"black": ("墨黑", "Ink black"), "white": ("雪山白", "Snow white"), "red": ("中国红", "China red")}
_VIEW_NAMES = {"three_quarter": ("前侧", "Front three-quarter"), "side": ("正侧", "Side")}
_BADGES = {"three_quarter": "nose", "side": "left"}


def _render(samples: int) -> NDArray[np.float32]:
    """The frame (H, W, 4), linear Rec. 709 light, premultiplied, top row first."""
    scene = bpy.context.scene
    scene.cycles.samples = samples
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "frame.exr")
        bpy.ops.render.render(write_still=True)
        frame = bpy.data.images.load(scene.render.filepath)
        width, height = frame.size
        pixels = np.empty(width * height * 4, dtype=np.float32)
        frame.pixels.foreach_get(pixels)
        bpy.data.images.remove(frame)
    return pixels.reshape(height, width, 4)[::-1]


def _prepare() -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.cycles.use_denoising = True
    scene.cycles.seed = 1
    scene.cycles.max_bounces, scene.cycles.transparent_max_bounces = 5, 12
    scene.cycles.sample_clamp_indirect = 4.0
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"


def _view_toml(view_id: str, camera: Camera, crop: cutout.Crop) -> str:
    """The table of one view; all points in pixels of the cropped file."""
    corner = np.array([crop.left, crop.top])
    badge = camera.project(badge_outlines()[_BADGES[view_id]]) - corner
    x0, y0 = np.floor(badge.min(axis=0)).astype(int)
    x1, y1 = np.ceil(badge.max(axis=0)).astype(int)
    wheels = np.array([[axle, -TYRE_MIDDLE_Y_M, 0.0] for axle in AXLES_X_M])
    contacts = ", ".join(f"[{x:.1f}, {y:.1f}]" for x, y in camera.project(wheels) - corner)
    width, height = crop.right - crop.left, crop.bottom - crop.top
    fov = math.degrees(2 * math.atan(width / 2 / camera.focal_px))
    zh, en = _VIEW_NAMES[view_id]
    return f"""
[views.{view_id}]
name_zh = "{zh}"
name_en = "{en}"
size_px = [{width}, {height}]
badge_box = [{x0}, {y0}, {x1}, {y1}]
wheel_contacts = [{contacts}]
horizon_y = {camera.horizon_row() - crop.top:.1f}
camera_height_m = {camera.view.height_m}
camera_distance_m = {camera.view.distance_m}
camera_azimuth_deg = {camera.view.azimuth_deg}
camera_fov_deg = {fov:.2f}
"""


def _head_toml() -> str:
    colours = "".join(
        f'\n[colours.{colour}]\nname_zh = "{zh}"\nname_en = "{en}"\n' for colour, (zh, en) in _NAMES.items()
    )
    return f"""# Written by workflows/cars/recipe/render.py; what each key means: workflows/cars/README.md
model = "gen1"
name_zh = "一代"
name_en = "First generation"
licence = "Apache-2.0"
length_mm = {LENGTH_M * 1000:.0f}
width_mm = {WIDTH_M * 1000:.0f}
height_mm = {HEIGHT_M * 1000:.0f}
{colours}"""


def _tables_of(manifest: Path) -> dict[str, str]:
    """The tables of the views that a manifest written by this program already has."""
    text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
    parts = re.split(r"^\[views\.(\w+)\]\n", text, flags=re.MULTILINE)
    return {
        view_id: f"\n[views.{view_id}]\n{body.rstrip()}\n"
        for view_id, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def main() -> None:
    """Render what is asked for, view by view; the manifest keeps the views that are not rendered anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--view", action="append", choices=sorted(VIEWS))
    parser.add_argument("--colour", action="append", choices=sorted(PAINTS))
    parser.add_argument("--width", type=int, default=1520, help="of the frame, in pixels; the car fills about 92 %%")
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--mesh", type=float, default=6.0, help="mesh size of the body in millimetres")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    made = build(args.mesh / 1000)
    _prepare()
    manifest = args.out / "car.toml"
    tables = _tables_of(manifest)
    for view_id in args.view or VIEWS:
        camera = Camera(view_id, args.width)
        frames = {}
        for colour in args.colour or PAINTS:
            set_paint(made["paint"], PAINTS[colour])
            frames[colour] = _render(args.samples)
        crop = None
        for frame in frames.values():
            mine = cutout.tight(frame[..., 3])
            crop = mine if crop is None else crop.around(mine)
        for colour, frame in frames.items():
            part = frame[crop.top : crop.bottom, crop.left : crop.right]
            cutout.save(cutout.straight(part), args.out / f"{view_id}-{colour}.png")
        tables[view_id] = _view_toml(view_id, camera, crop)
        ordered = [tables[known] for known in VIEWS if known in tables]
        manifest.write_text(_head_toml() + "".join(ordered), encoding="utf-8")


if __name__ == "__main__":
    main()
