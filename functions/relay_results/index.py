"""FC function: forward finished renders from the GPU side's output queue to the topic `render-finished`.

Triggered by a timer, every minute, and polling for almost a minute: the serverless form of a subscription.
"""

from __future__ import annotations

from shared.invocation import running
from shared.relay import relay_results
from shared.services import services_for


def handler(_event: bytes, context: object) -> dict[str, int]:
    """Poll until the timer is about to fire again."""
    services = services_for(context)
    with running(context):
        return {"forwarded": relay_results(services, seconds=services.settings.number("relay_seconds"))}
