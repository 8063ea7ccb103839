"""KMS: secrets that stand encrypted in the environment, ``kms:<CiphertextBlob>``, decrypted when an instance starts.

One call of ``Decrypt`` (version 2016-01-20) for each, signed by ACS3-HMAC-SHA256 ("V3 request body and signature
mechanism", help.aliyun.com/document_detail/2593177.html). Without the SDK, whose import costs more than the call.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from shared.clouds.http import call, open_session
from shared.errors import Misconfigured, OutcomeUnknown
from shared.retries import retrying
from shared.settings import ENCRYPTED, Credentials, Settings

_ALGORITHM = "ACS3-HMAC-SHA256"
_TIMEOUT_S = 5


class _Decrypted(msgspec.Struct):
    plaintext: str = msgspec.field(name="Plaintext")


@dataclass(frozen=True, slots=True)
class Kms:
    """The key management of one region."""

    url: str
    credentials: Credentials = field(repr=False)
    _session: Any = field(repr=False)

    def decrypted(self, blob: str) -> str:
        """The text that KMS had encrypted as `blob`.

        Raises `Misconfigured` (the role may not, there is no such key), `Refused`, `Unavailable` or `OutcomeUnknown`.
        """
        answer = retrying(lambda: self._call({"CiphertextBlob": blob}), idempotent=True)
        try:
            return msgspec.json.decode(answer.content, type=_Decrypted).plaintext
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise OutcomeUnknown("kms", "UnreadableAnswer") from None

    def _call(self, query: dict[str, str]) -> Any:
        canonical_query = "&".join(f"{name}={quote(query[name], safe='~')}" for name in sorted(query))
        headers = {
            "host": urlsplit(self.url).netloc,
            "x-acs-action": "Decrypt",
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": "2016-01-20",
        }
        if self.credentials.security_token:
            headers["x-acs-security-token"] = self.credentials.security_token
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join(("POST", "/", canonical_query, lines, names, headers["x-acs-content-sha256"]))
        to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.credentials.access_key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        key_id = self.credentials.access_key_id
        headers["authorization"] = f"{_ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"
        return call(
            self._session,
            "kms",
            "POST",
            f"{self.url}/?{canonical_query}",
            timeout_s=_TIMEOUT_S,
            check="the secrets written kms:…, their key, and the role's kms:Decrypt",
            headers=headers,
        )


def unlocked(settings: Settings, credentials: Credentials) -> Settings:
    """The settings with every secret written ``kms:…`` decrypted. Raises what `Kms.decrypted` does."""
    url = settings.kms_endpoint.rstrip("/") or f"https://kms.{settings.region}.aliyuncs.com"
    kms = Kms(url, credentials, open_session(url))
    found = {}
    for name in settings.secrets():
        value = getattr(settings, name)
        if value.startswith(ENCRYPTED):
            text = kms.decrypted(value.removeprefix(ENCRYPTED)).strip()
            if not text:
                raise Misconfigured(f"{settings.variable(name)}: KMS decrypts it to nothing")
            found[name] = text
    return replace(settings, **found)
