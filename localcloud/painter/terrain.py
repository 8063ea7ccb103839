"""Ranges behind one another: hills, peaks, karst towers, dunes and cliffs, paler the farther they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import blur, coordinates, curve, fractal, mix, plane, shape_of, shifted, smoothstep
from localcloud.painter.terms import Season

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Plane


class Form(Enum):
    """The outline of a range."""

    HILLS = "hills"
    RIDGES = "ridges"
    PEAKS = "peaks"
    KARST = "karst"
    DUNES = "dunes"
    TABLES = "tables"
    WALLS = "walls"


class Skin(Enum):
    """What a range is covered with."""

    WOODS = "woods"
    GRASS = "grass"
    ROCK = "rock"
    SNOW = "snow"
    SAND = "sand"
    RED_ROCK = "red rock"
    TERRACES = "terraces"
    DRY_GRASS = "dry grass"


@dataclass(frozen=True, slots=True)
class Range:
    """One range: its form, skin, height (share of the picture's height) and distance (0 near … 1 horizon).

    `base` is how far below the horizon its foot lies, in picture heights. `side` -1 or +1 lets it rise only there.
    """

    form: Form
    skin: Skin
    height: float
    distance: float
    base: float = 0.02
    side: int = 0


def paint_range(stage: Stage, ridge: Range, part: str) -> Plane:
    """Paint one range; returns its outline, the row of its top in every column, (width,)."""
    rng, canvas = stage.dice(part), stage.canvas
    foot = stage.horizon_px + stage.y_px(ridge.base)
    rise = _outline(rng, ridge, canvas.width, stage.unit) * stage.y_px(ridge.height)
    if ridge.skin in (Skin.WOODS,) and ridge.distance < 0.75:
        rise += np.abs(curve(rng, canvas.width, 7 * stage.unit, octaves=2)) * 2.6 * stage.unit * (1 - ridge.distance)
    top = plane(foot - np.maximum(rise, 0))
    first, last = max(0, int(np.min(top)) - 1), min(canvas.height, int(foot + stage.y_px(0.05)) + 2)
    if last <= first:
        return top
    x, y = coordinates(last - first, canvas.width)
    depth = y + first - top[None, :]
    alpha = np.clip(depth + 0.5, 0, 1) * (top < foot - 0.5)[None, :]
    colour = _surface(stage, ridge, rng, x, depth, rise, part)
    tall = max(1.0, stage.y_px(ridge.height))
    veil = stage.light.veil(ridge.distance)
    # The air is thickest in the valleys: each range fades towards its foot, which sets it off from the next one.
    low = smoothstep(0.1, 1.0, depth / tall) * min(0.55, 0.2 + 0.3 * ridge.distance + 0.1 * stage.light.haze_density)
    haze = (veil + (1 - veil) * low * min(1.0, ridge.distance * 1.6))[..., None]
    colour += (plane(stage.light.haze) - colour) * haze
    canvas.cover(first, colour, plane(alpha), ridge.distance)
    return top


def _outline(rng: np.random.Generator, ridge: Range, width: int, unit: float) -> Plane:
    """Height of the range in every column, 0 to about 1."""
    x = np.linspace(0, 1, width, dtype=np.float32)
    if ridge.form is Form.HILLS:
        rise = 0.62 + 0.24 * curve(rng, width, 0.5 * width, octaves=3, gain=0.35)
    elif ridge.form is Form.RIDGES:
        rise = (
            0.30 + 0.50 * _peaks(rng, x, 6, 0.30) + 0.10 * np.abs(curve(rng, width, 110 * unit, octaves=5, gain=0.42))
        )
    elif ridge.form is Form.PEAKS:
        rise = 0.20 + 0.76 * _peaks(rng, x, 5, 0.34) + 0.045 * curve(rng, width, 60 * unit, octaves=5, gain=0.5)
    elif ridge.form is Form.KARST:
        rise = _karst(rng, x) + 0.022 * curve(rng, width, 18 * unit, octaves=4)
    elif ridge.form is Form.DUNES:
        rise = _dunes(rng, x)
    elif ridge.form is Form.TABLES:
        rough = 0.55 + 0.42 * curve(rng, width, 0.34 * width, octaves=3)
        step = np.floor(rough * 4) / 4
        rise = step + np.clip((rough - step) * 12 - 2.2, 0, 0.25) + 0.012 * curve(rng, width, 14 * unit, octaves=3)
    else:
        wall = smoothstep(0.72, 0.05, x if ridge.side < 0 else 1 - x)
        steps = np.floor(wall * 5 + 0.35 * curve(rng, width, 90 * unit, octaves=3)) / 5
        rise = np.maximum(0.35 * wall + 0.65 * steps, 0) + 0.02 * curve(rng, width, 24 * unit, octaves=4) * wall
        return plane(np.clip(rise, 0, 1.3))
    if ridge.side:
        rise = rise * smoothstep(0.85, 0.25, x if ridge.side < 0 else 1 - x)
    return plane(np.clip(rise, 0.02 if not ridge.side else 0, 1.3))


def _peaks(rng: np.random.Generator, x: Plane, count: int, width: float) -> Plane:
    """Overlapping pyramids, one of them the main peak."""
    rise = np.zeros_like(x)
    centres = (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count
    main = int(rng.integers(0, count))
    for number, centre in enumerate(centres):
        tall = 1.0 if number == main else rng.uniform(0.35, 0.8)
        left, right = width * rng.uniform(0.7, 1.5, 2) * (0.6 + 0.6 * tall)
        away = np.where(x < centre, (centre - x) / left, (x - centre) / right)
        rise = np.maximum(rise, tall * np.clip(1 - away**0.86, 0, 1))
    return plane(rise)


def _karst(rng: np.random.Generator, x: Plane) -> Plane:
    rise = np.full_like(x, 0.05)
    for _ in range(11):
        centre, tall, half = rng.uniform(-0.05, 1.05), rng.uniform(0.3, 1.0), rng.uniform(0.045, 0.10)
        away = np.abs(x - centre + 0.25 * half * np.sin(centre * 40)) / half
        lean = 1 - 0.12 * (x - centre) / half
        rise = np.maximum(rise, tall * np.clip(1 - away**2.6, 0, 1) ** 0.55 * lean)
    return rise


def _dunes(rng: np.random.Generator, x: Plane) -> Plane:
    """Long windward slopes, steep lee sides, sharp crests."""
    rise = np.full_like(x, 0.12)
    for _ in range(4):
        crest, tall = rng.uniform(0, 1), rng.uniform(0.5, 1.0)
        windward, lee = rng.uniform(0.4, 0.7), rng.uniform(0.16, 0.3)
        slope = np.where(x < crest, 1 - (crest - x) / windward, 1 - (x - crest) / lee)
        rise = np.maximum(rise, tall * smoothstep(-0.35, 1.0, slope) ** 1.15)
    return rise


def _surface(
    stage: Stage, ridge: Range, rng: np.random.Generator, x: Plane, depth: Plane, rise: Plane, part: str
) -> Plane:
    """The colour of every pixel of a range before the air: its cover under light from the side."""
    unit, light = stage.unit, stage.light
    relief_px = {Skin.WOODS: 34, Skin.GRASS: 90, Skin.DRY_GRASS: 90, Skin.SAND: 120}.get(ridge.skin, 52) * unit
    if part.startswith("middle"):
        relief_px *= 1.4
    relief = fractal(rng, shape_of(x), relief_px * (1.15 - 0.5 * ridge.distance), octaves=5, gain=0.55, stretch=1.1)
    slopes = np.gradient(blur(rise[None, :], 4 * unit)[0]) + 0.5 * np.gradient(blur(rise[None, :], 16 * unit)[0])
    wander = relief * np.clip(depth, 0, 160 * unit) * 0.32
    column = np.clip(x + wander, 0, x.shape[1] - 1).astype(np.int32)
    face = np.tanh(-plane(slopes)[column] * 1.5) * light.side
    reach = 2.2 * unit
    bumps = relief - shifted(relief, -light.side * reach, reach * 0.6)
    rough = {Skin.ROCK: 1.7, Skin.SNOW: 1.5, Skin.RED_ROCK: 1.4, Skin.WOODS: 1.1, Skin.SAND: 0.35}.get(ridge.skin, 0.8)
    facing = 0.30 + 0.62 * face * (0.35 if ridge.skin is Skin.WOODS else 1.0) - bumps * rough
    facing = np.clip(facing, -0.25, 1.15)
    albedo = _albedo(stage, ridge, rng, relief, depth, rise, facing)
    key = (np.maximum(facing, 0) * (1 - 0.75 * light.softness))[..., None]
    gloom = (1 + 0.28 * np.minimum(facing, 0) + 0.12 * light.softness * np.clip(facing - 0.3, -1, 1))[..., None]
    return plane(albedo * (plane(light.ambient) * gloom + plane(light.sun) * key))


_WOODS: dict[Season, tuple[RGB, RGB]] = {
    Season.SPRING: ((0.36, 0.52, 0.27), (0.56, 0.66, 0.34)),
    Season.SUMMER: ((0.20, 0.38, 0.22), (0.36, 0.52, 0.25)),
    Season.AUTUMN: ((0.60, 0.32, 0.15), (0.82, 0.56, 0.20)),
    Season.WINTER: ((0.36, 0.36, 0.36), (0.48, 0.45, 0.42)),
}
_GRASS: dict[Season, tuple[RGB, RGB]] = {
    Season.SPRING: ((0.46, 0.62, 0.28), (0.64, 0.74, 0.36)),
    Season.SUMMER: ((0.36, 0.56, 0.24), (0.54, 0.68, 0.30)),
    Season.AUTUMN: ((0.66, 0.52, 0.24), (0.82, 0.68, 0.34)),
    Season.WINTER: ((0.60, 0.56, 0.46), (0.70, 0.66, 0.56)),
}
_SKINS: dict[Skin, tuple[RGB, RGB]] = {
    Skin.ROCK: ((0.42, 0.43, 0.45), (0.60, 0.58, 0.56)),
    Skin.SNOW: ((0.38, 0.41, 0.47), (0.52, 0.52, 0.55)),
    Skin.SAND: ((0.84, 0.66, 0.42), (0.93, 0.77, 0.53)),
    Skin.RED_ROCK: ((0.62, 0.36, 0.25), (0.78, 0.54, 0.38)),
    Skin.DRY_GRASS: ((0.58, 0.54, 0.34), (0.70, 0.64, 0.42)),
}


def grass(season: Season) -> tuple[RGB, RGB]:
    """The dark and the light colour of grass."""
    return _GRASS[season]


def woods(season: Season) -> tuple[RGB, RGB]:
    """The dark and the light colour of leaves, seen from afar."""
    return _WOODS[season]


def _albedo(
    stage: Stage, ridge: Range, rng: np.random.Generator, relief: Plane, depth: Plane, rise: Plane, facing: Plane
) -> Plane:
    season, unit = stage.scene.season, stage.unit
    if ridge.skin is Skin.WOODS:
        dark, pale = _WOODS[season]
    elif ridge.skin in (Skin.GRASS, Skin.TERRACES):
        dark, pale = _GRASS[season]
    elif ridge.skin is Skin.DRY_GRASS:
        dark, pale = (mix(one, other, 0.45) for one, other in zip(_SKINS[ridge.skin], _GRASS[season], strict=True))
    else:
        dark, pale = _SKINS[ridge.skin]
    tone = np.clip(0.5 + 0.32 * relief, 0, 1)[..., None]
    albedo = plane(dark) + (plane(pale) - plane(dark)) * tone
    if ridge.skin is Skin.WOODS:
        crowns = fractal(rng, relief.shape, 7.5 * unit * (1.3 - 0.8 * ridge.distance), octaves=2)
        albedo *= (1 + 0.20 * np.tanh(crowns))[..., None]
    height_share = 1 - depth / np.maximum(stage.y_px(ridge.height), 1)
    if ridge.skin in (Skin.ROCK, Skin.RED_ROCK) and season is not Season.WINTER:
        # Green holds on the lower, flatter ground.
        lush = (_WOODS if ridge.skin is Skin.ROCK else _GRASS)[season][0]
        bush = smoothstep(0.1, 0.7, relief * 0.5 + (0.62 if ridge.skin is Skin.ROCK else 0.15) - height_share * 0.7)
        albedo += (plane(lush) - albedo) * bush[..., None]
    if ridge.skin in (Skin.RED_ROCK,) or ridge.form in (Form.TABLES, Form.WALLS):
        bands = np.sin((depth - rise[None, :] * 0.25) / (9 * unit) + relief * 1.3)
        albedo *= (1 + 0.07 * bands)[..., None]
    if ridge.skin is Skin.TERRACES:
        albedo = _terraced(stage, albedo, relief, depth)
    white = stage.scene.snow_cover
    if ridge.skin is Skin.SNOW:
        line = height_share + 0.22 * relief + 0.10 * np.clip(facing, -0.3, 1)
        snow = smoothstep(0.36 - 0.5 * white, 0.58 - 0.5 * white, line)
        albedo += (plane((0.95, 0.97, 1.0)) * 1.12 - albedo) * snow[..., None]
    elif white > 0 and ridge.skin is not Skin.SAND:
        lying = smoothstep(0.75 - 0.75 * white, 1.2 - 0.75 * white, 0.5 + 0.35 * relief + 0.3 * facing)
        share = lying * (0.9 if ridge.skin is not Skin.WOODS else 0.72) * white**0.5
        albedo += (plane((0.94, 0.96, 1.0)) * 1.08 - albedo) * share[..., None]
    elif ridge.skin is Skin.SAND:
        ripples = np.sin(depth / (2.6 * unit) + relief * 5.0) * smoothstep(30 * unit, 120 * unit, depth)
        albedo *= (1 + 0.025 * ripples)[..., None]
    return plane(albedo)


def _terraced(stage: Stage, albedo: Plane, relief: Plane, depth: Plane) -> Plane:
    """Steps along the contour: in spring and summer some hold water and mirror the sky."""
    unit = stage.unit
    soft = blur(relief, 26 * unit) * 2.2
    level = (depth + 7 * unit * soft) / (unit * (10 + 0.045 * np.clip(depth, 0, 400 * unit)))
    step = level - np.floor(level)
    wall = smoothstep(0.62, 0.74, step) * smoothstep(1.0, 0.92, step)
    lip = smoothstep(0.08, 0.0, step) + smoothstep(0.94, 1.0, step)
    plots = np.sin(np.floor(level) * 12.9898 + np.floor(soft * 3.0)) * 0.5 + 0.5
    albedo = albedo * (0.9 + 0.28 * plots)[..., None]
    if stage.scene.season in (Season.SPRING, Season.SUMMER):
        share = 0.5 if stage.scene.season is Season.SPRING else 0.2
        flooded = (smoothstep(1 - share, 1.05 - share, plots) * (1 - wall))[..., None]
        mirror = plane(mix(stage.light.horizon, stage.light.middle, 0.4)) / np.maximum(plane(stage.light.ambient), 0.2)
        albedo = plane(albedo + (np.minimum(mirror, 1.25) * 0.92 - albedo) * flooded * 0.85)
    albedo = albedo * (1 - 0.30 * wall)[..., None]
    return plane(albedo * (1 + 0.16 * lip)[..., None])
