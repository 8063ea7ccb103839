"""The code packages of `s.yaml`, built once for each Python of Function Compute."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.packaging.archive import compiled, interpreter, write_folder
from cli.packaging.commands import Package, assembled, packages_of
from cli.packaging.wheels import Distribution

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Built:
    """One package, unpacked: `python` is the path of an interpreter, `version` what it is one of."""

    python: str
    version: str
    package: Package
    folder: Path
    files: dict[str, bytes]
    distributions: list[Distribution]


@pytest.fixture(scope="session", params=["3.10", "3.12"])
def built(request, tmp_path_factory) -> dict[str, Built]:
    """The packages by name."""
    version = request.param
    python = interpreter(version)
    if python is None:
        assert "CI" not in os.environ, f"no python{version}"
        pytest.skip(f"no python{version}")
    found = {}
    _, wanted = packages_of(ROOT / "s.yaml")
    for package, files, used in assembled(ROOT, version, wanted):
        folder = tmp_path_factory.mktemp(f"{package.name}-{version}") / "code"
        # The project's own modules are compiled as for a deployment; all the others would take most of a minute.
        ours = {name: body for name, body in files.items() if name.startswith(("shared/", "functions/"))}
        files = {**files, **compiled(ours, version)}
        write_folder(files, folder)
        found[package.name] = Built(python, version, package, folder, files, used)
    return found
