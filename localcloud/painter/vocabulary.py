"""The words the painter understands, in English and Chinese, and the famous names behind them.

English phrases are matched as whole words, with an optional plural; Chinese ones anywhere. Everything is compared
case-folded, with hyphens as spaces. A phrase may stand for several terms at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.painter.terms import Hour, Mood, Place, Season, Sight, Style, Weather

if TYPE_CHECKING:
    from localcloud.painter.terms import Term

_SINGLE: dict[Term, str] = {
    Style.WATERCOLOUR: "watercolour|watercolor|aquarelle|watercolour painting|水彩|水彩画",
    Style.INK_WASH: "ink wash|chinese ink wash painting|ink painting|sumi e|shan shui|shuimo"
    "|水墨|水墨画|国画|山水画|写意",
    Style.OIL_PAINTING: "oil|oil painting|oil paint|visible brush strokes|impasto|impressionist|impressionism"
    "|油画|印象派|厚涂",
    Style.WOODBLOCK: "woodblock|woodblock print|woodcut|ukiyo e|flat colours|flat colors|版画|木刻|浮世绘|木版画",
    Style.ANIME: "anime|anime background art|cel shaded|cel shaded clouds|manga|ghibli|动漫|动画|二次元|新海诚|吉卜力",
    Style.REALISTIC: "realistic|realistic landscape photograph|photorealistic|photograph|photo|photography"
    "|写实|摄影|照片|实景",
    Place.LAKE: "lake|lakeside|lakeshore|reservoir|pond|湖|湖泊|湖边|湖畔|水库|池塘",
    Place.SEA_COAST: "sea|sea coast|coast|seaside|ocean|beach|seashore|bay|island|coastline"
    "|海|大海|海边|海岸|海滩|沙滩|海滨|海岛|海湾|岛",
    Place.RIVER: "river|riverside|riverbank|stream|江|河|河流|江边|河边|江畔|溪|溪流",
    Place.MOUNTAINS: "mountain|mountain range|hill|peak|ridge|山|山脉|群山|山峰|山区|大山",
    Place.KARST_PEAKS: "karst|karst peak|karst hill|karst mountain|喀斯特|峰林",
    Place.OLD_TOWN: "old town|old street|ancient town|ancient city|old city|historic town|hutong"
    "|古城|古镇|老街|老城|胡同|古街",
    Place.CANAL_TOWN: "canal town|canal|water town|水乡|运河|水镇|江南",
    Place.CITY_SKYLINE: "city skyline|skyline|city|downtown|metropolis|cityscape|urban|城市|都市|市区|天际线|市中心",
    Place.DESERT: "desert|gobi|dune field|沙漠|戈壁|大漠",
    Place.GRASSLAND: "grassland|steppe|prairie|meadow|pasture|草原|牧场|草甸|草地",
    Place.FOREST: "forest|woodland|wood|woods|bamboo grove|bamboo forest|森林|树林|竹林|林海|林间|竹海",
    Place.SNOW_MOUNTAINS: "snow mountain|snowy mountain|snow capped mountain|snow peak|snow capped peak|snowy peak"
    "|glacier|雪山|冰川|雪峰",
    Place.TERRACED_FIELDS: "terraced field|rice terrace|terrace|tea terrace|tea plantation|tea field|梯田|茶园|茶山",
    Place.PLATEAU: "plateau|highland|tableland|高原|藏区",
    Place.GORGE: "gorge|canyon|ravine|valley|峡谷|峡|大峡谷|山谷|三峡",
    Place.COUNTRYSIDE: "countryside|farmland|rural|village|field|farm|country road"
    "|乡村|田野|乡间|农村|村庄|村落|田园|油菜花|稻田|麦田",
    Sight.TELEVISION_TOWER: "television tower with spheres|television tower|tv tower|tower with spheres"
    "|电视塔|电视台塔|广播塔",
    Sight.LATTICE_TOWER: "lattice tower|steel lattice tower|iron tower|radio mast|铁塔",
    Sight.SKYSCRAPER: "skyscraper|office tower|high rise|tall glass tower|摩天楼|摩天大楼|高楼|高楼大厦|写字楼",
    Sight.PAGODA: "pagoda|tiered tower|宝塔|古塔|佛塔|塔",
    Sight.TEMPLE_HALL: "temple hall|temple|monastery|shrine|buddhist hall|寺|寺庙|大殿|庙|佛寺|道观|祠堂|祠",
    Sight.CITY_GATE_TOWER: "city gate tower|city gate|gate tower|gatehouse|city wall|drum tower"
    "|城楼|城门|城墙|鼓楼|箭楼",
    Sight.GREAT_WALL: "great wall|the great wall|长城|長城|烽火台",
    Sight.STONE_ARCH_BRIDGE: "stone arch bridge|arch bridge|stone bridge|humpback bridge|石桥|拱桥|石拱桥|小桥|古桥",
    Sight.SUSPENSION_BRIDGE: "suspension bridge|cable stayed bridge|cable bridge|sea bridge"
    "|吊桥|悬索桥|斜拉桥|跨海大桥|大桥",
    Sight.STEEL_TRUSS_BRIDGE: "steel truss bridge|truss bridge|railway bridge|iron bridge|steel bridge"
    "|铁桥|钢桥|铁路桥|桁架桥",
    Sight.PALACE: "palace|imperial palace|palace hall|throne hall|皇宫|宫殿|宫",
    Sight.HILLTOP_PALACE: "hilltop palace|hilltop fortress|fortress palace|山顶宫殿|宫堡",
    Sight.CLIFF_GROTTOES: "cliff grotto|cliff grottoes|grotto|grottoes|cave temple|石窟|千佛洞|石窟寺",
    Sight.GIANT_BUDDHA: "giant buddha|buddha statue|great buddha|buddha|大佛|佛像|坐佛",
    Sight.WHITE_STUPA: "white stupa|stupa|white dagoba|dagoba|chorten|白塔",
    Sight.CLOCK_TOWER: "clock tower|bell tower|customs house|钟楼|钟塔|大钟|海关大楼",
    Sight.LIGHTHOUSE: "lighthouse|灯塔",
    Sight.ONION_DOMED_CHURCH: "onion domed church|onion dome|onion domed cathedral|orthodox church|cathedral|church"
    "|教堂|洋葱顶",
    Sight.MOSQUE: "mosque|minaret|清真寺",
    Sight.FERRIS_WHEEL: "ferris wheel|observation wheel|big wheel|摩天轮",
    Sight.OPERA_HOUSE: "opera house|grand theatre|grand theater|concert hall|歌剧院|大剧院",
    Sight.WATERFALL: "waterfall|cascade|瀑布",
    Sight.TULOU_ROUNDHOUSE: "tulou|tulou roundhouse|roundhouse|earthen roundhouse|土楼|围屋|围龙屋",
    Sight.YURTS: "yurt|ger|蒙古包|毡房",
    Sight.COVERED_BRIDGE: "covered bridge|wind and rain bridge|corridor bridge|风雨桥|廊桥",
    Sight.WATER_WHEEL: "water wheel|waterwheel|水车|筒车",
    Sight.STILTED_HOUSES: "stilted house|stilt house|house on stilts|houses on stilts|吊脚楼|干栏",
    Sight.PAVILION: "pavilion|kiosk|gazebo|belvedere|亭|亭子|凉亭|水榭|阁|楼阁",
    Sight.GARDEN_MOON_GATE: "garden moon gate|moon gate|classical garden|月洞门|月亮门|园林|花园",
    Sight.MEMORIAL_ARCHWAY: "memorial archway|paifang|pailou|archway|牌坊|牌楼",
    Sight.SAND_DUNES: "sand dune|dune|沙丘|沙山",
    Sight.KARST_PILLARS: "karst pillar|stone pillar|sandstone pillar|stone forest|石柱|石林",
    Sight.PALM_BEACH: "palm beach|palm|palm tree|coconut palm|coconut tree|椰林|椰树|棕榈|椰子树|椰风",
    Sight.HARBOUR_BOATS: "harbour boat|harbour|harbor|fishing boat|sailing boat|sailboat|boat|ship|junk"
    "|渔船|帆船|港口|渔港|码头船|乌篷船|船",
    Sight.STATUE: "statue|sculpture|monument|雕像|雕塑|塑像|纪念碑",
    Sight.ANCIENT_TREE: "ancient tree|old tree|giant tree|banyan|guest greeting pine"
    "|古树|大榕树|榕树|迎客松|老树|胡杨|银杏树",
    Sight.WINDMILLS: "windmill|wind turbine|wind farm|风车|风力发电|风电场",
    Sight.OBSERVATORY: "observatory|telescope dome|radio telescope|天文台|观象台|天眼",
    Sight.ROCK_PEAK: "rock peak|rocky peak|granite peak|cliff|rock face|奇峰|石峰|岩峰|悬崖|绝壁",
    Sight.PIER: "pier|jetty|boardwalk|wooden dock|栈桥|码头|栈道|防波堤",
    Season.SPRING: "spring|springtime|early spring|cherry blossom|peach blossom|blossom"
    "|春|春天|春季|春日|樱花|桃花|早春|花开",
    Season.SUMMER: "summer|summertime|midsummer|夏|夏天|夏季|夏日|盛夏|荷花",
    Season.AUTUMN: "autumn|fall|autumnal|maple|red leaves|golden leaves|秋|秋天|秋季|秋日|红叶|枫叶|金秋|深秋",
    Season.WINTER: "winter|wintry|midwinter|frost|冬|冬天|冬季|冬日|寒冬|严冬",
    Hour.DAWN: "dawn|daybreak|sunrise|first light|before sunrise|黎明|拂晓|日出|清晨|破晓|晨曦|凌晨",
    Hour.MORNING: "morning|forenoon|早晨|早上|上午|晨",
    Hour.NOON: "noon|midday|正午|中午|午间",
    Hour.AFTERNOON: "afternoon|下午|午后",
    Hour.DUSK: "dusk|sunset|twilight|evening|golden hour|nightfall|blue hour|黄昏|傍晚|日落|夕阳|晚霞|暮色|落日",
    Hour.NIGHT: "night|midnight|moonlit|moonlight|starry|starry sky|neon|night view"
    "|夜|夜晚|深夜|晚上|夜景|星空|午夜|月夜|月光|夜色|霓虹",
    Weather.SUNNY: "sunny|clear|clear sky|clear skies|sunshine|sunlit|blue sky|晴|晴天|晴朗|阳光|蓝天",
    Weather.CLOUDY: "cloudy|partly cloudy|cloud|多云|白云|云彩",
    Weather.OVERCAST: "overcast|grey sky|gray sky|gloomy sky|阴|阴天|阴沉",
    Weather.RAIN: "rain|rainy|drizzle|shower|light rain|heavy rain|raining|umbrella"
    "|雨|下雨|小雨|中雨|大雨|阵雨|细雨|暴雨|烟雨",
    Weather.THUNDERSTORM: "thunderstorm|thunder|lightning|storm|stormy|thundershower|雷雨|雷阵雨|雷暴|闪电|打雷|雷电",
    Weather.SNOW: "snow|snowy|snowfall|snowing|blizzard|snowflake|雪|下雪|小雪|大雪|雪花|雨夹雪|雪天|飘雪",
    Weather.FOG: "fog|foggy|mist|misty|sea of clouds|雾|大雾|薄雾|晨雾|云海|雾气|云雾",
    Weather.HAZE: "haze|hazy|smog|霾|雾霾|灰霾",
    Weather.WINDY: "windy|wind|breeze|breezy|gale|strong wind|大风|有风|刮风|微风|狂风|风大",
    Weather.SANDSTORM: "sandstorm|dust storm|duststorm|blowing sand|blowing dust|沙尘暴|沙尘|扬沙|浮尘|沙暴",
    Mood.JOYFUL: "joyful|joy|happy|cheerful|delighted|lively|开心|快乐|欢乐|高兴|愉快|出游",
    Mood.CALM: "calm|peaceful|serene|tranquil|quiet|平静|宁静|安静|悠闲|惬意|静谧",
    Mood.NOSTALGIC: "nostalgic|nostalgia|wistful|怀旧|回忆|乡愁|回家|思念",
    Mood.ADVENTUROUS: "adventurous|adventure|daring|wild|epic|冒险|探险|自驾|穿越|壮阔",
    Mood.TIRED: "tired|weary|exhausted|sleepy|疲惫|疲倦|累|劳累",
    Mood.ROMANTIC: "romantic|romance|tender|dreamy|浪漫|温柔|甜蜜|约会",
    Mood.LONELY: "lonely|solitary|loneliness|solitude|melancholy|孤独|寂寞|孤单|忧伤",
    Mood.FESTIVE: "festive|festival|celebration|lantern|fireworks|holiday|节日|喜庆|过年|春节|烟花|灯笼|中秋|国庆|元宵",
}

#: Famous names and what one sees there.
_FAMOUS: dict[str, tuple[Term, ...]] = {
    "oriental pearl|oriental pearl tower|东方明珠|東方明珠": (Sight.TELEVISION_TOWER, Place.CITY_SKYLINE),
    "canton tower|广州塔|小蛮腰": (Sight.LATTICE_TOWER, Place.CITY_SKYLINE),
    "eiffel tower|埃菲尔铁塔": (Sight.LATTICE_TOWER, Place.CITY_SKYLINE),
    "the bund|外滩": (Sight.CLOCK_TOWER, Sight.TELEVISION_TOWER, Place.CITY_SKYLINE),
    "lujiazui|陆家嘴|shanghai tower|上海中心": (Sight.SKYSCRAPER, Sight.TELEVISION_TOWER, Place.CITY_SKYLINE),
    "badaling|mutianyu|jinshanling|八达岭|慕田峪|金山岭": (Sight.GREAT_WALL, Place.MOUNTAINS),
    "jiayuguan|嘉峪关|shanhaiguan|山海关": (Sight.CITY_GATE_TOWER, Sight.GREAT_WALL, Place.DESERT),
    "forbidden city|故宫|紫禁城": (Sight.PALACE, Place.OLD_TOWN),
    "tiananmen|天安门": (Sight.CITY_GATE_TOWER, Place.CITY_SKYLINE),
    "temple of heaven|天坛": (Sight.TEMPLE_HALL, Place.OLD_TOWN),
    "summer palace|颐和园": (Sight.PALACE, Sight.STONE_ARCH_BRIDGE, Place.LAKE),
    "potala|potala palace|布达拉宫|布达拉": (Sight.HILLTOP_PALACE, Place.PLATEAU),
    "west lake|西湖": (Sight.PAGODA, Sight.STONE_ARCH_BRIDGE, Place.LAKE),
    "leifeng pagoda|雷峰塔": (Sight.PAGODA, Place.LAKE),
    "tai lake|lake tai|太湖": (Sight.HARBOUR_BOATS, Place.LAKE),
    "qinghai lake|青海湖": (Place.LAKE, Place.PLATEAU),
    "namtso|纳木错": (Place.LAKE, Place.SNOW_MOUNTAINS),
    "kanas|喀纳斯|jiuzhaigou|九寨沟": (Place.LAKE, Place.FOREST),
    "tianchi|天池": (Place.LAKE, Place.SNOW_MOUNTAINS),
    "erhai|洱海": (Place.LAKE, Place.MOUNTAINS),
    "three pagodas|大理三塔|崇圣寺": (Sight.PAGODA, Place.LAKE),
    "giant wild goose pagoda|大雁塔": (Sight.PAGODA, Place.OLD_TOWN),
    "xi'an city wall|西安城墙": (Sight.CITY_GATE_TOWER, Place.OLD_TOWN),
    "yellow crane tower|黄鹤楼": (Sight.PAVILION, Place.RIVER),
    "tengwang pavilion|滕王阁|yueyang tower|岳阳楼": (Sight.PAVILION, Place.RIVER),
    "guilin|桂林|yangshuo|阳朔|li river|漓江": (Place.KARST_PEAKS, Sight.HARBOUR_BOATS),
    "zhangjiajie|张家界|wulingyuan|武陵源": (Sight.KARST_PILLARS, Place.MOUNTAINS),
    "huangshan|yellow mountain|黄山": (Sight.ROCK_PEAK, Sight.ANCIENT_TREE, Place.MOUNTAINS),
    "huashan|mount hua|华山|taishan|mount tai|泰山": (Sight.ROCK_PEAK, Place.MOUNTAINS),
    "everest|qomolangma|珠穆朗玛|珠峰": (Place.SNOW_MOUNTAINS,),
    "jade dragon snow mountain|玉龙雪山|meili|梅里雪山": (Place.SNOW_MOUNTAINS,),
    "lijiang|丽江|pingyao|平遥": (Place.OLD_TOWN,),
    "zhouzhuang|周庄|wuzhen|乌镇|xitang|西塘|tongli|同里": (Place.CANAL_TOWN, Sight.STONE_ARCH_BRIDGE),
    "suzhou garden|suzhou|苏州园林|拙政园|苏州": (Sight.GARDEN_MOON_GATE, Place.CANAL_TOWN),
    "shaoxing|绍兴": (Place.CANAL_TOWN, Sight.HARBOUR_BOATS),
    "fenghuang|凤凰古城": (Sight.STILTED_HOUSES, Place.RIVER),
    "hongya cave|hongyadong|洪崖洞": (Sight.STILTED_HOUSES, Place.CITY_SKYLINE),
    "mogao|mogao caves|莫高窟": (Sight.CLIFF_GROTTOES, Place.DESERT),
    "yungang|longmen|云冈石窟|龙门石窟|云冈": (Sight.CLIFF_GROTTOES, Place.RIVER),
    "dunhuang|敦煌|crescent lake|月牙泉|鸣沙山": (Sight.SAND_DUNES, Sight.PAVILION, Place.DESERT),
    "leshan|leshan giant buddha|乐山大佛|乐山|灵山大佛": (Sight.GIANT_BUDDHA, Place.RIVER),
    "harbin|saint sophia|哈尔滨|索菲亚": (Sight.ONION_DOMED_CHURCH, Place.CITY_SKYLINE),
    "qingdao|青岛": (Sight.PIER, Place.SEA_COAST),
    "sanya|三亚|hainan|海南": (Sight.PALM_BEACH, Place.SEA_COAST),
    "gulangyu|鼓浪屿|xiamen|厦门": (Sight.HARBOUR_BOATS, Place.SEA_COAST),
    "sydney opera house|悉尼歌剧院": (Sight.OPERA_HOUSE, Place.SEA_COAST),
    "huangguoshu|黄果树|hukou|壶口": (Sight.WATERFALL, Place.GORGE),
    "yongding|南靖|永定土楼": (Sight.TULOU_ROUNDHOUSE, Place.COUNTRYSIDE),
    "hulunbuir|呼伦贝尔|锡林郭勒": (Sight.YURTS, Place.GRASSLAND),
    "longji|龙脊|yuanyang|元阳": (Place.TERRACED_FIELDS,),
    "tiger leaping gorge|虎跳峡|three gorges|长江三峡": (Place.GORGE, Place.RIVER),
    "yangtze|长江|yellow river|黄河": (Place.RIVER,),
    "nanjing yangtze bridge|南京长江大桥|lanzhou|中山桥|兰州": (Sight.STEEL_TRUSS_BRIDGE, Place.RIVER),
    "hong kong zhuhai macau bridge|港珠澳大桥|golden gate bridge|金门大桥|hangzhou bay bridge": (
        Sight.SUSPENSION_BRIDGE,
        Place.SEA_COAST,
    ),
    "chengyang bridge|程阳风雨桥": (Sight.COVERED_BRIDGE, Place.RIVER),
    "beihai park|北海公园": (Sight.WHITE_STUPA, Place.LAKE),
    "taklamakan|塔克拉玛干|badain jaran|巴丹吉林": (Sight.SAND_DUNES, Place.DESERT),
    "tianjin eye|天津之眼": (Sight.FERRIS_WHEEL, Place.CITY_SKYLINE),
    "tashilhunpo|扎什伦布": (Sight.HILLTOP_PALACE, Place.PLATEAU),
    "id kah|艾提尕尔": (Sight.MOSQUE, Place.OLD_TOWN),
    "shanghai|上海": (Place.CITY_SKYLINE,),
    "shenzhen|深圳|hong kong|香港|chongqing|重庆": (Place.CITY_SKYLINE, Sight.SKYSCRAPER),
    "tibet|西藏|拉萨|lhasa": (Place.PLATEAU,),
    "inner mongolia|内蒙古|内蒙": (Place.GRASSLAND,),
}

#: Longer words that hold a phrase but mean something else.
_NOT_MEANT = (
    "山东|山西|江西|江苏|浙江|黑龙江|河北|河南|湖北|湖南|湖州"
    "|上海市|海南省|青海省|云南|宫保|塔里木|山药|马塔|海拔|春秋|无锡"
)

#: Where a sight stands when the prompt names no place.
HOMES: dict[Sight, Place] = {
    Sight.TELEVISION_TOWER: Place.CITY_SKYLINE,
    Sight.LATTICE_TOWER: Place.CITY_SKYLINE,
    Sight.SKYSCRAPER: Place.CITY_SKYLINE,
    Sight.PAGODA: Place.LAKE,
    Sight.TEMPLE_HALL: Place.MOUNTAINS,
    Sight.CITY_GATE_TOWER: Place.OLD_TOWN,
    Sight.GREAT_WALL: Place.MOUNTAINS,
    Sight.STONE_ARCH_BRIDGE: Place.CANAL_TOWN,
    Sight.SUSPENSION_BRIDGE: Place.SEA_COAST,
    Sight.STEEL_TRUSS_BRIDGE: Place.RIVER,
    Sight.PALACE: Place.OLD_TOWN,
    Sight.HILLTOP_PALACE: Place.PLATEAU,
    Sight.CLIFF_GROTTOES: Place.DESERT,
    Sight.GIANT_BUDDHA: Place.RIVER,
    Sight.WHITE_STUPA: Place.PLATEAU,
    Sight.CLOCK_TOWER: Place.CITY_SKYLINE,
    Sight.LIGHTHOUSE: Place.SEA_COAST,
    Sight.ONION_DOMED_CHURCH: Place.CITY_SKYLINE,
    Sight.MOSQUE: Place.OLD_TOWN,
    Sight.FERRIS_WHEEL: Place.CITY_SKYLINE,
    Sight.OPERA_HOUSE: Place.SEA_COAST,
    Sight.WATERFALL: Place.GORGE,
    Sight.TULOU_ROUNDHOUSE: Place.COUNTRYSIDE,
    Sight.YURTS: Place.GRASSLAND,
    Sight.COVERED_BRIDGE: Place.RIVER,
    Sight.WATER_WHEEL: Place.RIVER,
    Sight.STILTED_HOUSES: Place.RIVER,
    Sight.PAVILION: Place.LAKE,
    Sight.GARDEN_MOON_GATE: Place.CANAL_TOWN,
    Sight.MEMORIAL_ARCHWAY: Place.OLD_TOWN,
    Sight.SAND_DUNES: Place.DESERT,
    Sight.KARST_PILLARS: Place.MOUNTAINS,
    Sight.PALM_BEACH: Place.SEA_COAST,
    Sight.HARBOUR_BOATS: Place.SEA_COAST,
    Sight.STATUE: Place.CITY_SKYLINE,
    Sight.ANCIENT_TREE: Place.COUNTRYSIDE,
    Sight.WINDMILLS: Place.GRASSLAND,
    Sight.OBSERVATORY: Place.MOUNTAINS,
    Sight.ROCK_PEAK: Place.MOUNTAINS,
    Sight.PIER: Place.SEA_COAST,
}


def _phrases() -> dict[str, tuple[Term, ...]]:
    phrases: dict[str, tuple[Term, ...]] = {}
    for term, words in _SINGLE.items():
        phrases.update(dict.fromkeys(words.split("|"), (term,)))
    for words, terms in _FAMOUS.items():
        phrases.update(dict.fromkeys(words.split("|"), terms))
    phrases.update(dict.fromkeys(_NOT_MEANT.split("|"), ()))
    phrases["上海市"] = (Place.CITY_SKYLINE,)
    return phrases


#: Phrase (case-folded) to what it stands for; `()` for a word that only looks like one.
PHRASES: dict[str, tuple[Term, ...]] = _phrases()


def _pattern() -> re.Pattern[str]:
    """At each place of a text the longest phrase wins; English ones end at a word's end."""
    longest_first = sorted(PHRASES, key=len, reverse=True)
    english = "|".join(re.escape(phrase) for phrase in longest_first if phrase.isascii())
    chinese = "|".join(re.escape(phrase) for phrase in longest_first if not phrase.isascii())
    return re.compile(rf"(?<![a-z])(?P<english>{english})(?:s|es)?(?![a-z])|(?P<chinese>{chinese})")


#: Finds the phrases in a normalised text, in its group ``english`` or ``chinese``.
PATTERN: re.Pattern[str] = _pattern()
