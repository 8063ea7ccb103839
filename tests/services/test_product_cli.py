"""The command where no cloud runs: what it prints, what it returns, and that the README tells the truth about it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app
from localcloud.state import SERVICES, Cloud, default_root
from tests.unit.clouds.scripted import DROPPED, GARBAGE, HTML, Reply, ScriptedService

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "trips").glob("*.json"))
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
READMES = ("README.md", "README.zh-CN.md")


@pytest.fixture
def run(monkeypatch):
    """Runs the command in this process, on a terminal that is wide enough for every line."""
    monkeypatch.setenv("COLUMNS", "500")

    def run(*arguments: object):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def options_of(command: click.Command) -> set[str]:
    """The options of a command, and of the commands below it."""
    own = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    return own.union(*map(options_of, commands_below(command).values()))


def commands_below(command: click.Command) -> dict[str, click.Command]:
    below: dict[str, click.Command] = getattr(command, "commands", {})
    return below


#: Every command that does something, by the words that call it.
CALLS = {
    (name, *more): called
    for name, command in COMMANDS.items()
    for more, called in ([((word,), below) for word, below in commands_below(command).items()] or [((), command)])
}


def command_rows(readme: str) -> list[tuple[list[str], list[str]]]:
    """The commands and the options that each row of the README's table of commands names."""
    text = (ROOT / readme).read_text("utf-8")
    rows = re.findall(r"^\| (`tripcanvas .+)$", text, re.MULTILINE)
    return [
        (
            [quoted.removeprefix("tripcanvas ").split()[0] for quoted in re.findall(r"`([^`]+)`", row.split(" | ")[0])],
            re.findall(r"--[a-z-]+", row),
        )
        for row in rows
    ]


# The README.


@pytest.mark.parametrize("readme", READMES)
def test_every_command_in_the_readme_exists_and_the_other_way_round(readme):
    named = [command for commands, _ in command_rows(readme) for command in commands]
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize("readme", READMES)
def test_every_option_in_the_readmes_table_belongs_to_a_command_of_its_row(readme):
    for commands, options in command_rows(readme):
        known = set().union(*(options_of(COMMANDS[command]) for command in commands))
        assert set(options) <= known, commands


@pytest.mark.parametrize("readme", READMES)
def test_every_call_in_the_readmes_text_can_be_made(readme):
    text = (ROOT / readme).read_text("utf-8")
    calls = re.findall(r"(?:\.venv/bin/|`)tripcanvas ([a-z-]+)((?: [a-z]+)*)", text)
    assert ("service", " eas stop") in calls
    assert {command for command, _ in calls} <= set(COMMANDS)
    every = set().union(*map(options_of, COMMANDS.values()))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) <= every


# Help.


@pytest.mark.parametrize("call", sorted(CALLS), ids=" ".join)
def test_every_command_explains_itself(run, call):
    answer = run(*call, "--help")
    assert answer.exit_code == 0
    assert (CALLS[call].help or "").split(".")[0] in answer.output
    for option in options_of(CALLS[call]):
        assert option in answer.output


def test_commands_that_belong_together_are_listed_together(run):
    answer = run("dead-letters", "--help")
    for command in ("list", "show", "redrive", "discard"):
        assert command in answer.output


