"""How the landscapes are painted, from the farthest range to the nearest grass; what they are made of is `settings`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.buildings import paint_farms, paint_skyline, paint_street_houses
from localcloud.painter.ground import paint_ground, paint_road
from localcloud.painter.growth import paint_row, scaled
from localcloud.painter.near import framing_tree, near_growth, near_shore, road_of
from localcloud.painter.plants import Tree, tree
from localcloud.painter.raster import curve, fractal, plane, smoothstep
from localcloud.painter.settings import SETTINGS, Setting, Water
from localcloud.painter.sights import paint_sights, stands_in_water
from localcloud.painter.terms import Place, Season
from localcloud.painter.terrain import Skin, grass, paint_range
from localcloud.painter.water import paint_water

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import Plane


def paint_place(stage: Stage) -> None:
    """Paint everything that stands on the ground."""
    setting = SETTINGS[stage.scene.place]
    if setting.water is Water.NONE and stands_in_water(stage):
        setting = replace(setting, water=Water.RIVER)
    _paint_backdrop(stage)
    for number, ridge in enumerate(setting.ranges):
        if ridge.skin is not Skin.TERRACES:
            paint_range(stage, ridge, f"range {number}")
    if stage.scene.place is Place.CITY_SKYLINE:
        paint_skyline(stage)
    if setting.water is Water.LAKE:
        _by_the_lake(stage, setting)
    elif setting.water is Water.SEA:
        _by_the_sea(stage, setting)
    elif setting.water is Water.CANAL or stage.scene.place is Place.OLD_TOWN:
        _street(stage, setting)
    elif setting.water is Water.RIVER:
        _by_the_river(stage, setting)
    else:
        _open_country(stage, setting)
    framing_tree(stage, setting)


def _paint_backdrop(stage: Stage) -> None:
    backdrop = stage.scene.backdrop
    if backdrop in (Place.SNOW_MOUNTAINS, Place.MOUNTAINS, Place.KARST_PEAKS):
        paint_range(stage, SETTINGS[backdrop].ranges[0], "backdrop")
    elif backdrop is Place.CITY_SKYLINE:
        paint_skyline(stage)


def _level(stage: Stage, below_horizon: float, part: str, *, wave: float = 0.004) -> Plane:
    """A nearly level line: rows per column, (width,)."""
    noise = curve(stage.dice(part), stage.canvas.width, 0.3 * stage.canvas.width, octaves=3)
    return plane(stage.horizon_px + stage.y_px(below_horizon) + noise * stage.y_px(wave))


def _sight_side(stage: Stage) -> int:
    return 1 if stage.plan.sights_x[0] > 0.5 else -1


def _spit(stage: Stage, reach: float, drop: float) -> Plane:
    """How far a tongue of land under the first sight pushes the water's edge down, in rows per column."""
    x = np.linspace(0, 1, stage.canvas.width, dtype=np.float32)
    side = _sight_side(stage)
    outward = (stage.plan.sights_x[0] - side * reach - x) * side
    return plane(smoothstep(0.06, -0.16, outward) * stage.y_px(drop))


def _water_end(stage: Stage) -> int:
    """The last row of water; the near bank covers what is too much."""
    return int(stage.y_px(stage.plan.near_top + 0.10))


def _by_the_lake(stage: Stage, setting: Setting) -> None:
    on_land = not stands_in_water(stage)
    bank_top = _level(stage, 0.012, "bank")
    shore = _level(stage, 0.030, "shore", wave=0.002)
    if on_land:
        shore = shore + _spit(stage, 0.19, 0.05)
    paint_ground(stage, bank_top, setting.bank, "bank ground", distance=0.5)
    city = stage.scene.place is Place.CITY_SKYLINE
    tall = stage.y_px(0.035 if city else 0.052)
    paint_row(stage, "far trees", setting.trees, bank_top + stage.y_px(0.014), tall, 0.5, density=0.9)
    if not city:
        paint_farms(stage, shore - stage.y_px(0.006), 3, 0.042, 0.45)
    paint_sights(stage, shore)
    paint_water(stage, shore, _water_end(stage))
    paint_sights(stage, shore + stage.y_px(0.035), afloat=True)
    near_shore(stage, setting)


