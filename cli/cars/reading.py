"""A designer's file as pixels: codes, alpha and colour space, with nothing lost of 16 bits."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cli.cars.profiles import space_of
from cli.cars.spaces import ADOBE_RGB, DISPLAY_P3, SPACES, SRGB, ColourSpace
from shared.errors import InvalidInput

Codes = NDArray[np.uint8] | NDArray[np.uint16]

#: Longest file, and most pixels: what fits into a few gigabytes of memory while it is worked on.
_MAX_BYTES, _MAX_PIXELS = 1 << 29, 60_000_000
#: Shortest and longest side.
_LEAST_PX, _MOST_PX = 64, 16384
_SIDES = f"sides of {_LEAST_PX} to {_MOST_PX} pixels, and at most {_MAX_PIXELS // 1_000_000} million in all"
#: TIFF tags (TIFF 6.0; ExtraSamples in section 18).
_BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 258, 262, 277, 338, 339
#: What an extra sample may be. Some programs leave saved alpha channels unspecified.
_UNSPECIFIED, _PREMULTIPLIED, _STRAIGHT = 0, 1, 2
_MODES = {
    "RGB": "an alpha channel; the picture has none",
    "CMYK": "RGB; the picture is CMYK",
    "LAB": "RGB; the picture is Lab",
    "P": "RGB with alpha; the picture has a palette",
    "PA": "RGB with alpha; the picture has a palette",
    "1": "RGB with alpha; the picture is black and white",
}
_PROFILE_PLEASE = "a colour profile in the file, or --profile srgb, p3 or adobe"
#: cICP of PNG, third edition (ITU-T H.273): primaries and transfer.
_CICP = {(1, 13): SRGB, (12, 13): DISPLAY_P3}
#: gAMA of PNG for sRGB, and for Adobe RGB, in 1/100000.
_SRGB_GAMMA = 0.45455


@dataclass(frozen=True, slots=True)
class Cutout:
    """`rgba` (H, W, 4) in 8 or 16 bits, codes of `space`; `premultiplied` when the file says so."""

    rgba: Codes
    space: ColourSpace
    premultiplied: bool


def read_cutout(file: Path, *, profile: str | None = None) -> Cutout:
    """Read a PNG or TIFF with alpha.

    `profile`, one of ``srgb p3 adobe``, says what an untagged picture is. Raises `InvalidInput` for a file that is not
    readable, too small or large, not RGB with alpha in 8 or 16 bits, or in an unknown colour space.
    """
    stored = _stored(file)
    with warnings.catch_warnings():
        # Its own limit of pixels comes below; what else is odd about a file is no reason to print.
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(stored), formats=("PNG", "TIFF")) as picture:
                return _read(file, stored, picture, profile)
        except Image.DecompressionBombError:
            raise InvalidInput(str(file), f"{_SIDES}; the picture has more") from None
        except UnidentifiedImageError:
            raise InvalidInput(str(file), "a PNG or TIFF picture") from None
        except (
            OSError,
            SyntaxError,
            ValueError,
            struct.error,
            KeyError,
            TypeError,
        ) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(str(file), "a whole picture; this one is damaged or cut off") from None


def read_mask(file: Path, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Read a grey picture (H, W) of a given width and height as coverage in 0..1.

    A picture in colour counts when its channels agree; of one with alpha, the alpha counts where it says anything.
    """
    stored = _stored(file)
    picture = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype not in (np.uint8, np.uint16):
        raise InvalidInput(str(file), "a grey PNG or TIFF picture in 8 or 16 bits")
    if picture.shape[1::-1] != size_px:
        raise InvalidInput(str(file), f"{size_px[0]} x {size_px[1]} pixels, as the car's picture has")
    mask = picture / np.float32(255 if picture.dtype == np.uint8 else 65535)
    if mask.ndim == 3:
        alpha = mask[..., 3] if mask.shape[2] == 4 and mask[..., 3].min() < 1 else None
        if alpha is None and np.abs(mask[..., :3] - mask[..., :1]).max() > 0.02:
            raise InvalidInput(str(file), "a grey picture: white where the badge is, black elsewhere")
        mask = mask[..., 0] if alpha is None else alpha
    return np.asarray(mask, dtype=np.float32)


