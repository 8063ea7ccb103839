"""FC function: a render is finished; inspect it, label it, store it, and post it to the community feed.

Triggered by the topic `render-finished`.
"""

from __future__ import annotations

from shared.delivery import take_result
from shared.events import messages_of
from shared.invocation import running
from shared.reporting import report, take_each
from shared.services import services_for


def handler(event: bytes, context: object) -> dict[str, list[dict[str, str]]]:
    """Take every result in the event as far as the post. Raises `DeliverAgain` when one should be tried again."""
    services = services_for(context)
    with running(context):
        return report(take_each(messages_of(event), lambda message: [take_result(message, services)]))
