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

from localcloud.state import SERVICES, Cloud

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

#: Answered by every service, under a path that none of the real ones uses.
HEALTH_PATH = "/-/health"


def build(service: str, cloud: Cloud) -> Starlette:
    """The ASGI application of one service with the health route every service has."""
    module = importlib.import_module(f"localcloud.{service}.app")
    app: Starlette = module.build(cloud)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"service": service})

    from starlette.routing import Route

    app.router.routes.insert(0, Route(HEALTH_PATH, health))
    return app


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
    uvicorn.run(
        build(arguments.service, cloud),
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
