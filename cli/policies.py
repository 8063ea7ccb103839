"""What each function may do in the account: one RAM policy per function, from the table of the calls it makes.

``deploy/policies/<role>.json`` is generated from this table; the embedded cloud enforces those files. Buckets, prefix
and account differ between deployments and stand there as ``${TRIPCANVAS_…}``. The GPU side, the models and the feed
are called with tokens and keys of their own: RAM has no say in that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cli.options import fail
from localcloud.ram import Policy, PolicyError, Statement, filled
from shared.settings import Settings

FOLDER = Path("deploy") / "policies"

_LEDGER = "acs:oss:*:*:${TRIPCANVAS_LEDGER_BUCKET}"
_GALLERY = "acs:oss:*:*:${TRIPCANVAS_GALLERY_BUCKET}"
_RENDERS = "acs:oss:*:*:${TRIPCANVAS_RENDER_BUCKET}"
_PICTURES = "${TRIPCANVAS_RENDER_PREFIX}/output/*"
_ACCOUNT = "${TRIPCANVAS_REGION}:${TRIPCANVAS_ACCOUNT_ID}"


def _objects(bucket: str, patterns: tuple[str, ...], *actions: str) -> Statement:
    """Actions on the objects of a bucket whose keys match one of `patterns`."""
    resources = tuple(f"{bucket}/{pattern}" for pattern in patterns)
    return Statement("Allow", tuple(f"oss:{action}" for action in actions), resources)


def _listing(bucket: str, *patterns: str) -> Statement:
    """Listing the keys under prefixes that match one of `patterns`."""
    return Statement("Allow", ("oss:ListObjects",), (bucket,), {"StringLike": {"oss:Prefix": patterns}})


def _publish(topic: str) -> Statement:
    return Statement("Allow", ("mns:PublishMessage",), (f"acs:mns:{_ACCOUNT}:/topics/{topic}/messages",))


#: A message that can't be handled: by the step that refuses it, or by Function Compute after the last attempt.
_DEAD_LETTERS = Statement(
    "Allow", ("mns:SendMessage",), (f"acs:mns:{_ACCOUNT}:/queues/${{TRIPCANVAS_DEAD_LETTER_QUEUE}}/messages",)
)
#: Function Compute writes a function's log as the function's role.
_LOG = Statement("Allow", ("log:PostLogStoreLogs",), (f"acs:log:{_ACCOUNT}:project/*/logstore/*",))

#: The log of a journey: reading the newest entry needs the list of them.
_JOURNEYS = (
    _objects(_LEDGER, ("journeys/*",), "GetObject", "PutObject"),
    _listing(_LEDGER, "journeys/*"),
    _objects(_LEDGER, ("open/*",), "PutObject", "DeleteObject"),
)
_RENDERED = (_objects(_RENDERS, (_PICTURES,), "GetObject"),)
#: Pictures are put, read by the signed address of a draft, and listed before they are put again.
_PICTURES_STORED = (
    _objects(_GALLERY, ("private/*", "posts/*"), "GetObject", "PutObject", "PutObjectAcl"),
    _listing(_GALLERY, "private/*", "posts/*"),
)
#: A run that finds its journey cancelled or withdrawn takes back what it made: a post, pictures, renders.
_TAKEN_BACK = (
    _objects(_GALLERY, ("private/*", "posts/*"), "DeleteObject"),
    _listing(_GALLERY, "private/*", "posts/*"),
    _objects(_RENDERS, (_PICTURES,), "DeleteObject"),
    _listing(_RENDERS, _PICTURES),
    _publish("${TRIPCANVAS_FEED_TOPIC}"),
)

#: A journey that is held or has failed is put into the index of those that a person looks at.
_HOLD = _objects(_LEDGER, ("held/*", "failed/*"), "PutObject")


def _moderation(*actions: str) -> Statement:
    return Statement("Allow", tuple(f"yundun-greenweb:{action}" for action in actions), ("*",))


_TEXTS_CHECKED = _moderation("TextModerationPlus")
#: What is put into the bucket that moderation lends is put with the keys that it lends.
_PICTURES_CHECKED = _moderation("DescribeUploadToken", "ImageBatchModeration")

_TRIP_COMPLETED = (
    _objects(_LEDGER, ("trips/*", "dead-letters/*"), "GetObject", "PutObject"),
    _objects(_LEDGER, ("tombstones/*",), "GetObject"),
    *_JOURNEYS,
    _HOLD,
    _TEXTS_CHECKED,
    *_TAKEN_BACK,
    _DEAD_LETTERS,
    _LOG,
)

#: What each role may do, by its name, which is also that of its function.
STATEMENTS: Mapping[str, tuple[Statement, ...]] = {
    "tripcanvas-trip-completed": _TRIP_COMPLETED,
    "tripcanvas-backfill-trips": _TRIP_COMPLETED,
    "tripcanvas-relay-results": (_publish("${TRIPCANVAS_RESULT_TOPIC}"), _LOG),
    "tripcanvas-image-ready": (
        *_JOURNEYS,
        _HOLD,
        *_RENDERED,
        _PICTURES_CHECKED,
        *_PICTURES_STORED,
        *_TAKEN_BACK,
        _DEAD_LETTERS,
        _LOG,
    ),
    "tripcanvas-sweep-journeys": (
        _objects(_LEDGER, ("trips/*",), "GetObject"),
        *_JOURNEYS,
        _listing(_LEDGER, "open/*"),
        _HOLD,
        _TEXTS_CHECKED,
        *_RENDERED,
        _PICTURES_CHECKED,
        *_PICTURES_STORED,
        *_TAKEN_BACK,
        _publish("${TRIPCANVAS_RESULT_TOPIC}"),
        _LOG,
    ),
}


def _taken_from(queue: str) -> Statement:
    """What a worker does with its queue."""
    actions = ("ReceiveMessage", "BatchReceiveMessage", "ChangeMessageVisibility", "DeleteMessage")
    places = (f"acs:mns:{_ACCOUNT}:/queues/{queue}/messages",)
    return Statement("Allow", tuple(f"mns:{action}" for action in actions), places)


def _measured(queue: str) -> Statement:
    return Statement("Allow", ("mns:GetQueueAttributes",), (f"acs:mns:{_ACCOUNT}:/queues/{queue}",))


#: What each kind of worker may do, by the name of its role; the relay and the sweeper act as their functions do.
WORKERS: Mapping[str, tuple[Statement, ...]] = {
    f"tripcanvas-{kind}-worker": (*STATEMENTS[function], _taken_from(queue), _measured(queue))
    for kind, function, queue in (
        ("trips", "tripcanvas-trip-completed", "${TRIPCANVAS_TRIP_QUEUE}"),
        ("results", "tripcanvas-image-ready", "${TRIPCANVAS_RESULT_QUEUE}"),
    )
}
#: Where the workers' policies are, beside the functions'.
WORKERS_FOLDER = "workers"


def worker_documents() -> dict[str, bytes]:
    """The policy of every worker's role as it stands in its file, by the role's name."""
    return _documents(WORKERS)


def policy_documents() -> dict[str, bytes]:
    """The policy of every function's role as it stands in its file, by the role's name."""
    return _documents(STATEMENTS)


def _documents(table: Mapping[str, tuple[Statement, ...]]) -> dict[str, bytes]:
    return {
        role: msgspec.json.format(msgspec.json.encode(Policy("1", statements)), indent=2) + b"\n"
        for role, statements in table.items()
    }


def deployment_values(environment: Mapping[str, str]) -> dict[str, str]:
    """What the variables of the policies stand for in a deployment: its environment over the settings' defaults."""
    return {**Settings.defaults(), **{name: value for name, value in environment.items() if value}}


def policies(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = FOLDER,
    fill: Annotated[
        bool, typer.Option("--filled", help="With this environment's buckets and account, ready for RAM.")
    ] = False,
) -> None:
    """Write each function's RAM policy, generated from the calls that it makes."""
    if fill and out.resolve() == FOLDER.resolve():
        fail("--filled: name another folder with --out; deploy/policies holds the policies of every deployment")
    documents = policy_documents()
    workers = {f"{WORKERS_FOLDER}/{role}": document for role, document in worker_documents().items()}
    try:
        if fill:
            values = deployment_values(os.environ)
            if not values["TRIPCANVAS_TRIP_QUEUE"] or not values["TRIPCANVAS_RESULT_QUEUE"]:
                # A deployment of functions alone: no worker takes from any queue.
                workers = {}
            documents = {role: filled(document, values) for role, document in {**documents, **workers}.items()}
        else:
            documents |= workers
    except PolicyError as error:
        fail(str(error))
    for role, document in documents.items():
        file = out / f"{role}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(document)
        Console(highlight=False).print(str(file), soft_wrap=True)
