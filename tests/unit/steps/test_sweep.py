"""What should have moved on is taken further from wherever it stands, or closed with a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from shared.course import Course
from shared.errors import Unavailable
from shared.intake import take_message
from shared.journey import task_id
from shared.ledger import TripClaim
from shared.records import Failed, Step
from shared.sweep import Sweep, sweep_journeys
from tests.unit.steps.deployment import STRAIGHT, Crash, failed, message, painted, trip


def test_before_its_minute_nothing_is_looked_at(deployment):
    deployment.submitted()
    deployment.clock.advance(minutes=14)
    assert sweep_journeys(deployment.instance()) == Sweep()


def test_a_journey_that_waits_for_its_render_in_time_is_left_alone(deployment):
    journey = deployment.submitted()
    before = deployment.read(journey)
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1)
    assert deployment.read(journey) == before
    assert deployment.markers() == ["2026-11-22T08:30Z"]


@pytest.mark.parametrize("look", [2, 3, 4])
def test_a_journey_that_died_before_its_graph_was_queued_is_taken_to_the_queue(deployment, look):
    """It died before the record of: the brief, the intent to submit, the submission."""
    with pytest.raises(Crash):
        deployment.take(trip(), deployment.crashing(look))
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, moved=1)
    [queued] = deployment.gpu.queued()
    assert deployment.steps(queued.task_id.removesuffix("-1")) == STRAIGHT[:4]
    assert deployment.markers() == ["2026-11-22T08:46Z"]


@pytest.mark.parametrize("look", [2, 3, 4])
def test_a_journey_that_died_after_its_render_is_taken_to_the_post(deployment, look):
    """It died before what tells of: the inspection, the stored files, the post."""
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(look))
    deployment.clock.advance(minutes=31)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1, moved=1)
    assert deployment.steps(journey) == STRAIGHT
    assert len(deployment.posts(journey)) == 1
    assert deployment.markers() == []


def test_a_journey_that_died_after_a_failed_render_gets_its_next_attempt(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    with pytest.raises(Crash):
        deployment.deliver(journey, failed(), services=deployment.crashing(2))
    deployment.clock.advance(minutes=31)
    assert sweep_journeys(deployment.instance()).moved == 1
    assert deployment.steps(journey)[-1] == "submitted 2"


def test_a_render_that_still_waits_in_the_queue_is_not_ordered_again_and_says_so(deployment):
    journey = deployment.submitted()
    deployment.clock.advance(minutes=31)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, troubled=1)
    assert len(deployment.gpu.queued()) == 1
    [trouble] = deployment.read(journey).troubles
    assert (trouble.during, trouble.service, trouble.code) == ("sweeping", "eas", "StillQueued")
    assert deployment.markers() == ["2026-11-22T08:38Z"]


def test_a_result_that_nobody_read_is_read_by_the_sweeper_who_says_so(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    deployment.gpu.answer(task_id(journey, 1), painted(journey).encode())
    deployment.clock.advance(minutes=31)
    sweep_journeys(deployment.instance())
    assert deployment.gpu.in_sink() == []
    assert deployment.gpu.queued() == []
    assert deployment.steps(journey) == STRAIGHT[:4]
    [trouble] = deployment.read(journey).troubles
    assert trouble.code == "WasUnread"


@pytest.mark.parametrize(("filling", "left"), [(0.5, 1), (0.0, 0)])
def test_a_sink_that_fills_is_drained_before_any_journey_is_due(deployment, monkeypatch, filling, left):
    monkeypatch.setattr("shared.sweep._SINK_IS_FILLING", filling)
    journey = deployment.submitted()
    deployment.gpu.answer(task_id(journey, 1), painted(journey).encode())
    assert sweep_journeys(deployment.instance()) == Sweep()
    assert len(deployment.gpu.in_sink()) == left


def test_a_lost_render_is_ordered_again_and_after_three_the_journey_has_failed(deployment):
    journey = deployment.submitted()
    for attempt in (1, 2, 3):
        [lost] = deployment.gpu.queued(take=True)
        assert lost.task_id == task_id(journey, attempt)
        deployment.clock.advance(minutes=31)
        swept = sweep_journeys(deployment.instance())
    assert swept == Sweep(due=1, closed=1, moved=1)
    end = deployment.read(journey).need(Failed)
    assert (end.code, end.reason) == (
        "lost",
        "the render's deadline has passed, neither queue holds it, and it left no picture",
    )
    assert deployment.gpu.queued() == []
    assert deployment.markers() == []


def test_a_journey_that_cannot_go_on_is_given_up_after_its_lifetime_with_its_last_trouble(deployment):
    journey = deployment.submitted()
    while deployment.read(journey).step is Step.SUBMITTED:
        deployment.clock.advance(hours=8)
        swept = sweep_journeys(deployment.instance())
    assert swept == Sweep(due=1, closed=1, moved=1)
    assert deployment.clock.at - deployment.read(journey).records[0].at == timedelta(hours=32)
    end = deployment.read(journey).need(Failed)
    assert end.code == "given_up"
    assert end.reason.startswith("eas: StillQueued")
    assert deployment.markers() == []


def test_a_journey_given_up_without_any_trouble_names_the_last_time_it_moved(deployment):
    journey = deployment.submitted()
    deployment.clock.advance(hours=25)
    sweep_journeys(deployment.instance())
    assert deployment.read(journey).need(Failed).reason == "no progress after 2026-11-22 08:00:05+00:00"


def test_a_result_after_the_journey_was_given_up_is_not_posted(deployment):
    journey = deployment.submitted()
    deployment.clock.advance(hours=25)
    sweep_journeys(deployment.instance())
    assert deployment.finish(journey).step == "failed"
    assert deployment.posts(journey) == []


def test_a_picture_whose_report_was_lost_is_found_and_posted(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    deployment.paint(journey)
    deployment.clock.advance(minutes=31)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1, moved=1)
    assert deployment.steps(journey) == STRAIGHT
    assert len(deployment.posts(journey)) == 1


def test_a_post_whose_record_was_lost_is_not_given_up_however_old_it_is(deployment):
    journey = deployment.submitted()
    with pytest.raises(Crash):
        deployment.finish(journey, services=deployment.crashing(4))
    deployment.clock.advance(hours=25)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1, moved=1)
    assert deployment.steps(journey) == STRAIGHT


def test_a_message_that_comes_again_after_the_end_leaves_no_marker(deployment):
    sent = trip()
    deployment.finish(deployment.take(sent).journey)
    deployment.clock.advance(minutes=5)
    assert deployment.take(sent).step == "published"
    assert deployment.markers() == []


def test_the_marker_of_a_finished_journey_is_taken_away(deployment):
    journey = deployment.submitted()
    deployment.finish(journey)
    deployment.mark(journey)
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1)
    assert deployment.markers() == []


def test_the_marker_of_a_journey_that_never_came_to_be_is_taken_away(deployment):
    deployment.mark("3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60")
    assert sweep_journeys(deployment.instance()) == Sweep(due=1, closed=1)
    assert deployment.markers() == []


def test_live_trips_come_before_backfill_however_long_that_is_due(deployment):
    [backfill] = take_message(replace(message(trip()), direct=True), deployment.instance())
    deployment.clock.advance(minutes=2)
    live = deployment.submitted()
    deployment.clock.advance(minutes=40)
    seconds = iter((0.0, 1.0, 99.0))
    assert sweep_journeys(deployment.instance(), seconds=60, monotonic=lambda: next(seconds)).due == 1
    assert deployment.read(live).troubles != ()
    assert deployment.read(backfill.journey).troubles == ()


def test_a_sweep_ends_with_its_time_and_leaves_the_rest_to_the_next(deployment):
    for _ in range(3):
        deployment.submitted()
    deployment.clock.advance(minutes=16)
    seconds = iter((0.0, 1.0, 2.0, 99.0))
    assert sweep_journeys(deployment.instance(), seconds=60, monotonic=lambda: next(seconds)) == Sweep(due=2)
    assert sweep_journeys(deployment.instance()) == Sweep(due=1)


def test_trouble_with_one_service_is_noted_on_every_journey_and_all_stay_open(deployment, outage, embedded):
    journeys = [deployment.submitted(), deployment.submitted()]
    deployment.clock.advance(minutes=31)
    outage("eas")
    assert sweep_journeys(deployment.instance()) == Sweep(due=2, troubled=2)
    for journey in journeys:
        [trouble] = deployment.read(journey).troubles
        assert (trouble.during, trouble.service) == ("sweeping", "eas")
    assert len(deployment.markers()) == 2
    embedded.start_service("eas")
    deployment.gpu.queued(take=True)
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=2, moved=2)


def test_without_the_ledger_a_sweep_fails_as_a_whole(deployment, outage):
    outage("oss")
    with pytest.raises(Unavailable):
        sweep_journeys(deployment.instance())


def test_a_record_that_cannot_be_read_does_not_keep_others_from_going_on(deployment):
    unreadable = deployment.submitted()
    key = f"journeys/{unreadable[:2]}/{unreadable}/0002.json"
    deployment.instance().ledger.bucket.put(key, b'{"records":[{"step":"rendered"}]}', "application/json")
    deployment.clock.advance(minutes=2)
    other = deployment.submitted()
    deployment.clock.advance(minutes=40)
    assert sweep_journeys(deployment.instance()) == Sweep(due=2, troubled=2)
    assert deployment.read(other).troubles != ()


def test_a_journey_in_a_style_that_was_taken_out_meanwhile_does_not_keep_others_from_going_on(deployment):
    for _ in range(2):
        with pytest.raises(Crash):
            deployment.take(trip(), deployment.crashing(2))
    ledger = deployment.instance().ledger
    [(journey, key), _] = [key.split("/")[3:] for key in ledger.bucket.keys("open/")]
    received = ledger.claim(key).journeys[journey]
    old = TripClaim("h", {journey: msgspec.structs.replace(received, style="cubism")})
    ledger.bucket.put(f"trips/{key}.json", msgspec.json.encode(old), "application/json")
    deployment.clock.advance(minutes=16)
    assert sweep_journeys(deployment.instance()) == Sweep(due=2, moved=1, troubled=1)
    assert len(deployment.gpu.queued()) == 1
    [trouble] = deployment.read(journey).troubles
    assert trouble.reason == "workflows/styles has no cubism.toml any more"


def test_a_journey_stays_open_however_short_a_step_may_take(deployment):
    services = deployment.instance(step_allowance_s="20")
    deployment.take(trip(), services)
    deployment.clock.advance(seconds=30)
    assert sweep_journeys(services) == Sweep(due=1)
    assert deployment.markers() == ["2026-11-22T08:30Z"]


# Two at once.


@pytest.mark.parametrize("look", [4, 5, 6])
def test_two_sweeps_at_once_queue_one_graph(deployment, look):
    with pytest.raises(Crash):
        deployment.take(trip(), deployment.crashing(2))
    deployment.clock.advance(minutes=16)
    sweep_journeys(deployment.interrupted(look, lambda: sweep_journeys(deployment.instance())))
    assert len(deployment.gpu.queued()) == 1


def test_a_late_result_that_meets_the_sweeper_is_posted_once(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    deployment.clock.advance(minutes=31)
    # The third look is that of the record which says that the render is lost.
    sweep_journeys(deployment.interrupted(3, lambda: deployment.finish(journey)))
    assert deployment.read(journey).step is Step.PUBLISHED
    assert len(deployment.posts(journey)) == 1


def test_a_journey_that_is_being_posted_this_moment_is_not_given_up(deployment):
    journey = deployment.submitted()
    deployment.clock.advance(hours=25)
    deployment.finish(journey, services=deployment.interrupted(4, lambda: sweep_journeys(deployment.instance())))
    assert len(deployment.posts(journey)) == 1
    assert deployment.read(journey).step is Step.PUBLISHED


def test_a_journey_has_one_end_whoever_comes_second(deployment):
    journey = deployment.submitted()
    late = Course(deployment.read(journey), deployment.instance())
    deployment.finish(journey)
    assert late.run("sweeping", lambda course: course.fail("given_up", "太晚了")).step == "published"
    assert deployment.steps(journey) == STRAIGHT


def test_an_attempt_has_one_result_whoever_comes_second(deployment):
    journey = deployment.submitted()
    services = deployment.interrupted(1, lambda: deployment.finish(journey))
    assert deployment.deliver(journey, failed(), services=services).step == "published"
    assert deployment.steps(journey) == STRAIGHT
