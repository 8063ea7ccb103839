"""Renders a car's frames into a folder outside the repository: ``python render.py FRAMES``; `export.py` packs them.

One file for each view, colour and light, (H, W, 4) linear premultiplied float16, one for each view's badges and alpha,
and the view's camera as JSON. A frame that is there already is not rendered again: a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import bpy
import numpy as np
from car import Car
from lights import LIGHTS, Light
from models import MODELS
from numpy.typing import NDArray
from studio import Camera, build, set_paint, uncovered


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


def _coverage(samples: int) -> NDArray[np.float32]:
    """(H, W, 2): the share of each pixel that shows a badge, and its alpha; neither is denoised."""
    cycles = bpy.context.scene.cycles
    bounces = cycles.max_bounces
    cycles.use_denoising, cycles.use_adaptive_sampling, cycles.max_bounces = False, False, 0
    frame = _frame(samples)[..., [0, 3]]
    cycles.use_denoising, cycles.use_adaptive_sampling, cycles.max_bounces = True, True, bounces
    return frame


def _prepare(threads: int) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold, scene.cycles.adaptive_min_samples = 0.03, 6
    scene.cycles.seed = 1
    scene.cycles.max_bounces, scene.cycles.diffuse_bounces, scene.cycles.transparent_max_bounces = 5, 3, 12
    scene.cycles.sample_clamp_indirect = 4.0
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    scene.render.use_persistent_data = True


def _car_facts(car: Car) -> dict[str, object]:
    """What the manifest says about the car itself."""
    front, rear = car.axles_x_m
    return {
        "model": car.model,
        "name_zh": car.names[0],
        "name_en": car.names[1],
        "licence": "Apache-2.0",
        "measures_mm": {
            "length": 1000 * car.length_m,
            "width": 1000 * car.width_m,
            "height": 1000 * car.height_m,
            "wheelbase": 1000 * (rear - front),
            "front_overhang": 1000 * front,
            "track": 2000 * car.tyre_middle_y_m,
            "tyre_diameter": 2000 * car.wheel_radius_m,
            "ground_clearance": 1000 * car.ground_clearance_m,
        },
        "colours": {colour: paint.names for colour, paint in car.paints.items()},
        "suns": {name: light.sun[:2] for name, light in LIGHTS.items() if light.sun is not None},
    }


def _camera_facts(car: Car, camera: Camera) -> dict[str, object]:
    """The camera in pixels of the whole frame."""
    wheels = np.array([[axle, -car.tyre_middle_y_m, 0.0] for axle in car.axles_x_m])
    return {
        "badge_outline": camera.project(car.badges()[camera.view.badge].outline).tolist(),
        "wheel_contacts": camera.project(wheels).tolist(),
        "horizon_y": camera.horizon_row(),
        "axis_x": camera.axis_column(),
        "focal_px": camera.focal_px,
        "height_m": camera.view.height_m,
        "distance_m": camera.view.distance_m,
        "azimuth_deg": camera.view.azimuth_deg,
    }


def main() -> None:
    """Render what is asked for and not there yet: first what a pack can't be without."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path)
    parser.add_argument("--model", choices=sorted(MODELS), default="gen1")
    parser.add_argument("--view", action="append")
    parser.add_argument("--colour", action="append")
    parser.add_argument("--light", action="append", choices=sorted(LIGHTS))
    parser.add_argument("--width", type=int, default=1120, help="of the frame, in pixels; the car fills about 92 %%")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--mesh", type=float, default=6.0, help="mesh size of the body in millimetres")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    car = MODELS[args.model]
    args.frames.mkdir(parents=True, exist_ok=True)
    (args.frames / "car.json").write_text(json.dumps(_car_facts(car), ensure_ascii=False), encoding="utf-8")
    made, rig = build(car, args.mesh / 1000)
    _prepare(args.threads)
    views = args.view or list(car.views)
    rig.set(Light(sky=((0.0, (0.0, 0.0, 0.0)), (1.0, (0.0, 0.0, 0.0)))))
    for view_id in views:
        camera = Camera(car.views[view_id], car.length_m / 2, args.width)
        (args.frames / f"{view_id}.json").write_text(json.dumps(_camera_facts(car, camera)), encoding="utf-8")
        file = args.frames / f"{view_id}-coverage.npy"
        if not file.is_file():
            with uncovered():
                np.save(file, _coverage(16 * args.samples))
    for light_id in args.light or LIGHTS:
        rig.set(LIGHTS[light_id])
        for view_id in views:
            Camera(car.views[view_id], car.length_m / 2, args.width)
            for colour in args.colour or car.paints:
                file = args.frames / f"{view_id}-{colour}-{light_id}.npy"
                if not file.is_file():
                    set_paint(made["paint"], car.paints[colour])
                    np.save(file, _frame(args.samples).astype(np.float16))


if __name__ == "__main__":
    main()
