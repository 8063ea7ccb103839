"""The request signature of Function Compute 2.0, as `aliyun-fc2` sends it.

::

    authorization: FC <access key id>:base64(HMAC-SHA256(secret,
        METHOD \\n content-md5 \\n content-type \\n date \\n (x-fc-name:value \\n)… path))

The path is not percent-encoded; ``x-fc-*`` headers are in the order of their names. Source: "Signature
authentication", help.aliyun.com/document_detail/52877.html.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localcloud.acs3 import SignatureRejected
from localcloud.signing import http_time, is_skewed, same

if TYPE_CHECKING:
    from localcloud.signing import WireRequest


def verify(request: WireRequest, *, access_key_id: str, access_key_secret: str) -> None:
    """Return if `request` was signed by this access key within the last 15 minutes. Raises `SignatureRejected`."""
    headers = request.headers
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    key_id, _, signature = credential.strip().partition(":")
    date = http_time(headers.get("date", ""))
    if scheme != "FC" or not signature or date is None:
        raise SignatureRejected(400, "MissingRequiredHeader", "Date and an FC Authorization are required.")
    if key_id != access_key_id:
        raise SignatureRejected(403, "InvalidAccessKeyID", "The access key id is not known.")
    if is_skewed(date, datetime.now(timezone.utc)):
        raise SignatureRejected(403, "AccessDenied", "Date differs from the service's time by over 15 minutes.")
    lines = [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-fc-")]
    fixed = [request.method, *(headers.get(name, "") for name in ("content-md5", "content-type", "date"))]
    to_sign = "\n".join([*fixed, *lines, unquote(request.path)])
    expected = base64.b64encode(hmac.new(access_key_secret.encode(), to_sign.encode(), hashlib.sha256).digest())
    if not same(signature, expected.decode()):
        raise SignatureRejected(403, "SignatureNotMatch", "The signature is not the one computed for this request.")
