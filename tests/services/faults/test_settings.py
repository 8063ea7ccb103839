"""Rules from a file, at a service, at the admin address for the whole cloud, and by the command."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests
from typer.testing import CliRunner

from cli.cloud import start_detached, stop
from cli.main import app
from localcloud.admin import COMMAND_HEADER
from localcloud.faults.rules import FAULT_HEADER, FAULTY_SERVICES
from localcloud.state import Cloud
from localcloud.supervisor import ServiceDied, Supervisor
from tests.services.mns.clients import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMAND = {COMMAND_HEADER: "1"}
FEED_DOWN = """
seed = 7

[[rules]]
service = "feed"
call = "GET /api/feed"
do = "status"
status = 503
"""


def page(cloud: Cloud) -> int:
    return requests.get(f"{cloud.url('feed')}/api/feed", timeout=5).status_code


# A file.


def test_a_file_in_the_clouds_folder_is_read_at_every_start(cloud: Cloud) -> None:
    (cloud.root / "faults.toml").write_text(FEED_DOWN, "utf-8")
    with Supervisor(cloud, ["feed"]) as supervisor:
        assert page(cloud) == 503
        requests.delete(f"{cloud.url('feed')}/-/fault-rules", timeout=5).raise_for_status()
        assert page(cloud) == 200
        supervisor.stop_service("feed", kill=True)
        supervisor.start_service("feed")
        assert page(cloud) == 503


def test_another_file_can_be_named_by_the_environment(cloud: Cloud, tmp_path: Path) -> None:
    (cloud.root / "faults.toml").write_text("not even TOML", "utf-8")
    file = tmp_path / "outage.toml"
    file.write_text(FEED_DOWN, "utf-8")
    with Supervisor(cloud, ["feed"], {"TRIPCANVAS_LOCAL_FAULTS": str(file)}):
        assert page(cloud) == 503


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (FEED_DOWN.replace("503", "200"), r"faults\.toml: rules\[0\]\.status"),
        (FEED_DOWN.replace("call", "path"), r"faults\.toml: rules\[0\]: Object contains unknown field `path`"),
        ("seed = [", r"faults\.toml: "),
    ],
)
def test_a_bad_file_stops_the_start_and_the_field_is_named(cloud: Cloud, text: str, named: str) -> None:
    (cloud.root / "faults.toml").write_text(text, "utf-8")
    with pytest.raises(ServiceDied, match=named) as died, Supervisor(cloud, ["feed"]):
        pass
    assert "Traceback" not in str(died.value)


def test_a_file_that_was_named_and_is_not_there_stops_the_start(cloud: Cloud, tmp_path: Path) -> None:
    environment = {"TRIPCANVAS_LOCAL_FAULTS": str(tmp_path / "none.toml")}
    with pytest.raises(ServiceDied, match=r"none\.toml: No such file"), Supervisor(cloud, ["feed"], environment):
        pass


# One service.


def test_rules_are_told_with_their_counts(running: Cloud, rules: Callable[..., Any]) -> None:
    rule = {"service": "feed", "call": "GET /api/*", "do": "status", "status": 500, "probability": 0.5, "times": 2}
    other = {"service": "oss", "do": "reset"}
    rules(rule, other, seed=3)
    for _ in range(20):
        page(running)
    told = requests.get(f"{running.url('feed')}/-/fault-rules", timeout=5).json()
    assert told == {
        "service": "feed",
        "seed": 3,
        "rules": [{"number": 0, **rule, "matched": 20, "struck": 2}],
    }


def test_rules_that_cannot_be_read_change_nothing(running: Cloud, rules: Callable[..., Any]) -> None:
    rules({"service": "feed", "do": "status", "status": 503})
    url = f"{running.url('feed')}/-/fault-rules"
    answer = requests.put(url, json={"rules": [{"service": "feed", "do": "status", "status": 7}]}, timeout=5)
    assert answer.status_code == 400
    assert "rules[0].status" in answer.json()["error"]
    assert page(running) == 503


def test_a_struck_fault_is_logged_without_anything_of_the_request(running: Cloud, rules: Callable[..., Any]) -> None:
    rules({"service": "feed", "do": "status", "status": 503, "after_effect": True})
    fault = {FAULT_HEADER: '{"do":"status","status":500}', "x-secret": "geheim"}
    requests.get(f"{running.url('feed')}/posts/geheim?about=geheim", timeout=5)
    requests.get(f"{running.url('feed')}/posts/geheim?about=geheim", headers=fault, timeout=5)
    log = running.log_file("feed").read_text("utf-8")
    assert "rule 0 strikes feed GET: status after the effect" in log
    assert "a request's own fault strikes feed: status" in log
    assert "geheim" not in log


# The whole cloud.


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud as `tripcanvas up --detach` runs it."""
    cloud = Cloud.open(tmp_path_factory.mktemp("whole") / "cloud", free_ports=True)
    start_detached(cloud)
    yield cloud
    stop(cloud)


