"""A designer's cut-out into a pack: read, judged, un-mixed, cropped, and written all at once or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cli.cars import documents
from cli.cars.documents import Document
from cli.cars.geometry import check_camera
from cli.cars.matte import Edge, check_edge, measured
from cli.cars.outline import Box, check_badge, check_contacts, dust, tight
from cli.cars.reading import Cutout, read_cutout, read_mask
from cli.cars.unmixing import Findings, unmixed
from cli.toml_files import read_toml
from shared.errors import InvalidInput
from shared.pictures.composition.light import Floats, scaled
from shared.pictures.composition.manifest import BadPack, Manifest, View, read_manifest
from shared.pictures.composition.occlusion import write_ground
from shared.pictures.composition.packs import colour_file, load_picture, write_alpha, write_badge, write_colour

#: Width of a pack's pictures in pixels unless told, the least that a picture must give, and the margin around the car.
DEFAULT_WIDTH_PX, LEAST_WIDTH_PX, MARGIN_PX = 1400, 400, 4
LIGHTS = ("studio", "noon", "dusk", "overcast", "night")
#: Bytes of a colour file in thousandths of the uncompressed ones: a car maker's pack need not be small.
_RATE = 150
#: How far alphas of two colours may differ (mean over the car's outline) to be taken for one and the same.
_SAME_ALPHA, _SAME_CAR = 0.004, 0.10
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be brought in, and what is said of it; points in `manifest` and `settings` in pixels of `picture`."""

    picture: Path
    model: str
    view: str
    colour: str
    light: str = "studio"
    manifest: Path | None = None
    settings: tuple[str, ...] = ()
    badge: Path | None = None
    profile: str | None = None
    premultiplied: bool = False
    replace: bool = False
    width_px: int = DEFAULT_WIDTH_PX


@dataclass(frozen=True, slots=True)
class Imported:
    """What was brought in: `before` (H, W, 4) the picture's codes and `after` the pack's pixels, at the same size."""

    manifest: Manifest
    view: View
    space: str
    findings: Findings
    edge: Edge
    specks_px: int
    before: Floats
    after: Floats
    badge: Floats


def bring_in(request: Request, cars: Path) -> Imported:
    """Make or extend the pack of a model in the folder `cars`.

    Raises `InvalidInput` with one reason; then nothing was written.
    """
    _check_names(request)
    pack = cars / request.model
    name = colour_file(request.view, request.colour, request.light)
    if (pack / name).exists() and not request.replace:
        raise InvalidInput(str(pack / name), "not there yet; --replace puts the new picture in its place")
    said = _said(request, pack)
    cutout = read_cutout(request.picture, profile=request.profile)
    premultiplied = request.premultiplied or cutout.premultiplied
    codes, specks = _cleared(cutout, premultiplied)
    alpha = codes[..., 3]
    mask = read_mask(request.badge, (alpha.shape[1], alpha.shape[0])) if request.badge else None
    box, size = _crop(request, said, alpha)
    scale = size[0] / box.width
    edge = measured(codes[..., :3], cutout.space.decoded(codes[..., :3]), alpha)
    check_edge(edge, scale)
    pixels, findings = unmixed(_again(codes, cutout), space=cutout.space, premultiplied=premultiplied)
    after = scaled(np.ascontiguousarray(pixels[box.window]), *size)
    table = said.get("views", {}).get(request.view, {})
    if table.get(documents.SOURCE_SIZE) is None:
        table = documents.moved(table, (alpha.shape[1], alpha.shape[0]), box, size)
        if mask is not None and "badge_box" not in table:
            table["badge_box"] = _bounds(scaled(np.ascontiguousarray(mask[box.window]), *size))
        said = documents.merged(said, {"views": {request.view: table}})
    badge = scaled(np.ascontiguousarray(mask[box.window]), *size) if mask is not None else None
    before = _as_pasted(codes[box.window], size, premultiplied)
    with _beside(cars, pack) as fresh:
        manifest, view, badge = _written(request, fresh, said, after, badge)
    manifest = _read(pack)
    return Imported(
        manifest, view, cutout.space.name, findings, edge, specks, before, _loaded(manifest, request), badge
    )


def _check_names(request: Request) -> None:
    for field, value in (("--model", request.model), ("--view", request.view), ("--colour", request.colour)):
        if not _ID.fullmatch(value):
            raise InvalidInput(field, "small letters, digits, - and _, at most 64")
    if request.light not in LIGHTS:
        raise InvalidInput("--light", f"one of {', '.join(LIGHTS)}")
    if not LEAST_WIDTH_PX <= request.width_px <= 8192:
        raise InvalidInput("--width", f"{LEAST_WIDTH_PX} to 8192 pixels")


