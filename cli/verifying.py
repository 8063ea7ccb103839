"""What a picture file says of its making: its label, and whether the file is as it was when it was labelled."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.options import fail
from shared.errors import InvalidInput
from shared.pictures.decode import ALL_KINDS, MAX_FILE_BYTES, decode
from shared.pictures.label import Label, Reading, read_file
from shared.pictures.mark import TEXT, find_mark
from shared.pictures.producer_code import fault_of, is_for_demonstration

console = Console(highlight=False)

#: The file has a label, but can't be shown to be what was labelled.
_CHANGED = 3
_MEANINGS = {"1": "is generated", "2": "may be generated", "3": "is suspected to be generated"}

PictureFile = Annotated[Path, typer.Argument(help="A PNG, JPEG, WebP or AVIF file.", exists=True, dir_okay=False)]


def verify(file: PictureFile) -> None:
    """Show a picture's AIGC label and check its integrity value. Status 0: intact; 1: no label; 3: changed since."""
    if file.stat().st_size > MAX_FILE_BYTES:
        fail(f"FILE: at most {MAX_FILE_BYTES} bytes expected")
    body = file.read_bytes()
    try:
        reading = read_file(body)
    except InvalidInput as error:
        fail(str(error))
    _line("file", f"{reading.container.kind}, {_size(body)}{len(body) / 1024:.0f} KiB")
    _line("visible", _visible(body))
    if reading.label is None:
        _line("label", "none: no XMP property TC260:AIGC with the seven keys of GB 45438-2025, Annex E", "bold red")
        raise typer.Exit(1)
    _line("label", f"XMP TC260:AIGC, in the packet at byte {reading.offset}")
    for name, value in asdict(reading.label).items():
        _line(f"  {name}", f"{value or '-'}{_meaning(name, value, reading.label)}")
    sentence, intact = _integrity(reading, len(body))
    _line("integrity", sentence, "green" if intact else "bold red")
    if not intact:
        raise typer.Exit(_CHANGED)
    _line("", "Anybody can compute this value: it shows damage and careless edits, not who made the file.", "dim")


def _size(body: bytes) -> str:
    try:
        height, width = decode(body, ALL_KINDS).shape[:2]
    except InvalidInput:
        return ""
    return f"{width}×{height}, "


def _visible(body: bytes) -> str:
    try:
        corner = find_mark(decode(body, ALL_KINDS))
    except InvalidInput as error:
        return f"can't be looked at: {error}"
    if corner is None:
        return f"{TEXT} was not found where this product puts it; look at the picture"
    return f"{TEXT} at the {corner}"


def _meaning(name: str, value: str, label: Label) -> str:
    if name == "Label":
        return f"   {_MEANINGS.get(value, 'not a value of the standard')}"
    if name in ("ContentProducer", "ContentPropagator") and value:
        if name == "ContentPropagator" and value == label.ContentProducer:
            return "   the producer"
        if fault_of(value):
            return f"   {fault_of(value)}"
        return "   a code for demonstrations, nobody's" if is_for_demonstration(value) else "   well-formed"
    return ""


def _integrity(reading: Reading, size_bytes: int) -> tuple[str, bool]:
    behind = size_bytes - reading.container.end
    if behind:
        return f"{behind} bytes follow the picture that are none of it", False
    if reading.intact is None:
        return "not checked: ReservedCode1 holds no value of this product", False
    if not reading.intact:
        return "CHANGED: picture, producer or content number are not those that were labelled", False
    return "intact: picture, producer and content number are those that were labelled", True


def _line(name: str, value: str, style: str = "") -> None:
    console.print(Text(f"{name:<20}") + Text(value, style), soft_wrap=True)
