"""The nodes that have a qwen model write: a painting prompt from a trip, and any text or JSON object."""

from __future__ import annotations

import json
from typing import Any

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
        from .dashscope_client import DashScope

        with DashScope.from_environment(deadline_s) as dashscope:
            return (dashscope.write(model, system_prompt, query_prompt).strip(),)


_JSON_ONLY = "只输出一个 JSON 对象，不要解释。Answer with one JSON object and nothing else."


class QwenPrompt:
    """Ask a qwen model for a text, or for a JSON object that is checked to be one."""

    CATEGORY = "Tripcanvas"
    DESCRIPTION = (
        "由百炼千问模型写一段文字，或写一个 JSON 对象。 A qwen model writes a text or a JSON object. "
        "相同输入不会重复计费 The same inputs are not paid for twice."
    )
    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("text",)
    OUTPUT_TOOLTIPS = ("模型写的文字或 JSON What the model wrote.",)
    FUNCTION = "write"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:
        """ComfyUI's description of the inputs."""
        system = {"default": _INSTRUCTION, "multiline": True, "tooltip": "给模型的要求 What the model is told to do."}
        user = {
            "default": "",
            "multiline": True,
            "tooltip": "用户的话，不要填写街道地址和姓名 What it works on; no street addresses, no names.",
        }
        output = {
            "default": "text",
            "tooltip": "text：文字；json：检查过的 JSON 对象 A text, or a JSON object that was checked to be one.",
        }
        temperature = {
            "default": 0.7,
            "min": 0.0,
            "max": 1.9,
            "step": 0.1,
            "tooltip": "越大越多变，0 最稳定 Higher is more varied, 0 is steadiest.",
        }
        return {
            "required": {
                "system_prompt": ("STRING", system),
                "user_prompt": ("STRING", user),
                "model": (
                    "STRING",
                    {"default": DEFAULT_TEXT_MODEL, "tooltip": "百炼文本模型 A DashScope text model."},
                ),
                "output": (["text", "json"], output),
            },
            "optional": {
                "temperature": ("FLOAT", temperature),
                "deadline_s": (
                    "INT",
                    {"default": 60, "min": 1, "max": 600, "tooltip": "最长等待秒数 Seconds to wait at most."},
                ),
            },
        }

    def write(
        self,
        system_prompt: str,
        user_prompt: str,
        model: str,
        output: str,
        temperature: float = 0.7,
        deadline_s: int = 60,
    ) -> tuple[str]:
        """Return the text, or the JSON object in a compact form. Raises `NodeError`."""
        if not user_prompt.strip():
            raise RequestRefused("用户提示词为空", "the user prompt is empty")
        from .dashscope_client import DashScope

        as_json = output == "json"
        # Without the word, DashScope refuses to answer in JSON.
        system = f"{system_prompt}\n{_JSON_ONLY}" if as_json else system_prompt
        with DashScope.from_environment(deadline_s) as dashscope:
            text = dashscope.write(model, system, user_prompt, as_json=as_json, temperature=temperature).strip()
        return (json.dumps(json_object(text), ensure_ascii=False),) if as_json else (text,)


def json_object(text: str) -> dict[str, Any]:
    """The one JSON object that `text` is. Raises `RequestRefused` for anything else, NaN and double keys included."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError
        return dict(pairs)

    def refuse(_: str) -> None:
        raise ValueError

    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RequestRefused("模型的回答不是 JSON 对象", "the model's answer is not a JSON object")
    return value
