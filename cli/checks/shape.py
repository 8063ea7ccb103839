"""The shape that a value of the file must have, written down as values, and what differs from it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli.findings import Finding


@dataclass(frozen=True, slots=True)
class Text:
    """Text that `pattern` matches in full, or one of `choices`; `like` shows a reader what is meant."""

    pattern: str = r"(?s).*"
    like: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, both included, in steps of `step`; whole if the step is."""

    low: float
    high: float
    step: float = 1


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Some:
    """A list of `of`, with at most so many entries."""

    of: Shape
    at_most: int = 1000


@dataclass(frozen=True, slots=True)
class Keys:
    """A map of these keys, of which `required` must be there; any other is a mistake.

    `instead` is a text that may stand in the map's place.
    """

    of: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """A map of names that `names` matches to texts."""

    names: str


Shape = Text | Number | Flag | Some | Keys | Texts


def differences(value: object, shape: Shape, place: str) -> Iterator[Finding]:
    """Everything in which `value` differs from `shape`; values are never repeated, for one may be a secret."""
    if isinstance(shape, Keys):
        yield from _of_keys(value, shape, place)
    elif isinstance(shape, Some):
        if not isinstance(value, list):
            yield Finding("not a list", place, "begin each entry with a dash")
            return
        if len(value) > shape.at_most:
            yield Finding(f"{len(value)} entries", place, f"at most {shape.at_most} are taken")
        for index, each in enumerate(value):
            yield from differences(each, shape.of, f"{place}[{index}]")
    elif isinstance(shape, Texts):
        yield from _of_texts(value, shape, place)
    elif (remedy := _wrong(value, shape)) is not None:
        yield Finding("not what is taken here", place, remedy)


def _of_keys(value: object, shape: Keys, place: str) -> Iterator[Finding]:
    if shape.instead and value == shape.instead:
        return
    if not isinstance(value, dict):
        instead = f", or {shape.instead}" if shape.instead else ""
        yield Finding("not a map", place, f"give it keys of {', '.join(shape.of)}{instead}")
        return
    for name in shape.required:
        if name not in value:
            yield Finding(f"without {name}", place, "it is required")
    for name, each in value.items():
        if name in shape.of:
            yield from differences(each, shape.of[name], f"{place}.{name}")
        else:
            near = difflib.get_close_matches(str(name), shape.of, 1)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(shape.of)}"
            yield Finding("not a known property", f"{place}.{name}", remedy)


def _of_texts(value: object, shape: Texts, place: str) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield Finding("not a map", place, "give it names with texts")
        return
    for name, each in value.items():
        if not re.fullmatch(shape.names, str(name)):
            yield Finding("not a name that is taken", f"{place}.{name}", f"names match {shape.names}")
        if not isinstance(each, str):
            yield Finding(f"not text but {type(each).__name__}", f"{place}.{name}", "put it in quotes")


def _wrong(value: object, shape: Text | Number | Flag) -> str | None:
    """What is expected, if `value` is not that."""
    if isinstance(shape, Flag):
        return None if isinstance(value, bool) else "write true or false"
    if isinstance(shape, Number):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and shape.low <= value <= shape.high
        if fits and abs(float(value) / shape.step - round(float(value) / shape.step)) < 1e-6:  # type: ignore[arg-type]
            return None
        return f"a number from {shape.low:g} to {shape.high:g}, in steps of {shape.step:g}, is"
    if not isinstance(value, str):
        return f"text is, not {type(value).__name__}; put it in quotes"
    if shape.choices:
        return None if value in shape.choices else f"one of {', '.join(shape.choices)} is"
    return None if re.fullmatch(shape.pattern, value) else f"text like {shape.like or shape.pattern} is"
