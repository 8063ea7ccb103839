"""`tripcanvas check` and `tripcanvas policies`: what is found in a deployment, and that no secret is repeated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.checking import FILES
from cli.checks import functions
from cli.checks.deployment import Description
from cli.main import app

ROOT = Path(__file__).parents[2]
KEY = "sk-0123456789abcdef0123456789abcdef"
FEED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of what is deployed, as far as checks look at it."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for code in ("functions", "shared", "workflows"):
        (tmp_path / code).symlink_to(ROOT / code)
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
        ("${env('DASHSCOPE_API_KEY')}", KEY, "vars.settings.journeys.DASHSCOPE_API_KEY"),
        ("${env('TRIPCANVAS_EAS_TOKEN')}", "geheim密钥", "environmentVariables.TRIPCANVAS_EAS_TOKEN"),
        ("${env('TRIPCANVAS_FEED_SECRET')}", f"${{env('S', '{FEED}')}}", "settings.journeys.TRIPCANVAS_FEED_SECRET"),
        ("${env('TRIPCANVAS_PRODUCER_CODE')}", f"x {FEED}", "settings.pictures.TRIPCANVAS_PRODUCER_CODE"),
        ("TRIPCANVAS_LIFETIME_S:", "OTHER_PASSWORD: 'p-4711'\n        TRIPCANVAS_LIFETIME_S:", "OTHER_PASSWORD"),
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
    changed(project, "role/${vars.prefix}-relay-results", "role/${vars.prefix}-trip-completed")
    changed(project, "      role: acs:ram::${vars.account}:role/${vars.prefix}-image-ready\n", "")
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
    written, kept = (
        {file.name: file.read_bytes() for file in folder.rglob("*.json")}
        for folder in (tmp_path / "all", ROOT / "deploy" / "policies")
    )
    assert written == kept
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


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("memorySize: 512", "memorySize: 500", "props.memorySize: not what is taken here; a number from 128 to 32768"),
        ("memorySize: 512", "memorysize: 512", "props.memorysize: not a known property; did you mean memorySize?"),
        ("cpu: 0.35", "cpu: 2", "props.cpu: 0.25 GB of memory for one vCPU; between 1 and 4 are"),
        ("runtime: python3.10", "runtime: python3.11", "props.runtime: not what is taken here; one of python3.12"),
        ("timeout: 120", "timeout: 90000", "trip_completed.props.timeout: not what is taken here"),
        ("InSeconds: 86400", "InSeconds: 700000", "asyncInvokeConfig.maxAsyncEventAgeInSeconds: not what is taken"),
        (
            "notifyStrategy: EXPONENTIAL_DECAY_RETRY",
            "notifyStrategy: RETRY",
            "triggers[0].triggerConfig.notifyStrategy",
        ),
        ("notifyContentFormat: JSON", "cronExpression: '@every 1m'", "triggerConfig.cronExpression: not a known prop"),
        ("triggerType: timer", "triggerType: mns_topic", "triggers[0].triggerConfig: without notifyContentFormat"),
        ("'@every 1m'\n", "'* * * *'\n", "triggerConfig.cronExpression: "),
        (
            "Arn: acs:mns:${vars.region}",
            "Arn: acs:mns:cn-beijing",
            "in region cn-beijing; the function is in cn-shanghai",
        ),
        (
            "mns:${vars.region}:${vars.account}:/topics",
            "mns:${vars.region}:2:/topics",
            "in another account than the role",
        ),
        ("/topics/", "/queues/", "sourceArn: not what is taken here; text like acs:mns:<region>:<account>:/topics/"),
        ("TRIPCANVAS_REGION:", "FC_REGION:", "environmentVariables.FC_REGION: a reserved name"),
        ("TRIPCANVAS_REGION: ${vars.region}", "TRIPCANVAS_REGION: 3", "TRIPCANVAS_REGION: not text but int; put it in"),
        ("_REGION: ${vars.region}", "_REGION: " + "上" * 1100, "bytes in all; Function Compute takes 4096"),
        ("${vars.tripTopic}", "${vars.tripTopik}", "${vars.tripTopik}: vars has no such entry"),
        ("resources:", "resource:", "s.yaml: resources: no functions"),
    ],
)
def test_what_function_compute_would_not_take_or_take_otherwise_is_found(project, old, new, found):
    changed(project, old, new)
    description = Description(project / "s.yaml", {})
    findings = [*functions.top_level(description), *functions.properties(description), *functions.triggers(description)]
    assert [each for each in findings if found in str(each)], findings


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("relay_results/index", "relay_result/index", "relay_results.props.handler: not importable under python3.12"),
        (
            "trip_completed/index.handler",
            "trip_completed.index.handler",
            "props.handler: not importable under python3.10",
        ),
        ("index.handler\n", "index.handle\n", "Handler 'handle' is missing on module"),
        (
            "        TRIPCANVAS_DEAD_LETTER_QUEUE: ${vars.deadLetterQueue}\n",
            "",
            "trip_completed.props.environmentVariables.TRIPCANVAS_DEAD_LETTER_QUEUE: missing",
        ),
        (
            "        TRIPCANVAS_RELAY_SECONDS:",
            "        <<: *journeys\n        TRIPCANVAS_RELAY_SECONDS:",
            "relay_results.props.environmentVariables.DASHSCOPE_API_KEY: given, but not read",
        ),
    ],
)
def test_a_handler_that_is_not_there_or_not_given_what_it_reads_is_found(project, old, new, found):
    changed(project, old, new)
    answer = run("check", "--project", project, "--file", "s.yaml")
    assert answer.exit_code == 1
    assert found in answer.output


def test_what_an_environment_adds_is_checked_too(project):
    file = project / "s.prod.yaml"
    text = file.read_text("utf-8")
    text = text.replace("minInstances: 1", "minInstance: 1", 1).replace("2027-02-04T16:00:00Z", "4 February", 1)
    file.write_text(text, "utf-8")
    answer = run("check", "--project", project)
    assert (
        "s.prod.yaml: resources.trip_completed.props.scalingConfig.minInstance: not a known property" in answer.output
    )
    assert "scheduledPolicies[0].startTime: not what is taken here; text like 2027-04-30T16:00:00Z" in answer.output


def test_the_network_that_the_production_file_offers_is_one_that_is_taken(project):
    file = project / "s.prod.yaml"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    offered = lines.index("# template:\n")
    for n in range(offered, lines.index("\n", offered)):
        lines[n] = lines[n].replace("# ", "", 1)
    file.write_text("".join(lines), "utf-8")
    assert "vpcConfig" in yaml.safe_load(file.read_text("utf-8"))["template"]["function"]
    assert run("check", "--project", project).output.strip() == "nothing to mend"


@pytest.mark.parametrize("other", ["tripcanvas", "tripcanvas-staging"])
def test_an_environment_is_not_deployed_with_the_settings_of_another(project, other):
    answer = run("check", "--project", project, "--file", "s.dev.yaml", TRIPCANVAS_PREFIX=other)
    assert answer.exit_code == 1
    assert f"vars.prefix: tripcanvas-dev, but TRIPCANVAS_PREFIX is {other}" in answer.output
    mine = run("check", "--project", project, "--file", "s.dev.yaml", TRIPCANVAS_PREFIX="tripcanvas-dev")
    assert mine.exit_code == 0


def test_a_file_that_extends_one_that_extends_is_refused(project):
    (project / "s.mine.yaml").write_text("extend: s.prod.yaml\n", "utf-8")
    assert run("check", "--project", project, "--file", "s.mine.yaml").exit_code == 1
