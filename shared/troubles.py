"""What went wrong on the way, noted on the journey for people and for the next run."""

from __future__ import annotations

from shared.errors import Misconfigured, ServiceError, TripcanvasError
from shared.journey import Trouble
from shared.services import Services
from shared.submission import NotQueued
from shared.telemetry import log


def note_trouble(journey: str, during: str, error: TripcanvasError, services: Services) -> None:
    """Note an error on its journey; when the ledger itself is what fails, only the log can say it."""
    service = error.service if isinstance(error, ServiceError) else ""
    code = error.code if isinstance(error, ServiceError) else type(error).__name__
    log("trouble", journey=journey, during=during, service=service, code=code)
    trouble = Trouble(
        at=services.now(),
        attempt=error.attempt if isinstance(error, NotQueued) else 0,
        during=during,
        service=service,
        code=code,
        reason=str(error),
        nothing_taken=isinstance(error, NotQueued),
    )
    try:
        services.ledger.note(journey, trouble)
    except (ServiceError, Misconfigured) as failure:
        log("trouble_not_noted", journey=journey, code=type(failure).__name__)
