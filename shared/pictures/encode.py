"""Pixels to labelled files. Each is written with its label, sealed, and carries no other metadata."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.pictures.label import Label, sealed, xmp_packet

Bytes = NDArray[np.uint8]
#: Of libavif: 0 slowest and smallest, 10 fastest. From 9 on a 768 x 960 picture takes less than 0.1 s.
_AVIF_SPEED = 9
_PNG_LEVEL = 1


def encode_png(pixels: Bytes, label: Label) -> bytes:
    """Lossless PNG of sRGB pixels (H, W, 3), 8 bits.

    Written here, because the rows of a photo-like picture need one filter only (each less the one above) and level 1:
    choosing filters for every row takes a third longer for a file as large.
    """
    height, width = pixels.shape[:2]
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = 2
    flat = pixels.reshape(height, -1)
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        # Perceptual rendering intent: pixels are sRGB.
        (b"sRGB", b"\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_packet(label)),
        (b"IDAT", zlib.compress(rows, _PNG_LEVEL)),
        (b"IEND", b""),
    )
    body = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
        for kind, data in chunks
    )
    return sealed(body, label)


def encode_jpeg(pixels: Bytes, label: Label, quality: int) -> bytes:
    """Progressive JPEG 4:4:4 of sRGB pixels (H, W, 3): chroma subsampling ruins saturated badges.

    By OpenCV: Pillow keeps a buffer of one byte a pixel for a progressive file, which a noisy picture overflows.
    """
    options = [*_jpeg_options(quality), cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, stored = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    body = stored.tobytes()
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp_packet(label)
    # Behind SOI and the JFIF segment, which has to be the first.
    after = 4 + int.from_bytes(body[4:6], "big")
    marked = body[:after] + b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + body[after:]
    return sealed(marked, label)


def encode_avif(pixels: Bytes, label: Label, quality: int) -> bytes:
    """AVIF 4:4:4 of sRGB pixels (H, W, 3).

    Tuned for PSNR: libaom's default for still pictures rounds colours more, which a badge shows first. One thread,
    because tiles, and with them the bytes, depend on their number.
    """
    out = io.BytesIO()
    Image.fromarray(pixels).save(
        out,
        "AVIF",
        quality=quality,
        subsampling="4:4:4",
        speed=_AVIF_SPEED,
        max_threads=1,
        codec="aom",
        xmp=xmp_packet(label),
        advanced={"tune": "psnr"},
    )
    return sealed(out.getvalue(), label)


def encode_webp(pixels: Bytes, label: Label, quality: int) -> bytes:
    """WebP of sRGB pixels (H, W, 3), for receivers that ask for it; its colours are subsampled always."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=quality, xmp=xmp_packet(label))
    return sealed(out.getvalue(), label)


def jpeg_size(pixels: Bytes, quality: int) -> int:
    """About how many bytes `encode_jpeg` will take, in half its time: those of a file that is not progressive."""
    options = [*_jpeg_options(quality), cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, stored = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return len(stored)


def jpeg_rounded(pixels: Bytes, quality: int) -> Bytes:
    """The pixels as a JPEG 4:4:4 of this quality gives them back."""
    _, stored = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _jpeg_options(quality))
    back = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(back, cv2.COLOR_BGR2RGB), dtype=np.uint8)  # type: ignore[arg-type]


def _jpeg_options(quality: int) -> list[int]:
    return [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
