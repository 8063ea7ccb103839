"""The life of a deployment: starting, being replaced, ending without leaving processes behind."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.supervisor import ServiceDied
from tests.services.fc.project import Project, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

FILES = {
    "paints.py": """
import os, pathlib, subprocess, sys
def handler(event, context):
    if event == b"child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        return {"pid": os.getpid(), "child": child.pid}
    return {"pid": os.getpid()}
def farewell(context):
    pathlib.Path(os.environ["NOTES"], "farewell").write_text("洗笔")
""",
    "fires.py": """
import os, pathlib, uuid
def handler(event, context):
    folder = pathlib.Path(os.environ["NOTES"])
    part = folder / f".{uuid.uuid4().hex}"
    part.write_bytes(event)
    part.rename(folder / f"fired-{context.function.name}-{uuid.uuid4().hex}")
""",
}
PAINTS: dict[str, Any] = {
    "paints": {"instanceLifecycleConfig": {"preStop": {"handler": "paints.farewell", "timeout": 5}}}
}


def timer(expression: str, *, enable: bool = True) -> dict[str, Any]:
    return {
        "handler": "fires.handler",
        "triggers": [
            {
                "triggerName": "clock",
                "triggerType": "timer",
                "triggerConfig": {"cronExpression": expression, "enable": enable, "payload": '{"城市":"无锡市"}'},
            }
        ],
    }


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path / "p", FILES, PAINTS) as running:
        yield running


def test_an_orderly_end_runs_the_pre_stop_hook_of_idle_instances(project: Project) -> None:
    pid = json.loads(project.invoke("paints").body)["pid"]
    project.supervisor.stop_service("fc")
    assert (project.notes / "farewell").read_text() == "洗笔"
    assert not _alive(pid)
    assert "FC PreStop Start RequestId: " in project.log("paints")


def test_a_crash_of_the_service_leaves_no_instance_behind_not_even_a_frozen_one(project: Project) -> None:
    pid = json.loads(project.invoke("paints").body)["pid"]
    eventually(lambda: _state(pid) == "T")
    project.supervisor.stop_service("fc", kill=True)
    eventually(lambda: not _alive(pid))


def test_an_orderly_end_also_ends_programs_that_a_function_started(project: Project) -> None:
    started = json.loads(project.invoke("paints", b"child").body)
    project.supervisor.stop_service("fc")
    eventually(lambda: not _alive(started["child"]))
    assert not _alive(started["pid"])


def test_a_mistake_in_s_yaml_stops_the_service_and_names_the_place(tmp_path: Path) -> None:
    broken = Project(tmp_path / "p", FILES, {"paints": {"runtime": "python3.11"}})
    with pytest.raises(ServiceDied, match=r"resources\.paints\.props\.runtime: must be one of python3\.12"):
        broken.supervisor.start()


def test_another_file_can_be_deployed_and_a_wrong_one_changes_nothing(project: Project) -> None:
    other = project.folder / "other.yaml"
    project.describe({"fires": {}}, other)
    (shown,) = _deploy(project, str(other))["functions"]
    assert (shown["name"], shown["handler"], shown["instances"]) == ("fires", "fires.handler", 0)
    project.describe({"fires": {"timeout": 0}}, other)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        _deploy(project, str(other))
    with refusal.value as answer:
        assert answer.status == 400
        assert json.loads(answer.read())["Message"].startswith("resources.fires.props.timeout: ")
    assert project.invoke("fires").body == b"null"


def test_a_redeployment_uses_the_new_code(project: Project) -> None:
    before = json.loads(project.invoke("paints").body)
    (project.folder / "code" / "paints.py").write_text("def handler(event, context):\n    return '新画法'\n", "utf-8")
    _deploy(project, str(project.s_yaml))
    assert project.invoke("paints").body.decode() == "新画法"
    eventually(lambda: not _alive(before["pid"]))


def test_a_page_in_a_browser_can_not_deploy(project: Project) -> None:
    request = urllib.request.Request(
        f"{project.cloud.url('fc')}/-/deploy", b'{"path": "/etc/passwd"}', {"Content-Type": "text/plain"}
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    with refusal.value as answer:
        assert answer.status == 400


def test_the_state_of_each_function_is_shown(project: Project) -> None:
    project.invoke("paints")
    with urllib.request.urlopen(f"{project.cloud.url('fc')}/-/functions") as answer:
        (shown,) = json.loads(answer.read())["functions"]
    assert shown == {
        "name": "paints",
        "runtime": "python3.10",
        "handler": "paints.handler",
        "instances": 1,
        "running": 0,
        "limit": 10,
        "queued": 0,
        "lastErrorType": "",
        "triggers": [],
    }


def test_timers_fire_with_the_documented_event(tmp_path: Path) -> None:
    functions = {
        "minutely": timer("@every 1m"),
        "secondly": timer("* * * * * *"),
        "disabled": timer("* * * * * *", enable=False),
    }
    with Project(tmp_path / "p", FILES, functions) as project:
        event = json.loads(eventually(lambda: project.noted("fired-minutely"))[0])
        assert set(event) == {"triggerTime", "triggerName", "payload"}
        assert event["triggerName"] == "clock"
        assert json.loads(event["payload"]) == {"城市": "无锡市"}
        times = eventually(
            lambda: (
                len(project.noted("fired-secondly")) >= 3
                and [json.loads(text)["triggerTime"] for text in project.noted("fired-secondly")]
            )
        )
        assert len(set(times)) == len(times)
        assert all(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ") for moment in times)
        assert len(project.noted("fired-minutely")) == 1
        assert project.noted("fired-disabled") == []


def _deploy(project: Project, path: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{project.cloud.url('fc')}/-/deploy",
        json.dumps({"path": path}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        shown: dict[str, Any] = json.loads(answer.read())
    return shown


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
