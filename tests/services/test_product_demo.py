"""The command with a cloud: the demonstration, and a cloud that is started, asked, disturbed and stopped."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from PIL import Image
from typer.testing import CliRunner

from cli.cloud import is_up
from cli.main import app
from localcloud.state import SERVICES, Cloud
from localcloud.supervisor import answers

if TYPE_CHECKING:
    from click.testing import Result

REPOSITORY = Path(__file__).parents[2]
MAY_HOLIDAY = REPOSITORY / "examples" / "trips" / "01-may-holiday.json"


def tripcanvas(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "500"})


def new_cloud(folder: Path) -> Cloud:
    return Cloud.open(folder / "cloud", free_ports=True)


def test_the_demonstration_turns_a_trip_into_a_picture_and_leaves_nothing_running(tmp_path):
    cloud = new_cloud(tmp_path)
    shown = subprocess.run(
        [sys.executable, "-m", "cli.main", "demo", "--root", str(cloud.root), "--out", str(tmp_path / "图片")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=REPOSITORY,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    card, picture = sorted((tmp_path / "图片").iterdir())
    assert card.stem == f"{picture.stem}-card"
    assert str(card) in shown.stdout
    assert str(picture) in shown.stdout
    assert picture.name.startswith("01-may-holiday-")
    with Image.open(picture) as image:
        assert (image.format, image.size) == ("JPEG", (768, 960))
    told = re.findall(r"^ *[\d.]+ s  (\w+)", shown.stdout, re.MULTILINE)
    assert told == ["cloud", "published", "journey", "received", "prompted", "submitting", "submitted", "rendered", "inspected",
                    "stored", "published"]  # fmt: skip
    assert not [service for service in (*SERVICES, "admin") if answers(cloud, service)]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A cloud that was started in the background, and is stopped as a user would stop it."""
    cloud = new_cloud(tmp_path_factory.mktemp("running"))
    started = tripcanvas("up", "--detach", "--root", cloud.root)
    assert started.exit_code == 0, started.stdout + started.stderr
    assert started.stdout.count("answers") == len(SERVICES)
    yield cloud
    stopped = tripcanvas("down", "--root", cloud.root)
    assert (stopped.exit_code, stopped.stdout.strip()) == (0, "stopped")
    assert not is_up(cloud)


def test_a_trip_with_a_fault_ends_the_demonstration_with_its_field(running, tmp_path):
    trip = tmp_path / "坏旅程.json"
    trip.write_text(json.dumps({**json.loads(MAY_HOLIDAY.read_text("utf-8")), "distance_km": -3}), "utf-8")
    shown = tripcanvas("demo", trip, "--root", running.root, "--out", tmp_path / "out")
    assert shown.exit_code == 1
    assert "distance_km: " in shown.stdout
    assert "rejected" in shown.stdout
    assert not (tmp_path / "out").exists()


def test_a_published_trip_can_be_followed_to_its_end(running, tmp_path):
    trip = tmp_path / "trip.json"
    trip.write_text(json.dumps({**json.loads(MAY_HOLIDAY.read_text("utf-8")), "trip_id": "T-follow"}), "utf-8")
    published = tripcanvas("publish", trip, "--root", running.root)
    assert published.exit_code == 0
    [journey] = re.findall(r"^journey (\S+)$", published.stdout, re.MULTILINE)
    followed = tripcanvas("follow", journey, "--root", running.root)
    assert followed.exit_code == 0
    assert "public post" in followed.stdout


def test_a_second_cloud_in_the_same_folder_is_not_started(running):
    again = tripcanvas("up", "--detach", "--root", running.root)
    assert (again.exit_code, again.stdout.split(";")[0]) == (0, "already running")
    assert tripcanvas("up", "--root", running.root).exit_code == 1


@pytest.mark.parametrize("action", ["stop", "kill"])
def test_a_service_can_be_stopped_killed_and_started(running, action):
    assert tripcanvas("service", "eas", action, "--root", running.root).stdout.strip() == "eas: stopped"
    assert re.search(r"eas .* silent", tripcanvas("services", "--root", running.root).stdout)
    assert tripcanvas("service", "eas", "start", "--root", running.root).stdout.strip() == "eas: running"
    assert answers(running, "eas")


@pytest.mark.parametrize(("service", "action"), [("rds", "stop"), ("eas", "restart")])
def test_what_cannot_be_asked_of_a_service_is_said(running, service, action):
    answer = tripcanvas("service", service, action, "--root", running.root)
    assert answer.exit_code == 1
    assert answer.stderr.startswith("expected POST /services/{oss|mns|")


def test_a_service_that_cannot_start_is_an_error_and_no_traceback(running):
    tripcanvas("service", "feed", "stop", "--root", running.root)
    try:
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", running.ports["feed"]))
            taken.listen()
            answer = tripcanvas("service", "feed", "start", "--root", running.root)
    finally:
        assert tripcanvas("service", "feed", "start", "--root", running.root).exit_code == 0
    assert answer.exit_code == 1
    assert "Traceback" not in answer.stderr
    assert "feed" in answer.stderr


def test_the_admin_address_tells_what_runs(running):
    found = requests.get(f"{running.url('admin')}/services", timeout=10).json()
    assert found == {service: {"url": running.url(service), "running": True} for service in SERVICES}


def test_a_web_page_cannot_stop_anything(running):
    for path in ("/services/eas/stop", "/shutdown"):
        assert requests.post(running.url("admin") + path, timeout=10).status_code == 403
    assert is_up(running)


@pytest.mark.parametrize("command", ["down", "up", "demo"])
def test_a_cloud_of_another_folder_on_the_same_ports_is_named_and_left_alone(running, tmp_path, command):
    shutil.copy(running.root / "cloud.json", tmp_path / "cloud.json")
    answer = tripcanvas(command, "--root", tmp_path)
    assert answer.exit_code == 1
    assert f"another embedded cloud, with its state in {running.root}," in answer.stderr
    assert is_up(running)


def test_the_environment_of_a_running_cloud_is_that_of_its_folder(running):
    printed = tripcanvas("environment", "--root", running.root).stdout
    assert f"export TRIPCANVAS_EAS_URL='{running.url('eas')}'" in printed
