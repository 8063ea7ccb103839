"""Every way in which a job can end on a real ComfyUI server, and how to bring it about.

``python -m tests.services.comfyui.failures URL`` provokes each on the server at URL and writes what it answered to
``tests/unit/core/answers/comfyui-<version>.json``, paths and tracebacks shortened; CI reads these files always. The
server needs `probe_nodes` and ``workflows/custom_nodes/tripcanvas`` in its ``custom_nodes``, a DashScope that refuses
as the embedded one does, and, in ``models/checkpoints``, a link that leads nowhere as ``gone.safetensors`` and any 100
bytes as ``damaged.safetensors``; without these two files their cases are left out.
"""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import connect

from tests.services.comfyui.probe_nodes import RAISED

ANSWERS = Path(__file__).parents[2] / "unit" / "core" / "answers"
TASK = "3d67a0b4-e8ab-5de6-b5f9-077a023859ae-1"
OTHER_TASK = "9c1f7f3e-0b0e-5d0a-9c38-2f1a5c6e8b21-1"
#: Words of the graphs below that no reason may repeat.
PRIVATE = ("西湖", "中山南路", "NSFW_TEST_WORD", "/code", "Traceback", "没有这样的地方")

Graph = dict[str, Any]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def _save(source: str = "1", prefix: str = f"{TASK}/picture") -> dict[str, Any]:
    return node("SaveImage", images=[source, 0], filename_prefix=prefix)


def _colour(**more: Any) -> dict[str, Any]:
    return node("EmptyImage", **{"width": 8, "height": 8, "batch_size": 1, "color": 7, **more})


def _wanx(prompt: str = "西湖的雨", **more: Any) -> dict[str, Any]:
    return node(
        "WanxImage",
        **{"prompt": prompt, "negative_prompt": "", "model": "wan2.2-t2i-flash", "size": "768*960", "seed": 3, **more},
    )


def _checkpoint(name: str) -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=name),
        "2": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "3": node("VAEDecode", samples=["2", 0], vae=["1", 2]),
        "9": _save("3"),
    }


@dataclass(frozen=True)
class Case:
    """A graph and what `read_answer` must make of the server's answer, its output node being 9."""

    graph: Any
    code: str
    reason: str = ""
    #: A graph that is run before, under another task.
    before: Graph | None = None
    interrupted: bool = False
    #: Sent as it is, in place of ``{"prompt": …}``.
    body: bytes = b""
    needs: str = ""
    #: A newer server stumbles over it (a bare 500), as 0.12.1 does.
    stumbles: bool = False

    def outcome(self, status: int) -> tuple[str, str]:
        """Code and reason to expect, where the server's status says which."""
        return (
            ("http_500", "the GPU side answered 500") if self.stumbles and status == 500 else (self.code, self.reason)
        )


_GOOD: Graph = {"1": _colour(color=11), "9": _save()}

