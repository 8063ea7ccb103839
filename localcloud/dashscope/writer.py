"""The stand-in for qwen: the template writer behind DashScope's wire format.

It can do one thing, describe a trip. It reads back what this product's own messages carry (the facts between
``<trip_facts>`` and ``</trip_facts>``, the line ``Style: <id>``), and answers the JSON of a brief. In any other
conversation it takes what it finds of places, weather, dates and moods for a trip and answers a painting prompt.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shared.errors import InvalidInput
from shared.facts import TripFacts, facts_of, from_json
from shared.prompts import FACTS_CLOSE, FACTS_OPEN
from shared.styles import Style, choose_style, load_styles
from shared.template_writer import write_brief
from shared.trips import Car, Consent, Stop, Team, Trip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.dashscope.wire import Message

_STYLES = Path(__file__).parents[2] / "workflows" / "styles"

_FACTS = re.compile(rf"{FACTS_OPEN}\s*(.*?)\s*{FACTS_CLOSE}", re.DOTALL)
_STYLE = re.compile(r"^Style:\s*([a-z][a-z0-9_]*)\s*$", re.MULTILINE)
#: A line such as ``- 起点天气:晴天``.
_LINE = re.compile(r"^[\s\-*]*([^:：\n]{2,12})[:：][ \t]*(.*)$", re.MULTILINE)
_DATE = re.compile(r"(\d{4})[/年-](\d{1,2})[/月-](\d{1,2})日?\s*(上午|下午)?\s*(?:(\d{1,2})[:：](\d{2}))?")
_MONTHS = {"春": 4, "夏": 7, "秋": 10, "冬": 1, "spring": 4, "summer": 7, "autumn": 10, "winter": 1}
_HOURS = {"夜": 21, "night": 21, "黄昏": 18, "傍晚": 18, "日落": 18, "dusk": 18, "清晨": 6, "日出": 6, "dawn": 6}
_CHINA = timezone(timedelta(hours=8))


class Writer:
    """Answers conversations; the same conversation gets the same answer."""

    def __init__(self, styles_folder: Path = _STYLES) -> None:
        self._styles = load_styles(styles_folder)

    def reply(self, messages: Sequence[Message], *, as_json: bool) -> str:
        """The answer to `messages`: the JSON of a brief if its facts or `as_json` ask for one, else a prompt."""
        asked = [message.text for message in messages if message.role == "user"]
        told = "\n".join(message.text for message in messages)
        facts = _carried_facts(asked)
        trip = facts or _guessed_facts(asked[-1])
        brief = write_brief(trip, self._style(told, trip), seed=zlib.crc32("\n".join(asked).encode()))
        if facts or as_json:
            return msgspec.json.encode(brief).decode()
        return brief.painting_prompt

    def _style(self, told: str, facts: TripFacts) -> Style:
        named = _STYLE.search(told)
        if named and named[1] in self._styles:
            return self._styles[named[1]]
        for style in self._styles.values():
            if style.name_zh in told or style.name_en.lower() in told.lower():
                return style
        return choose_style(facts, self._styles)


def _carried_facts(asked: Sequence[str]) -> TripFacts | None:
    """The facts of the latest message that carries any: a later one may only ask to mend the answer."""
    for text in reversed(asked):
        found = _FACTS.search(text)
        if found:
            try:
                return from_json(found[1])
            except InvalidInput:
                return None
    return None


def _guessed_facts(text: str) -> TripFacts:
    """Facts from free words, by way of a made-up trip whose fields hold what the lines of `text` seem to say."""
    lines = {key.strip(): value.strip() for key, value in _LINE.findall(text)}
    dates = [_moment(match) for match in _DATE.finditer(text)]
    ended_at = dates[-1] if dates else _worded_moment(text)
    # Without lines, the whole text is where a place, and perhaps the weather, may be found.
    start = lines.get("起点", text[:300])
    team = re.search(r"(\d+)\s*人", lines.get("组队信息", ""))
    distance = re.search(r"\d+(?:\.\d+)?", lines.get("公里数", ""))
    return facts_of(
        Trip(
            trip_id="conversation",
            started_at=min(dates[0], ended_at) if dates else ended_at,
            ended_at=ended_at,
            start=Stop(address=start[:300], weather=lines.get("起点天气", text)[:40]),
            end=Stop(address=lines.get("终点", "")[:300], weather=lines.get("终点天气", "")[:40]),
            consent=Consent(process=True, publish=False),
            emoji=lines.get("用户标记emoji", "")[:32],
            text=lines.get("用户文字", "" if lines else text)[:500],
            distance_km=float(distance[0]) if distance else 0.0,
            via_cities=tuple((lines.get("途径城市") or lines.get("途经城市") or "").split()[:50]),
            team=Team(size=max(1, min(1000, int(team[1])))) if team else None,
            car=Car(description=lines.get("车辆信息", "")[:80]),
        )
    )


def _moment(match: re.Match[str]) -> datetime:
    year, month, day, half, hour, minute = match.groups()
    hours = int(hour or 12) % 24
    if half:
        hours = hours % 12 + (12 if half == "下午" else 0)
    try:
        return datetime(int(year), int(month), int(day), hours, int(minute or 0), tzinfo=_CHINA)
    except ValueError:
        return datetime.now(_CHINA)


def _worded_moment(text: str) -> datetime:
    """A moment of this year that fits the words for season and part of day; today, in the morning, without any."""
    words = text.lower()
    moment = datetime.now(_CHINA)
    month = next((month for word, month in _MONTHS.items() if word in words), moment.month)
    hour = next((hour for word, hour in _HOURS.items() if word in words), 10)
    return moment.replace(month=month, day=15, hour=hour, minute=0)
