"""The open API's V3 signature, ACS3-HMAC-SHA256: making one, and checking one.

::

    canonical request = METHOD, path, query, ("name:value" + newline) per header, names joined by ";", sha256(body),
                        joined by newlines
    string to sign    = "ACS3-HMAC-SHA256", newline, sha256(canonical request)
    signature         = hex(HMAC-SHA256(access key secret, string to sign))

Source: "V3 request body and signature mechanism", help.aliyun.com/document_detail/2593177.html. The document signs
``host``, ``content-type`` and ``x-acs-*`` only, but the official SDKs sign every header they send; a check therefore
goes by the list in ``SignedHeaders``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from localcloud.signing import WireRequest, is_skewed, same

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "ACS3-HMAC-SHA256"
_UNSIGNED_BODY = "UNSIGNED-PAYLOAD"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<key_id>[^,\s]+),\s*"
    r"SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<signature>[0-9a-fA-F]+)"
)


class SignatureRejected(Exception):
    """The request is not proven to come from the key's owner; `status` and `code` are what Function Compute answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def sign(
    request: WireRequest,
    body: bytes,
    *,
    action: str,
    version: str,
    access_key_id: str,
    access_key_secret: str,
    now: datetime | None = None,
) -> dict[str, str]:
    """The headers to send: those of `request`, which must include ``host``, and the signed ones.

    `action` and `version` name the call (``InvokeFunction``, ``2023-03-30``); `now` is the current time if None.
    """
    headers = {
        **request.headers,
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": (now or datetime.now(timezone.utc)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": secrets.token_hex(16),
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    names = ";".join(sorted(headers))
    signature = _signature(request, headers, names, access_key_secret)
    return {
        **headers,
        "authorization": f"{ALGORITHM} Credential={access_key_id},SignedHeaders={names},Signature={signature}",
    }


def verify(
    request: WireRequest, body: bytes, *, access_key_id: str, access_key_secret: str, now: datetime | None = None
) -> None:
    """Return if `request` with `body` was signed by this access key within the last 15 minutes.

    Raises `SignatureRejected`. Nonces are not remembered: a replay within the 15 minutes passes.
    """
    headers = request.headers
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    if match is None:
        raise SignatureRejected(400, "MissingRequiredHeader", f"Authorization must be a {ALGORITHM} signature.")
    if match["key_id"] != access_key_id:
        raise SignatureRejected(403, "InvalidAccessKeyID", "The access key id is not known.")
    _check_time(headers.get("x-acs-date", ""), now or datetime.now(timezone.utc))
    names = match["names"].lower()
    absent = {"host", "x-acs-date", *names.split(";")} - headers.keys()
    if absent or not {"host", "x-acs-date", "x-acs-content-sha256"} <= set(names.split(";")):
        raise SignatureRejected(403, "SignatureNotMatch", "A header that must be signed is missing.")
    declared = headers.get("x-acs-content-sha256", "")
    if declared != _UNSIGNED_BODY and not same(declared, hashlib.sha256(body).hexdigest()):
        raise SignatureRejected(403, "SignatureNotMatch", "x-acs-content-sha256 is not the hash of the body.")
    if not same(match["signature"].lower(), _signature(request, headers, names, access_key_secret)):
        raise SignatureRejected(403, "SignatureNotMatch", "The signature is not the one computed for this request.")


def key_id(request: WireRequest) -> str:
    """The access key id that a request says it is signed with; empty for none."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    return match["key_id"] if match else ""


def _check_time(text: str, now: datetime) -> None:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise SignatureRejected(400, "MissingRequiredHeader", "x-acs-date must be like 2026-05-05T10:00:00Z.") from None
    if is_skewed(moment, now):
        raise SignatureRejected(403, "AccessDenied", "x-acs-date differs from the service's time by over 15 minutes.")


def _signature(request: WireRequest, headers: Mapping[str, str], names: str, secret: str) -> str:
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names.split(";"))
    canonical = "\n".join(
        (
            request.method,
            request.path or "/",
            _canonical_query(request.query),
            lines,
            names,
            headers.get("x-acs-content-sha256", ""),
        )
    )
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode('utf-8', 'surrogateescape')).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _canonical_query(query: str) -> str:
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~")) for name, value in parse_qsl(query, keep_blank_values=True)
    )
    return "&".join(f"{name}={value}" for name, value in pairs)
