"""How far each light of a pack moves the car's colours from the studio's: what no harmonising does, the renders do."""

from __future__ import annotations

import numpy as np

from benchmarks.composition.measures import Tally, zones
from benchmarks.composition.report import Report
from shared.pictures.composition.delta_e import ciede2000, lab_of_linear
from shared.pictures.composition.manifest import STUDIO, Manifest
from shared.pictures.composition.packs import load_picture

TABLE = "Lights of the packs against their studio (ΔE00)"


def measure(report: Report, cars: list[Manifest]) -> None:
    """Compare each light of every car, view and colour with the studio's picture of it."""
    print(f"\n{TABLE}")
    lines = [["car and light", "badge mean / p95", "body mean", "badge lightness, studio", "badge lightness"]]
    for car in cars:
        for light in car.lights:
            if light == STUDIO:
                continue
            badge, body, before, after = Tally(), Tally(), [], []
            for view in car.views:
                for colour in car.colours:
                    studio, other = (load_picture(car, view, colour, each) for each in (STUDIO, light))
                    at = zones(studio.pixels[..., 3], studio.badge)
                    for zone, tally in ((at.badge, badge), (at.body, body)):
                        pair = [lab_of_linear(each.pixels[..., :3][zone]) for each in (studio, other)]
                        tally.add(ciede2000(*pair))
                        if tally is badge:
                            before.append(float(pair[0][:, 0].mean()))
                            after.append(float(pair[1][:, 0].mean()))
            cells = [f"{badge.mean:.1f} / {badge.percentile(95):.1f}", f"{body.mean:.1f}"]
            lines.append([f"{car.model}, {light}", *cells, f"{np.mean(before):.0f}", f"{np.mean(after):.0f}"])
    report.compare(TABLE, lines)
