"""ComfyUI's data folder: ``output/``, ``input/``, ``temp/``, and how SaveImage finds a file's name in it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import TripcanvasError

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.comfyui.results import OutputFile


class OutsideFolder(TripcanvasError):
    """A name would leave the folder it belongs to."""


@dataclass(frozen=True, slots=True)
class SavePlace:
    """Where the next picture of one prefix goes; `counter` is the first free number."""

    folder: Path
    subfolder: str
    stem: str
    counter: int


@dataclass(frozen=True, slots=True)
class Folders:
    """The three folders below `root`; made if absent."""

    root: Path

    def __post_init__(self) -> None:
        for name in ("output", "input", "temp"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def path_of(self, file: OutputFile) -> Path:
        """The path of a file that a node named."""
        return self.root / file.folder / file.subfolder / file.filename

    def input_file(self, name: str) -> Path | None:
        """An existing file below ``input/``; None for any other name.

        Stricter than ComfyUI 0.3.64, whose LoadImage also reads ``../output/x.png`` and absolute paths.
        """
        inside = (self.root / "input").resolve()
        path = (inside / name).resolve()
        return path if path.is_relative_to(inside) and path.is_file() else None

    def save_place(self, folder: str, prefix: str, width: int, height: int) -> SavePlace:
        """Where SaveImage puts a picture of `prefix`, which may hold folders and ``%year%``-like words.

        Raises `OutsideFolder` when the prefix leads out of the folder.
        """
        base = (self.root / folder).resolve()
        path = os.path.normpath(_expanded(prefix, width, height))
        subfolder, stem = os.path.split(path)
        target = (base / subfolder).resolve()
        if not target.is_relative_to(base):
            raise OutsideFolder(
                "**** ERROR: Saving image outside the output folder is not allowed."
                f"\n full_output_folder: {target}\n         output_dir: {base}"
            )
        target.mkdir(parents=True, exist_ok=True)
        taken = [_number(entry.name, stem) for entry in target.iterdir() if entry.name.startswith(f"{stem}_")]
        return SavePlace(target, subfolder, stem, max(taken, default=0) + 1)


def _number(filename: str, stem: str) -> int:
    digits = filename[len(stem) + 1 :].partition("_")[0]
    return int(digits) if digits.isdecimal() else 0


def _expanded(prefix: str, width: int, height: int) -> str:
    """Fill in the words that the server knows; ``%date:…%`` is the web page's own and stays as it is."""
    now = time.localtime()
    words = {
        "width": str(width),
        "height": str(height),
        "year": str(now.tm_year),
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    for word, value in words.items():
        prefix = prefix.replace(f"%{word}%", value)
    return prefix
