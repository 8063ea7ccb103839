"""What grows in numbers: rows of trees, grass, flowers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from localcloud.painter.canvas import Cutout
from localcloud.painter.plants import Tree, tree
from localcloud.painter.raster import plane, times

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Plane


def paint_row(
    stage: Stage,
    part: str,
    kinds: tuple[Tree, ...],
    foot: Plane,
    height_px: float,
    distance: float,
    *,
    density: float = 1.0,
    span: tuple[float, float] = (-0.03, 1.03),
) -> None:
    """A row of trees along `foot`, (width,) rows; a few drawings, each used at many sizes. Nothing for no `kinds`."""
    if not kinds:
        return
    rng = stage.dice(part)
    drawings = [tree(stage, rng, kinds[number % len(kinds)], height_px) for number in range(max(4, len(kinds) * 2))]
    bushes = (
        [] if set(kinds) == {Tree.PALM} else [tree(stage, rng, Tree.BUSH, max(5.0, height_px * 0.34)) for _ in range(3)]
    )
    left, right = stage.x_px(span[0]), stage.x_px(span[1])
    count = max(1, int((right - left) / (height_px * 0.42 / density)))
    # Trees stand in groups with gaps between; the undergrowth fills the gaps.
    groups = rng.uniform(left, right, max(1, count // 4))
    for x in rng.permutation(np.clip(rng.choice(groups, count) + rng.normal(0, height_px * 0.8, count), left, right)):
        low = foot[int(np.clip(x, 0, len(foot) - 1))] + rng.uniform(0, 0.10) * height_px
        drawing = drawings[int(rng.integers(0, len(drawings)))]
        stage.canvas.place(scaled(drawing, float(rng.uniform(0.55, 1.0))), float(x), float(low), distance)
        if bushes:
            bush = scaled(bushes[int(rng.integers(0, 3))], float(rng.uniform(0.5, 1.0)))
            stage.canvas.place(
                bush, float(x + rng.normal(0, 0.35) * height_px), float(low + 0.02 * height_px), distance
            )


def scaled(drawing: Cutout, scale: float) -> Cutout:
    """A smaller copy of a cut-out."""
    size = (max(2, round(drawing.width * scale)), max(2, round(drawing.height * scale)))
    rgba = cv2.resize(drawing.rgba, size, interpolation=cv2.INTER_AREA)
    glow = None if drawing.glow is None else plane(cv2.resize(drawing.glow, size, interpolation=cv2.INTER_AREA))
    return Cutout(plane(rgba), glow)


def tufts(
    stage: Stage,
    part: str,
    foot: Plane,
    height_px: float,
    *,
    colours: tuple[RGB, ...],
    count: int,
    span: tuple[float, float] = (0.0, 1.0),
    distance: float = 0.03,
    jitter_px: float = 0.0,
    lean: float = 0.0,
) -> None:
    """Blades of grass or reeds that stand on `foot`, (width,) rows."""
    rng, canvas = stage.dice(part), stage.canvas
    # Blades grow in clumps; the gaps between them are what makes grass read as grass.
    clumps = rng.uniform(span[0], span[1], max(3, count // 14))
    x = np.clip(rng.choice(clumps, count) + rng.normal(0, 0.012, count), span[0] - 0.02, span[1] + 0.02) * canvas.width
    base = foot[np.clip(x, 0, canvas.width - 1).astype(int)] + rng.uniform(0, 1, count) * jitter_px
    tall = height_px * rng.uniform(0.35, 1.0, count) ** 1.2
    sway = (rng.normal(0, 0.22, count) + lean) * tall
    strip_top = max(0, int((base - tall).min()) - 2)
    strip_end = min(canvas.height, int(np.max(base)) + 3)
    if strip_end <= strip_top:
        return
    pixels = np.zeros((strip_end - strip_top, canvas.width, 4), np.uint8)
    order = np.argsort(base)
    for index in order:
        t = np.array([0.0, 0.5, 1.0])
        points_x = x[index] + sway[index] * t**1.8
        points_y = base[index] - tall[index] * t - strip_top
        half = max(0.5, 0.018 * tall[index] + 0.35)
        left = np.stack([points_x - half * (1 - t), points_y], 1)
        right = np.stack([points_x + half * (1 - t), points_y], 1)[::-1]
        colour = colours[int(rng.integers(0, len(colours)))]
        red, green, blue = stage.light.on(times(colour, (rng.uniform(0.8, 1.15),) * 3), float(rng.uniform(0.0, 0.8)))
        points = np.round(np.concatenate([left, right]) * 8).astype(np.int32)
        cv2.fillPoly(
            pixels, [points], (min(255, red * 255), min(255, green * 255), min(255, blue * 255), 255), cv2.LINE_AA, 3
        )
    rgba = plane(pixels) / np.float32(255)
    alpha = rgba[..., 3]
    canvas.cover(
        strip_top,
        rgba[..., :3] / np.maximum(alpha, 1e-3)[..., None],
        plane(alpha * (1 - stage.light.veil(distance))),
        distance,
    )


def flowers(
    stage: Stage, part: str, top: Plane, colours: tuple[RGB, ...], count: int, span: tuple[float, float] = (0.0, 1.0)
) -> None:
    """Dots of blossom on the ground below `top`, smaller the farther they are."""
    rng, canvas = stage.dice(part), stage.canvas
    x = np.clip(
        rng.choice(rng.uniform(span[0], span[1], 14), count) + rng.normal(0, 0.035, count), span[0], span[1]
    ) * (canvas.width - 1)
    lowest = canvas.height * 0.995
    y = top[x.astype(int)] + (lowest - top[x.astype(int)]) * rng.random(count) ** 0.8
    for px, py in zip(x, y, strict=True):
        near = (py - stage.horizon_px) / (canvas.height - stage.horizon_px)
        radius = stage.unit * (0.5 + 2.7 * near**1.5) * rng.uniform(0.7, 1.2)
        colour = stage.light.on(colours[int(rng.integers(0, len(colours)))], float(rng.uniform(0.2, 0.8)))
        cv2.circle(canvas.rgb, (int(px * 16), int(py * 16)), int(radius * 16), colour, -1, cv2.LINE_AA, 4)
