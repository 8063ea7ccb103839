"""The lock files: every distribution that is deployed, with version and hashes, per Python version.

Resolved by uv, which resolves for a platform and a Python that it does not run on; pip checks the hashes afterwards.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: What Function Compute runs: python3.10 on Debian 10 (glibc 2.28), python3.12 on Debian 11.
PYTHONS = ("3.10", "3.12")
#: The platform that wheels must fit, as uv names it.
PLATFORM = "x86_64-manylinux_2_28"
#: What builds the distributions that are published as source only.
BUILD_TOOLS = Path("deploy") / "requirements-build.txt"
_BUILD_TOOLS_WANTED = "setuptools\nwheel\n"
_RENEW = "tripcanvas package --lock"
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)", re.ASCII)


class PackagingError(RuntimeError):
    """A package can't be built; the message says what is wrong, or what to do."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of a lock file; `lines` are its lines there, hashes included."""

    name: str
    version: str
    lines: str


def lock_file(python: str) -> Path:
    """The lock file of one Python version, inside the project."""
    return Path("deploy") / f"requirements-{python}.txt"


def read_lock(file: Path) -> dict[str, Locked]:
    """The distributions of a lock file, by their normalised names.

    Raises `PackagingError` for a file that is absent, or that names a distribution without version or hash.
    """
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise PackagingError(f"{file}: {error.strerror}; renew it with `{_RENEW}`") from None
    found = {}
    for lines in re.split(r"\n(?=[A-Za-z0-9])", "\n" + text)[1:]:
        pinned = _PINNED.match(lines)
        if pinned is None or "--hash=sha256:" not in lines:
            raise PackagingError(f"{file}: {lines.splitlines()[0]!r}: name==version with its hashes expected")
        name = normalised(pinned["name"])
        found[name] = Locked(name, pinned["version"], lines)
    return found


def normalised(name: str) -> str:
    """A distribution's name as the packaging standards compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def renew(project: Path) -> list[Path]:
    """Resolve anew from ``pyproject.toml``, to the newest versions; returns the files. Raises `PackagingError`."""
    files = []
    for python in PYTHONS:
        target = ["--python-version", python, "--python-platform", PLATFORM]
        files.append(_compile(project, ["pyproject.toml", *target], lock_file(python)))
    files.append(_compile(project, ["-", "--universal"], BUILD_TOOLS, given=_BUILD_TOOLS_WANTED))
    return files


def uv_program() -> str:
    """The path of uv. Raises `PackagingError` when it is not installed."""
    try:
        import uv
    except ImportError:
        raise PackagingError("uv is not installed; `make install`, or `pip install uv`") from None
    return str(uv.find_uv_bin())


def _compile(project: Path, arguments: list[str], file: Path, *, given: str | None = None) -> Path:
    command = [
        uv_program(), "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-annotate",
        "--custom-compile-command", _RENEW, "--output-file", str(file), *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=project, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"{file}: {done.stderr.strip()[-1000:]}")
    return file
