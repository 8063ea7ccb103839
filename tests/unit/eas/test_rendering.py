"""The service JSON: what EAS is given, what the repository shows of it, and that no secret gets anywhere else."""

from __future__ import annotations

import json
import re
import stat

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from cli.eas.inspection import inspect_autoscaler, inspect_service, schema
from cli.eas.secrecy import is_secret_name, masked
from cli.eas.service import autoscaler_json, eascmd_autoscale, service_json
from cli.eas.settings import FOLDER
from cli.main import app
from shared.errors import InvalidInput
from tests.unit.eas.conftest import ENVIRONMENT

KEY = ENVIRONMENT["DASHSCOPE_API_KEY"]


@pytest.fixture
def run(monkeypatch):
    for name in (
        "TRIPCANVAS_EAS_SERVICE",
        "TRIPCANVAS_RENDER_PREFIX",
        "TRIPCANVAS_EAS_EDITION",
        "TRIPCANVAS_EAS_CONTROL_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "500")
    return lambda *arguments: CliRunner().invoke(app, ["eas", *map(str, arguments)])


def test_the_schema_is_one_and_says_of_every_key_what_it_is():
    Draft202012Validator.check_schema(schema())
    for name, part in schema()["properties"].items():
        assert part.get("description") or "$ref" in part, name


@pytest.mark.parametrize("edition", ["api", "standard"])
def test_what_is_rendered_has_no_errors(settings, edition):
    findings = inspect_service(service_json(settings, edition, ENVIRONMENT))
    assert [str(finding) for finding in findings if finding.severity == "error"] == []
    assert inspect_autoscaler(autoscaler_json(settings)) == []


@pytest.mark.parametrize("edition", ["api", "standard"])
def test_the_examples_are_what_is_rendered_today(run, edition):
    rendered = run("render", "--edition", edition)
    assert rendered.exit_code == 0, rendered.output
    assert json.loads(rendered.stdout) == json.loads((FOLDER / "examples" / f"{edition}.json").read_text("utf-8"))


def test_the_api_edition_is_asynchronous_and_gives_one_record_to_an_instance(settings):
    service = service_json(settings, "api", ENVIRONMENT)
    assert service["metadata"]["type"] == "Async"
    assert service["metadata"]["rpc.worker_threads"] == 1
    assert service["containers"][0]["image"].endswith("comfyui:2.2-api")
    assert "enable_webservice" not in service["metadata"]


def test_the_standard_edition_has_a_page_and_no_queue(settings):
    service = service_json(settings, "standard", ENVIRONMENT)
    assert service["metadata"] == {"name": "tripcanvas_designers", "instance": 1, "enable_webservice": True}
    assert service["containers"][0]["image"].endswith("comfyui:2.2")
    assert "queue" not in service


@pytest.mark.parametrize("edition", ["api", "standard"])
def test_comfyui_reads_and_writes_where_the_bucket_is_mounted(settings, edition):
    service = service_json(settings, edition, ENVIRONMENT)
    script = service["containers"][0]["script"].split()
    assert script[script.index("--data-dir") + 1] == service["storage"][0]["mount_path"]
    assert "--disable-metadata" in script
    assert service["storage"][0]["oss"]["readOnly"] is False


@pytest.mark.parametrize("resource", ["gu30", "a10", "l20", "article"])
def test_every_machine_of_the_settings_renders(changed, resource):
    settings = changed('resource = "gu30"', f'resource = "{resource}"')
    service = service_json(settings, "api", ENVIRONMENT)
    assert service["cloud"]["computing"]["instance_type"] == settings.resources[resource].instance_type
    findings = inspect_service(service)
    assert [finding for finding in findings if finding.severity == "error"] == []
    idle_gpus = [finding for finding in findings if finding.field == "cloud.computing.instance_type"]
    assert bool(idle_gpus) == (settings.resources[resource].gpus > 1)


def test_a_fixed_number_of_instances_has_no_autoscaler(changed, settings):
    text = "min = 0\nmax = 4"
    with pytest.raises(InvalidInput, match="missing"):
        changed(text, "")
    assert autoscaler_json(settings)["min"] == 0
    assert eascmd_autoscale(settings) == (
        "eascmd autoscale tripcanvas_comfyui -Dmin=0 -Dmax=4 '-Dstrategies.queue[avgbacklog]=5'"
    )


def test_a_secret_without_a_value_is_an_error_only_where_it_is_needed(settings):
    with pytest.raises(InvalidInput, match="DASHSCOPE_API_KEY"):
        service_json(settings, "api", {})
    assert service_json(settings, "api", None)["containers"][0]["env"][-1]["value"] == "***"


def test_shown_is_masked_and_written_is_complete_and_private(run, tmp_path):
    shown = run("render")
    assert KEY not in shown.output
    written = run("render", "--out", tmp_path / "build")
    assert written.exit_code == 0, written.output
    assert KEY not in written.output
    file = tmp_path / "build" / "tripcanvas_comfyui.json"
    assert KEY in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    scaler = json.loads((tmp_path / "build" / "tripcanvas_comfyui.autoscaler.json").read_text("utf-8"))
    assert scaler["scaleStrategies"] == [{"metricName": "queue[avgbacklog]", "threshold": 5}]


def test_nothing_in_the_repository_has_the_shape_of_a_key():
    for file in FOLDER.rglob("*"):
        if file.is_file():
            assert not re.search(r"sk-[A-Za-z0-9]{16}|LTAI[A-Za-z0-9]{12}", file.read_text("utf-8")), file


def test_secrets_are_masked_wherever_they_stand():
    document = {
        "containers": [
            {
                "env": [
                    {"name": "DB_PASSWORD", "value": "p"},
                    {"name": "PLACE", "value": "杭州"},
                    {"name": "LISTED", "value": "s"},
                    {"name": "TRIPCANVAS_CREDENTIALS_FILE", "value": "/code/data-oss/c.toml"},
                ]
            }
        ],
        "dockerAuth": "dXNlcjpwYXNz",
        "note": f"key {KEY}",
    }
    shown = json.dumps(masked(document, ("LISTED",)), ensure_ascii=False)
    assert "杭州" in shown
    assert "/code/data-oss/c.toml" in shown
    assert not re.search(r'dXNl|sk-|"p"|"s"', shown)
    assert not is_secret_name("TRIPCANVAS_DASHSCOPE_URL")
