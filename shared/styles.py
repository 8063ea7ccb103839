"""The styles a trip can be painted in: one TOML file each, owned by the brand's designers."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec

from shared.errors import Misconfigured
from shared.facts import TripFacts
from shared.gazetteer import find_city
from shared.toml_files import read_as


class Suits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a style is at its best with; each list holds words of `shared.vocabulary`."""

    seasons: tuple[str, ...] = ()
    weather: tuple[str, ...] = ()
    parts_of_day: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    mood: tuple[str, ...] = ()


class CarLook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the car is to look in pictures of a style.

    `texture` is the grain it takes on, one of `shared.pictures.composition.texture.TEXTURES`; `budget_delta_e00` how
    far grain and surroundings together may move its body (95th percentile); `flat_light` leaves out sun and shadow.
    """

    texture: str = "none"
    budget_delta_e00: float = 3.0
    flat_light: bool = False


class Style(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One style.

    `phrase` is the wording every painting prompt of the style contains, `negative` what its pictures must not show,
    `palette` colour words by season, `suits` when it is chosen by rule, `car` how a car looks in it, `limits` its own
    bounds of the inspection, by the names of `shared.pictures.inspection.limits.BOUNDS`.
    """

    id: str
    name_zh: str
    name_en: str
    description_zh: str
    description_en: str
    phrase: str
    negative: str
    palette: dict[str, str]
    suits: Suits
    car: CarLook = CarLook()
    limits: dict[str, float] = {}


@cache
def load_styles(folder: Path) -> dict[str, Style]:
    """Every style of a folder, by id, in the order of the ids. Raises `Misconfigured`, naming file and field."""
    styles = {}
    for file in sorted(folder.glob("*.toml")):
        style = read_as(Style, file, f"style {file.name}")
        if style.id != file.stem:
            raise Misconfigured(f"style {file.name}: id must be {file.stem!r}")
        styles[style.id] = style
    if not styles:
        raise Misconfigured("no styles: the folder workflows/styles is empty")
    return styles


def choose_style(facts: TripFacts, styles: dict[str, Style]) -> Style:
    """The style that suits a trip best, by rule; the same trip always gets the same.

    One point for the season, the part of day and each weather and mood word, two for the kind of place. Among the best,
    and those one point behind, the trip's facts decide, so that not every rainy trip looks alike.
    """
    places = {city.place for city in map(find_city, facts.cities) if city is not None}
    scores = {
        style.id: (facts.season in style.suits.seasons)
        + (facts.part_of_day in style.suits.parts_of_day)
        + len(set(facts.weather) & set(style.suits.weather))
        + len(set(facts.mood) & set(style.suits.mood))
        + 2 * bool(places & set(style.suits.places))
        for style in styles.values()
    }
    best = max(scores.values())
    candidates = sorted(name for name, score in scores.items() if score >= max(best - 1, 1)) or sorted(styles)
    digest = hashlib.sha256(repr((facts.cities, facts.season, facts.mood, facts.distance_band)).encode()).digest()
    return styles[candidates[digest[0] % len(candidates)]]
