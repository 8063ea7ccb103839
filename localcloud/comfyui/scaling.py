"""ImageScale's resampling in numpy, equal to torch's ``interpolate`` (align_corners off, no antialiasing).

Every method but Lanczos is separable and linear: one weight matrix for the rows, one for the columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]

#: torch's bicubic kernel (Keys, 1981) has a = -0.75.
_A = -0.75


def scale(image: NDArray[np.float32], width: int, height: int, method: str) -> NDArray[np.float32]:
    """Scale a batch (N, H, W, C) of float32 0..1 to `width` x `height` pixels."""
    if method == "lanczos":
        return np.stack([_lanczos(picture, width, height) for picture in image])
    rows = _weights(image.shape[1], height, method)
    columns = _weights(image.shape[2], width, method)
    wide: NDArray[np.float32] = np.einsum("pw,nhwc->nhpc", columns, image)
    scaled: NDArray[np.float32] = np.einsum("oh,nhwc->nowc", rows, wide)
    return scaled


def _weights(size: int, wanted: int, method: str) -> NDArray[np.float32]:
    """The matrix (wanted, size) that takes one row of pixels to its new length."""
    weights = np.zeros((wanted, size), np.float32)
    target = np.arange(wanted)
    ratio = size / wanted
    centre = (target + 0.5) * ratio - 0.5
    if method == "nearest-exact":
        weights[target, np.minimum(np.floor((target + 0.5) * ratio).astype(int), size - 1)] = 1
    elif method == "area":
        for out in range(wanted):
            first, last = out * size // wanted, -(-(out + 1) * size // wanted)
            weights[out, first:last] = 1 / (last - first)
    elif method == "bilinear":
        centre = np.maximum(centre, 0)
        left = np.floor(centre).astype(int)
        share = (centre - left).astype(np.float32)
        np.add.at(weights, (target, left), 1 - share)
        np.add.at(weights, (target, np.minimum(left + 1, size - 1)), share)
    else:
        left = np.floor(centre).astype(int)
        for tap in (-1, 0, 1, 2):
            column = np.clip(left + tap, 0, size - 1)
            np.add.at(weights, (target, column), _cubic(np.abs(centre - left - tap)).astype(np.float32))
    return weights


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    far = ((_A * x - 5 * _A) * x + 8 * _A) * x - 4 * _A
    weights: NDArray[np.float64] = np.where(x <= 1, near, far)
    return weights


def _lanczos(picture: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """ComfyUI does this one with Pillow, in 8 bits."""
    pixels = np.clip(255.0 * picture, 0, 255).astype(np.uint8)
    resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    scaled: NDArray[np.float32] = np.asarray(resized).astype(np.float32) / np.float32(255.0)
    return scaled
