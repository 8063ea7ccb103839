"""FC function: find the journeys that should have moved on, and take them further or close them.

Triggered by a timer, every five minutes.
"""

from __future__ import annotations

from dataclasses import asdict

from shared.services import services_for
from shared.sweep import sweep_journeys


def handler(_event: bytes, context: object) -> dict[str, int]:
    """Sweep once."""
    return asdict(sweep_journeys(services_for(context)))
