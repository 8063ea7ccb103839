"""Badge, edge and glass against the truth, ours beside the baselines; whole and scaled down."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.composition import backdrops
from benchmarks.composition.assets import Asset, stored
from benchmarks.composition.backgrounds import Background
from benchmarks.composition.measures import Tally, Zones, by_area, differences, light_of, shown, zones
from benchmarks.composition.methods import BASELINES, ESTIMATES, PLAIN, Job, laid_over, ours
from benchmarks.composition.report import Report
from shared.pictures.composition.delta_e import ciede2000
from shared.pictures.composition.layer import prepared
from shared.pictures.composition.packs import CarPicture
from shared.pictures.composition.place import Place

OURS = "ours, through the pack's files"
UNSTORED = "ours, before it is stored"
#: Baselines run in every so many backgrounds.
_EVERY = 4
TABLE = "Badge, edge and glass against the truth (ΔE00)"
SCALES = (0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
_MARGIN_PX = 12


@dataclass(slots=True)
class Scores:
    """One method's differences by zone."""

    badge: Tally = field(default_factory=Tally)
    ring: Tally = field(default_factory=Tally)
    glass: Tally = field(default_factory=Tally)

    def add(self, picture: NDArray[np.uint8], truth: NDArray[np.float64], at: Zones, job: Job) -> None:
        """Score one composite by its part under the car."""
        part = picture[job.window]
        for zone in ("badge", "ring", "glass"):
            getattr(self, zone).add(differences(part, truth, getattr(at, zone)))

    def cells(self) -> list[str]:
        """Badge, ring and glass as text."""
        return [
            f"{self.badge.mean:.2f} / {self.badge.percentile(95):.2f}",
            f"{self.ring.mean:.2f} / {self.ring.percentile(95):.2f}",
            f"{self.glass.mean:.2f}" if self.glass.pictures else "–",
        ]


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut-out of an asset, and what was made of it once."""

    asset: Asset
    backdrop: str
    pixels: NDArray[np.uint8]
    picture: CarPicture
    unstored: CarPicture
    estimates: dict[str, NDArray[np.float32]]
    kind: str


def measure(
    report: Report,
    assets: list[Asset],
    backgrounds: list[Background],
    names: tuple[str, ...],
    scales: tuple[float, ...],
    *,
    packages: bool,
) -> None:
    """Fill the colour rows: every asset before every backdrop in every background, and scaled.

    `packages` says whether the baselines that need pymatting run too.
    """
    print(f"\n{TABLE}: {len(assets)} assets × {len(names)} backdrops × {len(backgrounds)} backgrounds")
    report.add(TABLE, "largest error against the 34 pairs of Sharma et al. (2005)", sharma_error(), "", 1e-4)
    few = backgrounds[:: max(len(backgrounds) // 4, 1)]
    with tempfile.TemporaryDirectory() as folder:
        cuts = [cut_out(asset, name, Path(folder), packages=packages) for asset in assets for name in names]
        whole, parts, changed = _whole(cuts, backgrounds, BASELINES if packages else PLAIN)
        report.add(TABLE, "badge codes that differ from the prepared asset", changed, "", 0)
        mine = whole[OURS]
        report.add(TABLE, "badge, mean", mine.badge.mean, "", 0.15)
        report.add(TABLE, "badge, 95th percentile", mine.badge.percentile(95), "", 0.5)
        report.add(TABLE, "edge ring, mean", mine.ring.mean, "", 0.3)
        report.add(TABLE, "edge ring, 95th percentile", mine.ring.percentile(95), "", 1.0)
        report.add(TABLE, "glass, mean", mine.glass.mean, "", 0.6)
        report.add(TABLE, "edge ring, worst picture's mean", mine.ring.worst_mean)
        right = sum(cut.kind == "contaminated" for cut in cuts)
        report.add(TABLE, "cut-outs recognised as contaminated", 100 * right / len(cuts), "%")
        head = ["badge mean / p95", "edge ±2 px mean / p95", "glass mean", "composites"]
        report.compare("Methods (ΔE00 to the truth)", [["method", *head], *_lines(whole)])
        report.compare("Ours by backdrop and asset (ΔE00 to the truth)", [["", *head], *_lines(parts)])
        _scaled(report, cuts, few, scales)
        _clean(report, assets if packages else assets[-1:], few, Path(folder))


def cut_out(asset: Asset, backdrop: str, folder: Path, *, packages: bool = False) -> Cut:
    """Photograph an asset, cut it out, and bring it in as the product does; `backdrop` ``clean`` needs no studio."""
    from cli.cars.unmixing import unmixed

    seed = sum(map(ord, asset.name + backdrop))
    pixels = backdrops.clean(asset, seed) if backdrop == "clean" else backdrops.photographed(asset, backdrop, seed)
    own, findings = unmixed(pixels)
    picture = stored(asset, own, folder / f"{asset.name}-{backdrop}")
    estimates = {name: how(pixels) for name, how in ESTIMATES.items()} if packages else {}
    return Cut(asset, backdrop, pixels, picture, replace(picture, pixels=own), estimates, findings.kind)


def fitted_job(cut: Cut, background: Background, scale: float = 1.0) -> Job:
    """The cut-out in the lower part of a background that is made large enough for it."""
    height, width = (max(round(side * scale), 1) for side in cut.pixels.shape[:2])
    across = width + 2 * _MARGIN_PX
    rows, columns = background.pixels.shape[:2]
    down = max(round(rows * across / columns), height + 2 * _MARGIN_PX)
    shrinks = across < columns
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    plate = cv2.resize(background.pixels, (across, down), interpolation=method)
    bottom = down - min(round(0.06 * down), down - height - 2 * _MARGIN_PX)
    part = np.ascontiguousarray(plate[bottom - height - 2 * _MARGIN_PX : bottom], dtype=np.uint8)
    return Job(cut.pixels, part, _MARGIN_PX, _MARGIN_PX, width, height, background.pixels[::4, ::4])


def truth_of(asset: Asset, job: Job) -> tuple[NDArray[np.float64], Zones]:
    """What the part under the car should look like, sRGB (h, w, 3) rounded to 8 bits, and the zones of it.

    Rounded, because no picture in 8 bits can come nearer: its badge is 0.1 to 0.26 away from the unrounded truth.
    """
    pixels, at = _sized(asset, job.width, job.height)
    light = pixels[..., :3] + (1.0 - pixels[..., 3:]) * light_of(job.plate[job.window])
    return np.rint(shown(light) * 255) / 255, at


@lru_cache(maxsize=16)
def _sized(asset: Asset, width: int, height: int) -> tuple[NDArray[np.float64], Zones]:
    pixels, badge = asset.pixels.astype(np.float64), asset.badge
    if (height, width) != badge.shape:
        pixels, badge = by_area(pixels, width, height), by_area(badge, width, height)
    return pixels, zones(pixels[..., 3], badge)


def _lines(scores: dict[str, Scores]) -> list[list[str]]:
    return [[name, *each.cells(), str(each.ring.pictures)] for name, each in scores.items()]


def _whole(
    cuts: list[Cut], backgrounds: list[Background], baselines: dict[str, Callable[[Job], NDArray[np.uint8]]]
) -> tuple[dict[str, Scores], dict[str, Scores], int]:
    """Scores by method, ours by backdrop and by asset, and how many badge pixels of ours are not the prepared asset's.

    Ours is laid over every background, each baseline over every fourth, other ones for every cut-out.
    """
    scores = {name: Scores() for name in (OURS, UNSTORED, *baselines, *(ESTIMATES if cuts[0].estimates else ()))}
    parts = {name: Scores() for cut in cuts for name in (cut.backdrop, cut.asset.name)}
    every = _EVERY if len(backgrounds) > _EVERY else 1
    changed = 0
    for number, cut in enumerate(cuts):
        for turn, background in enumerate(backgrounds):
            job = fitted_job(cut, background)
            truth, at = truth_of(cut.asset, job)
            mine = ours(job, cut.picture)
            changed += _changed(mine, job, cut.picture)
            for each in (scores[OURS], parts[cut.backdrop], parts[cut.asset.name]):
                each.add(mine, truth, at, job)
            if (number + turn) % every:
                continue
            scores[UNSTORED].add(ours(job, cut.unstored), truth, at, job)
            for name, method in baselines.items():
                scores[name].add(method(job), truth, at, job)
            for name, pixels in cut.estimates.items():
                scores[name].add(laid_over(job, pixels), truth, at, job)
    return scores, dict(sorted(parts.items(), key=lambda each: each[0] in backdrops.NAMES, reverse=True)), changed


def _changed(picture: NDArray[np.uint8], job: Job, car: CarPicture) -> int:
    place = Place(car.view.view_id, job.left, job.top, job.width, job.height, 0.0, job.width / car.view.size_px[0])
    layer = prepared(car, place)
    return int((picture[job.window][layer.lock] != layer.locked[layer.lock]).any(axis=-1).sum())


def _scaled(report: Report, cuts: list[Cut], backgrounds: list[Background], scales: tuple[float, ...]) -> None:
    table = "Scaled down in the composite (ΔE00)"
    print(f"\n{table}: {', '.join(f'{scale:g}' for scale in scales)}")
    every = Scores()
    lines = [
        ["scale", "badge mean / p95", "edge ±2 px mean / p95", "glass mean", "Pillow paste: edge", "ComfyUI: edge"]
    ]
    for scale in scales:
        mine, others = Scores(), {name: Scores() for name in list(BASELINES)[:2]}
        for cut in cuts:
            for background in backgrounds:
                job = fitted_job(cut, background, scale)
                truth, at = truth_of(cut.asset, job)
                picture = ours(job, cut.picture)
                mine.add(picture, truth, at, job)
                every.add(picture, truth, at, job)
                for name, other in others.items():
                    other.add(BASELINES[name](job), truth, at, job)
        lines.append([f"{scale:g}", *mine.cells(), *(other.cells()[1] for other in others.values())])
    report.add(table, "edge ring, mean", every.ring.mean, "", 0.35)
    report.add(table, "edge ring, 95th percentile", every.ring.percentile(95), "", 1.2)
    report.add(table, "badge, 95th percentile", every.badge.percentile(95), "", 0.7)
    report.compare("By scale (ΔE00)", lines)


def _clean(report: Report, assets: list[Asset], backgrounds: list[Background], folder: Path) -> None:
    table = "Cut-outs that a renderer made, with nothing of a studio in them (ΔE00)"
    print(f"\n{table}")
    cuts = [cut_out(asset, "clean", folder) for asset in assets]
    scores, _, _ = _whole(cuts, backgrounds, {})
    report.add(table, "recognised as clean", 100 * sum(cut.kind == "clean" for cut in cuts) / len(cuts), "%")
    report.add(table, "edge ring, mean", scores[OURS].ring.mean, "", 0.3)
    report.add(table, "edge ring, 95th percentile", scores[OURS].ring.percentile(95), "", 1.0)


def sharma_error() -> float:
    """The largest error of our CIEDE2000 against the pairs that its authors published."""
    table = np.loadtxt(Path(__file__).parent / "sharma.tsv", comments="#")
    return float(np.abs(ciede2000(table[:, :3], table[:, 3:6]) - table[:, 6]).max())
