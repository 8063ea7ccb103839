"""CPU time on one core at 768×960, against a plain paste in the same run; import time and memory of fresh processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from benchmarks.composition.backgrounds import Background
from benchmarks.composition.report import Report
from shared.pictures.composition.composite import compose, finished, over
from shared.pictures.composition.ground import with_car_on_it
from shared.pictures.composition.harmonise import harmonised
from shared.pictures.composition.layer import prepared
from shared.pictures.composition.light import to_linear, to_srgb
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.packs import load_picture, nearest_light
from shared.pictures.composition.place import find_place
from shared.pictures.inspection.car import inspect_car
from shared.pictures.inspection.limits import Limits
from shared.pictures.inspection.whole import inspect_whole

TABLE = "Time and memory at 768×960 on one core"
_GATE = "import shared.pictures.composition.composite, shared.pictures.inspection.car, shared.pictures.inspection.whole"


def measure(report: Report, cars: list[Manifest], background: Background, *, small: bool) -> None:
    """Fill the rows. Times are CPU time, medians; a neighbour's load does not count."""
    print(f"\n{TABLE}")
    rounds = 5 if small else 25
    plate = background.pixels
    order = SceneOrder(light="noon", sun_elevation_deg=50.0, texture="watercolour", budget_delta_e00=4.0)
    car = cars[0]
    colour = next(iter(car.colours))
    made = compose(plate, car, colour, order)
    place = made.place
    picture = load_picture(car, place.view_id, colour, nearest_light(car, order.light).light_id)
    layer = prepared(picture, place)
    linear = to_linear(plate)
    ground = with_car_on_it(linear, picture, layer, place, order)
    straight = np.dstack([np.rint(to_srgb(layer.pixels[..., :3]) * 255), layer.pixels[..., 3] * 255]).astype(np.uint8)

    def paste() -> None:
        out = Image.fromarray(plate)
        cut = Image.fromarray(straight)
        out.paste(cut, (place.left_px, place.top_px), cut)
        np.asarray(out)

    def laid() -> None:
        finished(over(layer, place, to_linear(plate)), layer, place)

    def gate() -> None:
        expected = compose(plate, car, colour, order)
        inspect_whole(made.picture, plate.shape[1], plate.shape[0], Limits())
        inspect_car(made.picture, plate, expected, order, Limits())

    pasted = cpu_ms(paste, rounds * 4)
    report.add(TABLE, "Pillow paste", pasted, "ms")
    steps: list[tuple[str, Callable[[], object], float | None]] = [
        ("prepared asset over the background, badge locked, 8 bits", laid, 30.0),
        ("a place found", lambda: find_place(plate, car), None),
        ("asset scaled to its place", lambda: prepared(picture, place), None),
        ("shadow on the ground", lambda: with_car_on_it(linear, picture, layer, place, order), None),
        ("light of the place", lambda: harmonised(layer, layer, ground, place, replace(order, texture="none")), None),
        ("light of the place and grain", lambda: harmonised(layer, layer, ground, place, order), None),
        ("all steps (`compose`)", lambda: compose(plate, car, colour, order), None),
        ("gate, expected composite included", gate, 150.0),
    ]
    for name, work, bar in steps:
        took = cpu_ms(work, rounds)
        report.add(TABLE, name, took, "ms", bar)
        report.add(TABLE, f"{name}: times a Pillow paste", took / pasted, "×")
    bare_s, bare_mib = fresh("pass")
    seconds, mib = fresh(_GATE)
    report.add(TABLE, "import of what the gate needs, fresh process", seconds - bare_s, "s", 0.4)
    report.add(TABLE, "its memory, above a bare interpreter's", mib - bare_mib, "MiB", 60.0)


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """The median CPU time of `work` in milliseconds."""
    work()
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return statistics.median(took) * 1000


def fresh(line: str) -> tuple[float, float]:
    """CPU seconds of a line in a fresh process, byte code being there, and the process's memory in MiB."""
    program = (
        f"import time\nbegun = time.process_time()\n{line}\ntook = time.process_time() - begun\n"
        "pages = open('/proc/self/statm').read().split()[1]\nprint(took, int(pages) * 4096 / 2**20)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": cache,
            "PYTHONDONTWRITEBYTECODE": "",
            "OMP_NUM_THREADS": "1",
        }
        run = [sys.executable, "-c", program]
        subprocess.run(run, check=True, capture_output=True, env=environment)
        told = [subprocess.run(run, check=True, capture_output=True, env=environment).stdout.split() for _ in range(5)]
    return statistics.median(float(each[0]) for each in told), statistics.median(float(each[1]) for each in told)