def _by_the_sea(stage: Stage, setting: Setting) -> None:
    canvas = stage.canvas
    land = _spit(stage, 0.13, 0.055) if not stands_in_water(stage) else np.zeros(canvas.width, np.float32)
    shore = plane(stage.horizon_px + land)
    rise = smoothstep(0.2, 0.9, land / max(1.0, float(np.max(land)))) * stage.y_px(0.03)
    rough = curve(stage.dice("headland"), canvas.width, 40 * stage.unit, octaves=4) * 2.2 * stage.unit
    top = plane(stage.horizon_px + 0.4 * land - rise + rough * (land > 1))
    _cliff(stage, top, shore)
    paint_sights(stage, top + (shore - top) * 0.25)
    paint_water(stage, shore, _water_end(stage), sea=True)
    paint_sights(stage, plane(np.full(canvas.width, stage.horizon_px + stage.y_px(0.05))), afloat=True)
    near_shore(stage, setting)


def _cliff(stage: Stage, top: Plane, shore: Plane) -> None:
    """A grassy headland that breaks off in rocks at the water."""
    canvas = stage.canvas
    first, last = int(np.min(top)), int(np.max(shore)) + 1
    if last - first < 3:
        return
    y = plane(np.arange(first, last))[:, None]
    share = np.clip((y - top[None, :]) / np.maximum(shore - top, 1)[None, :], 0, 1)
    relief = fractal(stage.dice("cliff"), (last - first, canvas.width), 16 * stage.unit, octaves=4, stretch=0.6)
    rocky = smoothstep(0.40, 0.55, share + 0.10 * relief)[..., None]
    dark, pale = grass(stage.scene.season)
    if stage.scene.snow_cover > 0:
        dark = pale = (0.9, 0.92, 0.96)
    albedo = plane(dark) * (1 - rocky) + plane((0.50, 0.46, 0.42)) * rocky
    albedo = albedo + (plane(pale) - plane(dark)) * (1 - rocky) * np.clip(0.5 + 0.3 * relief, 0, 1)[..., None]
    facing = np.clip(0.4 + 0.3 * relief, 0, 1)[..., None] * (1 - 0.8 * stage.light.softness)
    colour = albedo * (1 - 0.28 * rocky) * (plane(stage.light.ambient) + plane(stage.light.sun) * facing)
    colour += (plane(stage.light.haze) - colour) * stage.light.veil(0.35)
    inside = (
        np.clip(y - top[None, :] + 0.5, 0, 1)
        * np.clip(shore[None, :] - y + 0.5, 0, 1)
        * (shore > stage.horizon_px + 1)[None, :]
    )
    canvas.cover(first, plane(colour), plane(inside), 0.35)


def _by_the_river(stage: Stage, setting: Setting) -> None:
    canvas, plan = stage.canvas, stage.plan
    bank_top = _level(stage, 0.012, "bank")
    paint_ground(stage, bank_top, setting.bank, "bank ground", distance=0.6)
    shore = _level(stage, 0.030, "shore", wave=0.001)
    paint_row(stage, "far trees", setting.trees, bank_top + stage.y_px(0.010), stage.y_px(0.045), 0.55, density=0.8)
    rows = np.arange(canvas.height, dtype=np.float32)
    t = np.clip((rows - np.min(shore)) / max(1.0, stage.y_px(plan.near_top + 0.08) - float(np.min(shore))), 0, 1)
    side = _sight_side(stage)
    middle = 0.5 - side * (0.10 - 0.06 * t) + 0.16 * side * np.sin(t**0.5 * 5.5) * (1 - t) * t**0.3
    half = 0.035 + 0.66 * t**0.85
    if stands_in_water(stage):
        half = half + 0.16
    ragged = curve(stage.dice("river bank"), canvas.height, 26 * stage.unit, octaves=4) * (0.004 + 0.02 * t)
    paint_farms(stage, shore + stage.y_px(0.01), 3, 0.045, 0.4)
    paint_sights(stage, shore + stage.y_px(0.035))
    banks = [plane((middle + edge * half + ragged) * canvas.width) for edge in (-1, 1)]
    paint_water(stage, plane(shore - 1), _water_end(stage), left=banks[0], right=banks[1])
    crossing = int(stage.horizon_px + stage.y_px(0.08))
    paint_sights(stage, plane(np.full(canvas.width, crossing)), middle=float(middle[crossing]), afloat=True)
    near_shore(stage, setting)


def _open_country(stage: Stage, setting: Setting) -> None:
    canvas = stage.canvas
    start = min(0.10, max(ridge.base for ridge in setting.ranges))
    top = _level(stage, start + 0.004, "plain", wave=0.006)
    paint_ground(stage, top, setting.near, "plain", distance=0.7)
    for number, ridge in enumerate(setting.ranges):
        if ridge.skin is Skin.TERRACES:
            paint_range(stage, ridge, f"range {number}")
    if setting.trees:
        paint_row(stage, "far trees", setting.trees, top + stage.y_px(0.004), stage.y_px(0.055), 0.45, density=0.7)
    paint_farms(stage, top + stage.y_px(0.014), 4, 0.05, 0.35)
    if stage.scene.place is Place.TERRACED_FIELDS:
        paint_sights(stage, top + stage.y_px(0.05))
        near_shore(stage, setting)
        return
    paint_road(stage, int(np.min(top)) + int(stage.y_px(0.012)), road_of(stage, setting))
    paint_sights(stage, top + stage.y_px(0.035))
    if stage.scene.place is Place.FOREST:
        _forest_rows(stage, setting)
    else:
        _scattered_growth(stage, setting, start)
    near_growth(stage, setting, plane(np.full(canvas.width, stage.y_px(0.80))))


