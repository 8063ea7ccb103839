"""Content Moderation Green 2.0: what a service says of a text or a picture. By the official SDK.

The SDK's own transport is replaced (`_connected`): it would send calls to a proxy that ``NO_PROXY`` excepts, follow
redirects with the signature in hand, read answers of any size, and tell a refused connection from a lost answer only
in words. Its requests, its signature and its models stay. With ``dashscope`` loaded, as in every function that asks
here, its import costs 0.07 s and 5 MB.

Only a body that says ``Code`` 200 and names a known risk level for every service that was asked is an answer. A picture
goes to the bucket that the service lends (`DescribeUploadToken`): nothing of ours needs to be readable from outside.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shared.clouds.http import call, open_session
from shared.clouds.objects import Bucket, open_bucket
from shared.errors import Misconfigured, OutcomeUnknown, Refused, ServiceError, Unavailable, code_word
from shared.retries import retrying
from shared.settings import Credentials

_CHECK = "TRIPCANVAS_GREEN_ENDPOINT"
_CONNECT_S, _TEXT_S = 3.0, 8.0
#: The service may take 60 s; one that takes half of it is asked again when the sweeper comes.
_PICTURE_S = 30.0
#: A repetition of a check costs its price again, and no more.
_ATTEMPTS = 2
#: Seconds before its end at which an upload token is replaced.
_TOKEN_MARGIN_S = 300.0
_MOST_LABELS = 8

#: From the least to the most risky.
LEVELS = ("none", "low", "medium", "high")

#: ``Code`` in the body, as in "Public error codes", help.aliyun.com/document_detail/53414.html. 408 and 411: not opened
#: or not granted.
_BUSY = frozenset({588, 591})
_NOT_GRANTED = frozenset({401, 403, 408, 411})
_PASSING = frozenset({280, 404, 480, 592})
_SETTINGS_CODES = (
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTimeStamp", "InvalidSecurityToken", "Forbidden",
    "NoPermission", "InvalidAction", "MissingSecurityHeader",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What one service says of one content: a level of `LEVELS`, and the names of the risks, never the content.

    `at` is when its answer came.
    """

    service: str
    level: str
    labels: tuple[str, ...]
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """A bucket that the service lends, with a connection to it, until `ends_at` (unix seconds)."""

    name: str
    prefix: str
    ends_at: float
    bucket: Bucket = field(repr=False)


@dataclass
class Moderation:
    """The moderation of one region. Build with `open_moderation`.

    Every call raises `Misconfigured`, `Unavailable`, `OutcomeUnknown` or `Refused`, and returns only what is a clear
    answer. Throttled calls and lost answers are repeated once.
    """

    _client: Any = field(repr=False)
    _region: str
    _is_inside: bool
    _place: UploadPlace | None = field(default=None, repr=False)

    def text(self, service: str, content: str, data_id: str) -> Finding:
        """What a text service says of `content`; `data_id` is an opaque name of ours."""
        from alibabacloud_green20220302.models import TextModerationPlusRequest

        request = TextModerationPlusRequest(service=service, service_parameters=_json(content=content, dataId=data_id))
        body = self._asked(self._client.text_moderation_plus_with_options, request, _TEXT_S)
        return _finding(service, body, body.data)

    def picture(self, services: tuple[str, ...], body: bytes, data_id: str) -> tuple[Finding, ...]:
        """What each of the picture services says of one file (JPEG, PNG or WebP, at most 20 MB)."""
        from alibabacloud_green20220302.models import ImageBatchModerationRequest

        place = self._upload_place()
        key = f"{place.prefix}{data_id}"
        self._put(place, key, body)
        parameters = _json(ossBucketName=place.name, ossObjectName=key, dataId=data_id)
        request = ImageBatchModerationRequest(service=",".join(services), service_parameters=parameters)
        answer = self._asked(self._client.image_batch_moderation_with_options, request, _PICTURE_S)
        results = {result.service: result for result in (answer.data.results if answer.data else None) or ()}
        return tuple(_finding(service, answer, results.get(service)) for service in services)

    def _upload_place(self) -> UploadPlace:
        if self._place is None or self._place.ends_at - _TOKEN_MARGIN_S < time.time():
            body = self._asked(
                lambda _, runtime: self._client.describe_upload_token_with_options(runtime), None, _TEXT_S
            )
            self._place = _place(body.data, self._region, is_inside=self._is_inside)
        return self._place

    def _put(self, place: UploadPlace, key: str, body: bytes) -> None:
        try:
            place.bucket.put(key, body, "application/octet-stream")
        except Misconfigured:
            # The place is the service's, and so are its keys: another token may do.
            self._place = None
            raise Unavailable("green", "UploadRefused") from None
        except ServiceError as error:
            raise type(error)("green", f"Upload.{error.code}"[:64]) from None

    def _asked(self, method: Callable[[Any, Any], Any], request: Any, timeout_s: float) -> Any:
        from darabonba.runtime import RuntimeOptions

        runtime = RuntimeOptions(read_timeout=int(timeout_s * 1000))
        return retrying(lambda: _read(lambda: method(request, runtime)), idempotent=True, attempts=_ATTEMPTS)


