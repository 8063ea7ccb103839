"""How risky a text or a picture is here: a short list of words, and rules that a person sets. No model looks at it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec

Level = Literal["high", "medium", "low"]

#: From the most to the least risky, as the service names them.
LEVELS = ("high", "medium", "low", "none")

#: The words that are risky to every text service, with the service's own label for their kind.
WORDS: dict[tuple[Level, str], tuple[str, ...]] = {
    ("high", "contraband_drug"): ("毒品", "冰毒", "海洛因", "cocaine"),
    ("high", "contraband_gun"): ("枪支", "军火", "buy a gun"),
    ("medium", "contraband_gambling"): ("赌博", "博彩", "赌场", "casino"),
    ("medium", "inappropriate_profanity"): ("傻逼", "滚蛋", "bastard"),
    ("low", "pt_to_contact"): ("加微信", "加我好友", "add me on"),
    ("low", "pt_to_sales"): ("优惠券", "代购", "coupon"),
}

#: What a picture is labelled when a rule does not say.
_PICTURE_LABELS = {"high": "violent_explosion", "medium": "sexual_partialNudity", "low": "pt_qrCode"}
_SPACES = re.compile(r"\s+")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person's order: what `service` (a glob) says of the next `times` contents that hold `contains` (0: of all).

    `contains` is for texts; a picture holds none. `label` is by default one that goes with the level.
    """

    service: str
    level: Level
    contains: str = ""
    label: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]{0,64}$")] = ""
    times: Annotated[int, msgspec.Meta(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found; `words` are those of a text."""

    level: Level
    label: str
    words: tuple[str, ...] = ()


class Rules:
    """The rules in their order. They are kept in memory: a service that starts has none."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._left: list[int] = []

    def replace(self, rules: list[Rule]) -> None:
        """Set `rules` in place of all others."""
        self._rules, self._left = list(rules), [rule.times for rule in rules]

    def listing(self) -> list[dict[str, object]]:
        """The rules as JSON, with how often each will still be met (0: without end)."""
        return [{**msgspec.to_builtins(rule), "left": left} for rule, left in zip(self._rules, self._left, strict=True)]

    def of_text(self, service: str, text: str) -> list[Hit]:
        """What a text service finds, the riskiest first."""
        folded = _folded(text)
        hits = [
            Hit(level, label, found)
            for (level, label), words in WORDS.items()
            if (found := tuple(word for word in words if _folded(word) in folded))
        ]
        ordered = self._ordered(service, folded)
        if ordered is not None:
            hits.append(Hit(ordered.level, ordered.label or "customized", (ordered.contains,)))
        return sorted(hits, key=lambda hit: LEVELS.index(hit.level))

    def of_picture(self, service: str) -> list[Hit]:
        """What a picture service finds: what a rule orders."""
        ordered = self._ordered(service, None)
        return [] if ordered is None else [Hit(ordered.level, ordered.label or _PICTURE_LABELS[ordered.level])]

    def _ordered(self, service: str, folded: str | None) -> Rule | None:
        for number, rule in enumerate(self._rules):
            spent = rule.times and not self._left[number]
            holds = not rule.contains if folded is None else _folded(rule.contains) in folded
            if spent or not holds or not fnmatchcase(service, rule.service):
                continue
            self._left[number] = max(0, self._left[number] - 1)
            return rule
        return None


def _folded(text: str) -> str:
    """`text` without its spaces, case and width, so that 毒 品 is found as well."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text).casefold())
