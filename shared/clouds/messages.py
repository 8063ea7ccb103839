"""SMQ (MNS): publish to a topic, send to a queue.

The SDK is not thread-safe and, over HTTPS, waits without limit unless told otherwise; one `Messages` per instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.errors import Misconfigured, OutcomeUnknown, Refused, ServiceError, Unavailable
from shared.retries import retrying
from shared.settings import Credentials

_TIMEOUT_S = 15
#: Most bytes of one message body on the wire (limits page of SMQ).
MAX_BODY_BYTES = 64 * 1024

_PERMANENT_SETTINGS = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "QueueNotExist", "TopicNotExist", "TimeExpired"}
)
_THROTTLED = frozenset({"QpsLimitExceeded"})
#: What the service will never take, however often it is sent; every other code may pass.
_REFUSED = frozenset({"InvalidArgument", "MalformedXML", "MessageTooLong", "MissingParameter", "InvalidDigest"})


@dataclass(frozen=True, slots=True)
class Messages:
    """The topics and queues of one account. Build with `open_messages`."""

    _account: Any

    def publish(self, topic: str, body: bytes) -> str:
        """Publish one message to a topic and return its id.

        Repeated after an unknown outcome: subscribers may see a message twice, and every consumer here expects that.
        """
        from mns.topic import TopicMessage

        channel = self._account.get_topic(topic)
        return self._call(lambda: channel.publish_message(TopicMessage(body.decode("utf-8"))))

    def send(self, queue: str, body: bytes) -> str:
        """Send one message to a queue, without base64, and return its id. Repeated like `publish`."""
        from mns.queue import Message

        channel = self._account.get_queue(queue)
        channel.set_encoding(False)
        return self._call(lambda: channel.send_message(Message(body.decode("utf-8"))))

    def _call(self, call: Any) -> str:
        def once() -> str:
            from mns.mns_exception import MNSExceptionBase

            try:
                message_id: str = call().message_id
            except MNSExceptionBase as error:
                raise _translated(error) from None
            return message_id

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


def _translated(error: Any) -> ServiceError | Misconfigured:
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
