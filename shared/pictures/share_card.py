"""The share card: the picture with the trip's title below it, for sending outside the feed.

It is a picture of its own, so it carries a label of its own. What stands on it has passed the owner's consent before.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shared.pictures.mark import draw_mark

Bytes = NDArray[np.uint8]

#: GB 2312 and the names of the gazetteer: `fonts/README.md`.
_FONT = Path(__file__).parent / "fonts" / "card-subset.otf"
_PAPER, _INK, _SOFT, _ACCENT = (250, 248, 243), (34, 33, 30), (108, 103, 94), (200, 71, 47)
#: What stands there when a title has a character that the font has not: better plain than with boxes in it.
_NEUTRAL = {"zh": "我的旅途", "en": "My journey"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Sizes in shares of the card's width.
_PANEL, _MARGIN, _TITLE, _DETAIL = 0.345, 0.052, 0.054, 0.033
_TITLE_LINES = 2
#: Part of the last line that the label needs, in shares of the width.
_LABEL_SHARE = 0.27


@dataclass(frozen=True, slots=True)
class CardText:
    """What is written on the card. `cities` is empty unless the owner lets them be shown; `date` is ISO 8601 or empty;
    `distance_km` 0 is left out; `language` is ``zh`` or ``en``.
    """

    title: str
    cities: tuple[str, ...]
    date: str
    distance_km: int
    language: str


def draw_card(pixels: Bytes, text: CardText) -> Bytes:
    """The labelled share card (H', W, 3) of a picture (H, W, 3), sRGB: the picture, and a panel of paper below it."""
    width = pixels.shape[1]
    card = Image.new("RGB", (width, round(width * _PANEL)), _PAPER)
    draw = ImageDraw.Draw(card)
    margin = round(width * _MARGIN)
    _draw_title(draw, text, width, margin)
    detail = _font(round(width * _DETAIL))
    step = round(width * _DETAIL * 1.62)
    bottom = card.height - margin
    facts = " · ".join(part for part in (_day(text), _distance(text)) if part)
    room = round(width * (1 - _LABEL_SHARE)) - margin
    if facts:
        draw.text((margin, bottom), facts, _SOFT, detail, anchor="ls")
    route = _route(text.cities, detail, room)
    if route:
        draw.text((margin, bottom - (step if facts else 0)), route, _ACCENT, detail, anchor="ls")
    return draw_mark(np.concatenate([pixels, np.asarray(card)]))


def _draw_title(draw: ImageDraw.ImageDraw, text: CardText, width: int, margin: int) -> None:
    title = drawable(text.title) or _NEUTRAL.get(text.language, _NEUTRAL["zh"])
    size = round(width * _TITLE)
    font = _font(size)
    lines = _wrapped(title, font, width - 2 * margin)
    if len(lines) > _TITLE_LINES:
        lines = lines[:_TITLE_LINES]
        lines[-1] = _cut(lines[-1] + "…", font, width - 2 * margin)
    for number, line in enumerate(lines):
        draw.text((margin, margin + round(number * size * 1.35)), line, _INK, font, anchor="lt")


def drawable(text: str) -> str:
    """A text without its emoji; empty when it holds any other character that the font has not."""
    plain = "".join(each for each in unicodedata.normalize("NFC", text) if not _is_emoji(each))
    plain = " ".join(plain.split())
    return plain if all(_has(each) for each in plain) else ""


def _is_emoji(character: str) -> bool:
    # Symbols, joiners, variation selectors, skin tones and private use.
    return ord(character) > 0xFF and unicodedata.category(character) in ("So", "Sk", "Cf", "Mn", "Me", "Co", "Cn", "Cs")


def _route(cities: tuple[str, ...], font: ImageFont.FreeTypeFont, room: float) -> str:
    """The cities in order; those in the middle give way when they have no room, or no glyphs."""
    names = [city for city in cities if city and drawable(city) == city]
    for kept in range(len(names), 1, -1):
        shown = names if kept == len(names) else [*names[: kept // 2], "…", *names[len(names) - (kept - kept // 2) :]]
        line = " → ".join(shown)
        if font.getlength(line) <= room:
            return line
    return names[0] if len(names) == 1 and font.getlength(names[0]) <= room else ""


def _day(text: CardText) -> str:
    if not text.date:
        return ""
    day = dt.date.fromisoformat(text.date)
    if text.language == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def _distance(text: CardText) -> str:
    if not text.distance_km:
        return ""
    return f"{text.distance_km:,} km" if text.language == "en" else f"{text.distance_km} 公里"


def _wrapped(text: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Lines that fit: broken between words, and anywhere in Chinese, but never before closing punctuation."""
    lines, line = [], ""
    for word in _words(text):
        if font.getlength((line + word).rstrip()) <= room or not line:
            line += word
            continue
        lines.append(line.rstrip())
        line = word.lstrip()
    lines.append(line.rstrip())
    return [part for each in lines for part in _pieces(each, font, room)]


def _words(text: str) -> list[str]:
    words: list[str] = []
    for character in text:
        glued = character in "，。、；：？！）》」』】’”…" or (
            bool(words) and ord(character) < 0x2E80 and ord(words[-1][-1]) < 0x2E80 and words[-1][-1] != " "
        )
        if words and (glued or words[-1][-1] in "（《「『【‘“"):
            words[-1] += character
        else:
            words.append(character)
    return words


def _pieces(line: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """One word that is longer than the line is cut wherever the line ends."""
    pieces = []
    while font.getlength(line) > room:
        fits = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or font.getlength(line[:n]) <= room)
        pieces.append(line[:fits])
        line = line[fits:]
    return [*pieces, line]


def _cut(line: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    while font.getlength(line) > room and len(line) > 1:
        line = line[:-2].rstrip() + "…"
    return line


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONT), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _has(character: str) -> bool:
    """Whether the font has a glyph: what it has not is drawn as the one for what is missing."""
    font = _font(24)
    if character == " ":
        return True
    mask, missing = font.getmask(character), font.getmask("\U0010fffe")
    return (mask.size, bytes(mask)) != (missing.size, bytes(missing))
