"""The node that stands a car on an empty canvas, for models that paint a background around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cars import AUTO, NO_CAR, chosen, unusable
from .composition.manifest import BadPack
from .composition.order import SceneOrder

if TYPE_CHECKING:
    from .composition_nodes import CarPlace

#: Neutral grey, sRGB: what is painted over it keeps no brightness of it.
_GREY = 128 / 255
_MAX_SIDE_PX = 8192


class CarCanvas:
    """A car at a given place of an empty canvas, with its mask, and that place for the nodes that follow."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "把车放在灰色画布的指定位置，给出图片、遮罩（1 = 车）和位置，供围着车画背景的模型使用。 "
        "Stands a car on a grey canvas at a given place: picture, mask (1 = car) and place, for models that paint "
        "around it."
    )
    RETURN_TYPES = ("IMAGE", "MASK", "CAR_PLACE")
    RETURN_NAMES = ("image", "mask", "place")
    OUTPUT_TOOLTIPS = (
        "画布上的车 The car on the canvas.",
        "遮罩，1 = 车 The mask, 1 = car.",
        "车的位置，接 CarShadow The car's place, for CarShadow.",
    )
    FUNCTION = "stand"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        side = {"min": 16, "max": _MAX_SIDE_PX, "step": 1}
        edge = {"min": -_MAX_SIDE_PX, "max": _MAX_SIDE_PX, "step": 1}
        return {
            "required": {
                "anchors": ("CAR_ANCHORS", {"tooltip": "LoadCar 的锚点 The anchors that LoadCar gave."}),
                "width": ("INT", {**side, "default": 768, "tooltip": "画布宽（像素） The canvas's width in pixels."}),
                "height": ("INT", {**side, "default": 960, "tooltip": "画布高（像素） The canvas's height in pixels."}),
                "car_width": (
                    "INT",
                    {**side, "default": 520, "tooltip": "车宽（像素），高按比例 The car's width; its height follows."},
                ),
                "x": ("INT", {**edge, "default": 124, "tooltip": "车的左边 The car's left edge."}),
                "y": ("INT", {**edge, "default": 590, "tooltip": "车的上边 The car's upper edge."}),
            }
        }

    def stand(
        self, anchors: dict[str, Any], width: int, height: int, car_width: int, x: int, y: int
    ) -> tuple[object, object, CarPlace | None]:
        """Return the canvas as IMAGE, the car's MASK on it, and the place.

        A pixel that the car covers in part has the car's colour alone: whoever blends does it by the mask. For the car
        ``none`` the canvas and the mask are empty, and the place is None. Raises `CarUnusable`.
        """
        import numpy as np

        from .composition.layer import prepared, window
        from .composition.packs import load_picture, nearest_light
        from .composition.place import placed_at
        from .composition_nodes import CarPlace
        from .cutouts import straight
        from .pictures import as_tensor

        canvas = np.full((height, width, 3), _GREY, np.float32)
        mask = np.zeros((height, width), np.float32)
        found = None
        if anchors["car"] != NO_CAR:
            manifest = chosen(anchors["car"], anchors["colour"], anchors["view"])
            view = next(iter(manifest.views)) if anchors["view"] == AUTO else anchors["view"]
            order = SceneOrder(light=anchors["light"], view=view, given_px=(x, y, car_width))
            place = placed_at(manifest, view, x, y, car_width)
            try:
                light = nearest_light(manifest, order.light).light_id
                picture = load_picture(manifest, place.view_id, anchors["colour"], light)
            except BadPack as bad:
                raise unusable(bad) from None
            colours, alpha = straight(prepared(picture, place).pixels)
            here, there = window(place, canvas)
            covered = alpha[there] > 0
            canvas[here][covered] = colours[there][covered]
            mask[here] = alpha[there]
            found = CarPlace(manifest, anchors["colour"], place, order)
        return as_tensor(canvas[None]), as_tensor(mask[None]), found
