"""`tripcanvas relay` and `tripcanvas worker`: the functions' work as processes, here or for an account."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli.deployment import Env, deployment_of
from cli.options import Root, fail
from processes.working import WORKS
from shared.settings import Settings

Port = Annotated[int, typer.Option("--port", help="Of /live, /ready and /queue; 0 for none.", min=0, max=65535)]
Grace = Annotated[float, typer.Option("--grace", help="Seconds to finish in after SIGTERM.", min=0)]


def relay(root: Root, env: Env = None, port: Port = 0, grace: Grace = 60.0) -> None:
    """Forward finished renders from the GPU side's queue to their topic for ever, in place of the function."""
    _become("relay", root, env, "--port", str(port), "--grace", str(grace))


def worker(
    kind: Annotated[str, typer.Argument(help="trips, results or sweep")],
    root: Root,
    env: Env = None,
    processes: Annotated[int, typer.Option("--processes", help="Messages at a time.", min=1)] = 1,
    port: Port = 0,
    grace: Grace = 140.0,
    once: Annotated[bool, typer.Option("--once", help="Sweep once and end.")] = False,
) -> None:
    """Take trips or finished renders from their queue, or sweep, in place of the functions."""
    if kind not in WORKS or kind == "relay":
        fail("worker: trips, results or sweep expected")
    if (once or processes != 1) and (kind == "sweep") != once:
        fail("--once is for sweep, and --processes for trips and results")
    options = ["--processes", str(processes), "--port", str(port), "--grace", str(grace)]
    _become(kind, root, env, *options, *(["--once"] if once else []))


def _become(kind: str, root: Path, env: Path | None, *options: str) -> NoReturn:
    """Run ``python -m processes`` in this process's place, in the environment of the deployment."""
    deployment = deployment_of(root, env)
    setting = WORKS[kind].queue
    name = Settings.variable(setting) if setting else ""
    if name and not deployment.environment.get(name):
        fail(f"{name} is not set: the queue that the topic's messages go into (docs/containers.md)")
    environment = {**os.environ, **deployment.environment}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    os.execve(  # noqa: S606  (no shell is wanted)
        sys.executable, [sys.executable, "-m", "processes", kind, *options], environment
    )
