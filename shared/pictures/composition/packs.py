"""The pictures of a car asset: how they lie in files, read and written.

Colour is JPEG 2000 with 16 bits a channel: premultiplied linear light, coded by its square root, so that dark paint
keeps its steps. Alpha and badge mask are lossless PNG, one for all colours and lights of a view; a colour that was cut
out by itself has an alpha of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .light import Floats
from .manifest import STUDIO, BadPack, Light, Manifest, View

#: Bytes of a JPEG 2000 file in thousandths of the uncompressed ones; 1000 would be lossless. From 250 on nothing of it
#: can be measured in a composite; the shipped packs are smaller, and lose ΔE00 0.4 at the badge.
DEFAULT_RATE = 250
#: Which light stands in for one that a pack lacks, best first.
_INSTEAD = {
    "noon": ("overcast", STUDIO),
    "dusk": ("overcast", STUDIO),
    "overcast": (STUDIO,),
    "night": ("dusk", "overcast", STUDIO),
}


@dataclass(frozen=True, slots=True)
class CarPicture:
    """One picture of a car: `pixels` (H, W, 4) premultiplied linear light, `badge` (H, W), its coverage in 0..1."""

    manifest: Manifest
    view: View
    colour: str
    light: Light
    pixels: Floats
    badge: Floats


def nearest_light(manifest: Manifest, wanted: str) -> Light:
    """The wanted light, or the one of the pack that comes nearest to it."""
    names = (wanted, *_INSTEAD.get(wanted, (STUDIO,)))
    return next(manifest.lights[name] for name in names if name in manifest.lights)


def load_picture(manifest: Manifest, view_id: str, colour: str, light_id: str) -> CarPicture:
    """One picture of a pack. Raises `BadPack` for what the pack lacks, and for files that are broken."""
    view = _named(manifest.views, view_id, f"{manifest.model}: view")
    _named(manifest.colours, colour, f"{manifest.model}: colour")
    light = _named(manifest.lights, light_id, f"{manifest.model}: light")
    files = _files(manifest.folder, view_id, colour, light_id)
    pixels, badge = _read(files, view, tuple(map(_written, files)))
    return CarPicture(manifest, view, colour, light, pixels, badge)


def colour_file(view_id: str, colour: str, light_id: str) -> str:
    """The name of a colour file."""
    return f"{view_id}-{colour}-{light_id}.jp2"


def write_colour(file: Path, pixels: Floats, rate: int = DEFAULT_RATE) -> None:
    """Write the colour of premultiplied linear light (H, W, 3 or 4)."""
    root = np.sqrt(np.clip(pixels[..., :3], 0.0, 1.0)) * np.float32(65535.0)
    _write(file, np.rint(root[..., ::-1]).astype(np.uint16), [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, rate])


def write_alpha(file: Path, alpha: Floats) -> None:
    """Write alpha (H, W) in 0..1 as 16-bit PNG."""
    _write(file, np.rint(np.clip(alpha, 0.0, 1.0) * 65535.0).astype(np.uint16), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def write_badge(file: Path, badge: Floats) -> None:
    """Write a badge mask (H, W) in 0..1 as 8-bit PNG."""
    _write(file, np.rint(np.clip(badge, 0.0, 1.0) * 255.0).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _files(folder: Path, view_id: str, colour: str, light_id: str) -> tuple[Path, Path, Path]:
    """Colour, alpha and badge mask."""
    own, shared = folder / f"{view_id}-{colour}-alpha.png", folder / f"{view_id}-alpha.png"
    alpha = own if own.is_file() else shared
    return folder / colour_file(view_id, colour, light_id), alpha, folder / f"{view_id}-badge.png"


def _written(file: Path) -> int:
    """When a file was written, in ns; 0 for one that isn't there, of which its reader tells."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


# Twelve pictures of 1040 x 450 are 90 MB: what one instance needs of the two or three cars it sees most.
@lru_cache(maxsize=12)
def _read(
    files: tuple[Path, Path, Path],
    view: View,
    written: tuple[int, ...],  # noqa: ARG001 - a file that was exchanged is read again
) -> tuple[Floats, Floats]:
    alpha = _decoded(files[1], view, np.uint16, 2)
    badge = _decoded(files[2], view, np.uint8, 2)
    coded = _decoded(files[0], view, np.uint16, 3)
    share = alpha.astype(np.float32) / np.float32(65535.0)
    light = (coded[..., ::-1].astype(np.float32) / np.float32(65535.0)) ** 2
    pixels = np.dstack([np.minimum(light, share[..., np.newaxis]), share])
    covered = badge.astype(np.float32) / np.float32(255.0)
    # Shared by everybody who asks: nobody may write into them.
    pixels.flags.writeable = covered.flags.writeable = False
    return pixels, covered


def _decoded(file: Path, view: View, dtype: type[np.generic], dimensions: int) -> NDArray[np.generic]:
    name = f"{file.parent.name}/{file.name}"
    try:
        stored = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError:
        raise BadPack(name, "a readable file") from None
    try:
        picture = cv2.imdecode(stored, cv2.IMREAD_UNCHANGED) if stored.size else None
    except cv2.error:
        picture = None
    if picture is None or picture.dtype != dtype or picture.ndim != dimensions:
        raise BadPack(
            name, f"a picture of {'3 channels' if dimensions == 3 else '1 channel'} in {np.dtype(dtype).name}"
        )
    if picture.shape[1::-1] != view.size_px:
        raise BadPack(name, f"{view.size_px[0]} x {view.size_px[1]} pixels, the view's size_px")
    return picture


def _write(file: Path, picture: NDArray[np.integer], options: list[int]) -> None:
    done, stored = cv2.imencode(file.suffix, picture, options)
    if not done:
        raise ValueError(f"{file.name}: OpenCV can't write this kind of file")
    file.write_bytes(stored.tobytes())


def _named(table: dict[str, View] | dict[str, Light] | dict[str, tuple[str, str]], name: str, what: str):  # type: ignore[no-untyped-def]
    if name not in table:
        raise BadPack(what, f"one of {', '.join(table)}")
    return table[name]
