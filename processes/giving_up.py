"""The end of a message that can't be done: into the dead-letter queue, in the form that Function Compute's have.

`tripcanvas dead-letters` shows and redrives both alike.
"""

from __future__ import annotations

import json

from shared.clouds.messages import MAX_BODY_BYTES, QueuedMessage
from shared.errors import InvalidInput
from shared.events import Message, messages_of
from shared.rejection import rejected_journey_id, send_letter
from shared.services import Services
from shared.telemetry import log
from shared.trips import parse_trip

#: How often a message is received at most: as often as Function Compute invokes a function (s.yaml).
MAX_RECEIVES = 9


def give_up(function: str, message: QueuedMessage, reason: str, services: Services) -> None:
    """Put a message into the dead-letter queue; who calls this deletes it afterwards. Raises what SMQ raises.

    `function` is the one whose work it is. Of a trip whose owner has not agreed to any processing no byte is kept.
    """
    settings = services.settings
    log("given_up", function=function, attempt=message.receive_count, size_bytes=len(message.body))
    if function.endswith("trip-completed") and _is_without_consent(message):
        for each in messages_of(message.body):
            send_letter(rejected_journey_id(each.body), each, "no_consent", "given up, and not kept", services)
        return
    record = {
        "timestamp": round(services.now().timestamp() * 1000),
        "requestContext": {
            "requestId": message.id,
            "functionArn": f"acs:fc:{settings.region}::functions/{function}",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": message.receive_count,
        },
        "requestPayload": message.body.decode("utf-8"),
        "responsePayload": json.dumps({"errorType": "DeliverAgain", "errorMessage": reason}, ensure_ascii=False),
    }
    body = json.dumps(record, ensure_ascii=False).encode()
    # Without its frame it fits: so it came.
    services.messages.send(settings.need("dead_letter_queue"), body if len(body) <= MAX_BODY_BYTES else message.body)


def _is_without_consent(message: QueuedMessage) -> bool:
    """Whether any trip in it may not be kept; one that can't be read may be: that is what such letters are for."""

    def refuses(each: Message) -> bool:
        try:
            return not parse_trip(each.body).consent.process
        except InvalidInput:
            return False

    return any(refuses(each) for each in messages_of(message.body))
