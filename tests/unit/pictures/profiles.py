"""ICC profiles made by hand (ICC.1:2001-04), and what they should do to a colour."""

from __future__ import annotations

import struct

import numpy as np

#: Of Display P3 and Adobe RGB (1998) to XYZ, adapted to D50 as profiles want it.
P3_TO_XYZ = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE_TO_XYZ = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
SRGB_TO_XYZ = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
_GAMMA = 2.2


def _xyz(x, y, z):
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(each * 65536)) for each in (x, y, z))


def _curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _text(kind, text):
    if kind == b"desc":
        return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(79)
    return b"text\0\0\0\0" + text + b"\0"


def _profile(device, space, connection, tags):
    tags = {b"desc": _text(b"desc", b"made for a test"), b"cprt": _text(b"text", b"none"),
            b"wtpt": _xyz(0.9642, 1.0, 0.8249), **tags}  # fmt: skip
    table, data, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(data), len(content))
        data += content
    size = at + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, device, space, connection)
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += b"".join(struct.pack(">i", round(each * 65536)) for each in (0.9642, 1.0, 0.8249))
    return header + bytes(128 - len(header)) + table + data


def _matrix_profile(matrix):
    columns = {name: _xyz(*matrix[:, number]) for number, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    curves = {name: _curve(_GAMMA) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**columns, **curves})


def _grey_press():
    """A press whose every full ink takes a quarter of the lightness, and no ink has a hue."""
    identity = b"".join(struct.pack(">i", 65536 * (n % 4 == 0)) for n in range(9))
    ramp = bytes(range(256))
    corners = b"".join(bytes((255 - 60 * sum(n >> bit & 1 for bit in range(4)), 128, 128)) for n in range(16))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + corners + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


DISPLAY_P3 = _matrix_profile(P3_TO_XYZ)
ADOBE_RGB = _matrix_profile(ADOBE_TO_XYZ)
LINEAR_GREY = _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(1.0)})
GREY_PRESS = _grey_press()


def expected_srgb(colour, matrix):
    """What a colour of `matrix` and gamma 2.2 is in sRGB (IEC 61966-2-1), not rounded."""
    linear = np.linalg.inv(SRGB_TO_XYZ) @ matrix @ (np.array(colour) / 255) ** _GAMMA
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
