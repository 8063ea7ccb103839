"""The community feed behind an SMQ topic: the same signed document, published as a message.

A message's body is JSON: the three headers of Standard Webhooks, ``idempotency-key`` and ``traceparent`` by their
names, and the document as the text ``body``, whose UTF-8 bytes are what was signed. `docs/feed.md` is the contract.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec

from shared.clouds.messages import Messages
from shared.feed import Post, PostReceipt, document_of, withdrawal_id
from shared.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign, signing_keys


class SignedMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of the topic; `body` is the document as it was signed."""

    id: str = msgspec.field(name=ID_HEADER)
    timestamp: str = msgspec.field(name=TIMESTAMP_HEADER)
    signature: str = msgspec.field(name=SIGNATURE_HEADER)
    idempotency_key: str = msgspec.field(name="idempotency-key")
    body: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class TopicFeed:
    """The topic that feeds subscribe to. A post counts as published when the topic has taken it."""

    topic: str
    secret: str = field(repr=False)
    _messages: Messages = field(repr=False)

    def publish(self, post: Post, created_at: str, traceparent: str = "") -> PostReceipt:
        """Publish one post; safe to repeat: subscribers tell repetitions by the idempotency key.

        The receipt names the post by its journey, and has no address. Raises what `Messages.publish` does.
        """
        self._publish(post.journey_id, post.journey_id, document_of(post, created_at), traceparent)
        return PostReceipt(post.journey_id)

    def find(self, journey_id: str) -> PostReceipt | None:  # noqa: ARG002 - a topic can't be asked
        """None: what a topic took before can't be looked up."""
        return None

    def withdraw(self, journey_id: str) -> None:
        """Publish that no post of a journey may stand. It may overtake the post, so subscribers keep it in mind."""
        document = {"type": "post.withdrawn", "data": {"journey_id": journey_id}}
        self._publish(withdrawal_id(journey_id), journey_id, msgspec.json.encode(document))

    def _publish(self, message_id: str, journey_id: str, document: bytes, traceparent: str = "") -> None:
        timestamp = int(time.time())
        message = SignedMessage(
            id=message_id,
            timestamp=str(timestamp),
            signature=sign(self.secret, message_id, timestamp, document),
            idempotency_key=journey_id,
            body=document.decode("utf-8"),
            traceparent=traceparent,
        )
        self._messages.publish(self.topic, msgspec.json.encode(message))


def open_topic_feed(messages: Messages, topic: str, secret: str) -> TopicFeed:
    """A feed behind `topic`. Raises `Misconfigured` for a secret that can't sign."""
    signing_keys(secret)
    return TopicFeed(topic, secret, messages)
