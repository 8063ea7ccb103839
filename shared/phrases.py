"""The template writer's stock of phrases: scenes in English for the painter, titles and captions in both languages.

Scene phrases are built of the canonical words of `shared.vocabulary`. ``{sight}`` is the sight's name, ``{CITY}`` the
token that a later step replaces. A line may be used whenever its heading fits, so every line must be true by itself.
"""

from __future__ import annotations

#: The sight's setting, by kind of place; completes "… stands …".
SETTING = {
    "lake": "beside a wide still lake",
    "sea coast": "above a sea coast with long waves",
    "river": "beside a broad slow river",
    "mountains": "among layered green mountains",
    "karst peaks": "among steep karst peaks and their reflections",
    "old town": "over the grey tiled roofs of an old town",
    "canal town": "by the still water of a white-walled canal town",
    "city skyline": "in front of a tall city skyline by the river",
    "desert": "at the edge of a desert with long sand dunes",
    "grassland": "on an open grassland that runs to the horizon",
    "forest": "in a deep forest of old trees",
    "snow mountains": "below high snow mountains",
    "terraced fields": "above terraced fields that follow the hills",
    "plateau": "on a high plateau under an immense sky",
    "gorge": "over a deep gorge with a green river",
    "countryside": "in gentle countryside with fields and poplars",
}

#: What the season does to the land.
SEASON: dict[str, tuple[str, ...]] = {
    "spring": ("cherry blossom and fresh willow leaves", "young grass and flowering rapeseed", "pink peach blossom"),
    "summer": ("dense green trees", "lotus leaves and tall summer grass", "deep green foliage"),
    "autumn": ("golden ginkgo trees", "red maple leaves and dry reeds", "amber foliage and fallen leaves"),
    "winter": ("bare branches", "frost on dry grass", "leafless trees in still cold air"),
    "warm": ("palm trees and bougainvillea", "coconut palms and glossy leaves", "lush evergreen leaves"),
}

#: Where few trees grow, the season shows in the grass.
BARE_PLACES = ("desert", "grassland", "plateau", "snow mountains")
SEASON_IN_BARE_PLACES: dict[str, tuple[str, ...]] = {
    "spring": ("thin new grass in the hollows",),
    "summer": ("short green grass and small flowers", "green grass in the hollows"),
    "autumn": ("golden dry grass", "russet grass in thin air"),
    "winter": ("frost on dry grass", "pale dry grass on bare ground"),
    "warm": ("dry grass in warm light",),
}

#: Weather, as light and sky.
WEATHER = {
    "sunny": "sunny, a clear sky with strong light",
    "cloudy": "cloudy, broken clouds drifting over",
    "overcast": "overcast, soft even light under a low sky",
    "rain": "rain, wet ground with reflections",
    "thunderstorm": "thunderstorm, dark towering clouds and distant lightning",
    "snow": "snow, falling flakes and white ground",
    "fog": "fog, distant shapes fading into white",
    "haze": "haze, pale layered distances",
    "windy": "windy, bent grass and fast torn clouds",
    "sandstorm": "sandstorm, ochre dust in the air",
}

PART_OF_DAY = {
    "dawn": "dawn, first pink light at the horizon",
    "morning": "morning, low fresh sunlight",
    "noon": "noon, high bright light",
    "afternoon": "afternoon, warm slanting light",
    "dusk": "dusk, glowing horizon and long shadows",
    "night": "night, dark sky with lit windows",
}

MOOD = {
    "joyful": "joyful bright atmosphere",
    "calm": "calm quiet atmosphere",
    "nostalgic": "nostalgic tender atmosphere",
    "adventurous": "adventurous wide atmosphere",
    "tired": "tired gentle atmosphere, resting light",
    "romantic": "romantic glowing atmosphere",
    "lonely": "lonely spacious atmosphere",
    "festive": "festive atmosphere with warm lanterns",
}

#: Calm open ground in front, where the car will stand.
FOREGROUND = (
    "an empty road curving through the foreground",
    "an open bank of grass in the foreground",
    "a flat meadow in the foreground",
    "an empty lay-by with low grass in the foreground",
)

COMPOSITION = (
    "layered depth, wide view",
    "low horizon, great sky",
    "framed by a tree at the side",
    "high viewpoint over the land",
)

#: A sky between two kinds of weather.
CHANGE = "the sky turning from {first} to {last}"

NEGATIVE = (
    "people, text, letters, logo, watermark, signature, license plate, car, vehicle, frame, blurry, low quality, "
    "distorted buildings"
)

#: Where no city of the trip is known.
UNKNOWN_SIGHTS = (
    ("a small hillside pavilion", "pavilion", "countryside"),
    ("an old stone arch bridge", "stone arch bridge", "river"),
    ("a great ancient tree", "ancient tree", "grassland"),
)

