"""What a text that a model wrote may say, before it is painted or published. Pure.

A model repeats what it was told, and it may have been told to say anything. So each text of an answer is held against
lists of what it must not hold; that what is left is decent, is for moderation to say.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from shared.identifying import HAN
from shared.personal_names import may_begin_with_name
from shared.scrubbing import fold, identifies, scrub, visible

_LATIN = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
#: Letters of the two languages, digits, the punctuation of plain sentences, and pictographs.
_CHARACTERS = re.compile(
    rf"(?:{HAN}|[{_LATIN}0-9 ,.!?;:'\"()&%+/#~°℃×’‘“”…—–·・，。！？、；：（）《》〈〉「」『』【】～〜〇-]"
    "|[\u2600-\u27bf\u2b50\U0001f300-\U0001faff]\ufe0f?)*"
)
_URL = re.compile(
    r"https?:|www\.|(?<![\w-])[\w-]{1,63}\.(?:com|cn|net|org|io|top|xyz|cc|me|app|co|link|info|shop|vip|tv)\b"
)
_LONG_NUMBER = re.compile(r"\d[\d\s-]{5,}\d")

#: What asks the reader of a post to do something, for folded text.
_TO_THE_READER = re.compile(
    r"扫(?:一?扫|码|描)|二维码|加(?:我|个|一?下)?(?:微信|v信?|vx|wx|qq|扣扣|群|好友|关注)|点(?:击|开链接|我头像)"
    r"|戳(?:链接|我|这里)|链接|私(?:信|聊|我)"
    r"|(?:求|来|请|快|记得)?关注(?:我|公众号|账号|一下|本号|主页)|求关注|转发|点赞|一键三连|双击|收藏本|评论区"
    r"|直播间|下单|购买|抢购|秒杀|优惠|折扣|领取|红包|免费领|促销|团购"
    r"|代购|咨询|客服|联系(?:我|方式|电话|作者)|致电|拨打|打电话|来电|热线|搜索|下载|注册|报名|投票|众筹|转账|打款"
    r"|汇款|贷款|兼职|招聘"
    r"|\bfollow (?:me|us|my|our|for|@)|\bdm\b|\bdirect message|\bscan\b|\bqr\b|\bcall (?:me|us|now|today)\b"
    r"|\bclick\b|\btap (?:here|the|to|below)|\blink in\b|\bsubscribe"
    r"|\bsign up|\bdownload|\b(?:buy|order|book|shop|visit us|apply|register|donate) (?:now|here|today|it|this"
    r"|yours|at)\b|\b(?:promo|discount|coupon|voucher)|\d% off"
    r"|\btext me|\bmessage (?:me|us)|\bcontact (?:me|us)|\bjoin (?:us|my|our|the group|now)|\bvisit (?:our|my|www)"
    r"|\blike and share|\bshare this|\bcomment below|\bswipe up|\bgiveaway"
    r"|\bsend (?:me|us|money)|\bfor sale|\bhotline|\bwhats ?app|\btelegram",
)
#: What tells of the question, of the model, or of a try to steer it, for folded text.
_ABOUT_THE_QUESTION = re.compile(
    r"忽略(?:以上|上面|上述|之前|前面|所有|一切|先前)|(?:系统|初始)?提示词|系统(?:提示|指令|消息)|以上(?:指令|内容)"
    r"|越狱|开发者模式|管理员模式|作为(?:一个|一名)?(?:ai|人工智能|语言模型|助手)|语言模型|我无法(?:满足|完成|提供)"
    r"|抱歉[,，]?我|trip_?facts|painting_?prompt"
    r"|\b(?:ignore|disregard|forget|override) (?:all|any|the|your|every|previous|prior|above|everything"
    r"|instructions)|system (?:prompt|message|override|instruction)|\binstructions?\b|\bjailbreak|\bdeveloper mode"
    r"|\bas an ai\b|\blanguage model|\bi(?:'m| am) sorry|\bi can(?:no|')t (?:help|assist|comply)"
    r"|\bassistant\b|\btool_call|\bfunction_call|\bapi[ _]?key|\bpassword|\bbase64\b|[a-z0-9]{26}"
    r"|\bstyle's wording|\bskip the rules|\btranslate the|\balt[ _]text|\bpwned\b|\bhacked\b|\bdan mode|^(?:system"
    r"|user|assistant|human)\s*:|密码|密钥|口令|root权限|sudo\b|rm -rf|drop table|<script",
)
_WORD = re.compile(r"[a-z0-9]+")
_HAN_RUN = re.compile(f"{HAN}+")
_BESIDE_A_CAR = re.compile(
    r"汽车|轿车|跑车|越野|车主|新车|座驾|车型|suv|\bcars?\b|\bsedans?\b|\bmotors?\b|\bdealers?\b|\bdriver's\b"
    r"|\bpickup\b|\bdriving a\b"
)
#: How far from a brand's name a word for a car makes it one, in characters.
_NEARBY = 8


def fault_in(text: str, language: str, *, own_car: str = "") -> str:
    """What was expected of `text` instead; "" when nothing is wrong with it.

    `language` is "zh" or "en"; tokens such as ``{CITY}`` have been taken out before. `own_car` is the model of the
    trip's own car, which may be named.
    """
    folded = " ".join(fold(visible(text)).split())
    if _URL.search(folded):
        return "no address of a page"
    if _LONG_NUMBER.search(folded) or identifies(text):
        return "no phone number, plate, name, handle, address or other thing that identifies someone"
    if not _CHARACTERS.fullmatch(text):
        return "letters, digits, plain punctuation and pictographs only"
    if _TO_THE_READER.search(folded):
        return "nothing that asks the reader to do something"
    if _ABOUT_THE_QUESTION.search(folded):
        return "nothing about instructions, models or passwords"
    if brand_in(text, own_car=own_car):
        return "no name of a brand"
    if not _is_in(text, language):
        return "Chinese" if language == "zh" else "English"
    return ""


def is_showable_name(name: str) -> bool:
    """Whether moderation may be asked to let a team's name stand in a post.

    It is plain `visible` text, without digits, by which people are reached, does not begin as a person's name does, and
    says nothing that a model may not write.
    """
    is_plain = name == visible(name) and not any(map(str.isdigit, name)) and scrub(name) == name
    return is_plain and not may_begin_with_name(name) and not fault_in(name, "zh" if re.search(HAN, name) else "en")


def _is_in(text: str, language: str) -> bool:
    """Whether a text is mostly in a language; a Chinese character counts as much as a Latin word."""
    chinese = sum(len(run) for run in _HAN_RUN.findall(text))
    latin = len(re.findall(rf"[{_LATIN}]+", text))
    return chinese >= latin if language == "zh" else chinese == 0


def brand_in(text: str, *, own_car: str = "") -> bool:
    """Whether `text` names a car maker, or a firm known to everybody, of ``shared/data/brands.tsv``.

    Names that are ordinary words too (大众, 长城, lotus) count beside a word for a car only.
    """
    # Closed up, so that 特 斯 拉 is found; Latin words stay apart.
    folded = re.sub(rf"(?<={HAN})[\s.·・-]+(?={HAN})", "", fold(visible(text)))
    alone, beside, longest = _brands()
    for name, start, end in _candidates(folded, longest):
        if name == own_car.replace("-", "").replace("_", ""):
            continue
        if name in alone or (name in beside and _BESIDE_A_CAR.search(folded[max(start - _NEARBY, 0) : end + _NEARBY])):
            return True
    return False


def _candidates(folded: str, longest: int) -> list[tuple[str, int, int]]:
    """Every run of one to three Latin words, and of two to `longest` characters with a Chinese one."""
    words = list(_WORD.finditer(folded))
    found = [
        ("".join(word[0] for word in words[first:last]), words[first].start(), words[last - 1].end())
        for first in range(len(words))
        for last in range(first + 1, min(first + 3, len(words)) + 1)
    ]
    for run in _HAN_RUN.finditer(folded):
        found += [
            (run[0][first : first + length], run.start() + first, run.start() + first + length)
            for first in range(len(run[0]))
            for length in range(2, longest + 1)
        ]
    return found


@cache
def _brands() -> tuple[frozenset[str], frozenset[str], int]:
    _, *lines = (Path(__file__).parent / "data" / "brands.tsv").read_text("utf-8").splitlines()
    rows = [(re.sub(rf"[^a-z0-9{HAN[1:-1]}]", "", fold(visible(name))), counts) for name, counts in map(_row, lines)]
    names = {kind: frozenset(name for name, counts in rows if counts == kind) for kind in ("alone", "beside a car")}
    longest = max(len(name) for name, _ in rows if not name.isascii())
    return names["alone"], names["beside a car"], longest


def _row(line: str) -> tuple[str, str]:
    name, counts = line.split("\t")
    return name, counts
