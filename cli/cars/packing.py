"""A picture's place in a pack, and putting it there: everything is written beside the pack, which is then exchanged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli.cars.documents import Document, written
from cli.cars.geometry import check_camera
from cli.cars.outline import check_badge, check_contacts
from cli.cars.reading import read_mask
from shared.errors import InvalidInput
from shared.pictures.composition.light import Floats
from shared.pictures.composition.manifest import BadPack, Manifest, View, read_manifest
from shared.pictures.composition.occlusion import write_ground
from shared.pictures.composition.packs import colour_file, load_picture, write_alpha, write_badge, write_colour

#: How far alphas of two colours may differ to be taken for the same (mean over the outline), and for the same car.
_SAME_ALPHA, _SAME_CAR = 0.004, 0.10


@dataclass(frozen=True, slots=True)
class Slot:
    """Which picture of a pack."""

    view: str
    colour: str
    light: str

    @property
    def file(self) -> str:
        """The name of its colour file."""
        return colour_file(self.view, self.colour, self.light)

    def others(self, pack: Path) -> list[str]:
        """The names of the view's other colour files."""
        return [each.name for each in pack.glob(f"{self.view}-*.jp2") if each.name != self.file]


@contextmanager
def beside(cars: Path, pack: Path) -> Iterator[Path]:
    """A copy of the pack beside it, which takes its place when all went well."""
    cars.mkdir(parents=True, exist_ok=True)
    workshop = cars / f".importing-{os.getpid()}"
    fresh, old = workshop / pack.name, workshop / f"{pack.name}-before"
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir()
    try:
        if pack.exists():
            shutil.copytree(pack, fresh)
        else:
            fresh.mkdir()
        yield fresh
        if pack.exists():
            pack.rename(old)
        try:
            fresh.rename(pack)
        except OSError:
            if old.exists():
                old.rename(pack)
            raise
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def put(pack: Path, slot: Slot, document: Document, pixels: Floats, badge: Floats | None) -> Floats:
    """Write manifest, colour, alpha, badge mask and sky map, and return the mask (H, W).

    `pixels` (H, W, 4) premultiplied linear light, `badge` None leaves the mask that is there, else takes the badge box.
    Raises `InvalidInput` when manifest, camera, contacts, badge or alpha don't fit the picture.
    """
    (pack / "car.toml").write_text(written(document), encoding="utf-8")
    manifest = read(pack)
    view, where = manifest.views[slot.view], f"views.{slot.view}"
    alpha = np.ascontiguousarray(pixels[..., 3])
    check_contacts(where, view.wheel_contacts, alpha)
    check_camera(view, manifest)
    mask = pack / f"{slot.view}-badge.png"
    if badge is not None:
        _check_box(where, view, badge)
    elif mask.is_file() and slot.others(pack):
        badge = read_mask(mask, view.size_px)
    else:
        badge = _filled(view)
    check_badge(where, badge, alpha)
    write_badge(mask, badge)
    _put_alpha(pack, slot, alpha)
    write_colour(pack / slot.file, pixels)
    write_ground(manifest)
    return badge


def read(pack: Path) -> Manifest:
    """The pack's manifest. Raises `InvalidInput`."""
    try:
        return read_manifest(pack)
    except BadPack as error:
        raise InvalidInput(error.field, f"{error.expected} expected") from None


def pixels_of(manifest: Manifest, slot: Slot) -> Floats:
    """The picture (H, W, 4) as the pack holds it. Raises `InvalidInput`."""
    try:
        return load_picture(manifest, slot.view, slot.colour, slot.light).pixels
    except BadPack as error:
        raise InvalidInput(error.field, f"{error.expected} expected") from None


def _put_alpha(pack: Path, slot: Slot, alpha: Floats) -> None:
    """As the view's alpha when it is the first or the same, else as the colour's own."""
    shared, own = pack / f"{slot.view}-alpha.png", pack / f"{slot.view}-{slot.colour}-alpha.png"
    others = slot.others(pack)
    if not shared.is_file() or not others:
        write_alpha(shared, alpha)
        own.unlink(missing_ok=True)
        return
    have = read_mask(shared, (alpha.shape[1], alpha.shape[0]))
    apart = np.abs(have - alpha)
    if float(apart.sum()) > _SAME_CAR * max(float(have.sum()), 1.0):
        raise InvalidInput(slot.file, "the same car from the same camera as the view's other pictures")
    rim = (np.maximum(have, alpha) > 0.02) & (np.minimum(have, alpha) < 0.98)
    if not rim.any() or float(apart[rim].mean()) <= _SAME_ALPHA:
        own.unlink(missing_ok=True)
    elif any(name.startswith(f"{slot.view}-{slot.colour}-") for name in others):
        raise InvalidInput(slot.file, "the same alpha as the colour's other lights")
    else:
        write_alpha(own, alpha)


def _filled(view: View) -> Floats:
    """A badge mask that locks the whole badge box: more than the badge, never less."""
    width, height = view.size_px
    x0, y0, x1, y1 = view.badge_box
    columns = np.clip(np.minimum(np.arange(1, width + 1), x1) - np.maximum(np.arange(width), x0), 0, 1)
    rows = np.clip(np.minimum(np.arange(1, height + 1), y1) - np.maximum(np.arange(height), y0), 0, 1)
    return np.asarray(rows[:, np.newaxis] * columns, dtype=np.float32)


def _check_box(where: str, view: View, badge: Floats) -> None:
    """The mask may hold other badges of the car too, but must cover a part of the box."""
    x0, y0, x1, y1 = (round(value) for value in view.badge_box)
    if float(badge[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].mean()) < 0.2:
        raise InvalidInput(f"{where}.badge_box", "the badge's rectangle; the badge mask is black there")
