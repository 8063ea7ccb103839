"""Fixtures of the node tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.nodes.scripted import KEY, Script

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def dashscope(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A scripted DashScope that the nodes find by their environment."""
    script = Script()
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("TRIPCANVAS_DASHSCOPE_URL", f"{script.host}/api/v1")
    yield script
    script.close()
