"""Names of persons where something beside them tells that they are names: a title, a kinship, "my name is".

A name that stands alone can't be told from other words, in either language. Chinese surnames are common words too
(程 in 全程, 周 in 这周), so ``shared/data/surnames.tsv`` has for each the characters that make it part of another word
when they stand before or after it. Those that are words too often (`titled`) count beside a title only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HAN = "[\u3400-\u9fff]"
_COMPOUND = "欧阳|司马|上官|诸葛|皇甫|慕容|令狐|司徒|夏侯|尉迟|公孙|长孙|宇文"
_TITLES = (
    "先生|女士|小姐(?!姐)|太太|阿姨|大爷|大妈|大叔|大哥|大姐|大伯|大娘|大嫂|叔叔|伯伯|婶婶|奶奶|爷爷|老师|师傅|经理|主任|医生|大夫|教授"
    "|律师|警官|队长|司机|导游|老板|总监|总裁|董事长|书记|局长|处长|科长|部长|校长|院长|工程师|同学|教练|师兄|师姐|师弟|师妹|师父"
    "|博士|班长|姑娘|总工"
)
_SHORT_TITLES = (
    "工(?![作程地人厂业具资艺商会坊夫整期友])|总(?![是算共体之结有要会能统量和得部数站线路想说觉归计爱在])"
    "|哥(?![华伦斯大白窟特德])|姐|叔|姨|嫂|队(?![伍员友形列])"
)
_KIN = (
    "老公|老婆|丈夫|妻子|媳妇|爱人|儿子|女儿|闺女|宝宝|宝贝|爸爸|妈妈|哥哥|姐姐|弟弟|妹妹|男朋友|女朋友|男友|女友|闺蜜|朋友|同学|同事|室友"
    "|邻居|战友|发小|孙子|孙女|外孙女|外孙|侄子|侄女|外甥女|外甥|表[哥姐弟妹]|堂[哥姐弟妹]|舅舅|姑姑|姑妈|姨妈|叔叔|伯伯|岳父|岳母|公公|婆婆"
    "|队友|搭档|领导|司机|向导|师傅|联系人|车主|收件人|驾驶员|领队|老爸|老妈|爸|妈"
)
#: What may follow 叫 when it means to call and not to be called.
_NO_NAME = "[了醒他她它你我您咱上来住不到的车大出过着做起个滴嘀代好一去回板人]"
#: Doubled words that are no pet names.
_DOUBLED = (
    "慢天常渐刚偷静早高好乖整远默悄轻缓牢紧满呼哈嘻呵纷仅往每人个样处时日夜年月步层姐妹爸妈爷奶哥弟叔舅姑伯婆公宝太星谢看走玩逛尝想说试聊听吃"
    "喝拍抱亲笑哇呱咯嘎嘿咕汪喵滔死狠蹭噌咚啦呜嗷叽白明深久刷频连屡匆急忙细清淡浅暗暖冷热大长短等坐睡躺问念叨"
)
_END = r"(?=$|[^\w]|[和跟与在的说陪带]|一起|一道|同行|今年|来自|开车)"
_CALLED_ME = rf"(?:(?:我|俺|本人)的?(?:小?名字?)?就?叫做?|(?:名字|姓名|昵称|网名)[是叫:])\s?(?!{_NO_NAME})"
_CALLED_KIN = rf"(?:{_KIN})(?:名叫|叫做?|名字是|是)\s?(?!{_NO_NAME})"
_LATIN_NAME = r"[A-Z][\w'’-]{1,30}"
_NO_LATIN_NAME = (
    r"(?!(?:I|I'm|We|The|A|An|And|Is|Was|In|On|At|For|To|Who|When|Day|Days|Monday|Tuesday|Wednesday|Thursday|Friday"
    r"|Saturday|Sunday|January|February|March|April|May|June|July|August|September|October|November|December)\b)"
)
_KIN_EN = (
    "husband|wife|son|daughter|friend|brother|sister|mum|mom|mother|dad|father|boyfriend|girlfriend|partner|fiancée?|boy|girl"
    "|dog|cat|colleague|boss|cousin|uncle|aunt|grandma|grandpa|grandmother|grandfather|nephew|niece|neighbou?r|kid|baby"
)

_LATIN = (
    rf"\b(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof|Professor|Doctor|Sir|Madam|Captain|Uncle|Aunt|Auntie|Aunty|Grandma|Grandpa|Granny|Coach)\.?\s"
    rf"{_NO_LATIN_NAME}{_LATIN_NAME}(?:\s{_LATIN_NAME}){{0,2}}",
    r"(?i:\b(?:mr|mrs|ms)\.?\s[a-z'’-]{2,30})",
    rf"\b(?:[Mm]y|[Oo]ur)\s(?:{_KIN_EN})s?,?\s{_NO_LATIN_NAME}{_LATIN_NAME}(?:\s{_LATIN_NAME}){{0,2}}(?:(?:,?\sand|\s&)\s{_NO_LATIN_NAME}{_LATIN_NAME})?",
    rf"(?i:\b(?:my\s(?:full\s)?name(?:['’]?s|\sis)|i\sam\scalled|i['’]m\scalled))\s[\w'’-]{{1,30}}(?:\s{_LATIN_NAME}){{0,2}}",
    rf"\b[Cc]all\sme\s{_LATIN_NAME}(?:\s{_LATIN_NAME})?",
    rf"\bI(?:['’]m|\sam)\s{_NO_LATIN_NAME}{_LATIN_NAME}\s{_NO_LATIN_NAME}{_LATIN_NAME}",
    # Homes and places of work: their names begin with capitals.
    r"\b(?:[Mm]y|[Oo]ur)\s(?:home|house|flat|apartment|office|workplace|school|company)(?:\s(?:is|was))?\s(?:at|on|near|behind|opposite|by|next\sto)"
    r"\s(?:the\s)?(?:[A-Z\d][\w'’.-]{0,30}[\s,]{0,2}){1,6}",
    r"\b(?:[Ll]ived?|[Ll]ives|[Ww]orks?|[Ww]orked|[Ww]orking)\s(?:at|on|for)\s(?:the\s)?(?:[A-Z\d][\w'’.-]{0,30}[\s,]{0,2}){1,6}",
    r"\b(?:home|house|flat|apartment|office|live|lived|work|worked)(?:\sis)?\s(?:in|inside)\s(?:the\s)?(?:[A-Z][\w'’-]{0,30}\s){1,3}"
    r"(?:Gardens?|Court|Apartments?|Residences?|Estates?|Towers?|Mansions?|Plaza|Building|Heights|Village)\b",
)  # fmt: skip


#: Each with what is in doubt about its character of that name ("" when nothing is), and with words of which one must
#: stand in a text that it can match: compiling them all would cost each new process more than most texts are worth.
_CHINESE = (
    ("", _COMPOUND, rf"(?:{_COMPOUND}){_HAN}{{0,2}}?(?:{_TITLES}|{_SHORT_TITLES})"),
    ("titled", f"{_TITLES}|{_SHORT_TITLES}", rf"(?P<titled>{_HAN})(?:{_TITLES}|{_SHORT_TITLES})"),
    ("alone", _TITLES, rf"(?P<alone>{_HAN}){_HAN}{{1,2}}?(?:{_TITLES})"),
    ("beside", "小|老|阿", rf"(?:(?<![从大多渺弱幼最])小|(?<![古苍养敬年最])老|阿)(?P<beside>{_HAN})"),
    ("", "阿", r"阿(?:强|明|芳|珍|伟|军|刚|丽|敏|杰|玲|华|辉|健|勇|霞)(?![山勒坝里])"),
    (
        "",
        "叫|名字|姓名|昵称|网名",
        rf"{_CALLED_ME}(?:{_HAN}{{2,4}}(?=$|[^\w])|(?:{_COMPOUND}){_HAN}{{1,2}}|{_LATIN_NAME})",
    ),
    ("beside", "叫|名字|姓名|昵称|网名", rf"{_CALLED_ME}(?P<beside>{_HAN}){_HAN}{{1,2}}"),
    (
        "",
        "叫|名字|姓名|昵称|网名",
        rf"{_CALLED_KIN}(?:{_HAN}{{1,3}}(?=$|[^\w])|(?:{_COMPOUND}){_HAN}{{1,2}}|(?P<same>{_HAN})(?P=same))",
    ),
    ("beside", "叫|名字|姓名|昵称|网名", rf"{_CALLED_KIN}(?P<beside>{_HAN}){_HAN}{{1,2}}"),
    ("beside", _KIN, rf"(?:{_KIN})[\s,(]?(?P<beside>{_HAN}){_HAN}(?:{_HAN}{_END})?"),
    ("double", _KIN, rf"(?:{_KIN})[\s,(]?(?P<double>{_HAN})(?P=double)(?![地的]|(?P<next>{_HAN})(?P=next))"),
    ("beside", "我是|本人", rf"(?:我是|本人)(?P<beside>{_HAN}){_HAN}(?:(?!人|州人){_HAN})?(?=$|[^\w])"),
    ("beside", "一起|一道|同行|一块", rf"[和跟与同陪带]着?(?P<beside>{_HAN}){_HAN}{{1,2}}(?=一起|一道|同行|一块)"),
)


@cache
def _latin() -> re.Pattern[str]:
    return re.compile("|".join(_LATIN))


@cache
def _chinese() -> tuple[tuple[str, tuple[str, ...], str], ...]:
    return tuple((doubt, tuple(_plain_words(words)), pattern) for doubt, words, pattern in _CHINESE)


def _plain_words(pattern: str) -> Iterable[str]:
    """The fixed beginnings of the alternatives of a pattern."""
    return dict.fromkeys(re.split(r"[(\[]", word)[0] for word in re.sub(r"\(\?![^)]*\)", "", pattern).split("|"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def names_in(text: str) -> Iterable[tuple[int, int]]:
    """Where names of persons stand in `text`, with what tells that they are names; look-alikes are folded already."""
    if not text.isascii():
        for doubt, words, pattern in _chinese():
            if any(word in text for word in words):
                yield from _chinese_names(doubt, _compiled(pattern), text)
    # Most texts of owners hold no Latin letter at all.
    if text.upper() != text.lower():
        for found in _latin().finditer(text):
            yield found.span()


def may_begin_with_name(text: str) -> bool:
    """Whether `text` begins with a Chinese surname: for names that people choose, where nothing else tells."""
    if re.match(rf"(?:{_COMPOUND}){_HAN}", text):
        return True
    surname = _surnames().get(text[:1])
    return surname is not None and surname.alone and text[1:2] not in surname.not_before


def _chinese_names(doubt: str, pattern: re.Pattern[str], text: str) -> Iterable[tuple[int, int]]:
    place = 0
    while found := pattern.search(text, place):
        if not doubt or _is_name(doubt, text, found):
            yield found.span()
            place = found.end()
        else:
            place = found.start() + 1


def _is_name(doubt: str, text: str, found: re.Match[str]) -> bool:
    """Whether the character in doubt is a surname, and what stands around it lets it be one."""
    character, start, end = found[doubt], found.start(doubt), found.end(doubt)
    if doubt == "double":
        return character not in _DOUBLED
    surname = _surnames().get(character)
    if surname is None or (doubt != "titled" and not surname.alone):
        return False
    if doubt != "beside" and text[start - 1 : start] in surname.not_after:
        return False
    return doubt == "titled" or text[end : end + 1] not in surname.not_before


@dataclass(frozen=True, slots=True)
class _Surname:
    """A surname of one character, and the characters beside which it is none."""

    alone: bool
    not_after: frozenset[str]
    not_before: frozenset[str]


@cache
def _surnames() -> dict[str, _Surname]:
    _, *lines = (Path(__file__).parent / "data" / "surnames.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return {
        name: _Surname(counts == "alone", frozenset(before), frozenset(after)) for name, counts, before, after in rows
    }