def open_moderation(endpoint: str, region: str, credentials: Credentials) -> Moderation:
    """The moderation behind `endpoint`, such as ``https://green-cip.cn-shanghai.aliyuncs.com``.

    With a ``-vpc`` endpoint pictures go by the storage's internal address as well. Raises `Misconfigured` for an
    endpoint that is no http(s) address.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Misconfigured(f"green: the address is not an http(s) address; check {_CHECK}")
    return Moderation(_connected(endpoint.rstrip("/"), credentials), region, "-vpc." in parts.netloc)


def _connected(endpoint: str, credentials: Credentials) -> Any:
    """The SDK's client on a connection of ours."""
    from alibabacloud_green20220302.client import Client
    from alibabacloud_tea_openapi.utils import Utils
    from alibabacloud_tea_openapi.utils_models import Config
    from darabonba.request import DaraRequest

    session = open_session(endpoint)
    # The SDK adds a handler of its own to its logger and shows what it sends when DEBUG says so.
    logging.getLogger("darabonba-core").setLevel(logging.CRITICAL)

    class Connected(Client):  # type: ignore[misc]
        def call_api(self, params: Any, request: Any, runtime: Any) -> dict[str, Any]:
            form = Utils.to_form(request.body).encode() if request.body else b""
            digest = Utils.hash(form, "ACS3-HMAC-SHA256").hex()
            signed = DaraRequest()
            signed.method, signed.pathname, signed.query = params.method, params.pathname, request.query or {}
            signed.headers = {
                "host": urlsplit(endpoint).netloc,
                "accept": "application/json",
                "content-type": "application/x-www-form-urlencoded",
                "x-acs-action": params.action,
                "x-acs-version": params.version,
                "x-acs-date": Utils.get_timestamp(),
                "x-acs-signature-nonce": Utils.get_nonce(),
                "x-acs-content-sha256": digest,
            }
            if credentials.security_token:
                signed.headers["x-acs-accesskey-id"] = credentials.access_key_id
                signed.headers["x-acs-security-token"] = credentials.security_token
            signed.headers["Authorization"] = Utils.get_authorization(
                signed, "ACS3-HMAC-SHA256", digest, credentials.access_key_id, credentials.access_key_secret
            )
            answer = call(
                session,
                "green",
                params.method,
                f"{endpoint}{params.pathname}",
                timeout_s=(_CONNECT_S, runtime.read_timeout / 1000),
                check=_CHECK,
                query=signed.query,
                headers=signed.headers,
                body=form,
                answers=tuple(range(400, 600)),
            )
            if answer.status_code >= 400:
                raise _error(answer.status_code, answer.content)
            return {"body": msgspec.json.decode(answer.content), "headers": {}, "statusCode": answer.status_code}

    config = Config(
        access_key_id=credentials.access_key_id,
        access_key_secret=credentials.access_key_secret,
        endpoint=urlsplit(endpoint).netloc,
    )
    return Connected(config)


