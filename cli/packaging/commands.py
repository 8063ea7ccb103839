"""`tripcanvas package`: the code packages that ``s.yaml`` names, and the files of the container image."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml
from rich.console import Console

from cli.options import fail
from cli.packaging.archive import compiled, write_folder, write_zip
from cli.packaging.locking import PYTHONS, PackagingError, lock_file, read_lock, renew
from cli.packaging.reach import reach_of
from cli.packaging.wheels import Distribution, distributions, needed

_MB = 1_000_000
#: Largest archive of functions without pictures and with them. A small one is a quick cold start; Function Compute
#: takes 100 MB in every region and 500 MB in the main ones.
_LIMIT_BYTES, _PICTURES_LIMIT_BYTES = 30 * _MB, 120 * _MB
#: What only code that works on pictures imports.
_PICTURES = "cv2"
#: The Python of the container image.
_APPLICATION_PYTHON = "3.12"
#: In each package: what it was made of.
_MANIFEST = "tripcanvas-package.json"
#: Files that the modules of a folder read, by that folder; what is not read by functions stays out.
_DATA = re.compile(
    r"""shared/data/[^/]+
    | workflows/[a-z0-9_]+/(graph\.json|bindings\.toml)
    | workflows/(styles/[^/]+\.toml|object_info/[^/]+\.json|cars/[^/]+/car\.toml)
    """,
    re.VERBOSE,
)
_PICTURES_DATA = re.compile(r"shared/pictures/fonts/.*|workflows/cars/(?!recipe/)[^/]+/[^/]+")
_LICENCE = "LICENSE"


@dataclass(frozen=True, slots=True)
class Package:
    """What is put together: `entries` are the files that the platform starts, `functions` their names in ``s.yaml``."""

    name: str
    entries: tuple[Path, ...]
    functions: tuple[str, ...] = ()


#: The application layer, which runs outside of Function Compute.
APPLICATION = Package("application", (Path("processes") / "__main__.py",))


def package(
    python: Annotated[
        str, typer.Option("--python", help="The runtime's Python, 3.10 or 3.12; the one of s.yaml if not given.")
    ] = "",
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)] = Path("dist"),
    project: Annotated[
        Path, typer.Option("--project", help="The folder that is packaged.", exists=True, file_okay=False)
    ] = Path(),
    application: Annotated[
        bool, typer.Option("--application", help="The files of the container image instead.")
    ] = False,
    lock: Annotated[
        bool, typer.Option("--lock", help="Renew the lock files from pyproject.toml; build nothing.")
    ] = False,
    no_compile: Annotated[bool, typer.Option("--no-compile", help="Without byte code.")] = False,
) -> None:
    """Build the functions' code packages, the same bytes each time, from the lock files in deploy/."""
    console = Console(highlight=False)
    try:
        if lock:
            for file in renew(project):
                console.print(str(file), soft_wrap=True)
            return
        runtime, wanted = packages_of(project / "s.yaml")
        if application:
            runtime, wanted = _APPLICATION_PYTHON, [APPLICATION]
        chosen = python or runtime
        if chosen not in PYTHONS:
            raise PackagingError(f"--python: one of {', '.join(PYTHONS)} expected, got {chosen!r}")
        for line in build(project, chosen, wanted, out, byte_code=not no_compile):
            console.print(line, soft_wrap=True)
    except PackagingError as error:
        fail(str(error))


