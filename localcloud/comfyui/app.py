"""The GPU side's process: works off the EAS input queue, one graph at a time, and serves ComfyUI's own routes.

The routes are a second ComfyUI, by itself: what the standard edition is on EAS (see `server`). With ``COMFYUI_URL`` in
the environment, the queue's graphs go to a real ComfyUI server instead of the built-in runner.
``TRIPCANVAS_LOCAL_GPU_INSTANCES`` is how many instances of the queue's service work side by side, 1 if unset.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.applications import Starlette

from localcloud.comfyui import interruption
from localcloud.comfyui.container import Container, Reply
from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.node_classes import LoadedNodes, load_custom_nodes, load_packages
from localcloud.comfyui.remote import RemoteComfyUI
from localcloud.comfyui.render_bucket import RenderBucket
from localcloud.comfyui.runner import Runner
from localcloud.comfyui.server import Server
from localcloud.eas.framework import InputQueue
from shared.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from localcloud.comfyui.results import Engine
    from localcloud.state import Cloud

INSTANCES_VARIABLE = "TRIPCANVAS_LOCAL_GPU_INSTANCES"

_CUSTOM_NODES = Path(__file__).resolve().parents[2] / "workflows" / "custom_nodes"

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


def build(cloud: Cloud) -> Starlette:
    """The service: ComfyUI's routes, and the queue's workers in the background."""
    # Whatever the shell has exported: a real key is never sent to the stand-in, nor a trip from here to the real one.
    settings = cloud.environment()
    for name in ("TRIPCANVAS_DASHSCOPE_URL", "DASHSCOPE_API_KEY"):
        os.environ[name] = settings[name]
    instances = [
        (f"worker-{number}", Container(_engine(cloud), RenderBucket(cloud).put))
        for number in range(int(os.environ.get(INSTANCES_VARIABLE) or 1))
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        workers = [asyncio.create_task(_work(cloud, name, container)) for name, container in instances]
        yield
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)

    return Starlette(routes=_standard_edition(cloud).routes(), lifespan=lifespan)


def _standard_edition(cloud: Cloud) -> Server:
    interruption.offer_to_nodes()
    folders = Folders(cloud.folder("comfyui-standard"))
    loaded = load_packages(_CUSTOM_NODES)
    nodes = LoadedNodes({**core_nodes(folders), **loaded.classes}, loaded.display_names)
    return Server(nodes, Runner(nodes.classes, folders), folders, RenderBucket(cloud).put)


def _engine(cloud: Cloud) -> Engine:
    server = os.environ.get("COMFYUI_URL")
    if server:
        _log.info("graphs run in the ComfyUI server that COMFYUI_URL names")
        return RemoteComfyUI(server)
    folders = Folders(cloud.folder("comfyui"))
    return Runner({**core_nodes(folders), **load_custom_nodes(_CUSTOM_NODES)}, folders)


async def _work(cloud: Cloud, name: str, container: Container) -> None:
    try:
        async with InputQueue(cloud, worker=name) as queue:
            async for record in queue:
                reply = await _in_own_thread(functools.partial(_answer, container, record.path, record.body))
                await queue.finish(record, reply.body, reply.status)
    except Misconfigured as error:
        # Without its queue the container has no work: it ends, as an instance that fails its start does.
        _log.error("%s", error)
        signal.raise_signal(signal.SIGTERM)


def _answer(container: Container, path: str, body: bytes) -> Reply:
    """The outermost entry of one request: a fault of our own must not end the worker."""
    try:
        return container.answer(path, body)
    except Exception as error:  # noqa: BLE001
        # The type alone: the message could repeat what was asked for.
        _log.error("a request failed with %s", type(error).__name__)
        return Reply(500, b'{"error":"internal error"}')


async def _in_own_thread(call: Callable[[], _Answer]) -> _Answer:
    """Run `call` in a daemon thread: a graph that is still painting does not hold up the end of the process.

    Its record was not answered by then, so the queue delivers it again.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Answer] = loop.create_future()

    def settle(answer: _Answer) -> None:
        if not future.done():
            future.set_result(answer)

    def run() -> None:
        answer = call()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=run, name="graph", daemon=True).start()
    return await future