def _scattered_growth(stage: Stage, setting: Setting, start: float) -> None:
    """Groups of trees and bushes over the plain, smaller the farther; the road and the lower left stay free."""
    rng, canvas, plan = stage.dice("scattered"), stage.canvas, stage.plan
    bare = stage.scene.place in (Place.DESERT, Place.PLATEAU, Place.GRASSLAND)
    kinds = (Tree.BUSH,) if bare else (*setting.trees, Tree.BUSH, Tree.BUSH)
    if stage.scene.season is Season.SPRING and not bare:
        kinds = (*kinds, Tree.BLOSSOM)
    drawings = [tree(stage, rng, kind, stage.y_px(0.055 if kind is Tree.BUSH else 0.20)) for kind in kinds]
    for depth in np.sort(rng.random(4 if bare else 9) ** 1.2):
        below = 0.03 + 0.25 * float(depth)
        row = stage.horizon_px + stage.y_px(start + below)
        road_x = plan.vanishing_x + (plan.road_x - plan.vanishing_x) * (0.3 + 0.7 * float(depth))
        half = 0.05 + 0.30 * float(depth)
        left = depth < 0.25 and rng.random() < 0.5
        centre = rng.uniform(-0.05, max(0.0, road_x - half)) if left else rng.uniform(min(0.98, road_x + half), 1.06)
        scale = min(1.0, (below + start) / (0.25 + start))
        for _ in range(int(rng.integers(2, 5))):
            number = int(rng.integers(0, len(drawings)))
            drawing = scaled(drawings[number], scale * float(rng.uniform(0.6, 1.0)))
            x = stage.x_px(float(centre)) + float(rng.normal(0, 0.05)) * canvas.width * scale
            away = 0.45 * (1 - float(depth)) + 0.08
            canvas.place(drawing, x, row + float(rng.uniform(0, 0.012)) * canvas.height, away)


def _forest_rows(stage: Stage, setting: Setting) -> None:
    """Trees on both sides of the road, taller the nearer they stand."""
    canvas, plan = stage.canvas, stage.plan
    for number, (drop, tall) in enumerate(((0.045, 0.13), (0.085, 0.22), (0.14, 0.36))):
        row = np.full(canvas.width, stage.horizon_px + stage.y_px(drop), np.float32)
        gap = 0.045 + 0.075 * number
        far = 0.42 - 0.15 * number
        for side, span in (("left", (-0.05, plan.vanishing_x - gap * 1.1)), ("right", (plan.vanishing_x + gap, 1.05))):
            part = f"wood {number} {side}"
            paint_row(stage, part, setting.trees, row, stage.y_px(tall), far, density=1.1, span=span)


def _street(stage: Stage, setting: Setting) -> None:
    """Two rows of houses that recede to the vanishing point, with a canal or a paved lane between them."""
    canvas, canal = stage.canvas, setting.water is Water.CANAL
    vanishing_x, gap = 0.5 + 0.35 * (stage.plan.vanishing_x - 0.5), 0.115
    far = stage.horizon_px + stage.y_px(0.035)
    level = plane(np.full(canvas.width, far))
    x = np.linspace(0, 1, canvas.width, dtype=np.float32)
    away = np.maximum(np.abs(x - vanishing_x) - gap, 0)
    foot = plane(far + away * stage.y_px(0.42 if canal else 0.36))
    if not canal:
        paint_ground(stage, level - stage.y_px(0.02), setting.near, "lane", distance=0.4)
        paint_road(stage, int(far), road_of(stage, setting))
    paint_row(stage, "far trees", setting.trees, level, stage.y_px(0.06), 0.45)
    paint_sights(stage, level + stage.y_px(0.012), middle=vanishing_x)
    paint_street_houses(stage, foot, vanishing_x, gap)
    if canal:
        paint_water(stage, foot, _water_end(stage))
        paint_sights(stage, level + stage.y_px(0.05), middle=vanishing_x, afloat=True)
        near_shore(stage, setting)
    else:
        near_growth(stage, setting, plane(np.full(canvas.width, stage.y_px(0.86))))
