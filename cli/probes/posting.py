"""The community feed: it answers a look-up that we signed, and refuses one that somebody else did.

Nothing is posted: a look-up asks for the post of a journey that there is none of (``docs/feed-api.yaml``).
"""

from __future__ import annotations

import base64
import secrets
import uuid

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe
from shared.errors import Misconfigured
from shared.feed import Feed, open_feed
from shared.webhooks import MIN_KEY_BYTES, signing_keys

_URL, _SECRET = "TRIPCANVAS_FEED_URL", "TRIPCANVAS_FEED_SECRET"
_SECRETS = ("feed_secret",)


def probes() -> tuple[Probe, ...]:
    """The probes of this service."""
    return (
        Probe("feed", _URL, _look_up, _SECRETS),
        Probe("a wrong signature", _SECRET, _wrong_signature, _SECRETS),
    )


def _look_up(deployment: Deployment) -> Answer:
    feed = _site(deployment)
    if feed is None:
        return _by_topic(deployment)
    try:
        found = feed.find(str(uuid.uuid4()))
    except Misconfigured as error:
        remedy = "the same secret on both sides, the right address, and a clock within 5 minutes"
        return Answer("refused", (Finding(str(error), f"{_URL}, {_SECRET}", remedy),))
    if found is not None:
        said = "it answers with a post for a journey that does not exist"
        return Answer("wrong", (Finding(said, _URL, "look-ups must go by journey_id, see docs/feed-api.yaml"),))
    return Answer("answers a signed look-up")


def _wrong_signature(deployment: Deployment) -> Answer:
    feed = _site(deployment)
    if feed is None:
        return Answer("not asked: posts go to a topic", is_known=False)
    strange = "whsec_" + base64.b64encode(secrets.token_bytes(MIN_KEY_BYTES)).decode()
    try:
        open_feed(feed.url, strange).find(str(uuid.uuid4()))
    except Misconfigured:
        return Answer("is refused")
    said = "the feed takes what somebody else has signed: anybody could post"
    return Answer("accepted", (Finding(said, _SECRET, "have the feed verify signatures, see docs/feed-api.yaml"),))


def _site(deployment: Deployment) -> Feed | None:
    """The feed by HTTP; None when posts go to a topic."""
    services = deployment.services
    if services.settings.feed_target == "mns":
        return None
    found = services.feed
    return found if isinstance(found, Feed) else None


def _by_topic(deployment: Deployment) -> Answer:
    signing_keys(deployment.services.settings.need("feed_secret"))
    return Answer(f"posts go to the topic {deployment.settings.feed_topic}; its readers can't be asked", is_known=False)
