"""Files as designers' programs write them, byte by byte: ICC profiles, TIFF in 16 bits, PNG with chosen chunks."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from cli.cars.spaces import ColourSpace

#: XYZ of D65 to D50 (Bradford), as ICC profiles adapt their colorants.
_TO_D50 = np.array(
    [[1.0478112, 0.0228866, -0.0501270], [0.0295424, 0.9904844, -0.0170491], [-0.0092345, 0.0150436, 0.7521316]]
)


def icc_profile(
    colorants: np.ndarray, curve: bytes, *, space: bytes = b"RGB ", more: dict[bytes, bytes] | None = None
) -> bytes:
    """A display profile of matrix and curve; `colorants` (3, 3) linear RGB to XYZ at D65."""
    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061),
        **{
            name: b"XYZ \0\0\0\0" + struct.pack(">3i", *np.rint(column * 65536).astype(int))
            for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), (_TO_D50 @ colorants).T, strict=True)
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
        **(more or {}),
    }
    table, content = b"", b""
    at = 132 + 12 * len(tags)
    for name, tag in tags.items():
        tag += b"\0" * (-len(tag) % 4)
        table += struct.pack(">4sII", name, at + len(content), len(tag))
        content += tag
    body = struct.pack(">I", len(tags)) + table + content
    header = struct.pack(">I4s4s4s4s4s", 128 + len(body), b"none", b"\x04\x30\0\0", b"mntr", space, b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + body


def power(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def table(values: np.ndarray) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + np.rint(values * 65535).astype(">u2").tobytes()


#: The curve of sRGB as parametricCurveType 3.
SRGB_CURVE = b"para\0\0\0\0" + struct.pack(
    ">HH5i", 3, 0, *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def profile_of(space: ColourSpace) -> bytes:
    return icc_profile(space.to_xyz, power(space.gamma) if space.gamma else SRGB_CURVE)


def tiff(rgba: np.ndarray, *, extra: int = 2, icc: bytes = b"", photometric: int = 2, sample_format: int = 1) -> bytes:
    """One uncompressed strip, little-endian; `extra` 1 = premultiplied, 2 = straight, 0 = unspecified."""
    height, width, channels = rgba.shape
    pixels = rgba.astype(rgba.dtype.newbyteorder("<")).tobytes()
    bits = rgba.dtype.itemsize * 8
    values: dict[int, tuple[int, bytes, int]] = {
        256: (4, struct.pack("<I", width), 1),
        257: (4, struct.pack("<I", height), 1),
        258: (3, struct.pack(f"<{channels}H", *[bits] * channels), channels),
        259: (3, struct.pack("<H", 1), 1),
        262: (3, struct.pack("<H", photometric), 1),
        273: (4, struct.pack("<I", 8), 1),
        277: (3, struct.pack("<H", channels), 1),
        278: (4, struct.pack("<I", height), 1),
        279: (4, struct.pack("<I", len(pixels)), 1),
        338: (3, struct.pack("<H", extra), 1),
        339: (3, struct.pack(f"<{channels}H", *[sample_format] * channels), channels),
    }
    if icc:
        values[34675] = (7, icc, len(icc))
    at, rest, entries = 8 + len(pixels) + 2 + 12 * len(values) + 4, b"", b""
    for tag, (kind, value, count) in sorted(values.items()):
        if len(value) > 4:
            where = struct.pack("<I", at + len(rest))
            rest += value + b"\0" * (len(value) % 2)
        else:
            where = value.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + where
    start = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    return start + pixels + struct.pack("<H", len(values)) + entries + b"\0\0\0\0" + rest


def png(rgba: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """RGBA in 8 or 16 bits with `chunks` before its pixels."""
    height, width, _ = rgba.shape
    rows = rgba.astype(rgba.dtype.newbyteorder(">"))
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, rgba.dtype.itemsize * 8, 6, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"profile\0\0" + zlib.compress(profile)
