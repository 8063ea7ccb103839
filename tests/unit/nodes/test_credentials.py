"""Key and address: from the environment, or from a file that others can't read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.nodes.scripted import KEY
from workflows.custom_nodes.tripcanvas.credentials import BEIJING, credentials
from workflows.custom_nodes.tripcanvas.errors import NotConfigured


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DASHSCOPE_API_KEY", "TRIPCANVAS_DASHSCOPE_URL"):
        monkeypatch.delenv(name, raising=False)
    kept = tmp_path / "credentials.toml"
    kept.write_text(f'dashscope_api_key = "{KEY}"\ndashscope_url = "https://dashscope-intl.aliyuncs.com/api/v1"\n')
    kept.chmod(0o600)
    monkeypatch.setenv("TRIPCANVAS_CREDENTIALS_FILE", str(kept))
    return kept


def test_the_file_gives_what_the_environment_does_not(file: Path) -> None:
    found = credentials()
    assert (found.api_key, found.base_url) == (KEY, "https://dashscope-intl.aliyuncs.com/api/v1")
    assert KEY not in repr(found)


def test_the_environment_comes_first_and_beijing_last(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-from-environment")
    found = credentials()
    assert (found.api_key, found.base_url) == ("sk-from-environment", BEIJING)


def test_an_exchanged_key_is_read_without_a_restart(file: Path) -> None:
    credentials()
    file.write_text('dashscope_api_key = "sk-another-one"')
    assert credentials().api_key == "sk-another-one"
    assert credentials().base_url == BEIJING


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(NotConfigured, match="600") as caught:
        credentials()
    assert str(file) not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "没有 dashscope_api_key"),
        ("dashscope_api_key = 3", "dashscope_api_key 应为字符串"),
        (f'dashscope_api_key = "{KEY}', "不是正确的 TOML"),
        (f"{KEY}", "不是正确的 TOML"),
        ("#" * 70000, "普通的小文件"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_without_its_content(file: Path, content: str, words: str) -> None:
    file.write_text(content)
    with pytest.raises(NotConfigured, match=words) as caught:
        credentials()
    assert "TRIPCANVAS_CREDENTIALS_FILE" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_file_that_is_absent_a_folder_or_no_text_is_named_by_its_variable(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(NotConfigured, match="UTF-8"):
        credentials()
    monkeypatch.setenv("TRIPCANVAS_CREDENTIALS_FILE", str(file.parent))
    with pytest.raises(NotConfigured, match="普通的小文件"):
        credentials()
    monkeypatch.setenv("TRIPCANVAS_CREDENTIALS_FILE", str(file.parent / "absent"))
    with pytest.raises(NotConfigured, match="不存在"):
        credentials()
