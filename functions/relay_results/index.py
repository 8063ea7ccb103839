"""FC function: forward finished renders from the GPU side's output queue to the topic `render-finished`.

Triggered by a timer, every minute, and polling for almost a minute: the serverless form of a subscription.
"""

from __future__ import annotations

from shared.relay import relay_results
from shared.retries import within
from shared.services import services_for, time_left


def handler(_event: bytes, context: object) -> dict[str, int]:
    """Poll until the timer is about to fire again."""
    services = services_for(context)
    with within(time_left(context).total_seconds()):
        return {"forwarded": relay_results(services, seconds=services.settings.number("relay_seconds"))}
