"""Lifecycle rules: kept, given back, and applied. Only those that end objects by their age; others are refused (501).

The real service goes through a bucket once a day, and may be late. Here it is done every hour, and at any time by
``POST /-/lifecycle``, with the time that it should take for now in the query (``?now=2027-05-01T00:00:00Z``).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from localcloud.oss.answers import document
from localcloud.oss.call import owned
from localcloud.oss.errors import OssError, invalid_argument, malformed_xml, not_implemented

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from xml.etree.ElementTree import Element

    from starlette.requests import Request

    from localcloud.oss.call import Call
    from localcloud.oss.store import Store
    from localcloud.xmltree import Node

#: Not the real service's: it goes through a bucket once a day.
_EVERY_S = 3600.0
_MAX_RULES = 1000
_MAX_ID = 255
_KNOWN = frozenset({"ID", "Prefix", "Status", "Expiration"})

_log = logging.getLogger("localcloud.oss")


@dataclass(frozen=True, slots=True)
class Rule:
    """Objects whose key begins with `prefix` end `days` after they were last written, if the rule is enabled."""

    id: str
    prefix: str
    enabled: bool
    days: int


async def put_rules(call: Call) -> Response:
    """PutBucketLifecycle: replaces all rules of the bucket."""
    owned(call)
    tree = await call.xml("LifecycleConfiguration")
    rules = [_read(element) for element in tree]
    if not 1 <= len(rules) <= _MAX_RULES:
        raise malformed_xml()
    if len({rule.id for rule in rules}) < len(rules):
        raise invalid_argument("Rule ID must be unique.", "ID", "")
    if len({rule.prefix for rule in rules}) < len(rules):
        raise invalid_argument("Two rules have the same prefix.", "Prefix", "")
    call.store.set_lifecycle(call.bucket, [(rule.id, rule.prefix, rule.enabled, rule.days) for rule in rules])
    return Response()


async def get_rules(call: Call) -> Response:
    """GetBucketLifecycle."""
    owned(call)
    rules = rules_of(call.store, call.bucket)
    if not rules:
        raise OssError(404, "NoSuchLifecycle", "No Row found in Lifecycle Table.", "", (("BucketName", call.bucket),))
    nodes: list[Node] = [
        (
            "Rule",
            [
                ("ID", rule.id),
                ("Prefix", rule.prefix),
                ("Status", "Enabled" if rule.enabled else "Disabled"),
                ("Expiration", [("Days", rule.days)]),
            ],
        )
        for rule in rules
    ]
    return document("LifecycleConfiguration", nodes)


async def delete_rules(call: Call) -> Response:
    """DeleteBucketLifecycle; fine when there are none."""
    owned(call)
    call.store.set_lifecycle(call.bucket, [])
    return Response(status_code=204)


def rules_of(store: Store, bucket: str) -> list[Rule]:
    """The rules of a bucket, in the order in which they were given."""
    return [Rule(*row) for row in store.lifecycle(bucket)]


def apply_rules(store: Store, now: datetime) -> dict[str, int]:
    """Delete what has come to its end by `now`; how many objects of each bucket were deleted.

    An age is counted from the midnight (UTC) after the object was last written, as the real service counts it.
    """
    midnight = now.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    ended: dict[str, int] = {}
    for bucket in store.buckets():
        for rule in rules_of(store, bucket.name):
            if rule.enabled:
                latest = midnight - timedelta(days=rule.days)
                count = store.delete_older(bucket.name, rule.prefix, int(latest.timestamp() * 1000))
                ended[bucket.name] = ended.get(bucket.name, 0) + count
    _log.info("lifecycle: %s", ended)
    return ended


def applying(store: Store) -> Callable[[Request], Awaitable[Response]]:
    """The route by which the rules are applied at once."""

    async def apply(request: Request) -> Response:
        given = request.query_params.get("now", "")
        try:
            # Python 3.10 does not read the Z.
            now = datetime.fromisoformat(given.replace("Z", "+00:00")) if given else datetime.now(timezone.utc)
        except ValueError:
            return JSONResponse({"error": "now: a time as 2027-05-01T00:00:00Z"}, status_code=400)
        if now.tzinfo is None:
            return JSONResponse({"error": "now: a time with its zone"}, status_code=400)
        return JSONResponse({"deleted": apply_rules(store, now)})

    return apply


async def keep_applying(store: Store) -> None:
    """Apply the rules every hour, until cancelled."""
    while True:
        apply_rules(store, datetime.now(timezone.utc))
        await asyncio.sleep(_EVERY_S)


def _read(element: Element) -> Rule:
    if element.tag != "Rule":
        raise malformed_xml()
    for child in element:
        if child.tag not in _KNOWN:
            raise not_implemented(f"lifecycle {child.tag}")
    expiration = element.find("Expiration")
    if expiration is None:
        raise malformed_xml()
    for child in expiration:
        if child.tag != "Days":
            raise not_implemented(f"lifecycle {child.tag}")
    days, status, id_ = (expiration.findtext("Days", ""), element.findtext("Status", ""), element.findtext("ID", ""))
    if not days.isdecimal() or int(days) < 1 or status not in ("Enabled", "Disabled"):
        raise malformed_xml()
    if not 1 <= len(id_) <= _MAX_ID:
        raise invalid_argument(f"Rule ID must be 1 to {_MAX_ID} characters.", "ID", id_)
    return Rule(id_, element.findtext("Prefix", ""), status == "Enabled", int(days))
