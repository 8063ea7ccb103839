"""SMQ (MNS): topics, the queue, and that the functions are subscribed in a form that they read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.comparing import findings_of
from cli.probes.probe import Answer, Probe
from cli.provision.desired import channels_of
from shared.clouds.messages import translated

_WHERE = "TRIPCANVAS_MNS_ENDPOINT"
#: The forms of a notification that `shared.events` reads; XML is none of them.
_FORMATS = frozenset({"JSON", "STREAM", "SIMPLIFIED"})
_STRATEGY = "EXPONENTIAL_DECAY_RETRY"


def probes() -> tuple[Probe, ...]:
    """The probes of this service."""
    return (
        Probe("topics and queues", _WHERE, lambda deployment: findings_of(channels_of(deployment))),
        Probe("subscriptions", _WHERE, _subscriptions),
    )


def _subscriptions(deployment: Deployment) -> Answer:
    settings = deployment.settings
    topics = (settings.need("trip_topic"), settings.need("result_topic"))
    findings = tuple(finding for topic in topics for finding in _of_topic(deployment, topic))
    return Answer("not as it should be" if findings else f"functions listen to {' and '.join(topics)}", findings)


def _of_topic(deployment: Deployment, topic: str) -> Iterator[Finding]:
    """What is wrong with the functions' subscriptions to one topic."""
    where = f"topic {topic}"
    functions = [each for each in _attributes(deployment, topic) if each.endpoint.startswith("acs:fc:")]
    if not functions:
        yield Finding("no function is subscribed", where, "deploy the functions: `s deploy`")
    for each in functions:
        if each.notify_content_format not in _FORMATS:
            said = f"notifications come as {each.notify_content_format}, which no function reads"
            yield Finding(said, f"{where}: {each.subscription_name}", "notifyContentFormat: JSON, then `s deploy`")
        if each.notify_strategy != _STRATEGY:
            said = f"the strategy is {each.notify_strategy}: a trip is given up after a few tries"
            yield Finding(said, f"{where}: {each.subscription_name}", f"notifyStrategy: {_STRATEGY}, then `s deploy`")


def _attributes(deployment: Deployment, topic: str) -> list[Any]:
    """The attributes of every subscription to a topic, as the SDK has them."""
    from mns.mns_exception import MNSExceptionBase

    channel = deployment.services.messages.account.get_topic(topic)
    try:
        addresses, _ = channel.list_subscription()
        names = [str(address).rsplit("/", 1)[-1] for address in addresses]
        return [channel.get_subscription(name).get_attributes() for name in names]
    except MNSExceptionBase as error:
        raise translated(error) from None
