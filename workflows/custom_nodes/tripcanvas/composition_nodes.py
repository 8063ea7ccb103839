"""The nodes that put a car into a background, a step each; `composition.composite.compose` is all of them in a call.

::

    background ─▶ HorizonPlace ─▶ CarShadow ─▶ CarHarmonize ─▶ CarComposite ─▶ BadgeLock ─▶ picture

A background that is painted around the car takes its place from `CarCanvas` instead.

Pictures between them are IMAGE as everywhere in ComfyUI, so that other nodes fit in. With the car ``none`` the place
and the layer are None, and every picture goes through as it came. Of a batch, the first picture is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .cars import NO_CAR, chosen, unusable
from .composition.manifest import BadPack
from .composition.order import SceneOrder
from .errors import NoPlace

if TYPE_CHECKING:
    from .composition.layer import Layer
    from .composition.light import Floats
    from .composition.manifest import Manifest
    from .composition.place import Place

POSITIONS = ("auto", "left", "centre", "right")
SURFACES = ("dry", "wet", "snow")
TEXTURES = ("none", "ink", "watercolour", "oil", "anime", "woodblock")
#: A sun's elevation that stands for no sun at all.
NO_SUN_DEG = -90.0
_DEFAULT = SceneOrder()


@dataclass(frozen=True, slots=True)
class CarPlace:
    """A CAR_PLACE: which car, where it stands, and what has been ordered of it so far."""

    manifest: Manifest
    colour: str
    place: Place
    order: SceneOrder


@dataclass(frozen=True, slots=True)
class CarLayer:
    """A CAR_LAYER: the car at its size and place, as the asset has it (`plain`) and as it goes into the picture."""

    plain: Layer
    layer: Layer
    place: Place
    order: SceneOrder


class HorizonPlace:
    """Where a car stands in a background: as its horizon and its ground ask."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "按背景的地平线和车的相机决定车的位置和大小。 "
        "Finds where a car stands in a background, and how large, by the horizon and the car's camera. "
        "放不下就报错 A background without a place for it is refused."
    )
    RETURN_TYPES = ("CAR_PLACE", "INT", "INT", "INT", "INT")
    RETURN_NAMES = ("place", "x", "y", "width", "height")
    OUTPUT_TOOLTIPS = (
        "车的位置 The car's place.",
        "左边（像素） Left edge in pixels.",
        "上边（像素） Upper edge in pixels.",
        "宽（像素） Width in pixels.",
        "高（像素） Height in pixels.",
    )
    FUNCTION = "find"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "没有车的背景 The background, without the car."}),
                "anchors": ("CAR_ANCHORS", {"tooltip": "LoadCar 的锚点 The anchors that LoadCar gave."}),
                "position": (
                    list(POSITIONS),
                    {"tooltip": "左、中、右；auto = 最平静的地面 Left, centre, right; auto = the calmest ground."},
                ),
            }
        }

    def find(self, image: object, anchors: dict[str, Any], position: str) -> tuple[CarPlace | None, int, int, int, int]:
        """Return the place, and its rectangle in pixels of the picture. Raises `NoPlace` and `CarUnusable`."""
        if anchors["car"] == NO_CAR:
            return None, 0, 0, 0, 0
        from .composition.place import NoPlace as Nowhere
        from .composition.place import find_place
        from .pictures import codes_of

        manifest = chosen(anchors["car"], anchors["colour"], anchors["view"])
        order = replace(
            _DEFAULT,
            light=anchors["light"],
            view=anchors["view"],
            position=position,
        )
        try:
            place = find_place(codes_of(image), manifest, order.view, order.position)
        except Nowhere as nowhere:
            raise NoPlace(
                "这张背景放不下这辆车，请换一张或换个视角", f"this background has no place for the car: {nowhere}"
            ) from None
        found = CarPlace(manifest, anchors["colour"], place, order)
        return found, place.left_px, place.top_px, place.width_px, place.height_px


