"""Scripted trouble as the SDK and a plain client see it, and what a crash does to tasks."""

from __future__ import annotations

import signal
import sys
import time
from os import kill
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from dashscope import Generation, ImageSynthesis

from localcloud.dashscope.tasks import Order, Picture, Status, Tasks
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Client

    from localcloud.state import Cloud

MESSAGES = [{"role": "user", "content": "画一张常州的春天"}]


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "InvalidApiKey"),
        (400, "DataInspectionFailed"),
        (400, "Arrearage"),
        (429, "Throttling.RateQuota"),
        (429, "Throttling.AllocationQuota"),
        (500, "InternalError"),
    ],
)
def test_a_scripted_refusal_is_met_once(client: Client, status: int, code: str) -> None:
    client.script(call="text", status=status, code=code)

    refused = Generation.call("qwen-plus", messages=MESSAGES)
    served = Generation.call("qwen-plus", messages=MESSAGES)

    assert (refused.status_code, refused.code) == (status, code)
    assert served.status_code == 200


@pytest.mark.usefixtures("sdk")
def test_a_gateways_web_page_is_an_unknown_error_to_the_sdk(client: Client) -> None:
    client.script(call="text", mode="html")

    answer = Generation.call("qwen-plus", messages=MESSAGES)

    assert (answer.status_code, answer.code) == (502, "Unknown")
    assert "<html>" in answer.message


@pytest.mark.usefixtures("sdk")
def test_an_answer_without_output_breaks_the_sdk(client: Client) -> None:
    client.script(call="text", mode="no_output")

    with pytest.raises(TypeError):
        Generation.call("qwen-plus", messages=MESSAGES)


@pytest.mark.usefixtures("sdk")
def test_a_slow_answer_runs_into_the_callers_timeout(client: Client) -> None:
    client.script(call="text", delay_s=3)

    with pytest.raises(requests.exceptions.ReadTimeout):
        Generation.call("qwen-plus", messages=MESSAGES, request_timeout=0.5)


@pytest.mark.usefixtures("sdk")
def test_a_dropped_connection_ends_the_call_after_the_sdks_one_repetition(client: Client) -> None:
    client.script(call="image", mode="drop", times=2)

    with pytest.raises(requests.exceptions.ConnectionError):
        ImageSynthesis.async_call("wan2.2-t2i-flash", "湖州", n=1)

    assert ImageSynthesis.async_call("wan2.2-t2i-flash", "湖州", n=1, size="512*512").status_code == 200


@pytest.mark.usefixtures("sdk")
def test_the_model_can_be_made_to_say_anything(client: Client) -> None:
    client.script(call="text", mode="says", text='{"painting_prompt": "半')

    answer = Generation.call("qwen-plus", messages=MESSAGES, result_format="message")

    assert answer.output.choices[0].message.content == '{"painting_prompt": "半'


@pytest.mark.usefixtures("sdk")
def test_a_failed_task_looks_like_success_to_the_usual_check(client: Client) -> None:
    client.script(call="task", mode="failed", code="InternalError.Timeout", message="no result in time")

    answer = ImageSynthesis.call("wan2.2-t2i-flash", "无锡", n=1, wait_timeout=30)

    assert (answer.status_code, answer.code) == (200, None)
    assert answer.output.task_status == "FAILED"
    assert answer.output["code"] == "InternalError.Timeout"


@pytest.mark.usefixtures("sdk")
def test_a_partly_failed_task_succeeds_with_one_empty_address(client: Client) -> None:
    client.script(call="task", mode="partial", code="DataInspectionFailed")

    answer = ImageSynthesis.call("wan2.2-t2i-flash", "无锡", n=2, size="512*512", wait_timeout=60)

    assert answer.output.task_status == "SUCCEEDED"
    assert answer.usage.image_count == 1
    assert [bool(result.url) for result in answer.output.results] == [True, False]
    assert answer.output.results[1]["code"] == "DataInspectionFailed"


@pytest.mark.usefixtures("sdk")
def test_a_task_that_never_ends_runs_into_the_wait_timeout(client: Client) -> None:
    client.script(call="task", mode="never")

    answer = ImageSynthesis.call("wanx2.1-t2i-turbo", "无锡", n=1, wait_timeout=2)

    assert (answer.status_code, answer.code) == (408, "WaitTaskTimeout")


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("status", [429, 500, 503])
def test_asking_for_a_task_can_be_refused_without_harm_to_the_task(client: Client, status: int) -> None:
    created = client.paint("wan2.2-t2i-flash").json()["output"]["task_id"]
    client.script(call="task", status=status, code="Throttling" if status == 429 else "InternalError")

    refused = ImageSynthesis.fetch(created)

    assert refused.status_code == status
    assert client.finished(created)["task_status"] == "SUCCEEDED"


