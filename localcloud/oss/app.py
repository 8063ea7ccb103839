"""The embedded OSS: path-style buckets and objects over HTTP, for `oss2` and for presigned URLs.

It stands in for one account's OSS in one region. What is real: the wire protocol, both signature versions, atomic
create-only writes, strong consistency, byte-order listings, checksums, conditions, ranges, tags, ACLs and multipart
uploads, lifecycle rules by which objects end by their age, and the policies of RAM roles. What is not: versions,
encryption, callbacks, image processing, other lifecycle rules, bucket policies, anything that bills; a request for one
of those is refused with 501 NotImplemented.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from localcloud.oss import buckets, lifecycle, multipart, objects
from localcloud.oss.answers import refusal
from localcloud.oss.call import Call, Target, check_names
from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.permissions import may
from localcloud.oss.signatures import SUBRESOURCES, signer
from localcloud.oss.store import Store
from localcloud.signing import WireRequest
from shared.retention import retentions
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from localcloud.state import Cloud

#: The product's buckets, there from the first start unless the cloud begins empty: journeys, pictures for the public,
#: and what the GPU side writes.
FIRST_BUCKETS = ("tripcanvas-ledger", "tripcanvas-gallery", "tripcanvas-render")

_log = logging.getLogger("localcloud.oss")

_Operation = Callable[[Call], Awaitable[Response]]

_SERVICE: dict[tuple[str, str], _Operation] = {("GET", ""): buckets.list_buckets}
_BUCKET: dict[tuple[str, str], _Operation] = {
    ("PUT", ""): buckets.put_bucket,
    ("DELETE", ""): buckets.delete_bucket,
    ("GET", ""): buckets.list_objects,
    ("POST", "delete"): buckets.delete_objects,
    ("GET", "acl"): buckets.get_acl,
    ("PUT", "acl"): buckets.put_acl,
    ("GET", "bucketInfo"): buckets.get_info,
    ("GET", "location"): buckets.get_location,
    ("GET", "stat"): buckets.get_stat,
    ("GET", "versioning"): buckets.get_versioning,
    ("PUT", "versioning"): buckets.put_versioning,
    ("GET", "encryption"): buckets.get_encryption,
    ("PUT", "encryption"): buckets.put_encryption,
    ("GET", "publicAccessBlock"): buckets.get_public_block,
    ("PUT", "publicAccessBlock"): buckets.put_public_block,
    ("GET", "lifecycle"): lifecycle.get_rules,
    ("PUT", "lifecycle"): lifecycle.put_rules,
    ("DELETE", "lifecycle"): lifecycle.delete_rules,
    ("GET", "uploads"): buckets.list_uploads,
    ("GET", "live"): buckets.list_live_channels,
}
_OBJECT: dict[tuple[str, str], _Operation] = {
    ("PUT", ""): objects.put_object,
    ("GET", ""): objects.get_object,
    ("HEAD", ""): objects.head_object,
    ("DELETE", ""): objects.delete_object,
    ("HEAD", "objectMeta"): objects.get_object_meta,
    ("GET", "acl"): objects.get_acl,
    ("PUT", "acl"): objects.put_acl,
    ("GET", "tagging"): objects.get_tagging,
    ("PUT", "tagging"): objects.put_tagging,
    ("DELETE", "tagging"): objects.delete_tagging,
    ("POST", "uploads"): multipart.begin,
    ("PUT", "partNumber+uploadId"): multipart.put_part,
    ("GET", "uploadId"): multipart.list_parts,
    ("POST", "uploadId"): multipart.complete,
    ("DELETE", "uploadId"): multipart.abort,
}
#: Sub-resources that do not choose the operation; the last two only matter to a bill and a bandwidth.
_MODIFIERS = frozenset(
    {"continuation-token", "security-token", "sequential", "x-oss-request-payer", "x-oss-traffic-limit"}
    | {name for name in SUBRESOURCES if name.startswith("response-")}
)


def build(cloud: Cloud) -> Starlette:
    """The ASGI application of the embedded OSS; its data lies under ``oss`` in the cloud's folder."""
    store = Store(cloud.folder("oss"), () if cloud.is_empty else FIRST_BUCKETS)
    if not cloud.is_empty:
        _set_retention(store)
    host = cloud.url("oss").removeprefix("http://")

    async def answer(request: Request) -> Response:
        request_id = secrets.token_hex(12).upper()
        started = time.monotonic()
        try:
            response = await _operate(request, store, cloud)
        except OssError as error:
            response = refusal(error, request_id, host, is_head=request.method == "HEAD")
        except ClientDisconnect:
            response = Response(status_code=400)
        response.headers["Server"] = "AliyunOSS"
        response.headers["x-oss-request-id"] = request_id
        response.headers["x-oss-server-time"] = str(round((time.monotonic() - started) * 1000))
        if request.method in ("GET", "HEAD") and request.headers.get("content-length", "0") != "0":
            # Some clients announce a body on a GET and send none; the connection can't be used for another request.
            response.headers["Connection"] = "close"
        if response.status_code == 501:
            _log.warning("not implemented: %s, request %s", request.method, request_id)
        return response

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ageing = asyncio.create_task(lifecycle.keep_applying(store))
        yield
        ageing.cancel()
        store.close()

    methods = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]
    routes = [
        Route("/-/lifecycle", lifecycle.applying(store), methods=["POST"]),
        Route("/{path:path}", answer, methods=methods),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _set_retention(store: Store) -> None:
    """Give the product's buckets the product's rules, as a deployment does, unless they have some."""
    names = dict(zip(("ledger_bucket", "gallery_bucket", "render_bucket"), FIRST_BUCKETS, strict=True))
    for setting, bucket in names.items():
        if store.bucket(bucket) is not None and not store.lifecycle(bucket):
            kept = [each for each in retentions(Settings()) if each.bucket == setting and each.days is not None]
            store.set_lifecycle(bucket, [(each.rule_id, each.prefix, True, each.days or 0) for each in kept])


async def _operate(request: Request, store: Store, cloud: Cloud) -> Response:
    wire = WireRequest.of(request)
    target = Target.of(wire)
    check_names(target)
    caller = signer(wire, target, cloud)
    operation, name = _chosen(wire.method, target)
    # A role that no policy allows this is a stranger, who may still read what is public.
    is_owner = caller is not None and may(caller, name, wire, target, cloud)
    return await operation(Call(request, wire.headers, target, is_owner, store, cloud))


def _chosen(method: str, target: Target) -> tuple[_Operation, str]:
    """The operation, and its name in tables: ``GET``, ``PUT acl``."""
    operations = _OBJECT if target.key else _BUCKET if target.bucket else _SERVICE
    subresource = "+".join(sorted(name for name in target.query if name in SUBRESOURCES - _MODIFIERS))
    operation = operations.get((method, subresource))
    if operation is None:
        raise not_implemented(f"{method} ?{subresource}" if subresource else method)
    return operation, f"{method} {subresource}".strip()
