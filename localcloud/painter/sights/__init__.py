"""The sights: for each form how it is drawn, how large it is, and how it stands in the landscape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.canvas import Cutout
from localcloud.painter.growth import paint_row
from localcloud.painter.plants import Tree, tree
from localcloud.painter.raster import coordinates, fractal, mix, moved, plane
from localcloud.painter.sights import bridges, faiths, halls, homesteads, nature, towers
from localcloud.painter.sights.pen import Pen
from localcloud.painter.terms import Place, Season, Sight
from localcloud.painter.terrain import woods

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import Plane


@dataclass(frozen=True, slots=True)
class Form:
    """How one sight is set into a picture.

    `height` is its share of the picture's height, `aspect` its width over its height. `afloat` stands in the
    water. `wild` is part of the land, with bushes along its whole foot; others have trees beside them, if `growth`.
    """

    draw: Callable[[Pen], None]
    height: float
    aspect: float
    afloat: bool = False
    wild: bool = False
    growth: bool = True


FORMS: dict[Sight, Form] = {
    Sight.TELEVISION_TOWER: Form(towers.television_tower, 0.50, 0.30),
    Sight.LATTICE_TOWER: Form(towers.lattice_tower, 0.46, 0.46),
    Sight.SKYSCRAPER: Form(towers.skyscraper, 0.50, 0.50),
    Sight.PAGODA: Form(halls.pagoda, 0.40, 0.52),
    Sight.TEMPLE_HALL: Form(halls.temple_hall, 0.225, 1.75),
    Sight.CITY_GATE_TOWER: Form(halls.city_gate_tower, 0.25, 1.9),
    Sight.GREAT_WALL: Form(nature.great_wall, 0.32, 2.22, wild=True),
    Sight.STONE_ARCH_BRIDGE: Form(bridges.stone_arch_bridge, 0.14, 2.5, afloat=True),
    Sight.SUSPENSION_BRIDGE: Form(bridges.suspension_bridge, 0.22, 3.9, afloat=True, wild=True),
    Sight.STEEL_TRUSS_BRIDGE: Form(bridges.steel_truss_bridge, 0.17, 3.9, afloat=True, wild=True),
    Sight.PALACE: Form(halls.palace, 0.225, 2.15),
    Sight.HILLTOP_PALACE: Form(faiths.hilltop_palace, 0.30, 2.2, wild=True),
    Sight.CLIFF_GROTTOES: Form(faiths.cliff_grottoes, 0.25, 2.35, growth=False),
    Sight.GIANT_BUDDHA: Form(faiths.giant_buddha, 0.36, 1.16, wild=True),
    Sight.WHITE_STUPA: Form(faiths.white_stupa, 0.32, 1.06),
    Sight.CLOCK_TOWER: Form(towers.clock_tower, 0.40, 0.60),
    Sight.LIGHTHOUSE: Form(towers.lighthouse, 0.34, 0.70),
    Sight.ONION_DOMED_CHURCH: Form(faiths.onion_domed_church, 0.36, 1.0),
    Sight.MOSQUE: Form(faiths.mosque, 0.30, 1.34),
    Sight.FERRIS_WHEEL: Form(towers.ferris_wheel, 0.40, 1.0),
    Sight.OPERA_HOUSE: Form(towers.opera_house, 0.165, 2.45),
    Sight.WATERFALL: Form(nature.waterfall, 0.34, 1.38, wild=True),
    Sight.TULOU_ROUNDHOUSE: Form(homesteads.tulou_roundhouse, 0.21, 2.05),
    Sight.YURTS: Form(homesteads.yurts, 0.13, 2.5),
    Sight.COVERED_BRIDGE: Form(bridges.covered_bridge, 0.155, 3.1, afloat=True),
    Sight.WATER_WHEEL: Form(homesteads.water_wheel, 0.24, 1.45),
    Sight.STILTED_HOUSES: Form(homesteads.stilted_houses, 0.24, 2.35, afloat=True),
    Sight.PAVILION: Form(halls.pavilion, 0.27, 0.98),
    Sight.GARDEN_MOON_GATE: Form(halls.garden_moon_gate, 0.20, 2.0),
    Sight.MEMORIAL_ARCHWAY: Form(halls.memorial_archway, 0.27, 1.25),
    Sight.SAND_DUNES: Form(nature.sand_dunes, 0.24, 2.4, growth=False),
    Sight.KARST_PILLARS: Form(nature.karst_pillars, 0.40, 1.62, wild=True),
    Sight.HARBOUR_BOATS: Form(homesteads.harbour_boats, 0.19, 2.6, afloat=True, wild=True),
    Sight.STATUE: Form(towers.statue, 0.32, 0.62),
    Sight.WINDMILLS: Form(towers.windmills, 0.40, 0.98),
    Sight.OBSERVATORY: Form(towers.observatory, 0.18, 1.7),
    Sight.ROCK_PEAK: Form(nature.rock_peak, 0.38, 1.16, wild=True),
    Sight.PIER: Form(bridges.pier, 0.15, 3.65, afloat=True, wild=True),
}

#: Sights that are trees: kind, height as a share of the picture's, how many.
GROVES: dict[Sight, tuple[Tree, float, int]] = {
    Sight.PALM_BEACH: (Tree.PALM, 0.30, 5),
    Sight.ANCIENT_TREE: (Tree.BROADLEAF, 0.38, 1),
}


def stands_in_water(stage: Stage) -> bool:
    """Whether the first sight needs water under it."""
    return any(sight in FORMS and FORMS[sight].afloat for sight in stage.scene.sights[:1])


def paint_sights(stage: Stage, foot: Plane, *, middle: float | None = None, afloat: bool = False) -> None:
    """Paint the scene's sights on the line `foot`, (width,) rows, the first one in front and largest.

    Those that stand in water are painted with `afloat`, after the water, with their own reflection; the others without.
    `middle` is the column, as a share of the width, for the first sight at the end of a street, or for a bridge.
    """
    sights = stage.scene.sights
    for rank in range(len(sights) - 1, -1, -1):
        form = FORMS.get(sights[rank])
        if (form is not None and form.afloat) != afloat:
            continue
        share = middle if middle is not None and rank == 0 else stage.plan.sights_x[rank]
        size = (1.0, 0.66, 0.58)[rank] * (0.9 if middle is not None and not afloat else 1.0)
        distance = (0.28, 0.45, 0.55)[rank]
        if form is None:
            x = stage.x_px(share)
            _grove(stage, sights[rank], x, float(foot[_column(stage, x)]) - stage.y_px(0.004), size)
        else:
            _paint_form(stage, sights[rank], share, foot - stage.y_px(0.004 * rank), size, distance)


def _column(stage: Stage, x: float) -> int:
    return int(np.clip(x, 0, stage.canvas.width - 1))


def _paint_form(stage: Stage, sight: Sight, share: float, foot: Plane, size: float, distance: float) -> None:
    form, canvas = FORMS[sight], stage.canvas
    # A wide sight must fit: it may run off one edge by a fifth of its width, not more.
    tall = min(stage.y_px(form.height) * size, 0.78 * canvas.width * size / form.aspect, canvas.height * 0.5)
    tall = max(tall, 12.0)
    half = tall * form.aspect / 2
    x = stage.x_px(share)
    x = float(np.clip(x, half * 0.62, canvas.width - half * 0.62)) if half * 1.24 < canvas.width else canvas.width / 2
    row = float(foot[_column(stage, x)]) + stage.y_px(0.004 if form.afloat else -0.010)
    leaves = mix(*woods(stage.scene.season), 0.3)
    pen = Pen(stage.light, stage.dice(f"sight {sight.value}"), tall, form.aspect, stage.scene.snow_cover, leaves)
    form.draw(pen)
    drawing = pen.cutout()
    veil = stage.light.veil(distance) * 0.75
    if form.afloat:
        canvas.place(_mirrored(stage, drawing), x, row + drawing.height - 1, distance, veil=veil)
    else:
        _ground_shadow(stage, x, row, half, tall)
    canvas.place(drawing, x, row, distance, veil=veil)
    if not form.afloat and form.growth:
        _foot_growth(stage, f"growth {sight.value}", x, row, half, wild=form.wild)


def _mirrored(stage: Stage, drawing: Cutout) -> Cutout:
    """The reflection of a drawing in water, darker and broken by ripples that grow downwards."""
    height, width = drawing.height, drawing.width
    x, y = coordinates(height, width)
    ripple = fractal(stage.dice("reflection"), (height, width), 5 * stage.unit, octaves=3, stretch=5)
    reach = (1.0 + 7 * y / height) * stage.unit
    rgba = moved(plane(drawing.rgba[::-1]), x + reach * ripple * 0.6, y + reach * ripple)
    fade = plane(np.clip(0.70 - 0.35 * y / height, 0, 1))[..., None]
    glow = (
        None
        if drawing.glow is None
        else moved(plane(drawing.glow[::-1]), x + reach * ripple, y + reach * ripple) * fade
    )
    return Cutout(rgba * fade * plane((0.86, 0.92, 0.94, 1.0)), glow)


def _ground_shadow(stage: Stage, x: float, row: float, half: float, tall: float) -> None:
    """A cast shadow on the ground, away from the light."""
    canvas = stage.canvas
    strength = 0.34 * (1 - stage.light.softness) + 0.10
    deep = max(2, int(min(0.05 * tall + 2, stage.y_px(0.012))))
    top = int(row - deep * 0.4)
    if top < 0 or top + deep * 2 > canvas.height:
        return
    px = plane(np.arange(canvas.width))[None, :]
    py = plane(np.arange(deep * 2))[:, None]
    centre = x - stage.light.side * half * 0.35
    away = np.hypot((px - centre) / (half * 1.25), (py - deep) / deep)
    alpha = plane(np.clip(1.2 - away, 0, 1) * strength)
    canvas.cover(top, _shadow_colour(stage), alpha, 0.3)


def _shadow_colour(stage: Stage) -> tuple[float, float, float]:
    """The colour of a shadow on the ground."""
    return stage.light.on((0.16, 0.20, 0.20), 0.0)


def _foot_growth(stage: Stage, part: str, x: float, row: float, half: float, *, wild: bool) -> None:
    """Trees beside a building, or bushes along the foot of a rock: they root it in the landscape."""
    scene, width = stage.scene, stage.canvas.width
    if scene.place in (Place.DESERT, Place.GRASSLAND, Place.PLATEAU):
        return
    evergreen = scene.place in (Place.SNOW_MOUNTAINS, Place.FOREST)
    kinds = (Tree.CONIFER,) if evergreen else (Tree.BROADLEAF, Tree.BROADLEAF, Tree.POPLAR)
    if scene.season is Season.SPRING and not evergreen:
        kinds = (Tree.BROADLEAF, Tree.BLOSSOM, Tree.POPLAR)
    row_of = plane(np.full(width, row + stage.unit))
    if wild:
        span = ((x - half) / width, (x + half) / width)
        paint_row(stage, part, (Tree.BUSH, *kinds), row_of, stage.y_px(0.040), 0.26, density=1.1, span=span)
        return
    for side in (-1, 1):
        inner, outer = x + side * half * 0.74, x + side * (half * 1.02 + 30 * stage.unit)
        span = (min(inner, outer) / width, max(inner, outer) / width)
        paint_row(stage, f"{part} {side}", kinds, row_of, stage.y_px(0.062), 0.28, density=0.9, span=span)


def _grove(stage: Stage, sight: Sight, x: float, row: float, size: float) -> None:
    kind, height, count = GROVES[sight]
    rng = stage.dice(f"grove {sight.value}")
    if sight is Sight.ANCIENT_TREE and stage.scene.place in (Place.MOUNTAINS, Place.SNOW_MOUNTAINS):
        kind = Tree.PINE
    for number in range(count):
        tall = stage.y_px(height) * size * (1.0 if number == count - 1 else float(rng.uniform(0.6, 0.95)))
        drawing: Cutout = tree(stage, rng, kind, tall)
        # The others stand towards the edge of the picture, where the land is, not out in the water.
        outward = 1 if x > stage.canvas.width / 2 else -1
        at = x + (0 if number == count - 1 else outward * float(rng.uniform(-0.05, 0.22)) * stage.canvas.width)
        stage.canvas.place(drawing, at, row + float(rng.uniform(0, 0.015)) * stage.canvas.height, 0.2)
