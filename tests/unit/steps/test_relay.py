"""Finished renders, from the GPU side's output queue to a topic: none is lost, and none is deleted before it was sent."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from shared.clouds.messages import MAX_BODY_BYTES
from shared.delivery import take_result
from shared.errors import Misconfigured, ServiceError, Unavailable
from shared.journey import task_id
from shared.relay import relay_results
from shared.results import SinkRecord
from tests.unit.clouds.scripted import Reply, ScriptedService
from tests.unit.steps.deployment import STRAIGHT, painted, result, trip

TASK = "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60-1"
ANSWER = '[{"9":{"images":[]}},"完成"]'
SECONDS = 0.3


@pytest.fixture
def arrived(deployment):
    """What the topic's subscriber has got so far."""
    from mns.account import Account
    from mns.queue import QueueMeta
    from mns.subscription import SubscriptionMeta

    cloud, name = deployment.cloud, deployment.settings.result_topic
    account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    account.get_queue(name).create(QueueMeta())
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{name}"
    meta = SubscriptionMeta(endpoint, "EXPONENTIAL_DECAY_RETRY", "SIMPLIFIED")
    account.get_subscription(name, "subscriber").subscribe(meta)

    def wait(count):
        deadline = time.monotonic() + 10
        while len(found := deployment.waiting(name)) < count:
            assert time.monotonic() < deadline, "the records did not arrive in time"
            time.sleep(0.02)
        return [json.loads(body) for body in found]

    return wait


def test_every_record_is_forwarded_and_then_deleted(deployment, arrived):
    deployment.gpu.answer(TASK, ANSWER.encode())
    deployment.gpu.answer("another-users-task", "不是 JSON".encode(), lastCode="500")
    assert relay_results(deployment.instance(), seconds=SECONDS) == 2
    records = {record["task_id"]: record for record in arrived(2)}
    assert (records[TASK]["answer"], records[TASK]["status"]) == (ANSWER, 200)
    assert records[TASK]["request_id"]
    assert records["another-users-task"]["status"] == 500
    assert deployment.gpu.in_sink() == []


def test_what_the_relay_forwards_is_what_the_delivery_takes(deployment, arrived):
    journey = deployment.take(trip()).journey
    deployment.paint(journey)
    deployment.gpu.answer(task_id(journey, 1), painted(journey).encode())
    relay_results(deployment.instance(), seconds=SECONDS)
    [record] = arrived(1)
    assert take_result(result(SinkRecord(**record)), deployment.instance()).step == "published"
    assert deployment.steps(journey) == STRAIGHT


def test_with_nothing_to_forward_it_waits_its_time_and_no_longer(deployment):
    started = time.monotonic()
    assert relay_results(deployment.instance(), seconds=SECONDS) == 0
    assert SECONDS * 0.9 < time.monotonic() - started < SECONDS + 5


def test_more_records_than_one_batch_are_forwarded_in_one_run(deployment):
    for number in range(20):
        deployment.gpu.answer(f"{TASK}{number}", ANSWER.encode())
    drained = until(lambda: not deployment.gpu.in_sink())
    assert relay_results(deployment.instance(), seconds=30, monotonic=drained) == 20
    assert deployment.gpu.in_sink() == []


def test_an_answer_that_no_topic_can_carry_goes_on_without_its_text(deployment, arrived):
    deployment.gpu.answer(TASK, b"x" * (MAX_BODY_BYTES + 1))
    assert relay_results(deployment.instance(), seconds=SECONDS) == 1
    [record] = arrived(1)
    assert (record["task_id"], record["answer"]) == (TASK, "")
    assert deployment.gpu.in_sink() == []


def test_an_answer_with_control_characters_and_markup_arrives_as_it_was(deployment, arrived):
    deployment.gpu.answer(TASK, "\x00\x0b\ufffe]]>&<完成".encode())
    assert relay_results(deployment.instance(), seconds=SECONDS) == 1
    assert arrived(1)[0]["answer"] == "\x00\x0b\ufffe]]>&<完成"


