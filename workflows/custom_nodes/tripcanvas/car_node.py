"""The node that brings a car into the graph."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from .cars import AUTO, NO_CAR, cars, chosen, unusable
from .composition.manifest import BadPack
from .errors import CarUnusable

if TYPE_CHECKING:
    from .composition.manifest import Manifest, View

#: What a car asset may be lit by; one that an asset lacks is replaced by the nearest that it has.
LIGHTS = ("studio", "noon", "dusk", "overcast", "night")
_MAX_WIDTH_PX = 4096


class LoadCar:
    """A car by model, colour, light and view; what can be chosen are the assets on the server."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "载入车：抠图、遮罩（1 = 车）和车轮、车标的位置。 "
        "Loads a car: its cut-out, mask (1 = car), and where wheels and badge are. "
        "不需要反转遮罩 The mask needs no inverting."
    )
    RETURN_TYPES = ("IMAGE", "MASK", "CAR_ANCHORS", "INT", "INT")
    RETURN_NAMES = ("cutout", "mask", "anchors", "width", "height")
    OUTPUT_TOOLTIPS = (
        "抠图 The cut-out.",
        "遮罩，1 = 车 The mask, 1 = car.",
        "哪辆车、什么光、车轮和车标的位置 Which car in which light, where wheels and badge are.",
        "宽（像素） Width in pixels.",
        "高（像素） Height in pixels.",
    )
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs; asked anew each time, so that a new asset needs no restart."""
        found = cars()
        colours = sorted({colour for each in found.values() for colour in each.colours}) or [NO_CAR]
        views = sorted({view for each in found.values() for view in each.views}, reverse=True)
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
                "light": (
                    list(LIGHTS),
                    {"tooltip": "车在什么光下拍的；素材没有的用最接近的 What lit the car, or the nearest there is."},
                ),
                "view": (
                    [AUTO, *views],
                    {
                        "files": True,
                        "tooltip": "视角；auto = 由背景的地平线决定 Where it is seen from; auto = as the horizon asks.",
                    },
                ),
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
        except CarUnusable as refused:
            return str(refused)
        return True

    @classmethod
    def IS_CHANGED(
        cls,
        car: Any = None,
        colour: Any = None,
        light: Any = None,  # noqa: ARG003
        view: Any = None,
        width: Any = None,  # noqa: ARG003
    ) -> str | float:
        """What the result comes from: an exchanged asset runs the node again. Not the same twice while unknown."""
        if car == NO_CAR:
            return NO_CAR
        try:
            folder = chosen(str(car), str(colour), str(view)).folder
            # Names, sizes and times: what reads the files looks at no more either.
            files = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in folder.iterdir())
        except (CarUnusable, OSError):
            return float("nan")
        return hashlib.sha256(repr(files).encode()).hexdigest()

    def load(
        self, car: str, colour: str, light: str, view: str, width: int
    ) -> tuple[object, object, dict[str, Any], int, int]:
        """Return the cut-out, its mask, the anchors, width and height.

        The cut-out is IMAGE, float32 (1, H, W, 3) in 0..1, sRGB, with colours that go on under transparent pixels; the
        mask is MASK, float32 (1, H, W), 1 = car; for the view ``auto`` they show the asset's first. The anchors are a
        dict of plain values, lengths in pixels of the result; `HorizonPlace` finds the car again by it. For the car
        ``none`` all is empty: half as high as wide, mask 0. Raises `CarUnusable`.
        """
        import numpy as np

        from .composition.light import scaled
        from .composition.packs import load_picture, nearest_light
        from .cutouts import straight
        from .pictures import as_tensor

        if car == NO_CAR:
            height = max(1, width // 2)
            picture, mask = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
            anchors: dict[str, Any] = {"car": NO_CAR, "width": width, "height": height, "wheel_contacts": []}
        else:
            asset = chosen(car, colour, view)
            lit = nearest_light(asset, light)
            seen = next(iter(asset.views.values())) if view == AUTO else asset.views[view]
            try:
                pixels = load_picture(asset, seen.view_id, colour, lit.light_id).pixels
            except BadPack as bad:
                raise unusable(bad) from None
            height = max(1, round(width * seen.size_px[1] / seen.size_px[0]))
            picture, mask = straight(scaled(pixels, width, height))
            anchors = {"car": car, "colour": colour, "light": light, "view": view}
            anchors |= _anchors(asset, seen, width, height)
        return as_tensor(picture[np.newaxis]), as_tensor(mask[np.newaxis]), anchors, width, height


def _anchors(asset: Manifest, seen: View, width: int, height: int) -> dict[str, Any]:
    across, down = width / seen.size_px[0], height / seen.size_px[1]
    x0, y0, x1, y1 = seen.badge_box
    return {
        "width": width,
        "height": height,
        "badge_box": [x0 * across, y0 * down, x1 * across, y1 * down],
        "wheel_contacts": [[x * across, y * down] for x, y in seen.wheel_contacts],
        "horizon_y": seen.horizon_y * down,
        "camera_height_m": seen.camera_height_m,
        "camera_fov_deg": seen.camera_fov_deg,
        "length_mm": 1000.0 * asset.length_m,
        "width_mm": 1000.0 * asset.width_m,
        "height_mm": 1000.0 * asset.height_m,
    }
