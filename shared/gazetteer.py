"""The cities a trip may pass and what one sees there, read from ``shared/data/cities.tsv`` at the first question."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Ranges of Chinese characters are kept out of these patterns: each costs about a millisecond to compile.
_RUN = re.compile(r"[a-z]+(?:['’\- ]+[a-z]+)*|[^\W\d_a-z]+")

#: What may follow a city's short name to make it official: 大理白族自治州, 香港特别行政区, Shanghai City.
_TITLE_HEAD = re.compile(
    r"(?:(?:\w{1,4}族|蒙古|哈萨克|柯尔克孜|塔吉克){1,3}自治[州县旗]|特别行政区|地区|林区|[市州盟县旗镇])?"
)
_TITLE = re.compile(rf"{_TITLE_HEAD.pattern}|city|shi")

_PROVINCE = re.compile(
    "河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海"
    "|台湾|内蒙古|广西|西藏|宁夏|新疆"
)
_PROVINCE_HEAD = re.compile(
    rf"^(?:中国|中华人民共和国)?[\s,]*(?:(?:{_PROVINCE.pattern})(?:省|(?:壮族|回族|维吾尔)?自治区)?(?!市))?[\s,]*"
)
#: A prefecture after its province, alone or with what lies below it: 随州市曾都区.
_UNKNOWN_CITY = re.compile(
    r"(?:[^\W\d_a-z]{2,4}?(?:市|地区|盟)|[^\W\d_a-z]{3,9}?自治州)(?=$|[\s,]|\w{1,8}?[市区县旗镇乡])"
)
#: Longer than any Chinese name in the gazetteer.
_LONGEST_HAN = 9

#: Short names that are ordinary words or stand inside other names; they count only with their 市.
_ALSO_WORD = re.compile("大同|日照|凤凰|白山|山南|阿里|开封|文昌|海北|海西|吉林|天水|元阳|信阳|中卫|长治")
#: What after a name makes it part of another one: 南京西路, 大理石, 北海道, 北海公园.
_PART_OF_NAME = re.compile(r"[东西南北中]?[一二三]?[路街石]|大?道|公园")
_STREETS = frozenset(["road", "rd", "street", "st", "avenue", "ave", "lane", "highway", "expressway"])


@dataclass(frozen=True, slots=True)
class Sight:
    """Something a city is known for; `form` is one of `shared.vocabulary.SIGHT_FORMS`."""

    name_zh: str
    name_en: str
    form: str


@dataclass(frozen=True, slots=True)
class City:
    """A city; degrees are WGS 84, north and east positive; `place` is one of `shared.vocabulary.PLACES`."""

    name_zh: str
    name_en: str
    province_zh: str
    province_en: str
    latitude: float
    longitude: float
    place: str
    sights: tuple[Sight, ...]


def find_city(name: str) -> City | None:
    """The city called `name`, with or without 市, long official form, or in English; None when it is not known."""
    key = _key(name)
    known = _spellings()
    for length in range(len(key), 1, -1):
        city = known.get(key[:length])
        if city and _TITLE.fullmatch(key, length):
            return city
    return None


def city_in_address(address: str) -> str:
    """The city an address lies in, by its full name such as 上海市; "" when there is none to be seen.

    Of a prefecture and a city below it that is known for itself (甘肃省酒泉市敦煌市) it is the latter. A city the
    gazetteer does not know counts where a province stands before it.
    """
    text = _plain(address)
    if not _has_han(text):
        # Written in English an address ends with the city.
        return _last_name(cities_in_text(text))
    after_province = _PROVINCE_HEAD.sub("", text)
    rest = after_province
    city: City | None = None
    while below := _city_at_start(rest, full_only=city is not None):
        city, rest = below
    if city:
        return city.name_zh
    unknown = _UNKNOWN_CITY.match(after_province)
    if unknown and after_province != text:
        return unknown[0]
    named = cities_in_text(text)
    return named[0].name_zh if named else ""


def cities_in_text(text: str) -> list[City]:
    """Every known city named in a free text, each once, in the order of their first naming.

    A name that is part of a street's (南京西路), or that is an ordinary word as well (大同, 日照) and lacks its 市,
    does not count.
    """
    found: dict[str, City] = {}
    for run in _RUN.finditer(_plain(text).casefold()):
        named = _named_in_latin(run[0]) if run[0].isascii() else _named_in_han(run[0])
        found.update((city.name_zh, city) for city in named)
    return list(found.values())


def display_name(city: str, language: str) -> str:
    """The name of a city for readers of `language` ("zh" or "en"); an unknown one comes back without 市."""
    known = find_city(city)
    if known is None:
        return re.sub(r"(?<=..)市$", "", city)
    return known.name_en if language == "en" else _short(known.name_zh)


#: What people call cities and their best-known quarters besides the names in the table.
_BY_NAMES = (
    "西湖|west lake|太湖|taihu|洱海|erhai|滇池|鼓浪屿|gulangyu|故宫|forbidden city|天安门|鸟巢|夫子庙|断桥|苏堤|"
    "魔都|沪上|申城|外滩|陆家嘴|帝都|京城|羊城|花城|小蛮腰|鹏城|蓉城|锦官城|宽窄巷子|"
    "山城重庆|雾都|渝中|金陵|秦淮|姑苏|平江路|江城武汉|星城|泉城|岛城|"
    "冰城|春城|榕城|鹭岛|甬城|庐州|洪城|邕城|筑城|津门|长安城|古都西安|大唐不夜城|兵马俑|the bund|lujiazui|terracotta"
)


@lru_cache(maxsize=1)
def _place_names() -> re.Pattern[str]:
    """Every sight, province and by-name, longest first; other names of two characters or less would match by chance."""
    sights = {name for city in load_cities() for sight in city.sights for name in (sight.name_zh, sight.name_en)}
    provinces = {name for city in load_cities() for name in (city.province_zh, city.province_en)}
    known = {name.casefold() for name in sights | provinces if len(name) > 2}
    names = sorted(known | {*_BY_NAMES.split("|"), *_PROVINCE.pattern.split("|")}, key=len)
    return re.compile("|".join(re.escape(name) for name in reversed(names)))


def names_a_place(text: str) -> bool:
    """Whether a text names a known city, its province or country, a sight of it, or one of the by-names kept here.

    It knows what the table knows: a by-name or a sight that is not in it passes.
    """
    return bool(cities_in_text(text)) or _place_names().search(_plain(text).casefold()) is not None


@lru_cache(maxsize=1)
def _spellings() -> dict[str, City]:
    """Every spelling of every city, as `_key` makes it."""
    spellings: dict[str, City] = {}
    for city in load_cities():
        for spelling in (city.name_zh, _short(city.name_zh), city.name_en):
            spellings.setdefault(_key(spelling), city)
    return spellings


def load_cities() -> tuple[City, ...]:
    """Read ``shared/data/cities.tsv``: a line of headings, then one city a line, its second sight optional.

    Raises `ValueError` where a line has not 13 columns or its coordinates are no numbers.
    """
    _, *lines = (Path(__file__).parent / "data" / "cities.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(_city(line) for line in lines)


def _city(line: str) -> City:
    name_zh, name_en, province_zh, province_en, latitude, longitude, place, *sights = line.split("\t")
    first, second = tuple(sights[:3]), tuple(sights[3:])
    if len(first) != 3 or len(second) != 3:
        raise ValueError(f"{name_zh}: 13 columns expected, got {7 + len(sights)}")
    named = tuple(Sight(*sight) for sight in (first, second) if any(sight))
    return City(name_zh, name_en, province_zh, province_en, float(latitude), float(longitude), place, named)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("臺", "台").strip()


def _key(name: str) -> str:
    """The spelling without what writers vary: case, width, accents, spaces, apostrophes, hyphens."""
    folded = "".join(sign for sign in unicodedata.normalize("NFKD", _plain(name)) if not unicodedata.combining(sign))
    return re.sub(r"[\s'’\-]", "", folded.casefold())


def _short(name_zh: str) -> str:
    """The name without its title; one character alone is no name."""
    return re.sub(r"(?<=..)(?:地区|林区|[市州盟县旗])$", "", name_zh)


def _has_han(text: str) -> bool:
    return any("\u3400" <= character <= "\u9fff" for character in text)


def _last_name(cities: list[City]) -> str:
    return cities[-1].name_zh if cities else ""


def _city_at_start(text: str, *, full_only: bool) -> tuple[City, str] | None:
    """The city whose name `text` begins with, and what follows it."""
    known = _spellings()
    for length in range(min(_LONGEST_HAN, len(text)), 1, -1):
        city = known.get(_key(text[:length]))
        title = _TITLE_HEAD.match(text, length)
        if city is None or title is None or _PART_OF_NAME.match(text, length):
            continue
        if title[0] or text.startswith(city.name_zh) or not (full_only or _ALSO_WORD.fullmatch(text[:length])):
            return city, text[title.end() :]
    return None


def _named_in_han(run: str) -> Iterator[City]:
    known = _spellings()
    start = 0
    while start < len(run):
        for length in range(min(_LONGEST_HAN, len(run) - start), 1, -1):
            word = run[start : start + length]
            city = known.get(word)
            if city is None:
                continue
            whole = word == city.name_zh
            if (whole or not _ALSO_WORD.fullmatch(word)) and not _PART_OF_NAME.match(run, start + length):
                yield city
            start += length
            break
        else:
            # 山西安全 names no 西安: a province is read as a whole.
            province = _PROVINCE.match(run, start)
            start = province.end() if province else start + 1


def _named_in_latin(run: str) -> Iterator[City]:
    known = _spellings()
    words = re.findall(r"[a-z]+", run)
    start = 0
    while start < len(words):
        for count in range(min(3, len(words) - start), 0, -1):
            city = known.get("".join(words[start : start + count]))
            if city:
                if not (words[start + count :] and words[start + count] in _STREETS):
                    yield city
                start += count
                break
        else:
            start += 1
