"""`--env FILE`: commands act on the account that a file of settings describes, and on nothing else."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.deployment import described
from cli.main import app
from cli.trips import EXAMPLES
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import Misconfigured


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A running cloud that is reached by a file alone, as an account is, and that file."""
    folder = tmp_path_factory.mktemp("account")
    cloud = Cloud.open(folder / "cloud", free_ports=True)
    file = folder / "生产.env"
    file.touch(mode=0o600)
    file.write_text("# 生产\n" + "".join(f"{name}='{value}'\n" for name, value in cloud.environment().items()), "utf-8")
    with Supervisor(cloud, ["oss", "mns", "fc"]):
        yield file


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_commands_act_on_the_account_of_the_file(account, tmp_path):
    elsewhere = tmp_path / "no-cloud-here"
    answer = run("publish", EXAMPLES / "01-may-holiday.json", "--env", account, "--root", elsewhere)
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("message ")
    assert run("review", "list", "--env", account, "--root", elsewhere).output.startswith("no journey waits")
    assert run("dead-letters", "list", "--env", account, "--root", elsewhere).exit_code == 0
    assert not elsewhere.exists()


def test_an_operators_commands_act_on_the_account_of_the_file(account, tmp_path):
    elsewhere, unknown = tmp_path / "no-cloud-here", "00000000-0000-5000-8000-000000000000"
    answer = run("status", "--json", "--env", account, "--root", elsewhere)
    assert answer.exit_code == 1, answer.output
    # Of this account's services only the GPU side's queue does not answer.
    told = json.loads(answer.output)
    assert list(told["unanswered"]) == ["queues"]
    assert (told["held"], told["failed"], told["dead_letters"]) == (0, 0, 0)
    for command in (["redrive"], ["replay", "--from-step", "received"]):
        answer = run(*command, unknown, "--by", "韩梅梅", "--env", account, "--root", elsewhere)
        assert (answer.exit_code, "there is none of this id" in answer.output) == (1, True)
    assert run("redrive", "--held", "--env", account, "--root", elsewhere).output == "no such journey\n"
    assert run("status", "T-404", "--env", account, "--root", elsewhere).exit_code == 1
    assert not elsewhere.exists()


@pytest.mark.parametrize("arguments", [[], ["--held", "--failed", "lost"], ["a-journey", "--held"]])
def test_what_is_to_be_redriven_is_said_in_one_way(arguments, tmp_path):
    answer = run("redrive", *arguments, "--root", tmp_path)
    assert answer.exit_code == 1
    assert "give journey ids, or --held, or --failed CODE" in answer.output


def test_the_file_can_be_named_by_the_shell(account, monkeypatch):
    monkeypatch.setenv("TRIPCANVAS_ENV", str(account))
    assert run("review", "list").output.startswith("no journey waits")


def test_a_setting_of_another_deployment_in_the_shell_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIPCANVAS_FEED_URL", "https://feed.of.another.example")
    monkeypatch.setenv("TRIPCANVAS_FEED_SECRET", "whsec_" + "x" * 32)
    file = tmp_path / "prod.env"
    file.write_text("export TRIPCANVAS_LEDGER_BUCKET=ledger  # 账本\nTRIPCANVAS_OSS_ENDPOINT=\n", "utf-8")
    settings = described(file).settings
    assert settings.ledger_bucket == "ledger"
    assert settings.feed_url == ""
    assert settings.feed_secret == "whsec_" + "x" * 32


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no line NAME=value"),
        (b"TRIPCANVAS_REGION=\n", "holds no line NAME=value"),
        ("TRIPCANVAS_REGION=上海".encode("gb18030"), "text in UTF-8 expected"),
        (b"x" * 70000, "a small file of NAME=value lines expected"),
        (b"TRIPCANVAS_FEED_SECRET=whsec_0123\n", "holds secrets and can be read by others; `chmod 600` it"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_that_can_not_be_used_is_told_in_one_line(tmp_path, content, said):
    file = tmp_path / "prod.env"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o644)
    with pytest.raises(Misconfigured) as raised:
        described(file)
    assert said in str(raised.value)
    answer = run("review", "list", "--env", file)
    assert answer.exit_code == 1
    assert "whsec_0123" not in answer.output


@pytest.mark.parametrize("missing", ["ALIBABA_CLOUD_ACCESS_KEY_ID", "TRIPCANVAS_LEDGER_BUCKET"])
def test_what_the_file_leaves_out_is_named(account, tmp_path, monkeypatch, missing):
    monkeypatch.delenv(missing, raising=False)
    file = tmp_path / "prod.env"
    file.touch(mode=0o600)
    lines = account.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(missing)), "utf-8")
    answer = run("review", "list", "--env", file)
    assert answer.exit_code == 1
    assert missing in answer.output


def test_an_account_that_can_not_be_reached_is_no_embedded_cloud(account, tmp_path):
    file = tmp_path / "prod.env"
    file.touch(mode=0o600)
    lines = [line for line in account.read_text("utf-8").splitlines() if not line.startswith("TRIPCANVAS_OSS_ENDPOINT")]
    file.write_text("\n".join([*lines, "TRIPCANVAS_OSS_ENDPOINT=http://127.0.0.1:9"]), "utf-8")
    answer = run("review", "list", "--env", file)
    assert answer.exit_code == 1
    assert "does the file of --env name the right address" in answer.output
