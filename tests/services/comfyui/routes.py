"""One conversation with a ComfyUI server over all its routes, told so that two servers can be compared.

``python -m tests.services.comfyui.routes URL`` holds it with the server at URL and writes what a ComfyUI 0.3.64 said to
``routes-0.3.64.json`` beside this file.
"""

from __future__ import annotations

import io
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from tests.services.comfyui.failures import CASES, node

RECORDED = Path(__file__).parent / "routes-0.3.64.json"
CORE = (
    "EmptyImage", "ImageScale", "LoadImage", "PreviewAny", "PreviewImage", "PrimitiveString", "PrimitiveStringMultiline",
    "SaveImage", "StringConcatenate",
)  # fmt: skip
OURS = ("旅行文本生成", "ImageSynthesisNode", "WanxImage")
#: Classes that only a real server has.
_FOREIGN = ("Checkpoint", "Latent", "VAE", "Lora", "CLIP", "KSampler", "Probe", "Animated")
#: What differs between two servers without meaning anything; the embedded one gives no traceback away on purpose.
_PASSING = (
    "timestamp",
    "traceback",
    "input_config",
    "exception_message",
    "current_inputs",
    "current_outputs",
    "executed",
)


def _png(colour: tuple[int, int, int, int]) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGBA", (9, 7), colour).save(file, "PNG")
        return file.getvalue()


def told(value: Any, token: str) -> Any:
    """Without this run's ids, numbers and times."""
    if isinstance(value, dict):
        return {told(key, token): told(member, token) for key, member in value.items() if key not in _PASSING}
    if isinstance(value, list):
        members = [told(member, token) for member in value]
        is_item = len(value) == 5 and isinstance(value[1], str) and isinstance(value[2], dict)
        if is_item:
            members[0] = "a number" if value[0] >= 0 else "a number below zero"
        errors = bool(value) and all(isinstance(member, dict) and "extra_info" in member for member in value)
        texts = bool(value) and all(isinstance(member, str) and member.isdigit() for member in value)
        return sorted(members, key=json.dumps) if errors or (texts and not is_item) else members
    return value.replace(token, "…") if isinstance(value, str) else value


