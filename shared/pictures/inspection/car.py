"""The car in a finished picture against the composite that was expected: badge, edges, body, ground, and the rest.

The background is stored beside the picture, so what the picture should be is known to the code value: whatever came
between (another version of a node, a model that painted once more, a converter, a watermark) shows as a difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.composite import Composition
from shared.pictures.composition.delta_e import delta_e00
from shared.pictures.composition.horizon import horizon_of
from shared.pictures.composition.light import to_linear
from shared.pictures.composition.order import SceneOrder
from shared.pictures.inspection.limits import Limits
from shared.records import Metric

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: Luminance of a background in which each light of the asset looks at home, in linear light.
_AT_HOME = {"studio": 0.22, "noon": 0.26, "dusk": 0.12, "overcast": 0.22, "night": 0.035}
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
#: Half the width of the ring along the car's outline, in pixels.
_RING_PX = 2
#: A pixel of the outline that is covered by more than this, and by less than all but this, shows how it was blended.
_SOFT = 0.08
#: So many pixels of the body are looked at: enough for a mean to a hundredth.
_SAMPLE = 4000
#: Side of the patches beside the car, in pixels: about a letter of a watermark.
_PATCH_PX = 24
#: Where the expected ground is darker than this share of the background, it lies in the car's contact shadow.
_SHADOWED = 0.6


@dataclass(frozen=True, slots=True)
class Zone:
    """Which part of the picture a metric looked at: left, top, right, bottom in pixels."""

    metric: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class CarInspection:
    """What was measured, and where."""

    metrics: tuple[Metric, ...]
    zones: tuple[Zone, ...]


def inspect_car(
    picture: Bytes, plate: Bytes, expected: Composition, order: SceneOrder, limits: Limits
) -> CarInspection:
    """Measure a picture (H, W, 3), 8-bit sRGB, that was composed on `plate`, against what `compose` makes of it.

    Raises `ValueError` when picture and plate have not the same shape.
    """
    if picture.shape != plate.shape:
        raise ValueError(f"picture: {plate.shape[1]} x {plate.shape[0]} expected, as the background is")
    regions = _regions(expected, picture.shape)
    here = regions.window
    seen, wanted = picture[here], expected.picture[here]
    values: dict[str, float] = {}
    values["car_offset_px"] = _offset(seen, wanted)
    values |= _badge(seen, wanted, regions)
    edge = delta_e00(seen[regions.ring], wanted[regions.ring])
    values["edge_mean"], values["edge_p95"] = _mean(edge), _p95(edge)
    values["soft_p95"] = _p95(delta_e00(seen[regions.soft], wanted[regions.soft]))
    body = _sampled(regions.body)
    values["body_mean"] = _mean(delta_e00(seen[body], wanted[body]))
    values["body_energy"] = _energy(seen, regions.body) / max(_energy(wanted, regions.body), 1e-6)
    glass = _sampled(regions.glass)
    values["glass_mean"] = _mean(delta_e00(seen[glass], wanted[glass]))
    values["grounding"] = _grounding(picture, plate, expected, regions)
    values["beside_mean"], values["beside_spot"], spot = _beside(picture, expected, regions)
    values["horizon_error"] = abs(expected.place.horizon_y_px - horizon_of(plate).y_px) / len(plate)
    values["light_stops"] = _stops(plate, order)
    metrics = tuple(limits.metric(name, value) for name, value in values.items())
    return CarInspection(metrics, _zones(expected, regions, spot, picture.shape))


@dataclass(frozen=True, slots=True)
class _Regions:
    """Where the car lies in the picture (`window`), and masks of that window."""

    window: tuple[slice, slice]
    badge: Mask
    ring: Mask
    soft: Mask
    body: Mask
    glass: Mask
    covered: Mask


def _regions(expected: Composition, shape: tuple[int, ...]) -> _Regions:
    place, alpha = expected.place, expected.layer.pixels[..., 3]
    x0, y0 = max(place.left_px, 0), max(place.top_px, 0)
    x1, y1 = min(place.left_px + place.width_px, shape[1]), min(place.top_px + place.height_px, shape[0])
    cut = (slice(y0 - place.top_px, y1 - place.top_px), slice(x0 - place.left_px, x1 - place.left_px))
    alpha = np.ascontiguousarray(alpha[cut])
    badge = expected.layer.badge[cut]
    # The outline is where the car's filled silhouette ends; glass lies inside of it.
    painted = np.pad((alpha > 0.5).astype(np.uint8), 1)
    cv2.floodFill(painted, np.zeros((painted.shape[0] + 2, painted.shape[1] + 2), np.uint8), (0, 0), (2,))
    filled = (painted[1:-1, 1:-1] != 2).astype(np.uint8)
    kernel = np.ones((2 * _RING_PX + 1, 2 * _RING_PX + 1), np.uint8)
    ring = cv2.dilate(filled, kernel) != cv2.erode(filled, kernel, borderValue=0)
    inner = cv2.erode(filled, np.ones((7, 7), np.uint8), borderValue=0).astype(bool)
    near_badge = cv2.dilate((badge > 0.02).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    return _Regions(
        (slice(y0, y1), slice(x0, x1)),
        badge > 0.5,
        ring,
        ring & (alpha > _SOFT) & (alpha < 1 - _SOFT),
        inner & (alpha > 0.995) & ~near_badge,
        inner & (alpha < 0.97),
        filled.astype(bool),
    )


def _mean(values: NDArray[np.floating]) -> float:
    return float(values.mean()) if values.size else 0.0


def _p95(values: NDArray[np.floating]) -> float:
    return float(np.percentile(values, 95)) if values.size else 0.0


def _sampled(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.nonzero(mask)
    step = max(len(rows) // _SAMPLE, 1)
    return rows[::step], columns[::step]


def _grey(picture: Bytes) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _offset(seen: Bytes, wanted: Bytes) -> float:
    """How far the car was moved, by phase correlation (Kuglin and Hines, 1975) of its edges."""
    edges = [cv2.Laplacian(_grey(part), cv2.CV_32F) for part in (wanted, seen)]
    if min(float(part.std()) for part in edges) < 1e-3:
        return float(min(seen.shape[:2]))
    window = cv2.createHanningWindow((seen.shape[1], seen.shape[0]), cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(edges[0], edges[1], window)
    return math.hypot(dx, dy)


def _badge(seen: Bytes, wanted: Bytes, regions: _Regions) -> dict[str, float]:
    mask = regions.badge
    if not mask.any():
        return {"badge_mean": 0.0, "badge_p95": 0.0, "badge_energy": 1.0, "badge_structure": 1.0}
    change = delta_e00(seen[mask], wanted[mask])
    return {
        "badge_mean": _mean(change),
        "badge_p95": _p95(change),
        "badge_energy": _energy(seen, mask) / max(_energy(wanted, mask), 1e-6),
        "badge_structure": _structure(seen, wanted, mask),
    }


def _energy(picture: Bytes, mask: Mask) -> float:
    """Root mean square of the luma's gradient within a mask."""
    grey = _grey(picture)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return float(np.sqrt((dx[mask] ** 2 + dy[mask] ** 2).mean())) if mask.any() else 0.0


