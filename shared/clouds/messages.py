"""SMQ (MNS): publish to a topic, send to a queue, and take messages out of one.

The SDK is not thread-safe and, over HTTPS, waits without limit unless told otherwise; one `Messages` per instance.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from shared.errors import Misconfigured, OutcomeUnknown, Refused, ServiceError, Unavailable
from shared.retries import retrying
from shared.settings import Credentials

_T = TypeVar("_T")

_TIMEOUT_S = 15
#: Most bytes of one message body on the wire, and most messages of one call (limits page of SMQ).
MAX_BODY_BYTES = 64 * 1024
MAX_BATCH = 16

_PERMANENT_SETTINGS = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "QueueNotExist", "TopicNotExist", "TimeExpired"}
)
_THROTTLED = frozenset({"QpsLimitExceeded", "TooManyRequests"})
_NOT_HELD = frozenset({"ReceiptHandleError", "MessageNotExist"})
#: What the service will never take, however often it is sent; every other code may pass.
_REFUSED = _NOT_HELD | {"InvalidArgument", "MalformedXML", "MessageTooLong", "MissingParameter", "InvalidDigest"}


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message that was received and still lies in its queue, hidden from others until `hidden_until`.

    `id` stays the same however often it is received; `receipt` is good for this one time. Times are the service's.
    """

    id: str
    body: bytes = field(repr=False)
    receipt: str = field(repr=False)
    enqueued_at: datetime
    hidden_until: datetime
    receive_count: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """How long a received message stays hidden, and about how many messages there are, hidden ones included."""

    hidden_for: timedelta
    length: int


@dataclass(frozen=True, slots=True)
class Messages:
    """The topics and queues of one account. Build with `open_messages`."""

    _account: Any

    @property
    def account(self) -> Any:
        """The SDK's own account, for what only deployments do."""
        return self._account

    def publish(self, topic: str, body: bytes) -> str:
        """Publish one message to a topic and return its id.

        Repeated after an unknown outcome: subscribers may see a message twice, and every consumer here expects that.
        """
        from mns.topic import TopicMessage

        channel = self._account.get_topic(topic)
        return self._call(lambda: str(channel.publish_message(TopicMessage(body.decode("utf-8"))).message_id))

    def send(self, queue: str, body: bytes) -> str:
        """Send one message to a queue, without base64, and return its id. Repeated like `publish`."""
        from mns.queue import Message

        channel = self._queue(queue)
        return self._call(lambda: str(channel.send_message(Message(body.decode("utf-8"))).message_id))

    def state(self, queue: str) -> QueueState:
        """How a queue is set, and how much lies in it."""
        channel = self._queue(queue)

        def read() -> QueueState:
            found = channel.get_attributes()
            length = int(found.active_messages) + int(found.inactive_messages) + int(found.delay_messages)
            return QueueState(timedelta(seconds=int(found.visibility_timeout)), length)

        with warnings.catch_warnings():
            # The SDK has declared the counts deprecated, but can't read a queue's attributes without them.
            warnings.simplefilter("ignore", DeprecationWarning)
            return self._call(read)

    def receive(self, queue: str, *, wait_s: int = 0, most: int = MAX_BATCH) -> list[QueuedMessage]:
        """Up to `most` messages, hidden from now on; none when none comes within `wait_s` (at most 10).

        Repeated after an unknown outcome: what the lost answer held comes back when its time is over.
        """
        channel = self._queue(queue)
        try:
            found = self._call(lambda: list(channel.batch_receive_message(most, wait_s)))
        except Refused as error:
            if error.code == "MessageNotExist":
                return []
            raise
        return [_queued(message) for message in found]

    def peek(self, queue: str) -> list[QueuedMessage]:
        """Up to `MAX_BATCH` messages that nobody has received, without hiding them; they have no receipt."""
        channel = self._queue(queue)
        try:
            found = self._call(lambda: list(channel.batch_peek_message(MAX_BATCH)))
        except Refused as error:
            if error.code == "MessageNotExist":
                return []
            raise
        return [_queued(message) for message in found]

    def delete(self, queue: str, message: QueuedMessage) -> bool:
        """Delete a received message; False when it is not held under this receipt any more."""
        channel = self._queue(queue)
        return self._while_held(lambda: channel.delete_message(message.receipt))

    def release(self, queue: str, message: QueuedMessage) -> bool:
        """Let others see a received message again after a second, the service's shortest time; False as in `delete`."""
        return self.hide(queue, message, 1) is not None

    def hide(self, queue: str, message: QueuedMessage, seconds: int) -> QueuedMessage | None:
        """Hide a received message from others for so long from now on; None when it is not held any more.

        It is held under another receipt afterwards. After an answer that was lost, the receipt is lost with it.
        """
        channel = self._queue(queue)
        changed: list[Any] = []
        if not self._while_held(lambda: changed.append(channel.change_message_visibility(message.receipt, seconds))):
            return None
        receipt, until = str(changed[-1].receipt_handle), _moment(changed[-1].next_visible_time)
        return replace(message, receipt=receipt, hidden_until=until)

    def _queue(self, name: str) -> Any:
        channel = self._account.get_queue(name)
        channel.set_encoding(False)
        return channel

    def _while_held(self, call: Callable[[], object]) -> bool:
        try:
            self._call(call)
        except Refused as error:
            if error.code in _NOT_HELD:
                return False
            raise
        return True

    def _call(self, call: Callable[[], _T]) -> _T:
        def once() -> _T:
            from mns.mns_exception import MNSExceptionBase

            try:
                return call()
            except MNSExceptionBase as error:
                raise translated(error) from None

        return retrying(once, idempotent=True)


def open_messages(endpoint: str, credentials: Credentials) -> Messages:
    """Connect lazily to one account's endpoint."""
    from mns.account import Account

    # The SDK fails on a token of None, but takes an empty one.
    account = Account(endpoint, credentials.access_key_id, credentials.access_key_secret, credentials.security_token)
    account.mns_client.http.set_connection_timeout(_TIMEOUT_S)
    # HTTPS connections ignore that setting; `http.client` reads this attribute when it connects.
    account.mns_client.http.conn.timeout = _TIMEOUT_S
    return Messages(account)


def _queued(message: Any) -> QueuedMessage:
    return QueuedMessage(
        id=str(message.message_id),
        body=str(message.message_body).encode("utf-8"),
        receipt=str(message.receipt_handle),
        enqueued_at=_moment(message.enqueue_time),
        hidden_until=_moment(message.next_visible_time),
        receive_count=int(message.dequeue_count),
    )


def _moment(milliseconds: object) -> datetime:
    return datetime.fromtimestamp(int(str(milliseconds)) / 1000, timezone.utc)


def translated(error: Any) -> ServiceError | Misconfigured:
    """What an error of the SDK means."""
    from mns.mns_exception import MNSServerException

    if isinstance(error, MNSServerException):
        if error.type in _PERMANENT_SETTINGS:
            return Misconfigured(f"mns: {error.type} (request {error.req_id})")
        if error.type in _THROTTLED:
            return Unavailable("mns", error.type, str(error.req_id))
        kind = Refused if error.type in _REFUSED else OutcomeUnknown
        return kind("mns", str(error.type), str(error.req_id))
    # Every local failure arrives as one network exception that has lost its cause; only the text tells them apart.
    if "refused" in str(error.message):
        return Unavailable("mns", "ConnectionFailed")
    return OutcomeUnknown("mns", "ConnectionFailed")
