"""What SMQ keeps: queues, topics, subscriptions, messages, and deliveries under way.

Limits: help.aliyun.com/document_detail/128343.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from localcloud.mns.errors import SmqError

MAX_MESSAGE_BYTES = 64 * 1024
MAX_BATCH = 16
MAX_WAIT_S = 30
MAX_VISIBILITY_S = 43_200
MAX_DELAY_S = 604_800
MAX_TAG_CHARACTERS = 16
MAX_SUBSCRIPTIONS = 100
#: A topic keeps a message this long while it tries to deliver it.
TOPIC_RETENTION_S = 86_400

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")


class NotifyStrategy(str, Enum):
    """How a topic tries again when an endpoint did not take a message."""

    BACKOFF = "BACKOFF_RETRY"
    EXPONENTIAL = "EXPONENTIAL_DECAY_RETRY"


class ContentFormat(str, Enum):
    """How a topic wraps a message for an endpoint. STREAM and JSON are for functions, all but STREAM for the rest."""

    XML = "XML"
    JSON = "JSON"
    SIMPLIFIED = "SIMPLIFIED"
    STREAM = "STREAM"


@dataclass(frozen=True, slots=True)
class QueueAttributes:
    """The attributes a queue is created with; their defaults are the service's."""

    visibility_timeout_s: int = 30
    maximum_message_bytes: int = MAX_MESSAGE_BYTES
    retention_s: int = 345_600
    delay_s: int = 0
    polling_wait_s: int = 0
    logging_enabled: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """Where a message goes that was received `max_receive_count` times and is visible once more."""

    target_queue: str
    max_receive_count: int


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. Times are milliseconds since 1970."""

    name: str
    attributes: QueueAttributes
    dead_letter: DeadLetterPolicy | None
    created_ms: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Property:
    """A user or system property of a message, as the 1.3 SDK sends them: name, value as text, type."""

    name: str
    value: str
    type: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be put into a queue. A `delay_s` of None means the queue's."""

    body: str
    delay_s: int | None = None
    priority: int = 8
    group_id: str = ""
    user_properties: tuple[Property, ...] = ()
    system_properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a queue. `receipt_handle` is empty unless it was just received or sent with a delay."""

    id: str
    body: str
    body_md5: str
    priority: int
    group_id: str
    user_properties: tuple[Property, ...]
    system_properties: tuple[Property, ...]
    enqueued_ms: int
    first_received_ms: int
    next_visible_ms: int
    receive_count: int
    receipt_handle: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic."""

    name: str
    maximum_message_bytes: int
    logging_enabled: bool
    created_ms: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """One endpoint of a topic. An empty `filter_tag` takes every message; `dead_letter_queue` may be empty."""

    topic: str
    name: str
    endpoint: str
    strategy: NotifyStrategy
    content_format: ContentFormat
    filter_tag: str
    dead_letter_queue: str
    created_ms: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Publication:
    """A message as it was published. `attributes` are the children of its MessageAttributes element."""

    id: str
    body: str
    body_md5: str
    tag: str
    attributes: tuple[tuple[str, str], ...]
    user_properties: tuple[Property, ...]
    published_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A publication on its way to one subscription; `attempts` is how often it was tried in vain."""

    id: int
    subscription: Subscription
    publication: Publication
    attempts: int


def check_name(kind: str, name: str) -> None:
    """1 to 120 letters, digits, ``-`` and ``_``, the first a letter or digit. Raises `SmqError`."""
    if not 1 <= len(name) <= 120:
        raise SmqError(400, f"{kind}NameLengthError", f"{kind} name length should between 1 and 120.")
    if not _NAME.fullmatch(name):
        raise SmqError(400, f"Invalid{kind}Name", f"The {kind.lower()} name you provided is invalid.")
