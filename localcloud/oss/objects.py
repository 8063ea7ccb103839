"""Calls on one object: its bytes, its metadata, its tags, its ACL.

Where the real service offers more than this product needs (encryption, callbacks, image processing, versions, appends,
symbolic links, archives), a request that uses it is refused with 501 instead of being half obeyed.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from starlette.responses import Response, StreamingResponse

from localcloud.oss.answers import acl_document, document, iso_time, wire_headers
from localcloud.oss.call import checked_acl
from localcloud.oss.errors import (
    OssError,
    access_denied,
    blocked,
    file_already_exists,
    invalid_argument,
    no_such_bucket,
    no_such_key,
    not_implemented,
)
from localcloud.oss.store import Attributes, KeyTakenError
from localcloud.signing import http_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from localcloud.oss.call import Call
    from localcloud.oss.store import Body, StoredObject
    from localcloud.xmltree import Node

#: Request headers that are kept with an object and given back with it.
_KEPT_HEADERS = ("cache-control", "content-disposition", "content-encoding", "content-language", "expires")
#: Headers of a write that would change what is stored or done, and are not emulated. If-Match and If-None-Match are
#: among them because OSS has no conditional write: a program that counts on one must not seem to work.
_UNSUPPORTED_HEADERS = ("if-match", "if-none-match", "x-oss-callback", "x-oss-symlink-target")
_RESPONSE_OVERRIDES = {
    f"response-{name}": name for name in (*_KEPT_HEADERS, "content-type") if name != "content-encoding"
}
_CHUNK_BYTES = 256 * 1024
_TAG_TEXT = re.compile(r"[\w +\-=.:/]*")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def put_object(call: Call) -> Response:
    """PutObject, and CopyObject when the request names a source."""
    if "x-oss-copy-source" in call.headers:
        return _copy_object(call)
    check_may_write(call)
    attributes = attributes_of(call.headers)
    only_if_absent = forbids_overwrite(call)
    body = await receive(call)
    stored = _store(call, body, attributes, only_if_absent=only_if_absent)
    return Response(headers={"ETag": f'"{stored.body.etag}"', **checksums(stored.body)})


async def get_object(call: Call) -> Response:
    """GetObject with ranges, conditions and ``response-*`` overrides."""
    if "x-oss-process" in call.headers:
        raise not_implemented("x-oss-process")
    found, file = _open(call)
    check_conditions(call.headers, found, "")
    headers = _object_headers(found)
    overrides = {header: call.query[name] for name, header in _RESPONSE_OVERRIDES.items() if name in call.query}
    if overrides and not call.is_owner:
        raise OssError(400, "InvalidRequest", "response-* parameters need a signed request.")
    headers |= overrides
    first, last = _range(call.headers, found.body.size_bytes)
    length = last - first + 1
    status = 200
    if length != found.body.size_bytes:
        status = 206
        headers["Content-Range"] = f"bytes {first}-{last}/{found.body.size_bytes}"
    headers["Content-Length"] = str(length)
    file.seek(first)
    if length <= _CHUNK_BYTES:
        with file:
            return Response(file.read(length), status, wire_headers(headers))
    return StreamingResponse(_chunks(file, length), status, wire_headers(headers))


async def head_object(call: Call) -> Response:
    """HeadObject."""
    found = readable(call)
    check_conditions(call.headers, found, "")
    return Response(headers=wire_headers(_object_headers(found)))


async def get_object_meta(call: Call) -> Response:
    """GetObjectMeta: size, ETag and time only."""
    found = readable(call)
    headers = _object_headers(found)
    kept = ("Content-Length", "ETag", "Last-Modified", "x-oss-hash-crc64ecma")
    return Response(headers={name: headers[name] for name in kept})


async def delete_object(call: Call) -> Response:
    """DeleteObject: 204 whether or not there was one."""
    check_may_write(call)
    call.store.delete(call.bucket, call.key)
    return Response(status_code=204)


async def put_acl(call: Call) -> Response:
    """PutObjectACL."""
    check_may_write(call)
    found = readable(call)
    acl = checked_acl(call.headers.get("x-oss-object-acl", ""), of_object=True)
    was = found.attributes
    call.store.set_attributes(call.bucket, call.key, Attributes(was.headers, was.tags, acl, was.storage_class))
    return Response()


async def get_acl(call: Call) -> Response:
    """GetObjectACL."""
    return acl_document(readable(call).attributes.acl, call.cloud.account_id)


async def put_tagging(call: Call) -> Response:
    """PutObjectTagging: replaces all tags."""
    found = readable(call)
    pairs = [(tag.findtext("Key", ""), tag.findtext("Value", "")) for tag in (await call.xml("Tagging")).iter("Tag")]
    _set_tags(call, found, _checked_tags(pairs))
    return Response()


async def get_tagging(call: Call) -> Response:
    """GetObjectTagging."""
    tags = readable(call).attributes.tags
    elements: list[Node] = [("Tag", [("Key", name), ("Value", value)]) for name, value in tags.items()]
    return document("Tagging", [("TagSet", elements)])


async def delete_tagging(call: Call) -> Response:
    """DeleteObjectTagging."""
    _set_tags(call, readable(call), {})
    return Response(status_code=204)


def _set_tags(call: Call, found: StoredObject, tags: dict[str, str]) -> None:
    was = found.attributes
    call.store.set_attributes(call.bucket, call.key, Attributes(was.headers, tags, was.acl, was.storage_class))


def _copy_object(call: Call) -> Response:
    check_may_write(call)
    source = call.headers["x-oss-copy-source"].removeprefix("/")
    if "?" in source:
        raise not_implemented("versionId in x-oss-copy-source")
    bucket, _, key = (unquote(part) for part in source.partition("/"))
    if call.store.bucket(bucket) is None:
        raise no_such_bucket(bucket)
    found = call.store.object(bucket, key)
    if found is None:
        raise no_such_key(key)
    check_conditions(call.headers, found, "x-oss-copy-source-")
    given = attributes_of(call.headers)
    directive = call.headers.get("x-oss-metadata-directive", "COPY").upper()
    tagging = call.headers.get("x-oss-tagging-directive", "Copy").upper()
    for name, value in (("x-oss-metadata-directive", directive), ("x-oss-tagging-directive", tagging)):
        if value not in ("COPY", "REPLACE"):
            raise invalid_argument(f"{name} must be COPY or REPLACE.", name, value)
    attributes = Attributes(
        given.headers if directive == "REPLACE" else found.attributes.headers,
        given.tags if tagging == "REPLACE" else found.attributes.tags,
        given.acl,
        given.storage_class,
    )
    only_if_absent = forbids_overwrite(call)
    stored = _store(call, call.store.copy(found.body), attributes, only_if_absent=only_if_absent)
    fields: list[Node] = [("ETag", f'"{stored.body.etag}"'), ("LastModified", iso_time(stored.modified_ms))]
    answer = document("CopyObjectResult", fields)
    answer.headers.update({"ETag": f'"{stored.body.etag}"', **checksums(stored.body)})
    return answer


def _store(call: Call, body: Body, attributes: Attributes, *, only_if_absent: bool) -> StoredObject:
    # The bucket may have gone while the body was coming in.
    if call.store.bucket(call.bucket) is None:
        call.store.discard(body)
        raise no_such_bucket(call.bucket)
    try:
        return call.store.put(call.bucket, call.key, body, attributes, only_if_absent=only_if_absent)
    except KeyTakenError:
        raise file_already_exists(call.key) from None


async def receive(call: Call) -> Body:
    """The request's body on disk, checked against its Content-MD5. Raises `OssError`; then nothing is kept."""
    expected = call.headers.get("content-md5")
    try:
        digest = None if expected is None else base64.b64decode(expected, validate=True)
    except binascii.Error:
        digest = b""
    incoming = call.store.receive()
    try:
        async for chunk in call.request.stream():
            incoming.write(chunk)
        body = incoming.finish()
        if digest is not None and digest.hex().upper() != body.etag:
            raise OssError(400, "InvalidDigest", "The Content-MD5 you specified is invalid.")
    except BaseException:
        incoming.discard()
        raise
    return body