def test_a_record_that_the_topic_refuses_does_not_keep_the_next_from_going_on(deployment):
    from mns.account import Account
    from mns.topic import TopicMeta

    cloud = deployment.cloud
    account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    account.get_topic("small").create(TopicMeta(maximum_message_size=1024))
    deployment.gpu.answer("another-users-task", b"x" * 2000)
    deployment.gpu.answer(TASK, ANSWER.encode())
    relay_results(deployment.instance(result_topic="small"), seconds=SECONDS)
    assert deployment.gpu.in_sink() == []


def test_a_trouble_of_the_topic_under_an_unknown_name_loses_no_record(deployment):
    error = (
        '<?xml version="1.0"?><Error xmlns="http://mns.aliyuncs.com/doc/v1"><Code>ServiceUnavailable</Code>'
        "<Message>忙</Message><RequestId>R-9</RequestId><HostId>h</HostId></Error>"
    )
    service = ScriptedService()
    service.answers(Reply(503, error.encode(), {"Content-Type": "text/xml"}))
    deployment.gpu.answer(TASK, ANSWER.encode())
    with contextlib.suppress(ServiceError):
        relay_results(deployment.instance(mns_endpoint=service.url), seconds=SECONDS)
    service.close()
    assert deployment.gpu.in_sink() == [TASK]


def test_while_the_topic_is_down_the_record_stays_where_it_is(deployment, outage, embedded, arrived):
    deployment.gpu.answer(TASK, ANSWER.encode())
    outage("mns")
    with pytest.raises(Unavailable) as raised:
        relay_results(deployment.instance(), seconds=SECONDS)
    assert raised.value.service == "mns"
    assert deployment.gpu.in_sink() == [TASK]
    embedded.start_service("mns")
    assert relay_results(deployment.instance(), seconds=SECONDS) == 1
    assert len(arrived(1)) == 1


def test_a_queue_that_comes_back_within_its_time_is_polled_again(deployment, outage, embedded, arrived):
    deployment.gpu.answer(TASK, ANSWER.encode())
    outage("eas")
    forwarded = relay_results(deployment.instance(), seconds=10, sleep=lambda _: embedded.start_service("eas"),
                              monotonic=until(lambda: deployment.waiting(deployment.settings.result_topic)))  # fmt: skip
    assert forwarded == 1
    assert deployment.gpu.in_sink() == []


def until(done):
    """A clock that runs, and is at its end as soon as something is done."""
    return lambda: time.monotonic() + (60 if done() else 0)


def test_a_queue_that_stays_away_is_an_error_at_the_end(deployment, outage):
    outage("eas")
    pauses = []
    with pytest.raises(Unavailable) as raised:
        relay_results(deployment.instance(), seconds=SECONDS, sleep=lambda s: (pauses.append(s), time.sleep(0.1)))
    assert raised.value.service == "eas"
    assert all(0 <= pause <= 1 for pause in pauses)
    assert len(pauses) > 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"result_topic": "no-such-topic"}, "TopicNotExist"), ({"eas_token": "wrong"}, "TRIPCANVAS_EAS_TOKEN"),
     ({"result_topic": ""}, "TRIPCANVAS_RESULT_TOPIC")],
    ids=["no topic", "wrong token", "no setting"],
)  # fmt: skip
def test_a_wrong_setting_ends_the_run_at_once_and_keeps_the_record(deployment, settings, named):
    deployment.gpu.answer(TASK, ANSWER.encode())
    started = time.monotonic()
    with pytest.raises(Misconfigured, match=named):
        relay_results(deployment.instance(**settings), seconds=20)
    assert time.monotonic() - started < 10
    assert deployment.gpu.in_sink() == [TASK]


def test_a_poll_whose_answer_broke_off_loses_nothing(deployment, arrived):
    deployment.gpu.answer(TASK, ANSWER.encode())
    deployment.gpu.order_fault("get-cut-off")
    relay_results(deployment.instance(), seconds=SECONDS, sleep=lambda _: None)
    assert len(arrived(1)) == 1
