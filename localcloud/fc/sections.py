"""Reading one map of a configuration file strictly: every mistake is an error that names its place."""

from __future__ import annotations

import re
from typing import Any, NoReturn


class DeploymentError(ValueError):
    """The file can't be deployed; `place` is the path inside it (``resources.trip_completed.props.runtime``)."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


_ANY_TEXT = re.compile(r"(?s).*")


class Section:
    """A map of the file and the path to it; every reader raises `DeploymentError` with the path of what it read."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise DeploymentError(place, "must be a map")
        self.items: dict[str, Any] = value
        self.place = place

    def fail(self, name: str, problem: str) -> NoReturn:
        """Raise `DeploymentError` for the entry `name`."""
        raise DeploymentError(f"{self.place}.{name}", problem)

    def allow(self, *names: str) -> None:
        """Fail at the first entry that is none of `names`."""
        for name in self.items:
            if name not in names:
                self.fail(str(name), "not a known property")

    def section(self, name: str, place: str | None = None) -> Section:
        """The map under `name`, empty if absent; `place` replaces its path in messages."""
        return Section(self.items.get(name, {}), place or f"{self.place}.{name}")

    def text(self, name: str, pattern: re.Pattern[str] = _ANY_TEXT, *, default: str | None = None) -> str:
        """Text that `pattern` matches in full; required if there is no `default`."""
        value = self.items.get(name, default)
        if value is None:
            self.fail(name, "required, but missing")
        if not isinstance(value, str):
            self.fail(name, f"must be text, got {type(value).__name__}; put it in quotes")
        if not pattern.fullmatch(value):
            self.fail(name, f"does not match {pattern.pattern}")
        return str(value)

    def choice(self, name: str, choices: tuple[str, ...], *, default: str | None = None) -> str:
        """One of `choices`; required if there is no `default`."""
        value = self.text(name, default=default)
        if value not in choices:
            self.fail(name, f"must be one of {', '.join(choices)}; got {value!r}")
        return value

    def integer(self, name: str, low: int, high: int, *, default: int) -> int:
        """A whole number from `low` to `high`, both included."""
        if name not in self.items:
            return default
        value = self.items[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(name, f"must be a whole number between {low} and {high}")
        return int(value)

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """True or false; required if there is no `default`."""
        value = self.items.get(name, default)
        if not isinstance(value, bool):
            self.fail(name, "must be true or false")
        return bool(value)
