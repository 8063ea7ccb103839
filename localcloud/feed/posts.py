"""What the feed receives and what it shows: the typed post, its checks, and its public form."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from shared.errors import InvalidInput

#: A post larger than this is refused before it is parsed; a real one is about 2 KB.
MAX_POST_BYTES = 64 * 1024

_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
_Pixels = Annotated[int, msgspec.Meta(ge=1, le=20_000)]


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """The painting style, with its name in both languages."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
    name_zh: _Name
    name_en: _Name


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One rendition of the post's picture. `width` and `height` are in pixels."""

    url: Annotated[str, msgspec.Meta(max_length=2048)]
    width: _Pixels
    height: _Pixels
    content_type: Literal["image/jpeg", "image/png", "image/webp", "image/avif"]
    size_bytes: Annotated[int, msgspec.Meta(ge=1)]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a post that readers see. Texts are plain text; `images` are renditions, the largest first."""

    style: Style
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    caption: Annotated[str, msgspec.Meta(max_length=2000)]
    tags: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=20)]
    alt_text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    language: Literal["zh", "en"]
    cities: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=60)]
    date: dt.date | None
    distance_km: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None
    images: Annotated[tuple[Image, ...], msgspec.Meta(min_length=1, max_length=12)]
    share_card: Image | None = None
    ai_generated: bool
    ai_notice: Annotated[str, msgspec.Meta(max_length=20)]


class Post(Content, frozen=True, kw_only=True):
    """A post as its sender means it: whose journey it shows, and who may see it."""

    journey_id: _Id
    visibility: Literal["public", "draft"]


class _Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope of Standard Webhooks. Unknown fields are passed over, so that a sender can grow first."""

    type: Literal["post.created"]
    timestamp: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    data: Post


class PublishedPost(msgspec.Struct, frozen=True, kw_only=True):
    """A public post as the feed hands it out; the journey behind it stays with the sender."""

    post_id: str
    published_at: dt.datetime
    content: Content


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the feed, newest first.

    `next_before` asks for the stretch that follows, None when there is none. `last_event_id` is where to begin
    listening so that nothing between this answer and the first event is missed.
    """

    posts: tuple[PublishedPost, ...]
    next_before: int | None
    last_event_id: int


_decoder = msgspec.json.Decoder(_Delivery)
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")


def parse_post(body: bytes) -> Post:
    """Read and check one delivered post (UTF-8 JSON).

    Raises `InvalidInput` naming the field, by its path from the envelope (``data.images[0].url``), and what was
    expected there; the message never repeats what was sent.
    """
    try:
        post = _decoder.decode(body).data
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidInput("body", "JSON in UTF-8") from None
    _check_images(post.images)
    if post.share_card is not None and not _is_web_address(post.share_card.url):
        raise InvalidInput("data.share_card.url", "an absolute http or https URL")
    _check_notice(post)
    return post


def _check_images(images: tuple[Image, ...]) -> None:
    for index, image in enumerate(images):
        if not _is_web_address(image.url):
            raise InvalidInput(f"data.images[{index}].url", "an absolute http or https URL")
    if all(image.content_type == "image/avif" for image in images):
        raise InvalidInput("data.images", "a picture that is not AVIF, for readers that can't show one")
    areas = [image.width * image.height for image in images]
    if areas != sorted(areas, reverse=True):
        raise InvalidInput("data.images", "the largest picture first")


def _is_web_address(url: str) -> bool:
    """Whether `url` is http(s) with a host and no user; anything else could run script or point a reader astray."""
    if not url.isprintable() or re.search(r"[\s\\]", url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None


def _check_notice(post: Post) -> None:
    """Hold posts to the visible label of GB 45438-2025, 5.1: an AI word together with a generation word."""
    if not post.ai_generated:
        raise InvalidInput("data.ai_generated", "true: every picture of this feed is generated")
    if not re.search("AI|人工智能", post.ai_notice) or not re.search("生成|合成", post.ai_notice):
        raise InvalidInput("data.ai_notice", "AI or 人工智能, together with 生成 or 合成")


def _named(message: str) -> InvalidInput:
    """Turn msgspec's sentence into field and expectation. Of all its sentences, one repeats what was sent."""
    sentence, _, place = message.rpartition(" - at `$") if " - at `$" in message else (message, "", "")
    path = place.removeprefix(".").removesuffix("`")
    missing = _MISSING.match(sentence)
    if missing:
        return InvalidInput(f"{path}.{missing['name']}".removeprefix("."), "required, but missing")
    if sentence.startswith("Invalid enum value"):
        sentence = "one of the values that the API names"
    return InvalidInput(path or "body", sentence)
