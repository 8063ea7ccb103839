"""The horizon that is found against the one that is known: painter's scenes, and photographs."""

from __future__ import annotations

import itertools
import time

import numpy as np

from benchmarks.composition.backgrounds import ROADS, Background, painted, panorama_view, road
from benchmarks.composition.report import Report
from localcloud.painter.terms import Hour, Place, Style, Weather
from shared.pictures.composition.horizon import horizon_of

TABLE = "Horizon"
_WITHIN = 0.04
_PANORAMAS = ("portland_landing_pad", "courtyard", "ninomaru_teien", "moonless_golf", "spruit_sunrise", "venice_sunset")


def measure(report: Report, *, small: bool) -> None:
    """Fill the rows."""
    print(f"\n{TABLE}")
    scenes, photographs = _scenes(12 if small else 96), _photographs(4 if small else 12)
    found = {"painter's scenes": _errors(scenes), "photographs": _errors(photographs)}
    every = np.concatenate(list(found.values()))
    report.add(
        TABLE,
        "within 4 % of the height, all backgrounds",
        100 * float((every <= _WITHIN).mean()),
        "%",
        98,
        at_least=True,
    )
    for name, errors in found.items():
        report.add(TABLE, f"within 4 %, {name} ({len(errors)})", 100 * float((errors <= _WITHIN).mean()), "%")
        report.add(TABLE, f"median error, {name}", 100 * float(np.median(errors)), "%")
    begun = time.process_time()
    for scene in scenes[:10]:
        horizon_of(scene.pixels)
    report.add(TABLE, "time for one", (time.process_time() - begun) * 100, "ms")
    bad = [(error, each.name) for each, error in zip([*scenes, *photographs], every, strict=True) if error > _WITHIN]
    for error, name in sorted(bad, reverse=True)[:12]:
        print(f"    off by {100 * error:.0f} %: {name}")


def _errors(backgrounds: list[Background]) -> np.ndarray:
    return np.array([abs(horizon_of(each.pixels).y_px / len(each.pixels) - each.horizon) for each in backgrounds])


def _scenes(count: int) -> list[Background]:
    """Every kind of place in every style, hours and weather in turn, painted small."""
    hours, weathers = itertools.cycle(Hour), itertools.cycle(Weather)
    pairs = [(place, style) for style in Style for place in Place]
    step = len(pairs) / count
    chosen = [pairs[int(n * step)] for n in range(count)]
    return [
        painted(
            f"{style.value}, {place.value}, {next(hours).value}, {next(weathers).value}", seed, "noon", "dry", 384, 480
        )
        for seed, (place, style) in enumerate(chosen)
    ]


def _photographs(turns: int) -> list[Background]:
    """Views of the panoramas all around, their horizon at the ordered height and a little off it, and roads."""
    views = [
        panorama_view(f"panorama-{name}", 360.0 * turn / turns, height, "noon")
        for name in _PANORAMAS
        for turn in range(turns)
        for height in (0.45, 0.50, 0.55)
    ]
    return views + [road(name) for name in ROADS]
