"""A trip message, to a graph in the GPU side's queue: once, however often it comes and whatever breaks on the way."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.facts import facts_of
from shared.intake import take_message
from shared.journey import journey_id, task_id
from shared.records import (
    Failed,
    Prompted,
    Received,
    Rejected,
    Step,
    Submitted,
    Submitting,
)
from shared.rejection import rejected_journey_id
from shared.styles import choose_style
from shared.tracing import child_of, is_traceparent, trace_id
from shared.trips import parse_trip
from tests.unit.clouds.scripted import DROPPED, Reply, ScriptedService
from tests.unit.steps.deployment import STRAIGHT, Crash, message, trip
from tests.unit.steps.gate import gate_before

QUEUED = STRAIGHT[:4]


@pytest.fixture
def unsure_queue():
    """The address of a queue that breaks off a put without an answer, and then has nothing."""
    service = ScriptedService()
    service.answers(DROPPED, Reply(204))
    yield service.url
    service.close()


def test_a_trip_ends_as_a_graph_in_the_queue(deployment):
    journey = deployment.submitted()
    assert deployment.steps(journey) == QUEUED
    [queued] = deployment.gpu.queued()
    records = deployment.read(journey)
    assert queued.task_id == task_id(journey, 1)
    assert queued.tags["traceparent"] == child_of(records.need(Received).traceparent, task_id(journey, 1))
    painting = queued.graph["1"]["inputs"]
    assert painting["prompt"] == records.need(Prompted).brief.painting_prompt
    assert painting["seed"] == records.need(Submitting).seed
    assert painting["size"] == "768*960"
    assert queued.graph["9"]["inputs"]["filename_prefix"] == f"{queued.task_id}/picture"
    assert records.need(Submitted).index > 0


def test_nothing_private_reaches_the_ledger_or_the_queue(deployment):
    sent = trip("01-may-holiday")
    [outcome] = take_message(message(sent), deployment.instance())
    bucket = deployment.instance().ledger.bucket
    stored = [bucket.get(key, max_bytes=10**6).decode() for key in bucket.keys("")]
    graphs = [json.dumps(queued.graph, ensure_ascii=False) for queued in deployment.gpu.queued()]
    for text in [*stored, *graphs, *bucket.keys("")]:
        for private in (sent["trip_id"], sent["owner_id"], "中山南路", "申长路", "欧阳开心", "22:38"):
            assert private not in text
    assert outcome.step == "submitted"


def test_the_sweeper_can_find_the_journey_as_soon_as_it_is_received(deployment):
    with pytest.raises(Crash):
        deployment.take(trip(), deployment.crashing(2))
    assert deployment.markers() == ["2026-11-22T08:15Z"]


def test_a_senders_trace_goes_with_the_journey(deployment):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sent = replace(message(trip()), traceparent=trace)
    take_message(sent, deployment.instance())
    hop = deployment.gpu.queued()[0].tags["traceparent"]
    assert (trace_id(hop), hop[-2:]) == (trace_id(trace), "01")
    assert is_traceparent(hop)
    assert hop != trace


def test_a_trip_without_a_style_gets_the_one_that_suits_it(deployment):
    sent = trip(styles=[])
    parsed = parse_trip(message(sent).body)
    services = deployment.instance()
    outcome = deployment.take(sent)
    style = choose_style(facts_of(parsed), services.styles).id
    assert outcome.journey == journey_id(str(sent["trip_id"]), style)
    assert deployment.read(outcome.journey).need(Received).style == style


def test_the_same_message_again_changes_nothing(deployment):
    sent = trip()
    first, second = deployment.take(sent), deployment.take(sent)
    assert first == second
    assert len(deployment.gpu.queued()) == 1
    assert deployment.steps(first.journey) == QUEUED


def test_one_style_named_twice_is_one_journey(deployment):
    deployment.take(trip(styles=["anime", "anime"]))
    assert len(deployment.gpu.queued()) == 1


@pytest.mark.parametrize("look", [1, 2, 3])
def test_after_a_crash_the_next_delivery_goes_on_from_the_ledger(deployment, look):
    """The crash comes before the record of: the trip, the brief, the intent to submit."""
    sent = trip()
    with pytest.raises(Crash):
        deployment.take(sent, deployment.crashing(look))
    outcome = deployment.take(sent)
    assert (outcome.step, outcome.retry) == ("submitted", False)
    assert deployment.steps(outcome.journey) == QUEUED
    assert len(deployment.gpu.queued()) == 1


def test_after_a_crash_between_queueing_and_its_record_the_queue_is_asked_and_nothing_queued_again(deployment):
    sent = trip()
    with pytest.raises(Crash):
        deployment.take(sent, deployment.crashing(4))
    assert len(deployment.gpu.queued()) == 1
    deployment.clock.advance(seconds=60)
    outcome = deployment.take(sent)
    assert deployment.steps(outcome.journey) == QUEUED
    assert deployment.read(outcome.journey).need(Submitted).index == deployment.gpu.queued()[0].index
    assert len(deployment.gpu.queued()) == 1


def test_a_queue_that_took_nothing_is_tried_again_at_once(deployment, outage, embedded):
    sent = trip()
    outage("eas")
    silent = deployment.take(sent)
    assert (silent.step, silent.retry) == ("submitting", False)
    assert silent.reason == "eas: ConnectionFailed: nothing was queued"
    assert deployment.markers() == ["2026-11-22T08:00Z", "2026-11-22T08:15Z"]
    embedded.start_service("eas")
    outcome = deployment.take(sent)
    assert (outcome.step, outcome.retry) == ("submitted", False)
    assert len(deployment.gpu.queued()) == 1
    troubles = deployment.read(outcome.journey).troubles
    assert {(trouble.during, trouble.service, trouble.code) for trouble in troubles} == {
        ("submitting", "eas", "ConnectionFailed"),
        ("taking_over", "eas", "TakenOver"),
    }


def test_without_a_key_for_the_model_the_template_writes_and_says_why(deployment):
    outcome = deployment.take(trip(), deployment.instance(dashscope_api_key=""))
    assert outcome.step == "submitted"
    prompted = deployment.read(outcome.journey).need(Prompted)
    assert (prompted.written_by, prompted.fallback) == ("template", "DASHSCOPE_API_KEY is not set")


def test_an_intent_of_unknown_outcome_is_taken_over_once_its_owner_cannot_be_at_it_any_more(deployment, unsure_queue):
    sent = trip()
    unknown = deployment.take(sent, deployment.instance(eas_url=unsure_queue))
    assert (unknown.step, unknown.retry) == ("submitting", False)
    deployment.clock.advance(seconds=59)
    early = deployment.take(sent)
    assert (early.step, early.retry) == ("submitting", False)
    assert "SubmissionInProgress" in early.reason
    assert deployment.gpu.queued() == []
    deployment.clock.advance(seconds=1)
    outcome = deployment.take(sent)
    assert (outcome.step, outcome.retry) == ("submitted", False)
    assert deployment.steps(outcome.journey) == QUEUED
    assert len(deployment.gpu.queued()) == 1


@pytest.mark.parametrize("fault", ["put-taken-but-cut-off", "put-taken-but-503"])
def test_a_graph_whose_acceptance_was_lost_is_looked_up_and_not_queued_again(deployment, fault):
    deployment.gpu.order_fault(fault)
    journey = deployment.submitted()
    assert deployment.steps(journey) == QUEUED
    assert len(deployment.gpu.queued()) == 1


def at_once(*takes):
    """Run so many deliveries at the same time, each in a thread of its own; their outcomes."""
    start, outcomes = threading.Barrier(len(takes)), []

    def run(take):
        start.wait()
        outcomes.append(take())

    threads = [threading.Thread(target=run, args=(take,)) for take in takes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(takes)
    return outcomes


def test_two_deliveries_of_one_trip_at_once_queue_one_graph(deployment):
    sent = trip()
    instances = [deployment.instance(), deployment.instance()]
    at_once(*(lambda services=services: deployment.take(sent, services) for services in instances))
    assert len(deployment.gpu.queued()) == 1
    deployment.clock.advance(seconds=60)
    outcome = deployment.take(sent)
    assert deployment.steps(outcome.journey) == QUEUED
    assert len(deployment.gpu.queued()) == 1


def test_two_that_take_over_one_submission_at_once_queue_one_graph(deployment, outage, embedded):
    sent = trip()
    outage("eas")
    deployment.take(sent)
    embedded.start_service("eas")
    with gate_before(deployment.cloud.url("eas"), puts=2) as gate:
        instances = [deployment.instance(eas_url=gate) for _ in range(2)]
        at_once(*(lambda services=services: deployment.take(sent, services) for services in instances))
    assert len(deployment.gpu.queued()) == 1


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_another_delivery_in_the_middle_of_the_first_queues_nothing_twice(deployment, look):
    sent = trip()
    journey = deployment.take(sent, deployment.interrupted(look, lambda: deployment.take(sent))).journey
    assert [queued.task_id for queued in deployment.gpu.queued()] == [task_id(journey, 1)]
    deployment.clock.advance(seconds=60)
    assert deployment.take(sent).step == "submitted"
    assert len(deployment.gpu.queued()) == 1
    assert deployment.steps(journey) == QUEUED


def test_a_backfill_is_noted_as_one(deployment):
    sent = replace(message(trip()), direct=True)
    [outcome] = take_message(sent, deployment.instance())
    assert deployment.read(outcome.journey).need(Received).source == "backfill"


def test_a_graph_too_large_for_the_queue_is_never_sent(deployment):
    outcome = deployment.take(trip(), deployment.instance(eas_max_payload_bytes="600"))
    failed = deployment.read(outcome.journey).need(Failed)
    assert (outcome.step, failed.code) == ("failed", "submitting")
    assert failed.reason.startswith("the graph can't be filled: graph: at most 600 bytes")
    assert deployment.gpu.queued() == []
    assert deployment.markers() == []


def test_a_graph_the_queue_itself_finds_too_large_ends_the_journey(deployment):
    services = deployment.instance(eas_url=f"{deployment.cloud.url('feed')}/api/feed?as=")
    outcome = deployment.take(trip(), services)
    assert outcome.step == "failed"
    assert deployment.read(outcome.journey).need(Failed).code == "submission_refused"


@pytest.mark.parametrize(
    ("setting", "value", "step", "reason"),
    [
        ("eas_token", "another", "submitting", "eas: answered 401; check TRIPCANVAS_EAS_URL, TRIPCANVAS_EAS_SERVICE"),
        ("eas_url", "", "submitting", "TRIPCANVAS_EAS_URL is not set"),
        ("image_model", "m" * 65, "prompted", "workflow wanx_scene: model: at most 64 characters"),
        ("workflow", "no_such", "prompted", "workflow no_such: "),
    ],
    ids=["wrong token", "no queue", "long model", "no workflow"],
)
def test_a_wrong_setting_is_a_trouble_of_the_journey_which_goes_on_once_it_is_mended(
    deployment, setting, value, step, reason
):
    sent = trip()
    outcome = deployment.take(sent, deployment.instance(**{setting: value}))
    assert (outcome.step, outcome.retry) == (step, False)
    [trouble] = deployment.read(outcome.journey).troubles
    assert trouble.code == "Misconfigured"
    assert trouble.reason.startswith(reason)
    deployment.clock.advance(seconds=60)
    assert deployment.take(sent).step == "submitted"
    assert len(deployment.gpu.queued()) == 1


def test_a_journey_that_might_not_be_done_in_time_is_not_begun(deployment):
    sent = trip(styles=["ink_wash", "anime"])
    until = deployment.clock.at + timedelta(seconds=60)
    outcomes = take_message(message(sent), deployment.instance(), until)
    assert [(outcome.step, outcome.retry) for outcome in outcomes] == [("receiving", True)]
    assert deployment.markers() == []
    assert deployment.gpu.queued() == []
    outcomes = take_message(message(sent), deployment.instance(), until + timedelta(seconds=60))
    assert [outcome.step for outcome in outcomes] == ["submitted"] * 2


def test_without_the_ledger_nothing_is_done_and_the_event_is_asked_for_again(deployment, outage):
    outage("oss")
    outcome = deployment.take(trip())
    assert (outcome.step, outcome.retry) == ("receiving", True)
    assert deployment.gpu.queued() == []


# Rejections.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"styles": ["ink_wash", "cubism"]}, "styles[1]: one of anime, ink_wash, "),
        ({"distance_km": "很远"}, "distance_km: "),
        ({"ended_at": "2024-01-01T00:00:00+08:00"}, "ended_at: a time not before started_at"),
    ],
)
def test_a_trip_with_a_fault_is_rejected_by_its_field_and_its_bytes_are_kept(deployment, changes, reason):
    sent = trip(**changes)
    outcome = deployment.take(sent)
    rejected = deployment.read(outcome.journey).need(Rejected)
    assert (outcome.step, outcome.retry) == ("rejected", False)
    assert rejected.reason == outcome.reason
    assert outcome.reason.startswith(reason)
    [letter] = deployment.dead_letters()
    assert (letter["journey"], letter["code"], letter["message_id"]) == (outcome.journey, "invalid", "M-1")
    assert base64.b64decode(letter["body_base64"]) == message(sent).body
    assert deployment.gpu.queued() == []


def test_the_same_rejected_message_again_is_one_dead_letter(deployment):
    sent = trip(distance_km=-1)
    assert deployment.take(sent) == deployment.take(sent)
    assert len(deployment.dead_letters()) == 1


def test_a_rejected_message_that_is_sent_again_unmended_is_a_new_dead_letter(deployment):
    """As a redrive does: the letter was removed after the sending, so the bytes would be nowhere else."""
    sent = message(trip(distance_km=-1))
    for message_id in ("M-1", "M-2", "M-3"):
        [outcome] = take_message(replace(sent, message_id=message_id), deployment.instance())
        assert (outcome.step, outcome.retry) == ("rejected", False)
    assert [letter["message_id"] for letter in deployment.dead_letters()] == ["M-1", "M-2", "M-3"]
    assert deployment.steps(outcome.journey) == ["rejected"]


def test_a_crash_between_the_dead_letter_and_the_record_loses_neither(deployment):
    sent = trip(distance_km=-1)
    with pytest.raises(Crash):
        deployment.take(sent, deployment.crashing(1))
    assert len(deployment.dead_letters()) == 1
    outcome = deployment.take(sent)
    assert deployment.read(outcome.journey).step is Step.REJECTED
    assert [letter["journey"] for letter in deployment.dead_letters()] == [outcome.journey] * 2


def test_another_fault_under_the_same_trip_id_is_another_dead_letter_and_the_first_record_stands(deployment):
    sent = trip(distance_km=-1)
    first = deployment.take(sent)
    second = deployment.take({**sent, "distance_km": -2})
    assert first.journey == second.journey
    assert deployment.steps(first.journey) == ["rejected"]
    assert len(deployment.dead_letters()) == 2


def test_a_mended_trip_is_taken_after_its_rejection(deployment):
    sent = trip(distance_km=-1)
    deployment.take(sent)
    assert deployment.take({**sent, "distance_km": 176.0}).step == "submitted"


def test_while_dead_letters_cannot_be_sent_nothing_counts_as_rejected(deployment, outage, embedded):
    sent = trip(distance_km=-1)
    outage("mns")
    outcome = deployment.take(sent)
    assert (outcome.step, outcome.retry) == ("rejecting", True)
    assert deployment.read(outcome.journey).records == ()
    embedded.start_service("mns")
    assert deployment.take(sent).step == "rejected"
    assert len(deployment.dead_letters()) == 1


def test_the_same_trip_with_other_content_is_kept_as_a_conflict_and_moves_nothing(deployment):
    sent = trip()
    first = deployment.take(sent)
    second = deployment.take({**sent, "distance_km": 1.5})
    assert (second.journey, second.step, second.retry) == (first.journey, "rejected", False)
    assert second.reason.startswith("trip_id: ")
    [letter] = deployment.dead_letters()
    assert (letter["code"], letter["journey"]) == ("conflict", first.journey)
    assert deployment.steps(first.journey) == QUEUED
    assert deployment.read(first.journey).need(Received).distance_km == 180


def test_while_dead_letters_cannot_be_sent_a_conflict_is_asked_for_again(deployment, outage):
    sent = trip()
    deployment.take(sent)
    outage("mns")
    outcome = deployment.take({**sent, "distance_km": 1.5})
    assert (outcome.step, outcome.retry) == ("rejecting", True)


def test_the_same_trip_in_another_style_is_a_conflict_too(deployment):
    sent = trip(styles=["ink_wash"])
    first = deployment.take(sent)
    second = deployment.take({**sent, "styles": ["anime"]})
    assert (second.journey, second.step) == (first.journey, "rejected")
    assert len(deployment.gpu.queued()) == 1


@pytest.mark.parametrize(("driven", "shown"), [(176.0, 180), (645.4, 650), (19.6, 20), (3.4, 3), (0, 0)])
def test_the_ledger_holds_a_distance_that_measures_no_way_to_a_door(deployment, driven, shown):
    assert deployment.read(deployment.submitted(distance_km=driven)).need(Received).distance_km == shown


def test_without_consent_not_a_byte_of_the_trip_is_kept(deployment):
    sent = trip(consent={"process": False, "publish": True}, text="只是路过 SECRET-9431")
    outcome = deployment.take(sent)
    assert outcome.reason.startswith("consent.process: ")
    [letter] = deployment.dead_letters()
    assert (letter["code"], letter["body_base64"], letter["object_key"]) == ("no_consent", "", "")
    assert letter["sha256"] == hashlib.sha256(message(sent).sent).hexdigest()
    bucket = deployment.instance().ledger.bucket
    assert all("SECRET-9431" not in bucket.get(key, max_bytes=10**6).decode() for key in bucket.keys(""))


@pytest.mark.parametrize("body", ["不是 JSON".encode(), b"\xff\xfe", b"[]", b'{"trip_id": 7}', b"[" * 100_000])
def test_what_is_no_trip_is_rejected_under_its_hash(deployment, body):
    outcome = deployment.take(body)
    assert outcome.journey == rejected_journey_id(body)
    assert deployment.read(outcome.journey).need(Rejected).sha256 == hashlib.sha256(body).hexdigest()


def test_a_trip_without_consent_is_never_asked_for_again_whatever_is_down(deployment, outage):
    outage("mns")
    outcome = deployment.take(trip(consent={"process": False, "publish": False}))
    assert (outcome.step, outcome.retry) == ("rejecting", False)


def test_a_message_too_large_for_a_dead_letter_is_kept_beside_it(deployment):
    sent = trip(text="长" * 40_000)
    deployment.take(sent)
    [letter] = deployment.dead_letters()
    assert letter["body_base64"] == ""
    kept = deployment.instance().ledger.bucket.get(letter["object_key"], max_bytes=10**6)
    assert kept == message(sent).body


def test_one_bad_trip_does_not_touch_the_next(deployment):
    bad, good = deployment.take(trip(distance_km=-1)), deployment.take(trip())
    assert (bad.step, good.step) == ("rejected", "submitted")


# A trip that is not over


def test_a_trip_that_ends_in_the_future_is_refused_and_taken_once_it_is_over(deployment):
    sent = trip(ended_at="2026-11-22T18:00:00+08:00", started_at="2026-11-22T06:00:00+08:00")
    assert deployment.take(sent).step == "rejected"
    [letter] = deployment.dead_letters()
    assert (letter["code"], letter["reason"].partition(":")[0]) == ("invalid", "ended_at")
    deployment.clock.advance(hours=3)
    assert deployment.take(sent).step == "submitted"


@pytest.mark.parametrize(("ahead_s", "step"), [(0, "submitted"), (300, "submitted"), (301, "rejected")])
def test_a_clock_that_is_a_little_ahead_is_forgiven(deployment, ahead_s, step):
    end = deployment.clock.at + timedelta(seconds=ahead_s)
    sent = trip(started_at="2026-11-21T10:00:00+08:00", ended_at=end.isoformat())
    assert deployment.take(sent).step == step


def test_with_a_collector_each_step_of_a_run_is_one_span(deployment):
    collector = ScriptedService()
    collector.answers(Reply(200, b"{}"))
    try:
        take_message(message(trip()), deployment.instance(otlp_url=f"{collector.url}/v1/traces"))
    finally:
        collector.close()
    [sent] = collector.seen
    [resource] = sent.json()["resourceSpans"]
    named = [span["name"] for scope in resource["scopeSpans"] for span in scope["spans"]]
    assert named == ["prompted", "submitting", "submitted"]
