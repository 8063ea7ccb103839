"""Renders a car's frames into a folder outside the repository: ``python render.py FRAMES``; `export.py` packs them.

One file for each view, colour and light, (H, W, 4) linear premultiplied float16, one for each view's badges, and the
view's camera as JSON. A frame that is there already is not rendered again, so a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import bpy
import numpy as np
from furniture import badge_outlines
from gen1 import AXLES_X_M, HEIGHT_M, LENGTH_M, TYRE_MIDDLE_Y_M, WHEEL_RADIUS_M, WIDTH_M
from lights import LIGHTS, Light
from numpy.typing import NDArray
from studio import PAINTS, VIEWS, Camera, build, only_badges, set_paint

_COLOURS = {"black": ("墨黑", "Ink black"), "white": ("雪山白", "Snow white"), "red": ("中国红", "China red")}
_BADGES = {"three_quarter": "nose", "side": "left"}


def _frame(samples: int) -> NDArray[np.float32]:
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


def _prepare(threads: int) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.03
    scene.cycles.seed = 1
    scene.cycles.max_bounces, scene.cycles.transparent_max_bounces = 5, 12
    scene.cycles.sample_clamp_indirect = 4.0
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    scene.render.use_persistent_data = True


def _car_facts() -> dict[str, object]:
    """What the manifest says about the car itself."""
    return {
        "model": "gen1",
        "name_zh": "一代",
        "name_en": "First generation",
        "licence": "Apache-2.0",
        "measures_mm": {
            "length": 1000 * LENGTH_M,
            "width": 1000 * WIDTH_M,
            "height": 1000 * HEIGHT_M,
            "wheelbase": 1000 * (AXLES_X_M[1] - AXLES_X_M[0]),
            "front_overhang": 1000 * AXLES_X_M[0],
            "track": 2000 * TYRE_MIDDLE_Y_M,
            "tyre_diameter": 2000 * WHEEL_RADIUS_M,
            "ground_clearance": 165,
        },
        "colours": _COLOURS,
        "suns": {name: light.sun[:2] for name, light in LIGHTS.items() if light.sun is not None},
    }


def _camera_facts(view_id: str, camera: Camera) -> dict[str, object]:
    """The camera in pixels of the whole frame."""
    wheels = np.array([[axle, -TYRE_MIDDLE_Y_M, 0.0] for axle in AXLES_X_M])
    return {
        "badge_outline": camera.project(badge_outlines()[_BADGES[view_id]]).tolist(),
        "wheel_contacts": camera.project(wheels).tolist(),
        "horizon_y": camera.horizon_row(),
        "axis_x": camera.axis_column(),
        "focal_px": camera.focal_px,
        "height_m": camera.view.height_m,
        "distance_m": camera.view.distance_m,
        "azimuth_deg": camera.view.azimuth_deg,
    }


def main() -> None:
    """Render what is asked for and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path)
    parser.add_argument("--view", action="append", choices=sorted(VIEWS))
    parser.add_argument("--colour", action="append", choices=sorted(PAINTS))
    parser.add_argument("--light", action="append", choices=sorted(LIGHTS))
    parser.add_argument("--width", type=int, default=1120, help="of the frame, in pixels; the car fills about 92 %%")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--mesh", type=float, default=6.0, help="mesh size of the body in millimetres")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    args.frames.mkdir(parents=True, exist_ok=True)
    (args.frames / "car.json").write_text(json.dumps(_car_facts(), ensure_ascii=False), encoding="utf-8")
    made, rig = build(args.mesh / 1000)
    _prepare(args.threads)
    for light_id in args.light or LIGHTS:
        rig.set(LIGHTS[light_id])
        for view_id in args.view or VIEWS:
            camera = Camera(view_id, args.width)
            (args.frames / f"{view_id}.json").write_text(json.dumps(_camera_facts(view_id, camera)), encoding="utf-8")
            for colour in args.colour or PAINTS:
                file = args.frames / f"{view_id}-{colour}-{light_id}.npy"
                if not file.is_file():
                    set_paint(made["paint"], PAINTS[colour])
                    np.save(file, _frame(args.samples).astype(np.float16))
    rig.set(Light(sky=((0.0, (0.0, 0.0, 0.0)), (1.0, (0.0, 0.0, 0.0)))))
    with only_badges():
        for view_id in args.view or VIEWS:
            Camera(view_id, args.width)
            bpy.context.scene.cycles.use_denoising = False
            np.save(args.frames / f"{view_id}-badge.npy", _frame(64)[..., 0].astype(np.float16))


if __name__ == "__main__":
    main()
