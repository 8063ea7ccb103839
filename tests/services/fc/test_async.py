"""Asynchronous invocations: kept, repeated, throttled, reported, stopped; and what a crash leaves behind."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_fc20230330 import models
from alibabacloud_tea_openapi.exceptions import ClientException

from tests.services.fc.project import Project, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

_NOTE = """
import json, os, pathlib, threading, time, uuid
def note(prefix, text):
    folder = pathlib.Path(os.environ["NOTES"])
    part = folder / f".{uuid.uuid4().hex}"
    part.write_text(text, "utf-8")
    part.rename(folder / f"{prefix}-{uuid.uuid4().hex}")
"""
FILES = {
    "note.py": _NOTE,
    "writes.py": """
from note import note
def handler(event, context):
    note("written", event.decode())
    return "画好了"
""",
    "fails.py": """
from note import note
def handler(event, context):
    note("attempt", str(context.retry_count))
    raise RuntimeError("画坏了")
""",
    "recovers.py": """
from note import note
def handler(event, context):
    note("try", str(context.retry_count))
    if context.retry_count < 1:
        raise RuntimeError("再来一次")
""",
    "times.py": """
import json, time
from note import note
def handler(event, context):
    started = time.time()
    time.sleep(0.3)
    note("span", json.dumps([started, time.time()]))
""",
    "waits.py": """
import json, os, pathlib, time
from note import note
def handler(event, context):
    note("started", json.dumps({"pid": os.getpid(), "event": event.decode()}))
    while not pathlib.Path(os.environ["NOTES"], "go").exists():
        time.sleep(0.02)
    note("finished", event.decode())
