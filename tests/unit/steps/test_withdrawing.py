"""A trip that its owner takes back: nothing of it stays anywhere, whatever it was at, whatever fails meanwhile."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager

import pytest
import requests

from cli.letter_box import LetterBox
from cli.withdrawing import dead_letters
from shared.cancelling import cancel_trip
from shared.errors import InvalidInput
from shared.intake import take_message
from shared.journey import journey_id, task_id, trip_key
from shared.records import Step, Stored
from shared.sweep import sweep_journeys
from shared.withdrawing import Withdrawal
from tests.unit.steps.deployment import Crash, blank, failed, message, painted, trip

TEXT = "新司机的五一出游，妈妈说湖边的荷花开了"


@pytest.fixture
def withdraw(deployment):
    """Withdraws a trip as the command does; what was found in each place."""

    def act(sent, *, proved=True):
        withdrawal = Withdrawal(sent["trip_id"], deployment.instance())
        removals = withdrawal.run([dead_letters(withdrawal)])
        if proved:
            assert [removal for removal in removals if not removal.is_done] == []
            assert withdrawal.is_tombstone_there()
        return {removal.place: removal.found for removal in removals if removal.found}

    return act


def remains(deployment, sent):
    """All that the buckets, the queues and the feed hold and that can be of this trip; the tombstones told apart."""
    services, trip = deployment.instance(), sent["trip_id"]
    journeys = [journey_id(trip, style) for style in (*services.styles, "-")]
    ledger = services.ledger.bucket
    bodies = {key: ledger.get(key, max_bytes=10**6) for key in ledger.keys("", limit=10_000)}
    assert f"tombstones/{trip_key(trip)}" in bodies
    told = b"".join(bodies.values()).decode()
    for word in ("facts", "cities", "杭州", "西湖", "painting_prompt", TEXT, trip):
        assert word not in told, word
    found = [key for key in bodies if key.startswith("dead-letters/")]
    for journey in journeys:
        found += [key for bucket in (services.gallery,) for key in bucket.keys("", limit=10_000) if journey in key]
        found += list(services.renders.keys(f"comfy/output/{journey}", limit=100))
        found += deployment.posts(journey)
        found += [journey] if services.feed.find(journey) else []
        found += [graph.task_id for graph in deployment.gpu.queued() if journey in graph.task_id]
        found += [task for task in deployment.gpu.in_sink() if journey in task]
    found += [letter for letter in deployment.dead_letters() if trip in json.dumps(letter)]
    return found


def is_gone(deployment, sent):
    """Nothing remains; nor when the trip comes again, nor when the sweeper has looked once more."""
    assert remains(deployment, sent) == []
    again = take_message(message(sent), deployment.instance())
    assert [outcome.step for outcome in again] == ["withdrawn"]
    deployment.clock.advance(minutes=40)
    assert sweep_journeys(deployment.instance()).troubled == 0
    assert deployment.markers() == []
    assert remains(deployment, sent) == []
    return True


def at_step(deployment, step, **changes):
    """A trip whose journey stands at this step."""
    sent = trip(text=TEXT, **changes)
    if step == "crashed":
        with pytest.raises(Crash):
            deployment.take(sent, deployment.crashing(3))
        return sent
    journey = deployment.take(sent).journey
    if step == "published":
        deployment.finish(journey)
    if step == "posted, unrecorded":
        with pytest.raises(Crash):
            deployment.finish(journey, services=deployment.crashing(4))
    if step == "second render":
        deployment.finish(journey, picture=blank())
    if step == "failed":
        for attempt in (1, 2, 3):
            deployment.deliver(journey, failed(), attempt=attempt)
    if step == "held":
        for attempt in (1, 2, 3):
            deployment.finish(journey, attempt=attempt, picture=blank())
    if step == "cancelled":
        cancel_trip(sent["trip_id"], deployment.instance())
    return sent


STEPS = ("crashed", "submitted", "second render", "posted, unrecorded", "published", "held", "failed", "cancelled")


@pytest.mark.parametrize("step", STEPS)
def test_a_trip_is_withdrawn_from_whatever_step_it_is_at(deployment, withdraw, step):
    sent = at_step(deployment, step)
    found = withdraw(sent)
    assert found["claim"] == 1
    assert is_gone(deployment, sent)


def test_what_was_found_is_counted_place_by_place(deployment, withdraw):
    sent = at_step(deployment, "published")
    pictures = len(deployment.read(journey_of(sent, deployment)).need(Stored).variants) + 1
    assert withdraw(sent) == {
        "claim": 1,
        "journey entries": 4,
        "post": 1,
        "pictures": pictures,
        "queued render": 1,
        "rendered files": 1,
    }


def journey_of(sent, deployment):
    [journey] = deployment.instance().ledger.claim(trip_key(sent["trip_id"])).journeys
    return journey


def test_the_address_of_a_published_picture_answers_not_found(deployment, withdraw):
    sent = at_step(deployment, "published")
    stored = deployment.read(journey_of(sent, deployment)).need(Stored)
    addresses = [f"{deployment.settings.gallery_url}/{variant.key}" for variant in stored.variants]
    assert [requests.get(address, timeout=10).status_code for address in addresses] == [200] * len(addresses)
    withdraw(sent)
    # 403 to the unsigned: the bucket is private, and does not tell what it has.
    assert {requests.get(address, timeout=10).status_code for address in addresses} <= {403, 404}


def test_the_signed_address_of_a_draft_answers_not_found(deployment, withdraw):
    sent = at_step(deployment, "published", consent={"process": True, "publish": False})
    services = deployment.instance()
    key = deployment.read(journey_of(sent, deployment)).need(Stored).variants[0].key
    address = services.gallery.signed_url(key, expires_s=600)
    assert requests.get(address, timeout=10).status_code == 200
    withdraw(sent)
    assert requests.get(address, timeout=10).status_code == 404


def test_every_journey_of_the_trip_is_withdrawn_and_no_other_trip_is_touched(deployment, withdraw):
    other = at_step(deployment, "published")
    sent = trip(text=TEXT, styles=["anime", "ink_wash"])
    take_message(message(sent), deployment.instance())
    withdraw(sent)
    assert is_gone_of(deployment, sent)
    journey = journey_of(other, deployment)
    assert deployment.read(journey).step is Step.PUBLISHED
    assert len(deployment.posts(journey)) == 1


def is_gone_of(deployment, sent):
    services = deployment.instance()
    for style in ("anime", "ink_wash"):
        journey = journey_id(sent["trip_id"], style)
        assert services.ledger.filled(journey) == []
        assert services.feed.find(journey) is None
        assert [graph for graph in deployment.gpu.queued() if journey in graph.task_id] == []
    return True


def test_a_trip_that_has_never_come_is_not_accepted_later(deployment, withdraw):
    sent = trip(text=TEXT)
    assert withdraw(sent) == {}
    assert is_gone(deployment, sent)


def test_withdrawing_again_finds_nothing(deployment, withdraw):
    sent = at_step(deployment, "published")
    withdraw(sent)
    assert withdraw(sent) == {}


def test_a_post_is_removed_also_when_the_ledger_has_forgotten_the_trip(deployment, withdraw):
    """Claim and log end by their age; the post stands as long as nobody takes it back."""
    sent = at_step(deployment, "published")
    deployment.gpu.forget_everything()
    bucket = deployment.instance().ledger.bucket
    for key in list(bucket.keys("", limit=1000)):
        bucket.delete(key)
    found = withdraw(sent)
    assert found["post"] == 1
    assert remains(deployment, sent) == []


def test_the_tombstone_holds_when_the_emptied_claim_has_ended_by_its_age(deployment, withdraw):
    sent = at_step(deployment, "published")
    withdraw(sent)
    bucket = deployment.instance().ledger.bucket
    for prefix in ("trips/", "journeys/", "open/"):
        for key in list(bucket.keys(prefix, limit=1000)):
            bucket.delete(key)
    assert [outcome.step for outcome in take_message(message(sent), deployment.instance())] == ["withdrawn"]
    assert list(bucket.keys("")) == [f"tombstones/{trip_key(sent['trip_id'])}"]


def test_other_content_under_the_withdrawn_id_leaves_nothing_either(deployment, withdraw):
    sent = at_step(deployment, "submitted")
    withdraw(sent)
    for changed in ({**sent, "distance_km": 9.0}, {**sent, "ended_at": "gestern"}):
        assert [outcome.step for outcome in take_message(message(changed), deployment.instance())] == ["withdrawn"]
    assert deployment.dead_letters() == []
    assert is_gone(deployment, sent)


@pytest.mark.parametrize("text", ["", "T 1", "T-1\n", "x" * 65, "../trips"])
def test_what_is_no_trip_id_is_refused(deployment, text):
    with pytest.raises(InvalidInput, match="trip id"):
        Withdrawal(text, deployment.instance())


# Races with a run that is at work


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_withdrawn_in_the_middle_of_being_queued(deployment, withdraw, look):
    sent = trip(text=TEXT)
    outcome = deployment.take(sent, deployment.interrupted(look, lambda: withdraw(sent)))
    assert outcome.step == "withdrawn"
    assert is_gone(deployment, sent)


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_withdrawn_in_the_middle_of_being_posted(deployment, withdraw, look):
    sent = at_step(deployment, "submitted")
    journey = journey_of(sent, deployment)
    outcome = deployment.finish(journey, services=deployment.interrupted(look, lambda: withdraw(sent)))
    assert outcome.step == "withdrawn"
    assert is_gone(deployment, sent)


@contextmanager
def at_call(number, action, *, after=False, methods=()):
    """Has something happen right before (or after) this process's so many-th outward call, of these methods only."""
    made, put, got = [0], http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse
    is_it = [False]

    def strike():
        http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse = put, got
        action()

    def putrequest(connection, method, *arguments, **options):
        counts = not methods or method in methods
        made[0] += counts
        is_it[0] = counts and made[0] == number
        if is_it[0] and not after:
            strike()
        return put(connection, method, *arguments, **options)

    def getresponse(connection):
        answer = got(connection)
        if is_it[0] and after:
            strike()
        return answer

    http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse = putrequest, getresponse
    try:
        yield made
    finally:
        http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse = put, got


