"""Requests and answers as they are on the wire of version 2022-03-02."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse

from localcloud import openapi
from localcloud.openapi import new_request_id

#: Errors of the signature under the names that this API gives them.
_SIGNATURE_ERRORS = {
    "InvalidAccessKeyID": (404, "InvalidAccessKeyId.NotFound"),
    "SignatureNotMatch": (400, "SignatureDoesNotMatch"),
    "AccessDenied": (400, "InvalidTimeStamp.Expired"),
    "MissingRequiredHeader": (400, "MissingSecurityHeader"),
}


class Refused(Exception):
    """The call is not served: an HTTP error with a code in words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @classmethod
    def for_signature(cls, code: str, message: str) -> Refused:
        """The refusal for an error of `localcloud.acs3`."""
        status, name = _SIGNATURE_ERRORS.get(code, (400, code))
        return cls(status, name, message)

    def response(self) -> JSONResponse:
        """The answer."""
        return refusal(self.status, self.code, str(self))


class NotChecked(Exception):
    """The content was not checked: HTTP 200, and a number that is not 200 in the body."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Order:
    """What a call asks for: the services, and their parameters."""

    services: tuple[str, ...]
    parameters: dict[str, Any]


def order_of(query: str, body: bytes) -> Order:
    """The order in a query or a form. Raises `NotChecked` for parameters that are no JSON object."""
    try:
        fields = dict(parse_qsl(f"{query}&{body.decode('utf-8')}", keep_blank_values=True))
        parameters = json.loads(fields.get("ServiceParameters", ""))
    except (ValueError, RecursionError):
        raise NotChecked(400, "BAD_REQUEST") from None
    services = tuple(filter(None, (name.strip() for name in fields.get("Service", "").split(","))))
    if not services or not isinstance(parameters, dict):
        raise NotChecked(400, "BAD_REQUEST")
    return Order(services, parameters)


def refusal(status: int, code: str, message: str) -> JSONResponse:
    """An HTTP error as the API's gateway words it."""
    return openapi.refusal(status, code, message, "green-cip.localcloud")


def answer(code: int, message: str, data: dict[str, Any] | None = None, *, word: str = "Msg") -> JSONResponse:
    """An answer under HTTP 200. Text actions say ``Message`` where the others say ``Msg``."""
    body: dict[str, Any] = {"Code": code, word: message, "RequestId": new_request_id()}
    return JSONResponse(body if data is None else {**body, "Data": data})
