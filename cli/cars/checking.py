"""Judging packs that are there: manifest, geometry, lights, files, and the asset on flat colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cli.cars.backdrop import nearest
from cli.cars.geometry import check_camera
from cli.cars.matte import SOFT_FROM_PX, SOFT_TO_PX, measured
from cli.cars.outline import check_badge, check_contacts
from shared.errors import InvalidInput
from shared.pictures.composition.delta_e import ciede2000, lab_of_linear
from shared.pictures.composition.light import Floats, to_linear, to_srgb
from shared.pictures.composition.manifest import STUDIO, BadPack, Manifest, View, read_manifest
from shared.pictures.composition.occlusion import sky_map
from shared.pictures.composition.packs import colour_file, load_picture

#: How much the outline's soft pixels may differ from the car beside them, as a mean on four flat colours (CIEDE2000).
HALO_TO = 6.5
#: What a colour file may hold beyond its alpha (of 65535, linear light): its compression, and no more.
_BEYOND_ALPHA = 0.03
_SOLID = 0.996
_FLAT = np.array([[0, 0, 0], [255, 255, 255], [0, 177, 64], [255, 0, 144]], np.uint8)


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture of a pack: what was measured of it."""

    view: str
    colour: str
    lights: tuple[str, ...]
    soft_px: float
    halo_delta_e00: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one pack: `problems` is empty when it is fit for use."""

    model: str
    judged: tuple[Judged, ...]
    problems: tuple[str, ...]


def packs_in(cars: Path) -> list[Path]:
    """The folders of packs in `cars`."""
    return sorted(manifest.parent for manifest in cars.glob("*/car.toml"))


def judge(pack: Path) -> Verdict:
    """Judge the pack in a folder; never raises for what is wrong in it."""
    try:
        manifest = read_manifest(pack)
    except BadPack as error:
        return Verdict(pack.name, (), (str(error),))
    problems: list[str] = []
    judged: list[Judged] = []
    try:
        sky_map(manifest)
    except BadPack as error:
        problems.append(str(error))
    for view in manifest.views.values():
        try:
            check_camera(view, manifest)
        except InvalidInput as error:
            problems.append(f"{pack.name}: {error}")
        for colour in manifest.colours:
            found, wrong = _judged(manifest, view, colour)
            problems += [f"{pack.name}: {view.view_id}, {colour}: {each}" for each in wrong]
            judged += [found] if found else []
    for light in manifest.lights:
        if not any(light in each.lights for each in judged):
            problems.append(f"{pack.name}: lights.{light}: a picture in this light; there is none")
    return Verdict(pack.name, tuple(judged), tuple(problems))


def halo_delta_e00(pixels: Floats) -> float:
    """How far the outline of a picture (H, W, 4) looks off on flat colours: CIEDE2000, mean over soft pixels.

    Against the same alpha filled with the colour of the nearest opaque pixel. A rim that the car really has counts too,
    so that only much of it means the studio was left in.
    """
    alpha = pixels[..., 3]
    solid = alpha >= _SOLID
    outside = cv2.distanceTransform((alpha > 0.01).astype(np.uint8), cv2.DIST_L2, 5)
    soft = (alpha > 0.1) & (alpha < 0.9) & (outside <= 6)
    if not soft.any() or not solid.any():
        return 0.0
    beside = pixels[..., :3][nearest(solid)][soft] * alpha[soft][:, np.newaxis]
    own, through = pixels[..., :3][soft], 1 - alpha[soft][:, np.newaxis]
    off = [
        ciede2000(lab_of_linear(own + through * ground), lab_of_linear(beside + through * ground)).mean()
        for ground in to_linear(_FLAT)
    ]
    return float(np.mean(off))


def _judged(manifest: Manifest, view: View, colour: str) -> tuple[Judged | None, list[str]]:
    lights = tuple(
        light for light in manifest.lights if (manifest.folder / colour_file(view.view_id, colour, light)).is_file()
    )
    if STUDIO not in lights:
        return None, [f"{colour_file(view.view_id, colour, STUDIO)}: the picture in studio light; it is missing"]
    wrong: list[str] = []
    pictures = []
    for light in lights:
        try:
            pictures.append(load_picture(manifest, view.view_id, colour, light))
        except BadPack as error:
            return None, [str(error)]
        excess = _beyond_alpha(manifest.folder / colour_file(view.view_id, colour, light), pictures[-1].pixels[..., 3])
        if excess > _BEYOND_ALPHA:
            wrong.append(f"{light}: colour premultiplied with alpha; it exceeds alpha by {excess:.3f}")
    studio = pictures[0 if lights[0] == STUDIO else lights.index(STUDIO)]
    alpha = np.ascontiguousarray(studio.pixels[..., 3])
    straight = np.clip(studio.pixels[..., :3] / np.maximum(alpha, np.float32(1e-4))[..., np.newaxis], 0, 1)
    straight = np.asarray(straight, dtype=np.float32)
    edge = measured(to_srgb(straight), straight, alpha)
    halo = halo_delta_e00(studio.pixels)
    if not SOFT_FROM_PX <= edge.soft_px <= SOFT_TO_PX:
        wrong.append(f"alpha: an edge {SOFT_FROM_PX} to {SOFT_TO_PX} px wide; it has {edge.soft_px:.2f}")
    if halo > HALO_TO:
        wrong.append(f"outline: no halo on flat colours, at most {HALO_TO}; it has {halo:.1f}")
    try:
        check_contacts("view", view.wheel_contacts, alpha)
        check_badge("view", studio.badge, alpha)
    except InvalidInput as error:
        wrong.append(str(error))
    return Judged(view.view_id, colour, lights, edge.soft_px, halo), wrong


def _beyond_alpha(file: Path, alpha: NDArray[np.float32]) -> float:
    """The 99.9th percentile of how far a colour file's light exceeds the alpha."""
    coded = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    light = (np.asarray(coded).max(axis=-1) / np.float32(65535)) ** 2
    return float(np.percentile(light - alpha, 99.9))