def packages_of(file: Path) -> tuple[str, list[Package]]:
    """The Python version and the packages that ``s.yaml`` names: functions with the same `code` share one.

    Raises `PackagingError` for a file of another form.
    """
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
        common = document["template"]["function"]
        by_code: dict[str, dict[str, dict[str, Any]]] = {}
        for name, resource in document["resources"].items():
            props = {**common, **resource["props"]}
            by_code.setdefault(str(props["code"]), {})[name] = props
        runtime = re.search(r"python(3\.\d+)", str(common["runtime"]))
        found = [
            Package(
                Path(code).stem,
                tuple(Path(props["handler"].rpartition(".")[0] + ".py") for props in members.values()),
                tuple(members),
            )
            for code, members in by_code.items()
        ]
    except OSError as error:
        raise PackagingError(f"{file}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise PackagingError(f"{file}: functions with handler, code and runtime expected") from None
    if runtime is None:
        raise PackagingError(f"{file}: template.function.runtime: python3.10 or python3.12 expected")
    return runtime[1], found


def build(project: Path, python: str, wanted: list[Package], out: Path, *, byte_code: bool = True) -> Iterator[str]:
    """Build `wanted` into `out`; one line of text about each. Raises `PackagingError`."""
    for each, files, used in assembled(project, python, wanted):
        yield _write(each, compiled(files, python) if byte_code else files, used, out)


def assembled(
    project: Path, python: str, wanted: list[Package]
) -> Iterator[tuple[Package, dict[str, bytes], list[Distribution]]]:
    """The files of each package, without byte code, and the distributions among them. Raises `PackagingError`."""
    locked = read_lock(project / lock_file(python))
    with tempfile.TemporaryDirectory() as folder:
        available = distributions(locked, python, project, Path(folder))
    for each in wanted:
        reach = reach_of(project, list(each.entries))
        used = needed(reach.imports, available)
        files = _files(project, reach.files, used, with_pictures=_PICTURES in reach.imports)
        yield each, {**files, _MANIFEST: _manifest(each, python, used)}, used


def _files(
    project: Path, modules: frozenset[Path], used: list[Distribution], *, with_pictures: bool
) -> dict[str, bytes]:
    files = {name.as_posix(): (project / name).read_bytes() for name in modules}
    files[_LICENCE] = (project / _LICENCE).read_bytes()
    for top in ("shared", "workflows"):
        for file in sorted((project / top).rglob("*")):
            name = file.relative_to(project).as_posix()
            wanted = _DATA.fullmatch(name) or (with_pictures and _PICTURES_DATA.fullmatch(name))
            if wanted and file.is_file() and file.suffix != ".md":
                files[name] = file.read_bytes()
    for distribution in used:
        for name, body in distribution.files.items():
            if files.setdefault(name, body) != body:
                raise PackagingError(f"{distribution.name} has {name}, and so has something else in the package")
    return files


def _manifest(wanted: Package, python: str, used: list[Distribution]) -> bytes:
    listed = {each.name: each.version for each in used}
    told = {"python": python, "functions": list(wanted.functions), "distributions": listed}
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _write(wanted: Package, files: dict[str, bytes], used: list[Distribution], out: Path) -> str:
    digest = hashlib.sha256()
    for name, body in sorted(files.items()):
        digest.update(f"{name}\0{hashlib.sha256(body).hexdigest()}\n".encode())
    unpacked_mb = sum(map(len, files.values())) / _MB
    if not wanted.functions:
        folder = out / wanted.name
        shutil.rmtree(folder, ignore_errors=True)
        write_folder(files, folder)
        return f"{folder}: {unpacked_mb:.1f} MB, {len(used)} distributions, contents sha256:{digest.hexdigest()}"
    file = out / f"{wanted.name}.zip"
    size_bytes = write_zip(files, file)
    with_pictures = any(_PICTURES in each.provides for each in used)
    limit_bytes = _PICTURES_LIMIT_BYTES if with_pictures else _LIMIT_BYTES
    if size_bytes > limit_bytes:
        file.unlink()
        largest = ", ".join(
            f"{each.name} {each.size_bytes / _MB:.1f} MB" for each in sorted(used, key=lambda d: -d.size_bytes)[:5]
        )
        raise PackagingError(
            f"{file}: {size_bytes / _MB:.1f} MB, more than {limit_bytes / _MB:.0f} MB; largest when unpacked: {largest}"
        )
    return (
        f"{file}: {size_bytes / _MB:.1f} MB, unpacked {unpacked_mb:.1f} MB, {len(used)} distributions, "
        f"contents sha256:{digest.hexdigest()}"
    )
