"""One cloud with every service that faults can strike, and a function that leaves a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from localcloud.faults.rules import FAULTY_SERVICES
from tests.services.faults.callers import PLAIN_FUNCTIONS, Caller, DashScope, Eas, Fc, Feed, Green, Mns, Oss
from tests.services.fc.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localcloud.state import Cloud


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("faults") / "p"
    with Project(folder, PLAIN_FUNCTIONS, {"plain": {}}, services=FAULTY_SERVICES) as running:
        yield running


@pytest.fixture
def running(project: Project) -> Iterator[Cloud]:
    """The cloud, in which no rule is left from another test, nor by this one."""
    _clear(project.cloud)
    yield project.cloud
    _clear(project.cloud)


@pytest.fixture
def rules(running: Cloud) -> Callable[..., Any]:
    """Sets rules on the service that they name, the first one's, and returns what the service then says of them."""

    def put(*rules: dict[str, Any], seed: int = 0) -> Any:
        url = f"{running.url(rules[0]['service'])}/-/fault-rules"
        answer = requests.put(url, json={"seed": seed, "rules": rules}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return put


@pytest.fixture
def caller(running: Cloud, project: Project) -> Callable[[str], Caller]:
    """The ordinary writing call of a service, by its name."""

    def made(service: str) -> Caller:
        kinds = {"oss": Oss, "mns": Mns, "eas": Eas, "dashscope": DashScope, "feed": Feed, "green": Green}
        return Fc(project) if service == "fc" else kinds[service](running)

    return made


def _clear(cloud: Cloud) -> None:
    for service in FAULTY_SERVICES:
        requests.delete(f"{cloud.url(service)}/-/fault-rules", timeout=10).raise_for_status()
