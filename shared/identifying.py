"""Patterns of numbers, handles and addresses that identify people, for texts folded to small plain letters.

Every repetition is bounded, or begins where its run of characters begins: a text is read in linear time.
"""

from __future__ import annotations

#: A Chinese character.
HAN = "[\u3400-\u9fff\U00020000-\U0003ffff]"
#: A digit, also a spelt one.
_DIGIT = "[0-9〇零一二三四五六七八九幺两]"
#: What stands between the digits of a number.
_GAP = r"[\s./()+-]{0,3}"
#: What stands between the digits of a number that is spaced out to be overlooked.
_WIDE_GAP = r"[^\w\u3400-\u9fff]{0,3}_?[^\w\u3400-\u9fff]{0,2}[杠横]?"
#: Small words that lead to a place and are no part of its name.
_NO_NAME = "(?![在到从去住往是的了和与回离经过于这那哪某个座片处些省市区县镇])"
_HANDLE = r"[a-z0-9][a-z0-9_.-]{3,40}"
_IS = r"[\s:：是为=号群码id()\[\]【】👉➡→❤\ufe0f]{0,6}"
_LETTERED_NUMBER = "zero|one|two|three|four|five|six|seven|eight|nine|oh|double|triple"
_HOME = "我家|我们家|俺家|咱家|家里|家|公司|单位|办公室|学校|幼儿园|宿舍|住处|住址|地址|上班|工作|新房|房子"
_BUILT = (
    "小区|花园|公寓|大厦|大楼|广场|中心|园区|小学|中学|大学|幼儿园|医院|银行|新村|花苑|雅苑|佳苑|名苑|苑|府|公馆|国际"
    "|科技园|软件园|产业园|工业园|写字楼|社区|家园|嘉园|别墅|胡同|弄堂|[路街巷弄村镇厂局所]"
)