TITLES = {
    "zh": {
        "always": ("一路到{CITY}", "{CITY}，在路上", "把{CITY}装进后备箱", "车窗外的{CITY}", "去过的路，都作数"),
        "spring": ("赶上了{CITY}的春天", "春天走的这一程"),
        "summer": ("{CITY}的夏天有风", "把夏天开成一条路"),
        "autumn": ("{CITY}的秋，刚刚好", "秋色一路随行"),
        "winter": ("冬天也要出发", "{CITY}的冬日来信"),
        "warm": ("没有冬天的{CITY}", "一路向南"),
        "rain": ("{CITY}听雨", "雨刷摇着的{CITY}"),
        "snow": ("雪落{CITY}", "轮胎下的第一场雪"),
        "fog": ("雾里看{CITY}",),
        "night": ("夜色里的{CITY}", "星光副驾"),
        "dusk": ("追着落日回家", "{CITY}的落日归我"),
        "dawn": ("第一缕光里出发", "{CITY}天亮了"),
        "joyful": ("出发就是好心情", "开心的路不嫌长"),
        "calm": ("慢慢开，慢慢看", "安静的一段路"),
        "nostalgic": ("又走了一遍那条路", "路还是那条路"),
        "adventurous": ("开到地图的边上", "远一点，再远一点"),
        "tired": ("终于可以歇一歇", "停下来，看看{CITY}"),
        "romantic": ("两个人的{CITY}", "晚风和你都在"),
        "lonely": ("一个人的公路", "独自去看{CITY}"),
        "festive": ("过节啦，出发", "团圆的路，一路灯火"),
        "May Day": ("五一，出发去{CITY}", "我的五一公路"),
        "National Day": ("国庆这一路", "十一，在{CITY}"),
        "Spring Festival": ("回家过年", "年味在路上"),
        "Mid-Autumn Festival": ("月亮跟着车走",),
        "New Year": ("新年第一程",),
        "Qingming": ("清明，去看看春天",),
        "Dragon Boat Festival": ("端午，沿着水走",),
        "Lantern Festival": ("元宵夜，灯在路上",),
    },
    "en": {
        "always": (
            "The road to {CITY}",
            "Passing through {CITY}",
            "{CITY}, from the driver's seat",
            "Miles worth keeping",
        ),
        "spring": ("Spring found us in {CITY}", "A road in bloom"),
        "summer": ("Windows down, {CITY} ahead", "A long summer road"),
        "autumn": ("Autumn, all the way", "Leaves over {CITY}"),
        "winter": ("Cold air, warm seats", "A winter letter from {CITY}"),
        "warm": ("South until it was warm", "No winter in {CITY}"),
        "rain": ("Rain on the windscreen", "{CITY} in the rain"),
        "snow": ("First snow under the tyres", "Snow over {CITY}"),
        "fog": ("Somewhere in the mist",),
        "night": ("{CITY} after dark", "Headlights and stars"),
        "dusk": ("Chasing the last light", "Home by sunset"),
        "dawn": ("Out before the sun", "First light in {CITY}"),
        "joyful": ("Good company, open road", "A day well driven"),
        "calm": ("Slow roads, quiet hours", "Nothing to hurry for"),
        "nostalgic": ("The same road, years later", "Back where we began"),
        "adventurous": ("To the edge of the map", "A little further"),
        "tired": ("A well-earned stop", "Engine off, at last"),
        "romantic": ("Two seats, one sunset", "The long way, together"),
        "lonely": ("Just me and the road", "One seat taken"),
        "festive": ("Holiday lights, open road", "Off for the holidays"),
        "May Day": ("May Day on the road",),
        "National Day": ("A golden week on wheels",),
        "Spring Festival": ("Driving home for New Year",),
        "Mid-Autumn Festival": ("The moon came along",),
        "New Year": ("First drive of the year",),
    },
}

CAPTION_OPENING = {
    "zh": {
        "under 50 km": "不远的一段路，",
        "50 to 200 km": "周末刚好的距离，",
        "200 to 500 km": "几个小时的车程，",
        "500 to 1000 km": "开了很久的一程，",
        "over 1000 km": "一千公里以外，",
    },
    "en": {
        "under 50 km": "Not far at all, ",
        "50 to 200 km": "Just the right distance, ",
        "200 to 500 km": "A few hours at the wheel, ",
        "500 to 1000 km": "A long day's drive, ",
        "over 1000 km": "A thousand kilometres on, ",
    },
}

CAPTION_SCENE = {
    "zh": {
        "sunny": "{CITY}的天，晴得没有一丝杂色。",
        "cloudy": "云走得很慢，{CITY}的光也跟着忽明忽暗。",
        "overcast": "{CITY}的天色柔柔的，路也变得安静。",
        "rain": "雨把{CITY}洗得发亮。",
        "thunderstorm": "雷声追着车尾，{CITY}的天忽然亮了一下。",
        "snow": "雪一直下，{CITY}慢了下来。",
        "fog": "雾很厚，{CITY}只肯露出一角。",
        "haze": "远处一层一层，{CITY}像隔着纱。",
        "windy": "风很大，把{CITY}的云吹得很远。",
        "sandstorm": "风沙里，{CITY}是金色的。",
        "": "到{CITY}的时候，光线刚刚好。",
    },
    "en": {
        "sunny": "and {CITY} lay under a wide open sky.",
        "cloudy": "with slow clouds and changing light over {CITY}.",
        "overcast": "under a soft grey sky in {CITY}.",
        "rain": "and the rain had polished all of {CITY}.",
        "thunderstorm": "with thunder behind us and a flash over {CITY}.",
        "snow": "and the snow slowed {CITY} down.",
        "fog": "and the fog showed only a corner of {CITY}.",
        "haze": "with {CITY} fading layer behind layer.",
        "windy": "and the wind had swept {CITY} clear.",
        "sandstorm": "with {CITY} golden in the dust.",
        "": "and the light in {CITY} was just right.",
    },
}

