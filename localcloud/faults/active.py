"""The rules of one running service: which call meets which, and how often that happened.

Whether the n-th matching call of a rule is struck depends on the seed, the service, the rule's number and n alone: not
on time, on other rules, or on the calls that did not match.
"""

from __future__ import annotations

import fnmatch
import hashlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from localcloud.faults.rules import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.faults.rules import Fault, Rule

_log = logging.getLogger("localcloud.faults")

#: What a WebSocket handshake can meet: an answer in place of the handshake, or none.
_ON_HANDSHAKES = ("status", "reset")


@dataclass(slots=True)
class _Counted:
    """A rule at work; `number` is its place in the plan, whatever service it is for."""

    number: int
    rule: Rule
    call: re.Pattern[str]
    query: re.Pattern[str]
    matched: int = 0
    struck: int = 0


class ActiveRules:
    """The rules of `service`, with their counts. Not thread-safe: it belongs to the service's event loop."""

    def __init__(self, service: str, plan: Plan | None = None) -> None:
        self.service = service
        self.replace(plan or Plan())

    def replace(self, plan: Plan) -> None:
        """Put `plan` in the place of all rules; counts begin anew."""
        self._seed = plan.seed
        self._counted = [
            _Counted(number, rule, _compiled(rule.call), _compiled(rule.query))
            for number, rule in enumerate(plan.rules)
            if rule.concerns(self.service)
        ]

    @property
    def is_empty(self) -> bool:
        """Whether no rule is for this service."""
        return not self._counted

    def listing(self) -> dict[str, Any]:
        """The rules of this service as JSON values, each with its number in the plan, `matched` and `struck`."""
        rules = [
            {
                "number": counted.number,
                **msgspec.to_builtins(counted.rule),
                "matched": counted.matched,
                "struck": counted.struck,
            }
            for counted in self._counted
        ]
        return {"service": self.service, "seed": self._seed, "rules": rules}

    def met_by(self, method: str, path: str, query: str, *, is_handshake: bool = False) -> Fault | None:
        """The fault that this request meets. Every rule that matches counts it; the first that strikes is met."""
        met: _Counted | None = None
        for counted in self._matching(f"{method} {path}", query):
            rule = counted.rule
            if rule.do == "kill" or (is_handshake and (rule.after_effect or rule.do not in _ON_HANDSHAKES)):
                continue
            if self._strikes(counted) and met is None:
                met = counted
        if met is None:
            return None
        self._note(met, method)
        return met.rule

    def moment_of_death(self, function: str) -> float | None:
        """In how many seconds the process of this invocation is to be killed; None lets it live."""
        met: _Counted | None = None
        for counted in self._matching(f"INVOKE /{function}", ""):
            if counted.rule.do == "kill" and self._strikes(counted) and met is None:
                met = counted
        if met is None:
            return None
        self._note(met, "INVOKE")
        return (met.rule.seconds or 0.0) * self._chance(met, "moment")

    def _matching(self, call: str, query: str) -> Iterator[_Counted]:
        return (counted for counted in self._counted if counted.call.match(call) and counted.query.match(query))

    def _strikes(self, counted: _Counted) -> bool:
        """Count a call that matches; whether it is struck."""
        counted.matched += 1
        rule = counted.rule
        if counted.matched <= rule.skip or (rule.times and counted.struck >= rule.times):
            return False
        return self._chance(counted, "strike") < rule.probability

    def _chance(self, counted: _Counted, purpose: str) -> float:
        """A number in [0, 1) that belongs to the latest matching call of this rule."""
        drawn = f"{self._seed}/{self.service}/{counted.number}/{counted.matched}/{purpose}".encode()
        return int.from_bytes(hashlib.blake2b(drawn, digest_size=8).digest(), "big") / 2**64

    def _note(self, counted: _Counted, method: str) -> None:
        counted.struck += 1
        when = " after the effect" if counted.rule.after_effect else ""
        _log.info("rule %d strikes %s %s: %s%s", counted.number, self.service, method, counted.rule.do, when)


def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(glob))
