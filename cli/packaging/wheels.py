"""The locked distributions for the platform of Function Compute, whatever machine this is.

Wheels are taken as they are. What is published as source only is built here, with locked tools and without compiling
anything: of all that is deployed only crcmod has an extension, and falls back to its Python code without it.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from cli.packaging.locking import BUILD_TOOLS, PLATFORM, Locked, PackagingError, normalised, uv_program

#: Published as source only. One that is missing here ends the build with a message that names it.
_SOURCE_ONLY = frozenset({"alibabacloud-tea", "crcmod", "oss2"})
#: A date for whatever writes one; the earliest that a zip archive can hold.
EPOCH_S = 315532800
#: What only matters to an installer, a test run, a type checker, a writer of code, or somebody who draws faces.
_NOT_DEPLOYED = re.compile(
    r"""(^|/)(tests?|__pycache__|SelfTest)/
    | \.(pyi|pyx|pxd|pxi|c|h|hpp|cpp|f|f90|a|lib|pyc|so\.debug)$
    | (^|/)py\.typed$
    | \.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json|top_level\.txt|entry_points\.txt|zip-safe)$
    | \.dist-info/(sboms/|uv_)
    | ^numpy/(f2py|distutils|_pyinstaller)/
    | ^cv2/data/.*\.xml$
    | ^dashscope/(acli|cli|resources|finetune/reinforcement)/
    | ^[^/]+\.data/
    """,
    re.VERBOSE,
)
#: What a distribution declares and its clients here never import: dashscope's own commands and tools are left out.
_NOT_NEEDED = {"dashscope": frozenset({"httpx", "httpx-sse", "rich", "typer"})}
#: Unless it is a licence.
_LICENCE = re.compile(r"\.dist-info/licenses?/", re.IGNORECASE)


@dataclass(frozen=True)
class Distribution:
    """One distribution as it is deployed: its files by their place on the search path, and what it needs."""

    name: str
    version: str
    needs: frozenset[str]
    files: dict[str, bytes] = field(repr=False)

    @property
    def provides(self) -> frozenset[str]:
        """The first names by which it is imported."""
        firsts = (PurePosixPath(file).parts[0] for file in self.files)
        return frozenset(first.partition(".")[0] for first in firsts if not first.endswith(".dist-info"))

    @property
    def size_bytes(self) -> int:
        """How large its files are, unpacked."""
        return sum(map(len, self.files.values()))


def distributions(locked: dict[str, Locked], python: str, project: Path, folder: Path) -> dict[str, Distribution]:
    """Every distribution of a lock file, by name; `folder` is for what is downloaded. Raises `PackagingError`."""
    sources = {name: each for name, each in locked.items() if name in _SOURCE_ONLY}
    wheels = {name: each for name, each in locked.items() if name not in _SOURCE_ONLY}
    installed = folder / "installed"
    target = ("--python-version", python, "--python-platform", PLATFORM)
    _install(installed, folder / "wheels.txt", wheels, "--only-binary=:all:", *target)
    if sources:
        # Extensions are "compiled" and "linked" by a program that does nothing. Not from the cache: what lies there
        # may have been compiled.
        environment = {"CC": "true", "CXX": "true", "LDSHARED": "true", "SOURCE_DATE_EPOCH": str(EPOCH_S)}
        options = ("--no-cache", "--no-binary=:all:", "--build-constraints", str(project / BUILD_TOOLS))
        _install(installed, folder / "sources.txt", sources, *options, **environment)
    found = {each.name: each for each in (_read(place, python) for place in installed.glob("*.dist-info"))}
    missing = sorted(locked.keys() - found.keys())
    if missing:
        raise PackagingError(f"no wheel of {', '.join(missing)} came")
    return found


def needed(imports: frozenset[str], available: dict[str, Distribution]) -> list[Distribution]:
    """The distributions that provide `imports`, and all that these need, by name.

    A name that none provides is left out: it may be imported on another Python only. Starting the package tells.
    """
    to_do = [each.name for each in available.values() if each.provides & imports]
    found: dict[str, Distribution] = {}
    while to_do:
        name = to_do.pop()
        if name not in found and name in available:
            found[name] = available[name]
            to_do += available[name].needs
    return [found[name] for name in sorted(found)]


def _read(place: Path, python: str) -> Distribution:
    """An installed distribution, by its folder ``.dist-info``."""
    from packaging.requirements import InvalidRequirement, Requirement

    head = HeaderParser().parsestr((place / "METADATA").read_text("utf-8"))
    files = {}
    for name, *_ in csv.reader((place / "RECORD").read_text("utf-8").splitlines()):
        if (_LICENCE.search(name) or not _NOT_DEPLOYED.search(name)) and not name.startswith(("..", "bin/")):
            files[name] = (place.parent / name).read_bytes()
    environment = {
        "python_version": python, "python_full_version": f"{python}.0", "implementation_name": "cpython",
        "platform_python_implementation": "CPython", "sys_platform": "linux", "platform_system": "Linux",
        "platform_machine": "x86_64", "os_name": "posix", "extra": "",
    }  # fmt: skip
    needs = set()
    for line in head.get_all("Requires-Dist", []):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            raise PackagingError(f"{place.name}: {line!r} can't be read as what it needs") from None
        if requirement.marker is None or requirement.marker.evaluate(environment):
            needs.add(normalised(requirement.name))
    name = normalised(head["Name"])
    return Distribution(name, head["Version"], frozenset(needs) - _NOT_NEEDED.get(name, frozenset()), files)


def _install(into: Path, file: Path, locked: dict[str, Locked], *options: str, **environment: str) -> None:
    file.write_text("\n".join(each.lines for each in locked.values()), "utf-8")
    command = [
        uv_program(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(into),
        "--requirements", str(file), *options,
    ]  # fmt: skip
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError("uv: " + " ".join(done.stderr.split())[-1500:])