CAPTION_CLOSING = {
    "zh": {
        "joyful": ("一路都在笑。", "这样的日子，多来几次。"),
        "calm": ("不赶时间，真好。", "什么都不想，只看路。"),
        "nostalgic": ("有些路，值得再走一遍。",),
        "adventurous": ("下一站，再远一点。", "没去过的地方，都想去看看。"),
        "tired": ("累是真的，值得也是真的。", "熄火，伸个懒腰。"),
        "romantic": ("身边的人，比风景好看。",),
        "lonely": ("一个人，也走得很远。",),
        "festive": ("节日快乐，一路平安。", "灯都亮了，就差你。"),
        "together": ("这一程，{TEAM}都在。", "{TEAM}，下次再出发。"),
        "": ("记下这一刻。", "路还长，慢慢来。", "把这一程收好。"),
    },
    "en": {
        "joyful": ("All smiles, all the way.", "More days like this, please."),
        "calm": ("No hurry at all.", "Nothing on our minds but the road."),
        "nostalgic": ("Some roads deserve a second time.",),
        "adventurous": ("Next time, further still.",),
        "tired": ("Tired, and worth it.",),
        "romantic": ("The best view was in the next seat.",),
        "lonely": ("Alone, and a long way out.",),
        "festive": ("Happy holidays, and safe roads.",),
        "together": ("Kept for {TEAM}.", "Until the next road, {TEAM}."),
        "": ("A moment to keep.", "One for the album.", "Worth every mile."),
    },
}

WORDS_ZH = {
    "spring": "春天",
    "summer": "夏天",
    "autumn": "秋天",
    "winter": "冬天",
    "warm": "温暖的季节",
    "dawn": "黎明",
    "morning": "清晨",
    "noon": "正午",
    "afternoon": "午后",
    "dusk": "黄昏",
    "night": "夜晚",
    "sunny": "晴",
    "cloudy": "多云",
    "overcast": "阴",
    "rain": "雨",
    "thunderstorm": "雷雨",
    "snow": "雪",
    "fog": "雾",
    "haze": "薄霾",
    "windy": "大风",
    "sandstorm": "风沙",
    "lake": "湖边",
    "sea coast": "海边",
    "river": "江边",
    "mountains": "群山",
    "karst peaks": "喀斯特峰林",
    "old town": "老城",
    "canal town": "水乡",
    "city skyline": "城市天际线",
    "desert": "沙漠",
    "grassland": "草原",
    "forest": "森林",
    "snow mountains": "雪山",
    "terraced fields": "梯田",
    "plateau": "高原",
    "gorge": "峡谷",
    "countryside": "乡野",
    "May Day": "五一",
    "National Day": "国庆",
    "Spring Festival": "春节",
    "Mid-Autumn Festival": "中秋",
    "New Year": "元旦",
    "Qingming": "清明",
    "Dragon Boat Festival": "端午",
    "Lantern Festival": "元宵",
}

#: What a sight looks like, for texts that must not give the city away by the sight's name.
FORMS_ZH = {
    "television tower with spheres": "带球体的电视塔",
    "lattice tower": "网架高塔",
    "skyscraper": "摩天楼",
    "pagoda": "古塔",
    "temple hall": "大殿",
    "city gate tower": "城门楼",
    "Great Wall": "长城",
    "stone arch bridge": "石拱桥",
    "suspension bridge": "悬索桥",
    "steel truss bridge": "钢桁架大桥",
    "palace": "宫殿",
    "hilltop palace": "山顶宫殿",
    "cliff grottoes": "崖壁石窟",
    "giant Buddha": "大佛",
    "white stupa": "白塔",
    "clock tower": "钟楼",
    "lighthouse": "灯塔",
    "onion-domed church": "洋葱顶教堂",
    "mosque": "清真寺",
    "ferris wheel": "摩天轮",
    "opera house": "歌剧院",
    "waterfall": "瀑布",
    "tulou roundhouse": "圆形土楼",
    "yurts": "蒙古包",
    "covered bridge": "风雨廊桥",
    "water wheel": "水车",
    "stilted houses": "吊脚楼",
    "pavilion": "亭子",
    "garden moon gate": "园林月洞门",
    "memorial archway": "牌坊",
    "sand dunes": "沙丘",
    "karst pillars": "石峰",
    "palm beach": "椰林海滩",
    "harbour boats": "港湾渔船",
    "statue": "雕像",
    "ancient tree": "古树",
    "windmills": "风车",
    "observatory": "观景台",
    "rock peak": "岩峰",
    "pier": "栈桥",
}

TAGS = {"zh": ("自驾", "在路上"), "en": ("road trip", "on the road")}
