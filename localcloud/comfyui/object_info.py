"""``GET /object_info``: what ComfyUI 0.3.64 says of each node class, for the classes that are loaded here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class _Core:
    """What a core class says of itself beside its inputs and outputs; `v3` ones say some more."""

    display_name: str
    module: str = "nodes"
    description: str = ""
    v3: bool = False


_SAVED = "Saves the input images to your ComfyUI output directory."
_CORE: dict[str, _Core] = {
    "ImageScale": _Core("Upscale Image"),
    "LoadImage": _Core("Load Image"),
    "PreviewAny": _Core("Preview Any", "comfy_extras.nodes_preview_any"),
    "PreviewImage": _Core("Preview Image", description=_SAVED),
    "PrimitiveString": _Core("String", "comfy_extras.nodes_primitive", v3=True),
    "PrimitiveStringMultiline": _Core("String (Multiline)", "comfy_extras.nodes_primitive", v3=True),
    "SaveImage": _Core("Save Image", description=_SAVED),
    "StringConcatenate": _Core("Concatenate", "comfy_extras.nodes_string", v3=True),
}
_TOOLTIPS: dict[str, dict[str, str]] = {
    "SaveImage": {
        "images": "The images to save.",
        "filename_prefix": "The prefix for the file to save. This may include formatting information such as "
        "%date:yyyy-MM-dd% or %Empty Latent Image.width% to include values from nodes.",
    },
}
#: Optional attributes of a class, and the key under which they are told.
_FLAGS = {"DEPRECATED": "deprecated", "EXPERIMENTAL": "experimental"}


def describe(name: str, cls: type[Any], display_names: Mapping[str, str]) -> dict[str, Any]:
    """The entry of one class, in JSON's types and in ComfyUI's order."""
    core = _CORE.get(name, _Core(name))
    inputs = _inputs(name, cls)
    returns = list(cls.RETURN_TYPES)
    found: dict[str, Any] = {
        "input": inputs,
        "input_order": {category: list(members) for category, members in inputs.items()},
        "output": returns,
        "output_is_list": list(getattr(cls, "OUTPUT_IS_LIST", [False] * len(returns))),
        "output_name": list(getattr(cls, "RETURN_NAMES", returns)),
        "name": name,
        "display_name": display_names.get(name, core.display_name),
        "description": getattr(cls, "DESCRIPTION", core.description),
        "python_module": getattr(cls, "RELATIVE_PYTHON_MODULE", core.module),
        "category": getattr(cls, "CATEGORY", "sd"),
        "output_node": getattr(cls, "OUTPUT_NODE", False) is True,
    }
    if core.v3:
        flags = {"deprecated": False, "experimental": False, "api_node": False}
        return {**found, "output_tooltips": [None] * len(returns), **flags}
    if hasattr(cls, "OUTPUT_TOOLTIPS"):
        found["output_tooltips"] = list(cls.OUTPUT_TOOLTIPS)
    found.update({key: True for attribute, key in _FLAGS.items() if getattr(cls, attribute, False)})
    if hasattr(cls, "API_NODE"):
        found["api_node"] = cls.API_NODE
    return found


def _inputs(name: str, cls: type[Any]) -> dict[str, dict[str, Any]]:
    tooltips = _TOOLTIPS.get(name, {})
    return {
        category: {
            key: spec if isinstance(spec, str) else _with_tooltip(spec, tooltips.get(key))
            for key, spec in members.items()
        }
        for category, members in cls.INPUT_TYPES().items()
    }


def _with_tooltip(spec: Any, tooltip: str | None) -> list[Any]:
    if tooltip is None:
        return list(spec)
    return [spec[0], {**(spec[1] if len(spec) > 1 else {}), "tooltip": tooltip}]
