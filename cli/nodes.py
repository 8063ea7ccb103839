"""The ComfyUI nodes as one archive, as it is unpacked into `custom_nodes/`."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.eas.secrecy import looks_like_key
from cli.options import fail
from cli.toml_files import read_toml
from shared.errors import InvalidInput
from shared.pictures.composition.manifest import STUDIO, BadPack, read_manifest
from shared.workflows import FOLDER as WORKFLOWS

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False)

PACKAGE = WORKFLOWS / "custom_nodes" / "tripcanvas"
CARS = WORKFLOWS / "cars"
LICENCE = WORKFLOWS.parent / "LICENSE"
#: The arithmetic that nodes and functions share: a link in the package, files in the archive.
CORE = WORKFLOWS.parent / "shared" / "pictures" / "composition"

#: What a node package can't be without: ComfyUI loads the first, installs by the second, and the registry and a
#: designer read the others.
PARTS = ("__init__.py", "requirements.txt", "pyproject.toml", "README.md", "composition/__init__.py")
#: Everything else is a slip: an editor's copy, somebody's picture, a credentials file.
_SUFFIXES = frozenset({".py", ".toml", ".txt", ".md", ".json", ".jpg", ".jp2", ".png", ".svg", ".otf"})
_TEXT_SUFFIXES = frozenset({".py", ".toml", ".txt", ".md", ".json", ".svg"})
#: Made by Python and its tools beside any source; never packed.
_CACHES = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
#: The earliest time that a zip can hold: the same files give the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive: its path there, and its bytes."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def members(package: Path, cars: Path | None, licence: Path) -> list[Member]:
    """The archive's files in order of their names: the package, the licence, and the cars as ``cars/<model>/``.

    `cars` None leaves them out. Raises `InvalidInput` when a part is missing, or something is there that must not go
    out: a file that looks like a secret, a link to anything but the shared core, an unexpected kind of file.
    """
    found = {name: _checked(package, name) for name in _names(package) if not _is_core(package / name)}
    found |= {f"{CORE.name}/{name}": _checked(CORE, name) for name in _names(CORE) if _is_core(package / CORE.name)}
    for part in PARTS:
        if part not in found:
            raise InvalidInput(str(package), f"a node package; it lacks {part}")
    _check_manifest(package)
    found.setdefault("LICENSE", licence.read_bytes())
    if cars is not None:
        found |= {f"cars/{name}": content for name, content in _car_files(cars).items()}
    return [Member(f"{package.name}/{name}", found[name]) for name in sorted(found)]


def write_archive(files: list[Member], out: Path) -> str:
    """Write a zip that depends on nothing but `files`, and return its sha256.

    Stored, not deflated: the bytes of a deflated one depend on the zlib at hand, and pictures don't shrink.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for member in files:
            entry = zipfile.ZipInfo(member.name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, member.content)
    part.replace(out)
    return hashlib.sha256(out.read_bytes()).hexdigest()


@app.command()
def pack(
    out: Annotated[Path, typer.Option("--out", help="The archive.", dir_okay=False)] = Path("out/tripcanvas-nodes.zip"),
    without_cars: Annotated[bool, typer.Option("--without-cars", help="The nodes alone.")] = False,
) -> None:
    """Pack the nodes and the cars into a zip for `custom_nodes/`; the same files always give the same bytes."""
    try:
        files = members(PACKAGE, None if without_cars else CARS, LICENCE)
    except InvalidInput as error:
        fail(str(error))
    digest = write_archive(files, out)
    table = Table("file", "bytes", "sha256", box=None)
    table.columns[1].justify = "right"
    for member in files:
        table.add_row(member.name, str(len(member.content)), member.sha256)
    # As wide as it needs: a list that is compared must not be cut to the terminal.
    Console(highlight=False, width=240 if not console.is_terminal else None).print(table)
    size_bytes = out.stat().st_size
    console.print(f"{out}: {len(files)} files, {size_bytes} bytes, sha256 {digest}", soft_wrap=True)


@app.callback()
def _group() -> None:
    # With a callback `pack` keeps its name although it is the only command.
    pass


def _names(folder: Path) -> list[str]:
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink()) and not _CACHES & set(path.relative_to(folder).parts)
    ]


def _is_core(place: Path) -> bool:
    return place.is_symlink() and place.name == CORE.name and place.resolve() == CORE.resolve()


def _checked(folder: Path, name: str) -> bytes:
    file = folder / name
    if file.is_symlink():
        raise InvalidInput(str(file), "a file and not a link")
    holds_credentials = "credential" in file.name.lower() and file.suffix != ".py"
    if holds_credentials or any(part.startswith(".") for part in Path(name).parts):
        raise InvalidInput(str(file), "no hidden file and no credentials in what is packed")
    if file.suffix not in _SUFFIXES and file.name != "LICENSE":
        raise InvalidInput(str(file), f"one of the kinds {', '.join(sorted(_SUFFIXES))}")
    content = file.read_bytes()
    if file.suffix in _TEXT_SUFFIXES and looks_like_key(content.decode("utf-8", "replace")):
        raise InvalidInput(str(file), "no text in the shape of a key")
    return content


def _check_manifest(package: Path) -> None:
    manifest = read_toml(package / "pyproject.toml")
    if "comfy" not in manifest.get("tool", {}):
        raise InvalidInput(str(package / "pyproject.toml"), "a section [tool.comfy]")


def _car_files(cars: Path) -> dict[str, bytes]:
    """The files of every car, by ``<model>/<file>``: the manifest, and what each view and colour can't be without."""
    from shared.pictures.composition.packs import colour_file

    found: dict[str, bytes] = {}
    for file in sorted(cars.glob("*/car.toml")):
        folder = file.parent
        try:
            car = read_manifest(folder)
        except BadPack as bad:
            raise InvalidInput(str(cars / bad.field), bad.expected) from None
        pictures = [colour_file(view, colour, STUDIO) for view in car.views for colour in car.colours]
        for name in (*pictures, *(f"{view}-badge.png" for view in car.views)):
            if not (folder / name).is_file():
                raise InvalidInput(str(folder / name), "the picture that car.toml names")
        found |= {f"{folder.name}/{name}": _checked(folder, name) for name in _names(folder)}
    if not found:
        raise InvalidInput(str(cars), "at least one <model>/car.toml; --without-cars packs the nodes alone")
    return found
