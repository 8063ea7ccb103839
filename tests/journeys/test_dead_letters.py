"""Dead letters of a whole deployment: the cause is mended, the letter is sent again, and the trip is posted once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.letter_box import LetterBox
from localcloud.state import without_proxy
from shared.records import Received, Rejected, Step
from tests.journeys.conftest import INSTANT, SHORT, a_world
from tests.journeys.test_bad_input import invoke

PROJECT = Path(__file__).parents[2]
DEPLOYED = ("cli", "deploy", "functions", "localcloud", "shared", "workflows")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project that a test may change, as a designer or a developer would."""
    folder = tmp_path_factory.mktemp("project")
    for name in DEPLOYED:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "s.yaml", folder)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory, project):
    environment = {**SHORT, **INSTANT, "TRIPCANVAS_S_YAML": str(project / "s.yaml")}
    yield from a_world(tmp_path_factory.mktemp("letters"), environment)


@pytest.fixture
def command(world, project):
    """The command, run from the changed project against the running cloud."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli.main", "dead-letters", *arguments, "--root", str(world.cloud.root)],
            cwd=project,
            env={**os.environ, **without_proxy(), "COLUMNS": "300"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def letters(command):
    def letters(*arguments: str) -> list[dict[str, object]]:
        return json.loads(command("list", "--json", *arguments).stdout)

    return letters


def journeys_in(output: str) -> list[str]:
    return re.findall(r"^journey (\S+)$", output, re.MULTILINE)


def test_a_trip_in_a_style_that_is_added_later_is_posted_once(world, project, command, letters):
    trip = world.trip(styles=["paper_cut"])
    [rejected] = world.follow(world.publish(trip))
    assert rejected.need(Rejected).reason.startswith("styles[0]: ")
    [letter] = letters("--journey", rejected.id)
    early = command("redrive", letter["id"])
    assert (early.returncode, "it would be rejected again: styles[0]: " in early.stderr) == (1, True)

    styles = project / "workflows" / "styles"
    text = (styles / "woodblock.toml").read_text("utf-8").replace('id = "woodblock"', 'id = "paper_cut"')
    (styles / "paper_cut.toml").write_text(text, "utf-8")
    world.supervisor.stop_service("fc")
    world.supervisor.start_service("fc")

    done = command("redrive", letter["id"])
    assert done.returncode == 0, done.stderr
    [journey] = world.follow(journeys_in(done.stdout))
    assert journey.step is Step.PUBLISHED, journey.records[-1]
    assert journey.need(Received).style == "paper_cut"
    assert len(world.posts(journey.id)) == 1
    assert letters() == []
    # The rejection stands beside it, as what happened to the first message.
    assert world.services.ledger.read(rejected.id).step is Step.REJECTED


def test_a_trip_whose_retries_were_used_up_in_an_outage_is_posted_once_after_it(world, command, letters):
    world.supervisor.stop_service("oss")
    try:
        [expected] = world.publish(world.trip())
        [letter] = world.wait(letters, timeout_s=90)
    finally:
        world.supervisor.start_service("oss")
    assert (letter["origin"], letter["function"]) == ("invocation", "tripcanvas-trip-completed")
    assert letter["journeys"] == [expected]
    assert "oss: ConnectionFailed" in letter["reason"]
    assert not world.services.ledger.read(expected).records

    # A command that ends between the sending and the removal leaves the letter, and the next one sends it again.
    with LetterBox(world.services) as box:
        [held] = box.letters()
        world.services.messages.publish("trip-completed", json.loads(box.original(held))["Message"].encode())
    done = command("redrive", "--all", "--yes")
    assert (done.returncode, journeys_in(done.stdout)) == (0, [expected]), done.stderr
    [journey] = world.follow([expected])
    assert journey.step is Step.PUBLISHED, journey.records[-1]
    assert len(world.posts(expected)) == 1
    assert letters() == []


def test_a_poisoned_trip_in_a_batch_is_a_letter_and_the_others_are_posted(world, letters):
    trips = [json.dumps(world.trip(), ensure_ascii=False) for _ in range(2)]
    bodies = [trips[0], "毒药配方九四三一", trips[1]]
    batch = [{"specversion": "1.0", "id": body[-4:], "data": {"messageBody": body}} for body in bodies]
    headers, answer = invoke(world, json.dumps(batch, ensure_ascii=False).encode())
    first, poisoned, last = json.loads(answer)["outcomes"]
    assert [first["step"], poisoned["step"], last["step"]] == ["submitted", "rejected", "submitted"]
    for journey in world.follow([first["journey"], last["journey"]]):
        assert journey.step is Step.PUBLISHED, journey.records[-1]
    assert [letter["journeys"] for letter in letters()] == [[poisoned["journey"]]]
    for log in (world.cloud.root / "logs").glob("function-*.log"):
        assert "配方" not in log.read_text("utf-8")