IDENTIFYING: tuple[str, ...] = (
    # E-mail, also spelt out.
    r"(?<![a-z0-9._%+-])[a-z0-9._%+-]+\s{0,2}(?:@|\(at\)|\[at\]|艾特)\s{0,2}[a-z0-9-]{1,63}(?:\s{0,2}(?:\.|\(dot\)"
    r"|\[dot\]|点)\s{0,2}[a-z0-9-]{2,63}){1,4}",
    r"(?<![a-z0-9._%+-])[a-z0-9._%+-]+ at [a-z0-9-]{1,63} dot [a-z]{2,10}(?: dot [a-z]{2,10})?",
    # Addresses of pages and files; a sentence may go on right after one in Chinese.
    r"(?:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,9}:[/\\]{1,3}|www\.|data:[a-z]{2,12}/|javascript:)[!-~]*",
    r"(?<![a-z0-9])[a-z]:[\\/][!-~]*|\\\\[a-z0-9][!-~]*",
    r"(?<![a-z0-9./])(?:~|\.{1,2})?/(?:\.{2}/|etc|home|root|usr|var|tmp|mnt|proc|dev|opt|users|bin|code|sys|app)[!-~]*",
    r"(?<![a-z0-9.-])(?:[a-z0-9-]{1,63}\.){1,4}(?:com|cn|net|org|io|cc|top|xyz|vip|me|app|tv|link|info|site|shop|ly"
    r"|gg|co)"
    r"(?![a-z0-9])(?:[/?#:][!-~]*)?",
    r"~/[!-~]*",
    r"(?<!/)///[\w-]{2,30}\.[\w-]{2,30}\.[\w-]{2,30}",
    r"@[\w.-]{1,20}",
    # Tokens with which models mark turns and tools.
    r"<\|[^|>]{0,40}\|?>?|\|>|\[/?inst\]|<</?sys>>"
    r"|\|?(?:im_(?:start|end|sep)|endoftext|eot_id|(?:start|end)_header_id|begin_of_text)\|?",
    # Messenger names: after a Chinese word whatever is long enough, after an English one what looks like a name.
    rf"(?:微\s?(?:信|xin)|[微v➕加+]\s?[v❤]\s?信?|v\s?信|卫星|(?<![a-z])(?:vx|wx|weixin)|加我|加v|扣扣|企鹅号|小红书号?"
    rf"|抖音号?|快手号?|微博|公众号){_IS}{_HANDLE}",
    rf"(?<![a-z])(?:wechat|whatsapp|telegram|signal|skype|snapchat|instagram|facebook|twitter|tiktok|weibo|douyin"
    rf"|line|insta|ig|ins|tg|fb)"
    rf"(?:\s?(?:id|name|handle))?\s?(?:[:=]|is )\s?@?{_HANDLE}",
    r"(?<![a-z])(?:wechat|whatsapp|telegram|skype|snapchat|instagram|tg)\s(?=[a-z_.-]{0,30}[0-9_])[a-z0-9_.-]{4,40}",
    rf"(?:(?<![a-z])q{{1,2}}|扣扣|企鹅){_IS}(?:{_DIGIT}[\s-]?){{5,12}}",
    rf"(?:车牌|牌照|车架|车辆识别|车号|护照|身份证|驾照|驾驶证|行驶证|银行卡|卡号|(?<![a-z])(?:vin|plate"
    rf"|passport))(?:代?号码?|码|no\.?| number)?{_IS}[a-z0-9·.-]{{4,24}}",
    # Plates by GA 36-2018: province, office, five or six characters; those of embassies and of the
    # police; no motorways (川G4217).
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][\s·•.-]{0,3}(?![gs]\d{4}(?![\da-z学挂警港澳领使]))[a-z](?=\D{0,9}\d)(?:[\s·•.-]{0,2}[a-z0-9]){4,6}"
    r"(?![a-z0-9])[挂学警港澳领使]?",
    r"(?<![a-z0-9])[a-z]\s?[·•]\s?(?=[a-z]{0,5}\d)[a-z0-9]{5,6}(?![a-z0-9])",
    # Vehicle identification numbers by ISO 3779: 17 characters without I, O and Q; with gaps when most are digits.
    r"(?<![a-z0-9])(?=[a-z]{0,16}[0-9])[a-hj-npr-z0-9]{17}(?![a-z0-9])",
    r"(?<![a-z0-9])(?=(?:[a-z\s-]{0,12}\d){6})(?:[a-hj-npr-z0-9][\s-]?){16}[a-hj-npr-z0-9](?![a-z0-9])",
    # Coordinates: a pair with two decimals, three decimals alone, or degrees with minutes or a direction.
    r"-?\d{1,3}\.\d{2,12}\s{0,2}°?\s{0,2}[ns]?[,;\s]\s{0,2}-?\d{1,3}\.\d{2,12}\s{0,2}°?\s{0,2}(?:[ew](?![a-z]))?",
    r"(?:[北南东西][纬经]\s{0,2})?[-+]?(?<!\d)\d{1,3}\.\d{3,}\s{0,2}°?\s{0,2}(?:[nsew](?![a-z]))?",
    r"(?:[北南东西][纬经]\s{0,2})?\d{1,3}(?:\.\d{1,12})?\s{0,2}[°度]\s{0,2}(?:\d{1,2}(?:\.\d{1,9})?\s{0,2}['′’分]\s{0,2}(?:\d{1,2}(?:\.\d{1,9})?\s{0,2}(?:[\"″”秒]"
    r"|['′’]{2}))?"
    r"\s{0,2}[nsew]?(?![a-z])|\s{0,2}[nsew](?![a-z]))",
    r"[北南东西][纬经]\s{0,2}[\d零一二三四五六七八九十百点]{1,9}(?:\.\d{1,12})?\s{0,2}[°度]?",
    # Open location codes.
    r"(?<![a-z0-9])(?=[a-z]{0,7}\d)[2-9cfghjmpqrvwx]{4,8}\+[2-9cfghjmpqrvwx]{2,3}(?![a-z0-9])",
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\.?(?![a-z]))?|\d{1,2}[点时]\d{1,2}分?",
    r"(?:\d{1,2}|[一二三四五六七八九十两]{1,3})点(?:半|[一三]刻|[零一二三四五六七八九十]{1,3}分)",
    # Roads with a number, without the small words that lead to them, and what comes after the number.
    rf"(?:{_NO_NAME}{HAN}){{0,6}}(?:大道|公路|街道|[路街巷弄]|胡同)[东西南北中一二三]?段?\s{{0,2}}"
    r"(?:[\d〇零一二三四五六七八九十百-]{1,9}\s{0,2}[号弄]|[\d-]{1,9}(?![\d多余]|\s{0,2}(?:公里|千米|米|km|小时|分"
    r"|天|日|夜|个|年|月|次|座|人)))",
    r"(?<![月\d零一二三四五六七八九十百])[\d零一二三四五六七八九十百-]{1,9}\s{0,2}(?:号楼|号院|号(?!线)|[栋幢弄室]"
    r"|单元)",
    r"(?<!\d)\d{1,5}[a-z]?,?\s(?:[a-z][\w'.]{0,20}\s){1,3}(?:street|st|road|rd|avenue|ave|lane|drive|boulevard"
    r"|blvd)(?![a-z])\.?",
    r"(?<![a-z])(?:[a-z][\w'.]{0,20}\s){1,2}(?:street|road|avenue|lane|boulevard|blvd)\s?,?\s(?:no\.?\s?)\d{1,5}[a-z]?",
    r"(?<![a-z])(?:apt|apartment|room|suite|unit|flat)\.?\s?#?\d{1,5}[a-z]?",
    # Homes and places of work, by what is said of them; and housing estates by their form.
    rf"(?:{_HOME})(?:就|都|也|还|现在)?(?:住在|在|位于|搬到|搬进|是"
    rf"|[:：])\s?(?![这那一哪某])[^\s,，。.!！?？;；、的了]{{2,16}}?(?:{_BUILT})(?:附近|旁边|对面|楼下|门口)?",
    r"住(?:在|进|到)?(?![这那一哪某])[^\s,，。.!！?？;；、的了]{2,16}?(?:小区|花园|花苑|雅苑|佳苑|名苑|公馆|新村"
    r"|家园|嘉园|号楼|社区)",
    rf"住(?:在|(?!在)){HAN}{{1,5}}[区县]{HAN}{{1,8}}?[路街巷弄]",
    r"(?:我|家)住(?:在|(?!在))(?![这那一哪某])[^\s,，。.!！?？;；、的了]{2,16}?(?:[路街巷弄里]|soho)",
    rf"(?:(?![在到从去住往是的了和与回离经过于这那哪某个座片处些省市区县镇老旧新]){HAN}){{2,8}}(?:小区|花苑|雅苑"
    rf"|佳苑|名苑|馨苑|嘉园)",
    # Numbers: of eleven digits however they are spaced, of seven and more, of documents; spelt, also in English.
    rf"(?<!\d)(?:00|\+)?(?:86)?{_WIDE_GAP}[1一幺](?:{_WIDE_GAP}{_DIGIT}){{10}}(?!\d)",
    rf"\+?\(?{_DIGIT}(?:{_GAP}{_DIGIT}){{6,}}x?",
    r"(?<![a-z0-9])[a-z]{1,2}\d{6,9}(?:\(\d\))?(?![a-z0-9])",
    rf"(?<![a-z])(?:(?:{_LETTERED_NUMBER})[\s,.-]{{1,3}}){{6,}}(?:{_LETTERED_NUMBER})(?![a-z])",
)  # fmt: skip
