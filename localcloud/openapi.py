"""What the open API's services share: who signed a request, and an error as the gateway words it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from localcloud import acs3
from localcloud.ram import Caller, caller_of
from localcloud.signing import WireRequest

if TYPE_CHECKING:
    from starlette.requests import Request

    from localcloud.state import Cloud


def signed_by(cloud: Cloud, request: Request, body: bytes) -> Caller:
    """Who signed a request by ACS3. Raises `acs3.SignatureRejected`."""
    wire = WireRequest.of(request)
    caller = caller_of(cloud, acs3.key_id(wire), wire.headers.get("x-acs-security-token", ""))
    if caller is None:
        raise acs3.SignatureRejected(404, "InvalidAccessKeyID", "The access key id is not known.")
    key = caller.credentials
    acs3.verify(wire, body, access_key_id=key.access_key_id, access_key_secret=key.access_key_secret)
    return caller


def new_request_id() -> str:
    """A request id like the services'."""
    return str(uuid.uuid4()).upper()


def refusal(status: int, code: str, message: str, host: str) -> JSONResponse:
    """An HTTP error of a service."""
    return JSONResponse({"RequestId": new_request_id(), "HostId": host, "Code": code, "Message": message}, status)
