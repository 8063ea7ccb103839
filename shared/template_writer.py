"""The brief without a model: one known sight of a city passed, in the weather, light and mood of the trip.

Deterministic for facts, style and seed. It writes when the model can't, and it is what the embedded cloud's text model
stands on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from shared.facts import TripFacts, arrival_weather
from shared.gazetteer import City, Sight, display_name, find_city
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
        caption=_caption(facts, scene, choice),
        tags=_tags(facts, style, scene),
        alt_text=_alt_text(facts, style, scene),
        city=scene.city,
    )


def _scene(facts: TripFacts, choice: random.Random) -> _Scene:
    """What the owner wrote about, else where the trip led to, else a city on the way, else where it began."""
    known = [(name, city) for name in facts.cities if (city := find_city(name)) is not None]
    if not known:
        return _Scene(*choice.choice(UNKNOWN_SIGHTS))
    words = facts.words.casefold()
    told = [(name, city, sight) for name, city in known for sight in city.sights if _is_told(sight, words)]
    if told:
        return _scene_of(*choice.choice(told))
    named = [found for found in known if any(spelling in words for spelling in _spellings(found[1]))]
    reached = [found for found in known if found[0] == facts.destination]
    # The start comes first in the facts, and a trip that ends where it began names it only there.
    passed = [found for found in known if found[0] != facts.cities[0]]
    name, city = choice.choice(named or reached or passed or known)
    return _scene_of(name, city, choice.choice(city.sights))


def _scene_of(name: str, city: City, sight: Sight) -> _Scene:
    title = f"the {sight.name_en}" if _wants_article(sight.name_en) else sight.name_en
    return _Scene(title, sight.form, city.place, name)


def _is_told(sight: Sight, words: str) -> bool:
    """Whether the owner's words name the sight, or what it is: 灯塔, "lighthouse"."""
    spellings = (sight.name_zh, sight.name_en, FORMS_ZH[sight.form], sight.form)
    return any(spelling.casefold() in words for spelling in spellings)


def _spellings(city: City) -> tuple[str, str]:
    return display_name(city.name_zh, "zh").casefold(), city.name_en.casefold()


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
    weather = arrival_weather(facts)
    first = next((word for word in facts.weather if word != weather), "")
    parts = [
        f"{style.phrase}: {scene.place}",
        # The weather before everything that might be read as weather too, such as a sight called misty.
        *([WEATHER[weather]] if weather else []),
        *([CHANGE.format(first=first, last=weather)] if first else []),
        PART_OF_DAY[facts.part_of_day],
        f"{_season_word(facts.season)}, {choice.choice(_growth(scene.place)[facts.season])}",
        f"{scene.name}, {_article(scene.form)}, {SETTING[scene.place]}",
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


def _caption(facts: TripFacts, scene: _Scene, choice: random.Random) -> str:
    language = facts.language
    # The weather is that of the arrival: it says nothing about a city on the way.
    arrived = scene.city == facts.destination or len(facts.cities) == 1
    weather = arrival_weather(facts) if arrived else ""
    mood = facts.mood[0] if facts.mood else ""
    closings = CAPTION_CLOSING[language]
    fitting = closings.get(mood, closings[""]) + (closings["together"] if facts.head_count > 1 else ())
    space = "" if language == "zh" else " "
    return (
        CAPTION_OPENING[language][facts.distance_band]
        + CAPTION_SCENE[language].get(weather, CAPTION_SCENE[language][""])
        + space
        + choice.choice(fitting)
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
    weather = arrival_weather(facts)
    if facts.language == "zh":
        light = "、".join(
            filter(None, (WORDS_ZH[facts.season], WORDS_ZH[facts.part_of_day], WORDS_ZH.get(weather, "")))
        )
        return f"{style.name_zh}：{WORDS_ZH[scene.place]}的{FORMS_ZH[scene.form]}，{light}，前景开阔。"
    sky = "clear" if weather == "sunny" and facts.part_of_day == "night" else weather
    light = ", ".join(filter(None, (_season_word(facts.season), facts.part_of_day, sky)))
    return f"{style.name_en}: {_article(scene.form)}, {scene.place}, {light}, with an open foreground."[:160]
