"""The embedded cloud from the command's side: start it, stop it, ask it, and the services that point at it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import msgspec

from cli.deployment import embedded
from localcloud.admin import COMMAND_HEADER
from localcloud.serve import HEALTH_PATH
from localcloud.state import SERVICES, Cloud
from localcloud.supervisor import answers
from shared.services import Services

if TYPE_CHECKING:
    from localcloud.faults.rules import Plan

#: Exit status of `up` when another `up` of the same state folder was first.
ALREADY_STARTING = 3


class CloudError(RuntimeError):
    """The embedded cloud can't be started, stopped or asked; the message says what to do."""


def services_of(cloud: Cloud) -> Services:
    """The product's services, pointed at the embedded cloud."""
    return embedded(cloud).services


def is_up(cloud: Cloud) -> bool:
    """Whether this cloud runs. Raises `CloudError` when another cloud, or another program, holds its address."""
    try:
        found = _admin(cloud, "GET", HEALTH_PATH, timeout_s=2.0)
    except urllib.error.HTTPError:
        raise _stranger(cloud) from None
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    except (http.client.HTTPException, ValueError):
        raise _stranger(cloud) from None
    if found.get("root") != str(cloud.root):
        raise CloudError(
            f"another embedded cloud, with its state in {found.get('root')}, runs on this one's ports; "
            "stop it first (`tripcanvas down --root …`)"
        )
    return True


def _stranger(cloud: Cloud) -> CloudError:
    return CloudError(f"{cloud.url('admin')} is held by another program; stop it, or use another --root")


def start_detached(cloud: Cloud, timeout_s: float = 60.0) -> bool:
    """Start the cloud in a process of its own and wait until all its services answer.

    Returns whether it was this call that started it: another command may have been first. Raises `CloudError` with
    the end of the log when it does not come up; whatever ends this call early ends the new process too.
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
    try:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if is_up(cloud):
                mine = _admin(cloud, "GET", HEALTH_PATH)["pid"] == process.pid
                if not mine:
                    process.wait(timeout_s)
                # It outlives this command on purpose: the object must not complain about that.
                process.returncode = 0
                return mine
            if process.poll() not in (None, ALREADY_STARTING):
                raise CloudError(f"the embedded cloud did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
            time.sleep(0.05)
        raise CloudError(f"the embedded cloud did not answer in {timeout_s:g} s; see {log}")
    except BaseException:
        process.terminate()
        raise


def stop(cloud: Cloud, timeout_s: float = 20.0) -> bool:
    """Stop a running cloud and wait until it is gone; False when none runs. Raises `CloudError` when it stays."""
    if not is_up(cloud):
        return False
    pid = int(str(_admin(cloud, "POST", "/shutdown")["stopping"]))
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not _is_alive(pid):
            return True
        time.sleep(0.05)
    raise CloudError(f"process {pid} of the embedded cloud does not end; see {cloud.log_file('cloud')}")


def silent_services(cloud: Cloud) -> list[str]:
    """The services that do not answer now."""
    return [service for service in SERVICES if not answers(cloud, service, timeout_s=5.0)]


def act_on_service(cloud: Cloud, service: str, action: str) -> bool:
    """Have the supervisor start, stop or kill one service; returns whether it then runs. Raises `CloudError`."""
    try:
        return bool(_admin(cloud, "POST", f"/services/{service}/{action}", timeout_s=60.0)["running"])
    except urllib.error.HTTPError as error:
        raise CloudError(json.loads(error.read() or b"{}").get("error", str(error))) from None
    except urllib.error.URLError:
        raise _not_running() from None


def fault_rules(cloud: Cloud, plan: Plan | None = None) -> dict[str, dict[str, Any] | None]:
    """What each service says of its fault rules, after `plan` was set if there is one; None: it does not answer.

    Raises `CloudError` when this cloud does not run.
    """
    if not is_up(cloud):
        raise _not_running()
    body = None if plan is None else msgspec.json.encode(plan)
    try:
        found = _admin(cloud, "GET" if body is None else "PUT", "/faults", timeout_s=60.0, body=body)
    except urllib.error.HTTPError as error:
        raise CloudError(f"the fault rules can't be reached: {error}") from None
    except urllib.error.URLError:
        raise _not_running() from None
    return msgspec.convert(found["services"], dict[str, dict[str, Any] | None])


def _not_running() -> CloudError:
    return CloudError("no embedded cloud is running here; start it with `tripcanvas up`")


def _admin(
    cloud: Cloud, method: str, path: str, timeout_s: float = 10.0, body: bytes | None = None
) -> dict[str, object]:
    request = urllib.request.Request(cloud.url("admin") + path, body, method=method, headers={COMMAND_HEADER: "1"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout_s) as answer:
        found: dict[str, object] = json.loads(answer.read())
        return found


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
