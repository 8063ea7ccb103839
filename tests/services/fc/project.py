"""A small project with its own `s.yaml`, deployed to a real Function Compute process, for the tests of that service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType


@dataclass(frozen=True)
class Answer:
    """What the official SDK got back from InvokeFunction."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error_type(self) -> str:
        return self.headers.get("x-fc-error-type", "")


class Project:
    """Code files and functions in `folder`; entering it starts the services, leaving it stops them."""

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str],
        functions: Mapping[str, Mapping[str, Any]],
        services: Iterable[str] = ("fc",),
        time_scale: float = 0.01,
    ) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        self.notes.mkdir(parents=True)
        for name, text in files.items():
            file = folder / "code" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        self.s_yaml = folder / "s.yaml"
        self.describe(functions)
        self.cloud = Cloud.open(folder / "cloud", free_ports=True)
        self.supervisor = Supervisor(
            self.cloud,
            services,
            {"TRIPCANVAS_S_YAML": str(self.s_yaml), "TRIPCANVAS_LOCAL_TIME_SCALE": str(time_scale)},
        )
        self.client = Client(
            Config(
                access_key_id=self.cloud.access_key_id,
                access_key_secret=self.cloud.access_key_secret,
                endpoint=f"127.0.0.1:{self.cloud.ports['fc']}",
                protocol="http",
                region_id=self.cloud.region,
            )
        )

    def describe(self, functions: Mapping[str, Mapping[str, Any]], file: Path | None = None) -> None:
        """Write the `s.yaml`: each function's properties over common ones; its handler is `<name>.handler`."""
        resources = {
            name: {
                "component": "fc3",
                "props": {
                    "region": "${env('TRIPCANVAS_REGION')}",
                    "functionName": name,
                    "runtime": "python3.10",
                    "handler": f"{name}.handler",
                    "code": "./code",
                    "timeout": 10,
                    "environmentVariables": {"NOTES": str(self.notes)},
                    **props,
                },
            }
            for name, props in functions.items()
        }
        document = {"edition": "3.0.0", "name": "test", "resources": resources}
        (file or self.s_yaml).write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), "utf-8")

    def __enter__(self) -> Project:
        self.supervisor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.stop()

    def invoke(self, function: str, event: str | bytes = b"", **headers: str) -> Answer:
        """InvokeFunction; keyword arguments are the SDK's header names (``x_fc_invocation_type="Async"``)."""
        answer = self.client.invoke_function_with_options(
            function,
            models.InvokeFunctionRequest(body=event.encode() if isinstance(event, str) else event),
            models.InvokeFunctionHeaders(**headers),
            RuntimeOptions(read_timeout=60_000),
        )
        body = answer.body.read() if answer.body is not None else b""
        return Answer(answer.status_code, answer.headers, body)

    def invoke_async(self, function: str, event: str | bytes = b"", **headers: str) -> str:
        """InvokeFunction, asynchronously; the request id."""
        answer = self.invoke(function, event, x_fc_invocation_type="Async", **headers)
        assert answer.status == 202
        return answer.headers["x-fc-request-id"]

    def log(self, function: str) -> str:
        """What instances of the function have written so far."""
        file = self.cloud.log_file(f"function-{function}")
        return file.read_text("utf-8") if file.exists() else ""

    def noted(self, prefix: str = "") -> list[str]:
        """The notes the functions have left, by name of their files, oldest first."""
        files = sorted(self.notes.glob(f"{prefix}*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_text("utf-8") for file in files]


def eventually(condition: Callable[[], Any], timeout_s: float = 15.0) -> Any:
    """Wait until `condition()` is true and return its value; fail when it never is."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition did not come true in time")