def test_a_task_can_be_made_to_be_forgotten(client: Client) -> None:
    created = client.paint("wan2.2-t2i-flash").json()["output"]["task_id"]
    client.script(call="task", mode="unknown")

    assert client.task(created) == {"task_id": created, "task_status": "UNKNOWN"}
    assert client.finished(created)["task_status"] == "SUCCEEDED"


def test_a_download_can_be_made_to_fail(client: Client) -> None:
    url = client.finished(client.paint("wan2.2-t2i-flash").json()["output"]["task_id"])["results"][0]["url"]
    client.script(call="picture", mode="html")
    client.script(call="picture", mode="drop")

    assert requests.get(url, timeout=10).status_code == 502
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, timeout=10)
    assert requests.get(url, timeout=10).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"call": "texts"},
        {"call": "text", "mode": "failed"},
        {"call": "image", "mode": "says"},
        {"call": "text", "times": 0},
        {"call": "text", "delay": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(client: Client, fault: dict[str, object]) -> None:
    answer = client.session.post(f"{client.cloud.url('dashscope')}/-/faults", json=fault, timeout=10)

    assert answer.status_code == 400


def test_faults_can_be_listed_and_forgotten(client: Client) -> None:
    address = f"{client.cloud.url('dashscope')}/-/faults"
    client.script(call="text", code="Arrearage", status=400, times=2)
    assert client.session.get(address, timeout=10).json()["faults"][0]["code"] == "Arrearage"

    client.forget_faults()

    assert client.session.get(address, timeout=10).json() == {"faults": []}


def test_a_finished_task_is_forgotten_after_its_lifetime(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path / "tasks.sqlite", lifetime_s=86400)
    order = Order("wan2.2-t2i-flash", "synthesis", "山", None, "", 512, 512, 1, 0, watermark=False)
    task_id = tasks.create(order, now=1000.0)
    tasks.start(task_id, now=1001.0)
    tasks.end(task_id, (Picture(key="19700101/0.png"),), now=1002.0)

    on_the_last_second = tasks.get(task_id, now=1002.0 + 86400)
    afterwards = tasks.get(task_id, now=1003.0 + 86400)
    tasks.close()

    assert on_the_last_second is not None
    assert on_the_last_second.status is Status.SUCCEEDED
    assert afterwards is None


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_killed_painters_are_replaced_and_their_pictures_painted_again(client: Client) -> None:
    created = client.paint("wan2.2-t2i-flash", n=2, size="768*768").json()["output"]["task_id"]
    client.until(lambda: client.task(created)["task_status"], lambda status: status == "RUNNING")

    killed = _painters(client.cloud)
    for pid in killed:
        kill(pid, signal.SIGKILL)

    assert len(killed) == 2
    assert client.finished(created)["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}
    assert not set(killed) & set(_painters(client.cloud))


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_crash_in_the_middle_of_painting_loses_no_task(cloud: Cloud) -> None:
    # A plain session: the client of the shared service belongs to another cloud.
    with Supervisor(cloud, ["dashscope"]) as supervisor, requests.Session() as session:
        headers = {"Authorization": f"Bearer {cloud.dashscope_api_key}"}
        api = f"{cloud.url('dashscope')}/api/v1"
        ids = [
            session.post(
                f"{api}/services/aigc/text2image/image-synthesis",
                json={
                    "model": "wan2.2-t2i-flash",
                    "input": {"prompt": "青海湖的夏天"},
                    "parameters": {"n": 1, "size": "512*512"},
                },
                headers={**headers, "X-DashScope-Async": "enable"},
                timeout=10,
            ).json()["output"]["task_id"]
            for _ in range(3)
        ]
        painters = _painters(cloud)

        supervisor.stop_service("dashscope", kill=True)
        # An ended process that nobody has collected yet has no command any more.
        _wait(lambda: not any("".join(_command(Path(f"/proc/{pid}"))) for pid in painters))
        supervisor.start_service("dashscope")

        def states() -> set[str]:
            # A connection that the crash has cut can't be used again.
            answers = [requests.get(f"{api}/tasks/{task_id}", headers=headers, timeout=10) for task_id in ids]
            return {answer.json()["output"]["task_status"] for answer in answers}

        _wait(lambda: states() == {"SUCCEEDED"})


def _painters(cloud: Cloud) -> list[int]:
    service = next(
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
        and (words := _command(entry)).count("localcloud.serve")
        and str(cloud.root) in words
        and "dashscope" in words
    )
    children = Path(f"/proc/{service}/task/{service}/children").read_text().split()
    return [int(pid) for pid in children if any("spawn_main" in word for word in _command(Path("/proc") / pid))]


def _command(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_text().split("\0")
    except OSError:
        return []


def _wait(reached: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)
