"""Which RAM action each operation of OSS asks for, and on what.

Source: "Authorization syntax and elements", help.aliyun.com/zh/oss/user-guide/ram-policy-overview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.oss.call import Target
    from localcloud.ram import Caller
    from localcloud.signing import WireRequest
    from localcloud.state import Cloud

_BUCKET = {
    "PUT": "oss:PutBucket",
    "DELETE": "oss:DeleteBucket",
    "GET": "oss:ListObjects",
    "POST delete": "oss:DeleteObject",
    "GET acl": "oss:GetBucketAcl",
    "PUT acl": "oss:PutBucketAcl",
    "GET bucketInfo": "oss:GetBucketInfo",
    "GET location": "oss:GetBucketLocation",
    "GET stat": "oss:GetBucketStat",
    "GET versioning": "oss:GetBucketVersioning",
    "PUT versioning": "oss:PutBucketVersioning",
    "GET lifecycle": "oss:GetLifecycle",
    "PUT lifecycle": "oss:PutLifecycle",
    "GET encryption": "oss:GetBucketEncryption",
    "PUT encryption": "oss:PutBucketEncryption",
    "GET publicAccessBlock": "oss:GetBucketPublicAccessBlock",
    "PUT publicAccessBlock": "oss:PutBucketPublicAccessBlock",
    "GET uploads": "oss:ListMultipartUploads",
}
_OBJECT = {
    "PUT": "oss:PutObject",
    "GET": "oss:GetObject",
    "HEAD": "oss:GetObject",
    "DELETE": "oss:DeleteObject",
    "HEAD objectMeta": "oss:GetObject",
    "GET acl": "oss:GetObjectAcl",
    "PUT acl": "oss:PutObjectAcl",
    "GET tagging": "oss:GetObjectTagging",
    "PUT tagging": "oss:PutObjectTagging",
    "DELETE tagging": "oss:DeleteObjectTagging",
    "POST uploads": "oss:PutObject",
    "PUT partNumber+uploadId": "oss:PutObject",
    "GET uploadId": "oss:ListParts",
    "POST uploadId": "oss:PutObject",
    "DELETE uploadId": "oss:AbortMultipartUpload",
}
#: Headers of a put that ask for more than the put.
_MORE = {"x-oss-object-acl": "oss:PutObjectAcl", "x-oss-tagging": "oss:PutObjectTagging"}


def may(caller: Caller, operation: str, request: WireRequest, target: Target, cloud: Cloud) -> bool:
    """Whether `caller` is allowed an operation, named as ``PUT acl``, on what `target` addresses.

    A deletion of many objects needs the right to delete every one of the bucket; a copy, to read its source as well.
    What no table has is left to the account.
    """
    if caller.policy is None:
        return True
    arn = f"acs:oss:{cloud.region}:{cloud.account_id}:"
    if not target.bucket:
        return caller.may("oss:ListBuckets", f"{arn}*")
    if not target.key:
        action = _BUCKET.get(operation, "")
        resource = f"{arn}{target.bucket}" + ("/*" if operation == "POST delete" else "")
        return bool(action) and caller.may(action, resource, Prefix=target.query.get("prefix", ""))
    wanted = [_OBJECT.get(operation, ""), *(_MORE[name] for name in _MORE if name in request.headers)]
    resource = f"{arn}{target.bucket}/{target.key}"
    if "x-oss-copy-source" in request.headers:
        # Which object that is stands encoded in the header; no function copies.
        return False
    return all(action and caller.may(action, resource) for action in wanted)