class CarShadow:
    """The ground with the car on it: shadows, a mirror image on a wet road, snow at the tyres."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "给地面加上车的影子、湿路倒影、积雪。 "
        "Puts the car's shadow on the ground, its mirror image on a wet road, snow at its tyres."
    )
    RETURN_TYPES = ("IMAGE", "CAR_LAYER")
    RETURN_NAMES = ("image", "layer")
    OUTPUT_TOOLTIPS = (
        "有影子、还没有车的背景 The background with the shadow, still without the car.",
        "按位置缩放好的车 The car at its size and place.",
    )
    FUNCTION = "cast"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        sun = {
            "default": NO_SUN_DEG,
            "min": NO_SUN_DEG,
            "max": 90.0,
            "step": 1.0,
            "tooltip": "太阳高度（度）；-90 = 看不见太阳 The sun's elevation in degrees; -90 = no sun to be seen.",
        }
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "没有车的背景 The background, without the car."}),
                "place": ("CAR_PLACE", {"tooltip": "车的位置 The car's place."}),
                "sun_elevation": ("FLOAT", sun),
                "surface": (list(SURFACES), {"tooltip": "地面：干、湿、雪 The ground: dry, wet, snow."}),
            }
        }

    def cast(
        self, image: object, place: CarPlace | None, sun_elevation: float, surface: str
    ) -> tuple[object, CarLayer | None]:
        """Return the ground as IMAGE, and the car's layer. Raises `CarUnusable`."""
        if place is None:
            return image, None
        from .composition.behind import without_car
        from .composition.ground import with_car_on_it
        from .composition.layer import prepared
        from .composition.light import to_linear
        from .composition.packs import load_picture, nearest_light
        from .pictures import codes_of

        manifest, where = place.manifest, place.place
        order = replace(
            place.order, sun_elevation_deg=None if sun_elevation <= NO_SUN_DEG else sun_elevation, surface=surface
        )
        try:
            light = nearest_light(manifest, order.light)
            picture = load_picture(manifest, where.view_id, place.colour, light.light_id)
        except BadPack as bad:
            raise unusable(bad) from None
        plain = prepared(picture, where)
        plate = to_linear(codes_of(image))
        if order.given_px is not None:
            plate = without_car(plate, plain, where)
        ground = with_car_on_it(plate, picture, plain, where, order)
        return _image_of(ground), CarLayer(plain, plain, where, order)


class CarHarmonize:
    """The car in the light and the brushwork of the picture, within a budget; never its badge."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "让车融入画面的光线和画风，车身色差不超过预算，车标不变。 "
        "Gives the car the picture's light and brushwork; its paint moves no further than the budget, its badge not "
        "at all."
    )
    RETURN_TYPES = ("CAR_LAYER",)
    RETURN_NAMES = ("layer",)
    OUTPUT_TOOLTIPS = ("融入画面的车 The car in the picture's light.",)
    FUNCTION = "harmonize"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        budget = {
            "default": _DEFAULT.budget_delta_e00,
            "min": 0.0,
            "max": 20.0,
            "step": 0.1,
            "tooltip": "车身色差上限（ΔE00，95% 分位） How far the paint may move: ΔE00, 95th percentile.",
        }
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "有影子的背景 The background with the shadow."}),
                "layer": ("CAR_LAYER", {"tooltip": "CarShadow 给出的车 The car, from CarShadow."}),
                "texture": (list(TEXTURES), {"tooltip": "画风的笔触；none = 不加 The style's texture; none = none."}),
                "budget": ("FLOAT", budget),
            }
        }

    def harmonize(self, image: object, layer: CarLayer | None, texture: str, budget: float) -> tuple[CarLayer | None]:
        """Return the layer with the car as it goes into the picture."""
        if layer is None:
            return (None,)
        from .composition.harmonise import harmonised

        order = replace(layer.order, texture=texture, budget_delta_e00=budget)
        changed = harmonised(layer.plain, layer.plain, _linear_of(image), layer.place, order)
        return (replace(layer, layer=changed, order=order),)


class CarComposite:
    """The car over the ground, in linear light."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "在线性光中把车叠到背景上，边缘和车窗不变色。 "
        "Lays the car over the background in linear light, so that edges and windows keep their colours."
    )
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("有车的画面；后面接 BadgeLock The picture with the car; BadgeLock comes next.",)
    FUNCTION = "compose"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "有影子的背景 The background with the shadow."}),
                "layer": ("CAR_LAYER", {"tooltip": "车 The car."}),
            }
        }

    def compose(self, image: object, layer: CarLayer | None) -> tuple[object]:
        """Return the picture as IMAGE."""
        if layer is None:
            return (image,)
        from .composition.composite import over

        return (_image_of(over(layer.layer, layer.place, _linear_of(image))),)


class BadgeLock:
    """The last step: eight bits, and the badge exactly as the asset has it."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "最后一步：抖动成 8 位，并把车标恢复成素材的原样，一个数值也不差。放在 SaveImage 前面。 "
        "The last step before SaveImage: dithers to eight bits, and puts the badge back to the asset's exact values."
    )
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("可以保存的图片 The picture, ready to be saved.",)
    FUNCTION = "lock"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "有车的画面 The picture with the car."}),
                "layer": ("CAR_LAYER", {"tooltip": "车 The car."}),
            }
        }

    def lock(self, image: object, layer: CarLayer | None) -> tuple[object]:
        """Return the picture as IMAGE whose values are whole 8-bit codes."""
        if layer is None:
            return (image,)
        from .composition.composite import finished
        from .pictures import as_image

        return (as_image(finished(_linear_of(image), layer.layer, layer.place)),)


def _linear_of(image: object) -> Floats:
    from .composition.light import to_linear
    from .pictures import first_picture

    return to_linear(first_picture(image))


def _image_of(linear: Floats) -> object:
    from .composition.light import to_srgb
    from .pictures import as_tensor

    return as_tensor(to_srgb(linear)[None])
