"""A service that is down mid-way: the journey says which and why, goes on when it is back, and posts once."""

from __future__ import annotations

import pytest

from shared.records import Prompted, Step
from tests.journeys.conftest import INSTANT, SHORT, a_world

#: Deadlines that pass while a test waits for them.
SHORTER = {
    **SHORT,
    **INSTANT,
    "TRIPCANVAS_RENDER_DEADLINE_S": "6",
    "TRIPCANVAS_STEP_ALLOWANCE_S": "6",
    "TRIPCANVAS_SWEEP_SCHEDULE": "@every 2s",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    yield from a_world(tmp_path_factory.mktemp("outages"), SHORTER)


@pytest.fixture
def outage(world):
    """Stops services; whatever a test stopped runs again afterwards."""
    stopped = []

    def stop(service):
        world.supervisor.stop_service(service)
        stopped.append(service)

    yield stop
    for service in stopped:
        world.supervisor.start_service(service)


@pytest.mark.parametrize(("service", "during"), [("eas", "submitting"), ("feed", "delivering")])
def test_a_silent_service_is_named_on_the_journey_which_ends_well_when_it_is_back(world, outage, service, during):
    outage(service)
    journeys = world.publish(world.trip())
    [trouble, *_] = world.wait(lambda: world.troubles(journeys[0], service))
    # On a busy machine the sweeper may be there before the result.
    assert trouble.during in (during, "sweeping")
    assert trouble.code == "ConnectionFailed"
    world.supervisor.start_service(service)
    [journey] = world.follow(journeys, timeout_s=90)
    assert journey.step is Step.PUBLISHED, journey.records[-1]
    assert len(world.posts(journey.id)) == 1


def test_without_the_model_service_the_template_writes_and_the_picture_waits_for_it(world, outage):
    outage("dashscope")
    journeys = world.publish(world.trip())
    # The same service paints: the node on the GPU side does not reach it either.
    [trouble, *_] = world.wait(lambda: world.troubles(journeys[0], "comfyui"), timeout_s=60)
    assert trouble.reason == "comfyui: image_service_busy: WanxImage: ConnectionFailed"
    world.supervisor.start_service("dashscope")
    [journey] = world.follow(journeys, timeout_s=90)
    prompted = journey.need(Prompted)
    assert prompted.written_by == "template"
    assert prompted.fallback.startswith("dashscope: ConnectionFailed")
    assert journey.step is Step.PUBLISHED, journey.records[-1]


def test_without_the_gpu_side_the_render_waits_and_says_so(world, outage):
    outage("comfyui")
    journeys = world.publish(world.trip())
    trouble = world.wait(lambda: world.services.ledger.read(journeys[0]).troubles, timeout_s=60)[0]
    assert (trouble.service, trouble.code) == ("eas", "StillQueued")
    world.supervisor.start_service("comfyui")
    [journey] = world.follow(journeys, timeout_s=60)
    assert journey.step is Step.PUBLISHED, journey.records[-1]


@pytest.mark.parametrize("service", ["fc", "mns"])
def test_a_trip_published_before_its_services_died_is_not_lost(world, outage, service):
    outage("fc")
    journeys = world.publish(world.trip())
    if service != "fc":
        outage(service)
        world.supervisor.start_service(service)
    world.supervisor.start_service("fc")
    [journey] = world.follow(journeys, timeout_s=90)
    assert journey.step is Step.PUBLISHED, journey.records[-1]


def test_without_the_ledger_nothing_is_done_and_nothing_is_lost(world, outage):
    outage("oss")
    trip = world.trip()
    journeys = world.publish(trip)
    log = world.cloud.log_file("function-tripcanvas-trip-completed")
    told = f'"trouble","journey":"{journeys[0]}","during":"receiving"'
    world.wait(lambda: log.exists() and told in log.read_text("utf-8"))
    world.supervisor.start_service("oss")
    [journey] = world.follow(journeys, timeout_s=90)
    assert journey.step is Step.PUBLISHED, journey.records[-1]
