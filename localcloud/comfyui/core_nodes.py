"""The core nodes of ComfyUI 0.3.64 that the built-in runner knows; IMAGE is numpy float32 (N, H, W, 3) in 0..1.

Names, inputs, results and pixels are those of the real ones; ``tests/services/comfyui/test_real.py`` holds them
against a real server.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from localcloud.comfyui import scaling
from localcloud.comfyui.folders import OutsideFolder
from localcloud.comfyui.mask_nodes import MASK_NODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from localcloud.comfyui.folders import Folders

InputTypes = dict[str, dict[str, Any]]

_MAX_SIDE_PX = 16384
_SIDE = {"default": 512, "max": _MAX_SIDE_PX, "step": 1}


class SaveImage:
    """Write pictures as ``<prefix>_<5 digits>_.png`` below ``output/``; channels are truncated, not rounded."""

    folders: ClassVar[Folders]
    #: ComfyUI without ``--disable-metadata`` writes the whole graph, every text in it, into each PNG.
    writes_metadata: ClassVar[bool]
    folder: ClassVar[str] = "output"
    compress_level: ClassVar[int] = 4

    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {"images": ("IMAGE", {}), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def save_images(
        self,
        images: NDArray[np.float32],
        filename_prefix: str = "ComfyUI",
        prompt: Mapping[str, Any] | None = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Save the batch; the ``ui`` result names the files."""
        try:
            place = self.folders.save_place(self.folder, filename_prefix, images[0].shape[1], images[0].shape[0])
        except OutsideFolder as error:
            # ComfyUI's has no type of its own.
            raise Exception(str(error)) from None
        results = []
        for number, image in enumerate(images):
            stem = place.stem.replace("%batch_num%", str(number))
            file = f"{stem}_{place.counter + number:05}_.png"
            Image.fromarray(np.clip(255.0 * image, 0, 255).astype(np.uint8)).save(
                place.folder / file,
                pnginfo=self._metadata(prompt, extra_pnginfo),
                compress_level=self.compress_level,
            )
            results.append({"filename": file, "subfolder": place.subfolder, "type": self.folder})
        return {"ui": {"images": results}}

    def _metadata(self, prompt: Mapping[str, Any] | None, extra: Mapping[str, Any] | None) -> PngInfo | None:
        if not self.writes_metadata:
            return None
        chunks = PngInfo()
        if prompt is not None:
            chunks.add_text("prompt", json.dumps(prompt))
        for key, value in (extra or {}).items():
            chunks.add_text(key, json.dumps(value))
        return chunks


class PreviewImage(SaveImage):
    """Write pictures below ``temp/``, under a name that no other graph uses."""

    folder = "temp"
    compress_level = 1

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {"images": ("IMAGE",)},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def save_images(
        self,
        images: NDArray[np.float32],
        filename_prefix: str = "ComfyUI",
        prompt: Mapping[str, Any] | None = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Save the batch; the ``ui`` result names the files."""
        letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(5))
        return super().save_images(images, f"{filename_prefix}_temp_{letters}", prompt, extra_pnginfo)


class LoadImage:
    """Read an 8-bit picture of the input folder: its first frame, and 1 - alpha as MASK."""

    folders: ClassVar[Folders]

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load_image"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs; the choices are the files that are there now."""
        files = sorted(path.name for path in (cls.folders.root / "input").iterdir() if path.is_file())
        return {"required": {"image": (files, {"image_upload": True})}}

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:  # noqa: N802
        """Refuse a name that is no file of the input folder."""
        return True if cls.folders.input_file(image) else f"Invalid image file: {image}"

    @classmethod
    def IS_CHANGED(cls, image: str) -> str:  # noqa: N802
        """The SHA-256 of the file."""
        path = cls.folders.input_file(image)
        return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""

    def load_image(self, image: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return IMAGE (1, H, W, 3) and MASK (1, H, W), or a MASK of (1, 64, 64) zeros without transparency."""
        path = self.folders.input_file(image)
        if path is None:
            raise FileNotFoundError(image)
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            if upright.mode == "P" and "transparency" in upright.info:
                upright = upright.convert("RGBA")
            rgb = np.asarray(upright.convert("RGB")).astype(np.float32) / np.float32(255.0)
            mask = np.zeros((64, 64), np.float32)
            if "A" in upright.getbands():
                mask = np.float32(1.0) - np.asarray(upright.getchannel("A")).astype(np.float32) / np.float32(255.0)
        return rgb[np.newaxis], mask[np.newaxis]


class EmptyImage:
    """A batch of one colour, 0xRRGGBB."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "generate"
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "width": ("INT", {**_SIDE, "min": 1}),
                "height": ("INT", {**_SIDE, "min": 1}),
                "batch_size": ("INT", {"default": 1, "min": 1, "max": 4096}),
                "color": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFF, "step": 1, "display": "color"}),
            }
        }

    def generate(self, width: int, height: int, batch_size: int = 1, color: int = 0) -> tuple[NDArray[np.float32]]:
        """Return IMAGE (batch_size, height, width, 3)."""
        rgb = np.array([color >> 16 & 0xFF, color >> 8 & 0xFF, color & 0xFF]) / 255
        return (np.broadcast_to(rgb.astype(np.float32), (batch_size, height, width, 3)),)


