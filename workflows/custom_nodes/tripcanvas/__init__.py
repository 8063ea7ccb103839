"""Tripcanvas nodes for ComfyUI: qwen writes and judges, wan paints, and a car stands in the picture.

Copy this folder into ComfyUI's ``custom_nodes/`` and set ``DASHSCOPE_API_KEY`` in the server's environment.
"""

from __future__ import annotations

from .background_node import WanxBackground
from .canvas_node import CarCanvas
from .car_node import LoadCar
from .composition_nodes import BadgeLock, CarComposite, CarHarmonize, CarShadow, HorizonPlace
from .image_nodes import ImageSynthesisNode, WanxImage, WanxPicture
from .judge_node import QwenJudge
from .text_nodes import QwenPrompt, 旅行文本生成

NODE_CLASS_MAPPINGS = {
    "旅行文本生成": 旅行文本生成,
    "ImageSynthesisNode": ImageSynthesisNode,
    "WanxImage": WanxImage,
    "WanxBackground": WanxBackground,
    "WanxPicture": WanxPicture,
    "QwenPrompt": QwenPrompt,
    "QwenJudge": QwenJudge,
    "LoadCar": LoadCar,
    "CarCanvas": CarCanvas,
    "HorizonPlace": HorizonPlace,
    "CarShadow": CarShadow,
    "CarHarmonize": CarHarmonize,
    "CarComposite": CarComposite,
    "BadgeLock": BadgeLock,
}

#: Shown where the page has no translation; `locales` holds the Chinese and the English names.
NODE_DISPLAY_NAME_MAPPINGS = {
    "旅行文本生成": "旅行文本生成 Trip to painting prompt (qwen)",
    "ImageSynthesisNode": "万相图片地址 Wanx picture address",
    "WanxImage": "万相文生图 Wanx picture",
    "WanxBackground": "万相背景生成 Wanx background",
    "WanxPicture": "下载万相图片 Fetch Wanx picture",
    "QwenPrompt": "千问写作 Qwen text",
    "QwenJudge": "千问评审图片 Qwen picture judge",
    "LoadCar": "载入车 Load car",
    "CarCanvas": "车放上画布 Car on a canvas",
    "HorizonPlace": "按地平线放车 Place on the horizon",
    "CarShadow": "车的影子 Car shadow",
    "CarHarmonize": "车融入画面 Car harmonize",
    "CarComposite": "叠上车 Car composite",
    "BadgeLock": "锁定车标 Badge lock",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
