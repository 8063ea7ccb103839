"""CPU seconds per picture of the procedural painter, on one core: ``python benchmarks/painter.py``."""

from __future__ import annotations

import statistics
import time

import cv2

from localcloud.painter import paint
from localcloud.painter.terms import Style

_SCENES = (
    "西湖，宝塔，春天，早晨，晴",
    "city skyline, television tower with spheres, night",
    "forest, autumn, rain",
    "snow mountains, white stupa, winter, snow",
)
_SIZES = ((512, 512), (768, 960), (1440, 1440))


def main() -> None:
    cv2.setNumThreads(1)
    paint("lake", width=128, height=128)
    print(f"{'style':14} {'size':>10} {'median':>8} {'worst':>8}   CPU s over {len(_SCENES)} scenes")
    for width, height in _SIZES:
        for style in Style:
            seconds = []
            for seed, scene in enumerate(_SCENES):
                start = time.process_time()
                paint(f"{style.value}, {scene}", seed=seed, width=width, height=height)
                seconds.append(time.process_time() - start)
            size = f"{width}×{height}"
            print(f"{style.value:14} {size:>10} {statistics.median(seconds):8.2f} {max(seconds):8.2f}")


if __name__ == "__main__":
    main()
