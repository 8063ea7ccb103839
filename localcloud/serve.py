"""Run one emulated service as a process: ``python -m localcloud.serve <service> --root .tripcanvas``."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.responses import JSONResponse
from starlette.routing import Route

from localcloud.faults.active import ActiveRules
from localcloud.faults.injection import FaultInjection, rules_route
from localcloud.faults.rules import FAULTY_SERVICES, InvalidRules, plan_at_start
from localcloud.state import SERVICES, Cloud

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp

#: Answered by every service, under a path that none of the real ones uses.
HEALTH_PATH = "/-/health"


def build(service: str, cloud: Cloud) -> ASGIApp:
    """The ASGI application of one service with the health route every service has, and its faults around it.

    Raises `InvalidRules` when the file of fault rules can't be read.
    """
    module = importlib.import_module(f"localcloud.{service}.app")
    app: Starlette = module.build(cloud)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"service": service})

    app.router.routes.insert(0, Route(HEALTH_PATH, health))
    if service not in FAULTY_SERVICES:
        return app
    rules = ActiveRules(service, plan_at_start(cloud))
    app.router.routes.insert(0, rules_route(rules))
    # For fc, whose invocations are no requests.
    app.state.fault_rules = rules
    return FaultInjection(app, rules, cloud.url(service).removeprefix("http://"))


def _end_with_parent() -> None:
    """Stop in an orderly way when standard input ends, as it does when the supervisor is gone, however it went."""
    # Not by `sys.stdin`: its lock, held by this thread, would be fatal when the interpreter ends.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input is closed")
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if arguments.end_with_stdin:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    cloud = Cloud.open(arguments.root)
    try:
        app = build(arguments.service, cloud)
    except InvalidRules as error:
        sys.exit(f"fault rules: {error}")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=cloud.ports[arguments.service],
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
        server_header=False,
        lifespan="on",
        # The official queue client answers a ping only while it reads: pinging would cut off a consumer at work.
        ws_ping_interval=None,
    )


if __name__ == "__main__":
    main()
