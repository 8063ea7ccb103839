"""One queue service for each module of these tests, emptied for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.eas.calls import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of which only the queue service runs."""
    cloud = Cloud.open(tmp_path_factory.mktemp("cloud"), free_ports=True)
    with Supervisor(cloud, ["eas"]):
        yield cloud


@pytest.fixture
def service(running: Cloud) -> Cloud:
    """The running service with empty queues."""
    requests.post(f"{running.url('eas')}/-/restart-queues", timeout=DEADLINE_S).raise_for_status()
    return running
