"""The files made of one picture: the private lossless master and what the feed shows. Each is labelled by itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import TripcanvasError
from shared.pictures.label import Label, draw_label, encode_jpeg, encode_png, read_label

#: Qualities of JPEG 4:4:4 for the feed, best first: the first whose file is small enough is taken.
_FEED_QUALITIES = (90, 84, 76, 68, 60, 50, 40, 30)
#: Quality at which the badge's blocks go into the file, whatever the rest gets.
_BADGE_QUALITY = 98
#: A JPEG's blocks, in pixels; with 4:4:4 those of the colours are as large.
_BLOCK_PX = 8
#: Most bytes of a feed picture, for each pixel: 180 KiB at 768 x 960.
_BYTES_PER_PIXEL = 180 * 1024 / (768 * 960)
_THUMBNAIL_WIDTH = 384
_THUMBNAIL_QUALITY = 86


class LabelMissing(TripcanvasError):
    """An encoded file does not carry the label that was put on it; it must not be stored."""


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One encoded, labelled file."""

    name: str
    content_type: str
    extension: str
    width: int
    height: int
    body: bytes

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return hashlib.sha256(self.body).hexdigest()


def most_bytes(width: int, height: int) -> int:
    """How large a feed picture of this size may be."""
    return round(width * height * _BYTES_PER_PIXEL)


def make_variants(
    pixels: NDArray[np.uint8], label: Label, badge: NDArray[np.bool_] | None = None
) -> tuple[EncodedPicture, ...]:
    """Master (PNG), feed picture (JPEG) and thumbnail (JPEG) of sRGB pixels (height, width, 3), in this order.

    `badge` (height, width) says which pixels are a car's badge: compression spares them. Raises `LabelMissing` when a
    label can't be read back from the bytes.
    """
    labelled = draw_label(pixels)
    height, width = pixels.shape[:2]
    small_width = min(_THUMBNAIL_WIDTH, width)
    small_height = max(1, round(height * small_width / width))
    # Scaled first and labelled afterwards: the mark keeps its legal height in the small picture too.
    small = draw_label(
        np.asarray(cv2.resize(pixels, (small_width, small_height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    )
    variants = (
        EncodedPicture("master", "image/png", "png", width, height, encode_png(labelled, label)),
        EncodedPicture("feed", "image/jpeg", "jpg", width, height, _feed_jpeg(labelled, label, badge)),
        EncodedPicture(
            "thumbnail", "image/jpeg", "jpg", small_width, small_height, encode_jpeg(small, label, _THUMBNAIL_QUALITY)
        ),
    )
    for variant in variants:
        if read_label(variant.body) != label:
            raise LabelMissing(f"the {variant.name} does not carry its label")
    return variants


def _feed_jpeg(pixels: NDArray[np.uint8], label: Label, badge: NDArray[np.bool_] | None) -> bytes:
    """The best JPEG that is small enough; with a badge, one in which that keeps its colours.

    A JPEG has one quality for all. So the rest is compressed first, and the file is written in the badge's quality:
    on the same grid of blocks, what the first compression rounded away stays away and costs next to nothing.
    """
    height, width = pixels.shape[:2]
    spared = None if badge is None or not badge.any() else _blocks(badge)
    body = b""
    for quality in _FEED_QUALITIES:
        if spared is None:
            body = encode_jpeg(pixels, label, quality)
        else:
            body = encode_jpeg(np.where(spared, pixels, _compressed(pixels, quality)), label, _BADGE_QUALITY)
        if len(body) <= most_bytes(width, height):
            break
    return body


def _blocks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(height, width, 1): the blocks in which a mask (height, width) has anything."""
    height, width = mask.shape
    rows, columns = -(-height // _BLOCK_PX), -(-width // _BLOCK_PX)
    found = np.zeros((rows, columns), bool)
    ys, xs = np.nonzero(mask)
    found[ys // _BLOCK_PX, xs // _BLOCK_PX] = True
    grown = found.repeat(_BLOCK_PX, axis=0).repeat(_BLOCK_PX, axis=1)
    return grown[:height, :width, np.newaxis]


def _compressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    _, stored = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    back = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(back, cv2.COLOR_BGR2RGB), dtype=np.uint8)  # type: ignore[arg-type]
