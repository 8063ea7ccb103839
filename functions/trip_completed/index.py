"""FC function: a trip is over; its journeys start here and end here as queued renders.

Triggered by the topic `trip-completed`; invoked directly with a trip or a list of trips for backfills.
"""

from __future__ import annotations

from shared.events import messages_of
from shared.intake import take_message
from shared.invocation import running
from shared.reporting import report, take_each
from shared.services import services_for


def handler(event: bytes, context: object) -> dict[str, list[dict[str, str]]]:
    """Take every trip in the event as far as the GPU queue. Raises `DeliverAgain` when one should be tried again."""
    services = services_for(context)
    with running(context) as left:
        until = services.now() + left
        return report(take_each(messages_of(event), lambda message: take_message(message, services, until)))
