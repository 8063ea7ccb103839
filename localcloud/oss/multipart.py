"""Multipart uploads, as oss2's resumable upload makes them."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

from localcloud.oss.answers import document, iso_time
from localcloud.oss.errors import OssError, file_already_exists, malformed_xml, not_implemented
from localcloud.oss.objects import attributes_of, check_may_write, checksums, forbids_overwrite, receive
from localcloud.oss.store import Body, KeyTakenError

if TYPE_CHECKING:
    from localcloud.oss.call import Call
    from localcloud.oss.store import Part, Store, Upload
    from localcloud.xmltree import Node

_MAX_PARTS = 10_000
#: Every part but the last has at least this size.
_MIN_PART_BYTES = 100 * 1024
_CHUNK_BYTES = 1024 * 1024


async def begin(call: Call) -> Response:
    """InitiateMultipartUpload."""
    check_may_write(call)
    forbids_overwrite(call)
    upload = call.store.begin_upload(call.bucket, call.key, attributes_of(call.headers))
    fields: list[Node] = [("Bucket", call.bucket), ("Key", call.key), ("UploadId", upload.id)]
    return document("InitiateMultipartUploadResult", fields)


async def put_part(call: Call) -> Response:
    """UploadPart."""
    if "x-oss-copy-source" in call.headers:
        raise not_implemented("x-oss-copy-source of a part")
    check_may_write(call)
    _upload(call)
    number = call.number("partNumber", 0, 1, _MAX_PARTS)
    body = await receive(call)
    try:
        part = call.store.put_part(_upload(call), number, body)
    except OssError:
        call.store.discard(body)
        raise
    return Response(headers={"ETag": f'"{part.body.etag}"', **checksums(part.body)})


async def complete(call: Call) -> Response:
    """CompleteMultipartUpload: the parts named in the body become the object."""
    check_may_write(call)
    upload = _upload(call)
    only_if_absent = forbids_overwrite(call)
    parts = await _parts_to_join(call, upload)
    body = await asyncio.to_thread(_join, call.store, parts)
    try:
        _upload(call)
        stored = call.store.put(
            call.bucket, call.key, body, upload.attributes, only_if_absent=only_if_absent, type_="Multipart"
        )
    except KeyTakenError:
        raise file_already_exists(call.key) from None
    except OssError:
        call.store.discard(body)
        raise
    call.store.end_upload(upload)
    fields: list[Node] = [
        ("Location", f"{call.cloud.url('oss')}/{call.bucket}/{call.key}"),
        ("Bucket", call.bucket),
        ("Key", call.key),
        ("ETag", f'"{stored.body.etag}"'),
    ]
    answer = document("CompleteMultipartUploadResult", fields)
    answer.headers.update({"ETag": f'"{stored.body.etag}"', **checksums(stored.body)})
    return answer


async def abort(call: Call) -> Response:
    """AbortMultipartUpload."""
    check_may_write(call)
    call.store.end_upload(_upload(call))
    return Response(status_code=204)


async def list_parts(call: Call) -> Response:
    """ListParts."""
    check_may_write(call)
    upload = _upload(call)
    limit = call.number("max-parts", 1000, 1, 1000)
    marker = call.number("part-number-marker", 0, 0, _MAX_PARTS)
    rest = [part for part in call.store.parts(upload) if part.number > marker]
    page = rest[:limit]
    fields: list[Node] = [
        ("Bucket", call.bucket),
        ("Key", call.key),
        ("UploadId", upload.id),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", page[-1].number if page else marker),
        ("MaxParts", limit),
        ("IsTruncated", "true" if len(rest) > limit else "false"),
    ]
    fields += [
        (
            "Part",
            [
                ("PartNumber", part.number),
                ("LastModified", iso_time(part.modified_ms)),
                ("ETag", f'"{part.body.etag}"'),
                ("HashCrc64ecma", part.body.crc64),
                ("Size", part.body.size_bytes),
            ],
        )
        for part in page
    ]
    return document("ListPartsResult", fields)


def _upload(call: Call) -> Upload:
    found = call.store.upload(call.bucket, call.key, call.query.get("uploadId", ""))
    if found is None:
        message = "The specified upload does not exist. The upload ID may be invalid, or the upload was ended."
        raise OssError(404, "NoSuchUpload", message, "0042-00000002", (("UploadId", call.query.get("uploadId", "")),))
    return found


async def _parts_to_join(call: Call, upload: Upload) -> list[Part]:
    stored = {part.number: part for part in call.store.parts(upload)}
    if call.headers.get("x-oss-complete-all", "").lower() == "yes":
        parts = list(stored.values())
    else:
        parts = []
        for element in (await call.xml("CompleteMultipartUpload")).iter("Part"):
            number, etag = element.findtext("PartNumber", ""), element.findtext("ETag", "")
            part = stored.get(int(number)) if number.isdecimal() else None
            if part is None or part.body.etag != etag.strip('"').upper():
                raise OssError(400, "InvalidPart", "One or more of the specified parts could not be found.")
            if parts and part.number <= parts[-1].number:
                raise OssError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
            parts.append(part)
    if not parts:
        raise malformed_xml()
    if any(part.body.size_bytes < _MIN_PART_BYTES for part in parts[:-1]):
        raise OssError(400, "EntityTooSmall", "A part that is not the last is smaller than 100 KB.")
    return parts


def _join(store: Store, parts: list[Part]) -> Body:
    incoming = store.receive()
    try:
        for part in parts:
            with store.open(part.body) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    incoming.write(chunk)
    except BaseException:
        incoming.discard()
        raise
    joined = incoming.finish()
    # Like the real service's, the ETag of a multipart object is no MD5 of its bytes.
    digests = b"".join(bytes.fromhex(part.body.etag) for part in parts)
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest().upper()}-{len(parts)}"
    return Body(joined.file, joined.size_bytes, etag, joined.crc64)
