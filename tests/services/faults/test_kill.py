"""A function's process is killed in the middle of an invocation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.services.fc.project import Project, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

FILES = {
    "slow.py": """
import os, pathlib, time, uuid
def handler(event, context):
    notes = pathlib.Path(os.environ["NOTES"])
    (notes / f"begun-{uuid.uuid4().hex}").write_text(str(context.retry_count))
    time.sleep(float(event))
    (notes / f"done-{uuid.uuid4().hex}").write_text(f"{context.retry_count} {os.getpid()}")
    return str(os.getpid())
""",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("kill") / "p", FILES, {"slow": {}}) as running:
        yield running


@pytest.fixture
def project(running: Project) -> Iterator[Project]:
    for note in running.notes.iterdir():
        note.unlink()
    yield running
    requests.delete(f"{running.cloud.url('fc')}/-/fault-rules", timeout=10).raise_for_status()


def kill(project: Project, **fields: Any) -> None:
    rule = {"service": "fc", "do": "kill", "seconds": 0.3, "call": "INVOKE /slow"} | fields
    url = f"{project.cloud.url('fc')}/-/fault-rules"
    requests.put(url, json={"seed": 5, "rules": [rule]}, timeout=10).raise_for_status()


def counts(project: Project) -> tuple[int, int]:
    (rule,) = requests.get(f"{project.cloud.url('fc')}/-/fault-rules", timeout=10).json()["rules"]
    return rule["matched"], rule["struck"]


def test_a_synchronous_invocation_fails_as_that_of_a_crashed_instance_does(project: Project) -> None:
    kill(project, times=1)
    answer = project.invoke("slow", b"30")
    assert (answer.status, answer.error_type) == (200, "UnhandledInvocationError")
    failure = json.loads(answer.body)
    assert failure["errorType"] == "FunctionExited"
    assert "signal 9" in failure["errorMessage"]
    assert project.noted("done") == []


def test_an_asynchronous_invocation_is_repeated_and_then_succeeds(project: Project) -> None:
    kill(project, times=2)
    project.invoke_async("slow", b"0.4")
    (done,) = eventually(lambda: project.noted("done"))
    assert done.split()[0] == "2"
    assert counts(project) == (3, 2)


def test_an_invocation_that_ends_before_its_moment_lives_on(project: Project) -> None:
    pid = project.invoke("slow", b"0").body
    kill(project, seconds=3600)
    assert project.invoke("slow", b"0").body == pid
    assert counts(project) == (1, 1)
    assert project.invoke("slow", b"0").body == pid


def test_a_kill_at_once_strikes_a_warm_instance_too_and_the_next_call_gets_a_new_one(project: Project) -> None:
    pid = project.invoke("slow", b"0").body
    kill(project, seconds=0, times=1)
    assert json.loads(project.invoke("slow", b"5").body)["errorType"] == "FunctionExited"
    assert project.invoke("slow", b"0").body != pid


def test_another_function_is_left_alone(project: Project) -> None:
    kill(project, call="INVOKE /others*")
    assert project.invoke("slow", b"0.5").error_type == ""
    assert counts(project) == (0, 0)
