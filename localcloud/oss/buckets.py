"""Calls on the service and on one bucket."""

from __future__ import annotations

import base64
import binascii
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response

from localcloud.oss.answers import acl_document, document, iso_time, owner
from localcloud.oss.call import Target, check_is_owner, check_names, checked_acl, owned
from localcloud.oss.errors import (
    OssError,
    access_denied,
    blocked,
    invalid_argument,
    malformed_xml,
    no_such_bucket,
    not_implemented,
)
from localcloud.oss.objects import check_may_write

if TYPE_CHECKING:
    from localcloud.oss.call import Call
    from localcloud.oss.store import Bucket, StoredObject, Upload
    from localcloud.xmltree import Node

_MAX_KEYS = 1000


async def list_buckets(call: Call) -> Response:
    """ListBuckets (GetService)."""
    check_is_owner(call)
    prefix, marker = call.query.get("prefix", ""), call.query.get("marker", "")
    limit = call.number("max-keys", 100, 1, _MAX_KEYS)
    rest = [bucket for bucket in call.store.buckets() if bucket.name.startswith(prefix) and bucket.name > marker]
    page = rest[:limit]
    is_truncated = len(rest) > limit
    fields: list[Node] = [("Prefix", prefix), ("Marker", marker), ("MaxKeys", limit)]
    fields += [("IsTruncated", _bool(is_truncated)), ("NextMarker", page[-1].name if is_truncated else "")]
    elements: list[Node] = [("Bucket", _bucket_fields(call, each)) for each in page]
    fields += [owner(call.cloud.account_id), ("Buckets", elements)]
    return document("ListAllMyBucketsResult", fields)


async def put_bucket(call: Call) -> Response:
    """PutBucket; for a bucket that exists, only the ACL is changed, if one is given.

    A new one blocks public access, as every bucket does that was made by the API since October 2025 (source:
    "PutBucket", usage notes, alibabacloud.com/help/en/oss/developer-reference/putbucket).
    """
    check_is_owner(call)
    acl = call.headers.get("x-oss-acl")
    checked = checked_acl(acl, of_object=False) if acl is not None else "private"
    async for chunk in call.request.stream():
        if b"<StorageClass>Standard<" not in chunk and b"<StorageClass>" in chunk:
            raise not_implemented("StorageClass")
    known = call.store.bucket(call.bucket)
    if checked != "private" and (known is None or known.blocks_public):
        raise blocked("Put public bucket acl is not allowed")
    if known is None:
        call.store.create_bucket(call.bucket, checked)
        call.store.block_public(call.bucket, is_on=True)
    elif acl is not None:
        call.store.set_bucket_acl(call.bucket, checked)
    return Response(headers={"Location": f"/{call.bucket}"})


async def delete_bucket(call: Call) -> Response:
    """DeleteBucket, if it is empty."""
    owned(call)
    if not call.store.delete_bucket(call.bucket):
        message = "The bucket you tried to delete is not empty."
        raise OssError(409, "BucketNotEmpty", message, "0015-00000301", (("BucketName", call.bucket),))
    return Response(status_code=204)


async def get_info(call: Call) -> Response:
    """GetBucketInfo."""
    bucket = owned(call)
    fields: list[Node] = [
        *_bucket_fields(call, bucket),
        owner(call.cloud.account_id),
        ("AccessControlList", [("Grant", bucket.acl)]),
        ("DataRedundancyType", "LRS"),
        ("ServerSideEncryptionRule", [("SSEAlgorithm", "None")]),
        ("Comment", ""),
    ]
    if bucket.versioning:
        fields.append(("Versioning", bucket.versioning))
    return document("BucketInfo", [("Bucket", fields)])


async def get_location(call: Call) -> Response:
    """GetBucketLocation: a single element with text, unlike every other answer."""
    owned(call)
    location = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint>oss-{call.cloud.region}</LocationConstraint>'
    )
    return Response(location, media_type="application/xml")


async def get_stat(call: Call) -> Response:
    """GetBucketStat."""
    owned(call)
    size_bytes, objects, uploads = call.store.totals(call.bucket)
    fields: list[Node] = [("Storage", size_bytes), ("ObjectCount", objects), ("MultipartUploadCount", uploads)]
    fields += [("LiveChannelCount", 0), ("LastModifiedTime", int(time.time()))]
    fields += [("StandardStorage", size_bytes), ("StandardObjectCount", objects)]
    for storage_class in ("InfrequentAccess", "Archive", "ColdArchive"):
        fields += [(f"{storage_class}{figure}", 0) for figure in ("Storage", "RealStorage", "ObjectCount")]
    return document("BucketStat", fields)


async def get_acl(call: Call) -> Response:
    """GetBucketAcl."""
    return acl_document(owned(call).acl, call.cloud.account_id)


