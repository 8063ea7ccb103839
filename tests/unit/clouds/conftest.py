"""Fixtures of the client tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.clouds import scripted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def service() -> Iterator[scripted.ScriptedService]:
    """A service that answers what the test lays out."""
    service = scripted.ScriptedService()
    yield service
    service.close()


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that refuses connections."""
    with scripted.refusing_address() as address:
        yield address


@pytest.fixture
def unreachable() -> Iterator[str]:
    """An address where a connection is never made."""
    with scripted.unreachable_address() as address:
        yield address
