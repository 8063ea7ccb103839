"""A trip that is taken back: at any step, against any other run, and nothing of it is posted or stays posted."""

from __future__ import annotations

import pytest
import requests

from shared.cancelling import cancel_trip
from shared.course import Course
from shared.errors import InvalidInput
from shared.intake import take_message
from shared.records import Cancelled, Step, Stored
from shared.redriving import redrive
from shared.sweep import Sweep, sweep_journeys
from tests.unit.steps.deployment import STRAIGHT, Crash, message, trip


@pytest.fixture
def cancel(deployment):
    """Cancels a trip as a person at a terminal does; the steps its journeys then stand at."""

    def act(sent):
        return [outcome.step for outcome in cancel_trip(sent["trip_id"], deployment.instance())]

    return act


def gone(deployment, journey):
    """Nothing of the journey stands, or will: no post, no picture, no graph, and after the next sweep no marker."""
    services = deployment.instance()
    assert deployment.posts(journey) == []
    assert services.feed.find(journey) is None
    for kind in ("private", "posts"):
        assert list(services.gallery.keys(f"{kind}/{journey[:2]}/{journey}/")) == []
    deployment.clock.advance(minutes=40)
    assert sweep_journeys(services).troubled == 0
    assert deployment.markers() == []
    assert deployment.read(journey).step is Step.CANCELLED
    return True


def test_a_queued_journey_is_cancelled_and_its_graph_taken_out_of_the_queue(deployment, cancel):
    sent = trip()
    journey = deployment.take(sent).journey
    assert cancel(sent) == ["cancelled"]
    assert deployment.gpu.queued() == []
    assert deployment.steps(journey) == [*STRAIGHT[:4], "cancelled"]
    assert gone(deployment, journey)


def test_a_render_that_comes_after_all_is_not_posted(deployment, cancel):
    sent = trip()
    journey = deployment.take(sent).journey
    cancel(sent)
    assert deployment.finish(journey).step == "cancelled"
    assert gone(deployment, journey)


def test_every_journey_of_the_trip_is_cancelled(deployment, cancel):
    sent = trip(styles=["anime", "ink_wash"])
    take_message(message(sent), deployment.instance())
    assert cancel(sent) == ["cancelled", "cancelled"]
    assert deployment.gpu.queued() == []


@pytest.mark.parametrize("look", [2, 3, 4])
def test_a_journey_whose_run_died_is_cancelled_where_it_stood(deployment, cancel, look):
    sent = trip()
    with pytest.raises(Crash):
        deployment.take(sent, deployment.crashing(look))
    assert cancel(sent) == ["cancelled"]
    assert deployment.take(sent).step == "cancelled"
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1)


@pytest.mark.parametrize("look", [2, 3, 4])
def test_cancelled_in_the_middle_of_being_queued(deployment, cancel, look):
    sent = trip()
    outcome = deployment.take(sent, deployment.interrupted(look, lambda: cancel(sent)))
    assert outcome.step == "cancelled"
    assert gone(deployment, outcome.journey)


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_cancelled_in_the_middle_of_being_posted(deployment, cancel, look):
    """Before what tells of: the result, the inspection, the stored files; and when the post stands already."""
    sent = trip()
    journey = deployment.take(sent).journey
    services = deployment.interrupted(look, lambda: cancel(sent))
    assert deployment.finish(journey, services=services).step == "cancelled"
    assert gone(deployment, journey)


def test_a_post_that_stands_when_its_run_learns_of_the_end_is_withdrawn_by_that_run(deployment):
    """The person's own run died right after the end was written."""
    journey = deployment.submitted()

    def end():
        course = Course(deployment.read(journey), deployment.instance())
        course.add(Cancelled(at=deployment.clock.at))
        course.commit()

    assert deployment.finish(journey, services=deployment.interrupted(4, end)).step == "cancelled"
    assert deployment.posts(journey) == []


def test_a_post_under_way_when_its_run_died_is_withdrawn_by_the_next_sweep(deployment, cancel):
    sent = trip()
    journey = deployment.take(sent).journey
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    assert len(deployment.posts(journey)) == 1
    pictures = [each.key for each in deployment.read(journey).need(Stored).variants]
    assert cancel(sent) == ["cancelled"]
    for key in pictures:
        assert requests.get(f"{deployment.settings.gallery_url}/{key}", timeout=10).status_code == 403
    assert gone(deployment, journey)


def test_while_the_feed_is_down_the_end_stands_and_the_sweeper_withdraws_later(deployment, outage, embedded, cancel):
    sent = trip()
    journey = deployment.take(sent).journey
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    outage("feed")
    assert cancel(sent) == ["cancelled"]
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, troubled=1)
    embedded.start_service("feed")
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1)
    assert gone(deployment, journey)


def test_what_is_posted_stays_posted(deployment, cancel):
    sent = trip()
    journey = deployment.take(sent).journey
    deployment.finish(journey)
    assert cancel(sent) == ["published"]
    assert len(deployment.posts(journey)) == 1


def test_cancelling_twice_is_harmless(deployment, cancel):
    sent = trip()
    deployment.take(sent)
    assert cancel(sent) == cancel(sent) == ["cancelled"]


def test_a_trip_that_never_came_is_named_as_such(deployment):
    with pytest.raises(InvalidInput, match="trip id: one of a trip that was received"):
        cancel_trip("T-never", deployment.instance())


def test_a_journey_that_failed_is_cancelled_and_nobody_takes_it_up_again(deployment, cancel):
    sent = trip()
    journey = deployment.take(sent).journey
    Course(deployment.read(journey), deployment.instance()).run("test", lambda course: course.fail("lost", "verloren"))
    services = deployment.instance()
    assert [failure.journey_id for failure in services.ledger.failures()] == [journey]
    assert cancel(sent) == ["cancelled"]
    assert list(services.ledger.failures()) == []
    with pytest.raises(InvalidInput, match="one that nobody took back"):
        redrive(journey, "李雷", services)
    assert deployment.gpu.queued() == []
    assert gone(deployment, journey)
