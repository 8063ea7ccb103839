"""What of a trip may leave the house: `TripFacts`, built from an allow-list.

Nothing of a `Trip` reaches a model or a post but by way of `facts_of`: no street, no exact time, no coordinates, no
name of a team or a person, no plate, no id. The owner's own words pass `shared.scrubbing`, which catches the common
forms and is no proof against an owner who spells things out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from shared.almanac import holiday_of, part_of_day, season_of, sun_height_deg
from shared.errors import InvalidInput
from shared.gazetteer import cities_in_text, city_in_address, find_city
from shared.scrubbing import scrub, visible
from shared.trips import Car, Stop, Trip
from shared.vocabulary import DISTANCE_BANDS, color_in, is_mood_saying, model_in, moods_in, weather_in

#: Upper bounds of the distance bands but the last, in kilometres.
_BAND_ENDS_KM = (50, 200, 500, 1000)

#: Where no city of a trip is known, the sun is taken to shine as on the middle of China.
_USUAL_LATITUDE = 35.0


@dataclass(frozen=True, slots=True)
class TripFacts:
    """The only thing about a trip that a model may ever see; words are canonical, from `shared.vocabulary`.

    `cities` are in order of passing without repeats, start and end included; `provinces` are those of the known ones,
    of a city abroad its country; `weather` is that of the start, then that of the end. `words` is the owner's scrubbed
    text, at most `MAX_WORDS` characters. `season`, `part_of_day` and `distance_band` always hold a word; the other
    texts are empty where nothing is known.
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
    provinces: tuple[str, ...] = ()


def facts_of(trip: Trip) -> TripFacts:
    """What may be told about `trip`; total: every valid trip has facts."""
    end = _city_of(trip.end)
    cities = _cities(trip, end)
    latitude, longitude = _whereabouts(trip, cities, end)
    own = _own_words(trip)
    return TripFacts(
        language=_language(trip),
        cities=cities,
        season=season_of(trip.ended_at.date(), latitude),
        part_of_day=part_of_day(trip.ended_at, latitude, longitude),
        holiday=holiday_of(trip.started_at.date(), trip.ended_at.date()),
        weather=tuple(dict.fromkeys(weather_in(trip.start.weather) + weather_in(trip.end.weather))),
        # A tag is shown as it is, so it is a word of the vocabulary or none.
        mood_tag=visible(trip.emoji) if is_mood_saying(trip.emoji) else "",
        words=scrub(trip.text, own),
        mood=moods_in(f"{trip.emoji} {trip.text}"),
        distance_band=DISTANCE_BANDS[bisect_right(_BAND_ENDS_KM, trip.distance_km)],
        # Across the date line a trip can end on the day before.
        days=max(1, (trip.ended_at.date() - trip.started_at.date()).days + 1),
        head_count=trip.team.size if trip.team else 1,
        car_model=_model(trip.car),
        car_color=color_in(trip.car.color) or color_in(trip.car.description),
        destination=end if end in cities[1:] else "",
        weather_at_end=(weather_in(trip.end.weather) or ("",))[-1],
        provinces=_provinces(cities),
    )


def sun_elevation_of(trip: Trip) -> int:
    """How high the sun stood where and when the trip ended, in whole degrees; below 0 it had set.

    No part of the facts: a model has no use for it.
    """
    end = _city_of(trip.end)
    return round(sun_height_deg(trip.ended_at, *_whereabouts(trip, _cities(trip, end), end)))


def arrival_weather(facts: TripFacts) -> str:
    """The weather at the end of the trip, or the last that is known; "" when none is."""
    return facts.weather_at_end or (facts.weather[-1] if facts.weather else "")


_decoder = msgspec.json.Decoder(TripFacts)


def to_json(facts: TripFacts) -> str:
    r"""The facts as one JSON object on one line; no ``<`` or ``>`` in it, so that no tag can be closed."""
    return msgspec.json.encode(facts).decode().replace("<", "\\u003c").replace(">", "\\u003e")


def from_json(text: str) -> TripFacts:
    """Read what `to_json` wrote. Raises `InvalidInput` for anything else."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise InvalidInput("facts", "the JSON object of a trip's facts") from None


def _own_words(trip: Trip) -> tuple[str, ...]:
    """The strings of the trip itself that identify: names, ids, addresses and the parts of these."""
    addresses = (trip.start.address, trip.end.address)
    parts = (part for address in addresses for part in _parts(address))
    own = (trip.team.name if trip.team else "", trip.owner_id, trip.trip_id, *addresses, *parts)
    # An address may be no more than the name of a city, which is no secret; a city's is shorter than most.
    return tuple(word for word in dict.fromkeys(own) if word and (len(word) > _LONGEST_CITY or not find_city(word)))


def _parts(address: str) -> list[str]:
    """The names in an address below the city: district, road, estate, house; "Ocean Street" of "41 Ocean Street"."""
    below = _ADMINISTRATIVE.sub(r"\g<0> ", _PROVINCE.sub(" ", visible(address)))
    parts = [part.strip(" -") for part in _BETWEEN_PARTS.split(below)]
    return [part for part in parts if len(part) > 1 and part not in _GENERIC and not _is_public(part, address)]


def _is_public(part: str, address: str) -> bool:
    """Whether a part names no more than a city, or is one word of an English address, as a province is."""
    if part.isascii() and address.isascii():
        return " " not in part or bool(cities_in_text(part))
    return find_city(part) is not None


def _is_clean(name: str) -> bool:
    return scrub(name) == visible(name)


def _cities(trip: Trip, end: str) -> tuple[str, ...]:
    passed = (_city_of(trip.start), *(_city_name(name) for name in trip.via_cities), end)
    return tuple(dict.fromkeys(filter(None, passed)))


def _provinces(cities: tuple[str, ...]) -> tuple[str, ...]:
    known = filter(None, map(find_city, cities))
    return tuple(dict.fromkeys(city.province_zh for city in known))


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
    plain = visible(name)
    return plain if _UNKNOWN_CITY.fullmatch(plain) and not _STREET.search(plain) and _is_clean(plain) else ""


_PROVINCE = re.compile(r"^(?:中国)?[^\W\da-zA-Z_]{2,7}?(?:省|自治区|特别行政区)")
_ADMINISTRATIVE = re.compile(r"[^\W\da-zA-Z_]{2,7}?(?:自治州|地区|[市区县旗盟])")
#: No city has a longer name.
_LONGEST_CITY = 24
_BETWEEN_PARTS = re.compile(
    r"[\s,，、;]*(?:(?<![A-Za-z\d])[-\d#]+[A-Za-z]?(?![A-Za-z\d])|[号栋幢弄室楼层]|单元|No\.?)+[\s,，、;]*"
    r"|[,，、;\n]+|(?<=[^\x00-\x7f])\s+"
)
_GENERIC = frozenset(("小区", "花园", "公寓", "大厦", "广场", "中心", "号楼", "号院", "单元", "街道", "Road", "Street"))
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


def _whereabouts(trip: Trip, cities: tuple[str, ...], end: str) -> tuple[float, float]:
    """Latitude and longitude, in degrees, of where the trip ended as far as it is known."""
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
