"""Errors as each service words them: what a call gets that meets ``do = "status"``."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from localcloud.mns import documents
from localcloud.mns.errors import SmqError
from localcloud.oss.answers import refusal as oss_refusal
from localcloud.oss.errors import OssError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

#: No JSON, no XML, no number, no picture, no UTF-8: not what any call of any service answers.
GARBAGE = b"\xfe\x00<garbage {\xff\x00"

_MESSAGE = "This fault was ordered."

#: The code of each service that goes with a status; the phrase of the status is the code of any other.
_CODES: dict[str, dict[int, str]] = {
    "oss": {403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError"},
    "mns": {403: "AccessDenied", 404: "QueueNotExist", 408: "TimeExpired", 500: "InternalError"},
    "dashscope": {
        400: "InvalidParameter",
        401: "InvalidApiKey",
        403: "AccessDenied",
        404: "ModelNotFound",
        429: "Throttling.RateQuota",
        500: "InternalError",
        503: "ModelUnavailable",
    },
    "green": {
        400: "InvalidParameter",
        403: "Forbidden.RAM",
        404: "InvalidAction.NotFound",
        429: "Throttling.User",
        500: "InternalError",
        503: "ServiceUnavailable",
    },
    "fc": {
        400: "InvalidArgument",
        403: "AccessDenied",
        404: "FunctionNotFound",
        429: "ResourceExhausted",
        500: "InternalServerError",
        503: "ResourceThrottled",
    },
    "feed": {
        401: "unauthorized",
        404: "not_found",
        405: "method_not_allowed",
        409: "conflict",
        413: "too_large",
        422: "invalid",
    },
}
#: The queue service answers in plain words.
_EAS_WORDS = {
    401: "invalid token",
    404: "service not found",
    429: "too many requests",
    450: "the queue is full",
    503: "no healthy instance",
    504: "gateway timeout",
}


def refusal(service: str, host: str, scope: Scope, status: int, code: str = "") -> Response:
    """An error of `service` for the request in `scope`; `host` is the service's address, as its errors name it."""
    code = code or _CODES.get(service, {}).get(status) or _code_of(status, service)
    return _FORMS[service](status, code, host, scope)


def garbage() -> Response:
    """A 200 that says nothing."""
    return Response(GARBAGE, media_type="application/octet-stream")


def _code_of(status: int, service: str) -> str:
    try:
        words = HTTPStatus(status).phrase.split()
    except ValueError:
        words = ["Error", str(status)]
    return "_".join(words).lower() if service == "feed" else "".join(words)


def _oss(status: int, code: str, host: str, scope: Scope) -> Response:
    request_id = secrets.token_hex(12).upper()
    response = oss_refusal(OssError(status, code, _MESSAGE), request_id, host, is_head=scope.get("method") == "HEAD")
    response.headers["Server"] = "AliyunOSS"
    response.headers["x-oss-request-id"] = request_id
    return response


def _mns(status: int, code: str, host: str, _: Scope) -> Response:
    request_id = secrets.token_hex(12).upper()
    response = documents.refusal(SmqError(status, code, _MESSAGE), request_id, f"http://{host}")
    response.headers["x-mns-request-id"] = request_id
    response.headers["x-mns-version"] = "2015-06-06"
    return response


def _dashscope(status: int, code: str, _host: str, _: Scope) -> Response:
    from localcloud.dashscope.wire import Refusal

    return Refusal(status, code, _MESSAGE).response()


def _eas(status: int, code: str, _host: str, _: Scope) -> Response:
    return PlainTextResponse(_EAS_WORDS.get(status, code), status)


def _fc(status: int, code: str, _host: str, scope: Scope) -> Response:
    from localcloud.fc.instance import new_request_id

    request_id = new_request_id()
    # FC 2.0 names the fields of an error in its own way.
    prefix = "Error" if scope["path"].startswith("/2016-08-15/") else ""
    body = {f"{prefix}Code": code, f"{prefix}Message": _MESSAGE, "RequestId": request_id}
    return JSONResponse(body, status, {"x-fc-request-id": request_id})


def _green(status: int, code: str, _host: str, _: Scope) -> Response:
    from localcloud.green.wire import refusal as green_refusal

    return green_refusal(status, code, _MESSAGE)


def _feed(status: int, code: str, _host: str, _: Scope) -> Response:
    return JSONResponse({"error": {"code": code, "message": _MESSAGE, "field": None}}, status)


_FORMS: dict[str, Callable[[int, str, str, Scope], Response]] = {
    "oss": _oss,
    "mns": _mns,
    "dashscope": _dashscope,
    "eas": _eas,
    "fc": _fc,
    "feed": _feed,
    "green": _green,
}
