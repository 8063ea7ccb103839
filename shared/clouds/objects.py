"""OSS: put, get, list, delete; create-only puts are the ledger's foundation.

Single calls are not retried by `oss2` (its `request_retries` serves the list iterators only), so they are here.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from shared.clouds.http import open_session, transport_error
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable, code_word
from shared.retries import retrying
from shared.settings import Credentials

_T = TypeVar("_T")

_CHECK = "TRIPCANVAS_OSS_ENDPOINT"
_CONNECT_TIMEOUT_S = 10
_FORBID_OVERWRITE = "x-oss-forbid-overwrite"
_PERMANENT_SETTINGS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "NoSuchBucket", "InvalidBucketName"}
)


class NotFound(Refused):
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing tells of it; another `etag` means other content."""

    key: str
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. Build with `open_bucket`."""

    _bucket: Any

    @property
    def sdk(self) -> Any:
        """The SDK's own bucket, for what only deployments do."""
        return self._bucket

    def create(self, key: str, body: bytes, content_type: str) -> bool:
        """Put an object that must not exist yet; True when this call made it, False when the key was taken.

        A put whose answer was lost is repeated; when the repetition finds the key taken, the object itself
        tells whether it was this very call that had made it.
        """
        lost = False

        def put() -> bool:
            nonlocal lost
            try:
                self._put(key, body, {"Content-Type": content_type, _FORBID_OVERWRITE: "true"})
            except OutcomeUnknown:
                lost = True
                raise
            except Refused as error:
                if error.code == "FileAlreadyExists":
                    return lost and self._holds(key, body)
                raise
            return True

        return retrying(put, idempotent=True)

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str,
        *,
        public: bool = False,
        cache_control: str = "",
    ) -> None:
        """Put an object, over an older one if there is one; `public` lets anyone read it."""
        headers = {"Content-Type": content_type}
        if public:
            headers["x-oss-object-acl"] = "public-read"
        if cache_control:
            headers["Cache-Control"] = cache_control
        retrying(lambda: self._put(key, body, headers), idempotent=True)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """The object's bytes. Raises `NotFound`, and `Refused` when it is larger than `max_bytes`."""

        def read() -> bytes:
            result = answered(self._bucket.get_object(key))
            try:
                if (result.content_length or 0) > max_bytes:
                    raise Refused("oss", "TooLarge", f"object of {result.content_length} bytes, limit {max_bytes}")
                body = bytearray()
                if result.content_length == 0:
                    # The SDK has read that to its end already.
                    return b""
                # Without a length, or packed, an object shows only now how large it is.
                for chunk in result:
                    body += chunk
                    if len(body) > max_bytes:
                        raise Refused("oss", "TooLarge", f"limit {max_bytes}")
            finally:
                result.resp.response.close()
            return bytes(body)

        return retrying(lambda: translated(read), idempotent=True)

    def keys(self, prefix: str, *, limit: int = 1000) -> Iterator[str]:
        """Keys that begin with `prefix`, in byte order, at most `limit`."""
        return (item.key for item in self.listed(prefix, limit=limit))

    def listed(self, prefix: str, *, limit: int = 1000) -> Iterator[Listed]:
        """The objects whose keys begin with `prefix`, in byte order, at most `limit`."""

        def page(token: str) -> tuple[list[Listed], str]:
            found = answered(
                self._bucket.list_objects_v2(prefix=prefix, continuation_token=token, max_keys=min(limit, 1000))
            )
            items = [Listed(item.key, item.etag or "", item.size or 0) for item in found.object_list]
            return items, found.next_continuation_token if found.is_truncated else ""

        token, left = "", limit
        while left > 0:
            items, token = retrying(lambda at=token: translated(lambda: page(at)), idempotent=True)  # type: ignore[misc]
            yield from items[:left]
            left -= len(items)
            if not token:
                return
            if not items:
                raise OutcomeUnknown("oss", "UnreadableAnswer", "a page without keys that is not the last")

    def download(self, key: str, file: BinaryIO) -> None:
        """Write an object of any size to a file that can be sought. Raises `NotFound`, or `OSError` of the file."""

        def read() -> None:
            file.seek(0)
            file.truncate()
            result = answered(self._bucket.get_object(key))
            try:
                # The SDK has read an empty body to its end already.
                for chunk in result if result.content_length != 0 else ():
                    file.write(chunk)
            finally:
                result.resp.response.close()
            # Of a packed object the length is that of what travelled.
            expected = None if result.headers.get("Content-Encoding") else result.content_length
            if expected is not None and file.tell() != expected:
                raise OutcomeUnknown("oss", "InconsistentError", "an object that ended early")

        retrying(lambda: translated(read), idempotent=True)

    def delete(self, key: str) -> None:
        """Delete an object; fine when there is none."""
        retrying(lambda: translated(lambda: answered(self._bucket.delete_object(key))), idempotent=True)

    def lifecycle(self) -> dict[str, Any]:
        """The bucket's lifecycle rules by their ids, as the SDK has them."""
        from oss2.exceptions import NoSuchLifecycle

        def read() -> dict[str, Any]:
            try:
                found = answered(self._bucket.get_bucket_lifecycle())
            except NoSuchLifecycle:
                return {}
            for rule in found.rules:
                # The SDK reads a rule without a filter as one with an empty filter, and would write that.
                if rule.filter and not any(vars(rule.filter).values()):
                    rule.filter = None
            return {rule.id: rule for rule in found.rules}

        return retrying(lambda: translated(read), idempotent=True)

    def set_lifecycle(self, days: Mapping[str, tuple[str, int]], others: Collection[Any]) -> None:
        """Replace the bucket's lifecycle rules by such that end a prefix after so many days, and by `others`.

        `days` maps a rule's id to prefix and days, `others` are rules that `lifecycle` has given.
        """
        from oss2.models import BucketLifecycle, LifecycleExpiration, LifecycleRule

        ours = [LifecycleRule(id_, prefix, expiration=LifecycleExpiration(n)) for id_, (prefix, n) in days.items()]
        rules = BucketLifecycle([*others, *ours])
        retrying(lambda: translated(lambda: answered(self._bucket.put_bucket_lifecycle(rules))), idempotent=True)

    def signed_url(self, key: str, *, expires_s: int) -> str:
        """An address that reads the object until it expires; at most seven days (V4 signatures)."""
        url: str = self._bucket.sign_url("GET", key, expires_s, slash_safe=True)
        return url

    def _put(self, key: str, body: bytes, headers: dict[str, str]) -> None:
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        checked = {**headers, "Content-MD5": digest}
        translated(lambda: answered(self._bucket.put_object(key, body, headers=checked)))

    def _holds(self, key: str, body: bytes) -> bool:
        try:
            return self.get(key, max_bytes=len(body)) == body
        except Refused:
            return False


