"""Secrets from a file on a developer's or an operator's machine, which nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from shared.errors import Misconfigured
from shared.toml_files import tomllib

_MAX_BYTES = 65536


def read_credentials(file: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The secrets among `names` that a TOML file holds as texts; other keys are passed over.

    Raises `Misconfigured`, without the path or a line of the content, for a file that is absent, too large, readable
    to others, or no TOML.
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise _unusable("is not a small regular file")
        if os.name == "posix" and status.st_mode & 0o077:
            raise _unusable("must have mode 600: other users can read it as it is")
        content = _parsed(file.read_bytes())
    except OSError:
        raise _unusable("is absent or can't be read") from None
    found = {}
    for name in names:
        value = content.get(name, "")
        if not isinstance(value, str):
            raise _unusable(f"holds a {name} that is not a text")
        found[name] = value.strip()
    return found


def _parsed(body: bytes) -> dict[str, object]:
    try:
        content: dict[str, object] = tomllib.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        # The parser's own message may repeat a line of the file.
        raise _unusable("is not valid TOML in UTF-8") from None
    return content


def _unusable(why: str) -> Misconfigured:
    return Misconfigured(f"the file named by TRIPCANVAS_CREDENTIALS_FILE {why}")
