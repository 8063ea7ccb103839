"""FC function: a trip is over; its journeys start here and end here as queued renders.

Triggered by the topic `trip-completed`; invoked directly with a trip or a list of trips for backfills.
"""

from __future__ import annotations

from shared.events import messages_of
from shared.intake import take_message
from shared.reporting import report, take_each
from shared.retries import within
from shared.services import services_for, time_left


def handler(event: bytes, context: object) -> dict[str, list[dict[str, str]]]:
    """Take every trip in the event as far as the GPU queue. Raises `DeliverAgain` when one should be tried again."""
    services, left = services_for(context), time_left(context)
    until = services.now() + left
    with within(left.total_seconds()):
        return report(take_each(messages_of(event), lambda message: take_message(message, services, until)))
