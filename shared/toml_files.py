"""TOML files of the deployment, read into what they should hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from shared.errors import Misconfigured

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["read_as", "tomllib"]

_T = TypeVar("_T")


def read_as(kind: type[_T], file: Path, name: str) -> _T:
    """The document in `file` as a `kind`. Raises `Misconfigured`, with `name` and what is wrong in it."""
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), kind)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}: {error}") from None
