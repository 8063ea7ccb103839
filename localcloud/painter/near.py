"""The foreground: the near bank with its road, grass and flowers, and the tree that frames the picture.

Its lower left stays low and calm, so that something can be set there later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.ground import Cover, Road, paint_ground, paint_road
from localcloud.painter.growth import flowers, tufts
from localcloud.painter.plants import Tree, tree
from localcloud.painter.raster import curve, plane, smoothstep
from localcloud.painter.sights.pen import Pen
from localcloud.painter.terms import Season, Sight, Style, Weather
from localcloud.painter.terrain import grass

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Plane
    from localcloud.painter.settings import Setting


def road_of(stage: Stage, setting: Setting) -> Road:
    """Asphalt has no place in an ink painting or a woodblock print."""
    old = stage.scene.style in (Style.INK_WASH, Style.WOODBLOCK)
    return Road.TRACK if old and setting.road is Road.ASPHALT else setting.road


def near_shore(stage: Stage, setting: Setting) -> None:
    """The near bank across the foot of the picture, with its road."""
    canvas, plan = stage.canvas, stage.plan
    x = np.linspace(0, 1, canvas.width, dtype=np.float32)
    climb = x if plan.near_slope > 0 else 1 - x
    wave = curve(stage.dice("near bank"), canvas.width, 0.4 * canvas.width, octaves=3) * 0.007
    paved = setting.near is Cover.PAVING
    top = plane(
        stage.y_px(1) * (plan.near_top + 0.035 - (0.0 if paved else 0.06) * climb**1.4 + (0 if paved else wave))
    )
    if setting.near in (Cover.SAND, Cover.SHINGLE):
        _wet_edge(stage, top)
    paint_ground(stage, top, setting.near, "near ground", distance=0.12)
    if paved:
        _parapet(stage, top)
    paint_road(stage, int(np.min(top)), road_of(stage, setting), along=True)
    near_growth(stage, setting, top)


def _wet_edge(stage: Stage, top: Plane) -> None:
    """Foam and dark wet sand where the water runs out."""
    canvas, unit = stage.canvas, stage.unit
    first, last = max(0, int(np.min(top) - 16 * unit)), min(canvas.height, int(np.max(top)) + 2)
    y = plane(np.arange(first, last))[:, None]
    noise = curve(stage.dice("foam"), canvas.width, 60 * unit, octaves=4) * 4 * unit
    away = y - (top + noise - 7 * unit)[None, :]
    foam = smoothstep(-4 * unit, 0, away) * smoothstep(5 * unit, 0, away)
    canvas.cover(first, stage.light.on((0.97, 0.98, 0.98), 0.6), plane(foam * 0.85), 0.15)
    wet = smoothstep(2 * unit, 5 * unit, away)
    canvas.cover(first, stage.light.on((0.62, 0.52, 0.38), 0.3), plane(wet * 0.9), 0.12)


def _parapet(stage: Stage, top: Plane) -> None:
    """A low stone balustrade along a promenade."""
    pen = Pen(
        stage.light,
        stage.dice("parapet"),
        stage.y_px(0.045),
        stage.canvas.width / stage.y_px(0.045) * 1.02,
        stage.scene.snow_cover,
    )
    stone: RGB = (0.80, 0.79, 0.76)
    pen.rectangle(-pen.edge, pen.edge, 0.0, 0.16, stone, 0.2)
    posts = int(pen.edge * 2 / 1.5)
    for number in range(posts + 1):
        x = -pen.edge + number * 1.5
        for gap in (0.38, 0.75, 1.12):
            pen.rectangle(x + gap - 0.05, x + gap + 0.05, 0.16, 0.72, stone, 0.15)
        pen.rectangle(x - 0.11, x + 0.11, 0, 0.98, stone, 0.3)
        pen.rectangle(
            x + (0.04 if stage.light.side > 0 else -0.11),
            x + (0.11 if stage.light.side > 0 else -0.04),
            0,
            0.98,
            stone,
            0.8,
        )
    pen.rectangle(-pen.edge, pen.edge, 0.70, 0.84, stone, 0.75)
    stage.canvas.place(pen.cutout(), stage.canvas.width / 2, float(top.mean()) + stage.y_px(0.008), 0.1)


_FLOWERS: dict[Season, tuple[RGB, ...]] = {
    Season.SPRING: ((0.98, 0.84, 0.25), (0.97, 0.66, 0.76), (0.98, 0.97, 0.94)),
    Season.SUMMER: ((0.70, 0.50, 0.86), (0.98, 0.96, 0.90), (0.96, 0.52, 0.34)),
    Season.AUTUMN: ((0.86, 0.40, 0.14), (0.92, 0.68, 0.20)),
}


def near_growth(stage: Stage, setting: Setting, top: Plane) -> None:
    """Grass and flowers in front: thick on the right, low on the left, where something may come to stand."""
    scene, unit = stage.scene, stage.unit
    if setting.near in (Cover.PAVING, Cover.SHINGLE):
        return
    dark, pale = grass(scene.season)
    blades: tuple[RGB, ...] = (dark, pale, (dark[0] * 0.8, dark[1] * 0.85, dark[2] * 0.8))
    if scene.snow_cover > 0.8:
        blades = ((0.80, 0.78, 0.70), (0.62, 0.56, 0.44), (0.92, 0.94, 0.97))
    lean = (
        0.55 * stage.plan.light_side
        if scene.weather in (Weather.WINDY, Weather.THUNDERSTORM, Weather.SANDSTORM)
        else 0.0
    )
    if setting.near is Cover.SAND:
        blades = ((0.66, 0.62, 0.36), (0.76, 0.70, 0.44))
        tufts(
            stage,
            "dune grass",
            plane(np.maximum(top, stage.y_px(0.86))),
            34 * unit,
            colours=blades,
            count=110,
            span=(0.66, 1.0),
            jitter_px=stage.y_px(0.11),
            lean=lean,
        )
        return
    flower_colours = _FLOWERS.get(scene.season, ())
    if setting.near in (Cover.GRASS, Cover.DRY_GRASS, Cover.LEAVES) and flower_colours and scene.snow_cover == 0:
        flowers(stage, "flowers right", top, flower_colours, 150, (0.56, 1.0))
        flowers(stage, "flowers left", top, flower_colours, 40, (0.0, 0.5))
    if float(np.ptp(top)) > 1:
        tufts(
            stage,
            "edge grass",
            plane(top + 3 * unit),
            13 * unit,
            colours=blades,
            count=240,
            jitter_px=4 * unit,
            lean=lean,
            distance=0.1,
        )
    tufts(
        stage,
        "right grass",
        plane(np.full(stage.canvas.width, stage.y_px(0.90))),
        52 * unit,
        colours=blades,
        count=330,
        span=(0.60, 1.0),
        jitter_px=stage.y_px(0.12),
        lean=lean,
    )
    tufts(
        stage,
        "left grass",
        plane(np.full(stage.canvas.width, stage.y_px(0.985))),
        26 * unit,
        colours=blades,
        count=90,
        span=(0.0, 0.5),
        jitter_px=stage.y_px(0.02),
        lean=lean,
    )


def framing_tree(stage: Stage, setting: Setting) -> None:
    """A tree at the edge of the picture, in front of everything; on the left it only reaches in from above."""
    side = stage.plan.frame
    if side == 0 or not setting.frame or stage.scene.sights[:1] in ((Sight.ANCIENT_TREE,), (Sight.PALM_BEACH,)):
        return
    rng = stage.dice("frame")
    kind = setting.frame[int(rng.integers(0, len(setting.frame)))]
    if stage.scene.season is Season.SPRING and kind is Tree.BROADLEAF and rng.random() < 0.7:
        kind = Tree.BLOSSOM
    tall = stage.y_px(float(rng.uniform(0.50, 0.62)) * (1.15 if side < 0 else 1.0))
    drawing = tree(stage, rng, kind, tall)
    x = stage.x_px(0.99 if side > 0 else -0.06)
    foot = stage.y_px(0.93 if side > 0 else 0.80)
    stage.canvas.place(drawing, x, foot, 0.06)
