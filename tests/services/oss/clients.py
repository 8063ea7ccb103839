"""Buckets of an embedded OSS as the official SDK sees them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

with warnings.catch_warnings():
    # oss2 holds invalid escapes, which warn when it is compiled for the first time.
    warnings.simplefilter("ignore")
    import oss2

if TYPE_CHECKING:
    from localcloud.state import Cloud

LEDGER = "tripcanvas-ledger"


def bucket(cloud: Cloud, name: str = LEDGER, *, version: str = "v1", secret: str = "", key_id: str = "") -> Any:
    """A bucket signed with V1 or V4; `secret` and `key_id` replace the right ones."""
    auth = oss2.make_auth(key_id or cloud.access_key_id, secret or cloud.access_key_secret, version)
    return oss2.Bucket(auth, cloud.url("oss"), name, region=cloud.region)


def fresh_bucket(cloud: Cloud, name: str, *, version: str = "v1") -> Any:
    """A new, empty bucket that does not block public access."""
    made = bucket(cloud, name, version=version)
    made.create_bucket()
    made.put_bucket_public_access_block(False)
    return made