def crash():
    raise Crash


def test_a_trip_withdrawn_before_any_call_of_its_intake_leaves_nothing(deployment):
    number = 0
    while True:
        number += 1
        sent = trip(text=TEXT)
        withdrawal = Withdrawal(sent["trip_id"], deployment.instance())
        with at_call(number, withdrawal.run) as made:
            take_message(message(sent), deployment.instance())
        if made[0] < number:
            break
        assert remains(deployment, sent) == [], f"withdrawn before call {number}"
    assert number > 6


def test_a_trip_withdrawn_before_any_call_of_its_posting_leaves_nothing(deployment):
    number = 0
    while True:
        number += 1
        sent = at_step(deployment, "submitted")
        journey = journey_of(sent, deployment)
        deployment.paint(journey)
        withdrawal = Withdrawal(sent["trip_id"], deployment.instance())
        with at_call(number, withdrawal.run) as made:
            deployment.deliver(journey, painted(journey))
        if made[0] < number:
            break
        assert remains(deployment, sent) == [], f"withdrawn before call {number}"
    assert number > 9


#: What changes something; to die between two calls that only look is to die after the change before them.
_CHANGES = ("PUT", "POST", "DELETE")


def test_a_withdrawal_that_dies_after_any_change_is_finished_by_the_next_one(deployment):
    number = 0
    while True:
        number += 2
        sent = at_step(deployment, "published")
        try:
            with at_call(number, crash, after=True, methods=_CHANGES) as made:
                Withdrawal(sent["trip_id"], deployment.instance()).run()
        except Crash:
            removals = Withdrawal(sent["trip_id"], deployment.instance()).run()
            assert all(removal.is_done for removal in removals)
            assert remains(deployment, sent) == [], f"died after change {number}"
            assert [outcome.step for outcome in take_message(message(sent), deployment.instance())] == ["withdrawn"]
        else:
            break
    assert made[0] > 12


