"""`tripcanvas check` and `tripcanvas policies`: what is found in a deployment, and that no secret is repeated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).parents[2]
KEY = "sk-0123456789abcdef0123456789abcdef"
FEED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of what is deployed, as far as checks look at it."""
    shutil.copy(ROOT / "s.yaml", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    return tmp_path


def run(*arguments: object, **environment: str):
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "500", **environment})


def changed(project: Path, old: str, new: str) -> None:
    file = project / "s.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def test_this_projects_own_deployment_has_nothing_to_mend():
    answer = run("check", "--project", ROOT)
    assert (answer.exit_code, answer.output.strip()) == (0, "nothing to mend")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("${env('DASHSCOPE_API_KEY')}", KEY, "template.function.environmentVariables.DASHSCOPE_API_KEY"),
        ("${env('TRIPCANVAS_EAS_TOKEN')}", "geheim密钥", "environmentVariables.TRIPCANVAS_EAS_TOKEN"),
        ("${env('TRIPCANVAS_FEED_SECRET')}", f"${{env('S', '{FEED}')}}", "environmentVariables.TRIPCANVAS_FEED_SECRET"),
        ("${env('TRIPCANVAS_PRODUCER_CODE')}", f"x {FEED}", "environmentVariables.TRIPCANVAS_PRODUCER_CODE"),
        ("TRIPCANVAS_LIFETIME_S:", "OTHER_PASSWORD: 'p-4711'\n      TRIPCANVAS_LIFETIME_S:", "OTHER_PASSWORD"),
        ("access: default", "access: LTAI5tAbcdEfghIjklMnop", "access"),
    ],
    ids=["key", "token", "default", "elsewhere", "another name", "access key"],
)
def test_a_secret_in_clear_is_found_by_its_place_and_not_repeated(project, old, new, where):
    changed(project, old, new)
    answer = run("check", "--project", project)
    assert answer.exit_code == 1
    assert f"{where}: a secret in clear" in answer.output
    assert "1 to mend" in answer.output
    for secret in (KEY, FEED, "geheim", "p-4711", "LTAI5t"):
        assert secret not in answer.output


@pytest.mark.parametrize("value", ["kms:AAAAbGk3NzY=", "${env('ANOTHER')}", "${env('ANOTHER', '')}", ""])
def test_a_reference_to_a_secret_is_none(project, value):
    changed(project, "${env('DASHSCOPE_API_KEY')}", f'"{value}"')
    assert run("check", "--project", project).exit_code == 0


def test_a_policy_that_is_not_the_generated_one_is_found(project):
    file = project / "deploy" / "policies" / "tripcanvas-relay-results.json"
    document = json.loads(file.read_bytes())
    document["Statement"][0]["Action"].append("mns:*")
    file.write_text(json.dumps(document), "utf-8")
    (project / "deploy" / "policies" / "tripcanvas-image-ready.json").unlink()
    answer = run("check", "--project", project)
    assert answer.exit_code == 1
    assert "policies/tripcanvas-relay-results.json: not the policy" in answer.output
    assert "policies/tripcanvas-image-ready.json: not the policy" in answer.output


def test_functions_that_share_a_role_or_have_none_are_found(project):
    changed(project, "role/tripcanvas-relay-results", "role/tripcanvas-trip-completed")
    changed(project, "      role: acs:ram::${vars.account}:role/tripcanvas-image-ready\n", "")
    answer = run("check", "--project", project)
    assert "resources.relay_results.props.role: the same role as resources.trip_completed" in answer.output
    assert "resources.image_ready.props.role: a function without a role" in answer.output


@pytest.mark.parametrize("content", ["[1, 2", "- 1", "\x00"])
def test_what_is_no_deployment_is_said_in_one_line(tmp_path, content):
    (tmp_path / "s.yaml").write_text(content, "utf-8")
    answer = run("check", "--project", tmp_path)
    assert answer.exit_code == 1
    assert answer.output.count("\n") == 1


def test_policies_are_written_for_every_deployment_and_for_this_one(tmp_path):
    assert run("policies", "--out", tmp_path / "all").exit_code == 0
    written = {file.name: file.read_bytes() for file in (tmp_path / "all").iterdir()}
    assert written == {file.name: file.read_bytes() for file in (ROOT / "deploy" / "policies").iterdir()}
    mine = {
        "TRIPCANVAS_ACCOUNT_ID": "1000000000000001",
        "TRIPCANVAS_LEDGER_BUCKET": "my-ledger",
        "TRIPCANVAS_GALLERY_BUCKET": "my-gallery",
        "TRIPCANVAS_RENDER_BUCKET": "my-render",
    }
    assert run("policies", "--filled", "--out", tmp_path / "mine", **mine).exit_code == 0
    ready = (tmp_path / "mine" / "tripcanvas-image-ready.json").read_text("utf-8")
    assert "${" not in ready
    assert "acs:oss:*:*:my-gallery/posts/*" in ready
    assert "acs:mns:cn-shanghai:1000000000000001:/topics/community-feed/messages" in ready


def test_a_name_that_is_missing_or_would_widen_a_policy_is_refused(tmp_path):
    answer = run("policies", "--filled", "--out", tmp_path, TRIPCANVAS_ACCOUNT_ID="1", TRIPCANVAS_LEDGER_BUCKET="*")
    assert answer.exit_code == 1
    assert "TRIPCANVAS_LEDGER_BUCKET, a plain name" in answer.output
    assert list(tmp_path.iterdir()) == []


def test_filled_policies_do_not_replace_those_of_every_deployment(monkeypatch):
    monkeypatch.chdir(ROOT)
    answer = run("policies", "--filled")
    assert answer.exit_code == 1
    assert "--out" in answer.output
