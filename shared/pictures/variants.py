"""The files made of one picture: the private lossless master, and what the feed shows. Each is labelled by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import TripcanvasError
from shared.pictures.encode import encode_avif, encode_jpeg, encode_png, jpeg_rounded, jpeg_size
from shared.pictures.label import Label, carries
from shared.pictures.mark import Subject, draw_mark
from shared.pictures.share_card import CardText, draw_card

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: Qualities of JPEG 4:4:4 for the feed, best first: the first whose file is small enough is taken.
_QUALITIES = (90, 84, 76, 68, 60, 50, 40, 30, 24, 18)
#: Qualities at which the badge goes into the file, whatever the rest gets.
_BADGE_JPEG, _BADGE_AVIF = 98, 95
#: The AVIF quality that looks as a JPEG quality does, less the one: measured by PSNR on photographs and paintings.
_AVIF_LESS = 14
#: A JPEG's blocks, in pixels; with 4:4:4 those of the colours are as large.
_BLOCK_PX = 8
#: Progressive order leaves at least about this share of a JPEG.
_PROGRESSIVE = 0.95
#: Most bytes of a feed picture, for each pixel: 180 KiB at 768 x 960.
_BYTES_PER_PIXEL = 180 * 1024 / (768 * 960)
_THUMBNAIL_WIDTH = 384
_THUMBNAIL_JPEG, _THUMBNAIL_AVIF = 86, 74


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
    pixels: Bytes, label: Label, subject: Subject | None = None, card: CardText | None = None
) -> tuple[EncodedPicture, ...]:
    """Master (PNG), feed picture and thumbnail (JPEG and AVIF each) and share card (JPEG) of sRGB pixels (H, W, 3).

    The label hides nothing of `subject` where a corner is free, and compression spares its badge. There is no AVIF
    where it would be no smaller than the JPEG, and no share card without `card`. Raises `LabelMissing` when a label
    can't be read back from the bytes.
    """
    height, width = pixels.shape[:2]
    feed_jpeg, rounded = _feed_jpeg(pixels, label, subject)
    feed_avif = _feed_avif(pixels, rounded, label, subject, len(feed_jpeg))
    small, small_subject = _scaled(pixels, subject)
    marked_small = draw_mark(small, small_subject)
    # The largest first, as the feed wants them.
    variants = [
        _jpeg("feed", feed_jpeg, pixels),
        *([] if feed_avif is None else [_avif("feed", feed_avif, pixels)]),
        _jpeg("thumbnail", encode_jpeg(marked_small, label, _THUMBNAIL_JPEG), small),
    ]
    if feed_avif is not None:
        variants.append(_avif("thumbnail", encode_avif(marked_small, label, _THUMBNAIL_AVIF), small))
    master = EncodedPicture("master", "image/png", "png", width, height, encode_png(draw_mark(pixels, subject), label))
    if card is not None:
        drawn = draw_card(rounded.pixels, card)
        variants.append(_jpeg("card", encode_jpeg(drawn, label, rounded.encoding), drawn))
    for variant in (master, *variants):
        if not carries(variant.body, label):
            raise LabelMissing(f"the {variant.name} does not carry its label")
    return master, *variants


@dataclass(frozen=True, slots=True, eq=False)
class _Rounded:
    """Pixels as they go into the encoder, and the JPEG qualities: of what is not spared, and of the encoder."""

    pixels: Bytes
    quality: int
    encoding: int


def _roundings(pixels: Bytes, subject: Subject | None, qualities: tuple[int, ...]) -> Iterator[_Rounded]:
    """The picture in falling qualities; with a badge, all else is rounded, and the encoder keeps what it is given.

    A JPEG has one quality for all. So the rest is compressed first, and the file is written in the badge's quality:
    on the same grid of blocks, what the first compression rounded away stays away and costs next to nothing. AVIF has
    one quality as well, and also saves on what was rounded before.
    """
    blocks = _blocks(subject.badge) if subject is not None and subject.badge.any() else ()
    for quality in qualities:
        if not blocks:
            yield _Rounded(pixels, quality, quality)
            continue
        rounded = jpeg_rounded(pixels, quality)
        for block in blocks:
            rounded[block] = pixels[block]
        yield _Rounded(rounded, quality, _BADGE_JPEG)


def _feed_jpeg(pixels: Bytes, label: Label, subject: Subject | None) -> tuple[bytes, _Rounded]:
    """The best JPEG that is small enough; with a badge, one in which that keeps its colours."""
    limit = most_bytes(pixels.shape[1], pixels.shape[0])
    for rounded in _roundings(pixels, subject, _QUALITIES):
        marked = draw_mark(rounded.pixels, subject)
        last = rounded.quality == _QUALITIES[-1]
        if not last and jpeg_size(marked, rounded.encoding) * _PROGRESSIVE > limit:
            continue  # Too large however it is written.
        body = encode_jpeg(marked, label, rounded.encoding)
        if last or len(body) <= limit:
            return body, rounded
    raise AssertionError("the last quality is always taken")


def _feed_avif(pixels: Bytes, first: _Rounded, label: Label, subject: Subject | None, jpeg_bytes: int) -> bytes | None:
    """The AVIF of what the JPEG got, or of the next quality below; None when neither is smaller than the JPEG."""
    below = tuple(quality for quality in _QUALITIES if quality < first.quality)[:1]
    for rounded in (first, *_roundings(pixels, subject, below)):
        quality = rounded.quality - _AVIF_LESS if rounded.encoding == rounded.quality else _BADGE_AVIF
        body = encode_avif(draw_mark(rounded.pixels, subject), label, quality)
        if len(body) < jpeg_bytes:
            return body
    return None


def _blocks(mask: Mask) -> tuple[tuple[slice, slice], ...]:
    """The blocks of a JPEG in which a mask (H, W) has anything."""
    ys, xs = np.nonzero(mask)
    corners = sorted({(int(y), int(x)) for y, x in zip(ys // _BLOCK_PX, xs // _BLOCK_PX, strict=True)})
    return tuple(
        (slice(y * _BLOCK_PX, (y + 1) * _BLOCK_PX), slice(x * _BLOCK_PX, (x + 1) * _BLOCK_PX)) for y, x in corners
    )


def _scaled(pixels: Bytes, subject: Subject | None) -> tuple[Bytes, Subject | None]:
    """The thumbnail's pixels. Scaled first and labelled afterwards: the mark keeps its legal height there too."""
    height, width = pixels.shape[:2]
    small_width = min(_THUMBNAIL_WIDTH, width)
    size = (small_width, max(1, round(height * small_width / width)))

    def smaller(mask: Mask) -> Mask:
        return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)

    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return small, None if subject is None else Subject(smaller(subject.car), smaller(subject.badge))


def _jpeg(name: str, body: bytes, pixels: Bytes) -> EncodedPicture:
    return EncodedPicture(name, "image/jpeg", "jpg", pixels.shape[1], pixels.shape[0], body)


def _avif(name: str, body: bytes, pixels: Bytes) -> EncodedPicture:
    return EncodedPicture(f"{name}_avif", "image/avif", "avif", pixels.shape[1], pixels.shape[0], body)
