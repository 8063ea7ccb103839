"""One embedded moderation service, with the storage it lends, for each module of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of which only moderation and storage run."""
    cloud = Cloud.open(tmp_path_factory.mktemp("green") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss", "green"]):
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Iterator[Cloud]:
    """The running cloud, without rules."""
    yield running
    requests.delete(f"{running.url('green')}/-/rules", timeout=10).raise_for_status()
