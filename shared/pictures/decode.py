"""A picture from outside, decoded with limits.

Only the pixels survive: whatever else the file carried (ComfyUI writes the whole prompt into PNG text) stays behind.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.errors import InvalidInput

#: Most bytes of a rendered file that are fetched and read.
MAX_FILE_BYTES = 32 * 1024 * 1024
#: Most pixels that are decoded; the largest size the image services paint is 2048 x 2048.
MAX_PIXELS = 4096 * 4096
_FORMATS = ("PNG", "JPEG", "WEBP")


def decode(body: bytes) -> NDArray[np.uint8]:
    """Decode a PNG, JPEG or WebP file to sRGB pixels: shape (height, width, 3), dtype uint8.

    Raises `InvalidInput` for another format, a broken or truncated file, several frames, or one beyond the limits.
    """
    if len(body) > MAX_FILE_BYTES:
        raise InvalidInput("picture", f"at most {MAX_FILE_BYTES} bytes, got {len(body)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InvalidInput("picture", f"at most {MAX_PIXELS} pixels, got {image.width}x{image.height}")
                if getattr(image, "n_frames", 1) != 1:
                    raise InvalidInput("picture", "one frame")
                return np.array(image.convert("RGB"))
    except InvalidInput:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput("picture", f"a readable PNG, JPEG or WebP file ({type(error).__name__})") from None
