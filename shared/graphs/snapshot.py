"""A snapshot of node types: what a server says about the classes in use, without texts and without its files."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from shared.errors import InvalidInput
from shared.graphs.node_types import FILES_MARK, are_files

#: What a reader of graphs may ask about a class, in the order of a snapshot. Texts for people are left out.
_KEPT = (
    "input", "input_order", "is_input_list", "output", "output_is_list", "output_name", "output_node",
    "display_name", "category", "deprecated", "experimental", "api_node",
)  # fmt: skip
#: Of an option: the first is a text, the second would be one of the server's files when the choice is among them.
_TEXTS = ("tooltip", "placeholder")


def snapshot(object_info: Mapping[str, Any], classes: Collection[str]) -> bytes:
    """`classes` out of an answer of ``/object_info``, as JSON with one class a line, the same bytes each time.

    A choice among the server's files is marked and left empty. Raises `InvalidInput` when a class is not in the answer.
    """
    missing = sorted(set(classes) - object_info.keys())
    if missing:
        raise InvalidInput("classes", f"classes that the server has; it lacks {', '.join(missing)}")
    lines = [f"{_json(name)}: {_json(_entry(object_info[name]))}" for name in sorted(set(classes))]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: entry[key] for key in _KEPT if key in entry}
    kept["input"] = {category: _inputs(inputs) for category, inputs in entry["input"].items()}
    return kept


def _inputs(inputs: Any) -> Any:
    if not isinstance(inputs, dict):
        return inputs
    return {name: _input(name, declared) for name, declared in inputs.items()}


def _input(name: str, declared: Any) -> Any:
    if not isinstance(declared, list) or not declared:
        return declared
    kind, options = declared[0], _without_texts((declared[1] if len(declared) > 1 else None) or {})
    old_shape = isinstance(kind, list)
    if (old_shape or kind == "COMBO") and are_files(name, kind if old_shape else options.get("options"), options):
        options = {key: value for key, value in options.items() if key not in ("default", "remote")}
        options[FILES_MARK] = True
        if old_shape:
            kind = []
        else:
            options["options"] = []
    return [kind, options]


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_texts(inner) for key, inner in value.items() if not (key in _TEXTS and isinstance(inner, str))
        }
    return [_without_texts(inner) for inner in value] if isinstance(value, list) else value
