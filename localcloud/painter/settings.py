"""What each place type is made of: one row of `SETTINGS` for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from localcloud.painter.ground import Cover, Road
from localcloud.painter.plants import Tree
from localcloud.painter.terms import Place
from localcloud.painter.terrain import Form, Range, Skin


class Water(Enum):
    """The water of a place."""

    NONE = "none"
    LAKE = "lake"
    SEA = "sea"
    RIVER = "river"
    CANAL = "canal"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a place type is made of."""

    ranges: tuple[Range, ...]
    water: Water
    bank: Cover
    near: Cover
    road: Road
    trees: tuple[Tree, ...]
    frame: tuple[Tree, ...]


_F, _S, _T = Form, Skin, Tree

SETTINGS: dict[Place, Setting] = {
    Place.LAKE: Setting(
        (
            Range(_F.RIDGES, _S.WOODS, 0.17, 1.0),
            Range(_F.RIDGES, _S.WOODS, 0.11, 0.7),
            Range(_F.HILLS, _S.WOODS, 0.05, 0.45, 0.025),
        ),
        Water.LAKE,
        Cover.GRASS,
        Cover.GRASS,
        Road.ASPHALT,
        (_T.BROADLEAF, _T.WILLOW, _T.POPLAR),
        (_T.WILLOW, _T.BROADLEAF),
    ),
    Place.SEA_COAST: Setting(
        (Range(_F.HILLS, _S.WOODS, 0.035, 1.0, 0.002, 1), Range(_F.HILLS, _S.WOODS, 0.06, 0.7, 0.002, -1)),
        Water.SEA,
        Cover.GRASS,
        Cover.SAND,
        Road.TRACK,
        (_T.BROADLEAF, _T.PINE),
        (_T.PALM, _T.PINE),
    ),
    Place.RIVER: Setting(
        (
            Range(_F.RIDGES, _S.WOODS, 0.20, 1.0),
            Range(_F.RIDGES, _S.WOODS, 0.14, 0.65),
            Range(_F.HILLS, _S.WOODS, 0.08, 0.4, 0.03),
        ),
        Water.RIVER,
        Cover.GRASS,
        Cover.GRASS,
        Road.ASPHALT,
        (_T.BROADLEAF, _T.POPLAR, _T.BAMBOO),
        (_T.BROADLEAF, _T.BAMBOO),
    ),
    Place.MOUNTAINS: Setting(
        (
            Range(_F.PEAKS, _S.ROCK, 0.34, 1.0),
            Range(_F.RIDGES, _S.ROCK, 0.22, 0.72),
            Range(_F.RIDGES, _S.WOODS, 0.15, 0.5, 0.03),
            Range(_F.HILLS, _S.WOODS, 0.07, 0.3, 0.07),
        ),
        Water.NONE,
        Cover.GRASS,
        Cover.GRASS,
        Road.ASPHALT,
        (_T.CONIFER, _T.BROADLEAF),
        (_T.PINE, _T.CONIFER),
    ),
    Place.KARST_PEAKS: Setting(
        (
            Range(_F.KARST, _S.WOODS, 0.17, 1.0),
            Range(_F.KARST, _S.WOODS, 0.27, 0.68),
            Range(_F.KARST, _S.WOODS, 0.20, 0.42, 0.02),
        ),
        Water.RIVER,
        Cover.GRASS,
        Cover.GRASS,
        Road.TRACK,
        (_T.BAMBOO, _T.BROADLEAF),
        (_T.BAMBOO, _T.BROADLEAF),
    ),
    Place.OLD_TOWN: Setting(
        (Range(_F.RIDGES, _S.WOODS, 0.15, 1.0), Range(_F.HILLS, _S.WOODS, 0.08, 0.6)),
        Water.NONE,
        Cover.PAVING,
        Cover.PAVING,
        Road.FLAGSTONES,
        (_T.BROADLEAF,),
        (_T.BROADLEAF,),
    ),
    Place.CANAL_TOWN: Setting(
        (Range(_F.HILLS, _S.WOODS, 0.07, 1.0),),
        Water.CANAL,
        Cover.PAVING,
        Cover.PAVING,
        Road.FLAGSTONES,
        (_T.WILLOW,),
        (_T.WILLOW,),
    ),
    Place.CITY_SKYLINE: Setting(
        (Range(_F.HILLS, _S.WOODS, 0.05, 1.0),),
        Water.LAKE,
        Cover.GRASS,
        Cover.PAVING,
        Road.ASPHALT,
        (_T.BROADLEAF,),
        (_T.BROADLEAF,),
    ),
    Place.DESERT: Setting(
        (
            Range(_F.TABLES, _S.RED_ROCK, 0.08, 1.0),
            Range(_F.DUNES, _S.SAND, 0.12, 0.7, 0.02),
            Range(_F.DUNES, _S.SAND, 0.11, 0.4, 0.07),
        ),
        Water.NONE,
        Cover.SAND,
        Cover.SAND,
        Road.ASPHALT,
        (),
        (),
    ),
    Place.GRASSLAND: Setting(
        (
            Range(_F.RIDGES, _S.GRASS, 0.09, 1.0),
            Range(_F.HILLS, _S.GRASS, 0.06, 0.6, 0.02),
            Range(_F.HILLS, _S.GRASS, 0.05, 0.35, 0.06),
        ),
        Water.NONE,
        Cover.GRASS,
        Cover.GRASS,
        Road.TRACK,
        (),
        (),
    ),
    Place.FOREST: Setting(
        (Range(_F.RIDGES, _S.WOODS, 0.20, 1.0), Range(_F.RIDGES, _S.WOODS, 0.13, 0.6, 0.02)),
        Water.NONE,
        Cover.LEAVES,
        Cover.LEAVES,
        Road.ASPHALT,
        (_T.CONIFER, _T.BROADLEAF, _T.CONIFER),
        (_T.CONIFER, _T.BROADLEAF),
    ),
    Place.SNOW_MOUNTAINS: Setting(
        (
            Range(_F.PEAKS, _S.SNOW, 0.36, 0.85),
            Range(_F.RIDGES, _S.ROCK, 0.15, 0.6, 0.02),
            Range(_F.RIDGES, _S.WOODS, 0.08, 0.4, 0.04),
        ),
        Water.LAKE,
        Cover.GRASS,
        Cover.GRASS,
        Road.ASPHALT,
        (_T.CONIFER,),
        (_T.CONIFER,),
    ),
    Place.TERRACED_FIELDS: Setting(
        (
            Range(_F.RIDGES, _S.WOODS, 0.20, 1.0),
            Range(_F.RIDGES, _S.WOODS, 0.12, 0.7, 0.03),
            Range(_F.HILLS, _S.TERRACES, 0.17, 0.48, 0.20),
            Range(_F.HILLS, _S.TERRACES, 0.20, 0.26, 0.36),
        ),
        Water.NONE,
        Cover.GRASS,
        Cover.GRASS,
        Road.ASPHALT,
        (_T.BROADLEAF, _T.BAMBOO),
        (_T.BAMBOO,),
    ),
    Place.PLATEAU: Setting(
        (
            Range(_F.PEAKS, _S.SNOW, 0.20, 1.0),
            Range(_F.TABLES, _S.RED_ROCK, 0.10, 0.65, 0.02),
            Range(_F.HILLS, _S.DRY_GRASS, 0.07, 0.4, 0.05),
        ),
        Water.NONE,
        Cover.DRY_GRASS,
        Cover.DRY_GRASS,
        Road.ASPHALT,
        (),
        (),
    ),
    Place.GORGE: Setting(
        (
            Range(_F.PEAKS, _S.ROCK, 0.26, 1.0),
            Range(_F.WALLS, _S.ROCK, 0.34, 0.75, 0.02, 1),
            Range(_F.WALLS, _S.ROCK, 0.42, 0.5, 0.05, -1),
            Range(_F.WALLS, _S.ROCK, 0.44, 0.3, 0.12, 1),
        ),
        Water.RIVER,
        Cover.GRASS,
        Cover.SHINGLE,
        Road.TRACK,
        (_T.BROADLEAF, _T.PINE),
        (_T.PINE,),
    ),
    Place.COUNTRYSIDE: Setting(
        (
            Range(_F.RIDGES, _S.WOODS, 0.14, 1.0),
            Range(_F.HILLS, _S.WOODS, 0.08, 0.65, 0.01),
            Range(_F.HILLS, _S.GRASS, 0.05, 0.4, 0.04),
        ),
        Water.NONE,
        Cover.FIELDS,
        Cover.FIELDS,
        Road.ASPHALT,
        (_T.BROADLEAF, _T.POPLAR),
        (_T.BROADLEAF, _T.POPLAR),
    ),
}
