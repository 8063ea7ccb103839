"""Which RAM action each operation of SMQ asks for, and on what.

Source: "Permission policies and examples", help.aliyun.com/zh/mns/permission-policies-and-examples. A batch asks for
the same as a single message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.mns.errors import SmqError

if TYPE_CHECKING:
    from localcloud.mns.call import Call
    from localcloud.ram import Caller

_ACTIONS = {
    "/queues": {"GET": "ListQueue"},
    "/queues/{queue}": {"PUT": "CreateQueue", "GET": "GetQueueAttributes", "DELETE": "DeleteQueue"},
    "/queues/{queue}/messages": {
        "POST": "SendMessage",
        "GET": "ReceiveMessage",
        "DELETE": "DeleteMessage",
        "PUT": "ChangeMessageVisibility",
    },
    "/topics": {"GET": "ListTopic"},
    "/topics/{topic}": {"PUT": "CreateTopic", "GET": "GetTopicAttributes", "DELETE": "DeleteTopic"},
    "/topics/{topic}/messages": {"POST": "PublishMessage"},
    "/topics/{topic}/subscriptions": {"GET": "ListSubscriptionByTopic"},
    "/topics/{topic}/subscriptions/{subscription}": {
        "PUT": "Subscribe",
        "GET": "GetSubscriptionAttributes",
        "DELETE": "Unsubscribe",
    },
}
_OVERRIDES = {
    "CreateQueue": "SetQueueAttributes",
    "CreateTopic": "SetTopicAttributes",
    "Subscribe": "SetSubscriptionAttributes",
}


def check(caller: Caller, path: str, call: Call) -> None:
    """Raise `SmqError` unless `caller` is allowed what `call` asks for; `path` is the route that it took."""
    if caller.policy is None:
        return
    action = _ACTIONS.get(path, {}).get(call.request.method, "")
    if call.is_override:
        action = _OVERRIDES.get(action, action)
    if action == "ReceiveMessage" and call.parameter("peekonly") == "true":
        action = "PeekMessage"
    cloud = call.service.cloud
    resource = f"acs:mns:{cloud.region}:{cloud.account_id}:{path.format(**call.request.path_params)}"
    if not action or not caller.may(f"mns:{action}", resource):
        message = "The OwnerId that your Access Key Id associated to is forbidden for this operation."
        raise SmqError(403, "AccessDenied", message)