""",
}
_TO_WRITES = "acs:fc:${env('TRIPCANVAS_REGION')}:${config('AccountID')}:functions/writes"
FUNCTIONS: dict[str, dict[str, Any]] = {
    "writes": {},
    "fails": {
        "asyncInvokeConfig": {
            "maxAsyncRetryAttempts": 2,
            "asyncTask": True,
            "destinationConfig": {"onFailure": {"destination": _TO_WRITES}},
        }
    },
    "recovers": {
        "asyncInvokeConfig": {
            "asyncTask": True,
            "destinationConfig": {
                "onSuccess": {"destination": _TO_WRITES},
                "onFailure": {"destination": "acs:mns:cn-shanghai:1:/queues/never/messages"},
            },
        }
    },
    "once": {"handler": "times.handler", "concurrencyConfig": {"reservedConcurrency": 1}},
    "times": {},
    "waits": {"timeout": 60, "asyncInvokeConfig": {"asyncTask": True}},
    "never": {
        "handler": "writes.handler",
        "concurrencyConfig": {"reservedConcurrency": 0},
        "asyncInvokeConfig": {"asyncTask": True, "maxAsyncEventAgeInSeconds": 1},
    },
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path / "p", FILES, FUNCTIONS) as running:
        yield running


def task(project: Project, function: str, task_id: str) -> models.AsyncTask:
    return project.client.get_async_task(function, task_id, models.GetAsyncTaskRequest()).body


def wait_for(project: Project, function: str, task_id: str, status: str) -> models.AsyncTask:
    def reached() -> models.AsyncTask | None:
        found = task(project, function, task_id)
        return found if found.status == status else None

    found: models.AsyncTask = eventually(reached)
    return found


def test_an_accepted_event_runs_and_leaves_nothing_queued(project: Project) -> None:
    project.invoke_async("writes", "湖州市")
    assert eventually(lambda: project.noted("written")) == ["湖州市"]


def test_a_failing_function_is_repeated_as_often_as_configured_and_its_failure_is_reported(project: Project) -> None:
    request_id = project.invoke_async("fails", "无锡市", x_fc_async_task_id="trip-1")
    failed = wait_for(project, "fails", "trip-1", "Failed")
    assert project.noted("attempt") == ["0", "1", "2"]
    assert (failed.already_retried_times, failed.request_id) == (2, request_id)
    assert failed.task_payload == "无锡市"
    (notice,) = [json.loads(text) for text in eventually(lambda: project.noted("written"))]
    assert notice["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"acs:fc:cn-shanghai:{project.cloud.account_id}:functions/fails",
        "condition": "UnhandledInvocationError",
        "approximateInvokeCount": 3,
    }
    assert notice["requestPayload"] == "无锡市"
    assert notice["responseContext"] == {"statusCode": 200, "functionError": "UnhandledInvocationError"}
    assert json.loads(notice["responsePayload"])["errorMessage"] == "画坏了"
    eventually(lambda: task(project, "fails", "trip-1").destination_status == "Succeeded")


def test_a_function_that_recovers_is_not_repeated_further_and_its_success_is_reported(project: Project) -> None:
    project.invoke_async("recovers", x_fc_async_task_id="trip-2")
    assert wait_for(project, "recovers", "trip-2", "Succeeded").already_retried_times == 1
    assert project.noted("try") == ["0", "1"]
    (notice,) = [json.loads(text) for text in eventually(lambda: project.noted("written"))]
    assert notice["responseContext"]["functionError"] == ""
    assert notice["responsePayload"] == "null"


def test_with_reserved_concurrency_1_events_run_one_after_the_other(project: Project) -> None:
    for _ in range(4):
        project.invoke_async("once")
    spans = _spans(project, 4)
    assert _most_at_once(spans) == 1


def test_a_backlog_is_worked_off_with_at_most_four_instances(project: Project) -> None:
    for _ in range(10):
        project.invoke_async("times")
    spans = _spans(project, 10)
    assert 2 <= _most_at_once(spans) <= 4


def test_a_task_id_is_accepted_once(project: Project) -> None:
    project.invoke_async("waits", x_fc_async_task_id="trip-3")
    with pytest.raises(ClientException) as refusal:
        project.invoke_async("waits", x_fc_async_task_id="trip-3")
    assert refusal.value.status_code == 409
    with pytest.raises(ClientException) as invalid:
        project.invoke_async("waits", x_fc_async_task_id="3-trip")
    assert invalid.value.status_code == 400


def test_tasks_can_be_listed_and_stopped(project: Project) -> None:
    for number in range(6):
        project.invoke_async("waits", f"{number}", x_fc_async_task_id=f"trip-{number}")
    started = eventually(lambda: len(project.noted("started")) == 4 and project.noted("started"))
    pids = {note["event"]: note["pid"] for note in map(json.loads, started)}
    listed = project.client.list_async_tasks("waits", models.ListAsyncTasksRequest(include_payload=True)).body.tasks
    assert sorted((found.task_id, found.status, found.task_payload) for found in listed) == [
        ("trip-0", "Running", "0"),
        ("trip-1", "Running", "1"),
        ("trip-2", "Running", "2"),
        ("trip-3", "Running", "3"),
        ("trip-4", "Enqueued", "4"),
        ("trip-5", "Enqueued", "5"),
    ]
    for task_id in ("trip-0", "trip-5"):
        project.client.stop_async_task("waits", task_id, models.StopAsyncTaskRequest())
        wait_for(project, "waits", task_id, "Stopped")
    eventually(lambda: not _alive(pids["0"]))
    eventually(lambda: len(project.noted("started")) == 5)
    (project.notes / "go").touch()
    wait_for(project, "waits", "trip-4", "Succeeded")
    assert sorted(project.noted("finished")) == ["1", "2", "3", "4"]


def test_an_event_that_finds_no_instance_within_its_age_expires(project: Project) -> None:
    project.invoke_async("never", x_fc_async_task_id="trip-4")
    wait_for(project, "never", "trip-4", "Expired")
    assert project.noted("written") == []


def test_an_accepted_event_survives_the_crash_of_the_service_and_runs_again(project: Project) -> None:
    project.invoke_async("waits", "上海市", x_fc_async_task_id="trip-5")
    (note,) = eventually(lambda: project.noted("started"))
    project.supervisor.stop_service("fc", kill=True)
    eventually(lambda: not _alive(json.loads(note)["pid"]))
    assert project.noted("finished") == []
    (project.notes / "go").touch()
    project.supervisor.start_service("fc")
    assert eventually(lambda: project.noted("finished")) == ["上海市"]
    assert len(project.noted("started")) == 2
    assert wait_for(project, "waits", "trip-5", "Succeeded").already_retried_times == 0


def test_what_waits_for_its_first_attempt_survives_an_orderly_restart(project: Project) -> None:
    for number in range(6):
        project.invoke_async("waits", f"{number}")
    eventually(lambda: len(project.noted("started")) == 4)
    project.supervisor.stop_service("fc")
    (project.notes / "go").touch()
    project.supervisor.start_service("fc")
    eventually(lambda: set(project.noted("finished")) == set("012345"))


def _spans(project: Project, count: int) -> list[tuple[float, float]]:
    texts = eventually(lambda: len(project.noted("span")) == count and project.noted("span"), timeout_s=30)
    return [tuple(json.loads(text)) for text in texts]


def _most_at_once(spans: list[tuple[float, float]]) -> int:
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
