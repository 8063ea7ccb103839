"""A designer's cut-out into a pack: read, judged, un-mixed, cropped, and written all at once or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cli.cars import documents
from cli.cars.documents import Document
from cli.cars.matte import Edge, check_edge, measured
from cli.cars.outline import Box, dust, tight
from cli.cars.packing import Slot, beside, pixels_of, put, read
from cli.cars.reading import Cutout, read_cutout, read_mask
from cli.cars.unmixing import Findings, unmixed
from cli.toml_files import read_toml
from shared.errors import InvalidInput
from shared.pictures.composition.light import Floats, scaled
from shared.pictures.composition.manifest import STUDIO, Manifest, View

#: Width of a pack's pictures in pixels unless told, the least that a picture must give, and the margin around the car.
DEFAULT_WIDTH_PX, LEAST_WIDTH_PX, MARGIN_PX = 1400, 400, 4
LIGHTS = ("studio", "noon", "dusk", "overcast", "night")
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

    @property
    def slot(self) -> Slot:
        """Its place in the pack."""
        return Slot(self.view, self.colour, self.light)


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
    pack, slot = cars / request.model, request.slot
    if (pack / slot.file).exists() and not request.replace:
        raise InvalidInput(str(pack / slot.file), "not there yet; --replace puts the new picture in its place")
    if request.light != STUDIO and not (pack / replace(slot, light=STUDIO).file).exists():
        raise InvalidInput("--light", f"{STUDIO} first for {slot.view} in {slot.colour}; every picture needs it")
    said = _said(request, pack)
    cutout = read_cutout(request.picture, profile=request.profile)
    premultiplied = request.premultiplied or cutout.premultiplied
    codes, specks = _cleared(cutout, premultiplied)
    alpha = codes[..., 3]
    mask = read_mask(request.badge, (alpha.shape[1], alpha.shape[0])) if request.badge else None
    box, size = _crop(request, said, alpha)
    source_size = alpha.shape[1], alpha.shape[0]
    # All further work on the car's rectangle alone: a master may be many times as large.
    codes, rgba = codes[box.window], cutout.rgba[box.window].copy()
    rgba[codes[..., 3] == 0] = 0
    edge = measured(codes[..., :3], cutout.space.decoded(codes[..., :3]), codes[..., 3])
    check_edge(edge, size[0] / box.width)
    pixels, findings = unmixed(rgba, space=cutout.space, premultiplied=premultiplied)
    badge = scaled(np.ascontiguousarray(mask[box.window]), *size) if mask is not None else None
    document = _with_view(request, said, source_size, box, size, badge)
    before, after = _as_pasted(codes, size, premultiplied), scaled(pixels, *size)
    with beside(cars, pack) as fresh:
        badge = put(fresh, slot, document, after, badge)
        pixels_of(read(fresh), slot)
    manifest = read(pack)
    stored = pixels_of(manifest, slot)
    return Imported(
        manifest, manifest.views[slot.view], cutout.space.name, findings, edge, specks, before, stored, badge
    )


def _check_names(request: Request) -> None:
    for field, value in (("--model", request.model), ("--view", request.view), ("--colour", request.colour)):
        if not _ID.fullmatch(value):
            raise InvalidInput(field, "small letters, digits, - and _, at most 64")
    if request.light not in LIGHTS:
        raise InvalidInput("--light", f"one of {', '.join(LIGHTS)}")
    if not LEAST_WIDTH_PX <= request.width_px <= 8192:
        raise InvalidInput("--width", f"{LEAST_WIDTH_PX} to 8192 pixels")


@dataclass(frozen=True, slots=True)
class _Said:
    """What pack and request say together, and of the view what is given in the picture's pixels.

    `known`: the pack has the view, and `document` holds it in the pack's pixels; else it is to be made of `given`.
    """

    document: Document
    given: Document
    known: bool


def _said(request: Request, pack: Path) -> _Said:
    have = read_toml(pack / "car.toml") if (pack / "car.toml").is_file() else {}
    new = read_toml(request.manifest) if request.manifest else {}
    new = documents.merged(new, documents.from_settings(list(request.settings)))
    if new.get("model", request.model) != request.model:
        raise InvalidInput("model", f"{request.model}, as --model says")
    # Only what this picture shows: a manifest may speak of views that are still to come, in pixels of their own.
    for group, name in (("views", request.view), ("colours", request.colour), ("lights", request.light)):
        tables = new.get(group, {})
        mine = tables.get(name, {}) if isinstance(tables, dict) else None
        if not isinstance(mine, dict):
            raise InvalidInput(f"{group}.{name}", f"a table [{group}.{name}]")
        new[group] = {name: mine} if mine else {}
    given = new.pop("views").get(request.view, {})
    if documents.SOURCE_SIZE in given:
        raise InvalidInput(f"views.{request.view}.{documents.SOURCE_SIZE}", "left out: points in this picture's pixels")
    views = have.get("views", {})
    anew = request.replace and "wheel_contacts" in given and not request.slot.others(pack)
    known = request.view in views and not anew
    if known and documents.SOURCE_SIZE not in views[request.view]:
        raise InvalidInput(f"views.{request.view}", "a view of another name; this one was not made by an import")
    if not known:
        have["views"] = {name: view for name, view in views.items() if name != request.view}
    document = documents.merged({"model": request.model, **have}, new)
    if request.colour not in document.get("colours", {}):
        raise InvalidInput(f"colours.{request.colour}", "its name_zh and name_en, in --manifest or by --set")
    return _Said(document, given, known)


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


def _crop(request: Request, said: _Said, alpha: Floats) -> tuple[Box, tuple[int, int]]:
    """Which part of the picture becomes the pack's, and of what size."""
    if said.known:
        table = said.document["views"][request.view]
        wide, high = table[documents.SOURCE_SIZE]
        if alpha.shape != (high, wide):
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


def _with_view(
    request: Request, said: _Said, source_size: tuple[int, int], box: Box, size: tuple[int, int], badge: Floats | None
) -> Document:
    """The document with the view in pixels of the pack. Raises `InvalidInput` for other points than the pack has."""
    table = documents.moved(said.given, source_size, box, size)
    if badge is not None and "badge_box" not in table:
        table["badge_box"] = _bounds(badge)
    if said.known:
        have = said.document["views"][request.view]
        for key in documents.POINTS:
            if key in said.given and not documents.alike(table[key], have.get(key)):
                raise InvalidInput(
                    f"views.{request.view}.{key}",
                    "as the view's other pictures have it; it can be moved with --replace when there is no other",
                )
        table = {key: value for key, value in said.given.items() if key not in documents.POINTS}
    return documents.with_names(
        documents.merged(said.document, {"views": {request.view: table}}), request.view, request.light
    )


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
