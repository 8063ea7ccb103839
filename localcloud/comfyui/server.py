"""ComfyUI's own HTTP routes over the built-in runner: the standard edition on EAS, and what designers' tools ask.

Statuses and bodies are those of ComfyUI 0.3.64, each route also below ``/api``; `tests/services/comfyui/test_routes.py`
sends the same requests to a real server. Nobody is asked who they are, as there: on EAS the gateway does that. Left
out: ``/ws`` (the product follows jobs by their history), the page, the model manager, ``/free``.
"""

from __future__ import annotations

import itertools
import json
import logging
import sys
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localcloud.comfyui import files, object_info
from localcloud.comfyui.jobs import Job, Jobs
from localcloud.comfyui.render_bucket import NotStored
from localcloud.comfyui.results import GraphRefused, OutputFile, Run
from localcloud.comfyui.validation import plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from localcloud.comfyui.folders import Folders
    from localcloud.comfyui.node_classes import LoadedNodes
    from localcloud.comfyui.runner import Runner

#: The version whose answers these are.
VERSION = "0.3.64"

_log = logging.getLogger(__name__)

_CRASHED = "500 Internal Server Error\n\nServer got itself in trouble"
_NO_PROMPT = {
    "error": {
        "type": "no_prompt",
        "message": "No prompt provided",
        "details": "No prompt provided",
        "extra_info": {},
    },
    "node_errors": {},
}


class Server:
    """One server: its jobs run in `runner`, and `store` puts each file that they write where the mount would."""

    def __init__(
        self, nodes: LoadedNodes, runner: Runner, folders: Folders, store: Callable[[OutputFile, bytes], None]
    ) -> None:
        self._nodes = nodes
        self._runner = runner
        self._folders = folders
        self._store = store
        self.jobs = Jobs(self._run)
        self._numbers = itertools.count()

    def routes(self) -> list[Route]:
        """The routes, each under both its paths."""
        table: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
            ("GET", "/prompt", self._remaining),
            ("POST", "/prompt", self._prompt),
            ("GET", "/queue", self._queue),
            ("POST", "/queue", self._change_queue),
            ("GET", "/history", self._history),
            ("POST", "/history", self._change_history),
            ("GET", "/history/{prompt_id}", self._entry),
            ("POST", "/interrupt", self._interrupt),
            ("GET", "/view", self._view),
            ("POST", "/upload/image", self._upload),
            ("GET", "/object_info", self._object_info),
            ("GET", "/object_info/{name}", self._object_info),
            ("GET", "/system_stats", self._system_stats),
        )
        return [
            Route(prefix + path, _guarded(handler), methods=[method])
            for method, path, handler in table
            for prefix in ("", "/api")
        ]

    def _run(self, job: Job) -> Run:
        """The outermost entry of one job: a fault of our own must not end the thread that runs them."""
        try:
            run = self._runner.run(job.graph, job.prompt_id)
            for file in run.new_files():
                self._store(file, self._runner.read(file))
        except NotStored:
            # A mount that fails makes the saving node fail with an I/O error.
            return _failed(job, "OSError", "[Errno 5] Input/output error\n")
        except Exception as error:  # noqa: BLE001
            # The type alone: the message could repeat what was asked for.
            _log.error("a job failed with %s", type(error).__name__)
            return _failed(job, type(error).__name__, "\n")
        return run

    async def _remaining(self, _: Request) -> Response:
        return _json({"exec_info": {"queue_remaining": self.jobs.remaining}})

    async def _prompt(self, request: Request) -> Response:
        body = json.loads(await request.body())
        number = float(body["number"]) if "number" in body else next(self._numbers)
        if "number" not in body and body.get("front"):
            number = -number
        if "prompt" not in body:
            return _json(_NO_PROMPT, 400)
        graph = body["prompt"]
        prompt_id = str(body.get("prompt_id", uuid.uuid4()))
        if graph and not isinstance(graph, dict):
            raise TypeError("a list is no graph")
        try:
            planned = plan(graph or {}, self._nodes.classes)
        except GraphRefused as refused:
            return _json(refused.body, 400)
        extra = dict(body.get("extra_data", {}))
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        self.jobs.put(Job(number, prompt_id, graph, extra, planned.outputs))
        return _json({"prompt_id": prompt_id, "number": number, "node_errors": planned.node_errors})

    async def _queue(self, _: Request) -> Response:
        return _json(self.jobs.queue())

    async def _change_queue(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if body.get("clear"):
            self.jobs.take_all_back()
        for prompt_id in body.get("delete", ()):
            self.jobs.take_back(prompt_id)
        return Response()

    async def _history(self, request: Request) -> Response:
        query = request.query_params
        most = int(query["max_items"]) if "max_items" in query else None
        return _json(self.jobs.history(most, int(query.get("offset", "-1"))))

    async def _entry(self, request: Request) -> Response:
        return _json(self.jobs.entry(request.path_params["prompt_id"]))

    async def _change_history(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if body.get("clear"):
            self.jobs.forget_all()
        for prompt_id in body.get("delete", ()):
            self.jobs.forget(prompt_id)
        return Response()

    async def _interrupt(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = {}
        self.jobs.interrupt(body.get("prompt_id"))
        return Response()

    async def _view(self, request: Request) -> Response:
        shown = files.view(request.query_params, self._folders)
        answer = Response(shown.body, headers={"Content-Type": shown.content_type})
        # The bare UTF-8 bytes, as aiohttp sends them.
        answer.raw_headers.append((b"content-disposition", f'filename="{shown.filename}"'.encode()))
        return answer

    async def _upload(self, request: Request) -> Response:
        form = files.form_of(request.headers.get("Content-Type", ""), await request.body())
        return _json(files.upload(form, self._folders))

    async def _object_info(self, request: Request) -> Response:
        wanted = request.path_params.get("name")
        return _json(
            {
                name: object_info.describe(name, cls, self._nodes.display_names)
                for name, cls in self._nodes.classes.items()
                if wanted in (None, name)
            }
        )

    async def _system_stats(self, _: Request) -> Response:
        """What has a meaning without torch; a device of no memory."""
        device = dict.fromkeys(("vram_total", "vram_free", "torch_vram_total", "torch_vram_free"), 0)
        system = {"comfyui_version": VERSION, "python_version": sys.version, "pytorch_version": "", "argv": []}
        return _json({"system": system, "devices": [{"name": "cpu", "type": "cpu", "index": None, **device}]})


def _failed(job: Job, exception_type: str, message: str) -> Run:
    node = job.outputs[0]
    failure = {
        "prompt_id": job.prompt_id,
        "node_id": node,
        "node_type": job.graph[node]["class_type"],
        "executed": [],
        "exception_message": message,
        "exception_type": exception_type,
        "traceback": [],
        "current_inputs": {},
        "current_outputs": [],
    }
    return Run(job.prompt_id, (), {}, failure)


def _guarded(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        origin, host = request.headers.get("Origin"), request.headers.get("Host")
        if origin is not None and origin.partition("://")[2].lower() != host:
            # A page of another site must not queue graphs here.
            return Response(status_code=403)
        try:
            return await handler(request)
        except files.Refused as refused:
            return Response(status_code=refused.status)
        except (ValueError, TypeError, AttributeError, LookupError):
            return PlainTextResponse(_CRASHED, 500)

    return answer


def _json(content: Any, status: int = 200) -> Response:
    body = json.dumps(content, default=str).encode()
    return Response(body, status, headers={"Content-Type": "application/json; charset=utf-8"})
