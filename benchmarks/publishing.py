"""What publishing a picture costs: ``python -m benchmarks.publishing [--profile]``.

From the bytes of a finished 768 x 960 render with a car in it to files that have been read back: decoded, held against
the composite it should be, labelled, made into master, feed pictures, thumbnails and share card, each measured from its
bytes. CPU time of one core in one process, medians; then the largest memory of a fresh process that does it once.

The pictures are photographs, with a car composited into them; the bars are the product's own.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.composition import backgrounds
from benchmarks.composition.assets import CARS, manifests
from shared.pictures.composition.composite import Composition, compose
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.decode import decode
from shared.pictures.inspection.car import inspect_car
from shared.pictures.inspection.files import deliverable
from shared.pictures.inspection.limits import Limits
from shared.pictures.inspection.whole import inspect_whole
from shared.pictures.label import label_for
from shared.pictures.mark import Subject
from shared.pictures.share_card import CardText
from shared.pictures.variants import EncodedPicture, make_variants

MOST_CPU_MS, MOST_MEMORY_MIB = 350.0, 350.0
_ROUNDS = 5
_LABEL = label_for("001191000000DEM0DEM05N1DEM0", "3d67a0b4-e8ab-5de6-b5f9-077a023859ae")
_CARD = CardText("我的五一公路", ("上海", "湖州", "无锡", "常州", "上海"), "2024-05-05", 650, "zh")


class Picture:
    """One render, and the steps of its publishing."""

    def __init__(self, background: backgrounds.Background, car: Manifest, colour: str) -> None:
        self.name, self.plate, self.car, self.colour = background.name, background.pixels, car, colour
        self.order = SceneOrder(light=background.light, surface=background.surface)
        self.body = _png(self.composed().picture)

    def composed(self) -> Composition:
        """The composite that the picture should be."""
        return compose(self.plate, self.car, self.colour, self.order)

    def publish(self, spent: dict[str, float]) -> tuple[EncodedPicture, ...]:
        """All steps; the CPU milliseconds of each are added to `spent`."""
        pixels = _timed(spent, "decode", lambda: decode(self.body))
        expected = _timed(spent, "compose what it should be", self.composed)
        _timed(spent, "inspect", lambda: self._inspect(pixels, expected))
        subject = Subject(expected.car_mask, expected.badge_mask)
        files = _timed(spent, "label, encode, read back", lambda: make_variants(pixels, _LABEL, subject, _CARD))
        kept, metrics = _timed(spent, "measure the files", lambda: deliverable(files, pixels, subject.badge))
        assert all(metric.passed for metric in metrics), [each for each in metrics if not each.passed]
        return kept

    def _inspect(self, pixels: NDArray[np.uint8], expected: Composition) -> None:
        inspect_whole(pixels, pixels.shape[1], pixels.shape[0], Limits())
        inspect_car(pixels, self.plate, expected, self.order, Limits())


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _timed(spent: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    start = time.process_time()
    result = work()
    spent[name] = spent.get(name, 0.0) + (time.process_time() - start) * 1000
    return result


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publishing", description=__doc__)
    parser.add_argument("--profile", action="store_true", help="where the time goes, instead")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    car, *_ = manifests(CARS)
    colours = list(car.colours)
    photographs = backgrounds.photographs()[: 1 if asked.once else None]
    pictures = [Picture(each, car, colours[number % len(colours)]) for number, each in enumerate(photographs)]
    if asked.once:
        pictures[0].publish({})
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    pictures[0].publish({})
    if asked.profile:
        with cProfile.Profile() as profile:
            for picture in pictures:
                picture.publish({})
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    _print_times(pictures)
    once = subprocess.run(
        [sys.executable, "-m", "benchmarks.publishing", "--once"], check=True, capture_output=True, text=True
    )
    print(f"\nlargest memory of a process   {float(once.stdout):6.0f} MiB   at most {MOST_MEMORY_MIB:.0f}")


def _print_times(pictures: list[Picture]) -> None:
    steps: dict[str, list[float]] = {}
    print("photograph                     CPU ms   KiB: master  feed  AVIF  thumbnail  AVIF  card")
    for picture in pictures:
        rounds = []
        for _ in range(_ROUNDS):
            spent: dict[str, float] = {}
            files = {file.name: file for file in picture.publish(spent)}
            rounds.append(spent)
        for name in rounds[0]:
            steps.setdefault(name, []).append(statistics.median(each[name] for each in rounds))
        total = statistics.median(sum(each.values()) for each in rounds)
        sizes = [
            f"{len(files[name].body) / 1024:6.0f}" if name in files else "     -"
            for name in ("master", "feed", "feed_avif", "thumbnail", "thumbnail_avif", "card")
        ]
        print(f"{picture.name:30} {total:6.0f}        {' '.join(sizes)}")
    print()
    for name, found in steps.items():
        print(f"{name:30} {statistics.median(found):6.0f} ms")
    without = sum(statistics.median(found) for name, found in steps.items() if not name.startswith("compose"))
    everything = sum(statistics.median(found) for found in steps.values())
    print(f"{'all, without composing':30} {without:6.0f} ms   at most {MOST_CPU_MS:.0f}")
    print(f"{'all':30} {everything:6.0f} ms")


if __name__ == "__main__":
    main()
