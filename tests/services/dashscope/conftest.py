"""One running DashScope service for all tests of this folder, the official SDK pointed at it, and a plain client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dashscope
import pytest
import requests
from dashscope.api_entities.http_request import close_shared_sync_session

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"}


@dataclass(frozen=True)
class Client:
    """Plain HTTP to the service; answers are `requests.Response`."""

    cloud: Cloud
    session: requests.Session

    def post(self, path: str, body: object = None, **headers: str) -> requests.Response:
        return self.session.post(self.api(path), json=body, headers=self._headers(headers), timeout=30)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.api(path), headers=self._headers(headers), timeout=30)

    def api(self, path: str) -> str:
        return f"{self.cloud.url('dashscope')}/api/v1/{path}"

    def paint(self, model: str, prompt: str = "湖州市，太湖边的黄昏", **parameters: object) -> requests.Response:
        """Create a picture task with small pictures, one unless `n` says otherwise."""
        return self.post(
            "services/aigc/text2image/image-synthesis",
            {"model": model, "input": {"prompt": prompt}, "parameters": {"n": 1, "size": "512*512", **parameters}},
            **{"X-DashScope-Async": "enable"},
        )

    def task(self, task_id: str) -> Any:
        return self.get(f"tasks/{task_id}").json()["output"]

    def finished(self, task_id: str, timeout_s: float = 60) -> Any:
        """The task's output once it has ended."""
        return self.until(lambda: self.task(task_id), lambda output: output["task_status"] in _ENDED, timeout_s)

    def until(self, look: Callable[[], Any], done: Callable[[Any], bool], timeout_s: float = 60) -> Any:
        """What `look` sees once it is `done`."""
        deadline = time.monotonic() + timeout_s
        while not done(seen := look()):
            assert time.monotonic() < deadline, f"still {seen} after {timeout_s} s"
            time.sleep(0.1)
        return seen

    def script(self, **fault: object) -> None:
        answer = self.session.post(f"{self.cloud.url('dashscope')}/-/faults", json=fault, timeout=10)
        assert answer.status_code == 200, answer.text

    def forget_faults(self) -> None:
        self.session.delete(f"{self.cloud.url('dashscope')}/-/faults", timeout=10)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.cloud.dashscope_api_key}", **headers}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("dashscope") / "cloud", free_ports=True)
    with Supervisor(cloud, ["dashscope"]):
        yield cloud


@pytest.fixture
def client(running: Cloud) -> Iterator[Client]:
    with requests.Session() as session:
        client = Client(running, session)
        yield client
        client.forget_faults()


@pytest.fixture
def sdk(running: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The official SDK talks to the running service; its settings and connections are put back afterwards."""
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{running.url('dashscope')}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", running.dashscope_api_key)
    yield
    close_shared_sync_session()