def open_bucket(endpoint: str, region: str, name: str, credentials: Credentials) -> Bucket:
    """A bucket by V4 signatures, with or without an STS token."""
    import oss2
    from oss2.credentials import StaticCredentialsProvider

    # The SDK logs every call's key at INFO, through the runtime's root logger.
    logging.getLogger("oss2").setLevel(logging.WARNING)
    provider = StaticCredentialsProvider(
        credentials.access_key_id, credentials.access_key_secret, credentials.security_token or None
    )
    session = oss2.Session()
    open_session(endpoint, session.session)
    return Bucket(
        oss2.Bucket(
            oss2.ProviderAuthV4(provider),
            endpoint,
            name,
            region=region,
            session=session,
            connect_timeout=_CONNECT_TIMEOUT_S,
            # Its table is built anew for every call, and without its C extension one picture takes a quarter of a
            # second. Content-MD5 guards what is put, TLS what is read.
            enable_crc=False,
        )
    )


def answered(result: Any) -> Any:
    """A result of the SDK. Raises `OutcomeUnknown` when it was not OSS that answered but, say, a proxy with a page.

    The SDK takes any 2xx for success; OSS puts a request id on every answer.
    """
    if not result.request_id:
        raise OutcomeUnknown("oss", "UnreadableAnswer")
    return result


def translated(call: Callable[[], _T]) -> _T:
    """The answer of a call of the SDK. Raises an error of `shared.errors` for whatever the SDK raises."""
    from xml.etree import ElementTree

    import oss2.exceptions as oss_errors
    import requests

    try:
        return call()
    except oss_errors.NoSuchKey:
        raise NotFound("oss", "NoSuchKey") from None
    except oss_errors.RequestError as error:
        raise transport_error("oss", error.exception, _CHECK) from None
    except oss_errors.InconsistentError as error:
        raise OutcomeUnknown("oss", "InconsistentError", code_word(error.request_id)) from None
    except requests.exceptions.RequestException as error:
        # While a body was read: the SDK wraps only what happens before.
        raise transport_error("oss", error, _CHECK) from None
    except (ElementTree.ParseError, RuntimeError, ValueError) as error:
        # What the SDK raises for a listing, an error or a header that is not what it expects.
        raise OutcomeUnknown("oss", "UnreadableAnswer", type(error).__name__) from None
    except oss_errors.OssError as error:
        code, request_id = code_word(error.code) or f"http_{error.status}", code_word(error.request_id)
        if code in _PERMANENT_SETTINGS:
            raise Misconfigured(f"oss: {code} (request {request_id})") from None
        if error.status == 404 and code == "http_404":
            raise NotFound("oss", code) from None
        if error.status == 503 or error.status == 429:
            raise Unavailable("oss", code, request_id) from None
        if error.status >= 500:
            raise OutcomeUnknown("oss", code, request_id) from None
        raise Refused("oss", code, request_id) from None
