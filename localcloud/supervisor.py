"""Start, watch and stop the processes of one embedded cloud.

A service that was stopped, or that crashed, stays down until somebody starts it again: an emulated outage must last.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from localcloud.serve import HEALTH_PATH
from localcloud.state import SERVICES, Cloud, without_proxy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType


class ServiceDied(RuntimeError):
    """A service ended while it was starting; the message carries the end of its log."""


class Supervisor:
    """The process tree of one embedded cloud. A context manager: leaving it stops every service.

    >>> with Supervisor(Cloud.open(folder, free_ports=True), ["oss", "mns"]):  # doctest: +SKIP
    ...     ...
    """

    def __init__(self, cloud: Cloud, services: Iterable[str] = SERVICES, environment: dict[str, str] | None = None):
        self.cloud = cloud
        self.services = tuple(service for service in SERVICES if service in set(services))
        self._environment = environment or {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout_s: float = 30.0) -> None:
        """Start every service at once and wait until all answer. Raises `ServiceDied` or `TimeoutError`."""
        try:
            for service in self.services:
                self._spawn(service)
            deadline = time.monotonic() + timeout_s
            for service in self.services:
                self._wait(service, deadline)
        except BaseException:
            self.stop()
            raise

    def start_service(self, service: str, timeout_s: float = 30.0) -> None:
        """Start one service, if it is not running, and wait until it answers."""
        if not self.is_running(service):
            self._spawn(service)
        self._wait(service, time.monotonic() + timeout_s)

    def stop_service(self, service: str, *, kill: bool = False, timeout_s: float = 10.0) -> None:
        """Stop one service in an orderly way, or at once with `kill` (SIGKILL, as a crash would)."""
        process = self._processes.pop(service, None)
        if process is None:
            return
        with process:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()

    def stop(self) -> None:
        """Stop every service, those that depend on others first."""
        for service in reversed(self.services):
            process = self._processes.get(service)
            if process is not None and process.poll() is None:
                process.terminate()
        for service in reversed(self.services):
            self.stop_service(service)

    def is_running(self, service: str) -> bool:
        """Whether the process of `service` is alive."""
        process = self._processes.get(service)
        return process is not None and process.poll() is None

    def _spawn(self, service: str) -> None:
        with self.cloud.log_file(service).open("ab") as log:
            self._processes[service] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "localcloud.serve", service),
                    "--root",
                    str(self.cloud.root),
                    "--end-with-stdin",
                ],
                # Held open for as long as this process lives: a service ends when its standard input does.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **without_proxy(), "PYTHONUNBUFFERED": "1", **self._environment},
            )

    def _wait(self, service: str, deadline: float) -> None:
        while time.monotonic() < deadline:
            process = self._processes[service]
            if process.poll() is not None:
                tail = self.cloud.log_file(service).read_text("utf-8", "replace")[-2000:]
                raise ServiceDied(f"{service} ended with {process.returncode} while starting:\n{tail}")
            if answers(self.cloud, service):
                return
            time.sleep(0.03)
        raise TimeoutError(f"{service} did not answer in time; see {self.cloud.log_file(service)}")


def answers(cloud: Cloud, service: str, timeout_s: float = 2.0) -> bool:
    """Whether `service` answers its health route now."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(cloud.url(service) + HEALTH_PATH, timeout=timeout_s) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
