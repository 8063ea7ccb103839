"""From a painting prompt to a `Scene`: what can be seen in the picture, as plain values.

The words stand in `vocabulary`; this module only decides which of them count. Any text gives a scene: what the prompt
leaves open is chosen from what it does say (a lighthouse stands at the sea, snow falls in winter).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from localcloud.painter.terms import Hour, Mood, Place, Season, Sight, Style, Term, Weather
from localcloud.painter.vocabulary import HOMES, PATTERN, PHRASES

#: Longer prompts are cut; the image services take about 800 characters.
MAX_PROMPT_CHARS = 4000

#: One picture shows at most this many sights, the first mentioned in front.
MAX_SIGHTS = 3


_Kind = TypeVar("_Kind", bound=Enum)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows. `backdrop` is a second place type seen behind the first, if the prompt has one."""

    style: Style
    place: Place
    sights: tuple[Sight, ...]
    season: Season
    hour: Hour
    weather: Weather
    mood: Mood | None
    backdrop: Place | None
    #: Whether the picture is ordered with its horizon in the middle.
    level: bool = False

    @property
    def snow_cover(self) -> float:
        """How much of the ground and the roofs is white, 0 to 1."""
        if self.weather is Weather.SNOW:
            return 1.0
        if self.season is not Season.WINTER or self.place is Place.DESERT or Sight.PALM_BEACH in self.sights:
            return 0.0
        return 0.4 if self.weather in (Weather.RAIN, Weather.THUNDERSTORM) else 0.62


_NEGATION = re.compile(
    r"(?:(?<![a-z])(?:no|not|without|avoid|avoiding|never|free of)(?![a-z])|不要|没有|避免|沒有)[^,.;:，。；：、!！\n]*"
)


_LEVEL = re.compile(r"horizon (?:line )?(?:at|in) (?:the )?mid|地平线(?:位于|在|居)(?:画面)?(?:正)?中")


def read(prompt: str, negative_prompt: str = "") -> Scene:
    """Find what `prompt` asks for. Words of `negative_prompt`, and of "no …", "without …", "不要…", are left out."""
    wanted_text = _normal(prompt)
    unwanted_text = " , ".join([_normal(negative_prompt), *_NEGATION.findall(wanted_text)])
    unwanted = set(_terms(unwanted_text))
    terms = [term for term in _terms(_NEGATION.sub(",", wanted_text)) if term not in unwanted]
    sights = tuple(dict.fromkeys(_all(terms, Sight)))[:MAX_SIGHTS]
    places = tuple(dict.fromkeys(_all(terms, Place)))
    place = places[0] if places else _home(sights, unwanted)
    weather = _first(terms, Weather) or _other(Weather.SUNNY, Weather.CLOUDY, unwanted)
    season = _first(terms, Season) or (
        Season.WINTER if weather is Weather.SNOW else _other(Season.SUMMER, Season.SPRING, unwanted)
    )
    return Scene(
        style=_first(terms, Style) or _other(Style.WATERCOLOUR, Style.REALISTIC, unwanted),
        place=place,
        sights=sights,
        season=season,
        hour=_first(terms, Hour) or _other(Hour.AFTERNOON, Hour.MORNING, unwanted),
        weather=weather,
        mood=_first(terms, Mood),
        backdrop=next((other for other in places if other is not place), None),
        level=bool(_LEVEL.search(wanted_text)),
    )


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKC", text[:MAX_PROMPT_CHARS]).casefold()
    return re.sub(r"[\s_‐-―-]+", " ", text)


def _terms(text: str) -> list[Term]:
    """Every term named in `text`, in the order of mention; of overlapping phrases the longest counts."""
    return [term for match in PATTERN.finditer(text) for term in PHRASES[match["english"] or match["chinese"]]]


def _all(terms: list[Term], kind: type[_Kind]) -> list[_Kind]:
    return [term for term in terms if isinstance(term, kind)]


def _first(terms: list[Term], kind: type[_Kind]) -> _Kind | None:
    return next(iter(_all(terms, kind)), None)


def _home(sights: tuple[Sight, ...], unwanted: set[Term]) -> Place:
    """Where the first sight usually stands, when the prompt names no place."""
    home = next((HOMES[sight] for sight in sights), Place.COUNTRYSIDE)
    return _other(home, Place.MOUNTAINS, unwanted)


def _other(usual: _Kind, otherwise: _Kind, unwanted: set[Term]) -> _Kind:
    return otherwise if usual in unwanted else usual
