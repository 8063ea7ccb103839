"""Who is asking: the HMAC-SHA1 signature of SMQ.

``Authorization: MNS <key id>:base64(HMAC-SHA1(secret, method, content-md5, content-type, date, x-mns-* headers and
path with query))``: help.aliyun.com/document_detail/27487.html. Temporary credentials of a function's role come with
their token in the header ``security-token``, which is not signed; without it the key is unknown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from localcloud.mns.errors import SmqError
from localcloud.ram import caller_of
from localcloud.signing import http_time, is_skewed, same

if TYPE_CHECKING:
    from localcloud.ram import Caller
    from localcloud.signing import WireRequest
    from localcloud.state import Cloud


def check(request: WireRequest, body: bytes, cloud: Cloud, now: datetime | None = None) -> Caller:
    """Who signed `request` within the last 15 minutes: the account or one of its roles. Raises `SmqError`."""
    headers = request.headers
    for name, code in (
        ("authorization", "MissingAuthorizationHeader"),
        ("date", "MissingDateHeader"),
        ("x-mns-version", "MissingVersionHeader"),
    ):
        if name not in headers:
            raise SmqError(400, code, f"{name} header is required.")
    scheme, _, credential = headers["authorization"].partition(" ")
    key_id, found, signature = credential.strip().partition(":")
    if scheme != "MNS" or not found:
        raise SmqError(400, "InvalidAuthorizationHeader", "The Authorization header format is invalid.")
    caller = caller_of(cloud, key_id, headers.get("security-token", ""))
    if caller is None:
        raise SmqError(403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist.")
    moment = http_time(headers["date"])
    if moment is None:
        raise SmqError(400, "InvalidDateHeader", "The Date header format is invalid.")
    if is_skewed(moment, now or datetime.now(timezone.utc)):
        raise SmqError(408, "TimeExpired", "The http request you sent is expired.")
    if not same(signature, _signature(request, caller.credentials.access_key_secret)):
        message = "The request signature we calculated does not match the signature you provided."
        raise SmqError(403, "SignatureDoesNotMatch", message)
    _check_digest(headers.get("content-md5"), body)
    return caller


def _signature(request: WireRequest, secret: str) -> str:
    headers = request.headers
    to_sign = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            headers.get("date", ""),
            "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-mns-"))
            + request.path
            + (f"?{request.query}" if request.query else ""),
        )
    )
    digest = hmac.new(secret.encode(), to_sign.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def _check_digest(given: str | None, body: bytes) -> None:
    """Compare Content-MD5: base64 of the digest, or, as the Python SDK sends it, base64 of its hexadecimal form."""
    if given is None:
        return
    digest = hashlib.md5(body, usedforsecurity=False)
    accepted = (digest.digest(), digest.hexdigest().encode())
    if given not in (base64.b64encode(form).decode("ascii") for form in accepted):
        # The code is spelled like this in the documentation.
        raise SmqError(400, "InvalidDegist", "The Content-MD5 you specified is invalid.")
