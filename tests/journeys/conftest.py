"""One embedded cloud for all journey tests: every service, every function of `s.yaml`, shorter deadlines."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from cli.cloud import services_of
from cli.journeys import Follower, journeys_of, publish
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.journey import Journey
from shared.records import Trouble
from shared.services import Services

EXAMPLES = Path(__file__).parents[2] / "examples" / "trips"

#: Deadlines short enough to wait for; everything else is as deployed.
SHORT = {
    "TRIPCANVAS_RENDER_DEADLINE_S": "20",
    "TRIPCANVAS_STEP_ALLOWANCE_S": "20",
    "TRIPCANVAS_SWEEP_SCHEDULE": "@every 5s",
    "TRIPCANVAS_LOCAL_TIME_SCALE": "0.02",
}
#: For journeys of which nobody looks at the picture: painting is most of what a journey costs here.
INSTANT = {"TRIPCANVAS_LOCAL_INSTANT_MODELS": "1"}


@dataclass
class World:
    """The running cloud, and what a test does in it."""

    cloud: Cloud
    supervisor: Supervisor
    services: Services
    letters: list[dict[str, object]] = field(default_factory=list)

    def trip(self, name: str = "01-may-holiday", **changes: object) -> dict[str, object]:
        """An example trip under an id of its own, with changes."""
        trip = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
        return {**trip, "trip_id": f"T-{uuid.uuid4()}", **changes}

    def publish(self, trip: dict[str, object] | bytes) -> list[str]:
        """Publish to the topic; the journeys it will open."""
        body = trip if isinstance(trip, bytes) else json.dumps(trip, ensure_ascii=False).encode()
        publish(body, self.services)
        return journeys_of(body, self.services)

    def follow(self, journeys: list[str], timeout_s: float = 60.0) -> list[Journey]:
        """Wait for the journeys' ends."""
        found = Follower(self.services, lambda *_: None).follow(journeys, timeout_s=timeout_s)
        return [found[journey] for journey in journeys]

    def wait(self, condition, timeout_s: float = 30.0):  # type: ignore[no-untyped-def]
        """The first true value of `condition`; fails when there is none in time."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.1)
        raise AssertionError(f"not in {timeout_s} s: {condition}")

    def troubles(self, journey: str, service: str) -> list[Trouble]:
        """What the journey has noted of trouble with one service."""
        return [trouble for trouble in self.services.ledger.read(journey).troubles if trouble.service == service]

    def posts(self, journey: str) -> list[dict[str, object]]:
        """The public posts of a journey, as the feed shows them."""
        receipt = self.services.feed.find(journey)
        answer = requests.get(f"{self.cloud.url('feed')}/api/feed", params={"limit": "50"}, timeout=10)
        shown = answer.json()["posts"]
        return [post["content"] for post in shown if receipt is not None and post["post_id"] == receipt.post_id]

    def dead_letters(self, journey: str) -> list[dict[str, object]]:
        """The dead letters of a journey; the queue is emptied into `letters`."""
        from mns.account import Account
        from mns.mns_exception import MNSServerException

        account = Account(self.cloud.url("mns"), self.cloud.access_key_id, self.cloud.access_key_secret, "")
        queue = account.get_queue("tripcanvas-dead-letters")
        queue.set_encoding(False)
        while True:
            try:
                message = queue.receive_message()
            except MNSServerException as error:
                assert error.type == "MessageNotExist"
                break
            self.letters.append(json.loads(message.message_body))
            queue.delete_message(message.receipt_handle)
        return [letter for letter in self.letters if letter.get("journey") == journey]


@pytest.fixture(scope="session")
def world(tmp_path_factory):  # type: ignore[no-untyped-def]
    """The whole product on one machine, for the whole session of one test process."""
    yield from a_world(tmp_path_factory.mktemp("world"), SHORT)


def a_world(folder: Path, environment: dict[str, str]):  # type: ignore[no-untyped-def]
    """Run the whole product under `environment` and yield it."""
    cloud = Cloud.open(folder / "cloud", free_ports=True)
    with Supervisor(cloud, environment=environment) as supervisor:
        yield World(cloud, supervisor, services_of(cloud))