#: Distributions that `make demo` does not install.
_NOT_FOR_THE_DEMO = ("packaging", "uv", "pyarrow", "fc2", "aliyun", "jsonschema", "alibabacloud_eas20210701", "pytest")
_DEMO_ONLY = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_NOT_FOR_THE_DEMO}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from cli.main import app
app()
"""


def test_what_the_demonstration_installs_is_enough_for_the_help():
    done = subprocess.run([sys.executable, "-c", _DEMO_ONLY, "--help"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"provision" in done.stdout


def test_a_command_that_needs_more_says_how_to_install_it(run, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=missing)

    monkeypatch.setattr("cli.main.importlib.import_module", absent)
    missing = "pyarrow.parquet"
    answer = run("tail")
    assert answer.exit_code == 1
    assert answer.stderr == "the package pyarrow.parquet is not installed here; `make install` installs all\n"
    missing = "cli.tail"
    assert isinstance(run("tail").exception, ModuleNotFoundError)


def test_without_a_command_there_is_help(run):
    assert "Usage" in run().output


def test_a_command_that_does_not_exist_is_an_error(run):
    assert run("fly").exit_code == 2


# Trips.


@pytest.mark.parametrize("trip", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_trip_is_valid(run, trip):
    answer = run("validate", trip)
    assert (answer.exit_code, answer.output.strip()) == (0, f"{trip}: valid")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"distance_km": -3}, "distance_km: Expected `float` >= 0.0"),
        ({"ended_at": "2020-01-01T00:00:00+08:00"}, "ended_at: a time not before started_at"),
        ({"start": "上海市"}, "start: Expected `object`, got `str`"),
        ({"consent": {}}, "consent.process: required, but missing"),
        ({"styles": ["水墨"]}, "styles[0]: Expected `str` matching regex '^[a-z][a-z0-9_]{1,31}$'"),
        ({"styles": ["anime", "cubism"]}, "styles[1]: one of anime, ink_wash, oil_painting, realistic, watercolour, woodblock"),
        ({"consent": {"process": False, "publish": False}}, "consent.process: true; without it nothing is processed"),
    ],
)  # fmt: skip
def test_a_trip_with_a_fault_is_named_by_its_field(run, tmp_path, changes, fault):
    trip = tmp_path / "旅程.json"
    trip.write_text(json.dumps({**json.loads(EXAMPLES[0].read_text("utf-8")), **changes}), "utf-8")
    answer = run("validate", trip)
    assert (answer.exit_code, answer.stderr.strip()) == (1, f"{trip}: {fault}")


@pytest.mark.parametrize("content", [b"", "不是 JSON".encode(), b"\xff\xfe", b"[]"])
def test_what_is_no_trip_at_all_is_an_error_and_no_traceback(run, tmp_path, content):
    trip = tmp_path / "trip.json"
    trip.write_bytes(content)
    answer = run("validate", trip)
    assert answer.exit_code == 1
    assert "message: " in answer.stderr


def test_a_file_that_is_not_there_is_named(run, tmp_path):
    answer = run("validate", tmp_path / "没有.json")
    assert answer.exit_code == 2
    assert "没有.json" in answer.output


def test_the_schema_is_the_published_one(run):
    printed = json.loads(run("schema").output)
    assert printed == json.loads((ROOT / "docs" / "trip-completed.schema.json").read_text("utf-8"))
    assert set(printed["$defs"]["Trip"]["required"]) == {
        "trip_id", "started_at", "ended_at", "start", "end", "consent",
    }  # fmt: skip


# Without a cloud.


@pytest.fixture
def cloud(tmp_path) -> Cloud:
    """A state folder of a cloud that does not run, on ports that no other cloud of this machine has."""
    return Cloud.open(tmp_path / "cloud", free_ports=True)


def test_the_environment_can_be_evaluated_by_a_shell(run, cloud):
    lines = run("environment", "--root", cloud.root).output
    shell = subprocess.run(["sh", "-c", f"{lines}\nenv"], capture_output=True, text=True, check=True, env={})
    assert {f"{name}={value}" for name, value in cloud.environment().items()} <= set(shell.stdout.splitlines())


def test_all_services_are_silent(run, cloud):
    answer = run("services", "--root", cloud.root)
    assert answer.exit_code == 0
    assert answer.output.count("silent") == len(SERVICES)
    assert cloud.url("oss") in answer.output


def test_there_is_nothing_to_stop(run, cloud):
    answer = run("down", "--root", cloud.root)
    assert (answer.exit_code, answer.output.strip()) == (0, "no embedded cloud is running here")


def test_a_service_cannot_be_stopped_and_the_way_out_is_named(run, cloud):
    answer = run("service", "eas", "stop", "--root", cloud.root)
    assert (answer.exit_code, answer.stderr.strip()) == (
        1, "no embedded cloud is running here; start it with `tripcanvas up`",
    )  # fmt: skip


def test_a_trip_cannot_be_published_and_the_silent_service_is_named(run, cloud):
    answer = run("publish", EXAMPLES[0], "--root", cloud.root)
    assert answer.exit_code == 1
    assert answer.stderr.startswith("the topic can't be reached")
    assert "tripcanvas up" in answer.stderr


def test_bytes_that_no_topic_carries_are_not_published(run, cloud, tmp_path):
    (tmp_path / "trip.json").write_bytes(b"\xff\xfe")
    answer = run("publish", tmp_path / "trip.json", "--root", cloud.root)
    assert (answer.exit_code, answer.stderr.split(":")[0]) == (1, "message")


def test_a_journey_that_does_not_end_in_time_is_told_and_is_an_error(run, cloud):
    answer = run("follow", "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60", "--timeout", "0.5", "--root", cloud.root)
    assert answer.exit_code == 1
    assert "stands at nothing after 0.5 s" in answer.output


@pytest.mark.parametrize("journey", ["T20240505-000123", "", "3F2B7C1E-6A0D-5C7F-9D3B-2A8E4F1C5D60"])
def test_what_is_no_journey_id_is_not_followed(run, cloud, journey):
    answer = run("follow", journey, "--root", cloud.root)
    assert answer.exit_code == 1
    assert "is no journey id" in answer.stderr


@pytest.fixture
def stranger(tmp_path):
    """Another program, at the address where a cloud of this folder would be asked."""
    service = ScriptedService()
    root = tmp_path / "cloud"
    cloud = Cloud.open(root, free_ports=True)
    ports = {**cloud.ports, "admin": int(service.address.rpartition(":")[2])}
    known = json.loads((root / "cloud.json").read_text("utf-8"))
    (root / "cloud.json").write_text(json.dumps({**known, "ports": ports}), "utf-8")
    yield service
    service.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        HTML,
        GARBAGE,
        DROPPED,
    ],
    ids=["404", "html", "garbage", "dropped"],
)
def test_another_program_at_the_clouds_address_is_no_cloud_and_is_not_stopped(run, stranger, tmp_path, reply):
    stranger.answers(reply)
    answer = run("down", "--root", tmp_path / "cloud")
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    assert all(seen.method == "GET" for seen in stranger.seen)


def test_the_state_folder_can_be_chosen_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIPCANVAS_HOME", str(tmp_path / "云"))
    assert default_root() == tmp_path / "云"
    monkeypatch.delenv("TRIPCANVAS_HOME")
    assert default_root() == Path(".tripcanvas")