CASES: dict[str, Case] = {
    # refused
    "unknown class": Case({"1": node("没有的节点", text="西湖")}, "node_missing", "node missing: 没有的节点"),
    "no class_type": Case(
        {"1": {"inputs": {"text": "西湖"}}}, "graph_refused", "the graph is not in API format: a node has no class_type"
    ),
    "page's own format": Case(
        {"nodes": [{"id": 1, "type": "SaveImage"}], "links": []}, "graph_refused",
        "the graph is not in API format: a node has no class_type", stumbles=True,
    ),
    "missing input": Case(
        {"9": node("SaveImage", filename_prefix="x")}, "graph_refused", "node 9 (SaveImage): required_input_missing images"
    ),
    "no number": Case(
        {"1": _colour(width="没有这样的地方"), "9": _save()}, "graph_refused", "node 1 (EmptyImage): invalid_input_type width"
    ),
    "too big": Case(
        {"1": _colour(batch_size=9999), "9": _save()}, "graph_refused", "node 1 (EmptyImage): value_bigger_than_max batch_size"
    ),
    "too small": Case(
        {"1": _colour(width=0), "9": _save()}, "graph_refused", "node 1 (EmptyImage): value_smaller_than_min width"
    ),
    "not a choice": Case(
        {"1": _colour(), "2": node("ImageScale", image=["1", 0], upscale_method="没有这样的地方", width=8, height=8, crop="disabled"), "9": _save("2")},
        "graph_refused", "node 2 (ImageScale): value_not_in_list upscale_method",
    ),
    "model not there": Case(
        _checkpoint("sdxl/旅行画风_v1.0.safetensors"), "model_missing", "model missing: 旅行画风_v1.0.safetensors"
    ),
    "model of another name": Case(_checkpoint("没有这样的地方 1"), "model_missing", "model missing: of another name"),
    "lora not there": Case(
        {
            **_checkpoint("gone.safetensors"),
            "4": node("LoraLoader", model=["1", 0], clip=["1", 1], lora_name="watercolour.safetensors", strength_model=1, strength_clip=1),
            "5": node("CLIPTextEncode", text="西湖", clip=["4", 1]),
            "9": node("PreviewAny", source=["5", 0]),
        },
        "model_missing", "model missing: watercolour.safetensors", needs="gone.safetensors",
    ),
    "sampler of another name": Case(
        {
            "2": node("EmptyLatentImage", width=64, height=64, batch_size=1),
            "3": node("KSamplerSelect", sampler_name="没有这样的地方"),
            "9": node("PreviewAny", source=["3", 0]),
        },
        "graph_refused", "node 3 (KSamplerSelect): value_not_in_list sampler_name",
    ),
    "wrong link type": Case(
        {"1": _colour(), "9": node("SaveImage", images=["1", 0], filename_prefix=["1", 0])},
        "graph_refused", "node 9 (SaveImage): return_type_mismatch filename_prefix",
    ),
    "link of three": Case(
        {"1": _colour(), "9": node("SaveImage", images=["1", 0, 0], filename_prefix="x")},
        "graph_refused", "node 9 (SaveImage): bad_linked_input images",
    ),
    "absent node": Case({"9": _save("99")}, "graph_refused", "node 9 (SaveImage): exception_during_validation"),
    "upstream absent": Case(
        {"2": node("ImageScale", image=["99", 0], upscale_method="area", width=8, height=8, crop="disabled"), "9": _save("2")},
        "graph_refused", "node 2 (ImageScale): exception_during_inner_validation images",
    ),
    "no such input file": Case(
        {"1": node("LoadImage", image="没有这样的地方.png"), "9": _save()}, "file_missing",
        "an input file is missing: node 1 (LoadImage): custom_validation_failed image",
    ),
    "a class's own check": Case(
        {"1": _wanx(size="西湖"), "9": _save()}, "graph_refused", "node 1 (WanxImage): custom_validation_failed model"
    ),
    "no output": Case({"1": _colour()}, "graph_refused", "the graph has no output node"),
    "empty": Case({}, "graph_refused", "the graph has no output node"),
    "cycle": Case(
        {
            "1": node("StringConcatenate", string_a=["2", 0], string_b="", delimiter=""),
            "2": node("StringConcatenate", string_a=["1", 0], string_b="", delimiter=""),
            "9": node("PreviewAny", source=["1", 0]),
        },
        "graph_refused",
    ),
    "no prompt": Case(None, "graph_refused", "no graph was sent", body=b"{}"),
    "no JSON": Case(None, "http_500", "the GPU side answered 500", body="西湖".encode()),
    "partly valid": Case(
        {**_GOOD, "8": node("SaveImage", filename_prefix="x")}, "graph_refused",
        "a part of the graph was refused: node 8 (SaveImage): required_input_missing images",
    ),
    # failed while it ran
    "picture is a word": Case(
        {"9": node("SaveImage", images="没有这样的地方", filename_prefix=f"{TASK}/picture")}, "graph_fault",
    ),
    "prefix leaves the folder": Case(
        {"1": _colour(), "9": _save(prefix="../../x")}, "graph_fault", "SaveImage: the file name prefix leaves the output folder"
    ),
    "too much for the main memory": Case(
        {"1": _colour(width=16384, height=16384, batch_size=4096), "9": _save()}, "out_of_memory", "out of memory in EmptyImage"
    ),
    "model gone meanwhile": Case(
        _checkpoint("gone.safetensors"), "model_missing", "model missing: gone.safetensors (CheckpointLoaderSimple)", needs="gone.safetensors"
    ),
    "model damaged": Case(
        _checkpoint("damaged.safetensors"), "model_damaged", "a model that CheckpointLoaderSimple loads is damaged", needs="damaged.safetensors"
    ),
    "interrupted": Case(
        {"9": node("ProbeSleep", seconds=60.0)}, "interrupted", "the render was interrupted on the GPU side", interrupted=True
    ),
    "content rejected": Case(
        {"1": _wanx("NSFW_TEST_WORD 西湖"), "9": _save()}, "content_rejected",
        "WanxImage: DataInspectionFailed, the image service's content check refused it",
    ),
    "no such image model": Case(
        {"1": _wanx(model="wanx-没有"), "9": _save()}, "image_service_refused",
    ),
    # not what a post needs
    "gifs": Case({"9": node("ProbeVideo", prefix=f"{TASK}/picture")}, "not_a_picture", "output node 9 gave gifs, not a picture"),
    "text": Case({"9": node("PreviewAny", source="西湖")}, "not_a_picture", "output node 9 gave text, not a picture"),
    "preview": Case(
        {"1": _colour(), "9": node("PreviewImage", images=["1", 0])}, "not_a_picture",
        "output node 9 previews its picture and does not save it",
    ),
    "animation": Case(
        {"1": _colour(batch_size=2), "9": node("SaveAnimatedWEBP", images=["1", 0], filename_prefix=f"{TASK}/picture", fps=6.0, lossless=True, quality=80, method="default")},
        "not_a_picture", "output node 9 gave animated images, not a picture",
    ),
    "another output node": Case(
        {"1": _colour(), "8": _save()}, "no_picture", "output node 9 reported no picture file"
    ),
    "another task's file": Case(
        {"1": _colour(color=3), "9": _save(prefix=f"{OTHER_TASK}/picture")}, "foreign_picture",
        "the answer names a file of another task", before={"1": _colour(color=3), "9": _save(prefix=f"{OTHER_TASK}/picture")},
    ),
    # a picture
    "picture": Case(_GOOD, "files"),
    "the same again": Case(_GOOD, "files", before=_GOOD),
    "several output nodes": Case(
        {**_GOOD, "7": node("PreviewAny", source="西湖"), "8": _save(prefix=f"{TASK}/mask"), "6": node("ProbeVideo", prefix="x/y")}, "files"
    ),
}  # fmt: skip
CASES |= {
    f"raised: {name}": Case({"9": node("ProbeRaise", name=name)}, code, reason)
    for name, code, reason in (
        *((name, "out_of_memory", "out of memory in ProbeRaise") for name in RAISED if "memory" in name),
        *(
            (name, "gpu_failed", "the GPU failed in ProbeRaise")
            for name in RAISED
            if name in ("gpu broken", "gpu gone")
        ),
        *(
            (name, "storage_failed", "ProbeRaise could not write or read its file: the disk or mount is full or broken")
            for name in ("disk full", "mount broken")
        ),
        ("no such model", "model_missing", "model missing: 旅行画风.safetensors (ProbeRaise)"),
        ("no such file", "file_missing", "a file that ProbeRaise needs is missing"),
        ("prompt told", "execution_error", "ProbeRaise: ValueError"),
        ("mistake", "graph_fault", "ProbeRaise: AttributeError, a mistake in the graph or in the node"),
    )
}


