"""The embedded cloud as one process tree: the supervisor, with an address under which its services are told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from localcloud.serve import HEALTH_PATH
from localcloud.state import SERVICES, Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


def build(supervisor: Supervisor) -> Starlette:
    """The admin application; its lifespan is the cloud's.

    ``GET /services`` tells what runs; ``POST /services/{name}/{start|stop|kill}`` starts a service, stops it in an
    orderly way, or ends it as a crash would.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(supervisor.start)
        try:
            yield
        finally:
            await asyncio.to_thread(supervisor.stop)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"service": "admin"})

    async def services(_: Request) -> JSONResponse:
        cloud = supervisor.cloud
        return JSONResponse(
            {name: {"url": cloud.url(name), "running": supervisor.is_running(name)} for name in SERVICES}
        )

    async def act(request: Request) -> JSONResponse:
        name, action = request.path_params["name"], request.path_params["action"]
        if name not in SERVICES or action not in ("start", "stop", "kill"):
            expected = f"/services/{{{'|'.join(SERVICES)}}}/{{start|stop|kill}}"
            return JSONResponse({"error": f"expected POST {expected}"}, status_code=404)
        if action == "start":
            await asyncio.to_thread(supervisor.start_service, name)
        else:
            await asyncio.to_thread(supervisor.stop_service, name, kill=action == "kill")
        return JSONResponse({"service": name, "running": supervisor.is_running(name)})

    return Starlette(
        routes=[
            Route(HEALTH_PATH, health),
            Route("/services", services),
            Route("/services/{name}/{action}", act, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


def run(cloud: Cloud, environment: dict[str, str] | None = None) -> None:
    """Run the whole cloud in the foreground until SIGTERM or SIGINT."""
    supervisor = Supervisor(cloud, environment=environment)
    server = uvicorn.Server(
        uvicorn.Config(
            build(supervisor), host="127.0.0.1", port=cloud.ports["admin"], log_level="warning", access_log=False
        )
    )
    server.run()