class _Failure(msgspec.Struct):
    code: str = msgspec.field(name="Code", default="")
    request_id: str = msgspec.field(name="RequestId", default="")


def _error(status: int, body: bytes) -> ServiceError | Misconfigured:
    """What an HTTP error of the API's gateway means; throttling comes as 400 as well as 429."""
    failure = _Failure()
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        failure = msgspec.json.decode(body, type=_Failure)
    code, request_id = code_word(failure.code) or str(status), code_word(failure.request_id)
    if code.startswith(_SETTINGS_CODES) or status in (401, 403):
        return Misconfigured(f"green: {code} (request {request_id}); check {_CHECK} and the role's policy")
    if status in (429, 503) or code.startswith(("Throttling", "ServiceUnavailable")):
        return Unavailable("green", code, request_id)
    if status >= 500 or status == 408:
        return OutcomeUnknown("green", code, request_id)
    return Refused("green", code, request_id)


def _read(ask: Callable[[], Any]) -> Any:
    """The body of an answer whose ``Code`` is 200. Raises what `Moderation` says."""
    try:
        body = ask().body
        code, request_id = body.code, code_word(body.request_id)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        TypeError,
        AttributeError,
        LookupError,
        ValueError,
    ):
        # What decoder and SDK raise for an answer in another form than they expect.
        raise OutcomeUnknown("green", "UnreadableAnswer") from None
    if code == 200:
        return body
    if not isinstance(code, int) or isinstance(code, bool) or not 0 <= code <= 9999:
        raise OutcomeUnknown("green", "UnreadableAnswer", request_id)
    if code in _NOT_GRANTED:
        raise Misconfigured(f"green: {code} (request {request_id}); check the role's policy, and that Green is opened")
    if code in _BUSY:
        raise Unavailable("green", str(code), request_id)
    if code >= 500 or code in _PASSING:
        raise OutcomeUnknown("green", str(code), request_id)
    raise Refused("green", str(code), request_id)


def _finding(service: str, body: Any, data: Any) -> Finding:
    level = getattr(data, "risk_level", None)
    if not isinstance(level, str) or level not in LEVELS:
        raise OutcomeUnknown("green", "UnknownRiskLevel", code_word(body.request_id))
    labels = tuple(filter(None, (code_word(getattr(result, "label", None)) for result in data.result or ())))
    if getattr(data, "attack_level", None) in LEVELS[2:]:
        # An attack on the model is told beside the risk of the words.
        level = max(level, data.attack_level, key=LEVELS.index)
        labels += ("attack",)
    shown = tuple(dict.fromkeys(label for label in labels if label != "nonLabel"))[:_MOST_LABELS]
    return Finding(service, level, shown, code_word(body.request_id), datetime.now(timezone.utc))


def _place(data: Any, region: str, *, is_inside: bool) -> UploadPlace:
    from oss2.exceptions import ClientError

    try:
        endpoint = data.oss_internal_end_point if is_inside else data.oss_internet_end_point
        texts = (endpoint, data.bucket_name, data.file_name_prefix, data.access_key_id, data.access_key_secret)
        ends_at = float(data.expiration)
    except (AttributeError, TypeError, ValueError):
        raise OutcomeUnknown("green", "UnreadableToken") from None
    if not all(isinstance(text, str) and text for text in texts):
        raise OutcomeUnknown("green", "UnreadableToken")
    token = data.security_token if isinstance(data.security_token, str) else ""
    # The real service names a host; this machine's stand-in an address.
    address = endpoint if "://" in endpoint else f"https://{endpoint}"
    try:
        bucket = open_bucket(address, region, texts[1], Credentials(texts[3], texts[4], token))
    except (ClientError, ValueError):
        # The storage SDK, for a name or an address that can't be one.
        raise OutcomeUnknown("green", "UnreadableToken") from None
    return UploadPlace(texts[1], texts[2], ends_at, bucket)


def _json(**parameters: str) -> str:
    return msgspec.json.encode(parameters).decode()