# What comes afterwards


def test_a_render_that_comes_after_all_is_removed_when_it_is_reported(deployment, withdraw):
    sent = at_step(deployment, "submitted")
    journey = journey_of(sent, deployment)
    deployment.gpu.queued(take=True)
    withdraw(sent)
    assert deployment.finish(journey).step == "withdrawn"
    assert is_gone(deployment, sent)


def test_a_render_that_is_never_reported_is_removed_by_the_sweeper(deployment, withdraw):
    sent = at_step(deployment, "submitted")
    journey = journey_of(sent, deployment)
    deployment.gpu.queued(take=True)
    withdraw(sent)
    deployment.paint(journey)
    deployment.clock.advance(minutes=31)
    assert sweep_journeys(deployment.instance()).closed == 1
    assert is_gone(deployment, sent)


def test_a_report_that_waits_in_the_sink_is_removed(deployment, withdraw):
    sent = at_step(deployment, "submitted")
    journey = journey_of(sent, deployment)
    deployment.gpu.queued(take=True)
    deployment.paint(journey)
    deployment.gpu.answer(task_id(journey, 1), painted(journey).encode())
    assert withdraw(sent)["queued render"] == 1
    assert is_gone(deployment, sent)


# Places that can't be reached


@pytest.mark.parametrize(("service", "place"), [("feed", "post"), ("eas", "queued render"), ("mns", "dead letters")])
def test_a_place_that_can_not_be_reached_is_named_and_the_others_are_cleared(
    deployment, outage, embedded, withdraw, service, place
):
    sent = at_step(deployment, "posted, unrecorded")
    outage(service)
    withdrawal = Withdrawal(sent["trip_id"], deployment.instance())
    removals = withdrawal.run([dead_letters(withdrawal)])
    assert [removal.place for removal in removals if not removal.is_done] == [place]
    embedded.start_service(service)
    withdraw(sent)
    assert is_gone(deployment, sent)