@dataclass(frozen=True)
class Answer:
    """What the server said: its answer to the POST, and, of a job that ran, its history entry and its messages."""

    status: int
    body: Any
    history: dict[str, Any] | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)


def provoke(url: str, case: Case) -> Answer:
    """Send the case's graph to the server at `url` and wait for its end."""
    if case.before is not None:
        provoke(url, Case(case.before, "files"))
    client, prompt_id = uuid.uuid4().hex, str(uuid.uuid4())
    with connect(f"ws{url.removeprefix('http')}/ws?clientId={client}", max_size=None, proxy=None) as socket:
        body = case.body or json.dumps({"prompt": case.graph, "prompt_id": prompt_id, "client_id": client}).encode()
        answer = requests.post(f"{url}/prompt", data=body, headers={"Content-Type": "application/json"}, timeout=60)
        if answer.status_code != 200:
            is_json = answer.headers["Content-Type"].startswith("application/json")
            return Answer(answer.status_code, answer.json() if is_json else answer.text)
        messages: list[dict[str, Any]] = []
        while True:
            told = socket.recv(timeout=120)
            if not isinstance(told, str):
                continue
            message = json.loads(told)
            if message["type"] == "executing" and message["data"].get("prompt_id") == prompt_id:
                if message["data"]["node"] is None:
                    break
                if case.interrupted:
                    requests.post(f"{url}/interrupt", json={"prompt_id": prompt_id}, timeout=60)
            if message["data"].get("prompt_id") == prompt_id:
                messages.append(message)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = requests.get(f"{url}/history/{prompt_id}", timeout=60).json()
        if found:
            return Answer(200, answer.json(), found[prompt_id], messages)
    raise AssertionError("the job is over and not in the history")


