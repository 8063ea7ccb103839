"""``python -m benchmarks.composition [--small] [--strict] [--only NAME …] [--out FOLDER] [sheets]``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from benchmarks.composition import (
    backdrops,
    backgrounds,
    colours,
    delivered,
    horizons,
    inspection,
    lights,
    shadows,
    sheets,
    speed,
)
from benchmarks.composition.assets import CARS, manifests, pack_assets, spread
from benchmarks.composition.drawn import drawn_assets
from benchmarks.composition.report import Report


def main() -> int:
    """Print the tables; 1 when `--strict` and a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.composition", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("tables", "sheets"), default="tables")
    parser.add_argument("--small", action="store_true", help="a part of it, in less than 40 s")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a bar is missed")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help="some of the tables, or of the sheets",
    )
    parser.add_argument("--cars", type=Path, default=CARS, help="folder of car assets")
    parser.add_argument("--out", type=Path, help="folder for composition.json and .md, or for the sheets")
    parser.add_argument("--docs", type=Path, help="document whose tables are replaced, as docs/composition.md")
    args = parser.parse_args()
    # What is measured is one core; two at once would also make times depend on the neighbours.
    cv2.setNumThreads(1)
    begun = time.perf_counter()
    report = Report()
    cars = manifests(args.cars)
    if args.what == "sheets":
        sheets.write(args.out or Path("docs/pictures"), cars, args.only)
        return 0
    shipped, drawn = pack_assets(cars), drawn_assets()
    assets = [*spread(shipped, 1), drawn[0]] if args.small else [*spread(shipped, 4), *drawn]
    scenes = backgrounds.few_backgrounds() if args.small else backgrounds.all_backgrounds()
    names = ("gradient",) if args.small else backdrops.NAMES
    scales = (0.4, 1.0) if args.small else colours.SCALES
    small = args.small
    tables: dict[str, Callable[[], None]] = {
        "colours": lambda: colours.measure(report, assets, scenes, names, scales, packages=not small),
        "lights": lambda: None if small else lights.measure(report, cars),
        "shadows": lambda: shadows.measure(
            report, cars, [scenes[-1], *backgrounds.drawn()][: 1 if small else 2], small=small
        ),
        "horizons": lambda: horizons.measure(report, small=small),
        "delivered": lambda: delivered.measure(report, cars, scenes, small=small),
        "inspection": lambda: inspection.measure(report, small=small),
        "speed": lambda: speed.measure(report, cars, scenes[-1], small=small),
    }
    for name, table in tables.items():
        if args.only is None or name in args.only:
            table()
    if args.out:
        report.write(args.out)
    if args.docs:
        report.insert(args.docs)
    met = sum(row.met is True for row in report.rows)
    print(f"\n{met} bars met, {len(report.missed)} missed, {time.perf_counter() - begun:.0f} s")
    for row in report.missed:
        print(f"  missed: {row.table}: {row.name}")
    return int(args.strict and bool(report.missed))


if __name__ == "__main__":
    sys.exit(main())
