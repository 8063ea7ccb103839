"""Between ComfyUI's IMAGE and MASK and the bytes that go over the wire."""

from __future__ import annotations

import base64
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
    """ComfyUI's IMAGE from 8-bit pixels (H, W, 3): float32 of shape (1, H, W, 3) in 0..1."""
    return as_tensor(rgb[np.newaxis].astype(np.float32) / np.float32(255.0))


def as_tensor(values: NDArray[np.float32]) -> object:
    """A torch tensor where torch is loaded, as in every ComfyUI server; the same array of numpy where it is not."""
    torch: Any = sys.modules.get("torch")
    return values if torch is None else torch.from_numpy(np.ascontiguousarray(values))


def as_array(tensor: Any) -> NDArray[np.float32]:
    """The values of an IMAGE or MASK, whichever of the two forms it has, as float32."""
    values = tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor
    return np.asarray(values, dtype=np.float32)


def first_picture(image: Any) -> NDArray[np.float32]:
    """The first picture of an IMAGE as (H, W, 3) in 0..1; an alpha channel is left out."""
    values = as_array(image)
    return np.clip(values[0, :, :, :3], 0.0, 1.0)


def codes_of(image: Any) -> NDArray[np.uint8]:
    """The first picture of an IMAGE in 8 bits (H, W, 3), as ComfyUI's SaveImage writes it: truncated, not rounded.

    What is computed from these codes can be computed again from the saved file.
    """
    # In this order and in float32, as SaveImage does: 255 * (k / 255) is k for every code then.
    return np.clip(255.0 * as_array(image)[0, :, :, :3], 0, 255).astype(np.uint8)


def first_mask(mask: Any, height: int, width: int) -> NDArray[np.float32]:
    """The first mask as (height, width) in 0..1. Raises `PictureRefused` when it is of another size."""
    values = as_array(mask)
    plane = values[0] if values.ndim == 3 else values
    if plane.shape != (height, width):
        raise PictureRefused(
            f"遮罩是 {plane.shape[1]}×{plane.shape[0]}，图片是 {width}×{height}，两者大小应一致",
            f"the mask is {plane.shape[1]}×{plane.shape[0]} and the picture {width}×{height}; they have to agree",
        )
    return np.clip(plane, 0.0, 1.0)


def png_of(rgb: NDArray[np.float32], alpha: NDArray[np.float32] | None = None) -> bytes:
    """An 8-bit PNG, RGBA with straight alpha when there is an `alpha`, without metadata; rounded, not truncated."""
    planes = rgb if alpha is None else np.dstack([rgb, alpha])
    with io.BytesIO() as file:
        Image.fromarray(np.round(planes * 255.0).astype(np.uint8)).save(file, "PNG", compress_level=4)
        return file.getvalue()


def data_uri(rgb: NDArray[np.float32], longest_px: int) -> str:
    """A JPEG data URI of the picture, reduced to at most `longest_px` on its longer side, without metadata."""
    picture = Image.fromarray(np.round(rgb * 255.0).astype(np.uint8))
    picture.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    with io.BytesIO() as file:
        picture.save(file, "JPEG", quality=90)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def resized(rgb: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """`rgb` at another size of about the same shape. Raises `PictureRefused` when the shape differs by over 2 %."""
    if rgb.shape[:2] == (height, width):
        return rgb
    if abs(rgb.shape[1] * height - rgb.shape[0] * width) > 0.02 * rgb.shape[0] * width:
        raise PictureRefused("返回的图片比例不同", "the picture that came back has another shape")
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))
