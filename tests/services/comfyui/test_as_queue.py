"""The product's client of the standard edition against servers: the embedded one, and the one of ``COMFYUI_URL``."""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.clouds.comfyui_server import ComfyUIServer, open_comfyui_server
from shared.clouds.image_queue import Load, Place
from shared.errors import Misconfigured, Refused, Unavailable
from shared.results import Files, SinkRecord, read_answer
from tests.services.comfyui.failures import node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = os.environ.get("COMFYUI_URL", "").rstrip("/")
REAL = pytest.param("real", marks=pytest.mark.skipif(not URL, reason="COMFYUI_URL names no ComfyUI server"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    found = Cloud.open(tmp_path_factory.mktemp("cloud"), free_ports=True)
    with Supervisor(found, ["oss", "eas", "comfyui"]):
        yield found


@pytest.fixture(params=["embedded", REAL])
def server(request: pytest.FixtureRequest, cloud: Cloud) -> ComfyUIServer:
    if request.param == "real":
        return open_comfyui_server(URL, "", "")
    return open_comfyui_server(cloud.url("eas"), cloud.eas_standard_service, cloud.eas_token)


def a_task() -> str:
    return f"{uuid.uuid4()}-1"


def graph(task: str, **more: Any) -> bytes:
    nodes = {
        "1": node("EmptyImage", width=8, height=6, batch_size=1, color=int(task[:4], 16)),
        "9": node("SaveImage", images=["1", 0], filename_prefix=f"{task}/picture"),
    }
    return json.dumps({**nodes, **more}, ensure_ascii=False).encode()


def result(server: ComfyUIServer, task: str, timeout_s: float = 60.0) -> SinkRecord:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for record in server.poll_sink(wait_s=1, length=16):
            if record.task_id == task:
                return record
    raise AssertionError("no result")


def wait_until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_task_is_queued_found_forwarded_and_forgotten(server: ComfyUIServer) -> None:
    task = a_task()
    index, request_id = server.put(graph(task), task_id=task, traceparent="00-aa-bb-01")
    assert index >= 1
    assert request_id == task
    record = result(server, task)
    assert read_answer(record, "9") == Files((f"{task}/picture_00001_.png",))
    assert server.find(task) == Place(index, reported=True)
    assert server.load().unread >= 1
    server.delete_from_sink([record])
    assert server.find(task) is None
    assert task not in [other.task_id for other in server.poll_sink(wait_s=0, length=16)]


def test_a_second_attempt_paints_a_file_of_its_own(server: ComfyUIServer) -> None:
    first = a_task()
    second = f"{first[:-1]}2"
    for task in (first, second):
        server.put(graph(task), task_id=task)
        record = result(server, task)
        assert read_answer(record, "9") == Files((f"{task}/picture_00001_.png",))
        server.delete_from_sink([record])


def test_a_cached_answer_names_the_file_of_the_task_that_painted(server: ComfyUIServer) -> None:
    first, second = a_task(), a_task()
    for task in (first, second):
        server.put(graph(first), task_id=task)
        record = result(server, task)
        server.delete_from_sink([record])
    reading = read_answer(record, "9")
    assert not isinstance(reading, Files)
    assert reading.code == "foreign_picture"


def test_a_graph_that_is_wrong_is_refused_with_a_reason(server: ComfyUIServer) -> None:
    task = a_task()
    with pytest.raises(Refused, match="node_missing: node missing: 没有的节点"):
        server.put(graph(task, **{"2": node("没有的节点", text="西湖")}), task_id=task)
    assert server.find(task) is None


def test_a_graph_that_is_wrong_in_part_is_refused_as_a_whole(server: ComfyUIServer) -> None:
    task = a_task()
    with pytest.raises(Refused, match="a part of the graph was refused: node 8"):
        server.put(graph(task, **{"8": node("SaveImage", filename_prefix="x")}), task_id=task)


def test_an_error_on_the_server_is_forwarded_without_the_prompt(server: ComfyUIServer) -> None:
    task = a_task()
    nodes = {"1": node("EmptyImage", width=8, height=6, batch_size=1, color=3),
             "9": node("SaveImage", images=["1", 0], filename_prefix="../../西湖")}  # fmt: skip
    server.put(json.dumps(nodes).encode(), task_id=task)
    record = result(server, task)
    server.delete_from_sink([record])
    assert '"prompt"' not in record.answer
    reading = read_answer(record, "9")
    assert not isinstance(reading, Files)
    assert reading.reason == "SaveImage: the file name prefix leaves the output folder"


def test_results_of_others_are_left_alone(server: ComfyUIServer) -> None:
    theirs = str(uuid.uuid4())
    headers = {"Authorization": server.token} if server.token else {}
    body = json.dumps({"prompt": json.loads(graph(theirs)), "prompt_id": theirs}).encode()
    requests.post(f"{server.base}/prompt", data=body, headers=headers, timeout=30).raise_for_status()

    def over() -> bool:
        return bool(requests.get(f"{server.base}/history/{theirs}", headers=headers, timeout=30).json())

    wait_until(over)
    assert theirs not in [record.task_id for record in server.poll_sink(wait_s=0, length=64)]
    assert over()


def test_taking_back_what_is_not_there_is_fine(server: ComfyUIServer) -> None:
    server.drop(a_task(), 3)
    server.delete_from_sink([SinkRecord(task_id=a_task(), request_id="", index=1, answer="")])


def test_a_wrong_token_is_a_fault_of_the_deployment(cloud: Cloud) -> None:
    with pytest.raises(Misconfigured, match="TRIPCANVAS_EAS_TOKEN"):
        open_comfyui_server(cloud.url("eas"), cloud.eas_standard_service, "wrong").load()


def test_without_an_instance_nothing_is_taken(cloud: Cloud) -> None:
    with Supervisor(Cloud.open(cloud.root.parent / "alone", free_ports=True), ["eas"]) as running:
        alone = running.cloud
        server = open_comfyui_server(alone.url("eas"), alone.eas_standard_service, alone.eas_token)
        with pytest.raises(Unavailable):
            server.put(graph(a_task()), task_id=a_task())


def test_an_idle_server_is_empty(cloud: Cloud) -> None:
    server = open_comfyui_server(cloud.url("eas"), cloud.eas_standard_service, cloud.eas_token)
    wait_until(lambda: server.load().waiting == 0)
    records = server.poll_sink(wait_s=0, length=64)
    if records:
        server.delete_from_sink(records)
    assert server.load() == Load(waiting=0, unread=0, unread_limit=64)
