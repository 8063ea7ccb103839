"""OSS in memory, as far as the ledger uses it, and every other service refusing: what `take_message` needs to run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.fuzz.transport import Reply

if TYPE_CHECKING:
    import requests

_XML = {"Content-Type": "application/xml", "x-oss-request-id": "r-1"}
HOST = "oss-cn-shanghai.aliyuncs.com"


class MemoryStore:
    """Objects by key, in one bucket; call it with a request."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def __call__(self, request: requests.PreparedRequest) -> Reply:
        address = urlsplit(str(request.url))
        if not str(address.hostname).endswith(HOST):
            return Reply(429)
        key = unquote(address.path.lstrip("/"))
        if request.method == "PUT":
            if request.headers.get("x-oss-forbid-overwrite") == "true" and key in self.objects:
                return _error(409, "FileAlreadyExists")
            self.objects[key] = _body_of(request)
            return Reply(200, b"", _with_tag(self.objects[key]))
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return Reply(204, b"", _XML)
        if not key:
            return Reply(200, self._listing(parse_qs(address.query).get("prefix", [""])[0]), _XML)
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        return Reply(200, self.objects[key] if request.method == "GET" else b"", _with_tag(self.objects[key]))

    def _listing(self, prefix: str) -> bytes:
        listed = "".join(
            f"<Contents><Key>{escape(quote(key))}</Key><LastModified>2024-05-05T10:57:00.000Z</LastModified>"
            f'<ETag>"{hashlib.md5(body).hexdigest()}"</ETag><Type>Normal</Type><Size>{len(body)}</Size>'
            "<StorageClass>Standard</StorageClass></Contents>"
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return (
            "<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"
            f"{listed}</ListBucketResult>"
        ).encode()


def _body_of(request: requests.PreparedRequest) -> bytes:
    body = request.body
    return body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read() if body else b""


def _with_tag(body: bytes) -> dict[str, str]:
    return {**_XML, "ETag": f'"{hashlib.md5(body).hexdigest().upper()}"'}


def _error(status: int, code: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><RequestId>r-1</RequestId></Error>".encode(), _XML)
