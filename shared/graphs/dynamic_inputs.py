"""Inputs that a node has only for some values of others: ComfyUI's dynamic choices and growing lists.

Both came with ComfyUI 0.8.0. They are expanded as its server does before it looks at a graph: an input of a group is
called ``group.input``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shared.graphs.node_types import COMBO, InputType, NodeType, input_type

DYNAMIC_COMBO, AUTOGROW = "COMFY_DYNAMICCOMBO_V3", "COMFY_AUTOGROW_V3"


def inputs_of(node: NodeType, given: Mapping[str, Any]) -> dict[str, InputType]:
    """The inputs that `node` has when its graph entry gives it `given`."""
    inputs: dict[str, InputType] = {}
    for declared in node.inputs.values():
        if declared.kind in (DYNAMIC_COMBO, AUTOGROW):
            inputs.update((found.name, found) for found in _expanded(declared, given))
        else:
            inputs[declared.name] = declared
    return inputs


def _expanded(declared: InputType, given: Mapping[str, Any]) -> Iterator[InputType]:
    if declared.kind == AUTOGROW:
        yield from _grown(declared)
    elif declared.kind == DYNAMIC_COMBO:
        options = declared.options.get("options") or ()
        keys = tuple(option["key"] for option in options)
        yield msgspec.structs.replace(declared, kind=COMBO, choices=keys)
        for option in options:
            if option["key"] == given.get(declared.name):
                yield from _group(declared, option["inputs"], given)
    else:
        yield declared


def _group(outer: InputType, inputs: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[InputType]:
    for category in ("required", "optional"):
        for name, spec in (inputs.get(category) or {}).items():
            inner = input_type(f"{outer.name}.{name}", spec, required=outer.required and category == "required")
            yield from _expanded(inner, given)


def _grown(declared: InputType) -> Iterator[InputType]:
    template = declared.options["template"]
    names = template.get("names") or [f"{template['prefix']}{number}" for number in range(template["max"])]
    for category in ("required", "optional"):
        for spec in (template["input"].get(category) or {}).values():
            for number, name in enumerate(names):
                needed = declared.required and category == "required" and number < template.get("min", 0)
                yield input_type(f"{declared.name}.{name}", spec, required=needed)
            return
