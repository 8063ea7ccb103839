"""The container behind the queue: one request in, one answer out, files into OSS on the way."""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcloud.comfyui import answers
from localcloud.comfyui.render_bucket import NotStored
from localcloud.comfyui.results import Engine, EngineDown, GraphRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.comfyui.results import OutputFile

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes to the sink; a `status` other than 200 becomes the record's tag ``lastCode``."""

    status: int
    body: bytes = field(repr=False)


class Container:
    """Answers requests one at a time; `store` puts a file where the mount would."""

    def __init__(self, engine: Engine, store: Callable[[OutputFile, bytes], None]) -> None:
        self._engine = engine
        self._store = store

    def answer(self, path: str, body: bytes) -> Reply:
        """Serve one record. The API edition knows the path ``api_prompt`` only; its body is the bare graph."""
        if path.strip("/") != "api_prompt":
            return Reply(404, b'{"error":"only api_prompt is served"}')
        try:
            graph = json.loads(body)
        except ValueError:
            graph = None
        if not isinstance(graph, dict):
            return Reply(400, b'{"error":"the body is not a workflow in API format"}')
        prompt_id = str(uuid.uuid4())
        started = time.monotonic()
        reply = self._run(graph, prompt_id)
        _log.info("job %s of %d nodes: %d in %.2f s", prompt_id, len(graph), reply.status, time.monotonic() - started)
        return reply

    def _run(self, graph: dict[str, object], prompt_id: str) -> Reply:
        try:
            run = self._engine.run(graph, prompt_id)
            for file in run.new_files():
                self._store(file, self._engine.read(file))
        except GraphRefused as refused:
            _log.info("job %s refused: %s", prompt_id, refused)
            return Reply(400, answers.of_refusal(refused))
        except EngineDown as error:
            _log.warning("job %s lost: %s", prompt_id, error)
            return Reply(502, b'{"error":"ComfyUI is not reachable"}')
        except NotStored as error:
            # A mount that fails makes the saving node fail with an I/O error.
            _log.warning("job %s painted but not stored: %s", prompt_id, error)
            return Reply(200, answers.of_failure(prompt_id, "OSError", "[Errno 5] Input/output error"))
        if run.failure is not None:
            _log.info("job %s failed in node %s", prompt_id, run.failure["node_id"])
        return Reply(200, answers.of_run(run))