@pytest.fixture
def admin(whole: Cloud) -> Iterator[str]:
    url = f"{whole.url('admin')}/faults"
    yield url
    requests.delete(url, headers=COMMAND, timeout=10).raise_for_status()


@pytest.fixture
def command(whole: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["faults", *map(str, words), "--root", str(whole.root)])


EVERYWHERE = {"seed": 7, "rules": [{"service": "*", "do": "status", "status": 503}]}


def test_rules_are_set_told_and_cleared_on_every_service(whole: Cloud, admin: str) -> None:
    told = requests.put(admin, json=EVERYWHERE, headers=COMMAND, timeout=10).json()["services"]
    assert set(told) == set(FAULTY_SERVICES)
    for service in FAULTY_SERVICES:
        assert requests.get(f"{whole.url(service)}/x", timeout=5).status_code == 503
    told = requests.get(admin, timeout=10).json()["services"]
    assert all(found["rules"][0]["struck"] >= 1 for found in told.values())
    requests.delete(admin, headers=COMMAND, timeout=10).raise_for_status()
    assert page(whole) == 200


def test_only_a_command_changes_rules(whole: Cloud, admin: str) -> None:
    assert requests.put(admin, json=EVERYWHERE, timeout=10).status_code == 403
    assert requests.delete(admin, timeout=10).status_code == 403
    assert page(whole) == 200


def test_a_bad_rule_reaches_no_service(whole: Cloud, admin: str) -> None:
    answer = requests.put(admin, json={"rules": [{"service": "*", "do": "x"}]}, headers=COMMAND, timeout=10)
    assert (answer.status_code, "rules[0].do" in answer.json()["error"]) == (400, True)
    assert page(whole) == 200


def test_a_service_that_starts_later_gets_the_rules_that_were_set(whole: Cloud, admin: str) -> None:
    act = f"{whole.url('admin')}/services/feed"
    requests.post(f"{act}/kill", headers=COMMAND, timeout=10).raise_for_status()
    told = requests.put(admin, json=EVERYWHERE, headers=COMMAND, timeout=10).json()["services"]
    assert [service for service, found in told.items() if found is None] == ["feed"]
    requests.post(f"{act}/start", headers=COMMAND, timeout=30).raise_for_status()
    assert page(whole) == 503


def test_the_command_sets_shows_and_clears(
    whole: Cloud, admin: str, command: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "outage.toml"
    file.write_text(FEED_DOWN, "utf-8")
    assert command("show").output.strip() == "no fault rules"
    assert command("set", file).exit_code == 0
    assert page(whole) == 503
    shown = command("show")
    assert shown.exit_code == 0
    (row,) = [line.split() for line in shown.output.splitlines() if "feed" in line]
    assert row == ["0", "feed", "GET", "/api/feed", "status", "status=503", "1", "1"]
    assert json.loads(command("show", "--json").output)["feed"]["seed"] == 7
    assert command("clear").output.strip() == "no fault rules"
    assert page(whole) == 200


def test_the_command_names_the_field_of_a_bad_file(
    whole: Cloud, admin: str, command: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "outage.toml"
    file.write_text(FEED_DOWN.replace("503", '"many"'), "utf-8")
    answer = command("set", file)
    assert answer.exit_code == 1
    assert "rules[0].status" in answer.stderr


def test_without_a_cloud_the_command_says_how_to_start_one(cloud: Cloud) -> None:
    answer = CliRunner().invoke(app, ["faults", "show", "--root", str(cloud.root)])
    assert (answer.exit_code, "tripcanvas up" in answer.stderr) == (1, True)


# Ends.


def test_a_service_stops_while_a_request_hangs_and_ends_its_connection(cloud: Cloud) -> None:
    with Supervisor(cloud, ["feed"]) as supervisor:
        connection = socket.create_connection(("127.0.0.1", cloud.ports["feed"]), timeout=10)
        with connection:
            fault = '{"do":"hang","seconds":3600}'
            connection.sendall(f"GET / HTTP/1.1\r\nHost: h\r\n{FAULT_HEADER}: {fault}\r\n\r\n".encode())
            eventually(lambda: "fault strikes" in cloud.log_file("feed").read_text("utf-8"))
            supervisor.stop_service("feed")
            assert connection.recv(1) == b""
    assert "Traceback" not in cloud.log_file("feed").read_text("utf-8")