class ImageScale:
    """Scale a batch; 0 for one side keeps the proportions, ``center`` cuts to them first."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "image": ("IMAGE",),
                "upscale_method": (scaling.METHODS,),
                "width": ("INT", {**_SIDE, "min": 0}),
                "height": ("INT", {**_SIDE, "min": 0}),
                "crop": (["disabled", "center"],),
            }
        }

    def upscale(
        self, image: NDArray[np.float32], upscale_method: str, width: int, height: int, crop: str
    ) -> tuple[NDArray[np.float32]]:
        """Return IMAGE (N, height, width, 3)."""
        if width == 0 and height == 0:
            return (image,)
        rows, columns = image.shape[1:3]
        width = width or max(1, round(columns * height / rows))
        height = height or max(1, round(rows * width / columns))
        if crop == "center":
            cut = (columns / rows) / (width / height)
            x = round((columns - columns / cut) / 2) if cut > 1 else 0
            y = round((rows - rows * cut) / 2) if cut < 1 else 0
            image = image[:, y : rows - y, x : columns - x]
        return (scaling.scale(image, width, height, upscale_method),)


class PreviewAny:
    """Show a value as text in the outputs."""

    RETURN_TYPES = ()
    FUNCTION = "main"
    OUTPUT_NODE = True
    CATEGORY = "utils"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {"required": {"source": ("*", {})}}

    def main(self, source: object = None) -> dict[str, Any]:
        """Texts as they are, numbers in Python's spelling, anything else as JSON, or else in Python's words."""
        if isinstance(source, str):
            text = source
        elif isinstance(source, (int, float)):
            text = str(source)
        elif source is None:
            text = "None"
        else:
            try:
                text = json.dumps(source)
            except (TypeError, ValueError):
                text = str(source)
        return {"ui": {"text": [text]}}


class PrimitiveString:
    """A text of one line."""

    multiline: ClassVar[bool] = False

    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {"required": {"value": ("STRING", {"multiline": cls.multiline})}}

    def execute(self, value: str) -> tuple[str]:
        """Return the text."""
        return (value,)


class PrimitiveStringMultiline(PrimitiveString):
    """A text of several lines."""

    multiline = True


class StringConcatenate:
    """Two texts with a delimiter between them."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypes:  # noqa: N802
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "string_a": ("STRING", {"multiline": True}),
                "string_b": ("STRING", {"multiline": True}),
                "delimiter": ("STRING", {"default": "", "multiline": False}),
            }
        }

    def execute(self, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
        """Return the joined text."""
        return (f"{string_a}{delimiter}{string_b}",)


def core_nodes(folders: Folders, *, writes_metadata: bool = False) -> dict[str, type[Any]]:
    """The core nodes, bound to one data folder."""
    place = {"folders": folders, "writes_metadata": writes_metadata}
    bound = {node.__name__: type(node.__name__, (node,), place) for node in (SaveImage, PreviewImage, LoadImage)}
    others = (EmptyImage, ImageScale, PreviewAny, PrimitiveString, PrimitiveStringMultiline, StringConcatenate)
    return {**bound, **MASK_NODES, **{node.__name__: node for node in others}}
