"""What of a trip may leave the house: `TripFacts`, built from an allow-list.

Nothing of a `Trip` reaches a model or a post but by way of `facts_of`: no street, no exact time, no coordinates, no
name of a team or a person, no plate, no id. The owner's own words are scrubbed of what identifies people, which
catches the common forms and is no proof against an owner who spells things out.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import msgspec

from shared.almanac import holiday_of, part_of_day, season_of, sun_height_deg
from shared.errors import InvalidInput
from shared.gazetteer import city_in_address, find_city
from shared.trips import Car, Stop, Trip
from shared.vocabulary import DISTANCE_BANDS, color_in, model_in, moods_in, weather_in

#: Longest text of the owner that is passed on, in characters; a caption needs no more.
MAX_WORDS = 200

#: Upper bounds of the distance bands but the last, in kilometres.
_BAND_ENDS_KM = (50, 200, 500, 1000)

#: Where no city of a trip is known, the sun is taken to shine as on the middle of China.
_USUAL_LATITUDE = 35.0


@dataclass(frozen=True, slots=True)
class TripFacts:
    """The only thing about a trip that a model may ever see; words are canonical, from `shared.vocabulary`.

    `cities` are in order of passing without repeats, start and end included; `weather` is that of the start, then
    that of the end. `words` is the owner's scrubbed text, at most `MAX_WORDS` characters. `season`, `part_of_day`
    and `distance_band` always hold a word; the other texts are empty where nothing is known.
    """

    #: "zh" or "en": the language of the owner's words, for title and caption.
    language: str
    cities: tuple[str, ...]
    season: str
    part_of_day: str
    holiday: str
    weather: tuple[str, ...]
    mood_tag: str
    words: str
    mood: tuple[str, ...]
    distance_band: str
    days: int
    head_count: int
    car_model: str
    car_color: str
    #: The city where the trip ended, when it is not the one where it began; the weather there.
    destination: str = ""
    weather_at_end: str = ""


def facts_of(trip: Trip) -> TripFacts:
    """What may be told about `trip`; total: every valid trip has facts."""
    cities = _cities(trip)
    latitude, longitude = _whereabouts(trip, cities)
    return TripFacts(
        language=_language(trip),
        cities=cities,
        season=season_of(trip.ended_at.date(), latitude),
        part_of_day=part_of_day(trip.ended_at, latitude, longitude),
        holiday=holiday_of(trip.started_at.date(), trip.ended_at.date()),
        weather=tuple(dict.fromkeys(weather_in(trip.start.weather) + weather_in(trip.end.weather))),
        mood_tag=scrub(_without_names(trip.emoji, trip)),
        words=scrub(_without_names(trip.text, trip)),
        mood=moods_in(f"{trip.emoji} {trip.text}"),
        distance_band=DISTANCE_BANDS[bisect_right(_BAND_ENDS_KM, trip.distance_km)],
        # Across the date line a trip can end on the day before.
        days=max(1, (trip.ended_at.date() - trip.started_at.date()).days + 1),
        head_count=trip.team.size if trip.team else 1,
        car_model=_model(trip.car),
        car_color=color_in(trip.car.color) or color_in(trip.car.description),
        destination=_destination(trip, cities),
        weather_at_end=(weather_in(trip.end.weather) or ("",))[-1],
    )


def sun_elevation_of(trip: Trip) -> int:
    """How high the sun stood where and when the trip ended, in whole degrees; below 0 it had set.

    No part of the facts: a model has no use for it.
    """
    return round(sun_height_deg(trip.ended_at, *_whereabouts(trip, _cities(trip))))


def arrival_weather(facts: TripFacts) -> str:
    """The weather at the end of the trip, or the last that is known; "" when none is."""
    return facts.weather_at_end or (facts.weather[-1] if facts.weather else "")


def _destination(trip: Trip, cities: tuple[str, ...]) -> str:
    end = _city_of(trip.end)
    return end if end in cities[1:] else ""


_decoder = msgspec.json.Decoder(TripFacts)


def to_json(facts: TripFacts) -> str:
    r"""The facts as one JSON object on one line; ``<`` is written ``\u003c``, so that no tag can be closed."""
    return msgspec.json.encode(facts).decode().replace("<", "\\u003c")


def from_json(text: str) -> TripFacts:
    """Read what `to_json` wrote. Raises `InvalidInput` for anything else."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise InvalidInput("facts", "the JSON object of a trip's facts") from None


