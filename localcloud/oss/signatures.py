"""Who is asking: OSS signatures V1 and V4, in the ``Authorization`` header and in presigned URLs.

V1, HMAC-SHA1 over method, Content-MD5, Content-Type, date, ``x-oss-*`` headers and resource:
help.aliyun.com/document_detail/31951.html (header), 31952.html (URL).
V4, HMAC-SHA256 over a canonical request with a key derived from date and region:
help.aliyun.com/zh/oss/developer-reference/recommend-to-use-signature-version-4.

Temporary credentials of a function's role come with their token, as a signed header or, in a presigned URL, as a
parameter; without it the key is unknown. V2, which Alibaba Cloud no longer documents, is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote

from localcloud.oss.errors import OssError, access_denied, invalid_argument
from localcloud.ram import caller_of
from localcloud.signing import basic_time, http_time, is_skewed, same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.oss.call import Target
    from localcloud.ram import Caller
    from localcloud.signing import WireRequest
    from localcloud.state import Cloud

_V4 = "OSS4-HMAC-SHA256"
_MAX_EXPIRES_S = 7 * 24 * 3600

#: Query parameters that name a part of a bucket or object, and so belong to what V1 signs.
SUBRESOURCES = frozenset(
    """
    accessPoint accessPointPolicy acl append asyncFetch bucketArchiveDirectRead bucketInfo callback callback-var cname
    comp continuation-token cors delete encryption endTime group httpsConfig inventory inventoryId lifecycle link live
    location logging metaQuery objectInfo objectMeta partNumber policy position publicAccessBlock qos qosInfo
    qosRequester redundancyTransition referer regionList replication replicationLocation replicationProgress
    requestPayment requesterQosInfo resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo
    response-cache-control response-content-disposition response-content-encoding response-content-language
    response-content-type response-expires restore security-token sequential startTime stat status style styleName
    symlink tagging transferAcceleration uploadId uploads versionId versioning versions vod website worm wormExtend
    wormId x-oss-ac-forward-allow x-oss-ac-source-ip x-oss-ac-subnet-mask x-oss-ac-vpc-id x-oss-access-point-name
    x-oss-async-process x-oss-process x-oss-redundancy-transition-taskid x-oss-request-payer
    x-oss-target-redundancy-type x-oss-traffic-limit x-oss-write-get-object-response
    """.split()  # noqa: SIM905
)


def signer(request: WireRequest, target: Target, cloud: Cloud, now: datetime | None = None) -> Caller | None:
    """Who asks: the account, one of its roles, or, when there is no signature, nobody in particular (None).

    A signature that is there but wrong, too old, or of another key raises `OssError`.
    """
    now = now or datetime.now(timezone.utc)
    authorization = request.headers.get("authorization", "")
    if authorization.startswith(_V4):
        return _check_v4_header(request, target, cloud, authorization, now)
    if authorization.startswith("OSS "):
        return _check_v1_header(request, target, cloud, authorization, now)
    if authorization:
        raise OssError(400, "InvalidArgument", "Authorization header is invalid.", "0002-00000001")
    if target.query.get("x-oss-signature-version") == _V4:
        return _check_v4_url(request, target, cloud, now)
    if "Signature" in target.query and "OSSAccessKeyId" in target.query:
        return _check_v1_url(request, target, cloud, now)
    return None


def _check_v1_header(request: WireRequest, target: Target, cloud: Cloud, authorization: str, now: datetime) -> Caller:
    key_id, _, signature = authorization.removeprefix("OSS ").strip().partition(":")
    caller = _known(key_id, request, target, cloud)
    date = request.headers.get("x-oss-date") or request.headers.get("date", "")
    moment = http_time(date)
    if moment is None:
        raise access_denied("OSS authentication requires a valid Date.", "0002-00000503")
    _check_clock(moment, now)
    _compare_v1(request, target, caller, date, signature)
    return caller


def _check_v1_url(request: WireRequest, target: Target, cloud: Cloud, now: datetime) -> Caller:
    caller = _known(target.query["OSSAccessKeyId"], request, target, cloud)
    expires = target.query.get("Expires", "")
    if not expires.isdecimal():
        raise access_denied("Invalid date (should be seconds since epoch).", "0002-00000070")
    if now.timestamp() > int(expires):
        raise access_denied("Request has expired.", "0002-00000069")
    _compare_v1(request, target, caller, expires, target.query["Signature"])
    return caller


def _compare_v1(request: WireRequest, target: Target, caller: Caller, date: str, signature: str) -> None:
    headers = request.headers
    oss_headers = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    resource = f"/{target.bucket}/{target.key}" if target.bucket else "/"
    signed = sorted((name, value) for name, value in target.query.items() if name in SUBRESOURCES)
    if signed:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in signed)
    to_sign = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            oss_headers + resource,
        )
    )
    digest = hmac.new(caller.credentials.access_key_secret.encode(), _bytes(to_sign), hashlib.sha1).digest()
    _compare(base64.b64encode(digest).decode("ascii"), signature, to_sign)


def _check_v4_header(request: WireRequest, target: Target, cloud: Cloud, authorization: str, now: datetime) -> Caller:
    fields = dict(
        part.strip().partition("=")[::2] for part in authorization.removeprefix(_V4).split(",") if "=" in part
    )
    date = request.headers.get("x-oss-date", "")
    moment = basic_time(date) or http_time(request.headers.get("date", ""))
    if moment is None:
        raise access_denied("OSS authentication requires a valid Date.", "0002-00000503")
    credential = fields.get("Credential", "")
    scope = _checked_scope(credential, moment, cloud, "Invalid signing region in Authorization header.")
    caller = _known(credential.partition("/")[0], request, target, cloud)
    _check_clock(moment, now)
    names = fields.get("AdditionalHeaders", "").lower()
    _compare_v4(request, target, caller, moment, scope, names, target.query, fields.get("Signature", ""))
    return caller


def _check_v4_url(request: WireRequest, target: Target, cloud: Cloud, now: datetime) -> Caller:
    query = dict(target.query)
    signature = query.pop("x-oss-signature", "")
    moment = basic_time(query.get("x-oss-date", ""))
    expires = query.get("x-oss-expires", "")
    if moment is None or not expires.isdecimal() or not 1 <= int(expires) <= _MAX_EXPIRES_S:
        raise invalid_argument("x-oss-date or x-oss-expires is invalid.", "x-oss-expires", expires)
    credential = query.get("x-oss-credential", "")
    scope = _checked_scope(credential, moment, cloud, "The signing region in credential is invalid.")
    caller = _known(credential.partition("/")[0], request, target, cloud)
    if moment > now and is_skewed(moment, now):
        raise access_denied("Request is not valid yet.")
    if now > moment + timedelta(seconds=int(expires)):
        raise access_denied("Request has expired.", "0002-00000069")
    names = query.get("x-oss-additional-headers", "").lower()
    _compare_v4(request, target, caller, moment, scope, names, query, signature)
    return caller


def _checked_scope(credential: str, moment: datetime, cloud: Cloud, wrong_region: str) -> tuple[str, str]:
    """Date and region of the signing key. Raises `OssError` where they contradict the request or this cloud."""
    _, *scope = credential.split("/")
    if len(scope) != 4 or scope[2:] != ["oss", "aliyun_v4_request"]:
        raise invalid_argument("Credential of the signature is invalid.", "Credential", credential)
    date, region = scope[:2]
    if date != moment.strftime("%Y%m%d"):
        raise invalid_argument("Invalid credential date. Date is not the same as x-oss-date.", "Credential", date)
    if region != cloud.region:
        raise invalid_argument(wrong_region, "Credential", region, "0002-00000226")
    return date, region


def _compare_v4(
    request: WireRequest,
    target: Target,
    caller: Caller,
    moment: datetime,
    scope: tuple[str, str],
    additional_names: str,
    query: Mapping[str, str],
    signature: str,
) -> None:
    headers = request.headers
    date, region = scope
    listed = {name for name in additional_names.split(";") if name}
    absent = listed - headers.keys()
    if absent:
        raise invalid_argument("A header named in AdditionalHeaders is missing.", "AdditionalHeaders", additional_names)
    signed = sorted(
        name
        for name in headers
        if name.startswith("x-oss-") or name in ("content-type", "content-md5") or name in listed
    )
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
    canonical = "\n".join(
        (
            request.method,
            quote(f"/{target.bucket}/{target.key}" if target.bucket else "/", safe="/~"),
            "&".join(f"{name}={value}" if value else name for name, value in pairs),
            "".join(f"{name}:{headers[name].strip()}\n" for name in signed),
            ";".join(sorted(listed)),
            headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
        )
    )
    to_sign = "\n".join(
        (
            _V4,
            moment.strftime("%Y%m%dT%H%M%SZ"),
            f"{date}/{region}/oss/aliyun_v4_request",
            hashlib.sha256(_bytes(canonical)).hexdigest(),
        )
    )
    key = f"aliyun_v4{caller.credentials.access_key_secret}".encode()
    for part in (date, region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    _compare(hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest(), signature, to_sign)


def _known(key_id: str, request: WireRequest, target: Target, cloud: Cloud) -> Caller:
    header, parameters = request.headers.get("x-oss-security-token", ""), target.query
    token = header or parameters.get("x-oss-security-token", "") or parameters.get("security-token", "")
    caller = caller_of(cloud, key_id, token)
    if caller is None:
        message = "The OSS Access Key Id you provided does not exist in our records."
        raise OssError(403, "InvalidAccessKeyId", message, "0002-00000902", (("OSSAccessKeyId", key_id),))
    return caller


def _check_clock(moment: datetime, now: datetime) -> None:
    if is_skewed(moment, now):
        message = "The difference between the request time and the current time is too large."
        raise OssError(403, "RequestTimeTooSkewed", message, "0002-00000504")


def _compare(expected: str, given: str, to_sign: str) -> None:
    if not same(expected, given):
        raise OssError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            "0002-00000040",
            (("SignatureProvided", given), ("StringToSign", to_sign)),
        )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
