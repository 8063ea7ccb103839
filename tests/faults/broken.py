"""The product broken on purpose, one way a function: what the matrix must not let pass. Run in the forked process."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from shared.feed import Feed, Post, PostReceipt


def posts_without_a_key() -> None:
    """Every delivery of a post has an idempotency key of its own, so that a repeated one is a second post."""
    import shared.feed

    publish = shared.feed.Feed.publish

    def publish_anew(feed: Feed, post: Post, created_at: str, traceparent: str = "") -> PostReceipt:
        return publish(feed, msgspec.structs.replace(post, journey_id=str(uuid.uuid4())), created_at, traceparent)

    shared.feed.Feed.publish = publish_anew  # type: ignore[method-assign]


def keeps_markers() -> None:
    """Nothing is ever deleted from the ledger."""
    import shared.clouds.objects

    shared.clouds.objects.Bucket.delete = lambda *_: None  # type: ignore[method-assign, assignment]


def logs_the_message() -> None:
    """The parser of trips logs what it parses."""
    import shared.intake

    parse = shared.intake.parse_trip

    def parse_and_log(body: bytes) -> Any:
        logging.getLogger("tripcanvas").info("parsing %s", body.decode())
        return parse(body)

    shared.intake.parse_trip = parse_and_log


def waits_without_limit() -> None:
    """Calls of the feed have no time-out."""
    import shared.feed

    shared.feed._TIMEOUT_S = None  # type: ignore[assignment]
