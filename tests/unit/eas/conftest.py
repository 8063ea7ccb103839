"""The shipped settings, read as an operator's shell would read them, and copies of them with one thing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.eas.settings import FILE, Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENVIRONMENT = {"TRIPCANVAS_RENDER_BUCKET": "your-render-bucket", "DASHSCOPE_API_KEY": "sk-" + "0123456789abcdef" * 2}


@pytest.fixture
def settings() -> Settings:
    return read_settings(FILE, ENVIRONMENT)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Settings]:
    """Reads the shipped settings with one text in them replaced, in a given environment."""

    def read(old: str, new: str, **environment: str) -> Settings:
        text = FILE.read_text("utf-8")
        assert text.count(old) >= 1, f"the shipped settings have no {old!r}"
        file = tmp_path / "settings.toml"
        file.write_text(text.replace(old, new, 1), "utf-8")
        return read_settings(file, {**ENVIRONMENT, **environment})

    return read
