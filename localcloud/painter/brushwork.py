"""Hand and block: strokes of an oil brush that follow the shapes, and a picture cut into flat colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from localcloud.painter.raster import blur, coordinates, fractal, moved, plane, resize

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import Plane

_Bytes: TypeAlias = NDArray[np.uint8]


def flow(stage: Stage, bright: Plane) -> Plane:
    """The direction of the brush in every pixel, in radians: along the shapes, and level where there are none."""
    soft = blur(bright, 2 * stage.unit)
    gx = plane(cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3))
    gy = plane(cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3))
    reach = 7 * stage.unit
    xx, yy, xy = blur(gx * gx, reach), blur(gy * gy, reach), blur(gx * gy, reach)
    lull = np.float32(2e-4)
    swirl = fractal(stage.dice("flow"), (bright.shape[0], bright.shape[1]), 130 * stage.unit, octaves=2)
    # The tensor of a level brush is added, so that flat areas get calm, slightly waving strokes.
    xx = xx + lull * np.sin(0.5 * swirl) ** 2
    yy = yy + lull * np.cos(0.5 * swirl) ** 2
    xy = xy - lull * np.sin(0.5 * swirl) * np.cos(0.5 * swirl)
    return plane(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2)


def strokes(
    rng: np.random.Generator,
    picture: _Bytes,
    relief: _Bytes,
    target: Plane,
    angle: Plane,
    size: float,
    share: float,
    length: float,
) -> None:
    """Lay strokes of one brush where the picture still differs from the `target`: `share` of the places at most."""
    height, width = angle.shape
    step = max(2.0, size * 0.74)
    grid_y, grid_x = np.mgrid[step / 2 : height : step, step / 2 : width : step]
    x = np.clip(grid_x.ravel() + rng.uniform(-0.5, 0.5, grid_x.size) * step, 0, width - 1)
    y = np.clip(grid_y.ravel() + rng.uniform(-0.5, 0.5, grid_y.size) * step, 0, height - 1)
    rows, columns = y.astype(int), x.astype(int)
    soft = blur(target, size * 0.28)
    wanted = soft[rows, columns]
    if share < 1:
        gap = np.abs(wanted - plane(picture[rows, columns]) / 255).sum(axis=1)
        keep = np.flatnonzero(gap > 0.05)
        most = int(share * len(gap))
        if len(keep) > most:
            keep = keep[np.argsort(gap[keep])[-most:]]
        x, y, rows, columns, wanted = x[keep], y[keep], rows[keep], columns[keep], wanted[keep]
    order = rng.permutation(len(x))
    tilt = angle[rows, columns] + rng.normal(0, 0.12, len(x))
    half = size * length * 0.5 * rng.uniform(0.55, 1.1, len(x))
    reach_x, reach_y = np.cos(tilt) * half, np.sin(tilt) * half
    tint = 1 + rng.normal(0, 0.035, (len(x), 1)) + rng.normal(0, 0.012, (len(x), 3))
    inks = np.clip(wanted * tint * 255, 0, 255)
    heights = rng.integers(70, 190, len(x))
    thickness = max(1, round(size))
    starts = np.round(np.stack([x - reach_x, y - reach_y], 1)).astype(int).tolist()
    ends = np.round(np.stack([x + reach_x, y + reach_y], 1)).astype(int).tolist()
    ink_list, height_list = inks.tolist(), heights.tolist()
    for index in order.tolist():
        cv2.line(picture, starts[index], ends[index], ink_list[index], thickness, cv2.LINE_8)
        cv2.line(relief, starts[index], ends[index], height_list[index], thickness, cv2.LINE_8)


def along(noise: Plane, angle: Plane, step_px: float) -> Plane:
    """Noise smeared along the brush's direction: the marks of its bristles."""
    x, y = coordinates(*noise.shape)
    dx, dy = np.cos(angle) * np.float32(step_px), np.sin(angle) * np.float32(step_px)
    total = noise.copy()
    for reach in (1, 2, 4):
        total = (
            total + moved(total, x + dx * reach, y + dy * reach) + moved(total, x - dx * reach, y - dy * reach)
        ) / np.float32(1.9)
    return plane(total)


def weave(stage: Stage) -> Plane:
    """The threads of the canvas, -1 to 1."""
    x, y = coordinates(stage.canvas.height, stage.canvas.width)
    pitch = np.float32(2.1 / stage.unit)
    return plane(np.sin(x * pitch) * np.sin(y * pitch))


def flat_planes(rgb: Plane, colours: int) -> Plane:
    """The picture in so many flat colours, found by k-means, small islands swept away."""
    height, width = rgb.shape[:2]
    small = resize(rgb, max(8, height // 12), max(8, width // 12), shrink=True).reshape(-1, 3)
    samples = _opponent(small)
    count = min(colours, len(samples))
    labels = np.zeros((len(samples), 1), np.int32)
    labels[np.argsort(samples[:, 0], kind="stable"), 0] = np.arange(len(samples)) * count // len(samples)
    stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 12, 0.002)
    _, nearest_ink, centres = cv2.kmeans(samples, count, labels, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    order = np.argsort(centres[:, 0], kind="stable")
    inks = plane([_mean_of(small[np.asarray(nearest_ink)[:, 0] == number]) for number in order])
    steps = (np.arange(32, dtype=np.float32) + 0.5) / 32
    cube = plane(np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3))
    nearest = (
        ((_opponent(cube)[:, None] - plane(centres)[order][None]) ** 2).sum(axis=2).argmin(axis=1).astype(np.uint8)
    )
    index = np.clip(rgb * 32, 0, 31).astype(np.int32)
    planes = cv2.medianBlur(nearest[(index[..., 0] * 32 + index[..., 1]) * 32 + index[..., 2]], 5)
    return plane(inks[planes])


def _mean_of(colours: Plane) -> Plane:
    return plane(colours.mean(axis=0)) if len(colours) else np.zeros(3, np.float32)


def _opponent(rgb: Plane) -> Plane:
    """Lightness, red against green and yellow against blue, (n, 3); hue weighs more than lightness, or every step of
    grey gets a block of its own and the colours none.
    """
    red, green, blue = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    return plane(np.stack([(red + green + blue) / 3, 1.7 * (red - green), 1.2 * ((red + green) / 2 - blue)], axis=1))
