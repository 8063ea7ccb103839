"""The text of a pack's ``car.toml``: merged from what is known, moved to the pack's pixels, written."""

from __future__ import annotations

import json
import math
from typing import Any, TypeGuard

from cli.cars.outline import Box
from shared.errors import InvalidInput
from shared.toml_files import tomllib

Document = dict[str, Any]

#: What a table gets when nobody names it.
_LIGHTS = {
    "studio": ("影棚", "Studio"),
    "noon": ("正午", "Noon"),
    "dusk": ("黄昏", "Dusk"),
    "overcast": ("阴天", "Overcast"),
    "night": ("夜晚", "Night"),
}
_VIEWS = {"three_quarter": ("前侧", "Front three-quarter"), "side": ("正侧", "Side")}
_ORDER = (
    "model", "name_zh", "name_en", "licence", "length_mm", "width_mm", "height_mm", "wheelbase_mm",
    "front_overhang_mm", "track_mm", "tyre_diameter_mm", "ground_clearance_mm",
)  # fmt: skip
#: Of a view, what is measured in the picture's pixels.
POINTS = ("badge_box", "wheel_contacts", "horizon_y", "axis_x", "camera_fov_deg")
#: How a view's first picture became the pack's: later colours and lights get the same.
SOURCE_SIZE, SOURCE_BOX = "source_size_px", "source_box_px"


def merged(base: Document, over: Document) -> Document:
    """Two documents as one; tables are merged, of everything else `over` wins."""
    out = dict(base)
    for key, value in over.items():
        mine = out.get(key)
        out[key] = merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return out


def from_settings(settings: list[str]) -> Document:
    """A document of lines ``key.of.table=value``, the value as in TOML. Raises `InvalidInput`."""
    document: Document = {}
    for setting in settings:
        key, equals, _ = setting.partition("=")
        try:
            if not equals or "\n" in setting:
                raise ValueError(setting)
            document = merged(document, tomllib.loads(setting))
        except ValueError:
            raise InvalidInput(f"--set {key}", "KEY=VALUE as in car.toml, such as length_mm=4750") from None
    return document


def with_names(document: Document, view: str, light: str) -> Document:
    """The document with the usual names of a view and a light where it has none."""
    usual: Document = {}
    for group, name, names in (("views", view, _VIEWS), ("lights", light, _LIGHTS)):
        if name in names:
            usual[group] = {name: dict(zip(("name_zh", "name_en"), names[name], strict=True))}
    return merged(usual, document)


def moved(view: Document, source_size: tuple[int, int], box: Box, size: tuple[int, int]) -> Document:
    """A view's table in the source's pixels as one of the pack's: cropped to `box`, scaled to `size`.

    Values of the wrong kind stay as they are, for the manifest's reader to name.
    """
    out = dict(view)
    across, down = size[0] / box.width, size[1] / box.height

    def x(value: Any) -> Any:
        return round((value - box.left) * across, 1) if _is_number(value) else value

    def y(value: Any) -> Any:
        return round((value - box.top) * down, 1) if _is_number(value) else value

    def point(value: Any) -> Any:
        return [x(value[0]), y(value[1])] if isinstance(value, list) and len(value) == 2 else value

    if isinstance(contacts := view.get("wheel_contacts"), list):
        out["wheel_contacts"] = [point(each) for each in contacts]
    if isinstance(badge := view.get("badge_box"), list) and len(badge) == 4:
        out["badge_box"] = [x(badge[0]), y(badge[1]), x(badge[2]), y(badge[3])]
    for key, move in (("horizon_y", y), ("axis_x", x)):
        if key in view:
            out[key] = move(view[key])
    fov = view.get("camera_fov_deg")
    if _is_number(fov) and 0 < fov < 180:
        focal = source_size[0] / 2 / math.tan(math.radians(fov) / 2) * across
        out["camera_fov_deg"] = round(math.degrees(2 * math.atan(size[0] / 2 / focal)), 3)
    out["size_px"] = list(size)
    out[SOURCE_SIZE], out[SOURCE_BOX] = list(source_size), [box.left, box.top, box.right, box.bottom]
    return out


def alike(one: Any, other: Any) -> bool:
    """Whether two values of a view agree: numbers to a third of a pixel, lists in all of theirs."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if _is_number(one) and _is_number(other):
        return abs(one - other) <= 0.34
    return bool(one == other)


def written(document: Document) -> str:
    """The document as TOML: the model's own keys, then its colours, lights and views."""
    lines = ["# Written by `tripcanvas cars import`; what each key means: workflows/cars/README.md"]
    own = {key: value for key, value in document.items() if not isinstance(value, dict)}
    lines += [f"{key} = {_value(own[key])}" for key in sorted(own, key=_rank)]
    for group in sorted(key for key, value in document.items() if isinstance(value, dict)):
        for name, table in document[group].items():
            lines += ["", f"[{group}.{name}]"]
            lines += [f"{key} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _rank(key: str) -> tuple[int, str]:
    return (_ORDER.index(key) if key in _ORDER else len(_ORDER), key)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return f"{value:.1f}"
    return str(value)
