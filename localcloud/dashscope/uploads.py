"""The temporary space: leave to upload, the form that carries a file, and who may read it afterwards.

As documented in "Upload local files to get temporary URLs"
(https://help.aliyun.com/zh/model-studio/get-temporary-file-url): a policy for one model, a form posted to the host that
it names, an ``oss://`` address for 48 hours that only this model can read, and only in a request with the header
``X-DashScope-OssResourceResolve: enable``. The form is that of OSS's PostObject with a version 1 signature
(https://help.aliyun.com/zh/oss/developer-reference/postobject).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
import secrets
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from localcloud.dashscope.wire import MAX_BODY_BYTES, Refusal, encoded, invalid, request_id
from localcloud.signing import same

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from localcloud.dashscope.registry import Registry

POLICY_LIFETIME_S = 300
FILE_LIFETIME_S = 48 * 3600
#: The largest file; the service's own limit is 100 MB and more, by model.
MAX_FILE_MB = 16

_ACCESS_KEY_ID = "LTAI-local-uploads"
_KEY = re.compile(r"dashscope-instant/[0-9a-f]{32}/(?P<model>[\w.-]{1,64})/[0-9a-f]{32}/(?P<name>[^/\x00-\x1f]{1,200})")
_ATTRIBUTE = re.compile(rb'([a-z]+)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_HEADER = "X-DashScope-OssResourceResolve"


class Uploads:
    """Files under `folder`, uploaded to ``{base_url}/uploads`` with policies signed by a key made from `secret`."""

    def __init__(self, folder: Path, base_url: str, secret: str, registry: Registry) -> None:
        self._folder = folder
        self._base_url = base_url
        # Not the key itself: a policy that leaks must say nothing about the API key.
        self._secret = hashlib.sha256(b"uploads " + secret.encode()).digest()
        self._account = hashlib.sha256(b"account " + secret.encode()).hexdigest()[:32]
        self._registry = registry

    async def policy(self, request: Request) -> Response:
        """Leave to upload one model's files for five minutes. Raises `Refusal`."""
        query = request.query_params
        if query.get("action") != "getPolicy":
            raise invalid("action", "getPolicy")
        model = query.get("model", "")
        if not model:
            raise invalid("model", "required, but missing")
        self._registry.check_known(model)
        directory = f"dashscope-instant/{self._account}/{model}/{secrets.token_hex(16)}"
        expires = datetime.fromtimestamp(time.time() + POLICY_LIFETIME_S, timezone.utc)
        policy = base64.b64encode(
            json.dumps(
                {
                    "expiration": expires.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                    "conditions": [
                        ["content-length-range", 0, MAX_FILE_MB * 1024 * 1024],
                        ["starts-with", "$key", f"{directory}/"],
                        {"x-oss-object-acl": "private"},
                        {"x-oss-forbid-overwrite": "true"},
                    ],
                }
            ).encode()
        ).decode()
        granted = {
            "policy": policy,
            "signature": self._signature(policy),
            "upload_dir": directory,
            "upload_host": f"{self._base_url}/uploads",
            "expire_in_seconds": POLICY_LIFETIME_S,
            "max_file_size_mb": MAX_FILE_MB,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": _ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
        return encoded({"request_id": request_id(), "data": granted})

    async def post(self, request: Request) -> Response:
        """Take one file; refusals are XML, as OSS answers."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                return _refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
        try:
            fields, content = _form(bytes(body), request.headers.get("content-type", ""))
            self._admit(fields, content)
        except _Rejected as rejected:
            return _refused(rejected.status, rejected.code, rejected.message)
        self._forget(time.time() - FILE_LIFETIME_S)
        file = self._file(fields["key"])
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("xb") as sink:
                sink.write(content)
        except FileExistsError:
            return _refused(
                409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."
            )
        status = fields.get("success_action_status", "204")
        return Response(status_code=int(status) if status in ("200", "201", "204") else 204)

    def resolve(self, address: str, model: str, request: Request) -> bytes:
        """The file behind an ``oss://`` address, for one model. Raises `Refusal` for whoever may not read it."""
        key = _KEY.fullmatch(address.removeprefix("oss://"))
        wanted = request.headers.get(_HEADER, "").lower() == "enable"
        if wanted and key and key["model"] == model and f"/{self._account}/" in key[0]:
            file = self._file(key[0])
            with contextlib.suppress(OSError):
                if file.stat().st_mtime + FILE_LIFETIME_S > time.time():
                    return file.read_bytes()
        raise unreachable()

    def _forget(self, before: float) -> None:
        for file in self._folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < before:
                    file.unlink()

    def _admit(self, fields: dict[str, str], content: bytes) -> None:
        if fields.get("OSSAccessKeyId") != _ACCESS_KEY_ID:
            raise _Rejected(
                403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records."
            )
        policy = fields.get("policy", "")
        if not same(fields.get("Signature", ""), self._signature(policy)):
            raise _Rejected(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )
        promised: dict[str, Any] = json.loads(base64.b64decode(policy))
        if promised["expiration"] < datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"):
            raise _Rejected(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        for condition in promised["conditions"]:
            if isinstance(condition, dict):
                kept = all(fields.get(name) == value for name, value in condition.items())
            elif condition[0] == "starts-with":
                kept = fields.get(condition[1][1:], "").startswith(condition[2])
            else:
                kept = condition[1] <= len(content) <= condition[2]
            if not kept:
                raise _Rejected(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed.")
        if not _KEY.fullmatch(fields["key"]):
            raise _Rejected(400, "InvalidObjectName", "The specified object is not valid.")

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def _signature(self, policy: str) -> str:
        return base64.b64encode(hmac.new(self._secret, policy.encode(), "sha1").digest()).decode()


class _Rejected(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


def unreachable() -> Refusal:
    """What the service says of an address from which it can get no picture."""
    return Refusal(
        400,
        "InvalidParameter.DataInspection",
        "Unable to download the media resource during the data inspection process.",
    )


def _form(body: bytes, content_type: str) -> tuple[dict[str, str], bytes]:
    """The fields and the file of a multipart form; fields after the file do not count, as with OSS."""
    malformed = _Rejected(
        400,
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
    )
    found = re.search(r'boundary="?([^";,]{1,200})"?', content_type)
    if found is None or not content_type.lower().startswith("multipart/form-data"):
        raise malformed
    fields: dict[str, str] = {}
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode("latin-1", "replace"))
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        head, gap, value = piece.partition(b"\r\n\r\n")
        disposition = re.search(rb"^content-disposition:(.*)$", head, re.IGNORECASE | re.MULTILINE)
        if not gap or disposition is None:
            raise malformed
        attributes = {name.lower(): given for name, given in _ATTRIBUTE.findall(disposition[1])}
        name = attributes.get(b"name", b"").decode("utf-8", "replace")
        if name == "file":
            return fields, value
        fields[name] = value.decode("utf-8", "replace")
    raise _Rejected(400, "IncorrectNumberOfFilesInPOSTRequest", "POST requires exactly one file upload per request.")


def _refused(status: int, code: str, message: str) -> Response:
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
        f"<RequestId>{request_id()}</RequestId></Error>",
        status,
        media_type="application/xml",
    )
