"""What encoding leaves of the badge: the files that are delivered, and other encodings of the same pictures."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from benchmarks.composition.backgrounds import Background
from benchmarks.composition.measures import Tally
from benchmarks.composition.report import Report
from shared.pictures.composition.composite import compose
from shared.pictures.composition.delta_e import delta_e00
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.place import NoPlace
from shared.pictures.label import label_for
from shared.pictures.mark import Subject
from shared.pictures.variants import make_variants

TABLE = "Delivered files at 768×960 (ΔE00 to the lossless picture)"
_LABEL = label_for("001191000000DEM0DEM05N1DEM0", "bench")
_OTHERS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("JPEG 90, 4:2:0", "JPEG", {"quality": 90, "subsampling": 2}),
    ("JPEG 90, 4:4:4", "JPEG", {"quality": 90, "subsampling": 0}),
    ("JPEG 95, 4:4:4", "JPEG", {"quality": 95, "subsampling": 0}),
    ("WebP 90 (4:2:0)", "WEBP", {"quality": 90}),
    ("AVIF 85, 4:2:0", "AVIF", {"quality": 85, "subsampling": "4:2:0", "speed": 8}),
    ("AVIF 85, 4:4:4", "AVIF", {"quality": 85, "subsampling": "4:4:4", "speed": 8}),
)  # fmt: skip


def measure(report: Report, cars: list[Manifest], backgrounds: list[Background], *, small: bool) -> None:
    """Fill the rows: every car and colour in some of the backgrounds, all steps of the composition."""
    print(f"\n{TABLE}")
    scores: dict[str, tuple[Tally, list[float]]] = {}
    for number, background in enumerate(backgrounds):
        for car in cars:
            colours = list(car.colours)
            order = SceneOrder(light=background.light, surface=background.surface)
            try:
                made = compose(background.pixels, car, colours[number % len(colours)], order)
            except NoPlace:
                continue
            mask = _badge(made.place.top_px, made.place.left_px, made.layer.lock, made.picture.shape[:2])
            for name, body in _files(made.picture, mask, small=small).items():
                tally, sizes = scores.setdefault(name, (Tally(), []))
                with Image.open(io.BytesIO(body)) as image:
                    tally.add(delta_e00(np.asarray(image.convert("RGB"))[mask], made.picture[mask]))
                sizes.append(len(body) / 1024)
    for name, (tally, sizes) in scores.items():
        if name.startswith("delivered"):
            report.add(TABLE, f"{name}: badge, mean", tally.mean, "", 1.8)
            report.add(TABLE, f"{name}: badge, 95th percentile", tally.percentile(95), "", 5.0)
            report.add(TABLE, f"{name}: largest file", max(sizes), "KiB", 180)
    lines = [
        [name, f"{tally.mean:.2f} / {tally.percentile(95):.2f}", f"{np.mean(sizes):.0f} / {max(sizes):.0f}"]
        for name, (tally, sizes) in scores.items()
    ]
    report.compare("Encodings", [["file", "badge mean / p95 (ΔE00)", "KiB mean / largest"], *lines])


def _files(picture: NDArray[np.uint8], badge: NDArray[np.bool_], *, small: bool) -> dict[str, bytes]:
    files = {
        f"delivered {each.content_type.removeprefix('image/').upper()}": each.body
        for each in make_variants(picture, _LABEL, Subject(badge, badge))
        if each.width == picture.shape[1] and each.content_type != "image/png"
    }
    for name, kind, options in _OTHERS[: 2 if small else None]:
        if kind != "AVIF" or features.check("avif"):
            out = io.BytesIO()
            Image.fromarray(picture).save(out, kind, **options)
            files[name] = out.getvalue()
    return files


def _badge(top: int, left: int, lock: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    part = mask[top : top + lock.shape[0], left : left + lock.shape[1]]
    part[:] = lock[: part.shape[0], : part.shape[1]]
    return mask
