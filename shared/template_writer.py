"""The brief without a model: one known sight of a city passed, in the weather, light and mood of the trip.

Deterministic for facts, style and seed. It writes when the model can't, and it is what the embedded cloud's text model
stands on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from shared.facts import TripFacts
from shared.gazetteer import find_city
from shared.phrases import (
    BARE_PLACES,
    CAPTION_CLOSING,
    CAPTION_OPENING,
    CAPTION_SCENE,
    CHANGE,
    COMPOSITION,
    FOREGROUND,
    FORMS_ZH,
    MOOD,
    NEGATIVE,
    PART_OF_DAY,
    SEASON,
    SEASON_IN_BARE_PLACES,
    SETTING,
    TAGS,
    TITLES,
    UNKNOWN_SIGHTS,
    WEATHER,
    WORDS_ZH,
)
from shared.prompts import Brief
from shared.styles import Style


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is painted: a sight by its English name and its form, in a kind of place."""

    name: str
    form: str
    place: str
    city: str = ""


def write_brief(facts: TripFacts, style: Style, seed: int = 0) -> Brief:
    """Write the brief of a trip; another seed varies the sight, the view and the wording."""
    choice = random.Random(f"{seed}/{style.id}")  # noqa: S311  (variety, not a secret)
    scene = _scene(facts, choice)
    return Brief(
        painting_prompt=_painting_prompt(facts, style, scene, choice),
        negative_prompt=f"{NEGATIVE}, {style.negative}",
        title=_title(facts, choice),
        caption=_caption(facts, choice),
        tags=_tags(facts, style, scene),
        alt_text=_alt_text(facts, style, scene),
        city=scene.city,
    )


def _scene(facts: TripFacts, choice: random.Random) -> _Scene:
    """A sight of a city on the way; of the start or the end only when nothing is known in between."""
    known = [(name, city) for name in facts.cities if (city := find_city(name)) is not None]
    # The start comes first in the facts, and a trip that ends where it began names it only there.
    passed = [found for found in known if found[0] != facts.cities[0]] or known
    if not passed:
        return _Scene(*choice.choice(UNKNOWN_SIGHTS))
    name_in_facts, city = choice.choice(passed)
    sight = choice.choice(city.sights)
    name = f"the {sight.name_en}" if _wants_article(sight.name_en) else sight.name_en
    return _Scene(name, sight.form, city.place, name_in_facts)


def _wants_article(name: str) -> bool:
    """Proper names of towers, bridges and the like take an article in English; towns, lakes and mounts do not."""
    last = name.split()[-1].lower()
    return last in {
        "tower",
        "bridge",
        "wall",
        "palace",
        "grottoes",
        "pagoda",
        "wheel",
        "church",
        "pavilion",
        "stupa",
        "gate",
    }


def _painting_prompt(facts: TripFacts, style: Style, scene: _Scene, choice: random.Random) -> str:
    weather = [WEATHER[word] for word in facts.weather[-1:] if word in WEATHER]
    if len(facts.weather) == 2:
        weather.append(CHANGE.format(first=facts.weather[0], last=facts.weather[1]))
    parts = [
        f"{style.phrase}: {scene.name}, {_article(scene.form)}, {SETTING[scene.place]}",
        f"{scene.place}",
        f"{_season_word(facts.season)}, {choice.choice(_growth(scene.place)[facts.season])}",
        PART_OF_DAY[facts.part_of_day],
        *weather,
        *(MOOD[word] for word in facts.mood[:1] if word in MOOD),
        choice.choice(FOREGROUND),
        choice.choice(COMPOSITION),
        f"palette of {style.palette[facts.season]}",
    ]
    return "; ".join(parts)


def _growth(place: str) -> dict[str, tuple[str, ...]]:
    return SEASON_IN_BARE_PLACES if place in BARE_PLACES else SEASON


def _season_word(season: str) -> str:
    return "evergreen tropical season" if season == "warm" else season


def _article(form: str) -> str:
    if form == "Great Wall":
        return "the Great Wall of stone with watchtowers"
    if form.endswith(("s", "grottoes")) or form == "terraced fields":
        return form
    return f"an {form}" if form[0] in "aeiou" else f"a {form}"


def _title(facts: TripFacts, choice: random.Random) -> str:
    lines = TITLES[facts.language]
    # What is rarer says more about the trip: the holiday, then mood, weather and light, then the season.
    headings = [facts.holiday, *facts.mood, *facts.weather, facts.part_of_day, facts.season]
    fitting = [line for heading in headings for line in lines.get(heading, ())]
    return choice.choice(lines.get(facts.holiday, ()) or fitting or lines["always"])


def _caption(facts: TripFacts, choice: random.Random) -> str:
    language = facts.language
    weather = facts.weather[-1] if facts.weather else ""
    mood = facts.mood[0] if facts.mood else ""
    closings = CAPTION_CLOSING[language]
    space = "" if language == "zh" else " "
    return (
        CAPTION_OPENING[language][facts.distance_band]
        + CAPTION_SCENE[language].get(weather, CAPTION_SCENE[language][""])
        + space
        + choice.choice(closings.get(mood, closings[""]))
    )


def _tags(facts: TripFacts, style: Style, scene: _Scene) -> tuple[str, ...]:
    words = [facts.holiday, facts.season if facts.season != "warm" else "", scene.place]
    if facts.language == "zh":
        own = [facts.mood_tag, *(WORDS_ZH.get(word, "") for word in words), style.name_zh]
    else:
        own = [*words, style.name_en.lower()]
    tags = [tag for tag in own if 1 <= len(tag) <= 20]
    return tuple(dict.fromkeys([*tags[:4], *TAGS[facts.language]]))[:5]


def _alt_text(facts: TripFacts, style: Style, scene: _Scene) -> str:
    weather = facts.weather[-1] if facts.weather else ""
    if facts.language == "zh":
        light = "、".join(
            filter(None, (WORDS_ZH[facts.season], WORDS_ZH[facts.part_of_day], WORDS_ZH.get(weather, "")))
        )
        return f"{style.name_zh}：{WORDS_ZH[scene.place]}的{FORMS_ZH[scene.form]}，{light}，前景是一片空旷的平地。"
    light = ", ".join(filter(None, (_season_word(facts.season), facts.part_of_day, weather)))
    return f"{style.name_en}: {_article(scene.form)}, {scene.place}, {light}, with open ground in front."[:160]
