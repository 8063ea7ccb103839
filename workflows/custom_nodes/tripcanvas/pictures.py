"""From downloaded bytes to ComfyUI's IMAGE."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import PictureRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: No wan or wanx model paints a longer side than this; a larger one is refused before its pixels are unpacked.
_MAX_SIDE_PX = 4096


def decode(blob: bytes) -> NDArray[np.uint8]:
    """Decode a PNG, JPEG or WebP completely, as (H, W, 3) uint8 sRGB.

    Raises `PictureRefused` for anything else, for a truncated file and for sides beyond 4096 pixels.
    """
    try:
        with Image.open(io.BytesIO(blob), formats=("PNG", "JPEG", "WEBP")) as picture:
            if max(picture.size) > _MAX_SIDE_PX:
                raise PictureRefused("图片尺寸过大", "the picture is larger than any that was ordered")
            return np.asarray(picture.convert("RGB"))
    # Pillow reports a damaged PNG as SyntaxError, a truncated file as OSError, an odd header as ValueError.
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise PictureRefused("下载的内容不是完整的图片", "what was downloaded is not a complete picture") from None


def as_image(rgb: NDArray[np.uint8]) -> object:
    """ComfyUI's IMAGE: float32 of shape (1, H, W, 3) in 0..1.

    A torch tensor where torch is loaded, as in every ComfyUI server; the same array of numpy where it is not.
    """
    image = rgb[np.newaxis].astype(np.float32) / np.float32(255.0)
    torch: Any = sys.modules.get("torch")
    return image if torch is None else torch.from_numpy(image)
