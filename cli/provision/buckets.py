"""Buckets of OSS, by its SDK: private, encrypted, unversioned, with the product's lifecycle rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cli.provision.lock import FOLDER
from shared.clouds.objects import answered, translated
from shared.errors import Misconfigured, Refused, code_word
from shared.retention import RULE_PREFIX, Retention

_T = TypeVar("_T")
#: How often a bucket is emptied before it counts as one that something writes to, and the seconds in between.
_ROUNDS, _PAUSE_S = 6, 2.0

_COUNT_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class BucketResource:
    """A bucket with its settings. `bucket` is one of `shared.clouds.objects`, of the same name."""

    bucket: Any = field(repr=False)
    name: str
    retentions: tuple[Retention, ...]
    #: Whether its objects may be public, one by one; the bucket itself never is.
    has_public_objects: bool = False
    kind: str = "bucket"

    @property
    def wanted(self) -> Mapping[str, str]:
        """Who may read it, its encryption and versioning, and for how many days each prefix is kept.

        Whether public objects are possible is said either way: a bucket made since October 2025 blocks them.
        """
        kept = {f"kept: {each.prefix}": f"{each.days} days" for each in self.retentions if each.days is not None}
        public = "possible" if self.has_public_objects else "blocked"
        return {
            "readable by": "private",
            "public objects": public,
            "encryption": "AES256",
            "versioning": "off",
            **kept,
        }

    def read(self) -> Mapping[str, str] | None:
        """Its settings; None when there is no such bucket.

        Raises `Misconfigured` for a bucket of somebody else's: names are unique across all accounts.
        """
        sdk = self.bucket.sdk
        acl = self._known(sdk.get_bucket_acl, "oss:GetBucketAcl")
        if acl is None:
            return None
        versioning = self._asked(sdk.get_bucket_versioning, "oss:GetBucketVersioning").status
        encryption = self._known(sdk.get_bucket_encryption, "oss:GetBucketEncryption")
        block = self._asked(sdk.get_bucket_public_access_block, "oss:GetBucketPublicAccessBlock")
        rules = self.bucket.lifecycle()
        days = {
            f"kept: {rule.prefix}": f"{rule.expiration.days} days"
            for rule in rules.values()
            if rule.status == rule.ENABLED and rule.expiration and rule.expiration.days
        }
        return {
            "readable by": str(acl.acl),
            "public objects": "blocked" if block.block_public_access else "possible",
            "encryption": encryption.sse_algorithm if encryption else "none",
            "versioning": str(versioning or "off").lower(),
            **days,
        }

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, and set what differs.

        Raises `Misconfigured` for one that is or was versioned: it can't be undone, and create-only puts would
        overwrite.
        """
        import oss2

        sdk, now = self.bucket.sdk, found or {}
        if now.get("versioning", "off") != "off":
            raise Misconfigured(
                f"bucket {self.name}: versioning is {now['versioning']}, which can't be undone, and its create-only "
                "puts would overwrite; take another name for it"
            )
        if found is None:
            self._asked(lambda: sdk.create_bucket(oss2.BUCKET_ACL_PRIVATE), "oss:PutBucket")
        elif now["readable by"] != "private":
            self._asked(lambda: sdk.put_bucket_acl(oss2.BUCKET_ACL_PRIVATE), "oss:PutBucketAcl")
        # Not known before it exists: what a new bucket does depends on how and when it was made.
        if now.get("public objects") != self.wanted["public objects"]:
            is_on = not self.has_public_objects
            self._asked(lambda: sdk.put_bucket_public_access_block(is_on), "oss:PutBucketPublicAccessBlock")
        if now.get("encryption") != "AES256":
            rule = oss2.models.ServerSideEncryptionRule()
            rule.sse_algorithm = "AES256"
            self._asked(lambda: sdk.put_bucket_encryption(rule), "oss:PutBucketEncryption")
        if any(now.get(name) != value for name, value in self.wanted.items() if name.startswith("kept: ")):
            self._set_lifecycle()

    def holds(self) -> str:
        """How many objects lie in it; those about provisioning are none of the product's."""
        keys = self.bucket.keys("", limit=_COUNT_AT_MOST)
        count = sum(1 for key in keys if not key.startswith(FOLDER))
        more = " or more" if count == _COUNT_AT_MOST else ""
        return f"{count}{more} objects" if count else ""

    def delete(self) -> None:
        """Delete it with all its objects, again if something that is ending, such as a render, still wrote one."""
        for left in reversed(range(_ROUNDS)):
            for key in self.bucket.keys("", limit=1_000_000_000):
                self.bucket.delete(key)
            try:
                self._known(self.bucket.sdk.delete_bucket, "oss:DeleteBucket")
            except Refused as error:
                if error.code != "BucketNotEmpty" or not left:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return

    def _set_lifecycle(self) -> None:
        others = [rule for id_, rule in self.bucket.lifecycle().items() if not id_.startswith(RULE_PREFIX)]
        ours = {each.rule_id: (each.prefix, each.days) for each in self.retentions if each.days is not None}
        self.bucket.set_lifecycle(ours, others)

    def _known(self, call: Callable[[], _T], action: str) -> _T | None:
        try:
            return self._asked(call, action)
        except Absent:
            return None

    def _asked(self, call: Callable[[], _T], action: str) -> _T:
        import oss2.exceptions

        def checked() -> _T:
            try:
                result = call()
                answered(result)
                return result
            except oss2.exceptions.NoSuchBucket:
                raise Absent("oss", "NoSuchBucket") from None
            except oss2.exceptions.NotFound as error:
                # "No encryption": an error of its own code, and nothing else is absent below a bucket.
                raise Absent("oss", error.code) from None
            except oss2.exceptions.AccessDenied as error:
                if where := error.details.get("Endpoint"):
                    raise Misconfigured(
                        f"bucket {self.name}: it lies in another region, {code_word(where) or where}; set "
                        "TRIPCANVAS_REGION and TRIPCANVAS_OSS_ENDPOINT to that one, or take another name"
                    ) from None
                raise Misconfigured(
                    f"oss: not allowed: {action} on bucket {self.name}; give the access key's user that action, or "
                    "take another name: it may be the bucket of another account"
                ) from None
            except oss2.exceptions.Conflict as error:
                if error.code != "BucketAlreadyExists":
                    raise Refused("oss", code_word(error.code), f"{action} on bucket {self.name}") from None
                said = "names are unique across all accounts, take another"
                raise Misconfigured(f"oss: BucketAlreadyExists: bucket {self.name}; {said}") from None

        return translated(checked)


class Absent(Refused):
    """There is no such bucket, or no such setting of it."""
