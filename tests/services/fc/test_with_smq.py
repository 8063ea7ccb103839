"""Function Compute and SMQ together: topics that call functions, and destinations that are told what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

from tests.services.fc.project import Project, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

FILES = {
    "takes.py": """
import os, pathlib, uuid
def handler(event, context):
    folder = pathlib.Path(os.environ["NOTES"])
    part = folder / f".{uuid.uuid4().hex}"
    part.write_bytes(event)
    part.rename(folder / f"{context.function.name}-{uuid.uuid4().hex}")
    if b"broken" in event:
        raise ValueError("画布破了")
    return "画好了"
"""
}
_ARN = "acs:mns:${env('TRIPCANVAS_REGION')}:${config('AccountID')}:"


def trigger(**settings: str) -> list[dict[str, Any]]:
    return [
        {
            "triggerName": "trips",
            "triggerType": "mns_topic",
            "sourceArn": f"{_ARN}/topics/trip-completed",
            "triggerConfig": settings,
        }
    ]


FUNCTIONS: dict[str, dict[str, Any]] = {
    "json": {
        "handler": "takes.handler",
        "triggers": trigger(notifyContentFormat="JSON"),
        "asyncInvokeConfig": {
            "maxAsyncRetryAttempts": 1,
            "destinationConfig": {
                "onFailure": {"destination": f"{_ARN}/queues/dead-letters/messages"},
                "onSuccess": {"destination": f"{_ARN}/topics/painted/messages"},
            },
        },
    },
    "stream": {"handler": "takes.handler", "triggers": trigger(filterTag="live")},
}
TRIP = json.dumps({"trip_id": "T20240505-000123", "emoji": "出游", "text": "新司机的五一出游!"}, ensure_ascii=False)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path / "p", FILES, FUNCTIONS, services=("mns", "fc")) as running:
        yield running


@pytest.fixture
def account(project: Project) -> Iterator[Account]:
    cloud = project.cloud
    opened = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    yield opened
    opened.mns_client.close_connection()


def subscription(account: Account, name: str) -> SubscriptionMeta | None:
    try:
        return account.get_topic("trip-completed").get_subscription(name).get_attributes()
    except MNSServerException:
        return None


def test_a_deployment_subscribes_its_functions(project: Project, account: Account) -> None:
    found = eventually(lambda: subscription(account, "json-trips"))
    assert found.endpoint == f"acs:fc:cn-shanghai:{project.cloud.account_id}:functions/json"
    assert (found.notify_content_format, found.notify_strategy) == ("JSON", "BACKOFF_RETRY")
    found = eventually(lambda: subscription(account, "stream-trips"))
    assert (found.notify_content_format, found.filter_tag) == ("STREAM", "live")


def test_a_published_message_reaches_each_function_in_its_format(project: Project, account: Account) -> None:
    eventually(lambda: subscription(account, "json-trips") and subscription(account, "stream-trips"))
    account.get_topic("trip-completed").publish_message(TopicMessage(TRIP, "live"))
    envelope = json.loads(eventually(lambda: project.noted("json"))[0])
    assert envelope["Message"] == TRIP
    assert envelope["TopicName"] == "trip-completed"
    assert eventually(lambda: project.noted("stream")) == [TRIP]


def test_a_message_that_fails_for_good_arrives_at_the_failure_queue(project: Project, account: Account) -> None:
    eventually(lambda: subscription(account, "json-trips"))
    account.get_topic("trip-completed").publish_message(TopicMessage(f"broken {TRIP}", "live"))
    # The queue is made after the function gave up: the event is kept until its destination exists.
    eventually(lambda: "QueueNotExist" in project.cloud.log_file("fc").read_text("utf-8"))
    queue = account.get_queue("dead-letters")
    queue.set_encoding(False)
    queue.create(QueueMeta())
    notice = json.loads(queue.receive_message(10).message_body)
    assert json.loads(notice["requestPayload"])["Message"] == f"broken {TRIP}"
    assert notice["requestContext"]["approximateInvokeCount"] == 2
    assert notice["responseContext"]["functionError"] == "UnhandledInvocationError"
    assert len(project.noted("json")) == 2


def test_a_notice_waits_for_smq_to_come_back_even_over_a_restart(project: Project, account: Account) -> None:
    queue = account.get_queue("dead-letters")
    queue.set_encoding(False)
    queue.create(QueueMeta())
    project.supervisor.stop_service("mns")
    request_id = project.invoke_async("json", "broken 无锡市")
    eventually(lambda: "later again" in _log(project))
    project.supervisor.stop_service("fc", kill=True)
    project.supervisor.start_service("fc")
    project.supervisor.start_service("mns")
    notice = json.loads(queue.receive_message(10).message_body)
    assert notice["requestContext"]["requestId"] == request_id
    assert notice["requestPayload"] == "broken 无锡市"
    assert len(project.noted("json")) == 2


def test_a_success_is_published_to_the_success_topic(project: Project, account: Account) -> None:
    queue = account.get_queue("painted-copy")
    queue.set_encoding(False)
    queue.create(QueueMeta())
    topic = account.get_topic("painted")
    topic.create(TopicMeta())
    topic.get_subscription("copy").subscribe(
        SubscriptionMeta(
            f"acs:mns:cn-shanghai:{project.cloud.account_id}:queues/painted-copy", "BACKOFF_RETRY", "SIMPLIFIED"
        )
    )
    project.invoke_async("json", "湖州市")
    notice = json.loads(queue.receive_message(10).message_body)
    assert (notice["requestPayload"], notice["responsePayload"]) == ("湖州市", "画好了")


def test_functions_deploy_while_smq_is_still_down_and_are_subscribed_when_it_comes_up(tmp_path: Path) -> None:
    with Project(tmp_path / "p", FILES, FUNCTIONS) as project:
        project.supervisor.services = ("mns", "fc")
        assert project.invoke("json").body.decode() == "画好了"
        project.supervisor.start_service("mns")
        cloud = project.cloud
        account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
        eventually(lambda: subscription(account, "json-trips"))
        account.mns_client.close_connection()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"status": 500, "after_effect": True}])
def test_functions_are_subscribed_although_smq_fails_at_first(tmp_path: Path, fault: dict[str, Any]) -> None:
    rule = {"service": "mns", "call": "PUT /topics/*", "do": "status", "times": 2, **fault}
    with Project(tmp_path / "p", FILES, FUNCTIONS) as project:
        project.supervisor.services = ("mns", "fc")
        project.supervisor.stop_service("fc")
        project.supervisor.start_service("mns")
        cloud = project.cloud
        url = f"{cloud.url('mns')}/-/fault-rules"
        requests.put(url, json={"rules": [rule]}, timeout=10).raise_for_status()
        project.supervisor.start_service("fc")
        account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
        eventually(lambda: subscription(account, "json-trips"))
        account.mns_client.close_connection()


def _log(project: Project) -> str:
    return project.cloud.log_file("fc").read_text("utf-8")
