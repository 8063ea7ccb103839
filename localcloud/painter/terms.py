"""What a picture can show, as closed lists: the vocabulary a prompt is read into."""

from __future__ import annotations

from enum import Enum


class Style(Enum):
    """The finishing look."""

    WATERCOLOUR = "watercolour"
    INK_WASH = "ink_wash"
    OIL_PAINTING = "oil_painting"
    WOODBLOCK = "woodblock"
    ANIME = "anime"
    REALISTIC = "realistic"


class Place(Enum):
    """The kind of landscape."""

    LAKE = "lake"
    SEA_COAST = "sea coast"
    RIVER = "river"
    MOUNTAINS = "mountains"
    KARST_PEAKS = "karst peaks"
    OLD_TOWN = "old town"
    CANAL_TOWN = "canal town"
    CITY_SKYLINE = "city skyline"
    DESERT = "desert"
    GRASSLAND = "grassland"
    FOREST = "forest"
    SNOW_MOUNTAINS = "snow mountains"
    TERRACED_FIELDS = "terraced fields"
    PLATEAU = "plateau"
    GORGE = "gorge"
    COUNTRYSIDE = "countryside"


class Sight(Enum):
    """Something recognisable that stands in the landscape."""

    TELEVISION_TOWER = "television tower with spheres"
    LATTICE_TOWER = "lattice tower"
    SKYSCRAPER = "skyscraper"
    PAGODA = "pagoda"
    TEMPLE_HALL = "temple hall"
    CITY_GATE_TOWER = "city gate tower"
    GREAT_WALL = "great wall"
    STONE_ARCH_BRIDGE = "stone arch bridge"
    SUSPENSION_BRIDGE = "suspension bridge"
    STEEL_TRUSS_BRIDGE = "steel truss bridge"
    PALACE = "palace"
    HILLTOP_PALACE = "hilltop palace"
    CLIFF_GROTTOES = "cliff grottoes"
    GIANT_BUDDHA = "giant buddha"
    WHITE_STUPA = "white stupa"
    CLOCK_TOWER = "clock tower"
    LIGHTHOUSE = "lighthouse"
    ONION_DOMED_CHURCH = "onion domed church"
    MOSQUE = "mosque"
    FERRIS_WHEEL = "ferris wheel"
    OPERA_HOUSE = "opera house"
    WATERFALL = "waterfall"
    TULOU_ROUNDHOUSE = "tulou roundhouse"
    YURTS = "yurts"
    COVERED_BRIDGE = "covered bridge"
    WATER_WHEEL = "water wheel"
    STILTED_HOUSES = "stilted houses"
    PAVILION = "pavilion"
    GARDEN_MOON_GATE = "garden moon gate"
    MEMORIAL_ARCHWAY = "memorial archway"
    SAND_DUNES = "sand dunes"
    KARST_PILLARS = "karst pillars"
    PALM_BEACH = "palm beach"
    HARBOUR_BOATS = "harbour boats"
    STATUE = "statue"
    ANCIENT_TREE = "ancient tree"
    WINDMILLS = "windmills"
    OBSERVATORY = "observatory"
    ROCK_PEAK = "rock peak"
    PIER = "pier"


class Season(Enum):
    """The time of year."""

    SPRING = "spring"
    SUMMER = "summer"
    AUTUMN = "autumn"
    WINTER = "winter"


class Hour(Enum):
    """The part of the day."""

    DAWN = "dawn"
    MORNING = "morning"
    NOON = "noon"
    AFTERNOON = "afternoon"
    DUSK = "dusk"
    NIGHT = "night"


class Weather(Enum):
    """What the sky does."""

    SUNNY = "sunny"
    CLOUDY = "cloudy"
    OVERCAST = "overcast"
    RAIN = "rain"
    THUNDERSTORM = "thunderstorm"
    SNOW = "snow"
    FOG = "fog"
    HAZE = "haze"
    WINDY = "windy"
    SANDSTORM = "sandstorm"


class Mood(Enum):
    """How the trip felt."""

    JOYFUL = "joyful"
    CALM = "calm"
    NOSTALGIC = "nostalgic"
    ADVENTUROUS = "adventurous"
    TIRED = "tired"
    ROMANTIC = "romantic"
    LONELY = "lonely"
    FESTIVE = "festive"


#: Anything a word of the vocabulary can stand for.
Term = Style | Place | Sight | Season | Hour | Weather | Mood
