"""The files made of one picture: the private lossless master and what the feed shows. Each is labelled by itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import TripcanvasError
from shared.pictures.label import Label, draw_label, encode_jpeg, encode_png, read_label

#: Quality of JPEG 4:4:4 for the feed.
_FEED_QUALITY = 90
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


def make_variants(pixels: NDArray[np.uint8], label: Label) -> tuple[EncodedPicture, ...]:
    """Master (PNG), feed picture (JPEG) and thumbnail (JPEG) of sRGB pixels (height, width, 3), in this order.

    Raises `LabelMissing` when a label can't be read back from the bytes.
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
        EncodedPicture("feed", "image/jpeg", "jpg", width, height, encode_jpeg(labelled, label, _FEED_QUALITY)),
        EncodedPicture(
            "thumbnail", "image/jpeg", "jpg", small_width, small_height, encode_jpeg(small, label, _THUMBNAIL_QUALITY)
        ),
    )
    for variant in variants:
        if read_label(variant.body) != label:
            raise LabelMissing(f"the {variant.name} does not carry its label")
    return variants
