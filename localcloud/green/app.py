"""Content Moderation Green 2.0 on one machine: its wire, and no moderation behind it.

The wire is version 2022-03-02 as the official SDK speaks it (`alibabacloud_green20220302` 3.6.9): signatures, actions,
fields, errors. What judges is a stand-in: texts are held against the few words of `localcloud.green.rules.WORDS`, and
a picture passes if it can be fetched, read and is within the limits. **No model looks at either, so that a pass here
says nothing about a content.** What one wants to see it say otherwise, one orders::

    curl -X PUT http://127.0.0.1:7717/-/rules -d '[{"service": "aigcCheck", "level": "medium", "times": 1}]'

========================  =====================================================================================
action                    does
========================  =====================================================================================
``TextModerationPlus``    one text (``content``) by one service
``ImageModeration``       one picture (``imageUrl``, or ``ossBucketName`` and ``ossObjectName``) by one service
``ImageBatchModeration``  one picture by several services, their names separated by commas
``DescribeUploadToken``   credentials for a bucket of the service's own; here they are the account's
========================  =====================================================================================

Beside them: ``/-/rules`` shows (GET), sets (PUT) and forgets (DELETE) the rules, ``/-/calls`` counts calls by action.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from localcloud import acs3
from localcloud.green.pictures import check_picture, make_upload_bucket
from localcloud.green.rules import LEVELS, Hit, Rule, Rules
from localcloud.green.wire import NotChecked, Order, Refused, answer, order_of
from localcloud.openapi import signed_by

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from localcloud.ram import Caller
    from localcloud.state import Cloud

VERSION = "2022-03-02"
#: What the actions of policies begin with.
RAM_PRODUCT = "yundun-greenweb"

#: The text services and the most characters each takes.
TEXT_SERVICES = {
    "llm_query_moderation": 2000,
    "llm_response_moderation": 5000,
    "nickname_detection_pro": 600,
    "comment_detection_pro": 600,
    "chat_detection_pro": 600,
    "ad_compliance_detection_pro": 600,
}
PICTURE_SERVICES = frozenset({"aigcCheck", "baselineCheck", "baselineCheck_pro", "postImageCheck", "tonalityImprove"})

#: Stands in for the service's own bucket in the caller's region.
UPLOAD_BUCKET = "localcloud-green-uploads"
_TOKEN_S = 3600
_CONFIDENCE = {"high": 99.0, "medium": 80.0, "low": 55.0}


def build(cloud: Cloud) -> Starlette:
    """The service of `cloud`."""
    green = Green(cloud)
    return Starlette(
        routes=[
            Route("/", green.act, methods=["POST", "GET"]),
            Route("/-/rules", green.rules, methods=["GET", "PUT", "DELETE"]),
            Route("/-/calls", green.counted),
        ]
    )


class Green:
    """The actions of one account in one region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._rules = Rules()
        self._calls: Counter[str] = Counter()

    async def act(self, request: Request) -> Response:
        """Serve one signed call by the action in its header."""
        action = request.headers.get("x-acs-action", "")
        body = await request.body()
        actions = {
            "TextModerationPlus": self._text,
            "ImageModeration": self._picture,
            "ImageBatchModeration": self._pictures,
            "DescribeUploadToken": self._token,
        }
        try:
            caller = self._signer(request, body)
            if request.headers.get("x-acs-version") != VERSION or action not in actions:
                raise Refused(404, "InvalidAction.NotFound", "Specified api is not found.")
            if not caller.may(f"{RAM_PRODUCT}:{action}", "*"):
                raise Refused(403, "NoPermission", "The role has no policy that allows this.")
            self._calls[action] += 1
            data = await actions[action](request.url.query, body)
        except Refused as refused:
            return refused.response()
        except NotChecked as reason:
            return answer(reason.code, str(reason), word=_word(action))
        return answer(200, "OK", data, word=_word(action))

    async def rules(self, request: Request) -> Response:
        """Show, set or forget the rules."""
        if request.method == "PUT":
            try:
                self._rules.replace(msgspec.json.decode(await request.body(), type=list[Rule]))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                return JSONResponse({"error": f"rules: {error}"}, 400)
        elif request.method == "DELETE":
            self._rules.replace([])
        return JSONResponse(self._rules.listing())

    async def counted(self, _: Request) -> Response:
        """How often each action was served."""
        return JSONResponse(dict(self._calls))

    def _signer(self, request: Request, body: bytes) -> Caller:
        try:
            return signed_by(self._cloud, request, body)
        except acs3.SignatureRejected as error:
            raise Refused.for_signature(error.code, error.message) from None

    async def _text(self, query: str, body: bytes) -> dict[str, Any]:
        order = order_of(query, body)
        service, content = _one(order.services), order.parameters.get("content")
        if service not in TEXT_SERVICES or not isinstance(content, str) or not content.strip():
            raise NotChecked(400, "BAD_REQUEST")
        if len(content) > TEXT_SERVICES[service]:
            raise NotChecked(589, "TOO_LARGE")
        hits = self._rules.of_text(service, content)
        found = [
            {
                "Label": hit.label,
                "Confidence": _CONFIDENCE[hit.level],
                "Description": f"of {hit.level} risk",
                "RiskWords": ",".join(hit.words),
            }
            for hit in hits
        ]
        return {
            **_data_id(order),
            "RiskLevel": _level(hits),
            "Score": _CONFIDENCE.get(_level(hits), 0.0),
            "Result": found or [{"Label": "nonLabel", "Description": "no risk was found"}],
            "AttackLevel": "none",
            "AttackResult": [],
            "SensitiveLevel": "S0",
            "SensitiveResult": [],
            "Advice": [],
        }

    async def _picture(self, query: str, body: bytes) -> dict[str, Any]:
        order = order_of(query, body)
        service = _one(order.services)
        await self._look(order)
        hits = self._rules.of_picture(service)
        return {**_data_id(order), "RiskLevel": _level(hits), "Result": _picture_result(hits), "Ext": {}}

    async def _pictures(self, query: str, body: bytes) -> dict[str, Any]:
        order = order_of(query, body)
        await self._look(order)
        hits = {service: self._rules.of_picture(service) for service in order.services}
        everything = [hit for found in hits.values() for hit in found]
        return {
            **_data_id(order),
            "RiskLevel": _level(everything),
            "Result": _picture_result(everything),
            "Results": [
                {"Service": service, "RiskLevel": _level(found), "Result": _picture_result(found), "Ext": {}}
                for service, found in hits.items()
            ],
        }

    async def _look(self, order: Order) -> None:
        if not PICTURE_SERVICES.issuperset(order.services):
            raise NotChecked(400, "BAD_REQUEST")
        await asyncio.to_thread(check_picture, order.parameters, self._cloud)

    async def _token(self, _query: str, _body: bytes) -> dict[str, Any]:
        await asyncio.to_thread(make_upload_bucket, self._cloud, UPLOAD_BUCKET)
        return {
            "AccessKeyId": self._cloud.access_key_id,
            "AccessKeySecret": self._cloud.access_key_secret,
            "SecurityToken": secrets.token_urlsafe(48),
            "BucketName": UPLOAD_BUCKET,
            "FileNamePrefix": f"upload/{self._cloud.account_id}/",
            "OssInternetEndPoint": self._cloud.url("oss"),
            "OssInternalEndPoint": self._cloud.url("oss"),
            "Expiration": int(time.time()) + _TOKEN_S,
        }


def _one(services: tuple[str, ...]) -> str:
    if len(services) != 1:
        raise NotChecked(400, "BAD_REQUEST")
    return services[0]


def _word(action: str) -> str:
    return "Message" if action == "TextModerationPlus" else "Msg"


def _data_id(order: Order) -> dict[str, str]:
    data_id = order.parameters.get("dataId")
    return {"DataId": data_id} if isinstance(data_id, str) else {}


def _level(hits: list[Hit]) -> str:
    return min((hit.level for hit in hits), key=LEVELS.index, default="none")


def _picture_result(hits: list[Hit]) -> list[dict[str, Any]]:
    found = [
        {
            "Label": hit.label,
            "Confidence": _CONFIDENCE[hit.level],
            "Description": f"of {hit.level} risk",
            "RiskLevel": hit.level,
        }
        for hit in hits
    ]
    return found or [{"Label": "nonLabel", "Description": "no risk was found", "RiskLevel": "none"}]
