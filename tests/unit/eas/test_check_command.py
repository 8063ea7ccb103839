"""`tripcanvas eas check` and `models`: what they print, and the status that a CI job goes by."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.eas.conftest import ENVIRONMENT
from tests.unit.eas.test_inspection import ARTICLE, put


@pytest.fixture
def run(monkeypatch):
    for name in ("TRIPCANVAS_EAS_SERVICE", "TRIPCANVAS_RENDER_PREFIX", "TRIPCANVAS_EAS_EDITION", "DASHSCOPE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRIPCANVAS_RENDER_BUCKET", ENVIRONMENT["TRIPCANVAS_RENDER_BUCKET"])
    return lambda *arguments: CliRunner().invoke(app, ["eas", *map(str, arguments)])


def test_the_shipped_settings_have_no_errors_and_need_no_secret(run):
    told = run("check")
    assert told.exit_code == 0, told.output
    assert "api: warning: cloud.networking" in told.output
    assert "0 errors, 2 warnings" in told.output


def test_a_service_from_elsewhere_is_judged(run, tmp_path):
    file = tmp_path / "service.json"
    file.write_text(json.dumps(ARTICLE), "utf-8")
    assert run("check", file).exit_code == 0
    file.write_text(json.dumps(put(ARTICLE, "storage/0/mount_path", "/mnt/data")), "utf-8")
    told = run("check", file)
    assert told.exit_code == 1
    assert "storage[0].mount_path: /deta-code-oss, as --data-dir says; found /mnt/data" in told.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check", "no-such.json"), "No such file"),
        (("check", __file__), "not JSON"),
        (("render", "--edition", "cluster"), "--edition: api or standard"),
        (("render", "--out", "build"), "DASHSCOPE_API_KEY, which is not set"),
    ],
)
def test_what_can_t_be_done_is_one_sentence(run, arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run(*arguments)
    assert told.exit_code == 1
    assert sentence in told.output.replace("\n", "")
    assert list(tmp_path.iterdir()) == []


def test_models_are_listed_without_any_settings(run, monkeypatch):
    monkeypatch.delenv("TRIPCANVAS_RENDER_BUCKET")
    told = run("models")
    assert told.exit_code == 0, told.output
    assert " GB" in told.output.splitlines()[-1]
