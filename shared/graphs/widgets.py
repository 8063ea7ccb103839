"""The values that ComfyUI's editor keeps in a node, by name.

A saved graph holds a node's values as a bare list, in the order of the node's widgets. Which widgets a node has, and
what the editor does to a value before it sends it, is the front end's own knowledge; these are its rules, seen on
comfyui-frontend-package 1.27.10 to 1.58.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shared.errors import InvalidInput
from shared.graphs.dynamic_inputs import AUTOGROW, DYNAMIC_COMBO
from shared.graphs.node_types import COMBO, InputType, NodeType, input_type

_WIDGET_KINDS = frozenset(("INT", "FLOAT", "STRING", "BOOLEAN", COMBO, "MARKDOWN", "TEXTAREA", "COLOR", DYNAMIC_COMBO))
_SEED_NAMES = ("seed", "noise_seed")
#: Classes whose ``filename_prefix`` the editor expands before it sends it.
_SAVING = frozenset(
    ("SaveImage", "SaveVideo", "SaveAnimatedWEBP", "SaveWEBM", "SaveAudio", "SaveGLB", "SaveAnimatedPNG", "CLIPSave")
) | {"VAESave", "ModelSave", "LoraSave", "SaveLatent"}
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n\r\u2028\u2029]*", re.DOTALL)
_PLACEHOLDER = re.compile(r"%([^%]+)%")
_NOT_IN_FILE_NAMES = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_NOTHING = object()


def is_linked_only(declared: InputType) -> bool:
    """Whether the editor shows this input as a mere slot, without a value of its own."""
    forced = declared.options.get("forceInput") or (not declared.required and declared.options.get("defaultInput"))
    return bool(forced) or _widget_kind(declared) not in _WIDGET_KINDS


def _widget_kind(declared: InputType) -> str:
    return str(declared.options.get("widgetType") or declared.kind)


def inputs_of_choice(declared: InputType, chosen: Any) -> list[InputType]:
    """The inputs that a choice brings, as ``<choice>.<name>``."""
    found = []
    for option in declared.options.get("options") or ():
        if option.get("key") == chosen:
            for category in ("required", "optional"):
                for name, spec in (option.get("inputs", {}).get(category) or {}).items():
                    found.append(input_type(f"{declared.name}.{name}", spec, required=category == "required"))
    return found


def slots_of(node_type: NodeType, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and type of each input slot, in the editor's order: mere slots first, then those of widgets."""
    declared = list(node_type.inputs.values())
    found = [(each.name, each.kind) for each in declared if is_linked_only(each) and each.kind != AUTOGROW]
    for each in declared:
        if not is_linked_only(each):
            found += _slots_of_widget(each, values)
    return found


