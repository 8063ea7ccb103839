"""A cut-out freed of the backdrop it was photographed before: premultiplied linear light of the car alone.

The soft pixels of a cut-out still hold the studio: I = alpha F + (1 - alpha) B. Whether they do is found out by
comparing three readings of them, the mixture in linear light (a lens), the mixture in codes (a paint program), and F
alone (a clean cut-out).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cli.cars.backdrop import LEAST, MOST, Backdrop, fitted, nearest, refined
from cli.cars.foreground import own_colour
from cli.cars.spaces import SRGB, ColourSpace
from shared.pictures.composition.light import Floats, to_srgb

#: From here on a pixel is the car alone, and stays as it is.
SOLID = 0.996
#: A mixture that leaves more than this of what "clean" leaves is no explanation.
CLEAN_FROM = 0.70
#: How far from the outside soft pixels are the outline's, and from where on they are glass.
_RIM_PX, _NO_RIM_PX = 6, 9
_TURNS = 3
#: A sensor's noise and eight bits, as a standard deviation of light; and how much of the fit's spread is noise.
_NOISE, _UNSURE = 0.006, 0.3
#: Fewer soft pixels tell nothing.
_ENOUGH_PX = 50
#: A backdrop below this is none.
_NOTHING = 0.02


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in the soft pixels.

    `kind` is ``clean``, ``contaminated`` or ``premultiplied``; `mixed_in` ``linear``, ``codes`` or ``""``. `residual`
    is what the best mixture leaves of the deviation that "clean" leaves, 0 = nothing; `backdrop` the middle colour
    behind the car in the cut-out's own codes, 0..255; `soft_px` how many pixels told.
    """

    kind: str
    mixed_in: str
    residual: float
    backdrop: tuple[int, int, int] | None
    soft_px: int


def unmixed(
    rgba: NDArray[np.uint8] | NDArray[np.uint16], *, space: ColourSpace = SRGB, premultiplied: bool = False
) -> tuple[Floats, Findings]:
    """Premultiplied linear Rec. 709 light (H, W, 4) of a cut-out (H, W, 4), and what was found.

    `rgba` holds codes of `space` in 8 or 16 bits, with straight alpha unless `premultiplied`. Opaque pixels keep their
    colour exactly; what lies outside the gamut of Rec. 709 is clipped. Never fails: whether the alpha is any good is
    for `cli.cars.matte` to say.
    """
    stored = (rgba / np.float32(np.iinfo(rgba.dtype).max)).astype(np.float32)
    alpha, codes = stored[..., 3], stored[..., :3]
    solid = alpha >= SOLID
    soft = (alpha > 0) & ~solid
    colour = space.decoded(codes)
    reading = _read(codes, colour, alpha, solid, premultiplied)
    if reading.fit is not None:
        own = _separated(reading, alpha, solid, soft)
        colour[soft] = space.decoded(own) if reading.findings.mixed_in == "codes" else own
    light = np.clip(space.rec709(colour), 0, 1) * alpha[..., np.newaxis]
    return np.dstack([light, alpha]), reading.findings


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the soft pixels are understood: `mixed` (H, W, 3) and, unless they are clean, what is mixed into it."""

    findings: Findings
    mixed: Floats
    near: Floats
    fit: Backdrop | None


def _read(codes: Floats, linear: Floats, alpha: Floats, solid: NDArray[np.bool_], premultiplied: bool) -> _Reading:
    samples = _seen(alpha) & (alpha > LEAST) & (alpha < MOST)
    told = int(samples.sum())
    if premultiplied and solid.any():
        nothing = Backdrop(np.zeros_like(codes), 0.0, 0.0)
        return _Reading(Findings("premultiplied", "codes", 0.0, (0, 0, 0), told), codes, codes[nearest(solid)], nothing)
    if told < _ENOUGH_PX or not solid.any():
        return _Reading(Findings("clean", "", 1.0, None, told), linear, linear, None)
    here = nearest(solid)
    readings = [
        (fitted(picture, alpha, picture[here], samples), name, picture)
        for name, picture in (("linear", linear), ("codes", codes))
    ]
    best, mixed_in, mixed = min(readings, key=lambda reading: reading[0].residual)
    if best.residual >= CLEAN_FROM:
        return _Reading(Findings("clean", "", best.residual, None, told), linear, linear, None)
    behind = np.asarray(np.median(best.light[samples], axis=0), dtype=np.float32)
    # Nothing behind the car, in codes: that is what premultiplied means.
    kind = "premultiplied" if mixed_in == "codes" and float(np.max(behind)) < _NOTHING else "contaminated"
    # As codes of the picture: by sRGB's curve, from which that of Adobe RGB does not differ to the eye.
    shown = to_srgb(behind) if mixed_in == "linear" else behind
    colour = [round(float(each) * 255) for each in shown]
    findings = Findings(kind, mixed_in, best.residual, (colour[0], colour[1], colour[2]), told)
    return _Reading(findings, mixed, mixed[here], best)


def _separated(reading: _Reading, alpha: Floats, solid: NDArray[np.bool_], soft: NDArray[np.bool_]) -> Floats:
    """The car's own colour at the soft pixels (n, 3): colour and backdrop by turns, each with the other as it was."""
    assert reading.fit is not None  # noqa: S101  (for the type)
    mixed, own, behind = reading.mixed, reading.near.copy(), reading.fit.light
    known = reading.findings.kind == "premultiplied"
    seen = _seen(alpha) & (alpha > 0) & (alpha < MOST)
    unsure = _UNSURE * reading.fit.spread * (1 - alpha)
    noise = np.sqrt(_NOISE**2 + unsure**2).astype(np.float32)
    rim = np.clip((_NO_RIM_PX - _from_outside(alpha)) / (_NO_RIM_PX - _RIM_PX), 0, 1).astype(np.float32)
    found: Floats = own[soft]
    for _ in range(1 if known else _TURNS):
        if not known:
            behind = refined(behind, mixed, alpha, own, seen)
        found = np.clip(
            own_colour(mixed, alpha, behind, noise, rim=rim, solid=solid, soft=soft), np.float32(0), np.float32(1)
        )
        own[soft] = found
    return found


def _seen(alpha: Floats) -> NDArray[np.bool_]:
    """Which pixels (H, W) are the outline's."""
    distance = _from_outside(alpha)
    return np.asarray((distance > 0) & (distance <= _RIM_PX))


def _from_outside(alpha: Floats) -> Floats:
    """The distance (H, W) from what is wholly transparent, the picture's surroundings among it."""
    inside = np.pad((alpha > 0.01).astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)
