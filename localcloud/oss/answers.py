"""The form of OSS answers: XML documents, refusals, times and headers."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from starlette.responses import Response

from localcloud.xmltree import Node, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.oss.errors import OssError


def refusal(error: OssError, request_id: str, host: str, *, is_head: bool) -> Response:
    """The XML answer; to a HEAD request the same document travels in the ``x-oss-err`` header."""
    fields: list[Node] = [
        ("Code", error.code),
        ("Message", error.message),
        ("RequestId", request_id),
        ("HostId", host),
        *error.details,
    ]
    if error.ec:
        fields.append(("EC", error.ec))
    document = render("Error", fields)
    headers = {"x-oss-ec": error.ec} if error.ec else {}
    if error.status == 304:
        return Response(status_code=304, headers=headers)
    if is_head:
        headers["x-oss-err"] = base64.b64encode(document).decode("ascii")
        return Response(status_code=error.status, headers=headers)
    return Response(document, error.status, headers, media_type="application/xml")


def wire_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as Starlette must be given them so that text beyond Latin-1 leaves as UTF-8."""
    return {name: value.encode("utf-8", "surrogateescape").decode("latin-1") for name, value in headers.items()}


def iso_time(moment_ms: int) -> str:
    """``2026-05-05T10:00:00.000Z``: OSS keeps whole seconds and oss2 parses nothing else."""
    return datetime.fromtimestamp(moment_ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def document(root: str, content: list[Node]) -> Response:
    """A 200 answer with an XML body."""
    return Response(render(root, content), media_type="application/xml")


def acl_document(acl: str, account_id: str) -> Response:
    """The ACL of a bucket or an object."""
    return document("AccessControlPolicy", [owner(account_id), ("AccessControlList", [("Grant", acl)])])


def owner(account_id: str) -> Node:
    """The owner element that several answers carry."""
    return ("Owner", [("ID", account_id), ("DisplayName", account_id)])
