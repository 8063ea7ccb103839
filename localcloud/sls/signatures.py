"""Who is asking: the signature of SLS, version 1.

``Authorization: LOG <key id>:base64(HMAC-SHA1(secret, method, content-md5, content-type, date, x-log-* and x-acs-*
headers, path with query))``: help.aliyun.com/zh/sls/developer-reference/request-signatures. Temporary credentials come
with their token in the header ``x-acs-security-token``, which is signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from localcloud.ram import caller_of
from localcloud.signing import http_time, is_skewed, same
from localcloud.sls.errors import SlsError

if TYPE_CHECKING:
    from localcloud.ram import Caller
    from localcloud.signing import WireRequest
    from localcloud.state import Cloud

#: The SDK repeats the date in it after it has signed: some proxies change the date itself.
_NOT_SIGNED = "x-log-date"


def check(request: WireRequest, body: bytes, cloud: Cloud, now: datetime | None = None) -> Caller:
    """Who signed `request` within the last 15 minutes: the account or one of its roles. Raises `SlsError`."""
    headers = request.headers
    if "x-log-apiversion" not in headers:
        raise SlsError(400, "MissingAPIVersion", "x-log-apiversion does not exist in http header.")
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    key_id, found, signature = credential.strip().partition(":")
    if scheme != "LOG" or not found:
        raise SlsError(400, "InvalidAuthorization", "A signature of version 1 is expected here: LOG <id>:<signature>.")
    caller = caller_of(cloud, key_id, headers.get("x-acs-security-token", ""))
    if caller is None:
        raise SlsError(401, "Unauthorized", "AccessKeyId is invalid.")
    moment = http_time(headers.get("date", ""))
    if moment is None:
        raise SlsError(400, "InvalidDateFormat", "Date must follow RFC822.")
    if is_skewed(moment, now or datetime.now(timezone.utc)):
        raise SlsError(400, "RequestTimeExpired", "The request's time has expired.")
    if not same(signature, _signature(request, caller.credentials.access_key_secret)):
        raise SlsError(401, "SignatureNotMatch", "Signature does not match.")
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest().upper()
    if body and headers.get("content-md5", "").upper() != digest:
        raise SlsError(400, "InvalidContentMD5", "Content-MD5 is not that of the body.")
    return caller


def _signature(request: WireRequest, secret: str) -> str:
    headers = request.headers
    signed = sorted(name for name in headers if name.startswith(("x-log-", "x-acs-")) and name != _NOT_SIGNED)
    to_sign = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            headers.get("date", ""),
            *(f"{name}:{headers[name]}" for name in signed),
            request.path + (f"?{request.query}" if request.query else ""),
        )
    )
    return base64.b64encode(hmac.new(secret.encode(), to_sign.encode(), hashlib.sha1).digest()).decode("ascii")
