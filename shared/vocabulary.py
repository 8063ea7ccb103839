"""The words a picture is made of, and how the words of owners and vehicles are read into them.

The lists are closed and canonical: every word of them can stand in a painting prompt as it is. The readings
(`weather_in`, `moods_in`, `color_in`, `model_in`) take Chinese and English, in any mixture.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

#: Kinds of landscape.
PLACES: tuple[str, ...] = (
    "lake",
    "sea coast",
    "river",
    "mountains",
    "karst peaks",
    "old town",
    "canal town",
    "city skyline",
    "desert",
    "grassland",
    "forest",
    "snow mountains",
    "terraced fields",
    "plateau",
    "gorge",
    "countryside",
)

#: What a sight looks like: the form under which it is drawn, whatever its name.
SIGHT_FORMS: tuple[str, ...] = (
    "television tower with spheres",
    "lattice tower",
    "skyscraper",
    "pagoda",
    "temple hall",
    "city gate tower",
    "Great Wall",
    "stone arch bridge",
    "suspension bridge",
    "steel truss bridge",
    "palace",
    "hilltop palace",
    "cliff grottoes",
    "giant Buddha",
    "white stupa",
    "clock tower",
    "lighthouse",
    "onion-domed church",
    "mosque",
    "ferris wheel",
    "opera house",
    "waterfall",
    "tulou roundhouse",
    "yurts",
    "covered bridge",
    "water wheel",
    "stilted houses",
    "pavilion",
    "garden moon gate",
    "memorial archway",
    "sand dunes",
    "karst pillars",
    "palm beach",
    "harbour boats",
    "statue",
    "ancient tree",
    "windmills",
    "observatory",
    "rock peak",
    "pier",
)

#: The look of the land. `warm` is the tropics outside spring and summer: green, no bare branches, no snow.
SEASONS: tuple[str, ...] = ("spring", "summer", "autumn", "winter", "warm")

PARTS_OF_DAY: tuple[str, ...] = ("dawn", "morning", "noon", "afternoon", "dusk", "night")

WEATHER: tuple[str, ...] = (
    "sunny",
    "cloudy",
    "overcast",
    "rain",
    "thunderstorm",
    "snow",
    "fog",
    "haze",
    "windy",
    "sandstorm",
)

MOODS: tuple[str, ...] = (
    "joyful",
    "calm",
    "nostalgic",
    "adventurous",
    "tired",
    "romantic",
    "lonely",
    "festive",
)

HOLIDAYS: tuple[str, ...] = (
    "New Year",
    "Spring Festival",
    "Lantern Festival",
    "Qingming",
    "May Day",
    "Dragon Boat Festival",
    "Mid-Autumn Festival",
    "National Day",
)

DISTANCE_BANDS: tuple[str, ...] = (
    "under 50 km",
    "50 to 200 km",
    "200 to 500 km",
    "500 to 1000 km",
    "over 1000 km",
)

CAR_COLORS: tuple[str, ...] = (
    "black",
    "white",
    "grey",
    "silver",
    "red",
    "orange",
    "yellow",
    "gold",
    "green",
    "teal",
    "blue",
    "purple",
    "pink",
    "brown",
    "beige",
)

#: Canonical weather to what vehicles and people say for it. Where a saying contains another, the longer one counts.
_WEATHER_SAYINGS: dict[str, str] = {
    "sunny": "晴|晴天|晴朗|晴好|少云|艳阳|阳光|大太阳|雨过天晴|sunny|mostly sunny|clear|mostly clear|fair|sunshine|☀"
    "|🌞",
    "cloudy": "多云|局部多云|晴间多云|cloudy|mostly cloudy|partly cloudy|partly sunny|clouds|scattered clouds|⛅|🌤|🌥",
    "overcast": "阴|阴天|overcast|gloomy|☁",
    "rain": "雨|小雨|中雨|大雨|暴雨|大暴雨|特大暴雨|阵雨|冻雨|毛毛雨|下雨|rain|light rain|heavy rain|freezing rain"
    "|rainy|rainstorm|drizzle|shower|showers|🌧|🌦",
    "thunderstorm": "雷|雷雨|雷阵雨|雷暴|雷电|冰雹|强对流|thunder|thunderstorm|thunderstorms|thundershower"
    "|thundershowers|lightning|storm|stormy|hail|⛈|🌩",
    "snow": "雪|小雪|中雪|大雪|暴雪|阵雪|雨夹雪|下雪|snow|snowy|light snow|heavy snow|snow shower|snow showers"
    "|snowfall|snowstorm|blizzard|flurries|sleet|❄|🌨",
    "fog": "雾|大雾|浓雾|团雾|薄雾|轻雾|fog|foggy|mist|misty|🌫",
    "haze": "霾|雾霾|灰霾|haze|hazy|smog|smoke",
    "windy": "大风|狂风|阵风|刮风|有风|台风|飓风|龙卷风|wind|windy|strong wind|gale|breezy|typhoon|hurricane|tornado"
    "|💨",
    "sandstorm": "沙尘|沙尘暴|扬沙|浮尘|沙暴|风沙|sandstorm|sand|dust|dusty|dust storm|blowing sand|blowing dust",
    # What is said not to be.
    "": "无雨|没雨|没有雨|不下雨|无雪|无风|微风|no rain|no snow|no wind|light wind|light breeze|not windy",
}

_MOOD_SAYINGS: dict[str, str] = {
    "joyful": "出游|旅行|旅游|开心|快乐|高兴|愉快|欢乐|欢喜|兴奋|激动|幸福|爽|太棒|真棒|哈哈|嘻嘻|打卡|撒欢|遛娃"
    "|野餐|满足|新司机|happy|happily|joy|joyful|fun|great day|great time|awesome|excited|laugh|laughed|laughing"
    "|cheerful|wonderful|best day|😀|😁|😄|😆|😂|🤣|😊|🥳|😎|🤩|😍",
    "calm": "平静|宁静|安静|悠闲|惬意|放松|慢慢|发呆|治愈|静谧|清净|自在|舒服|露营|calm|quiet|peaceful|peace|relax"
    "|relaxed|relaxing|slowly|serene|silence|unhurried|😌|🍵|🧘",
    "nostalgic": "怀念|回忆|怀旧|想念|思念|老家|回家|回乡|家乡|故乡|小时候|童年|当年|从前|老同学|母校|外婆|奶奶|爷爷"
    "|nostalgic|memory|memories|childhood|hometown|homecoming|grandma|grandpa|grandmother|grandfather|remember"
    "|old times|🥹",
    "adventurous": "冒险|探险|探索|自驾|越野|穿越|挑战|征服|远征|翻山越岭|徒步|川藏|新藏|独库|无人区|说走就走"
    "|adventure|adventures|adventurous|explore|explored|exploring|off road|wild|conquer|conquered|challenge"
    "|expedition|road trip|🏔|🧗|🏕",
    "tired": "累|疲惫|疲倦|疲劳|困了|好困|熬夜|堵车|堵了|腰酸|加班|赶路|tired|exhausted|exhausting|sleepy|weary"
    "|worn out|traffic jam|😴|😪|🥱|😫|😩",
    "romantic": "浪漫|甜蜜|约会|情侣|蜜月|纪念日|求婚|爱人|老婆|老公|女朋友|男朋友|女友|男友|两个人|二人世界"
    "|romantic|romance|honeymoon|anniversary|in love|sweetheart|wife|husband|girlfriend|boyfriend|proposal|two of us"
    "|❤|💕|💖|💑|🌹|🥰",
    "lonely": "孤独|孤单|寂寞|独自|一个人|失恋|难过|伤心|惆怅|想哭|lonely|loneliness|alone|sad|miss you|heartbroken"
    "|on my own|😢|😭|😔|💔",
    "festive": "过年|春节|新年|团圆|团聚|拜年|年夜饭|元宵|灯会|烟花|中秋|赏月|国庆|端午|节日|庆祝|喜庆|婚礼|生日"
    "|festival|festive|celebrate|celebrated|celebrating|celebration|fireworks|lanterns|reunion|birthday|wedding|🎉"
    "|🎊|🏮|🧨|🎆",
    # What is said not to be.
    "": "不开心|不高兴|不快乐|不累|不困|不孤单|不孤独|不寂寞|不是一个人|没堵车|不堵车|not tired|not lonely|not alone"
    "|not happy|never lonely|never alone|no fun|not sad",
}

_COLOR_SAYINGS: dict[str, str] = {
    "black": "黑|玄|曜石|black|obsidian|onyx",
    "white": "白|white|ivory",
    "grey": "灰|grey|gray|graphite|gunmetal",
    "silver": "银|银灰|silver",
    "red": "红|酒红|red|crimson|burgundy|maroon",
    "orange": "橙|橘|orange",
    "yellow": "黄|yellow",
    "gold": "金|香槟|gold|golden|champagne",
    "green": "绿|墨绿|green|olive",
    "teal": "青|teal|cyan|turquoise",
    "blue": "蓝|blue|navy",
    "purple": "紫|purple|violet",
    "pink": "粉|粉红|pink",
    "brown": "棕|褐|咖啡|brown|bronze",
    "beige": "米色|米白|米黄|沙色|beige|sand",
    # The finish, not the colour: 金属灰.
    "": "金属|metallic",
}

_GENERATIONS = {word: number for number, word in enumerate("一二三四五六七八九", 1)} | {
    word: number for number, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), 1)
}


def weather_in(text: str) -> tuple[str, ...]:
    """The canonical weather words of a report such as 晴转多云 or "light snow", in its order, without repeats."""
    return _read("weather", text)


def moods_in(text: str) -> tuple[str, ...]:
    """The canonical moods that `text` speaks of, in its order, without repeats."""
    return _read("mood", text)


def is_mood_saying(text: str) -> bool:
    """Whether `text` is, as a whole, one of the sayings that moods are read from: 出游, "road trip", 🎉."""
    return bool(_reading("mood")[1].get(_plain(text).strip()))


def color_in(text: str) -> str:
    """The first colour that a car's description names, one of `CAR_COLORS`, or ""."""
    return next(iter(_read("color", text)), "")