def sink_bodies(answer: Answer) -> list[tuple[int, str]]:
    """The forms in which this answer may come: ``lastCode`` and body of a sink record, and the history's entry."""

    def text(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    if answer.history is None:
        listed = (
            [] if isinstance(answer.body, str) else [(200, text([answer.body])), (answer.status, text([answer.body]))]
        )
        return [(answer.status, text(answer.body)), *listed]
    outputs = answer.history["outputs"]
    executed = [each for each in answer.messages if each["type"] == "executed"]
    failed = [each for each in answer.messages if each["type"] in ("execution_error", "execution_interrupted")]
    partly = [answer.body] if answer.body["node_errors"] else []
    forms = [(200, text([*executed, *partly, *failed, *([] if failed else [outputs])]))]
    if failed:
        forms += [(200, text(failed)), (500, text(failed)), (200, text(failed[0]))]
    elif not partly:
        forms.append((200, text([outputs])))
    if not partly:
        forms.append((200, text({key: answer.history[key] for key in ("prompt", "outputs", "status")})))
    return forms


def _short(value: Any, key: str = "") -> Any:
    """Without tracebacks, progress, and this machine's paths."""
    if key == "traceback":
        return [
            f'  File ".../{line.partition(chr(34))[2].partition(chr(34))[0].rpartition("/")[2]}", line 1\n'
            for line in value[:1]
        ]
    if isinstance(value, dict):
        return {
            name: _short(member, name) for name, member in value.items() if name not in ("timestamp", "create_time")
        }
    if isinstance(value, (list, tuple)):
        return [_short(member) for member in value]
    if isinstance(value, str):
        found = re.compile(r"(?<![\w/:…])/(?:tmp|home|root|nowhere)(?:/[^\s'\"]*)?")
        return found.sub(lambda path: f"/…/{path[0].rpartition('/')[2]}", value)
    return value


def _record(url: str) -> None:
    version = requests.get(f"{url}/system_stats", timeout=60).json()["system"]["comfyui_version"]
    there = requests.get(f"{url}/object_info/CheckpointLoaderSimple", timeout=60).text
    found = {}
    for name, case in CASES.items():
        if case.needs and case.needs not in there:
            continue
        answer = provoke(url, case)
        wanted = ("executed", "execution_error", "execution_interrupted", "execution_cached", "execution_success")
        found[name] = {
            "status": answer.status,
            "body": _short(answer.body),
            "history": _short(answer.history),
            "messages": [_short(each) for each in answer.messages if each["type"] in wanted],
        }
        print(f"{name}: {answer.status}")  # noqa: T201
    ANSWERS.mkdir(exist_ok=True)
    (ANSWERS / f"comfyui-{version}.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    _record(sys.argv[1].rstrip("/"))
