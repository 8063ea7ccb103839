"""A person takes a failed or held journey up again; the sweeper brings it to one post, or to another named end."""

from __future__ import annotations

import pytest
import requests

from shared.cancelling import cancel_trip
from shared.errors import InvalidInput
from shared.records import (
    Failed,
    Held,
    Redriven,
    Step,
    Stored,
)
from shared.redriving import redrive
from shared.reviewing import approve, reject
from shared.sweep import sweep_journeys
from shared.withdrawing import Withdrawal
from tests.unit.steps.deployment import STRAIGHT, Crash, blank, failed, trip


@pytest.fixture
def green(embedded):
    """Orders what moderation says."""
    rules = f"{embedded.cloud.url('green')}/-/rules"

    def order(*ordered: dict[str, object]) -> None:
        requests.put(rules, json=list(ordered), timeout=10).raise_for_status()

    yield order
    requests.delete(rules, timeout=10).raise_for_status()


@pytest.fixture
def used_up(deployment):
    """A journey whose three renders have failed."""
    journey = deployment.submitted()
    for attempt in (1, 2, 3):
        deployment.deliver(journey, failed(), attempt=attempt)
    assert deployment.steps(journey)[-1] == "failed"
    return journey


def swept(deployment, journey):
    sweep_journeys(deployment.instance())
    return deployment.steps(journey)


def indexed(deployment):
    ledger = deployment.instance().ledger
    return [(each.journey_id, each.code) for each in ledger.failures()], list(ledger.held())


def test_a_failed_journey_is_painted_anew_and_posted_once(deployment, used_up):
    [(journey, code)], _ = indexed(deployment)
    assert (journey, code) == (used_up, deployment.read(used_up).need(Failed).code)
    redrive(used_up, "韩梅梅", deployment.instance())
    assert indexed(deployment) == ([], [])
    assert swept(deployment, used_up)[-3:] == ["redriven 3", "submitting 4", "submitted 4"]
    assert deployment.finish(used_up, attempt=4).step == "published"
    assert len(deployment.posts(used_up)) == 1
    decision = deployment.read(used_up).need(Redriven)
    assert (decision.by, decision.place, decision.was) == ("韩梅梅", Step.PROMPTED, code)


def test_a_redriven_journey_may_fail_again_and_be_redriven_again(deployment, used_up):
    for first in (4, 7):
        redrive(used_up, "韩梅梅", deployment.instance())
        swept(deployment, used_up)
        for attempt in range(first, first + 3):
            deployment.deliver(used_up, failed(), attempt=attempt)
        assert deployment.steps(used_up)[-1] == "failed"
    assert [journey for journey, _ in indexed(deployment)[0]] == [used_up]


def test_a_late_result_of_before_does_not_count(deployment, used_up):
    redrive(used_up, "韩梅梅", deployment.instance())
    swept(deployment, used_up)
    assert deployment.finish(used_up, attempt=3).step == "submitted"
    assert deployment.posts(used_up) == []


def test_a_journey_that_was_given_up_goes_on_from_where_it_was(deployment):
    journey = deployment.submitted()
    deployment.clock.advance(hours=25)
    assert swept(deployment, journey)[-1] == "failed"
    redrive(journey, "韩梅梅", deployment.instance())
    assert swept(deployment, journey)[-1] == "submitted 2"
    assert deployment.finish(journey, attempt=2).step == "published"


def test_a_post_that_the_feed_refused_is_posted_again_without_another_render(deployment, embedded):
    journey = deployment.submitted()
    refusing = deployment.instance(feed_secret="whsec_" + "eA" * 22 + "==")
    services = deployment.instance()
    stored = deployment.finish(journey, services=refusing)
    assert stored.step == "stored"
    # As a feed ends it that says 400.
    services.ledger.commit(
        services.ledger.read(journey).followed_by(Failed(at=services.now(), code="post_refused", reason="feed: 400"))
    )
    redrive(journey, "韩梅梅", services)
    assert swept(deployment, journey) == [*STRAIGHT[:-1], "failed", "redriven", "published"]
    assert len(deployment.posts(journey)) == 1


def test_held_words_are_checked_again_and_not_let_pass(deployment):
    outcome = deployment.take(trip(text="去看赌场的夜景"))
    assert outcome.step == "held"
    redrive(outcome.journey, "韩梅梅", deployment.instance())
    assert indexed(deployment) == ([], [])
    assert swept(deployment, outcome.journey) == ["received", "held", "redriven", "held"]
    assert indexed(deployment) == ([], [outcome.journey])
    with pytest.raises(InvalidInput, match="one of received"):
        redrive(outcome.journey, "韩梅梅", deployment.instance(), Step.PROMPTED)


def test_a_held_picture_is_painted_anew(deployment, green):
    green({"service": "aigcCheck", "level": "medium", "times": 1})
    journey = deployment.submitted()
    assert deployment.finish(journey).step == "held"
    redrive(journey, "韩梅梅", deployment.instance())
    assert swept(deployment, journey)[-1] == "submitted 2"
    assert deployment.finish(journey, attempt=2).step == "published"
    assert deployment.read(journey).need(Stored).master.key.count(journey) == 1


