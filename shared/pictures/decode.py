"""A picture from outside, decoded with limits, to 8-bit sRGB.

Only the pixels survive: whatever else the file carried (ComfyUI writes the whole prompt into PNG text) stays behind.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from shared.errors import InvalidInput
from shared.pictures.containers import Container, read_container

#: Most bytes of a rendered file that are fetched and read.
MAX_FILE_BYTES = 32 * 1024 * 1024
#: Most pixels that are decoded; the largest size the image services paint is 2048 x 2048.
MAX_PIXELS = 4096 * 4096
#: What services render to.
RENDERED = ("PNG", "JPEG", "WEBP")
#: What this product writes, besides.
ALL_KINDS = (*RENDERED, "AVIF")
#: A printer's profile has about 3 MB.
_MAX_PROFILE_BYTES = 4 * 1024 * 1024
#: PNG's cICP bytes for sRGB (W3C PNG, third edition, 11.3.2.6); the others are of wide gamuts and HDR.
_SRGB_CODES = b"\x01\x0d\x00\x01"
_SRGB_GAMMA = 1 / 2.2
_PROFILE_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    ImageCms.PyCMSError,
)


def decode(body: bytes, kinds: tuple[str, ...] = RENDERED) -> NDArray[np.uint8]:
    """Decode a file of one of these kinds to sRGB pixels: shape (height, width, 3), dtype uint8.

    The format is known by the bytes. Colours are converted by the file's profile; what is transparent lies on white;
    an orientation tag is obeyed. Raises `InvalidInput` for another format, a broken or truncated file, one with
    anything before or behind the picture, several frames, HDR, a profile that can't be used, or beyond the limits.
    """
    if len(body) > MAX_FILE_BYTES:
        raise InvalidInput("picture", f"at most {MAX_FILE_BYTES} bytes, got {len(body)}")
    container = read_container(body)
    if container.kind not in kinds:
        raise InvalidInput("picture", f"one of {', '.join(kinds)}, got {container.kind}")
    _check(container, len(body))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=(container.kind,)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InvalidInput("picture", f"at most {MAX_PIXELS} pixels, got {image.width}x{image.height}")
                if getattr(image, "n_frames", 1) != 1:
                    raise InvalidInput("picture", "one frame")
                return _pixels(image)
    except InvalidInput:
        raise
    except _UNREADABLE as error:
        raise InvalidInput("picture", f"a readable {container.kind} file ({type(error).__name__})") from None


def _check(container: Container, size_bytes: int) -> None:
    if container.animated:
        raise InvalidInput("picture", "one frame")
    if container.end != size_bytes:
        raise InvalidInput("picture", f"nothing behind the picture, got {size_bytes - container.end} bytes more")
    if container.colour_codes not in (b"", _SRGB_CODES):
        raise InvalidInput("picture", "sRGB or an ICC profile, not the colours of cICP")


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    profile, gamma = image.info.get("icc_profile"), image.info.get("gamma")
    declared = "srgb" in image.info
    image.load()
    image = ImageOps.exif_transpose(image)
    image, cover = _parted(image)
    if profile:
        image = _by_profile(image, profile)
    colours = np.asarray(image.convert("RGB"))
    if gamma and not profile and not declared and abs(gamma - _SRGB_GAMMA) > 0.01:
        colours = _by_gamma(float(gamma))[colours]
    if cover is None:
        return np.array(colours)
    share = cover[..., None].astype(np.float32) / 255
    return np.rint(colours * share + 255 * (1 - share)).astype(np.uint8)


def _parted(image: Image.Image) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    """The picture in L, RGB or CMYK, 8 bits each, and its alpha (H, W), None when it is opaque."""
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((np.minimum(deep, 65535) * 255 + 32767) // 65535).astype(np.uint8)), None
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        straight = image.convert("RGBA")
        cover = np.asarray(straight.getchannel("A"))
        return straight.convert("RGB"), None if cover.min() == 255 else cover
    if image.mode in ("1", "L"):
        return image.convert("L"), None
    return (image if image.mode == "CMYK" else image.convert("RGB")), None


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours by the file's ICC profile, relative colorimetric with black point compensation, as browsers do it."""
    if len(profile) > _MAX_PROFILE_BYTES:
        raise InvalidInput("picture", f"a colour profile of at most {_MAX_PROFILE_BYTES} bytes")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space: Any = source.profile.xcolor_space
    if image.mode == "L" and space == "RGB ":
        image = image.convert("RGB")
    if space != _PROFILE_SPACES[image.mode]:
        raise InvalidInput("picture", "a colour profile of its own kind of colours")
    transform = ImageCms.buildTransform(
        source,
        _srgb(),
        image.mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise InvalidInput("picture", "a colour profile that can be used")
    return converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _by_gamma(gamma: float) -> NDArray[np.uint8]:
    """Code values of sRGB by the code values of a PNG whose gAMA is `gamma` (W3C PNG, third edition, 13.13)."""
    if not 0.1 <= gamma <= 2.0:
        raise InvalidInput("picture", "a gamma from 0.1 to 2")
    linear = (np.arange(256) / 255) ** (1 / gamma)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)
