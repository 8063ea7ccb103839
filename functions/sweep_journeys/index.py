"""FC function: find the journeys that should have moved on, and take them further or close them.

Triggered by a timer, every minute.
"""

from __future__ import annotations

from dataclasses import asdict

from shared.invocation import running
from shared.services import services_for
from shared.sweep import sweep_journeys


def handler(_event: bytes, context: object) -> dict[str, int]:
    """Sweep once."""
    services = services_for(context)
    with running(context):
        return asdict(sweep_journeys(services))