class Conversation:
    """Asks one server; `said` is what it answered, by the name of the question."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.token = uuid.uuid4().hex
        self.said: dict[str, Any] = {}
        self._url = url.rstrip("/")
        self._headers = headers or {}

    def ask(self, name: str, method: str, path: str, *, shown: bool = True, **arguments: Any) -> requests.Response:
        """Ask; a number that counts this server's jobs is not told."""
        headers = {**self._headers, **arguments.pop("headers", {})}
        answer = requests.request(method, self._url + path, timeout=60, headers=headers, **arguments)
        kind = answer.headers.get("Content-Type", "") if answer.content else ""
        body: Any = answer.text if kind.startswith("text") else f"{len(answer.content)} bytes"
        if kind.startswith("application/json"):
            body = answer.json()
            if isinstance(body, dict) and "number" in body:
                body["number"] = "a number" if body["number"] >= 0 else "a number below zero"
        if not shown:
            body = ""
        self.said[name] = [answer.status_code, kind, told(body, self.token)]
        return answer

    def hold(self) -> dict[str, Any]:
        """The whole conversation."""
        self._refusals()
        self._jobs()
        self._files()
        self._rest()
        return self.said

    def _refusals(self) -> None:
        for name, case in CASES.items():
            text = json.dumps(case.graph)
            if case.code not in ("graph_refused", "node_missing", "file_missing") or any(
                each in text for each in _FOREIGN
            ):
                continue
            if case.body or name == "partly valid" or "Wanx" in text:
                continue
            self.ask(f"refused: {name}", "POST", "/prompt", json={"prompt": case.graph})
        self.ask("no JSON", "POST", "/prompt", data="西湖".encode())
        self.ask("a list", "POST", "/prompt", json={"prompt": [1]})
        self.ask("an empty list", "POST", "/prompt", json={"prompt": []})
        self.ask("no prompt", "POST", "/prompt", json={})

    def _job(self, name: str, graph: Any, **more: Any) -> None:
        prompt_id = f"{self.token}-{name}"
        self.ask(f"{name}: put", "POST", "/prompt", json={"prompt": graph, "prompt_id": prompt_id, **more})
        deadline = time.monotonic() + 60
        while not requests.get(f"{self._url}/history/{prompt_id}", headers=self._headers, timeout=60).json():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.ask(f"{name}: history", "GET", f"/api/history/{prompt_id}")

    def _jobs(self) -> None:
        picture: dict[str, Any] = {
            "1": node("EmptyImage", width=8, height=6, batch_size=2, color=0x2E8B57),
            "9": node("SaveImage", images=["1", 0], filename_prefix=f"对比/{self.token}/苏州"),
        }
        # What an earlier conversation has left in the cache goes.
        self._job("before", {"3": node("PreviewAny", source=self.token)})
        self._job("picture", picture, client_id="someone", extra_data={"traceparent": "00-aa"})
        self._job("again", picture)
        self._job("text", {**picture, "3": node("PreviewAny", source="晴天")}, front=True)
        self._job("partly", {**picture, "8": node("SaveImage", filename_prefix="x")})
        self._job("fails", {"1": picture["1"], "9": node("SaveImage", images=["1", 0], filename_prefix="../../x")})
        self.ask("newest", "GET", "/history?max_items=1")
        self.ask("none", "GET", "/history?max_items=0", shown=False)
        self.ask("no number", "GET", "/history?max_items=many")
        self.ask("unknown job", "GET", "/history/unknown")
        self.ask("delete", "POST", "/history", json={"delete": [f"{self.token}-fails", "unknown"]})
        self.ask("deleted", "GET", f"/history/{self.token}-fails")

    def _files(self) -> None:
        there = {"filename": "苏州_00002_.png", "subfolder": f"对比/{self.token}", "type": "output"}
        self.ask("view", "GET", "/view", params=there, shown=False)
        self.ask("view, api", "GET", "/api/view", params=there, shown=False)
        for name, change in {
            "default type": {"type": None},
            "annotated": {"filename": "苏州_00002_.png [output]", "type": "input"},
            "preview": {"preview": "webp;80"},
            "preview, other": {"preview": "tiff"},
            "channel": {"channel": "a"},
            "dots": {"filename": "../苏州_00002_.png"},
            "absolute": {"filename": "/etc/passwd"},
            "empty": {"filename": ""},
            "outside": {"subfolder": "../.."},
            "absent": {"filename": "没有.png"},
            "odd type": {"type": "secrets"},
            "no name": {"filename": None},
        }.items():
            self.ask(f"view: {name}", "GET", "/view", params={**there, **change}, shown=False)
        red, blue = _png((200, 30, 30, 255)), _png((30, 30, 200, 128))
        name = f"{self.token}-行程.png"
        for question, blob, form in (
            ("upload", red, {}),
            ("upload again", red, {}),
            ("upload other", blue, {}),
            ("upload over", blue, {"overwrite": "true"}),
            ("upload below", blue, {"subfolder": f"{self.token}/甲"}),
            ("upload to temp", blue, {"type": "temp"}),
            ("upload outside", blue, {"subfolder": "../../.."}),
        ):
            self.ask(question, "POST", "/upload/image", files={"image": (name, blob, "image/png")}, data=form)
        self.ask("upload nothing", "POST", "/upload/image", files={"mask": (name, blue, "image/png")})
        self.ask("uploaded", "GET", "/view", params={"filename": name, "type": "input"}, shown=False)

    def _rest(self) -> None:
        self.ask("remaining", "GET", "/prompt")
        self.ask("queue", "GET", "/queue")
        self.ask("queue delete", "POST", "/queue", json={"delete": ["unknown"]})
        self.ask("queue clear", "POST", "/queue", json={"clear": True})
        self.ask("queue no JSON", "POST", "/queue", data=b"{")
        self.ask("interrupt unknown", "POST", "/interrupt", json={"prompt_id": "unknown"})
        self.ask("interrupt no JSON", "POST", "/interrupt", data=b"{")
        if not self._headers:
            self.ask("another site", "GET", "/queue", headers={"Origin": "http://elsewhere.example"})
        self.ask("unknown class", "GET", "/object_info/没有的节点")
        for name in CORE:
            self.ask(f"class {name}", "GET", f"/object_info/{name}")
        files = self.said["class LoadImage"][2]["LoadImage"]["input"]["required"]["image"]
        files[0] = "the files of the folder"
        self.said["version"] = self.version()

    def version(self) -> str:
        """The server's version."""
        stats = self.ask("system", "GET", "/system_stats", shown=False).json()
        return str(stats["system"]["comfyui_version"])


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(Conversation(sys.argv[1]).hold(), ensure_ascii=False, indent=1) + "\n", "utf-8")
