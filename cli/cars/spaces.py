"""The colour spaces that cut-outs come in: sRGB, Display P3, Adobe RGB (1998)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.light import Floats, to_linear

Doubles = NDArray[np.float64]

#: x, y of D65, which all three have as their white.
_WHITE = (0.3127, 0.3290)
_REC709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> Doubles:
    """Linear RGB to XYZ (3, 3) of primaries and white given as x, y (SMPTE RP 177)."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    x, y = _WHITE
    return np.asarray(columns * np.linalg.solve(columns, np.array([x / y, 1.0, (1 - x - y) / y])))


@dataclass(frozen=True, slots=True, eq=False)
class ColourSpace:
    """How codes become light: a transfer curve, then a matrix (3, 3) from its linear RGB to Rec. 709's."""

    name: str
    #: Linear RGB to XYZ relative to D65.
    to_xyz: Doubles
    #: 0 = the curve of IEC 61966-2-1 (sRGB), else a plain power.
    gamma: float

    @property
    def to_rec709(self) -> Floats:
        """The matrix from the space's linear RGB to linear Rec. 709."""
        return np.asarray(np.linalg.solve(_to_xyz(_REC709), self.to_xyz), dtype=np.float32)

    def decoded(self, codes: Floats) -> Floats:
        """Codes in 0..1 of any shape as the space's own linear light."""
        if self.gamma == 0:
            return to_linear(codes)
        return np.asarray(np.maximum(codes, 0.0) ** self.gamma, dtype=np.float32)

    def rec709(self, linear: Floats) -> Floats:
        """The space's linear light (…, 3) as Rec. 709's; what lies outside its gamut leaves 0..1."""
        return np.asarray(linear @ self.to_rec709.T, dtype=np.float32)


SRGB = ColourSpace("sRGB", _to_xyz(_REC709), 0.0)
#: SMPTE EG 432-1 primaries with D65 and the curve of sRGB.
DISPLAY_P3 = ColourSpace("Display P3", _to_xyz(((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))), 0.0)
#: Adobe RGB (1998) Color Image Encoding, 2005-05, 4.3.4.
ADOBE_RGB = ColourSpace("Adobe RGB", _to_xyz(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))), 563 / 256)

#: By the word that `--profile` takes.
SPACES = {"srgb": SRGB, "p3": DISPLAY_P3, "adobe": ADOBE_RGB}