def _slots_of_widget(declared: InputType, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not declared.options.get("socketless"):
        yield declared.name, declared.kind
    if declared.kind == DYNAMIC_COMBO:
        inner = inputs_of_choice(declared, values.get(declared.name))
        yield from ((each.name, each.kind) for each in inner if is_linked_only(each))
        for each in inner:
            if not is_linked_only(each):
                yield from _slots_of_widget(each, values)


def read_values(node_type: NodeType, saved: Any) -> dict[str, Any]:
    """The values of a node by input name, in the order of its widgets.

    `saved` is ``widgets_values``: a list in the order of the widgets, or an object by name, as some node packages
    write it. Widgets that have no saved value keep their default. Raises `InvalidInput` for a row of values that grows.
    """
    values: dict[str, Any] = {}
    rest = iter(_without_forced(node_type, saved) if isinstance(saved, list) else ())
    for declared in node_type.inputs.values():
        if declared.kind == AUTOGROW and _grows_values(declared):
            raise InvalidInput(
                f"{node_type.name}.{declared.name}", "an API export; a growing row of values can't be read"
            )
        _read(declared, rest, saved if isinstance(saved, Mapping) else {}, values)
    return values


def _read(declared: InputType, rest: Iterator[Any], named: Mapping[str, Any], values: dict[str, Any]) -> None:
    if is_linked_only(declared):
        return
    value = named.get(declared.name, next(rest, _NOTHING))
    if value is _NOTHING:
        value = _default(declared)
    if value is not _NOTHING:
        values[declared.name] = value
    for _ in range(_controls(declared)):
        next(rest, None)
    if declared.kind == DYNAMIC_COMBO:
        for inner in inputs_of_choice(declared, value):
            _read(inner, rest, named, values)


def _controls(declared: InputType) -> int:
    """How many widgets follow that only say how the value changes after a run."""
    kind, asked = _widget_kind(declared), declared.options.get("control_after_generate")
    if kind == COMBO:
        return 2 if asked else 0
    if kind == "INT" and asked is None:
        return int(declared.name in _SEED_NAMES)
    return int(bool(asked) and kind in ("INT", "FLOAT"))


def _default(declared: InputType) -> Any:
    kind, options = _widget_kind(declared), declared.options
    if kind == DYNAMIC_COMBO:
        return next((option.get("key") for option in options.get("options") or ()), _NOTHING)
    if kind == COMBO:
        return options.get("default") or next(iter(declared.choices or ()), _NOTHING)
    if options.get("default") is not None:
        return options["default"]
    return {"INT": 0, "FLOAT": 0, "BOOLEAN": False}.get(kind, "")


def _grows_values(declared: InputType) -> bool:
    inner = (declared.options.get("template") or {}).get("input") or {}
    return any(
        not is_linked_only(input_type(name, spec, required=True))
        for category in ("required", "optional")
        for name, spec in (inner.get(category) or {}).items()
    )


def _without_forced(node_type: NodeType, saved: list[Any]) -> list[Any]:
    """Old editors also saved a value for inputs that may only be linked; the count tells whether this file does."""
    shown = [declared for declared in node_type.inputs.values() if not is_linked_only(declared) or _is_forced(declared)]
    if not any(_is_forced(declared) for declared in shown):
        return saved
    widgets = sum(2 if each.options.get("control_after_generate") or each.name in _SEED_NAMES else 1 for each in shown)
    if widgets != len(saved):
        return saved
    return [value for position, value in enumerate(saved) if position >= len(shown) or not _is_forced(shown[position])]


def _is_forced(declared: InputType) -> bool:
    options = declared.options
    return bool(options.get("forceInput") or (not declared.required and options.get("defaultInput")))


def as_entered(declared: InputType | None, value: Any) -> Any:
    """A number as the widget takes it from outside: to the next step (INT) or decimal (FLOAT), halves upwards."""
    if declared is None or isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return value
    options, kind = declared.options, _widget_kind(declared)
    if kind == "INT":
        step = options.get("step") or 1
        offset = math.fmod(options.get("min") or 0, step) if step != 1 else 0
        rounded = math.floor((value - offset) / step + 0.5) * step + offset
        return value if isinstance(value, int) and step == 1 else int(rounded)
    if kind == "FLOAT":
        decimals = max(0, -math.floor(math.log10(options.get("step") or 0.5)))
        unit = options.get("round") or (10.0**-decimals if decimals else 0)
        if unit:
            return round(math.floor(value / unit + 0.5) * unit, max(decimals, -math.floor(math.log10(unit))))
    return value


def written_prompt(text: str, place: str) -> str:
    """A text with the editor's prompt notation resolved: comments go, ``\\{`` becomes ``{``.

    Raises `InvalidInput` for ``{one|other}``: the editor would choose by chance each time it is asked.
    """
    if "{" not in text and "\\" not in text and "/" not in text:
        return text
    return re.sub(r"\\([{}|])", r"\1", _chosen(_COMMENT.sub("", text), place))


def _chosen(text: str, place: str) -> str:
    result, position = "", 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            result += text[position : position + 2]
            position += 2
        elif char == "{":
            inner, position = _block(text, position + 1, place)
            result += written_prompt(inner, place)
        else:
            result += char
            position += 1
    return result


def _block(text: str, position: int, place: str) -> tuple[str, int]:
    """What stands in a brace that opened before `position`, and where the text goes on behind it."""
    start, depth = position, 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            if not depth:
                return text[start:position], position + 1
            depth -= 1
        elif char == "|" and not depth:
            raise InvalidInput(place, "one text; {one|other} is chosen by chance whenever the editor exports it")
        position += 1
    return text[start:], position


def written_name(text: str, look_up: Callable[[str, str], Any], place: str) -> str:
    """A file name with ``%node.widget%`` replaced by that widget's value.

    `look_up` takes a node's name and a widget's name and gives the value, or None. Raises `InvalidInput` for
    ``%date:…%``, which would freeze the day of the export.
    """

    def replaced(match: re.Match[str]) -> str:
        parts = match[1].split(".")
        if len(parts) != 2:
            if parts[0].startswith("date:"):
                raise InvalidInput(place, "a name without %date:…%; the editor writes the day of the export into it")
            return match[0]
        value = look_up(parts[0], parts[1])
        return match[0] if value is None else _NOT_IN_FILE_NAMES.sub("_", _as_text(value))

    return _PLACEHOLDER.sub(replaced, text)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def expands_names(class_type: str, name: str) -> bool:
    """Whether the editor expands ``%node.widget%`` in this input before it sends it."""
    return name == "filename_prefix" and class_type in _SAVING


def expands_prompt(declared: InputType | None) -> bool:
    """Whether the editor resolves comments and ``{…}`` in this input before it sends it."""
    return declared is not None and declared.options.get("dynamicPrompts") is True


def for_api(value: Any) -> Any:
    """A list is wrapped, because a bare list is a link in API format."""
    return {"__value__": value} if isinstance(value, Sequence) and not isinstance(value, str) else value