# Dead letters


def test_letters_of_the_trip_are_removed_with_their_bytes_and_others_stay(deployment, withdraw):
    sent = trip(text=TEXT, ended_at="gestern")
    large = {**sent, "x": "长" * 15_000}
    other = trip(ended_at="gestern")
    for each in (sent, large, other):
        assert deployment.take(each).step == "rejected"
    assert withdraw(sent) == {"journey entries": 1, "kept originals": 1, "dead letters": 2}
    assert remains(deployment, sent) == []
    with LetterBox(deployment.instance()) as box:
        assert [json.loads(box.original(letter))["trip_id"] for letter in box.letters()] == [other["trip_id"]]


def test_a_letter_of_a_message_that_no_parser_takes_is_found_by_the_id_in_it(deployment, withdraw):
    sent = trip(text=TEXT)
    broken = json.dumps(sent, ensure_ascii=False).encode()[:-30]
    assert deployment.take(broken).step == "rejected"
    assert withdraw(sent)["dead letters"] == 1
    assert remains(deployment, sent) == []


def test_other_trips_in_the_letter_of_one_event_are_kept_in_letters_of_their_own(deployment, withdraw):
    sent, other = trip(text=TEXT), trip()
    arn = "acs:fc:cn-shanghai:1:functions/tripcanvas-trip-completed"
    event = json.dumps([sent, other], ensure_ascii=False)
    record = {"requestContext": {"functionArn": arn, "condition": "RetriesExhausted"}, "requestPayload": event}
    services = deployment.instance()
    services.messages.send(deployment.settings.dead_letter_queue, json.dumps(record).encode())
    assert withdraw(sent) == {"dead letters": 1}
    with LetterBox(services) as box:
        [letter] = box.letters()
        assert json.loads(box.original(letter)) == other
    assert remains(deployment, sent) == []


def test_a_second_result_of_a_withdrawn_journey_changes_nothing(deployment, withdraw):
    sent = at_step(deployment, "published")
    journey = journey_of(sent, deployment)
    withdraw(sent)
    for _ in range(2):
        assert deployment.deliver(journey, painted(journey)).step == "withdrawn"
    assert is_gone(deployment, sent)