def test_a_picture_that_a_person_refused_is_painted_anew(deployment):
    journey = deployment.submitted()
    for attempt in (1, 2, 3):
        deployment.finish(journey, attempt=attempt, picture=blank())
    reject(journey, "李雷", "太暗", deployment.instance())
    assert [code for _, code in indexed(deployment)[0]] == ["review"]
    redrive(journey, "韩梅梅", deployment.instance())
    assert swept(deployment, journey)[-1] == "submitted 4"


@pytest.mark.parametrize(
    ("place", "then"),
    [
        (Step.RECEIVED, ["prompted", "submitting 4", "submitted 4"]),
        (Step.PROMPTED, ["submitting 4", "submitted 4"]),
        (Step.RENDERED, ["inspected 3", "stored", "published"]),
        (Step.INSPECTED, ["submitting 4", "submitted 4"]),
    ],
)
def test_a_journey_is_replayed_from_the_step_that_a_person_names(deployment, place, then):
    """Its last picture did not pass, and has been mended since by hand: only who inspects again can see that."""
    journey = deployment.submitted()
    for attempt in (1, 2, 3):
        deployment.finish(journey, attempt=attempt, picture=blank())
    assert deployment.read(journey).step is Step.HELD
    deployment.paint(journey, 3)
    redrive(journey, "韩梅梅", deployment.instance(), place)
    steps = swept(deployment, journey)
    assert steps[steps.index("redriven 3") + 1 :] == then


def test_a_step_that_the_journey_has_not_come_to_is_refused(deployment, used_up):
    with pytest.raises(InvalidInput, match="^step: one of received, prompted.*got stored"):
        redrive(used_up, "韩梅梅", deployment.instance(), Step.STORED)
    assert deployment.steps(used_up)[-1] == "failed"


def test_a_published_journey_never_gets_a_second_post(deployment):
    journey = deployment.submitted()
    deployment.finish(journey)
    for place in (None, Step.STORED):
        with pytest.raises(InvalidInput, match="this one is published"):
            redrive(journey, "韩梅梅", deployment.instance(), place)


def test_what_is_under_way_unknown_or_taken_back_stays_as_it_is(deployment):
    made = trip()
    journey = deployment.take(made).journey
    with pytest.raises(InvalidInput, match="under way, at submitted"):
        redrive(journey, "韩梅梅", deployment.instance())
    cancel_trip(str(made["trip_id"]), deployment.instance())
    with pytest.raises(InvalidInput, match="cancelled, for good"):
        redrive(journey, "韩梅梅", deployment.instance())
    with pytest.raises(InvalidInput, match="there is none of this id"):
        redrive("00000000-0000-5000-8000-000000000000", "韩梅梅", deployment.instance())


def test_a_post_that_was_given_up_can_not_come_back(deployment, embedded):
    """The feed was told to take none: it would refuse every later post of this journey."""
    journey = deployment.submitted()
    deployment.finish(journey, services=deployment.instance(feed_secret="whsec_" + "eA" * 22 + "=="))
    deployment.clock.advance(hours=25)
    assert swept(deployment, journey)[-2:] == ["stored", "failed"]
    with pytest.raises(InvalidInput, match="under another trip id"):
        redrive(journey, "韩梅梅", deployment.instance(), Step.PROMPTED)


def test_of_two_who_decide_one_is_told(deployment, green):
    green({"service": "aigcCheck", "level": "medium", "times": 1})
    journey = deployment.submitted()
    deployment.finish(journey)

    def first() -> None:
        approve(journey, "李雷", deployment.instance())

    with pytest.raises(InvalidInput, match="nobody else decides on"):
        redrive(journey, "韩梅梅", deployment.interrupted(2, first))
    assert swept(deployment, journey)[-3:] == ["approved", "stored", "published"]


def test_a_redrive_that_was_cut_off_can_be_repeated(deployment, used_up):
    with pytest.raises(Crash):
        redrive(used_up, "韩梅梅", deployment.crashing(3))
    redrive(used_up, "韩梅梅", deployment.instance())
    assert deployment.steps(used_up).count("redriven 3") == 1
    assert swept(deployment, used_up)[-1] == "submitted 4"


def test_a_run_that_saw_the_journey_fail_does_not_lose_a_redrive_of_that_moment(deployment, used_up):
    from shared.course import Course

    services = deployment.instance()
    stale = Course(services.ledger.read(used_up), services)
    redrive(used_up, "韩梅梅", deployment.instance())
    for key in services.ledger.bucket.keys("open/"):
        services.ledger.bucket.delete(key)
    stale.close()
    assert swept(deployment, used_up)[-1] == "submitted 4"


def test_of_a_withdrawn_trip_no_failure_stays_in_the_index(deployment):
    made = trip()
    journey = deployment.take(made).journey
    deployment.clock.advance(hours=25)
    assert swept(deployment, journey)[-1] == "failed"
    assert indexed(deployment)[0]
    assert all(removal.is_done for removal in Withdrawal(str(made["trip_id"]), deployment.instance()).run())
    assert indexed(deployment) == ([], [])
    assert deployment.read(journey).find(Held) is None