def attributes_of(headers: Mapping[str, str]) -> Attributes:
    """What the headers of a write give the object. Raises `OssError` for what is wrong or not emulated."""
    for name in headers:
        if name in _UNSUPPORTED_HEADERS or name.startswith("x-oss-server-side-"):
            raise not_implemented(name)
    storage_class = headers.get("x-oss-storage-class", "Standard")
    if storage_class not in ("Standard", "IA"):
        raise not_implemented("x-oss-storage-class")
    kept = {name: value for name, value in headers.items() if name in _KEPT_HEADERS or name.startswith("x-oss-meta-")}
    kept["content-type"] = headers.get("content-type", "application/octet-stream")
    tags = _checked_tags(parse_qsl(headers.get("x-oss-tagging", ""), keep_blank_values=True))
    acl = checked_acl(headers.get("x-oss-object-acl", "default"), of_object=True)
    return Attributes(kept, tags, acl, storage_class)


def forbids_overwrite(call: Call) -> bool:
    """Whether the write must fail if the key is taken; a bucket that keeps versions ignores the header."""
    value = call.headers.get("x-oss-forbid-overwrite", "false").lower()
    if value not in ("true", "false"):
        raise invalid_argument(
            "x-oss-forbid-overwrite must be true or false.", "x-oss-forbid-overwrite", value, "0017-00000279"
        )
    bucket = call.store.bucket(call.bucket)
    return value == "true" and bucket is not None and not bucket.versioning


def readable(call: Call) -> StoredObject:
    """The object addressed, if this sender may read it. Raises `OssError`."""
    bucket = call.store.bucket(call.bucket)
    if bucket is None:
        raise no_such_bucket(call.bucket)
    found = call.store.object(call.bucket, call.key)
    if not call.is_owner:
        acl = found.attributes.acl if found else "default"
        if bucket.blocks_public or (bucket.acl if acl == "default" else acl) == "private":
            raise access_denied("You have no right to access this object because of bucket acl.")
    if found is None:
        raise no_such_key(call.key)
    return found


