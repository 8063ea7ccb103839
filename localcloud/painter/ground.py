"""The ground in perspective: meadows, fields, sand and paving, and the road across it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import coordinates, mix, plane, smoothstep
from localcloud.painter.terms import Season, Weather
from localcloud.painter.terrain import grass
from localcloud.painter.water import perspective_noise

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Plane


class Cover(Enum):
    """What the ground is."""

    GRASS = "grass"
    DRY_GRASS = "dry grass"
    SAND = "sand"
    PAVING = "paving"
    FIELDS = "fields"
    SHINGLE = "shingle"
    LEAVES = "leaves"


class Road(Enum):
    """What one could drive on."""

    NONE = "none"
    ASPHALT = "asphalt"
    TRACK = "track"
    FLAGSTONES = "flagstones"


_CROPS: dict[Season, tuple[RGB, RGB]] = {
    Season.SPRING: ((0.72, 0.66, 0.12), (0.95, 0.85, 0.20)),
    Season.SUMMER: ((0.36, 0.56, 0.20), (0.56, 0.70, 0.26)),
    Season.AUTUMN: ((0.76, 0.56, 0.20), (0.90, 0.72, 0.30)),
    Season.WINTER: ((0.52, 0.46, 0.38), (0.64, 0.58, 0.48)),
}


def _tones(cover: Cover, season: Season) -> tuple[RGB, RGB]:
    """The dark and the light colour of a cover."""
    dark, pale = grass(season)
    if cover is Cover.DRY_GRASS:
        return mix(dark, (0.60, 0.54, 0.34), 0.55), mix(pale, (0.74, 0.66, 0.42), 0.55)
    if cover is Cover.SAND:
        return (0.82, 0.68, 0.46), (0.93, 0.82, 0.62)
    if cover is Cover.PAVING:
        return (0.52, 0.51, 0.50), (0.68, 0.66, 0.63)
    if cover is Cover.SHINGLE:
        return (0.50, 0.48, 0.45), (0.72, 0.69, 0.64)
    if cover is Cover.LEAVES:
        return (
            ((0.50, 0.30, 0.16), (0.74, 0.48, 0.20))
            if season is Season.AUTUMN
            else (mix(dark, (0.24, 0.26, 0.16), 0.5), mix(pale, (0.30, 0.36, 0.18), 0.5))
        )
    return dark, pale


def paint_ground(stage: Stage, top: Plane, cover: Cover, part: str, *, distance: float = 0.9) -> None:
    """Lay `cover` from the row `top` of every column, (width,), to the bottom; `distance` is that of its far edge."""
    canvas, light, scene = stage.canvas, stage.light, stage.scene
    first = max(0, int(np.min(top)))
    if canvas.height - first < 2:
        return
    rng = stage.dice(part)
    x, rows = coordinates(canvas.height - first, canvas.width)
    y = rows + first
    below = plane(np.clip((y - stage.horizon_px) / (canvas.height - stage.horizon_px), 0.004, 1))
    patches = perspective_noise(stage, rng, first, canvas.height, 40.0, stretch=1.8)
    blades = perspective_noise(stage, rng, first, canvas.height, 2.6, stretch=1.0 if cover is not Cover.SAND else 5.0)
    dark, pale = _tones(cover, scene.season)
    tone = np.clip(0.5 + 0.26 * patches + 0.22 * blades, 0, 1)[..., None]
    albedo = plane(dark) + (plane(pale) - plane(dark)) * tone
    if cover is Cover.FIELDS:
        albedo = _fields(stage, x, below, patches, blades, albedo)
    elif cover is Cover.PAVING:
        albedo = albedo * (1 - 0.24 * _joints(stage, x, below))[..., None]
    elif cover is Cover.SHINGLE:
        stones = perspective_noise(stage, rng, first, canvas.height, 5.0)
        albedo = albedo * (1 + 0.16 * np.tanh(2.2 * stones))[..., None]
    albedo = _under_weather(stage, albedo, cover, patches, blades)
    # Cloud shadows drift over open ground; the foot of the picture is a little darker, which leads the eye inwards.
    shadow = smoothstep(-1.0, 0.5, patches + 0.6) * 0.25 + 0.75
    facing = (0.52 * shadow * (1 - 0.8 * light.softness))[..., None]
    colour = albedo * (plane(light.ambient) * 0.94 + plane(light.sun) * facing)
    colour = colour * (1.03 - 0.13 * smoothstep(0.6, 1.0, y / canvas.height))[..., None]
    away = plane(distance * np.clip((0.055 / below) ** 0.8, 0.0, 1.0))
    veil = (1 - np.exp(-light.haze_density * away**1.4))[..., None]
    colour += (plane(light.haze) - colour) * veil
    canvas.cover(first, plane(colour), plane(np.clip(y - top[None, :] + 0.5, 0, 1)), away)


def _fields(stage: Stage, x: Plane, below: Plane, patches: Plane, blades: Plane, albedo: Plane) -> Plane:
    """Plots of crops in rows that run to the horizon, between strips of grass."""
    ground_x = (x / stage.canvas.width - stage.plan.vanishing_x) / below
    ground_z = 1 / below
    plots = np.floor(ground_x * 0.55 + 0.2) * 7.13 + np.floor(ground_z**0.8 * 1.15) * 3.7
    kind = np.sin(plots) * 0.5 + 0.5
    dark, pale = _CROPS[stage.scene.season]
    rows = np.sin(ground_x * 34) * smoothstep(0.10, 0.4, below)
    crop = plane(dark) + (plane(pale) - plane(dark)) * np.clip(0.55 + 0.25 * rows + 0.18 * blades, 0, 1)[..., None]
    share = smoothstep(0.25, 0.4, kind + 0.05 * patches)[..., None]
    across = np.abs(ground_x * 0.55 + 0.2 - np.floor(ground_x * 0.55 + 0.2) - 0.5)
    balk = smoothstep(0.455, 0.49, across)[..., None]
    return plane(albedo + (crop - albedo) * share * (1 - balk))


def _joints(stage: Stage, x: Plane, below: Plane) -> Plane:
    ground_x = (x / stage.canvas.width - stage.plan.vanishing_x) / below * 6.5
    ground_z = np.log(below) * 9
    course = np.floor(ground_z)
    across = np.abs((ground_x + 0.5 * (course % 2)) % 1 - 0.5)
    along = np.abs(ground_z % 1 - 0.5)
    fine = smoothstep(0.04, 0.25, below)
    return plane(np.maximum(smoothstep(0.44, 0.49, across), smoothstep(0.42, 0.48, along)) * fine)


def _under_weather(stage: Stage, albedo: Plane, cover: Cover, patches: Plane, blades: Plane) -> Plane:
    white = stage.scene.snow_cover if cover is not Cover.SAND or stage.scene.weather is Weather.SNOW else 0.0
    if white > 0:
        lying = smoothstep(0.8 - 1.1 * white, 1.3 - 1.1 * white, 0.55 + 0.24 * patches + 0.12 * blades)
        snow = plane((0.95, 0.97, 1.0)) * (1.12 + 0.03 * blades)[..., None]
        albedo = albedo + (snow - albedo) * (lying * 0.95)[..., None]
    if stage.scene.weather in (Weather.RAIN, Weather.THUNDERSTORM):
        albedo = albedo * 0.84
    return plane(albedo)


def paint_road(stage: Stage, top: int, road: Road, *, along: bool = False) -> None:
    """A road from the lower left into the picture, or (`along`) beside the water out to the far side."""
    if road is Road.NONE:
        return
    canvas, light, plan, unit = stage.canvas, stage.light, stage.plan, stage.unit
    first = max(top, 0)
    if canvas.height - first < 4:
        return
    rng = stage.dice("road")
    x, rows = coordinates(canvas.height - first, canvas.width)
    y = (rows + first) / canvas.height
    below = np.clip((rows + first - stage.horizon_px) / (canvas.height - stage.horizon_px), 0.004, 1)
    if along:
        share = x / canvas.width
        reach = 1 - 0.62 * smoothstep(-0.1, 1.05, share)
        middle = 0.925 - 0.075 * share**1.2 * 1.15
        across = (y - middle) / (0.058 * reach)
        lengthwise = share * 9 / np.maximum(reach, 0.2)
    else:
        t = np.clip((rows + 1) / (canvas.height - first), 0, 1)
        middle = (
            plan.vanishing_x
            + (plan.road_x - plan.vanishing_x) * t**1.1
            + 0.13 * plan.road_bend * np.sin(np.pi * t**0.7) * t**0.25 * (1 - t) ** 0.5
        )
        # Narrower where it begins, as if it came over a rise.
        across = (x / canvas.width - middle) / (0.235 * below * (0.35 + 0.65 * smoothstep(0, 0.4, t)))
        lengthwise = 2.2 / below
    blades = perspective_noise(stage, rng, first, canvas.height, 2.2)
    wobble = 0.03 * blades if road is not Road.ASPHALT else 0.012 * blades
    edge = np.abs(across) + wobble
    inside = smoothstep(1.03, 0.97, edge)
    albedo, inside = _road_surface(stage, road, across, lengthwise, blades, inside)
    facing = 0.5 * (1 - 0.8 * light.softness)
    colour = albedo * (plane(light.ambient) * 0.94 + plane(light.sun) * facing)
    away = plane(0.9 * np.clip((0.055 / below) ** 0.8, 0.0, 1.0))
    veil = (1 - np.exp(-light.haze_density * away**1.4))[..., None]
    colour += (plane(light.haze) - colour) * veil
    if stage.scene.weather in (Weather.RAIN, Weather.THUNDERSTORM):
        wet = (0.34 * smoothstep(-0.4, 0.9, perspective_noise(stage, rng, first, canvas.height, 22, stretch=2)))[
            ..., None
        ]
        colour += (plane(mix(light.middle, light.horizon, 0.6)) - colour) * wet
    alpha = plane(inside * smoothstep(0, 6 * unit, rows)) if not along else plane(inside)
    canvas.cover(first, plane(colour), alpha, away)


def _road_surface(
    stage: Stage, road: Road, across: Plane, lengthwise: Plane, blades: Plane, inside: Plane
) -> tuple[Plane, Plane]:
    white = stage.scene.snow_cover
    if road is Road.ASPHALT:
        albedo = plane((0.50, 0.49, 0.50)) * (1 + 0.05 * blades)[..., None]
        dash = smoothstep(0.03, 0.02, np.abs(across)) * (np.sin(lengthwise * 5.5) > -0.1)
        rim = smoothstep(0.03, 0.018, np.abs(np.abs(across) - 0.9))
        lines = np.clip(dash + rim, 0, 1)[..., None] * 0.85
        albedo = albedo + (plane((0.92, 0.91, 0.86)) - albedo) * lines
    elif road is Road.FLAGSTONES:
        albedo = plane((0.62, 0.60, 0.57)) * (1 + 0.09 * blades)[..., None]
        course = np.floor(np.log(np.maximum(lengthwise, 0.1)) * 12)
        joint = smoothstep(0.40, 0.47, np.abs((np.log(np.maximum(lengthwise, 0.1)) * 12) % 1 - 0.5))
        joint = np.maximum(joint, smoothstep(0.42, 0.48, np.abs((across * 2.5 + 0.5 * (course % 2)) % 1 - 0.5)))
        albedo = albedo * (1 - 0.22 * joint)[..., None]
    else:
        albedo = plane((0.70, 0.60, 0.45)) * (1 + 0.10 * blades)[..., None]
        ruts = smoothstep(0.24, 0.05, np.abs(np.abs(across) - 0.5))
        albedo = albedo * (1.05 - 0.14 * ruts)[..., None]
        grassy = smoothstep(0.22, 0.02, np.abs(across) + 0.1 * blades)
        inside = inside * (1 - 0.75 * grassy)
    if white > 0:
        lying = (smoothstep(0.15, 0.0, np.abs(np.abs(across) - 0.5) - 0.1) * -0.45 + 0.9) * white
        albedo = albedo + (plane((0.93, 0.95, 0.99)) * 1.05 - albedo) * lying[..., None]
    return plane(albedo), plane(inside)
