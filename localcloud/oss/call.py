"""One request to OSS, taken apart: what it addresses, what it carries, and the rules of names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_to_bytes

from localcloud.oss.errors import OssError, access_denied, invalid_argument, malformed_xml, no_such_bucket
from localcloud.xmltree import NotXmlError, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from starlette.requests import Request

    from localcloud.oss.store import Bucket, Store
    from localcloud.signing import WireRequest
    from localcloud.state import Cloud

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
#: Who may read (and, for the last, write) without a signature.
ACLS = ("private", "public-read", "public-read-write")
#: XML bodies are small; the largest is a deletion of 1000 keys.
_MAX_XML_BYTES = 2 * 1024 * 1024
_HIDDEN_CONTROLS = {code: 0xE000 + code for code in range(1, 0x20) if chr(code) not in "\t\n\r"}
_SHOWN_CONTROLS = {hidden: code for code, hidden in _HIDDEN_CONTROLS.items()}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path-style URL addresses: ``/`` the service, ``/bucket/`` a bucket, ``/bucket/key`` an object."""

    bucket: str
    key: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, request: WireRequest) -> Target:
        """Read path and query. Raises `OssError` for a key that is no UTF-8."""
        bucket, _, key = request.path.removeprefix("/").partition("/")
        try:
            names = unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode()
        except UnicodeDecodeError:
            raise OssError(400, "InvalidObjectName", "The specified object is not valid.") from None
        return cls(*names, dict(parse_qsl(request.query, keep_blank_values=True)))


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose sender is known. `is_owner` is False for an anonymous one, and for a role that may not do it."""

    request: Request
    headers: Mapping[str, str]
    target: Target
    is_owner: bool
    store: Store
    cloud: Cloud

    @property
    def bucket(self) -> str:
        """The bucket's name, empty for a service call."""
        return self.target.bucket

    @property
    def key(self) -> str:
        """The object's key, empty for a bucket call."""
        return self.target.key

    @property
    def query(self) -> Mapping[str, str]:
        """The decoded query parameters."""
        return self.target.query

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """An integer query parameter. Raises `OssError` outside `low` to `high`."""
        text = self.query.get(name) or str(default)
        if not text.isdecimal() or not low <= int(text) <= high:
            raise invalid_argument(f"Argument {name} must be an integer between {low} and {high}.", name, text)
        return int(text)

    async def xml(self, root: str) -> Element:
        """The request's XML body. Raises `OssError` if it is not `root`."""
        received = bytearray()
        async for chunk in self.request.stream():
            received += chunk
            if len(received) > _MAX_XML_BYTES:
                raise malformed_xml()
        # Keys may hold control characters, and oss2 writes them as they are, which XML forbids: they travel through the
        # parser as private-use characters.
        try:
            tree = parse(received.decode().translate(_HIDDEN_CONTROLS).encode(), root)
        except (UnicodeDecodeError, NotXmlError):
            raise malformed_xml() from None
        for element in tree.iter():
            element.text = (element.text or "").translate(_SHOWN_CONTROLS)
        return tree


def check_is_owner(call: Call) -> None:
    """Refuse the anonymous."""
    if not call.is_owner:
        raise access_denied("Anonymous access is forbidden for this operation.", "0003-00000004")


def owned(call: Call) -> Bucket:
    """The bucket that its owner asks about. Raises `OssError` for the anonymous, and when there is none."""
    check_is_owner(call)
    bucket = call.store.bucket(call.bucket)
    if bucket is None:
        raise no_such_bucket(call.bucket)
    return bucket


def check_names(target: Target) -> None:
    """Refuse names that OSS does not allow: buckets 3 to 63 of ``[a-z0-9-]``, keys 1 to 1023 bytes of UTF-8."""
    if target.bucket and not _BUCKET_NAME.fullmatch(target.bucket):
        details = (("BucketName", target.bucket),)
        raise OssError(400, "InvalidBucketName", "The specified bucket is not valid.", "0015-00000001", details)
    if len(target.key.encode()) > 1023 or target.key.startswith(("/", "\\")):
        raise OssError(400, "InvalidObjectName", "The length or the first character of the object name is invalid.")


def checked_acl(value: str, *, of_object: bool) -> str:
    """An ACL as given in a header; objects also know ``default``, which means the bucket's."""
    if value in ACLS or (of_object and value == "default"):
        return value
    name = "x-oss-object-acl" if of_object else "x-oss-acl"
    raise invalid_argument(f"no such {name} exists", name, value)
