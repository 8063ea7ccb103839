"""A graph as the queue is sent it: compact JSON without ``_meta``, with gaps where parameters go.

Encoded once; filling a gap is encoding one value. So a filled graph costs a few microseconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from shared.errors import InvalidInput
from shared.graphs.bindings import Parameter
from shared.graphs.node_types import InputType

_NUMBER: dict[str, tuple[type[float], ...]] = {"int": (int,), "float": (int, float)}
#: What no text of a graph needs: JSON writes each in six bytes, or not at all (half a surrogate pair).
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
#: UTF-8 needs up to four bytes for a character; quotes, backslashes and line ends are written in two.
_MOST_BYTES_PER_CHARACTER = 4
_MOST_BYTES_OF_INT, _MOST_BYTES_OF_FLOAT = 20, 24


class Gap(NamedTuple):
    """A place for one parameter, with everything that is known about its value before there is one.

    `low` and `high` are the tighter of the parameter's and the node's own bounds.
    """

    name: str
    kind: str
    default: str | int | float | bool | None
    low: float | None = None
    high: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()

    def encoded(self, value: Any) -> bytes:
        """`value` as JSON. Raises `InvalidInput`, naming the parameter."""
        if self.kind in _NUMBER:
            self._check_number(value)
        elif self.kind == "boolean":
            if not isinstance(value, bool):
                raise InvalidInput(self.name, "a value of type boolean")
        else:
            self._check_text(value)
        return msgspec.json.encode(value)

    def _check_number(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, _NUMBER[self.kind]) or not math.isfinite(value):
            raise InvalidInput(self.name, f"a value of type {self.kind}")
        if self.low is not None and value < self.low:
            raise InvalidInput(self.name, f"at least {self.low}")
        if self.high is not None and value > self.high:
            raise InvalidInput(self.name, f"at most {self.high}")

    def _check_text(self, value: Any) -> None:
        if not isinstance(value, str):
            raise InvalidInput(self.name, f"a value of type {self.kind}")
        if self.max_length is not None and len(value) > self.max_length:
            raise InvalidInput(self.name, f"at most {self.max_length} characters, got {len(value)}")
        if self.choices and value not in self.choices:
            raise InvalidInput(self.name, f"one of {', '.join(self.choices)}")
        if not value.isprintable() and _UNWRITABLE.search(value):
            raise InvalidInput(self.name, "a text without control characters")


class Template(NamedTuple):
    """`fixed` has one part more than there are `gaps`; they alternate."""

    fixed: tuple[bytes, ...]
    gaps: tuple[Gap, ...]

    def fill(self, values: Mapping[str, Any]) -> bytes:
        """The graph with `values` in its gaps. Raises `InvalidInput` for one that is missing or unfit."""
        parts = [self.fixed[0]]
        for gap, after in zip(self.gaps, self.fixed[1:], strict=True):
            value = values.get(gap.name)
            if value is None:
                value = gap.default
                if value is None:
                    raise InvalidInput(gap.name, "a value; it has no default")
            parts.append(gap.encoded(value))
            parts.append(after)
        return b"".join(parts)


def template_of(
    graph: Mapping[str, Any],
    parameters: Mapping[str, Parameter],
    declared: Mapping[tuple[str, str], InputType] | None = None,
) -> Template:
    """Compile `graph`; `declared` gives the nodes' own bounds for (node id, input)."""
    gaps = {
        (parameter.node, parameter.input): _gap(
            name, parameter, (declared or {}).get((parameter.node, parameter.input))
        )
        for name, parameter in parameters.items()
    }
    fixed, placed = [bytearray()], []
    for part in _parts(graph, gaps):
        if isinstance(part, Gap):
            placed.append(part)
            fixed.append(bytearray())
        else:
            fixed[-1] += part
    return Template(tuple(bytes(part) for part in fixed), tuple(placed))


def worst_bytes(graph: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> int:
    """How large the filled graph can get, in bytes, with the longest legal value of every parameter."""
    template = template_of(graph, parameters)
    return sum(map(len, template.fixed)) + sum(_longest(gap) for gap in template.gaps)


def _parts(graph: Mapping[str, Any], gaps: Mapping[tuple[str, str], Gap]) -> Iterator[bytes | Gap]:
    encode = msgspec.json.encode
    for number, (node_id, entry) in enumerate(graph.items()):
        yield (b"," if number else b"{") + encode(node_id) + b':{"class_type":' + encode(entry["class_type"])
        yield b',"inputs":{'
        for position, (name, value) in enumerate(entry["inputs"].items()):
            yield (b"," if position else b"") + encode(name) + b":"
            gap = gaps.get((node_id, name))
            yield encode(value) if gap is None else gap
        yield b"}}"
    yield b"}" if graph else b"{}"


def _gap(name: str, parameter: Parameter, declared: InputType | None) -> Gap:
    limits = declared.options if declared is not None and parameter.type in _NUMBER else {}
    lows = [bound for bound in (parameter.min, limits.get("min")) if bound is not None]
    highs = [bound for bound in (parameter.max, limits.get("max")) if bound is not None]
    return Gap(
        name,
        parameter.type,
        parameter.default,
        max(lows) if lows else None,
        min(highs) if highs else None,
        parameter.max_length,
        parameter.choices,
    )


def _longest(gap: Gap) -> int:
    if gap.choices:
        return max(len(msgspec.json.encode(choice)) for choice in gap.choices)
    if gap.kind == "int":
        bounds = [len(str(bound)) for bound in (gap.low, gap.high) if bound is not None]
        return max(bounds) if len(bounds) == 2 else _MOST_BYTES_OF_INT
    if gap.kind == "float":
        return _MOST_BYTES_OF_FLOAT
    if gap.kind == "boolean":
        return len("false")
    return len('""') + _MOST_BYTES_PER_CHARACTER * (gap.max_length or 0)
