"""Which colour space a picture's ICC profile means, told by its colorants and curves and not by its name.

Format: ICC.1:2022, 7.2 (header), 7.3 (tag table), 10.6 (curveType), 10.18 (parametricCurveType), 10.31 (XYZType).
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from cli.cars.spaces import SPACES, ColourSpace, Doubles
from shared.errors import InvalidInput

#: Longest profile that is read; those of the three spaces have a few kilobytes.
_MAX_BYTES = 4 << 20
#: XYZ of D65 to XYZ of D50, as profiles hold it (Bradford; Lindbloom).
_BRADFORD = np.array(
    [[1.0478112, 0.0228866, -0.0501270], [0.0295424, 0.9904844, -0.0170491], [-0.0092345, 0.0150436, 0.7521316]]
)
#: How far a colorant may lie off (X, Y and Z), and a curve (linear light): rounding of profiles, and no more.
_NEAR_COLORANT, _NEAR_CURVE = 0.003, 0.004
_KNOWN = "the profile of sRGB, Display P3 or Adobe RGB (1998); convert the picture to one of them"


def space_of(profile: bytes) -> ColourSpace:
    """The colour space of an ICC profile. Raises `InvalidInput` for any other than the three known ones."""
    try:
        return _known(_tags(profile))
    except (struct.error, IndexError, ValueError, OverflowError):
        raise InvalidInput("colour profile", "a readable ICC profile") from None


def _known(tags: dict[bytes, bytes]) -> ColourSpace:
    if not {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"} <= tags.keys() or b"A2B0" in tags:
        raise InvalidInput("colour profile", _KNOWN)
    colorants = np.array([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T
    codes = np.linspace(0, 1, 33)
    curves = [_curve(tags[name], codes) for name in (b"rTRC", b"gTRC", b"bTRC")]
    for space in SPACES.values():
        right = space.decoded(codes.astype(np.float32))
        if (
            np.abs(colorants - _BRADFORD @ space.to_xyz).max() <= _NEAR_COLORANT
            and max(float(np.abs(curve - right).max()) for curve in curves) <= _NEAR_CURVE
        ):
            return space
    raise InvalidInput("colour profile", _KNOWN)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if not 132 <= len(profile) <= _MAX_BYTES or profile[36:40] != b"acsp":
        raise ValueError("no profile")
    if profile[16:20] != b"RGB ":
        raise InvalidInput("colour profile", "one of RGB; convert the picture to sRGB, Display P3 or Adobe RGB")
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > 200:
        raise ValueError("too many tags")
    found = {}
    for number in range(count):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if offset + size > len(profile):
            raise ValueError("cut off")
        found[name] = profile[offset : offset + size]
    return found


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _curve(tag: bytes, codes: NDArray[np.float64]) -> Doubles:
    """Linear light of codes in 0..1."""
    if tag[:4] == b"para":
        return _parametric(tag, codes)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return codes
    if count == 1:
        (gamma,) = struct.unpack_from(">H", tag, 12)
        return np.asarray(codes ** (gamma / 256))
    table = np.frombuffer(tag, ">u2", count, 12) / 65535
    return np.interp(codes, np.linspace(0, 1, count), table)


def _parametric(tag: bytes, x: NDArray[np.float64]) -> Doubles:
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind] if kind <= 4 else 0
    if not count:
        raise ValueError("no curve")
    values = [value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12)]
    g, a, b, c, d, e, f = values + [0.0] * (7 - count) if kind else [values[0], 1, 0, 0, 0, 0, 0]
    if kind in (1, 2):
        # Below -b/a the curve is flat: 0, or c.
        flat, d = (0.0, -b / a) if kind == 1 else (c, -b / a)
        low, e = np.full_like(x, flat), flat
    else:
        low = c * x + f
    return np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + e, low)
