"""The node that brings a car's cut-out into the graph."""

from __future__ import annotations

import hashlib
from typing import Any

from .cars import NO_CAR, Car, View, cars, chosen
from .errors import CarUnusable

_MAX_WIDTH_PX = 4096


class LoadCar:
    """A car's cut-out by model, colour and view; what can be chosen are the assets on the server."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "载入车的抠图：图片、遮罩（1 = 车）和车轮、车标的位置。 "
        "Loads a car's cut-out: picture, mask (1 = car), and where wheels and badge are. "
        "不需要反转遮罩 The mask needs no inverting."
    )
    RETURN_TYPES = ("IMAGE", "MASK", "CAR_ANCHORS", "INT", "INT")
    RETURN_NAMES = ("cutout", "mask", "anchors", "width", "height")
    OUTPUT_TOOLTIPS = (
        "抠图 The cut-out.",
        "遮罩，1 = 车 The mask, 1 = car.",
        "车轮、车标的位置和相机 Where wheels and badge are, and the camera.",
        "宽（像素） Width in pixels.",
        "高（像素） Height in pixels.",
    )
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs; asked anew each time, so that a new asset needs no restart."""
        found = cars()
        colours = sorted({colour for each in found.values() for colour in each.colours}) or [NO_CAR]
        views = sorted({view for each in found.values() for view in each.views}, reverse=True) or [NO_CAR]
        width = {
            "default": 512,
            "min": 16,
            "max": _MAX_WIDTH_PX,
            "step": 1,
            "tooltip": "抠图的宽；高按比例。大于素材会变软 The cut-out's width; beyond the asset's own it gets soft.",
        }
        # `files`: which assets there are differs between servers, so a snapshot of the node types leaves them out.
        return {
            "required": {
                "car": (
                    [NO_CAR, *found],
                    {
                        "default": next(iter(found), NO_CAR),
                        "files": True,
                        "tooltip": "车型；none = 不放车 The car; none = no car.",
                    },
                ),
                "colour": (colours, {"files": True, "tooltip": "车身颜色 The car's colour."}),
                "view": (views, {"files": True, "tooltip": "视角 Where it is seen from."}),
                "width": ("INT", width),
            }
        }

    @classmethod
    def VALIDATE_INPUTS(cls, car: Any = None, colour: Any = None, view: Any = None) -> bool | str:
        """Refuse what is not among the assets. Linked values are not known yet and arrive as None."""
        if car == NO_CAR or None in (car, colour, view):
            return True
        try:
            chosen(str(car), str(colour), str(view))
        except CarUnusable as unusable:
            return str(unusable)
        return True

    @classmethod
    def IS_CHANGED(cls, car: Any = None, colour: Any = None, view: Any = None, width: Any = None) -> str | float:  # noqa: ARG003
        """What the result comes from: an exchanged asset runs the node again. Not the same twice while unknown."""
        if car == NO_CAR:
            return NO_CAR
        try:
            asset, _ = chosen(str(car), str(colour), str(view))
            content = (asset.folder / "car.toml").read_bytes() + asset.file(str(view), str(colour)).read_bytes()
        except (CarUnusable, OSError):
            return float("nan")
        return hashlib.sha256(content).hexdigest()

    def load(self, car: str, colour: str, view: str, width: int) -> tuple[object, object, dict[str, Any], int, int]:
        """Return the cut-out, its mask, the anchors, width and height.

        The cut-out is IMAGE, float32 (1, H, W, 3) in 0..1, sRGB, with colours that go on under transparent pixels; the
        mask is MASK, float32 (1, H, W), 1 = car. The anchors are a dict of plain values in pixels of the result. For
        the car ``none`` all is empty: half as high as wide, mask 0. Raises `CarUnusable`.
        """
        import numpy as np

        from .light import scaled
        from .pictures import as_image, as_tensor

        if car == NO_CAR:
            height = max(1, width // 2)
            empty = np.zeros((height, width), np.uint8)
            picture, mask = np.zeros((height, width, 3), np.uint8), empty
            anchors: dict[str, Any] = {"car": NO_CAR, "width": width, "height": height, "wheel_contacts": []}
        else:
            asset, seen = chosen(car, colour, view)
            height = max(1, round(width * seen.size_px[1] / seen.size_px[0]))
            picture, mask = scaled(_pixels(asset, seen, view, colour), height, width)
            anchors = _anchors(asset, seen, view, colour, width, height)
        alpha = mask[np.newaxis].astype(np.float32) / np.float32(255.0)
        return as_image(picture), as_tensor(alpha), anchors, width, height


def _pixels(asset: Car, seen: View, view: str, colour: str) -> Any:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    name = f"{asset.car_id}/{view}-{colour}.png"
    try:
        with Image.open(asset.file(view, colour), formats=("PNG",)) as picture:
            if picture.mode != "RGBA" or picture.size != seen.size_px:
                raise CarUnusable(
                    f"{name} 应为 {seen.size_px[0]}×{seen.size_px[1]} 的 RGBA 图片",
                    f"{name} should be an RGBA picture of {seen.size_px[0]}×{seen.size_px[1]} pixels",
                )
            return np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise CarUnusable(f"{name} 缺失或已损坏", f"{name} is missing or broken") from None


def _anchors(asset: Car, seen: View, view: str, colour: str, width: int, height: int) -> dict[str, Any]:
    across, down = width / seen.size_px[0], height / seen.size_px[1]
    x0, y0, x1, y1 = seen.badge_box
    return {
        "car": asset.car_id,
        "colour": colour,
        "view": view,
        "width": width,
        "height": height,
        "badge_box": [x0 * across, y0 * down, x1 * across, y1 * down],
        "wheel_contacts": [[x * across, y * down] for x, y in seen.wheel_contacts],
        "camera_height_m": seen.camera_height_m,
        "camera_fov_deg": seen.camera_fov_deg,
        "length_mm": asset.length_mm,
        "width_mm": asset.width_mm,
        "height_mm": asset.height_mm,
    }
