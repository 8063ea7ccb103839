"""The embedded cloud as one process tree: the supervisor, with an address under which its services are told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from localcloud.faults.everywhere import CloudFaults
from localcloud.faults.rules import InvalidRules, Plan, decode_plan
from localcloud.serve import HEALTH_PATH
from localcloud.state import SERVICES, Cloud
from localcloud.supervisor import ServiceDied, Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


COMMAND_HEADER = "x-tripcanvas-command"


def build(supervisor: Supervisor) -> Starlette:
    """The admin application; its lifespan is the cloud's.

    ``GET /services`` tells what runs; ``POST /services/{name}/{start|stop|kill}`` starts a service, stops it in an
    orderly way, or ends it as a crash would; ``POST /shutdown`` ends the whole cloud. ``GET /faults`` tells the fault
    rules of every service, ``PUT /faults`` sets others (a `Plan` in JSON), ``DELETE /faults`` clears them. What changes
    something must carry the header `COMMAND_HEADER`, which no web page can send here without being asked first.
    """
    faults = CloudFaults(supervisor.cloud)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(supervisor.start)
        try:
            yield
        finally:
            await asyncio.to_thread(supervisor.stop)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"service": "admin", "root": str(supervisor.cloud.root), "pid": os.getpid()})

    async def shutdown(request: Request) -> JSONResponse:
        if COMMAND_HEADER not in request.headers:
            return _forbidden()
        os.kill(os.getpid(), signal.SIGTERM)
        return JSONResponse({"stopping": os.getpid()})

    async def services(_: Request) -> JSONResponse:
        cloud = supervisor.cloud
        return JSONResponse(
            {name: {"url": cloud.url(name), "running": supervisor.is_running(name)} for name in SERVICES}
        )

    async def act(request: Request) -> JSONResponse:
        if COMMAND_HEADER not in request.headers:
            return _forbidden()
        name, action = request.path_params["name"], request.path_params["action"]
        if name not in SERVICES or action not in ("start", "stop", "kill"):
            expected = f"/services/{{{'|'.join(SERVICES)}}}/{{start|stop|kill}}"
            return JSONResponse({"error": f"expected POST {expected}"}, status_code=404)
        try:
            if action == "start":
                await asyncio.to_thread(supervisor.start_service, name)
                await asyncio.to_thread(faults.renew, name)
            else:
                await asyncio.to_thread(supervisor.stop_service, name, kill=action == "kill")
        except (ServiceDied, TimeoutError) as error:
            return JSONResponse({"error": str(error)}, status_code=500)
        return JSONResponse({"service": name, "running": supervisor.is_running(name)})

    async def fault_rules(request: Request) -> JSONResponse:
        if request.method == "GET":
            return JSONResponse(await asyncio.to_thread(faults.listing))
        if COMMAND_HEADER not in request.headers:
            return _forbidden()
        try:
            plan = decode_plan(await request.body()) if request.method == "PUT" else Plan()
        except InvalidRules as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(await asyncio.to_thread(faults.replace, plan))

    return Starlette(
        routes=[
            Route(HEALTH_PATH, health),
            Route("/services", services),
            Route("/faults", fault_rules, methods=["GET", "PUT", "DELETE"]),
            Route("/shutdown", shutdown, methods=["POST"]),
            Route("/services/{name}/{action}", act, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


def _forbidden() -> JSONResponse:
    return JSONResponse({"error": f"the header {COMMAND_HEADER} is missing"}, status_code=403)


def run(cloud: Cloud, environment: dict[str, str] | None = None) -> None:
    """Run the whole cloud in the foreground until SIGTERM or SIGINT."""
    supervisor = Supervisor(cloud, environment=environment)
    server = uvicorn.Server(
        uvicorn.Config(
            build(supervisor), host="127.0.0.1", port=cloud.ports["admin"], log_level="warning", access_log=False
        )
    )
    server.run()
