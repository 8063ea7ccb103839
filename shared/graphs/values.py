"""One value of a graph, held against the input that it is for.

What a server makes of a value was seen on ComfyUI 0.3.64 and 0.12.1: it casts by ``int()``, ``float()``, ``str()``
and ``bool()``, then holds numbers against their range and choices against their list. It never looks at `step`.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from shared.graphs.findings import ERROR, WARNING, Code, Severity, listed, shown
from shared.graphs.node_types import COMBO, FILES_MARK, LITERAL_KINDS, InputType

#: severity, code, found, expected
Complaint = tuple[Severity, Code, str, str]

_DRIVE = re.compile(r"[A-Za-z]:")
_ANNOTATED = re.compile(r".*\[(input|output|temp)\]\s*")
_PLACEHOLDER = re.compile(r"%[^%/]+%")
#: What a server puts in for itself; the rest is the page's work, before it sends a graph.
_EXPANDED = frozenset(("%width%", "%height%", "%year%", "%month%", "%day%", "%hour%", "%minute%", "%second%"))


def complaints(declared: InputType, value: Any, linked_kinds: frozenset[str]) -> Iterator[Complaint]:
    """What is wrong with a literal `value` for the input `declared`.

    `linked_kinds` are the kinds that only links can carry.
    """
    if isinstance(value, dict) and "__value__" in value:
        # How the page sends a literal that is itself a list.
        value = value["__value__"]
    kinds = declared.kinds
    if declared.kind == COMBO:
        yield from _choice(declared, value)
    elif declared.kind in ("INT", "FLOAT"):
        yield from _number(declared, value)
    elif declared.kind == "BOOLEAN":
        if not isinstance(value, bool):
            yield WARNING, "coerced", shown(value), f"true or false; ComfyUI takes this for {str(bool(value)).lower()}"
    elif declared.kind == "STRING":
        if not isinstance(value, str):
            yield WARNING, "coerced", shown(value), "a text; ComfyUI writes this as one"
        elif declared.name == "filename_prefix":
            yield from _prefix(value)
    elif kinds & linked_kinds and not kinds & (LITERAL_KINDS | {"*"}):
        harmless = value is None and not declared.required
        yield (
            WARNING if harmless else ERROR,
            "literal_for_link",
            shown(value),
            f"a link to an output of {declared.kind}",
        )


def _number(declared: InputType, value: Any) -> Iterator[Complaint]:
    whole = declared.kind == "INT"
    kind = "a whole number" if whole else "a number"
    try:
        taken: int | float = int(value) if whole else float(value)
    except (TypeError, ValueError, OverflowError):
        yield ERROR, "invalid_input_type", shown(value), kind
        return
    if isinstance(value, (bool, str)) or (whole and taken != value):
        yield WARNING, "coerced", shown(value), f"{kind}; ComfyUI takes this for {taken}"
    if isinstance(taken, float) and math.isnan(taken):
        yield WARNING, "not_finite", "NaN", "a finite number; no JSON can carry it"
        return
    low, high, step = (declared.options.get(key) for key in ("min", "max", "step"))
    if low is not None and taken < low:
        yield ERROR, "value_smaller_than_min", shown(value), f"at least {low}"
    elif high is not None and taken > high:
        yield ERROR, "value_bigger_than_max", shown(value), f"at most {high}"
    elif isinstance(taken, float) and math.isinf(taken):
        yield WARNING, "not_finite", str(taken), "a finite number; no JSON can carry it"
    elif whole and isinstance(step, int) and step > 1 and (taken - (low or 0)) % step:
        yield WARNING, "off_step", shown(value), f"{low or 0} plus a multiple of {step}; ComfyUI cuts it without a word"


def _choice(declared: InputType, value: Any) -> Iterator[Complaint]:
    if declared.files and isinstance(value, str):
        wrong = _not_a_name(value) if declared.upload else _not_a_model(value)
        if wrong:
            yield ERROR, "path_for_file", shown(value), wrong
            return
    # A server looks for an upload itself: it may lie in a folder that the list leaves out.
    if declared.choices is None or declared.upload:
        if not isinstance(value, str):
            yield ERROR, "value_not_in_list", shown(value), "the name of a file"
    elif value not in declared.choices:
        expected = f"one of {listed(declared.choices)}" if declared.choices else "a file; there is none"
        # A class that marks a choice itself also judges it itself: it may take what is not in the list.
        severity: Severity = WARNING if FILES_MARK in declared.options else ERROR
        yield severity, "file_absent" if declared.files else "value_not_in_list", shown(value), expected


def _not_a_name(value: str) -> str:
    if not value.strip() or "/" in value or "\\" in value or value in (".", "..") or "\0" in value:
        return "the plain name of a file in the server's input folder"
    if _ANNOTATED.fullmatch(value):
        return "a file of the input folder, without [input], [output] or [temp]"
    return ""


def _not_a_model(value: str) -> str:
    parts = value.split("/")
    if "\\" in value or "\0" in value or _DRIVE.match(value) or any(part in ("", ".", "..") for part in parts):
        return "a file below its model folder, with / between folders"
    return ""


def _prefix(value: str) -> Iterator[Complaint]:
    path = value.replace("\\", "/")
    normal = posixpath.normpath(path)
    if path.startswith("/") or _DRIVE.match(path) or normal.split("/")[0] == ".." or "\0" in path:
        yield ERROR, "prefix_leaves_output", shown(value), "a place below the server's output folder"
        return
    for placeholder in _PLACEHOLDER.findall(value):
        if placeholder == "%batch_num%":
            yield (
                ERROR,
                "prefix_overwrites",
                placeholder,
                "no %batch_num%: with it every run overwrites the last one's file",
            )
        elif placeholder not in _EXPANDED:
            yield ERROR, "prefix_not_expanded", placeholder, "no placeholder that only the page puts values in for"