def scrub(text: str) -> str:
    """`text` without what identifies people or addresses, on one line, at most `MAX_WORDS` characters, NFKC.

    Taken out: telephone, identity, account and other long numbers (also spelt 一三八…), e-mail and web addresses,
    handles and messenger names, number plates of the mainland, vehicle identification numbers, coordinates, clock
    times, roads with house numbers, buildings and rooms, control and direction characters. Names of persons,
    firms and housing estates can't be told from other words and stay. Scrubbing twice changes nothing.
    """
    while (shorter := _scrubbed_once(text)) != text:
        # What was taken out may have stood between the halves of a number.
        text = shorter
    return text


def _scrubbed_once(text: str) -> str:
    return " ".join(_identifying().sub(" ", _visible(text)).split())[:MAX_WORDS].strip()


def _visible(text: str) -> str:
    """`text` in NFKC without control, direction, private and zero-width characters; line breaks become spaces."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in plain).strip()


_IDENTIFYING = (
    r"[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+",
    # Web addresses; a sentence may go on right after one in Chinese.
    r"(?:[a-z]{3,6}://|www\.)[!-~]+",
    r"(?<![a-z0-9])(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|cc|top|xyz|vip|me|app|tv|link)(?![a-z0-9])(?:[/?#:][!-~]*)?",
    r"@[\w.-]{1,20}",
    r"(?:微信|wechat|weixin|vx|wx|qq|whatsapp|telegram)(?:号|群| ?id)?\s*[:是为]?\s*[a-z0-9][a-z0-9_-]{4,}",
    # Plates by GA 36-2018: province, office, five or six characters; and those of embassies and of the police.
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][\s·•.-]*[a-hj-np-z](?=\D{0,9}\d)(?:[\s·•.-]*[a-hj-np-z0-9]){4,6}"
    r"(?![a-z0-9])[挂学警港澳领使]?",
    # Vehicle identification numbers by ISO 3779: 17 characters without I, O and Q.
    r"(?<![a-z0-9])(?=[a-z]*[0-9])[a-hj-npr-z0-9]{17}(?![a-z0-9])",
    # Coordinates: a pair with two decimals, three decimals alone, or degrees with minutes or a direction.
    r"-?\d{1,3}\.\d{2,}\s*°?\s*[ns]?[,;\s]\s*-?\d{1,3}\.\d{2,}\s*°?\s*(?:[ew](?![a-z]))?",
    r"(?:[北南东西][纬经]\s*)?[-+]?\d{1,3}\.\d{3,}\s*°?\s*(?:[nsew](?![a-z]))?",
    r"(?:[北南东西][纬经]\s*)?\d{1,3}(?:\.\d+)?\s*[°度]\s*(?:\d{1,2}(?:\.\d+)?\s*['′’分]\s*(?:\d{1,2}(?:\.\d+)?\s*(?:[\"″”秒]|['′’]{2}))?"
    r"\s*[nsew]?(?![a-z])|\s*[nsew](?![a-z]))",
    r"[北南东西][纬经]\s*\d{1,3}(?:\.\d+)?\s*[°度]?",
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?(?![a-z]))?|\d{1,2}[点时]\d{1,2}分?",
    # Roads with a number, without the small words that lead to them, and what comes after the number.
    r"(?:(?![在到从去住往是的了和与回离经过于省市区县镇])[^\W\da-z_]){0,6}(?:大道|公路|街道|[路街巷弄]|胡同)[东西南北中一二三]?段?\s*"
    r"(?:[\d〇零一二三四五六七八九十百-]+\s*[号弄]|[\d-]+(?![\d多余]|\s*(?:公里|千米|米|km|小时|分|天|日|夜|个|年|月|次|座|人)))",
    r"(?<![月\d零一二三四五六七八九十百])[\d零一二三四五六七八九十百-]+\s*(?:号楼|号院|号(?!线)|[栋幢弄室]|单元)",
    r"\d+[a-z]?,?\s+(?:[a-z][\w'.]*\s+){1,3}(?:street|st|road|rd|avenue|ave|lane|drive|boulevard|blvd)(?![a-z])\.?",
    r"(?<![a-z])(?:apt|apartment|room|suite|unit|flat)\.?\s*#?\d+[a-z]?",
    r"\+?\(?\d(?:[\s./()-]{0,3}\d){6,}x?",
    r"[〇零一二三四五六七八九幺两](?:[\s-]{0,2}[〇零一二三四五六七八九幺两]){6,}",
)


@cache
def _identifying() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in _IDENTIFYING), re.IGNORECASE)


def _without_names(text: str, trip: Trip) -> str:
    """`text` without the names and addresses that the trip itself tells are private."""
    private = (trip.team.name if trip.team else "", trip.start.address, trip.end.address, trip.owner_id, trip.trip_id)
    kept = _visible(text)
    for name in sorted((_visible(name) for name in private), key=len, reverse=True):
        # An address may be no more than the name of a city, which is no secret.
        if len(name) > 1 and not find_city(name):
            kept = re.sub(re.escape(name), " ", kept, flags=re.IGNORECASE)
    return kept


def _cities(trip: Trip) -> tuple[str, ...]:
    passed = (_city_of(trip.start), *(_city_name(name) for name in trip.via_cities), _city_of(trip.end))
    return tuple(dict.fromkeys(filter(None, passed)))


def _city_of(stop: Stop) -> str:
    return _city_name(stop.city) or city_in_address(stop.address)


def _city_name(name: str) -> str:
    """The full name of a known city; an unknown name if it has the form of a place's; else ""."""
    known = find_city(name)
    if known:
        return known.name_zh
    named = city_in_address(name)
    if named:
        return named
    plain = _visible(name)
    return plain if _UNKNOWN_CITY.fullmatch(plain) and not _STREET.search(plain) else ""