def check_may_write(call: Call) -> None:
    """Refuse an anonymous write unless the bucket is open to all, and a public object in one that blocks them.

    Raises `OssError`.
    """
    bucket = call.store.bucket(call.bucket)
    if bucket is None:
        raise no_such_bucket(call.bucket)
    if not call.is_owner and (bucket.acl != "public-read-write" or bucket.blocks_public):
        raise access_denied("You have no right to access this object because of bucket acl.")
    if bucket.blocks_public and call.headers.get("x-oss-object-acl", "").startswith("public"):
        raise blocked("Put public object acl is not allowed")


def check_conditions(headers: Mapping[str, str], found: StoredObject, prefix: str) -> None:
    """Conditions of a GET or HEAD, or with `prefix` of a copy's source: 412 or 304 by `OssError`."""
    modified = datetime.fromtimestamp(found.modified_ms // 1000, timezone.utc)
    etag = found.body.etag
    match, none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    since = http_time(headers.get(f"{prefix}if-modified-since", ""))
    unmodified_since = http_time(headers.get(f"{prefix}if-unmodified-since", ""))
    if (match is not None and not _names(match, etag)) or (unmodified_since and modified > unmodified_since):
        raise OssError(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
    if (none_match is not None and _names(none_match, etag)) or (since and modified <= since):
        raise OssError(304, "NotModified", "")


def _names(condition: str, etag: str) -> bool:
    return condition.strip() == "*" or etag in (part.strip().strip('"').upper() for part in condition.split(","))


def _open(call: Call) -> tuple[StoredObject, BinaryIO]:
    while True:
        found = readable(call)
        try:
            return found, call.store.open(found.body)
        except FileNotFoundError:
            # A file without its row would be a broken store; a row that changed is read again.
            if readable(call).body.file == found.body.file:
                raise


def _chunks(file: BinaryIO, length: int) -> Iterator[bytes]:
    with file:
        while length > 0:
            chunk = file.read(min(_CHUNK_BYTES, length))
            length -= len(chunk)
            yield chunk


def _range(headers: Mapping[str, str], size_bytes: int) -> tuple[int, int]:
    """First and last byte to send.

    A range that is not wholly inside the object is ignored, unless ``x-oss-range-behavior: standard`` asks for what
    RFC 9110 says: help.aliyun.com/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests.
    """
    whole = (0, size_bytes - 1)
    asked = headers.get("range", "")
    is_standard = headers.get("x-oss-range-behavior", "").lower() == "standard"
    unsatisfiable = OssError(416, "InvalidRange", "The requested range cannot be satisfied", "0039-00000001")
    if "," in asked:
        raise unsatisfiable
    match = _RANGE.fullmatch(asked)
    if match is None or not any(match.groups()):
        return whole
    if not match[1]:
        count = int(match[2])
        if 0 < count <= size_bytes or (is_standard and count and size_bytes):
            return max(0, size_bytes - count), size_bytes - 1
        first, last = size_bytes, size_bytes
    else:
        first = int(match[1])
        last = int(match[2]) if match[2] else max(first, size_bytes - 1)
    if first > last or (last >= size_bytes and not is_standard):
        return whole
    if first >= size_bytes:
        raise unsatisfiable
    return first, min(last, size_bytes - 1)


def _object_headers(found: StoredObject) -> dict[str, str]:
    body = found.body
    headers = {
        **found.attributes.headers,
        "Content-Length": str(body.size_bytes),
        "Accept-Ranges": "bytes",
        "ETag": f'"{body.etag}"',
        "Last-Modified": format_datetime(datetime.fromtimestamp(found.modified_ms // 1000, timezone.utc), usegmt=True),
        "x-oss-object-type": found.type,
        "x-oss-storage-class": found.attributes.storage_class,
        **checksums(body),
    }
    if found.attributes.tags:
        headers["x-oss-tagging-count"] = str(len(found.attributes.tags))
    return headers


def checksums(body: Body) -> dict[str, str]:
    """CRC-64 always; Content-MD5 unless the ETag is that of a multipart upload."""
    headers = {"x-oss-hash-crc64ecma": body.crc64}
    if "-" not in body.etag:
        headers["Content-MD5"] = base64.b64encode(bytes.fromhex(body.etag)).decode("ascii")
    return headers


def _checked_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """At most ten tags, each key once and 1 to 128 characters, values up to 256; letters, digits, ``+-=._:/``."""
    tags = dict(pairs)
    is_each_allowed = all(
        1 <= len(name) <= 128 and len(value) <= 256 and _TAG_TEXT.fullmatch(name) and _TAG_TEXT.fullmatch(value)
        for name, value in pairs
    )
    if len(pairs) > 10 or len(tags) != len(pairs) or not is_each_allowed:
        raise OssError(400, "InvalidTag", "The tags are too many, too long, repeated, or of other characters.")
    return tags
