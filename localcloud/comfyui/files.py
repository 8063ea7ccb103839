"""``GET /view`` and ``POST /upload/image``: the files of a ComfyUI server, with the refusals of 0.3.64."""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.comfyui.folders import Folders

FOLDERS = ("output", "input", "temp")
#: Shown as a download, never as a page.
_NEVER_SHOWN = frozenset({"text/html", "application/xhtml+xml", "text/javascript", "text/css"})
_DISPOSITION = re.compile(rb'name="([^"]*)"(?:; filename="([^"]*)")?')


class Refused(Exception):
    """Answered with this status and no body."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``/view`` answers."""

    filename: str
    content_type: str
    body: bytes


def view(query: Mapping[str, str], folders: Folders) -> Shown:
    """The file that `query` names. Raises `Refused`."""
    if "filename" not in query:
        raise Refused(404)
    filename, folder = _annotated(query["filename"], query.get("type", "output"))
    if not filename or filename.startswith("/") or ".." in filename or folder not in FOLDERS:
        raise Refused(400)
    base = (folders.root / folder).resolve()
    place = (base / query.get("subfolder", "")).resolve()
    if not place.is_relative_to(base):
        raise Refused(403)
    path = place / os.path.basename(filename)  # noqa: PTH119  (Path("x/").name is "x", this is "")
    if not path.is_file():
        raise Refused(404)
    return _shown(path, query)


def _annotated(name: str, folder: str) -> tuple[str, str]:
    """ComfyUI's ``name [output]``."""
    for known in FOLDERS:
        if name.endswith(f"[{known}]"):
            return name.removesuffix(f"[{known}]").rstrip(), known
    return name, folder


def _shown(path: Path, query: Mapping[str, str]) -> Shown:
    channel = query.get("channel", "rgba")
    if "preview" in query:
        return _preview(path, query["preview"].split(";"), query.get("channel", ""))
    if channel in ("rgb", "a"):
        with Image.open(path) as opened, io.BytesIO() as file:
            (_alpha(opened) if channel == "a" else _opaque(opened)).save(file, "PNG")
            return Shown(path.name, "image/png", file.getvalue())
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Shown(path.name, "application/octet-stream" if kind in _NEVER_SHOWN else kind, path.read_bytes())


def _preview(path: Path, words: list[str], channel: str) -> Shown:
    kind = words[0] if words[0] in ("webp", "jpeg") and "a" not in channel else "webp"
    quality = int(words[-1]) if words[-1].isdigit() else 90
    with Image.open(path) as opened, io.BytesIO() as file:
        picture = opened.convert("RGB") if kind == "jpeg" or channel == "rgb" else opened
        picture.save(file, kind, quality=quality)
        return Shown(path.name, f"image/{kind}", file.getvalue())


def _opaque(picture: Image.Image) -> Image.Image:
    return Image.merge("RGB", picture.split()[:3]) if picture.mode == "RGBA" else picture.convert("RGB")


def _alpha(picture: Image.Image) -> Image.Image:
    shape = Image.new("RGBA", picture.size)
    shape.putalpha(picture.getchannel("A") if picture.mode == "RGBA" else Image.new("L", picture.size, 255))
    return shape


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; `filename` is empty for a plain value."""

    filename: str
    body: bytes


def form_of(content_type: str, body: bytes) -> dict[str, Part]:
    """The fields of a ``multipart/form-data`` body, file names in UTF-8."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None:
        return {}
    fields = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        named = _DISPOSITION.search(head)
        if named is not None:
            fields[named[1].decode("utf-8", "replace")] = Part((named[2] or b"").decode("utf-8", "replace"), content)
    return fields


def upload(form: Mapping[str, Part], folders: Folders) -> dict[str, str]:
    """Store the form's ``image``; a name that is taken by other bytes gets a number. Raises `Refused`."""
    picture = form.get("image")
    if picture is None or not picture.filename:
        raise Refused(400)
    kind = _value(form, "type") or "input"
    folder = kind if kind in FOLDERS else "input"
    subfolder = _value(form, "subfolder")
    base = (folders.root / folder).resolve()
    place = base / subfolder
    path = (place / picture.filename).resolve()
    if not path.is_relative_to(base):
        raise Refused(400)
    place.mkdir(parents=True, exist_ok=True)
    stem, suffix = os.path.splitext(picture.filename)  # noqa: PTH122  (of a name, not of a path)
    if _value(form, "overwrite") not in ("true", "1"):
        number = 1
        while path.exists() and not _same(path, picture.body):
            path = place / f"{stem} ({number}){suffix}"
            number += 1
    path.write_bytes(picture.body)
    return {"name": str(path.relative_to(place.resolve())), "subfolder": subfolder, "type": folder}


def _value(form: Mapping[str, Part], name: str) -> str:
    return form[name].body.decode("utf-8", "replace") if name in form else ""


def _same(path: Path, body: bytes) -> bool:
    return hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(body).digest()
