"""The node that turns a trip into a painting prompt."""

from __future__ import annotations

from typing import Any

from .dashscope_client import DashScope
from .errors import RequestRefused

DEFAULT_TEXT_MODEL = "qwen3.7-plus"

_INSTRUCTION = """你为绘画模型写画面描述。绘画模型只认识看得见的东西，不懂抽象的词。
请根据用户给出的行程资料，写一段完整的画面描述：
1. 画面是一幅优美的风景，真实、清晰。
2. 从途经城市中选一座，画出当地最有名的一处景点或建筑；没有途经城市时选终点城市。
3. 天气决定整体的明暗与色调。
4. 旅途的心情和驾驶感受让色调更明快或更宁静。
5. 由日期判断季节，季节决定植被和主要颜色。
6. 前景留一段安静的道路或空地；画面中没有人物、车辆、文字和标志。
只输出画面描述本身，不要解释。
"""

_EXAMPLE = """- 用户文字：和朋友去湖边走走
- 出行时间：2024年10月
- 公里数：约200公里
- 起点天气：晴天
- 终点天气：多云
- 途径城市：苏州市 杭州市
"""


class 旅行文本生成:
    """Ask a qwen model for a painting prompt; the class, method and input names are those existing graphs use."""

    CATEGORY = "旅行文本生成"
    DESCRIPTION = "由百炼千问模型把行程资料写成绘画提示词。A qwen model turns a trip into a painting prompt."
    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("绘画提示词",)
    OUTPUT_TOOLTIPS = ("绘画提示词 The painting prompt.",)
    FUNCTION = "生成绘画提示词"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        return {
            "required": {
                "system_prompt": (
                    "STRING",
                    {
                        "default": _INSTRUCTION,
                        "multiline": True,
                        "tooltip": "给模型的写作要求 What the model is told to write.",
                    },
                ),
                "query_prompt": (
                    "STRING",
                    {
                        "default": _EXAMPLE,
                        "multiline": True,
                        "tooltip": "行程资料，不要填写街道地址和姓名 The trip; no street addresses, no names.",
                    },
                ),
            },
            "optional": {
                "model": (
                    "STRING",
                    {"default": DEFAULT_TEXT_MODEL, "tooltip": "百炼文本模型 A DashScope text model."},
                ),
                "deadline_s": (
                    "INT",
                    {"default": 60, "min": 1, "max": 600, "tooltip": "最长等待秒数 Seconds to wait at most."},
                ),
            },
        }

    def 生成绘画提示词(
        self, system_prompt: str, query_prompt: str, model: str = DEFAULT_TEXT_MODEL, deadline_s: int = 60
    ) -> tuple[str]:
        """Return the prompt the model wrote. Raises `NodeError`."""
        if not query_prompt.strip():
            raise RequestRefused("行程资料为空", "the trip is empty")
        with DashScope.from_environment(deadline_s) as dashscope:
            return (dashscope.write(model, system_prompt, query_prompt).strip(),)