_LATIN_WORD = r"[A-ZÀ-Þ][a-zß-ÿ'’]+"
_UNKNOWN_CITY = re.compile(
    r"[^\W\dA-Za-zÀ-ÿ_]{2,4}|[^\W\dA-Za-zÀ-ÿ_]{2,9}(?:[市州盟县旗镇乡岛]|地区|林区)"
    rf"|{_LATIN_WORD}(?:[ -]{_LATIN_WORD}){{0,2}}"
)
_STREET = re.compile(
    r"(?:路|街|道|巷|弄|胡同|号|栋|幢|室|楼|院|小区|公寓|花园|大厦|广场)$"
    r"|\b(?:road|rd|street|st|avenue|ave|lane|drive|boulevard|blvd)\b",
    re.IGNORECASE,
)


def _whereabouts(trip: Trip, cities: tuple[str, ...]) -> tuple[float, float]:
    """Latitude and longitude, in degrees, of where the trip ended as far as it is known."""
    end = _city_of(trip.end)
    for name in (end, *reversed(cities)):
        city = find_city(name)
        if city:
            return city.latitude, city.longitude
    offset = trip.ended_at.utcoffset() or timedelta()
    return _USUAL_LATITUDE, offset / timedelta(hours=1) * 15


def _language(trip: Trip) -> str:
    """The language that fills more of the owner's words; a Chinese character counts as much as a Latin word."""
    for text in (trip.text, trip.emoji):
        chinese = sum("\u3400" <= character <= "\u9fff" for character in text)
        latin = len(re.findall(r"[A-Za-z][A-Za-z'’-]+", text))
        if chinese or latin:
            return "en" if latin > chinese else "zh"
    return "zh"


def _model(car: Car) -> str:
    """The model as the platform names it, unless that is a vehicle's own number; else as the description tells."""
    if car.model and sum(map(str.isdigit, car.model)) < 5:
        return car.model
    return model_in(car.description)