async def put_acl(call: Call) -> Response:
    """PutBucketAcl."""
    bucket, acl = owned(call), checked_acl(call.headers.get("x-oss-acl", ""), of_object=False)
    if bucket.blocks_public and acl != "private":
        raise blocked("Put public bucket acl is not allowed")
    call.store.set_bucket_acl(call.bucket, acl)
    return Response()


async def get_public_block(call: Call) -> Response:
    """GetBucketPublicAccessBlock."""
    return document("PublicAccessBlockConfiguration", [("BlockPublicAccess", _bool(owned(call).blocks_public))])


async def put_public_block(call: Call) -> Response:
    """PutBucketPublicAccessBlock."""
    owned(call)
    told = (await call.xml("PublicAccessBlockConfiguration")).findtext("BlockPublicAccess", "false").lower()
    if told not in ("true", "false"):
        raise malformed_xml()
    call.store.block_public(call.bucket, is_on=told == "true")
    return Response()


async def get_versioning(call: Call) -> Response:
    """GetBucketVersioning."""
    status = owned(call).versioning
    return document("VersioningConfiguration", [("Status", status)] if status else [])


async def put_versioning(call: Call) -> Response:
    """PutBucketVersioning.

    Only the status is kept, and its effect on ``x-oss-forbid-overwrite``: no versions are stored, an overwritten
    object is gone, and calls that name a version are refused.
    """
    owned(call)
    status = (await call.xml("VersioningConfiguration")).findtext("Status", "")
    if status not in ("Enabled", "Suspended"):
        raise malformed_xml()
    call.store.set_versioning(call.bucket, status)
    return Response()


async def get_encryption(call: Call) -> Response:
    """GetBucketEncryption."""
    owned(call)
    algorithm = call.store.encryption(call.bucket)
    if not algorithm:
        code = "NoSuchServerSideEncryptionRule"
        raise OssError(404, code, "The server side encryption configuration does not exist.", "")
    return document("ServerSideEncryptionRule", [("ApplyServerSideEncryptionByDefault", [("SSEAlgorithm", algorithm)])])


async def put_encryption(call: Call) -> Response:
    """PutBucketEncryption by OSS's own keys; it is kept and given back, and nothing is encrypted on this disk."""
    owned(call)
    tree = await call.xml("ServerSideEncryptionRule")
    algorithm = tree.findtext("ApplyServerSideEncryptionByDefault/SSEAlgorithm", "")
    if algorithm != "AES256":
        raise not_implemented("SSEAlgorithm")
    call.store.set_encryption(call.bucket, algorithm)
    return Response()


async def list_objects(call: Call) -> Response:
    """ListObjects and, with ``list-type=2``, ListObjectsV2."""
    bucket = call.store.bucket(call.bucket)
    if bucket is None:
        raise no_such_bucket(call.bucket)
    if not call.is_owner and (bucket.acl == "private" or bucket.blocks_public):
        raise access_denied("You have no right to access this object because of bucket acl.")
    kind = call.query.get("list-type", "1")
    encoding = call.query.get("encoding-type", "")
    if encoding not in ("", "url"):
        raise invalid_argument("Invalid encoding type.", "encoding-type", encoding)
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    limit = call.number("max-keys", 100, 1, _MAX_KEYS)
    if kind == "2":
        token = call.query.get("continuation-token", "")
        after = _marker(token) if token else call.query.get("start-after", "")
    else:
        after = call.query.get("marker", "")
    page = call.store.page(call.bucket, prefix, delimiter, after, limit)

    def text(value: str) -> str:
        return quote(value, safe="") if encoding else value

    fields: list[Node] = [("Name", call.bucket), ("Prefix", text(prefix)), ("MaxKeys", limit)]
    fields += [("Delimiter", text(delimiter)), ("IsTruncated", _bool(bool(page.next_marker)))]
    if encoding:
        fields.append(("EncodingType", encoding))
    if kind == "2":
        fields.append(("StartAfter", text(call.query.get("start-after", ""))))
        fields.append(("ContinuationToken", text(token)))
        fields.append(("KeyCount", len(page.objects) + len(page.prefixes)))
        if page.next_marker:
            fields.append(("NextContinuationToken", text(_token(page.next_marker))))
    else:
        fields.append(("Marker", text(after)))
        if page.next_marker:
            fields.append(("NextMarker", text(page.next_marker)))
    with_owner = kind != "2" or call.query.get("fetch-owner", "").lower() == "true"
    fields += [("Contents", _object_fields(each, text(each.key), call, with_owner=with_owner)) for each in page.objects]
    fields += [("CommonPrefixes", [("Prefix", text(each))]) for each in page.prefixes]
    return document("ListBucketResult", fields)