def _said(request: Request, pack: Path) -> Document:
    """What the pack says already, and what the request says over it; the view's points in the picture's pixels."""
    have = read_toml(pack / "car.toml") if (pack / "car.toml").is_file() else {}
    new = read_toml(request.manifest) if request.manifest else {}
    new = documents.merged(new, documents.from_settings(list(request.settings)))
    if new.get("model", request.model) != request.model:
        raise InvalidInput("model", f"{request.model}, as --model says")
    for group in ("views", "colours", "lights"):
        if not isinstance(new.get(group, {}), dict):
            raise InvalidInput(group, f"tables [{group}.<id>]")
    # Only what this picture shows: a manifest may speak of views that are still to come, in pixels of their own.
    for group, name in (("views", request.view), ("colours", request.colour), ("lights", request.light)):
        mine = new.get(group, {}).get(name)
        if mine is not None and not isinstance(mine, dict):
            raise InvalidInput(f"{group}.{name}", "a table")
        new[group] = {name: mine} if mine is not None else {}
    given = new["views"].get(request.view, {})
    if documents.SOURCE_SIZE in given:
        raise InvalidInput(f"views.{request.view}.{documents.SOURCE_SIZE}", "left out: points in this picture's pixels")
    measures = [key for key in documents.POINTS if key in given]
    known = have.get("views", {}).get(request.view)
    if known is not None and measures:
        if not request.replace or len(measures) < len(documents.POINTS):
            raise InvalidInput(
                f"views.{request.view}.{measures[0]}",
                "nothing new for a view that the pack has; to move it, give all its points with --replace",
            )
        _check_alone(request, pack)
        have["views"] = {name: view for name, view in have["views"].items() if name != request.view}
    elif known is not None and documents.SOURCE_SIZE not in known:
        raise InvalidInput(f"views.{request.view}", "a view of another name; this one was not made by an import")
    out = documents.merged({"model": request.model, **have}, new)
    return documents.with_names(out, request.view, request.light)


def _check_alone(request: Request, pack: Path) -> None:
    mine = colour_file(request.view, request.colour, request.light)
    for other in pack.glob(f"{request.view}-*.jp2"):
        if other.name != mine:
            raise InvalidInput(f"views.{request.view}", f"the view's points as they are; {other.name} stands on them")


def _cleared(cutout: Cutout, premultiplied: bool) -> tuple[Floats, int]:
    """The picture's codes 0..1 (H, W, 4) without specks, and how many pixels those were."""
    codes = (cutout.rgba / np.float32(np.iinfo(cutout.rgba.dtype).max)).astype(np.float32)
    alpha = codes[..., 3]
    if alpha.min() > 0.99:
        raise InvalidInput("alpha", "a transparent surrounding; the picture is opaque everywhere")
    if premultiplied and np.mean((codes[..., :3].max(axis=-1) > alpha + 0.02)[(alpha > 0) & (alpha < 1)]) > 0.02:
        raise InvalidInput("--premultiplied", "colours no brighter than their alpha; this picture's alpha is straight")
    specks = dust(alpha)
    codes[specks] = 0
    return codes, int(specks.sum())


def _crop(request: Request, said: Document, alpha: Floats) -> tuple[Box, tuple[int, int]]:
    """Which part of the picture becomes the pack's, and of what size."""
    height, width = alpha.shape
    table = said.get("views", {}).get(request.view, {})
    if documents.SOURCE_SIZE in table:
        if table[documents.SOURCE_SIZE] != [width, height]:
            wide, high = table[documents.SOURCE_SIZE]
            raise InvalidInput(
                str(request.picture), f"{wide} x {high} pixels, from the same camera as the view's first picture"
            )
        box, size = Box(*table[documents.SOURCE_BOX]), (int(table["size_px"][0]), int(table["size_px"][1]))
        car = tight(alpha, 0)
        if car.left < box.left or car.top < box.top or car.right > box.right or car.bottom > box.bottom:
            raise InvalidInput(str(request.picture), "the car where the view's first picture has it")
        return box, size
    first = tight(alpha, 0)
    if first.width < LEAST_WIDTH_PX:
        raise InvalidInput(str(request.picture), f"a car at least {LEAST_WIDTH_PX} px wide; it has {first.width} px")
    margin = int(np.ceil(MARGIN_PX * max(first.width / (request.width_px - 2 * MARGIN_PX), 1.0)))
    box = tight(alpha, margin)
    scale = min(request.width_px / box.width, 1.0)
    return box, (round(box.width * scale), max(round(box.height * scale), 1))


