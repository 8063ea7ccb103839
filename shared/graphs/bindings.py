"""``bindings.toml``: which values of a graph are filled per trip, and what a server must have for the graph.

Read strictly: a key that nobody knows is an error, since it is most likely a misspelt one.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from shared.errors import Misconfigured
from shared.toml_files import tomllib

Value = str | int | float | bool

#: The parameters without which a workflow with a `plate_node` would compose another picture than the one expected.
CAR_PARAMETERS = (
    *("plate_prefix", "car", "car_colour", "car_light", "car_view"),
    *("sun_elevation", "surface", "car_texture", "car_budget"),
)


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of the graph that is filled per trip; without a default it has to be given.

    `max_length` counts characters. Ranges and choices may only be narrower than the node's own.
    """

    node: str
    input: str
    type: Literal["string", "int", "float", "choice", "boolean"]
    default: Value | None = None
    min: int | float | None = None
    max: int | float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    description: str = ""


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[workflow]``: its name, the node whose pictures count, and the one that saves the background without the car.

    `plate_node` is empty for a workflow that puts no car into its pictures, or has no such background to show.
    """

    name: str
    output_node: str
    plate_node: str = ""
    title_zh: str = ""
    title_en: str = ""
    time_budget_s: int = 300


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[requires.models]]``: one file below the server's ``models`` folder.

    `sha256` and `url` are empty for a model that the designers make themselves; `note` then says how.
    """

    name: str
    folder: str
    size_bytes: int = 0
    sha256: str = ""
    licence: str = ""
    url: str = ""
    note: str = ""


class Requires(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[requires]``: the lowest ComfyUI version, the node classes in use, models, and GPU memory (0 = none)."""

    comfyui: str
    nodes: tuple[str, ...]
    gpu_memory_gb: float = 0
    models: tuple[Model, ...] = ()


class Bindings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    workflow: About
    requires: Requires
    parameters: dict[str, Parameter]


_T = TypeVar("_T")


def read_bindings(text: str) -> Bindings:
    """Read ``bindings.toml``. Raises `Misconfigured`, naming the key and what was expected there."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"bindings.toml: {error}") from None
    for name in tables:
        if name not in ("workflow", "requires", "parameters"):
            raise Misconfigured(f"bindings.toml: {name}: no such table; there are workflow, requires and parameters")
    parameters = _table(tables.get("parameters", {}), dict[str, Any], "parameters")
    return Bindings(
        workflow=_table(tables.get("workflow", {}), About, "workflow"),
        requires=_table(tables.get("requires", {}), Requires, "requires"),
        parameters={name: _table(table, Parameter, f"parameters.{name}") for name, table in parameters.items()},
    )


def _table(table: Any, kind: type[_T], place: str) -> _T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        raise Misconfigured(f"bindings.toml: {place}{path.rstrip('`')}: {said}") from None
