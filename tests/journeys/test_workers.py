"""Trips through processes instead of functions, while these are killed and stopped: each is posted once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.accounting import account_for
from benchmarks.driving import Driver, Trip
from benchmarks.trips import a_trip, encoded
from cli.cloud import services_of
from cli.deployment import Deployment
from cli.provision.desired import resources_of
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
QUEUES = {"TRIPCANVAS_TRIP_QUEUE": "trips-for-workers", "TRIPCANVAS_RESULT_QUEUE": "results-for-workers"}
#: Enough for two of each kind to meet, and to be killed with something in hand.
TRIPS = 12
KEEPERS = {"relay": 1, "sweep": 1, "trips": 2, "results": 2}
QUICK = {"TRIPCANVAS_RENDER_DEADLINE_S": "20", "TRIPCANVAS_STEP_ALLOWANCE_S": "10"}


@dataclass
class Layer:
    """The keepers of one application layer."""

    environment: dict[str, str]
    logs: Path
    keepers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, kind: str, *options: str) -> None:
        command = [sys.executable, "-m", "processes", kind, "--processes", str(KEEPERS[kind]), "--port", "0", *options]
        with (self.logs / f"{kind}.log").open("ab") as log:
            self.keepers[kind] = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **self.environment}, stdout=log, stderr=log
            )

    def workers(self, kind: str) -> list[int]:
        pid = self.keepers[kind].pid
        with contextlib.suppress(FileNotFoundError):
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def stop(self, kind: str) -> int:
        self.keepers[kind].terminate()
        return self.keepers[kind].wait(60)


@pytest.fixture
def layer(tmp_path, monkeypatch):
    """A cloud without any function, its topics subscribed to queues, and every keeper running."""
    (tmp_path / "s.yaml").write_text("edition: 3.0.0\nresources: {}\n")
    cloud = Cloud.open(tmp_path / "cloud", free_ports=True)
    settings = {
        "TRIPCANVAS_S_YAML": str(tmp_path / "s.yaml"), "TRIPCANVAS_LOCAL_INSTANT_MODELS": "1",
        "TRIPCANVAS_LOCAL_GPU_INSTANCES": "2", "TRIPCANVAS_LOCAL_TIME_SCALE": "0.1",
    }  # fmt: skip
    environment = {**cloud.environment(), **QUEUES, **QUICK}
    with Supervisor(cloud, environment=settings):
        for resource in resources_of(Deployment(environment, cloud)):
            if resource.kind in ("queue", "subscription", "topic") and resource.read() != resource.wanted:
                resource.apply(resource.read())
        # A message whose worker was killed comes back soon, and one whose worker is slow, before it is done.
        shorten(cloud, seconds=4)
        (tmp_path / "logs").mkdir()
        made = Layer(environment, tmp_path / "logs")
        try:
            for kind in KEEPERS:
                made.start(kind)
            yield cloud, made
        finally:
            for kind in made.keepers:
                made.stop(kind)


def shorten(cloud: Cloud, *, seconds: int) -> None:
    from mns.queue import QueueMeta

    account = services_of(cloud).messages.account
    for name in QUEUES.values():
        account.get_queue(name).set_attributes(QueueMeta(vis_timeout=seconds))


def killing(layer: Layer, until: threading.Event, counted: list[str]) -> None:
    """Kill workers and stop keepers, one every second or so."""
    chance = random.Random(7)
    while not until.wait(chance.uniform(0.4, 1.2)):
        kind = chance.choice(("trips", "results", "trips", "results", "relay"))
        if chance.random() < 0.7:
            for pid in layer.workers(kind)[:1]:
                os.kill(pid, signal.SIGKILL)
                counted.append("killed")
        else:
            assert layer.stop(kind) == 0, f"{kind} did not stop in good order"
            counted.append("stopped")
            layer.start(kind)


def test_each_trip_is_posted_once_while_workers_are_killed_and_stopped(layer):
    cloud, layer = layer
    chance = random.Random(3)
    trips = [Trip(encoded(a_trip(number, f"W-{number:04}", styles=[]))) for number in range(TRIPS)]
    trips.append(Trip(encoded(a_trip(99, "W-坏", styles=["cubism"])), rejected=True))
    driver, over, counted = Driver(cloud), threading.Event(), []
    killer = threading.Thread(target=killing, args=(layer, over, counted))
    killer.start()
    try:
        order = trips + chance.sample(trips[:-1], 4)
        for trip in order:
            trip.sent_at = trip.sent_at or time.time()
            driver.services.messages.publish("trip-completed", trip.body)
        wait_for(lambda: len(counted) >= 8)
    finally:
        over.set()
        killer.join()
    # A message is in a queue or its trip has a marker, until it is done.
    wait_for(lambda: not any(driver.services.messages.state(queue).length for queue in QUEUES.values()))
    assert driver.wait_until_quiet(time.monotonic() + 120)
    account = account_for(cloud, driver, trips)
    assert account.faults == []
    assert (account.doubled, account.lost, account.posts) == (0, 0, account.ends["published"])
    # A picture may be held, which is a named end too.
    assert sum(account.ends.values()) == len(trips)
    assert account.posts >= TRIPS - 2, account.ends
    assert counted.count("killed") >= 3


def wait_for(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
