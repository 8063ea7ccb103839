"""Standard Webhooks signatures: how a post for the community feed proves who sent it.

The scheme is the symmetric one (``v1``) of https://www.standardwebhooks.com: HMAC-SHA256 over
``{message id}.{timestamp}.{body}``. It covers the body byte for byte, but neither the HTTP method nor the path:
a receiver of requests without a body must take the addressee from the message id.

A secret is changed without a gap by two valid keys: where this module takes a `secret`, it may be two, separated by a
space or a comma. The sender signs with both, a receiver accepts either of its own two.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from shared.errors import InvalidInput, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

#: How far sender's and receiver's clocks may be apart; as in the scheme's reference libraries.
TOLERANCE_S = 300

#: "At least 24 bytes", says the scheme of its symmetric keys.
MIN_KEY_BYTES = 24

#: The old key and the new one; a third would only be one that was forgotten.
MAX_KEYS = 2

_PREFIX = "whsec_"
# Without a full stop: it separates the signed parts, so an id that holds one could be read as another message.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def signing_key(secret: str) -> bytes:
    """The key bytes of a ``whsec_…`` secret, written in base64 of either alphabet, padded or not.

    Raises `Misconfigured` when the prefix is missing, the rest is not base64, or the key is shorter than 24 bytes.
    """
    if not secret.startswith(_PREFIX):
        raise Misconfigured(f"the feed's secret must start with {_PREFIX}")
    digits = secret.removeprefix(_PREFIX).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured(f"the feed's secret must be base64 after {_PREFIX}") from None
    if len(key) < MIN_KEY_BYTES:
        raise Misconfigured(f"the feed's secret must hold at least {MIN_KEY_BYTES} bytes, not {len(key)}")
    return key


def signing_keys(secret: str) -> tuple[bytes, ...]:
    """The keys of a setting that holds one ``whsec_…`` secret, or two separated by a space or a comma.

    Raises `Misconfigured` for none, for more than two, and for one that `signing_key` refuses.
    """
    secrets = [part for part in re.split(r"[\s,]+", secret) if part]
    if not 1 <= len(secrets) <= MAX_KEYS:
        raise Misconfigured(f"the feed's secret must be one {_PREFIX}… value, or two while it is being changed")
    return tuple(signing_key(part) for part in secrets)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the ``webhook-signature`` header: ``v1,`` and the base64 of the HMAC, one for each key.

    `message_id` stays the same when a delivery is repeated; `timestamp` (unix seconds) is that of the attempt.
    Raises `InvalidInput` for an id outside ``[A-Za-z0-9_:-]{1,128}``, `Misconfigured` for a bad secret.
    """
    _check_id(message_id)
    return " ".join(_signature(key, message_id, str(timestamp), body) for key in signing_keys(secret))


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    """Check the three webhook headers of one request against its `body` and answer its message id.

    `headers` is looked up by lower-case names; `now` is the receiver's clock in unix seconds. One good ``v1``
    signature among several, by either key, is enough; other versions are passed over. Compared in constant time.
    Raises `InvalidInput` naming the header that is absent, malformed, stale or wrong, and `Misconfigured`
    for a bad secret.
    """
    message_id = headers.get(ID_HEADER, "")
    _check_id(message_id)
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise InvalidInput(TIMESTAMP_HEADER, "unix time in whole seconds")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise InvalidInput(TIMESTAMP_HEADER, f"within {TOLERANCE_S} s of the receiver's clock")
    expected = [_signature(key, message_id, timestamp, body).encode() for key in signing_keys(secret)]
    offered = [signature.encode() for signature in headers.get(SIGNATURE_HEADER, "").split(" ")]
    if not any(hmac.compare_digest(right, signature) for right in expected for signature in offered):
        raise InvalidInput(SIGNATURE_HEADER, "a v1 signature of this message with the shared secret")
    return message_id


def _check_id(message_id: str) -> None:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise InvalidInput(ID_HEADER, f"required, {_MESSAGE_ID.pattern}")


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
