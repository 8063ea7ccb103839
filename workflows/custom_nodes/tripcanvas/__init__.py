"""Tripcanvas nodes for ComfyUI: text by qwen and pictures by wan, both from DashScope.

Copy this folder into ComfyUI's ``custom_nodes/`` and set ``DASHSCOPE_API_KEY`` in the server's environment.
"""

from __future__ import annotations

from .image_nodes import ImageSynthesisNode, WanxImage
from .text_nodes import 旅行文本生成

NODE_CLASS_MAPPINGS = {
    "旅行文本生成": 旅行文本生成,
    "ImageSynthesisNode": ImageSynthesisNode,
    "WanxImage": WanxImage,
}

NODE_DISPLAY_NAME_MAPPINGS = {
    "旅行文本生成": "旅行文本生成 Trip to painting prompt (qwen)",
    "ImageSynthesisNode": "万相图片地址 Wanx picture address",
    "WanxImage": "万相文生图 Wanx picture",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