def model_in(text: str) -> str:
    """The model that a car's description names: ``gen1`` for 一代, 第1代, "1st generation"; ``suv``; or ""."""
    found = re.search(
        r"(?<![十\d])(?P<zh>[一二三四五六七八九1-9])代|\bgen(?:eration)?[ .-]?(?P<gen>[1-9])\b|\bmk ?(?P<mk>[1-9])\b"
        r"|\b(?P<nth>[1-9])(?:st|nd|rd|th)[ -]gen|\b(?P<word>first|second|third|fourth|fifth|sixth)[ -]gen",
        _plain(text),
    )
    number = next(filter(None, found.groups()), "") if found else ""
    if number:
        return f"gen{_GENERATIONS.get(number, number)}"
    return "suv" if re.search(r"(?<![a-z])suv(?![a-z])", _plain(text)) else ""


def _read(table: str, text: str) -> tuple[str, ...]:
    pattern, meanings = _reading(table)
    said = (meanings[found[0]] for found in pattern.finditer(_plain(text)))
    return tuple(dict.fromkeys(filter(None, said)))


@cache
def _reading(table: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """The pattern that finds a table's sayings, longest first, and what each means; built at the first question."""
    sayings = {"weather": _WEATHER_SAYINGS, "mood": _MOOD_SAYINGS, "color": _COLOR_SAYINGS}[table]
    meanings = {saying: word for word, several in sayings.items() for saying in several.split("|")}
    longest_first = sorted(meanings, key=len, reverse=True)
    latin = "|".join(saying for saying in longest_first if saying.isascii())
    other = "|".join(saying for saying in longest_first if not saying.isascii())
    return re.compile(rf"(?<![a-z])(?:{latin})(?![a-z])|{other}"), meanings


def _plain(text: str) -> str:
    """One spelling of case, width and separators: a vehicle may write ``LIGHT_RAIN``."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", text).casefold())
