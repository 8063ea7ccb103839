"""ComfyUI's core nodes that put one picture into another through a mask; MASK is numpy float32 (N, H, W) in 0..1.

Sums and products are float32 in the order of the real nodes, so that the pixels come out equal to the last bit.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from localcloud.comfyui import scaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from localcloud.comfyui.core_nodes import InputTypes

_MAX_SIDE_PX = 16384
_PLACE = ("INT", {"default": 0, "min": 0, "max": _MAX_SIDE_PX, "step": 1})
_SIDE = ("INT", {"default": 512, "min": 1, "max": _MAX_SIDE_PX, "step": 1})
_ONE = np.float32(1.0)


class ImageCompositeMasked:
    """Lay one picture over another at a place; what leaves the frame is cut off without a word."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "composite"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "destination": ("IMAGE",),
                "source": ("IMAGE",),
                "x": _PLACE,
                "y": _PLACE,
                "resize_source": ("BOOLEAN", {"default": False}),
            },
            "optional": {"mask": ("MASK",)},
        }

    def composite(
        self,
        destination: NDArray[np.float32],
        source: NDArray[np.float32],
        x: int,
        y: int,
        resize_source: bool,
        mask: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32]]:
        """Return IMAGE of the destination's shape (N, H, W, 3); a `mask` of another size is scaled to the source's."""
        rows, columns = destination.shape[1:3]
        if resize_source:
            source = scaling.scale(source, columns, rows, "bilinear")
        source = _batch(source, len(destination))
        if mask is None:
            share = np.ones_like(source)
        else:
            share = mask.reshape(-1, *mask.shape[-2:], 1)
            if share.shape[1:3] != source.shape[1:3]:
                share = scaling.scale(share, source.shape[2], source.shape[1], "bilinear")
            share = _batch(share, len(destination))
        below = destination[:, y : y + source.shape[1], x : x + source.shape[2]]
        share = share[:, : below.shape[1], : below.shape[2]]
        result = destination.copy()
        result[:, y : y + source.shape[1], x : x + source.shape[2]] = (
            share * source[:, : below.shape[1], : below.shape[2]] + (_ONE - share) * below
        )
        return (result,)


class SolidMask:
    """A mask of one value."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "solid"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        value = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}
        return {"required": {"value": ("FLOAT", value), "width": _SIDE, "height": _SIDE}}

    def solid(self, value: float, width: int, height: int) -> tuple[NDArray[np.float32]]:
        """Return MASK (1, height, width)."""
        return (np.full((1, height, width), value, np.float32),)


class MaskComposite:
    """Combine a mask with a part of another; the result is kept within 0..1."""

    RETURN_TYPES = ("MASK",)
    FUNCTION = "combine"
    CATEGORY = "mask"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "destination": ("MASK",),
                "source": ("MASK",),
                "x": _PLACE,
                "y": _PLACE,
                "operation": (["multiply", "add", "subtract", "and", "or", "xor"],),
            }
        }

    def combine(
        self, destination: NDArray[np.float32], source: NDArray[np.float32], x: int, y: int, operation: str
    ) -> tuple[NDArray[np.float32]]:
        """Return MASK of the destination's shape; ``and``, ``or``, ``xor`` round both sides to 0 or 1 first."""
        result = destination.reshape(-1, *destination.shape[-2:]).copy()
        source = source.reshape(-1, *source.shape[-2:])
        below = result[:, y : y + source.shape[1], x : x + source.shape[2]]
        above = source[:, : below.shape[1], : below.shape[2]]
        if operation == "multiply":
            below[...] = below * above
        elif operation == "add":
            below[...] = below + above
        elif operation == "subtract":
            below[...] = below - above
        else:
            logical = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[operation]
            below[...] = logical(np.round(below) != 0, np.round(above) != 0)
        return (np.clip(result, np.float32(0.0), _ONE),)


class PrimitiveInt:
    """A whole number that several nodes share."""

    RETURN_TYPES = ("INT",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        options = {"min": -sys.maxsize, "max": sys.maxsize, "control_after_generate": True}
        return {"required": {"value": ("INT", options)}}

    def execute(self, value: int) -> tuple[int]:
        """Return the number."""
        return (value,)


def _batch(images: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Repeat or cut a batch (N, …) to `size` pictures."""
    return images if len(images) == size else images[np.arange(size) % len(images)]


MASK_NODES: dict[str, type[Any]] = {
    node.__name__: node for node in (ImageCompositeMasked, SolidMask, MaskComposite, PrimitiveInt)
}