def _stored(file: Path) -> bytes:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise InvalidInput(str(file), f"at most {_MAX_BYTES >> 20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(str(file), f"a readable file ({error.strerror})") from None


def _read(file: Path, stored: bytes, picture: Image.Image, profile: str | None) -> Cutout:
    width, height = picture.size
    if not (min(width, height) >= _LEAST_PX and max(width, height) <= _MOST_PX and width * height <= _MAX_PIXELS):
        raise InvalidInput(str(file), f"{_SIDES}; the picture has {width} x {height}")
    is_tiff = picture.format == "TIFF"
    bits = _tiff_bits(file, picture) if is_tiff else _png_bits(stored)
    extra = _extra_sample(picture) if is_tiff else _STRAIGHT
    # Pillow takes an alpha channel that a TIFF does not call one for something else.
    if picture.mode != "RGBA" and not (picture.mode == "RGB" and extra == _UNSPECIFIED):
        raise InvalidInput(
            str(file), _MODES.get(picture.mode, "RGB with alpha; the picture is grey or of another kind")
        )
    space = _space(file, stored, picture, profile)
    # Pillow notices when a file is cut off, OpenCV doesn't. But Pillow has no 16 bits, and divides by alpha what is
    # premultiplied; and libtiff, as OpenCV uses it, multiplies 8-bit straight alpha.
    picture.load()
    if bits == 8 and extra == _STRAIGHT:
        rgba = np.array(picture)
    else:
        decoded = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_UNCHANGED)
        if decoded is None or decoded.dtype.itemsize * 8 != bits or decoded.ndim != 3 or decoded.shape[2] != 4:
            raise InvalidInput(str(file), "RGB with one alpha channel, its channels interleaved")
        rgba = cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA)
    return Cutout(rgba, space, premultiplied=extra == _PREMULTIPLIED)


def _extra_sample(picture: Image.Image) -> int | None:
    """What the fourth channel of a TIFF is, None when there is none or there are more."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    extra = tags.get(_EXTRA_SAMPLES, (_UNSPECIFIED,))
    return int(extra[0]) if tags.get(_SAMPLES) == 4 and tags.get(_PHOTOMETRIC) == 2 and len(extra) == 1 else None


def _tiff_bits(file: Path, picture: Image.Image) -> int:
    tags = picture.tag_v2  # type: ignore[attr-defined]
    bits = set(tags.get(_BITS, (8,)))
    if len(bits) != 1 or not bits <= {8, 16} or set(tags.get(_SAMPLE_FORMAT, (1,))) != {1}:
        raise InvalidInput(str(file), "8 or 16 bits a channel")
    return int(bits.pop())


def _png_bits(stored: bytes) -> int:
    return stored[24]


def _space(file: Path, stored: bytes, picture: Image.Image, profile: str | None) -> ColourSpace:
    if profile is not None and profile not in SPACES:
        raise InvalidInput("--profile", f"one of {', '.join(SPACES)}")
    tagged = _tagged(stored, picture)
    said = SPACES[profile] if profile is not None else None
    if tagged is None and said is None:
        raise InvalidInput(str(file), _PROFILE_PLEASE)
    if tagged is not None and said is not None and tagged is not said:
        raise InvalidInput("--profile", f"{tagged.name}, as the file says itself")
    found = tagged or said
    assert found is not None  # noqa: S101  (for the type)
    return found


def _tagged(stored: bytes, picture: Image.Image) -> ColourSpace | None:
    """The space that the file names; what comes first wins, as PNG (third edition), 4.3, orders it."""
    if picture.format == "PNG":
        chunk = _png_chunk(stored, b"cICP")
        if chunk is not None:
            space = _CICP.get((chunk[0], chunk[1])) if len(chunk) == 4 and chunk[2:4] == b"\x00\x01" else None
            if space is None:
                raise InvalidInput("colour profile", "sRGB, Display P3 or Adobe RGB (1998)")
            return space
    icc = picture.info.get("icc_profile")
    if icc:
        return space_of(icc)
    if "srgb" in picture.info:
        return SRGB
    gamma, primaries = picture.info.get("gamma"), picture.info.get("chromaticity")
    if gamma is None:
        return None
    if abs(gamma - _SRGB_GAMMA) < 0.001 and (primaries is None or _near(primaries, (0.64, 0.33, 0.30, 0.60))):
        return SRGB
    if primaries is not None and abs(1 / gamma - ADOBE_RGB.gamma) < 0.01 and _near(primaries, (0.64, 0.33, 0.21, 0.71)):
        return ADOBE_RGB
    raise InvalidInput("colour profile", "sRGB, Display P3 or Adobe RGB (1998)")


def _near(chromaticity: tuple[float, ...], red_green: tuple[float, ...]) -> bool:
    """Whether white is D65 and red and green are these; all three spaces have the same blue."""
    wanted = (0.3127, 0.3290, *red_green, 0.15, 0.06)
    return all(abs(have - want) < 0.002 for have, want in zip(chromaticity, wanted, strict=True))


def _png_chunk(stored: bytes, kind: bytes) -> bytes | None:
    """The content of the first chunk of a kind before the pixels."""
    at = 8
    while at + 8 <= len(stored):
        size, name = struct.unpack_from(">I4s", stored, at)
        if name == kind:
            return stored[at + 8 : at + 8 + size]
        if name == b"IDAT":
            return None
        at += 12 + size
    return None
