"""TOML files that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

from shared.toml_files import tomllib


def read_toml(file: Path) -> dict[str, Any]:
    """The document in `file`. Raises `InvalidInput`, which names the file."""
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput(str(file), f"a readable file ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(file), f"TOML in UTF-8 ({error})") from None
    return found
