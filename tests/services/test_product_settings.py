"""`tripcanvas settings`: what is in force is shown, secrets are not, and a misspelt file is told."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from localcloud.state import Cloud

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "生产.env"
    file.touch(mode=0o600)
    lines = {
        "TRIPCANVAS_REGION": "cn-beijing",
        "TRIPCANVAS_FEED_SECRET": SECRET,
        "TRIPCANVAS_EAS_TOKEN": "kms:AAAA1234",
        "TRIPCANVAS_LIFETIME_S": "bald",
        "TRIPCANVAS_GALERY_BUCKET": "图库",
    }
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")
    return file


def run(*arguments):
    return CliRunner().invoke(app, ["settings", *map(str, arguments)], env={"COLUMNS": "300"})


def test_a_file_is_shown_with_what_is_wrong_in_it(file):
    answer = run("--env", file)
    assert answer.exit_code == 1
    assert "TRIPCANVAS_GALERY_BUCKET: nothing reads it; did you mean TRIPCANVAS_GALLERY_BUCKET?" in answer.output
    assert "TRIPCANVAS_LIFETIME_S: must be a positive number (s)" in answer.output
    assert "2 to mend" in answer.output


def test_programs_get_every_value_but_the_secrets(file):
    told = json.loads(run("--env", file, "--json").stdout)
    found = {row["name"]: (row["value"], row["from"]) for row in told["settings"]}
    assert found["TRIPCANVAS_REGION"] == ("cn-beijing", "set")
    assert found["TRIPCANVAS_WORKFLOW"] == ("wanx_scene", "default")
    assert found["TRIPCANVAS_FEED_SECRET"] == ("***", "set")
    assert found["TRIPCANVAS_EAS_TOKEN"] == ("kms:***", "set")
    assert found["TRIPCANVAS_LEDGER_BUCKET"] == ("", "")
    assert {each["name"] for each in told["findings"]} == {"TRIPCANVAS_GALERY_BUCKET", "TRIPCANVAS_LIFETIME_S"}


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_no_secret_is_ever_shown(file, tmp_path, monkeypatch, more):
    cloud = Cloud.open(tmp_path / "cloud", free_ports=True)
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token-4711")
    secrets = (SECRET, "AAAA1234", "token-4711", cloud.feed_secret, cloud.access_key_secret, cloud.eas_token)
    for arguments in (["--env", file], ["--root", cloud.root]):
        shown = run(*arguments, *more).output
        assert not [secret for secret in secrets if secret in shown]


def test_a_secret_of_the_file_of_secrets_is_told_as_such(tmp_path):
    kept = tmp_path / "secrets.toml"
    kept.touch(mode=0o600)
    kept.write_text('dashscope_api_key = "sk-aus-der-datei"\n', "utf-8")
    file = tmp_path / "prod.env"
    file.write_text(f"TRIPCANVAS_CREDENTIALS_FILE={kept}\n", "utf-8")
    told = json.loads(run("--env", file, "--json").stdout)
    assert {"name": "DASHSCOPE_API_KEY", "value": "***", "from": "file of secrets"} in told["settings"]


def test_the_embedded_clouds_settings_are_well(tmp_path):
    Cloud.open(tmp_path / "cloud", free_ports=True)
    answer = run("--root", tmp_path / "cloud")
    assert answer.exit_code == 0
    assert "http://127.0.0.1:" in answer.output