async def delete_objects(call: Call) -> Response:
    """DeleteMultipleObjects: up to 1000 keys, each answered as deleted whether or not it existed."""
    check_may_write(call)
    if "content-md5" not in call.headers:
        raise OssError(
            411, "MissingArgument", "Missing Some Required Arguments.", "", (("ArgumentName", "Content-MD5"),)
        )
    tree = await call.xml("Delete")
    keys = [each.findtext("Key", "") for each in tree.iter("Object")]
    if any(each.find("VersionId") is not None for each in tree.iter("Object")):
        raise not_implemented("VersionId")
    if not 1 <= len(keys) <= _MAX_KEYS or not all(keys):
        raise malformed_xml()
    for key in keys:
        check_names(Target(call.bucket, key, {}))
    for key in keys:
        call.store.delete(call.bucket, key)
    if tree.findtext("Quiet", "false").lower() == "true":
        return Response()
    is_encoded = call.query.get("encoding-type") == "url"
    fields: list[Node] = [("EncodingType", "url")] if is_encoded else []
    fields += [("Deleted", [("Key", quote(key, safe="") if is_encoded else key)]) for key in keys]
    return document("DeleteResult", fields)


async def list_uploads(call: Call) -> Response:
    """ListMultipartUploads."""
    owned(call)
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    key_marker, id_marker = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
    limit = call.number("max-uploads", 1000, 1, _MAX_KEYS)
    is_encoded = call.query.get("encoding-type") == "url"

    def text(value: str) -> str:
        return quote(value, safe="") if is_encoded else value

    # Rolled-up prefixes stand in the order of keys like uploads do, with no upload id.
    entries: dict[tuple[str, str], Upload | None] = {}
    for each in call.store.uploads(call.bucket):
        if each.key.startswith(prefix):
            head, found, _ = each.key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            entries[(prefix + head + found, "") if found else (each.key, each.id)] = None if found else each
    # Without an upload id, the key marker stands for all uploads of that key.
    after = (key_marker, id_marker or "\U0010ffff")
    rest = [entry for entry in entries.items() if not key_marker or entry[0] > after]
    page, is_truncated = rest[:limit], len(rest) > limit
    last_key, last_id = page[-1][0] if is_truncated else ("", "")
    fields: list[Node] = [("Bucket", call.bucket), ("KeyMarker", text(key_marker)), ("UploadIdMarker", id_marker)]
    fields += [("EncodingType", "url")] if is_encoded else []
    fields += [("NextKeyMarker", text(last_key)), ("NextUploadIdMarker", last_id), ("Delimiter", text(delimiter))]
    fields += [("Prefix", text(prefix)), ("MaxUploads", limit), ("IsTruncated", _bool(is_truncated))]
    for (key, _), upload in page:
        if upload is None:
            fields.append(("CommonPrefixes", [("Prefix", text(key))]))
        else:
            identity: list[Node] = [("Key", text(key)), ("UploadId", upload.id)]
            fields.append(("Upload", [*identity, ("Initiated", iso_time(upload.created_ms))]))
    return document("ListMultipartUploadsResult", fields)


async def list_live_channels(call: Call) -> Response:
    """ListLiveChannel: always empty, because none can be made here; clean-up code asks for it."""
    owned(call)
    fields: list[Node] = [("Prefix", call.query.get("prefix", "")), ("Marker", call.query.get("marker", ""))]
    fields += [("MaxKeys", call.number("max-keys", 100, 1, _MAX_KEYS)), ("IsTruncated", "false"), ("NextMarker", "")]
    return document("ListLiveChannelResult", fields)


def _bucket_fields(call: Call, bucket: Bucket) -> list[Node]:
    # Clients call back at the endpoint they are told here, so it is this process's.
    endpoint = call.cloud.url("oss").removeprefix("http://")
    return [
        ("Name", bucket.name),
        ("CreationDate", iso_time(bucket.created_ms)),
        ("Location", f"oss-{call.cloud.region}"),
        ("Region", call.cloud.region),
        ("ExtranetEndpoint", endpoint),
        ("IntranetEndpoint", endpoint),
        ("StorageClass", "Standard"),
    ]


def _object_fields(each: StoredObject, key: str, call: Call, *, with_owner: bool) -> list[Node]:
    fields: list[Node] = [
        ("Key", key),
        ("LastModified", iso_time(each.modified_ms)),
        ("ETag", f'"{each.body.etag}"'),
        ("Type", each.type),
        ("Size", each.body.size_bytes),
        ("StorageClass", each.attributes.storage_class),
    ]
    return [*fields, owner(call.cloud.account_id)] if with_owner else fields


def _token(marker: str) -> str:
    return base64.urlsafe_b64encode(marker.encode()).decode("ascii")


def _marker(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_argument("The continuation token is invalid.", "continuation-token", token) from None


def _bool(value: bool) -> str:
    return "true" if value else "false"
