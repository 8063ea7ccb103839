"""A real ComfyUI server as the engine, over its own HTTP API (seen on 0.3.64, 0.8.0 and 0.12.1).

Work is followed by asking ``/history``: it is there once the job is over, and the WebSocket tells nothing more that
the answer needs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests

from localcloud.comfyui.results import EngineDown, GraphRefused, OutputFile, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT_S = 5.0
_ANSWER_S = 60.0
_LONGEST_PAUSE_S = 1.0
#: Polls in a row that find the job neither waiting, running nor done: the server was restarted and has forgotten it.
_MISSING_POLLS = 3


class RemoteComfyUI:
    """Runs graphs in the server at `url`, which no one else needs to share: jobs carry their own ids."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def run(self, graph: Mapping[str, Any], prompt_id: str) -> Run:
        """Queue `graph` and wait until it is over. Raises `GraphRefused` and `EngineDown`."""
        # Without a client_id, 0.8.0 and later leave what is served from the cache out of the history.
        order = {"prompt": graph, "prompt_id": prompt_id, "client_id": prompt_id}
        response = self._call("POST", "/prompt", json=order)
        if response.status_code == 400:
            raise GraphRefused(_object(response))
        if response.status_code != 200:
            raise EngineDown(f"POST /prompt answered {response.status_code}")
        return _run_of(prompt_id, self._finished(prompt_id))

    def read(self, file: OutputFile) -> bytes:
        """The bytes of a file that a run wrote."""
        named = {"filename": file.filename, "subfolder": file.subfolder, "type": file.folder}
        response = self._call("GET", "/view", params=named)
        if response.status_code != 200:
            raise EngineDown(f"GET /view answered {response.status_code}")
        return response.content

    def _finished(self, prompt_id: str) -> Mapping[str, Any]:
        pause_s = 0.05
        missing = 0
        while missing < _MISSING_POLLS:
            time.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
            # The queue first: a job that ends between the two questions is then found by the second.
            queue = _object(self._call("GET", "/queue"))
            history = _object(self._call("GET", f"/history/{prompt_id}"))
            if prompt_id in history:
                entry: Mapping[str, Any] = history[prompt_id]
                return entry
            held = [item[1] for name in ("queue_running", "queue_pending") for item in queue.get(name, [])]
            missing = 0 if prompt_id in held else missing + 1
        raise EngineDown("the server no longer knows the job")

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, timeout=(_CONNECT_S, _ANSWER_S), **arguments)
        except requests.RequestException as error:
            raise EngineDown(f"{method} {path}: {type(error).__name__}") from None


def _run_of(prompt_id: str, entry: Mapping[str, Any]) -> Run:
    messages = dict(entry["status"]["messages"])
    cached = set(messages.get("execution_cached", {}).get("nodes", ()))
    outputs = dict(entry["outputs"])
    ran = tuple(node_id for node_id in outputs if node_id not in cached)
    interruption = messages.get("execution_interrupted")
    failure = messages.get("execution_error") or interruption
    return Run(prompt_id, ran, outputs, failure, interruption is not None, tuple(sorted(cached)))


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise EngineDown("an answer is not a JSON object")
    return body
