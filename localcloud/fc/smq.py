"""What Function Compute does with SMQ (MNS), through its official SDK: subscribe functions, tell destinations.

The SDK's objects are not safe to share between threads, so every call makes its own account. All functions here
block; run them in a thread.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from mns.account import Account
from mns.mns_exception import MNSExceptionBase, MNSServerException
from mns.queue import Message
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

from localcloud.ram import Credentials
from shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localcloud.fc.deployment import Destination, Function, TopicTrigger
    from localcloud.state import Cloud

#: What SMQ says to a request that will never do. Every other code may pass: a service that is down for a moment, a
#: queue that is made later.
_FOR_GOOD = frozenset(
    {
        "AccessDenied",
        "InvalidAccessKeyId",
        "InvalidArgument",
        "MalformedXML",
        "MessageTooLong",
        "SignatureDoesNotMatch",
    }
)


def subscribe(cloud: Cloud, function: Function, trigger: TopicTrigger) -> None:
    """Subscribe `function` to the trigger's topic; an equal subscription stays, a different one is replaced.

    The topic is made if it is absent: in an account it has to exist before, and so it has in an embedded cloud that
    was begun empty. Raises `Unavailable` or `Refused`.
    """
    endpoint = f"acs:fc:{function.region}:{cloud.account_id}:functions/{function.name}"
    wanted = SubscriptionMeta(endpoint, trigger.strategy, trigger.content_format, trigger.filter_tag)
    with _errors(), _account(cloud) as account:
        topic = account.get_topic(trigger.topic)
        if not cloud.is_empty and _absent(topic.get_attributes):
            topic.create(TopicMeta())
        subscription = topic.get_subscription(f"{function.name}-{trigger.name}")
        if not _absent(subscription.get_attributes):
            if _settings(subscription.get_attributes()) == _settings(wanted):
                return
            subscription.unsubscribe()
        subscription.subscribe(wanted)


def _absent(get_attributes: Callable[[], object]) -> bool:
    try:
        get_attributes()
    except MNSServerException as error:
        if error.type.endswith("NotExist"):
            return True
        raise
    return False


def _settings(subscription: SubscriptionMeta) -> tuple[str, ...]:
    return (
        subscription.endpoint,
        subscription.notify_strategy,
        subscription.notify_content_format,
        subscription.filter_tag or "",
    )


def send(cloud: Cloud, destination: Destination, body: bytes, sender: Credentials | None = None) -> None:
    """Send `body` (UTF-8 text, not base64) to a queue or topic, as the function whose destination it is.

    `sender` is the account itself for a function that is deployed no more. Raises `Unavailable` or `Refused`.
    """
    with _errors(), _account(cloud, sender) as account:
        if destination.kind == "queues":
            queue = account.get_queue(destination.name)
            queue.set_encoding(False)
            queue.send_message(Message(body.decode()))
        else:
            account.get_topic(destination.name).publish_message(TopicMessage(body.decode()))


@contextlib.contextmanager
def _account(cloud: Cloud, sender: Credentials | None = None) -> Iterator[Account]:
    signs = sender or Credentials(cloud.access_key_id, cloud.access_key_secret)
    account = Account(cloud.url("mns"), signs.access_key_id, signs.access_key_secret, signs.security_token)
    try:
        yield account
    finally:
        account.mns_client.close_connection()


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except MNSServerException as error:
        raise (Refused if error.type in _FOR_GOOD else Unavailable)("mns", error.type) from None
    except MNSExceptionBase as error:
        raise Unavailable("mns", error.type) from None
