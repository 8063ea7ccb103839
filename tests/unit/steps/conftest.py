"""The services that the steps act on, without Function Compute and without a GPU side: those are the test."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.settings import Settings
from tests.unit.steps.deployment import Deployment, GpuSide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICES = ("oss", "mns", "eas", "feed", "dashscope", "green")


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """The running services, for the whole session of one test process."""
    cloud = Cloud.open(tmp_path_factory.mktemp("steps") / "cloud", free_ports=True)
    # Room in the sink for an answer that no topic can carry.
    (cloud.folder("eas") / "queue.json").write_text(json.dumps({"max_payload_bytes": 200_000}))
    with Supervisor(cloud, SERVICES) as supervisor:
        yield supervisor


@pytest.fixture
def deployment(embedded: Supervisor) -> Deployment:
    """A deployment that has nothing yet: an empty ledger, empty queues, no dead letters."""
    from mns.account import Account
    from mns.queue import QueueMeta
    from mns.topic import TopicMeta

    cloud, name = embedded.cloud, uuid.uuid4().hex[:12]
    settings = replace(
        Settings.from_environment(cloud.environment()),
        ledger_bucket=f"ledger-{name}",
        result_topic=f"results-{name}",
        dead_letter_queue=f"dead-letters-{name}",
    )
    made = Deployment(cloud, settings, GpuSide(cloud))
    made.instance().ledger.bucket._bucket.create_bucket()
    account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    account.get_queue(settings.dead_letter_queue).create(QueueMeta())
    account.get_topic(settings.result_topic).create(TopicMeta())
    made.gpu.forget_everything()
    return made


@pytest.fixture
def outage(embedded: Supervisor) -> Iterator[Callable[[str], None]]:
    """Stops services; whatever a test stopped runs again afterwards."""
    stopped: list[str] = []

    def stop(service: str) -> None:
        embedded.stop_service(service)
        stopped.append(service)

    yield stop
    for service in stopped:
        embedded.start_service(service)


@pytest.fixture
def model_fault(embedded: Supervisor) -> Iterator[Callable[..., None]]:
    """Orders what DashScope does wrong with the next calls of its text model."""
    faults = f"{embedded.cloud.url('dashscope')}/-/faults"

    def order(**fault: object) -> None:
        requests.post(faults, json={"call": "text", **fault}, timeout=10).raise_for_status()

    yield order
    requests.delete(faults, timeout=10).raise_for_status()