def _structure(seen: Bytes, wanted: Bytes, mask: Mask) -> float:
    """Structural similarity of luma within a mask; Gaussian window of 1.5 px, K1 0.01, K2 0.03."""
    a, b = _grey(seen), _grey(wanted)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blur(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), 1.5), dtype=np.float32)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    both = blur(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(similarity[mask].mean())


def _grounding(picture: Bytes, plate: Bytes, expected: Composition, regions: _Regions) -> float:
    """How dark the picture is where the car's contact shadow belongs, relative to how dark it should be.

    1 is right; a car without a shadow has the light of the bare background there, so much less than 1.
    """
    top = max(expected.place.top_px + expected.place.height_px // 3, 0)
    bottom = min(expected.place.top_px + expected.place.height_px * 5 // 4, len(plate))
    bare = to_linear(plate[top:bottom]) @ _LUMA
    ground = expected.ground[top:bottom] @ _LUMA
    shadow = ground < _SHADOWED * bare
    rows, columns = regions.window
    covered = np.zeros(plate.shape[:2], bool)
    covered[rows, columns] = cv2.dilate(regions.covered.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    shadow &= ~covered[top:bottom]
    if shadow.sum() < 40:
        return 1.0
    light = to_linear(picture[top:bottom][shadow]) @ _LUMA
    lost = float((bare[shadow] - light).mean())
    return lost / max(float((bare[shadow] - ground[shadow]).mean()), 1e-6)


def _beside(picture: Bytes, expected: Composition, regions: _Regions) -> tuple[float, float, tuple[int, int, int, int]]:
    """Differences outside the car: their mean, the greatest of a patch, and that patch's box."""
    red, green, blue = cv2.split(cv2.absdiff(picture, expected.picture))
    change = cv2.max(cv2.max(red, green), blue).astype(np.float32)
    rows, columns = regions.window
    covered = cv2.dilate(regions.covered.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    change[rows, columns][covered] = 0.0
    patches = cv2.boxFilter(change, -1, (_PATCH_PX, _PATCH_PX))
    _, greatest, _, (x, y) = cv2.minMaxLoc(patches)
    half = _PATCH_PX // 2
    return float(change.mean()), float(greatest), (x - half, y - half, x + half, y + half)


def _stops(plate: Bytes, order: SceneOrder) -> float:
    """How much brighter (in stops) the background is than one in which the car's light is at home."""
    small = cv2.resize(plate, (96, 120), interpolation=cv2.INTER_AREA)
    luminance = float(np.median(to_linear(np.asarray(small, dtype=np.uint8)) @ _LUMA))
    return math.log2(max(luminance, 1e-3) / _AT_HOME.get(order.light, 0.2))


def _zones(
    expected: Composition, regions: _Regions, spot: tuple[int, int, int, int], shape: tuple[int, ...]
) -> tuple[Zone, ...]:
    rows, columns = regions.window
    car = (columns.start, rows.start, columns.stop, rows.stop)
    found = np.argwhere(regions.badge)
    if len(found):
        (y0, x0), (y1, x1) = found.min(axis=0), found.max(axis=0) + 1
        badge = (columns.start + int(x0), rows.start + int(y0), columns.start + int(x1), rows.start + int(y1))
    else:
        badge = car
    row = int(expected.place.horizon_y_px)
    by_name = {
        "car_offset_px": car,
        "badge_mean": badge,
        "badge_p95": badge,
        "badge_energy": badge,
        "badge_structure": badge,
        "edge_mean": car,
        "edge_p95": car,
        "soft_p95": car,
        "body_mean": car,
        "body_energy": car,
        "glass_mean": car,
        "grounding": (car[0], (car[1] + car[3]) // 2, car[2], min(car[3] + 20, shape[0])),
        "beside_mean": (0, 0, shape[1], shape[0]),
        "beside_spot": spot,
        "horizon_error": (0, row - 2, shape[1], row + 2),
        "light_stops": (0, 0, shape[1], shape[0]),
    }
    return tuple(Zone(name, box) for name, box in by_name.items())
