"""Fixtures that every test kind shares. What the kinds are for stands in `docs/testing.md`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from localcloud.state import Cloud

if TYPE_CHECKING:
    from pathlib import Path

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """A fresh embedded cloud on free ports; nothing runs yet (`Supervisor(cloud, ["oss"])` starts services)."""
    return Cloud.open(tmp_path / "cloud", free_ports=True)
