"""The embedded cloud from the command's side: start it, stop it, ask it, and the services that point at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from localcloud.state import SERVICES, Cloud
from localcloud.supervisor import answers
from shared.services import Services
from shared.settings import Credentials, Settings


def services_of(cloud: Cloud) -> Services:
    """The product's services, pointed at the embedded cloud."""
    environment = {**os.environ, **cloud.environment()}
    credentials = Credentials(cloud.access_key_id, cloud.access_key_secret)
    return Services(Settings.from_environment(environment), credentials)


def is_up(cloud: Cloud) -> bool:
    """Whether a supervisor of this state folder answers."""
    return answers(cloud, "admin")


def start_detached(cloud: Cloud, timeout_s: float = 60.0) -> int:
    """Start the cloud in a process of its own and wait until all its services answer; returns the process id.

    Raises `RuntimeError` with the end of the log when it does not come up.
    """
    log = cloud.log_file("cloud")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up", "--root", str(cloud.root)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the embedded cloud did not start:\n{_tail(log)}")
        if is_up(cloud):
            return process.pid
        time.sleep(0.05)
    stop(process.pid)
    raise RuntimeError(f"the embedded cloud did not answer in {timeout_s:g} s; see {log}")


def stop(pid: int, timeout_s: float = 20.0) -> None:
    """Stop a cloud by the id of its process, and wait until it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and _is_alive(pid):
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # Not a child of this process: another command had started it.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_file(cloud: Cloud) -> Path:
    """Where a running cloud keeps its process id."""
    return cloud.root / "up.pid"


def silent_services(cloud: Cloud) -> list[str]:
    """The services that do not answer now."""
    return [service for service in SERVICES if not answers(cloud, service, timeout_s=5.0)]


def act_on_service(cloud: Cloud, service: str, action: str) -> dict[str, object]:
    """Have the supervisor start, stop or kill one service. Raises `RuntimeError` when there is no supervisor."""
    request = urllib.request.Request(f"{cloud.url('admin')}/services/{service}/{action}", method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            found: dict[str, object] = json.loads(answer.read())
            return found
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.loads(error.read() or b"{}").get("error", str(error))) from None
    except urllib.error.URLError:
        raise RuntimeError("no embedded cloud is running here; start it with `tripcanvas up`") from None


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]
