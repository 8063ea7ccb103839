"""The standard edition as the GPU side: one ComfyUI server by itself, whose queue and history a restart empties."""

from __future__ import annotations

import pytest
import requests

from shared.cancelling import cancel_trip
from shared.journey import task_id
from shared.records import RenderFailed, Step, Submitted
from shared.services import Services
from shared.settings import Settings
from tests.journeys.conftest import SHORT, a_world

STANDARD = {
    **SHORT,
    "TRIPCANVAS_EAS_EDITION": "standard",
    "TRIPCANVAS_RENDER_DEADLINE_S": "12",
    "TRIPCANVAS_SWEEP_SCHEDULE": "@every 2s",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    yield from a_world(tmp_path_factory.mktemp("standard"), STANDARD)


def comfyui(world, path):
    """What the server itself says."""
    return requests.get(f"{world.cloud.url('comfyui')}{path}", timeout=10).json()


def queue_length(world):
    """How many records the other edition's queue holds."""
    cloud = world.cloud
    url = f"{cloud.url('eas')}/api/predict/{cloud.eas_service}"
    answer = requests.get(url, params={"_attrs_": "true"}, headers={"Authorization": cloud.eas_token}, timeout=10)
    return int(answer.json()["stream.lastEntry"])


def painting_slowly(world):
    """A journey whose first picture is being painted, for 20 seconds."""
    faults = f"{world.cloud.url('dashscope')}/-/faults"
    fault = {"call": "task", "mode": "slow", "delay_s": 20.0, "times": 1}
    requests.post(faults, json=fault, timeout=10).raise_for_status()
    [journey] = world.publish(world.trip())
    world.wait(lambda: world.services.ledger.read(journey).step is Step.SUBMITTED)
    world.wait(lambda: [item[1] for item in comfyui(world, "/queue")["queue_running"]] == [task_id(journey, 1)])
    world.wait(lambda: requests.get(faults, timeout=10).json() == {"faults": []})
    return journey


def test_a_trip_becomes_one_post_and_leaves_nothing_in_the_servers_history(world):
    [journey] = world.follow(world.publish(world.trip()))
    assert journey.step is Step.PUBLISHED, (journey.records, journey.troubles)
    assert (journey.attempt, journey.troubles) == (1, ())
    assert journey.need(Submitted).request_id == task_id(journey.id, 1)
    assert len(world.posts(journey.id)) == 1
    world.wait(lambda: comfyui(world, "/history") == {})
    assert comfyui(world, "/prompt") == {"exec_info": {"queue_remaining": 0}}
    assert queue_length(world) == 0


def test_a_server_killed_while_it_paints_costs_one_render_and_makes_one_post(world):
    journey = painting_slowly(world)
    world.supervisor.stop_service("comfyui", kill=True)
    world.supervisor.start_service("comfyui")
    assert comfyui(world, "/queue") == {"queue_running": [], "queue_pending": []}
    [ended] = world.follow([journey], timeout_s=90)
    assert ended.step is Step.PUBLISHED, (ended.records, ended.troubles)
    assert ended.attempt == 2
    assert ended.need(RenderFailed).code == "lost"
    assert len(world.posts(journey)) == 1
    world.wait(lambda: comfyui(world, "/history") == {})


def test_a_cancelled_trip_is_taken_back_from_the_servers_queue(world):
    first = painting_slowly(world)
    trip = world.trip()
    [second] = world.publish(trip)
    world.wait(lambda: [item[1] for item in comfyui(world, "/queue")["queue_pending"]] == [task_id(second, 1)])
    world.wait(lambda: world.services.ledger.read(second).step is Step.SUBMITTED)
    environment = {**world.cloud.environment(), "TRIPCANVAS_EAS_EDITION": "standard",
                   "TRIPCANVAS_EAS_SERVICE": world.cloud.eas_standard_service}  # fmt: skip
    services = Services(Settings.from_environment(environment), world.services.credentials)
    [outcome] = cancel_trip(str(trip["trip_id"]), services)
    assert outcome.step == "cancelled"
    assert comfyui(world, "/queue")["queue_pending"] == []
    # The slow one is cancelled on the server, as a designer might: another attempt paints it.
    requests.post(f"{world.cloud.url('comfyui')}/interrupt", timeout=10)
    [ended] = world.follow([first], timeout_s=90)
    assert ended.step is Step.PUBLISHED, (ended.records, ended.troubles)
    assert ended.need(RenderFailed).code == "interrupted"
    assert len(world.posts(first)) == 1
    assert world.posts(second) == []
