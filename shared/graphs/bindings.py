"""``bindings.toml``: which values of a graph are filled per trip, and what a server must have for the graph.

Read strictly: a key that nobody knows is an error, since it is most likely a misspelt one.
"""

from __future__ import annotations

import sys
from typing import Literal, Union

import msgspec

from shared.errors import Misconfigured

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Value = Union[str, int, float, bool]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Parameter(_Table):
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


class About(_Table):
    """``[workflow]``: its name, and the node whose pictures count."""

    name: str
    output_node: str
    title_zh: str = ""
    title_en: str = ""
    time_budget_s: int = 300


class Model(_Table):
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


class Requires(_Table):
    """``[requires]``: the lowest ComfyUI version, the node classes in use, models, and GPU memory (0 = none)."""

    comfyui: str
    nodes: tuple[str, ...]
    gpu_memory_gb: float = 0
    models: tuple[Model, ...] = ()


class Bindings(_Table):
    """The whole file."""

    workflow: About
    requires: Requires
    parameters: dict[str, Parameter] = {}


def read_bindings(text: str) -> Bindings:
    """Read ``bindings.toml``. Raises `Misconfigured`, naming the key and what was expected there."""
    try:
        return msgspec.convert(tomllib.loads(text), Bindings)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"bindings.toml: {error}") from None