def _again(codes: Floats, cutout: Cutout) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The cleared codes as they were stored."""
    rgba: NDArray[np.uint8] | NDArray[np.uint16] = cutout.rgba.copy()
    rgba[codes[..., 3] == 0] = 0
    return rgba


def _as_pasted(codes: Floats, size: tuple[int, int], premultiplied: bool) -> Floats:
    """The picture as a paint program lays it on a colour: codes times alpha, and alpha, at the pack's size."""
    alpha = codes[..., 3:]
    colour = codes[..., :3] if premultiplied else codes[..., :3] * alpha
    return scaled(np.concatenate([colour, alpha], axis=-1), *size)


def _bounds(mask: Floats) -> list[int]:
    rows, columns = np.flatnonzero((mask > 0.02).any(axis=1)), np.flatnonzero((mask > 0.02).any(axis=0))
    if not len(rows):
        raise InvalidInput("--badge", "white where the badge is; the mask is black on the whole car")
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


@contextmanager
def _beside(cars: Path, pack: Path) -> Iterator[Path]:
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


def _written(
    request: Request, fresh: Path, said: Document, pixels: Floats, badge: Floats | None
) -> tuple[Manifest, View, Floats]:
    (fresh / "car.toml").write_text(documents.written(said), encoding="utf-8")
    manifest = _read(fresh)
    view = manifest.views[request.view]
    where = f"views.{request.view}"
    alpha = np.ascontiguousarray(pixels[..., 3])
    check_contacts(where, view.wheel_contacts, alpha)
    check_camera(view, manifest)
    mask = fresh / f"{request.view}-badge.png"
    if (
        badge is None
        and mask.is_file()
        and documents.SOURCE_SIZE in said["views"][request.view]
        and not request.replace
    ):
        badge = read_mask(mask, view.size_px)
    if badge is None:
        badge = _filled(view)
    else:
        _check_same_place(where, view, badge)
    check_badge(where, badge, alpha)
    write_badge(mask, badge)
    _write_alpha(request, fresh, alpha)
    write_colour(fresh / colour_file(request.view, request.colour, request.light), pixels, _RATE)
    if request.light != "studio" and not (fresh / colour_file(request.view, request.colour, "studio")).is_file():
        raise InvalidInput("--light", f"studio first for {request.view} in {request.colour}; every pack has that light")
    write_ground(manifest)
    _loaded(manifest, request)
    return manifest, view, badge


def _write_alpha(request: Request, fresh: Path, alpha: Floats) -> None:
    """As the view's alpha when it is the first or the same, else as the colour's own."""
    shared, own = fresh / f"{request.view}-alpha.png", fresh / f"{request.view}-{request.colour}-alpha.png"
    mine = colour_file(request.view, request.colour, request.light)
    others = [each.name for each in fresh.glob(f"{request.view}-*.jp2") if each.name != mine]
    if not shared.is_file() or not others:
        write_alpha(shared, alpha)
        own.unlink(missing_ok=True)
        return
    have = read_mask(shared, (alpha.shape[1], alpha.shape[0]))
    rim = (np.maximum(have, alpha) > 0.02) & (np.minimum(have, alpha) < 0.98)
    apart = float(np.abs(have - alpha)[rim].mean()) if rim.any() else 0.0
    solid = float(np.abs(have - alpha).sum() / max(float(have.sum()), 1.0))
    if solid > _SAME_CAR:
        raise InvalidInput(str(request.picture), "the same car from the same camera as the view's other colours")
    if apart <= _SAME_ALPHA:
        own.unlink(missing_ok=True)
    elif any(name.startswith(f"{request.view}-{request.colour}-") for name in others):
        raise InvalidInput(str(request.picture), "the same alpha as the colour's other lights")
    else:
        write_alpha(own, alpha)


def _filled(view: View) -> Floats:
    """A badge mask that locks the whole badge box: more than the badge, never less."""
    width, height = view.size_px
    x0, y0, x1, y1 = view.badge_box
    columns = np.clip(np.minimum(np.arange(1, width + 1), x1) - np.maximum(np.arange(width), x0), 0, 1)
    rows = np.clip(np.minimum(np.arange(1, height + 1), y1) - np.maximum(np.arange(height), y0), 0, 1)
    return np.asarray(rows[:, np.newaxis] * columns, dtype=np.float32)


def _check_same_place(where: str, view: View, badge: Floats) -> None:
    """The mask may reach beyond the box (other badges of the car), but must cover a part of it."""
    x0, y0, x1, y1 = (round(value) for value in view.badge_box)
    if float(badge[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].mean()) < 0.2:
        raise InvalidInput(f"{where}.badge_box", "the badge's rectangle; the badge mask is black there")


def _read(folder: Path) -> Manifest:
    try:
        return read_manifest(folder)
    except BadPack as error:
        raise InvalidInput(error.field, error.expected) from None


def _loaded(manifest: Manifest, request: Request) -> Floats:
    try:
        return load_picture(manifest, request.view, request.colour, request.light).pixels
    except BadPack as error:
        raise InvalidInput(error.field, error.expected) from None
