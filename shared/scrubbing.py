"""Taking out of a text what identifies people or places where they can be found.

Patterns are held against a folded copy of the text (`_FOLDS`), in which look-alike letters, digits of all scripts and
formal numerals are plain ones, and which is as long as the text itself; so what stays is what was written. Which
patterns there are stands in `shared.identifying` (numbers, handles, addresses) and `shared.personal_names`.
What is caught, and what can't be: ``docs/privacy.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from shared.identifying import HAN, IDENTIFYING
from shared.personal_names import names_in

#: Longest text of the owner that is passed on, in characters; a caption needs no more.
MAX_WORDS = 200

#: What is taken out may have stood between the halves of a number, so a text is looked at until nothing more is found.
#: Texts that need more looks than this are built to get something through, and nothing of them is passed on.
_LOOKS = 8

#: No text of a trip or of an answer is as long; nothing of a longer one is passed on, and it costs no time.
_LONGEST = 4000

#: Variation selectors, fillers and marks that are drawn over a character: `str.isprintable` lets them pass.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\ufe00-\ufe0e"
    "\ufe20-\ufe2f\U000e0100-\U000e01ef]|(?<![\u2000-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001ffff])\ufe0f"
)
#: What may stand between the characters of a name or a number that is spaced out.
_SPACING = frozenset(" \t.·•‧・-_*~|/\\")
#: Gaps beside a single Chinese character, which stands alone only when it is spaced out: 王 先 生.
_SPACED_HAN = re.compile(
    rf"(?<={HAN})(?<!{HAN}{HAN})[\s.·•・_*-]{{1,2}}(?={HAN})|(?<={HAN})[\s.·•・_*-]{{1,2}}(?={HAN}(?!{HAN}))"
)

_LOOKALIKES = {
    **dict(zip("АВЕЅІЈКМНОРСТУХԚԜавеѕіјкмнорстухԛԝгпӏ", "ABESIJKMHOPCTYXQWabesijkmhopctyxqwrnl", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεικνορτυχω", "ABEZHIKMNOPTYXabeiknoptuxw", strict=True)),
    **dict(zip("ıɑɡɩʟɴᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢøłđ", "iagilnacdejkmoptuvwzold", strict=True)),
    **dict(zip("❶❷❸❹❺❻❼❽❾➊➋➌➍➎➏➐➑➒➀➁➂➃➄➅➆➇➈⓵⓶⓷⓸⓹⓺⓻⓼⓽", "123456789" * 4, strict=True)),
    **dict.fromkeys("⓿🄌◯⚪", "0"),
    **{chr(0x1F170 + n): chr(0x41 + n) for n in range(26)},
    **{chr(0x1F150 + n): chr(0x41 + n) for n in range(26)},
    **{chr(0x1F130 + n): chr(0x41 + n) for n in range(26)},
    **dict(zip("壹贰叁肆伍陆柒捌玖貳參陸弌弍弎兩", "一二三四五六七八九二三六一二三两", strict=True)),
    **dict(zip("電話號碼車牌師總薇徽溦威維", "电话号码车牌师总微微微微微", strict=True)),
    "∶": ":",
    "˸": ":",
    "։": ":",
}


class _Fold(dict[int, str]):
    """A table for `str.translate` that grows by the characters it meets; each becomes exactly one character."""

    def __init__(self, *, lower: bool) -> None:
        self._lower = lower

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = _LOOKALIKES.get(character, character)
        if not plain.isascii():
            # Names of firms and people are written with accents, or without them.
            plain = plain if (digit := unicodedata.decimal(plain, None)) is None else str(digit)
            base = unicodedata.normalize("NFD", plain)[0]
            plain = base if base.isascii() else plain
        if self._lower and len(plain.lower()) == 1:
            plain = plain.lower()
        self[code] = plain
        return plain


_FOLDS = {False: _Fold(lower=False), True: _Fold(lower=True)}


def fold(text: str, *, lower: bool = True) -> str:
    """`text` with plain letters and digits in the place of their look-alikes, character for character."""
    return text.translate(_FOLDS[lower])


def visible(text: str) -> str:
    """`text` in NFKC, on one line, without control, direction, private, zero-width and overlaid characters."""
    plain = unicodedata.normalize("NFKC", text)
    if not plain.isprintable():
        plain = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in plain)
    if not plain.isascii():
        plain = _HIDDEN.sub("", plain)
    return " ".join(plain.split())


def scrub(text: str, own: Iterable[str] = ()) -> str:
    """`text` without what identifies people or where they live, on one line, at most `MAX_WORDS` characters, NFKC.

    `own` are strings known to be private, such as a team's name; they go however they are spaced, cased or widened.
    Total: never raises. Scrubbing twice changes nothing. A text built to get something through by being taken apart
    (more than `_LOOKS` layers) becomes "", as does one of more than `_LONGEST` characters. Takes linear time.
    """
    if len(text) > _LONGEST:
        return ""
    secrets = tuple(sorted({secret for each in own if len(secret := _compact(visible(each))[0]) > 1}, key=len))[::-1]
    for _ in range(_LOOKS):
        shorter = _scrubbed_once(text, secrets)
        if shorter == text:
            return text
        text = shorter
    return ""


def identifies(text: str) -> bool:
    """Whether `text` holds anything that `scrub` would take out; one that is too long for it does."""
    return len(text) > _LONGEST or any(True for _ in _spans(visible(text)))


def _scrubbed_once(text: str, secrets: tuple[str, ...]) -> str:
    shown = visible(text)
    if secrets:
        shown = visible(_without(shown, _secret_spans(shown, secrets)))
    return visible(_without(shown, _spans(shown)))[:MAX_WORDS].strip()


def _spans(shown: str) -> Iterable[tuple[int, int]]:
    yield from _spans_in(shown)
    if not shown.isascii() and _SPACED_HAN.search(shown):
        places = sorted(set(range(len(shown))).difference(*(range(*gap.span()) for gap in _SPACED_HAN.finditer(shown))))
        for first, last in _spans_in("".join([shown[place] for place in places])):
            yield places[first], places[last - 1] + 1


def _spans_in(shown: str) -> Iterable[tuple[int, int]]:
    for found in _identifying().finditer(fold(shown)):
        yield found.span()
    yield from names_in(fold(shown, lower=False))


@cache
def _identifying() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in IDENTIFYING))


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    kept, end = [], 0
    for first, last in sorted(spans):
        if last > end:
            kept.append(text[end : max(first, end)])
            end = last
    return " ".join([*kept, text[end:]]) if kept else text


def _compact(text: str) -> tuple[str, list[int]]:
    """The folded text without the characters that space it out, and where each of what is left stands."""
    folded = fold(text)
    places = [place for place, character in enumerate(folded) if character not in _SPACING]
    return "".join([folded[place] for place in places]), places


def _secret_spans(shown: str, secrets: tuple[str, ...]) -> Iterable[tuple[int, int]]:
    compact, places = _compact(shown)
    for secret in secrets:
        start = compact.find(secret)
        while start >= 0:
            end = start + len(secret)
            first, last = places[start], places[end - 1] + 1
            # A short Latin name stands inside many words.
            if len(secret) > 4 or not (_is_latin(shown[first - 1 : first]) or _is_latin(shown[last : last + 1])):
                yield first, last
            start = compact.find(secret, end)


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
