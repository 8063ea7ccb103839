"""What a real ComfyUI says about every graph of the corpus: ``python -m tests.services.comfyui.graph_corpus.judge --url URL``.

Writes ``comfyui-<version>.jsonl`` (one verdict a line) and ``object_info-<version>.json`` beside this module. The
server needs no model and no node package; it is sent one small picture, ``行程.png``, and writes below ``语料/``. It
has to be started anew afterwards: the last graph ends its worker.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import requests
from PIL import Image

from shared.graphs.snapshot import snapshot

HERE = Path(__file__).parent
_LONGEST_RUN_S = 60.0
_NO_END = "no end"


class Example(NamedTuple):
    """One graph of the corpus, any JSON, and what `check_graph` finds in it: severity, code, place.

    `newer` stands in place of `findings` from ComfyUI 0.8.0 on. One that `kills` is accepted by a server and ends its
    worker.
    """

    name: str
    reason: str
    graph: Any
    findings: tuple[str, ...] = ()
    newer: tuple[str, ...] | None = None
    kills: bool = False


def corpus() -> list[Example]:
    """Every graph, in the order of the file: an earlier one may write what a later one reads."""
    lines = (HERE / "graphs.jsonl").read_text("utf-8").splitlines()
    return [Example(**json.loads(line)) for line in lines]


def recorded(version: str) -> dict[str, dict[str, Any]]:
    """The verdicts of one version, by the graph's name."""
    lines = (HERE / f"comfyui-{version}.jsonl").read_text("utf-8").splitlines()
    return {verdict.pop("name"): verdict for verdict in map(json.loads, lines)}


def classes_in_use() -> set[str]:
    """Every class that a graph of the corpus names."""
    graphs = [example.graph for example in corpus() if isinstance(example.graph, dict)]
    entries = [entry for graph in graphs for entry in graph.values()]
    kinds = [entry.get("class_type") for entry in entries if isinstance(entry, dict)]
    return {kind for kind in kinds if isinstance(kind, str)}


class Server:
    """A real ComfyUI, asked over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def version(self) -> str:
        """As the server says itself."""
        return str(self._json("/system_stats")["system"]["comfyui_version"])

    def object_info(self) -> dict[str, Any]:
        """Every node class."""
        return self._json("/object_info")

    def prepare(self) -> None:
        """Upload the picture that good graphs load."""
        picture = io.BytesIO()
        Image.new("RGB", (16, 16), (30, 90, 160)).save(picture, "PNG")
        for subfolder in ("", "语料"):
            files = {"image": ("行程.png", picture.getvalue(), "image/png")}
            form = {"overwrite": "true", "subfolder": subfolder}
            self._session.post(f"{self._url}/upload/image", files=files, data=form, timeout=30).raise_for_status()

    def judge(self, example: Example) -> dict[str, Any]:
        """The verdict: HTTP status, type of the error, types of the errors by node, and how a run ended."""
        prompt_id = str(uuid.uuid4())
        # Not `json=`, which refuses NaN; a server reads it.
        body = json.dumps({"prompt": example.graph, "prompt_id": prompt_id})
        headers = {"Content-Type": "application/json"}
        answer = self._session.post(f"{self._url}/prompt", data=body, headers=headers, timeout=60)
        if answer.status_code not in (200, 400):
            return {"status": answer.status_code, "error": "", "node_errors": {}, "run": ""}
        said = answer.json()
        # A graph without an output node is answered with a list where there is an object otherwise.
        by_node = dict(said["node_errors"] or {})
        return {
            "status": answer.status_code,
            "error": said.get("error", {}).get("type", ""),
            "node_errors": {
                node_id: sorted(error["type"] for error in by_node[node_id]["errors"]) for node_id in sorted(by_node)
            },
            "run": self._run(prompt_id, 5.0 if example.kills else _LONGEST_RUN_S) if answer.status_code == 200 else "",
        }

    def _run(self, prompt_id: str, longest_s: float) -> str:
        ends = time.monotonic() + longest_s
        while time.monotonic() < ends:
            history = self._json(f"/history/{prompt_id}")
            if prompt_id in history:
                messages = dict(history[prompt_id]["status"]["messages"])
                failure = messages.get("execution_error")
                return "success" if failure is None else f"{failure['node_id']}: {failure['exception_type']}"
            time.sleep(0.02)
        return _NO_END

    def _json(self, path: str) -> dict[str, Any]:
        answer = self._session.get(self._url + path, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def main(url: str) -> None:
    """Judge every graph, and write down the verdicts and the node types."""
    server = Server(url)
    version, object_info = server.version(), server.object_info()
    server.prepare()
    examples = sorted(corpus(), key=lambda example: example.kills)
    lines = [json.dumps({"name": example.name, **server.judge(example)}, ensure_ascii=False) for example in examples]
    (HERE / f"comfyui-{version}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    known = classes_in_use() & object_info.keys()
    (HERE / f"object_info-{version}.json").write_bytes(snapshot(object_info, known))
    print(f"{len(lines)} graphs judged by ComfyUI {version}; start it anew, its worker is gone")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="address of the server, such as http://127.0.0.1:8188")
    main(parser.parse_args().url)
