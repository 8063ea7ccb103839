"""Topics and queues of SMQ (MNS), by its SDK."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.clouds.messages import MAX_BODY_BYTES, translated
from shared.errors import Misconfigured

_T = TypeVar("_T")

#: The longest that a queue keeps a message (limits page of SMQ).
RETENTION_S = 604_800
#: How long a received message stays hidden unless its reader says otherwise.
VISIBILITY_S = 60


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. It keeps messages for a day, which can't be set."""

    account: Any = field(repr=False)
    name: str
    kind: str = "topic"

    @property
    def wanted(self) -> Mapping[str, str]:
        """The largest message, in bytes."""
        return {"largest message": str(MAX_BODY_BYTES)}

    def read(self) -> Mapping[str, str] | None:
        """Its attributes; None when there is no such topic."""
        found = _known(lambda: self._topic.get_attributes(), f"mns:GetTopicAttributes on topic {self.name}")
        return None if found is None else {"largest message": str(found.maximum_message_size)}

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, or set its attributes."""
        from mns.topic import TopicMeta

        meta = TopicMeta(MAX_BODY_BYTES)
        if found is None:
            _asked(lambda: self._topic.create(meta), f"mns:CreateTopic on topic {self.name}")
        else:
            _asked(lambda: self._topic.set_attributes(meta), f"mns:SetTopicAttributes on topic {self.name}")

    def holds(self) -> str:
        """A topic's messages are on their way: they are not counted."""
        return ""

    def delete(self) -> None:
        """Delete it with its subscriptions."""
        _asked(lambda: self._topic.delete(), f"mns:DeleteTopic on topic {self.name}")

    @property
    def _topic(self) -> Any:
        return self.account.get_topic(self.name)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue."""

    account: Any = field(repr=False)
    name: str
    kind: str = "queue"

    @property
    def wanted(self) -> Mapping[str, str]:
        """The largest message in bytes, and times in seconds."""
        return {
            "largest message": str(MAX_BODY_BYTES),
            "kept for s": str(RETENTION_S),
            "hidden for s": str(VISIBILITY_S),
        }

    def read(self) -> Mapping[str, str] | None:
        """Its attributes; None when there is no such queue."""
        what = f"mns:GetQueueAttributes on queue {self.name}"
        found = _known(lambda: self._queue.get_attributes(), what)
        return found and {
            "largest message": str(found.maximum_message_size),
            "kept for s": str(found.message_retention_period),
            "hidden for s": str(found.visibility_timeout),
        }

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, or set its attributes."""
        from mns.queue import QueueMeta

        meta = QueueMeta(vis_timeout=VISIBILITY_S, max_msg_size=MAX_BODY_BYTES, msg_ttl=RETENTION_S)
        if found is None:
            _asked(lambda: self._queue.create(meta), f"mns:CreateQueue on queue {self.name}")
        else:
            _asked(lambda: self._queue.set_attributes(meta), f"mns:SetQueueAttributes on queue {self.name}")

    def holds(self) -> str:
        """About how many messages lie in it."""

        def count() -> int:
            found = self._queue.get_attributes()
            return int(found.active_messages) + int(found.inactive_messages) + int(found.delay_messages)

        messages = _known(count, f"mns:GetQueueAttributes on queue {self.name}")
        return f"{messages} messages" if messages else ""

    def delete(self) -> None:
        """Delete it with its messages."""
        _asked(lambda: self._queue.delete(), f"mns:DeleteQueue on queue {self.name}")

    @property
    def _queue(self) -> Any:
        return self.account.get_queue(self.name)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is published to a topic goes into a queue, in the envelope that functions get too."""

    account: Any = field(repr=False)
    topic: str
    queue: str
    #: Where the queue is, as topics know it.
    endpoint: str
    kind: str = "subscription"

    @property
    def name(self) -> str:
        """Named as the queue is."""
        return self.queue

    @property
    def wanted(self) -> Mapping[str, str]:
        """Where it leads, how, and how long it is tried."""
        return {"to": self.endpoint, "format": "JSON", "retries": "EXPONENTIAL_DECAY_RETRY"}

    def read(self) -> Mapping[str, str] | None:
        """Its attributes; None when there is no such subscription."""
        what = f"mns:GetSubscriptionAttributes on topic {self.topic}"
        found = _known(lambda: self._subscription.get_attributes(), what)
        return found and {
            "to": str(found.endpoint),
            "format": str(found.notify_content_format),
            "retries": str(found.notify_strategy),
        }

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Subscribe; what leads elsewhere is replaced: only the strategy of one can be changed."""
        from mns.subscription import SubscriptionMeta

        if found is not None:
            self.delete()
        meta = SubscriptionMeta(self.endpoint, self.wanted["retries"], self.wanted["format"])
        _asked(lambda: self._subscription.subscribe(meta), f"mns:Subscribe on topic {self.topic}")

    def holds(self) -> str:
        """Nothing: messages are the topic's and the queue's."""
        return ""

    def delete(self) -> None:
        """Unsubscribe."""
        _asked(lambda: self._subscription.unsubscribe(), f"mns:Unsubscribe on topic {self.topic}")

    @property
    def _subscription(self) -> Any:
        return self.account.get_topic(self.topic).get_subscription(self.queue)


def _known(call: Callable[[], _T], what: str) -> _T | None:
    """The answer; None for what does not exist."""
    from mns.mns_exception import MNSServerException

    try:
        with _errors(what):
            return call()
    except MNSServerException:
        return None


def _asked(call: Callable[[], object], what: str) -> None:
    with _errors(what):
        call()


@contextlib.contextmanager
def _errors(what: str) -> Iterator[None]:
    """Name the call in what goes wrong; that a topic or queue does not exist passes as the SDK says it."""
    from mns.mns_exception import MNSExceptionBase, MNSServerException

    try:
        with warnings.catch_warnings():
            # The SDK has declared the counts deprecated, but can't read a queue's attributes without them.
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    except MNSServerException as error:
        if error.type in ("TopicNotExist", "QueueNotExist", "SubscriptionNotExist"):
            raise
        if error.type == "AccessDenied":
            raise Misconfigured(f"mns: not allowed: {what}; give the access key's user that action") from None
        raise translated(error) from None
    except MNSExceptionBase as error:
        raise translated(error) from None
