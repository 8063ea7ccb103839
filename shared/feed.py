"""The post for the community feed, and its signed delivery.

Signed by Standard Webhooks; the journey id is the idempotency key, so that a repeated delivery is the same post.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import msgspec

from shared.clouds.http import call, open_session
from shared.errors import OutcomeUnknown
from shared.gazetteer import display_name
from shared.prompts import fill_tokens
from shared.records import Prompted, Received, StoredObject
from shared.retries import retrying
from shared.styles import Style
from shared.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

_TIMEOUT_S = 15
AI_NOTICE = "AI生成"


class PostStyle(msgspec.Struct, frozen=True):
    """The style of a post's picture, by id and by its names."""

    id: str
    name_zh: str
    name_en: str


class PostImage(msgspec.Struct, frozen=True):
    """One file of the post's picture."""

    url: str
    width: int
    height: int
    content_type: str
    size_bytes: int


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the feed gets to know; built field by field from what may be public."""

    journey_id: str
    visibility: str
    style: PostStyle
    title: str
    caption: str
    tags: tuple[str, ...]
    alt_text: str
    language: str
    cities: tuple[str, ...]
    date: str | None
    distance_km: int | None
    images: tuple[PostImage, ...]
    share_card: PostImage | None = None
    ai_generated: bool = True
    ai_notice: str = AI_NOTICE


def build_post(
    journey_id: str,
    received: Received,
    prompted: Prompted,
    style: Style,
    images: tuple[PostImage, ...],
    share_card: PostImage | None = None,
) -> Post:
    """The post of a journey; city names stand in it only where the owner agreed to that.

    The team's name is `Prompted.team`, which moderation let pass; without it the post says 我们, "our crew".
    """
    facts, brief = received.facts, prompted.brief
    return Post(
        journey_id=journey_id,
        visibility=visibility_of(received),
        style=PostStyle(style.id, style.name_zh, style.name_en),
        title=title_of(received, prompted),
        caption=caption_of(received, prompted),
        tags=tags_of(received, prompted),
        alt_text=_filled(brief.alt_text, received, prompted),
        language=facts.language,
        cities=cities_of(received),
        date=received.trip_date,
        distance_km=received.distance_km or None,
        images=images,
        share_card=share_card,
    )


def cities_of(received: Received) -> tuple[str, ...]:
    """The cities as the post names them: none unless the owner agreed to that."""
    language = received.facts.language
    return tuple(display_name(city, language) for city in received.facts.cities) if received.show_cities else ()


def title_of(received: Received, prompted: Prompted) -> str:
    """The title as the post shows it; cities and team as in `build_post`."""
    title = _filled(prompted.brief.title, received, prompted)
    return title[:1].upper() + title[1:]


def caption_of(received: Received, prompted: Prompted) -> str:
    """The caption as the post shows it; cities and team as in `build_post`."""
    return _filled(prompted.brief.caption, received, prompted)


def tags_of(received: Received, prompted: Prompted) -> tuple[str, ...]:
    """The tags as the post shows them; cities as in `build_post`."""
    return tuple(_filled(tag, received, prompted) for tag in prompted.brief.tags)


def _filled(text: str, received: Received, prompted: Prompted) -> str:
    language = received.facts.language
    city = prompted.brief.city if received.show_cities else ""
    return fill_tokens(text, language, city=display_name(city, language) if city else None, team=prompted.team)


def visibility_of(received: Received) -> str:
    """ "public" with the owner's consent, else "draft"."""
    return "public" if received.publish else "draft"


def image_of(stored: StoredObject, url: str) -> PostImage:
    """How the post names one stored file."""
    return PostImage(url, stored.width, stored.height, stored.content_type, stored.size_bytes)


class PostReceipt(msgspec.Struct, frozen=True):
    """What the feed answers; both go into a record of the ledger."""

    post_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    url: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class _Delivery(msgspec.Struct, frozen=True):
    type: str
    timestamp: str
    data: Post


def document_of(post: Post, created_at: str) -> bytes:
    """The signed document, the same bytes for every target and every repetition of one post."""
    return msgspec.json.encode(_Delivery("post.created", created_at, post))


def withdrawal_id(journey_id: str) -> str:
    """The message id of a withdrawal; not the bare journey id, which a look-up's signature is good for."""
    return f"withdraw:{journey_id}"


class FeedTarget(Protocol):
    """Where posts go. `Feed` is the site by HTTP, `shared.feed_topic.TopicFeed` a topic that feeds subscribe to."""

    def publish(self, post: Post, created_at: str, traceparent: str = "") -> PostReceipt:
        """Deliver one post; safe to repeat."""

    def find(self, journey_id: str) -> PostReceipt | None:
        """The post of a journey, if the target can be asked and has one."""

    def withdraw(self, journey_id: str) -> None:
        """Take back the post of a journey, if there is one, and let none of it in later."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The community feed's endpoint for posts."""

    url: str
    secret: str = field(repr=False)
    _session: Any = field(repr=False)

    def publish(self, post: Post, created_at: str, traceparent: str = "") -> PostReceipt:
        """Deliver one post; safe to repeat, because `created_at` and with it the body stay the same for a journey.

        Raises `Misconfigured` (401, 403, 404), `Refused` (other 4xx), `Unavailable` or `OutcomeUnknown`.
        """
        body = document_of(post, created_at)
        return retrying(lambda: self._deliver(post.journey_id, body, traceparent), idempotent=True)

    def find(self, journey_id: str) -> PostReceipt | None:
        """The post of a journey, if the feed has one."""
        answer = retrying(lambda: self._call("GET", journey_id, b"", {"journey_id": journey_id}), idempotent=True)
        return None if answer.status_code == 404 else _receipt(answer.content)

    def withdraw(self, journey_id: str) -> None:
        """Take back the post of a journey, if there is one, and let none of it in later."""
        withdrawal = {"journey_id": journey_id}
        retrying(
            lambda: self._call("DELETE", journey_id, b"", withdrawal, signed_id=withdrawal_id(journey_id)),
            idempotent=True,
        )

    def _deliver(self, journey_id: str, body: bytes, traceparent: str) -> PostReceipt:
        return _receipt(self._call("POST", journey_id, body, {}, traceparent=traceparent).content)

    def _call(
        self,
        method: str,
        journey_id: str,
        body: bytes,
        query: dict[str, str],
        *,
        signed_id: str = "",
        traceparent: str = "",
    ) -> Any:
        timestamp, message_id = int(time.time()), signed_id or journey_id
        return call(
            self._session,
            "feed",
            method,
            self.url,
            timeout_s=_TIMEOUT_S,
            check="TRIPCANVAS_FEED_URL and TRIPCANVAS_FEED_SECRET",
            query=query,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": journey_id,
                ID_HEADER: message_id,
                TIMESTAMP_HEADER: str(timestamp),
                SIGNATURE_HEADER: sign(self.secret, message_id, timestamp, body),
                **({"traceparent": traceparent} if traceparent else {}),
            },
            body=body,
            answers=(404,) if method == "GET" else (),
        )


def _receipt(body: bytes) -> PostReceipt:
    try:
        return msgspec.json.decode(body, type=PostReceipt)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OutcomeUnknown("feed", "UnreadableAnswer") from None


def open_feed(url: str, secret: str) -> Feed:
    """A feed endpoint with a connection that is kept alive between calls."""
    return Feed(url, secret, open_session(url))
