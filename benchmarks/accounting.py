"""What became of every trip of a soak, as the services tell it: the feed, the ledger, the buckets and the queues.

No word of the functions counts. A journey is accounted for when it ended, and what stands in the services is what its
end says: one post and its stored pictures for a published one; no post for any other.
"""

from __future__ import annotations

import hashlib
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.driving import Driver, Trip, posts_of
from cli.journeys import journeys_of
from shared.records import (
    Failed,
    Held,
    Inspected,
    Published,
    Rejected,
    Stored,
)

if TYPE_CHECKING:
    from localcloud.state import Cloud
    from shared.journey import Journey

#: So many pictures are read back and held against the ledger's hash; of all of them the keys are compared.
_READ_BACK = 60


@dataclass
class Account:
    """The figures of a soak, and under `faults` every single thing that is not as it must be."""

    trips: int = 0
    deliveries: int = 0
    journeys: int = 0
    posts: int = 0
    doubled: int = 0
    lost: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    renders: int = 0
    letters: Counter[str] = field(default_factory=Counter)
    redriven: int = 0
    wall_s: float = 0.0
    to_post_s: list[float] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    outages: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def account_for(cloud: Cloud, driver: Driver, trips: list[Trip]) -> Account:
    """Ask the services what stands in them, and hold it against what was sent."""
    account = Account(trips=len(trips))
    rows = posts_of(cloud)
    posts = {journey: (post, at) for journey, post, at in rows}
    account.posts, account.doubled = len(rows), len(rows) - len(posts)
    if account.doubled:
        account.faults.append(f"{account.doubled} posts are second posts of a journey")
    letters = driver.dead_letters()
    account.letters.update("function failed" if "requestContext" in found else found["code"] for found in letters)
    lettered = {found["journey"] for found in letters if "journey" in found}
    stored: dict[str, str] = {}
    marked: set[str] = set()
    expected: dict[str, Trip] = {}
    for trip in trips:
        if not trip.sent_at:
            account.faults.append("a trip was not sent in time")
        expected |= dict.fromkeys(journeys_of(trip.body, driver.services), trip)
    account.journeys = len(expected)
    for journey_id, trip in expected.items():
        journey = driver.services.ledger.read(journey_id)
        _judge(account, journey, trip, posts, journey_id in lettered)
        if found := journey.find(Stored):
            stored.update((file.key, file.sha256) for file in (found.master, *found.variants))
        for inspected in (record for record in journey.records if isinstance(record, Inspected)):
            account.missed.update(metric.name for metric in inspected.metrics if not metric.passed)
            marked |= {inspected.overlay} - {""}
    for journey_id in posts.keys() - expected.keys():
        account.faults.append(f"a post of journey {journey_id}, which was never sent")
    _check_gallery(account, driver, stored, marked)
    _check_leftovers(account, driver)
    account.renders = driver.renders_ordered()
    return account


def _judge(
    account: Account, journey: Journey, trip: Trip, posts: dict[str, tuple[str, float]], has_letter: bool
) -> None:
    post = posts.get(journey.id)
    published = journey.find(Published)
    last = journey.records[-1] if journey.records else None
    named = last.code if isinstance(last, (Failed, Held, Rejected)) else ""
    account.ends[f"{journey.step.value if journey.step else 'nothing'}{' ' + named if named else ''}"] += 1
    account.attempts[journey.attempt] += 1
    if not journey.finished:
        account.lost += 1
        why = journey.troubles[-1].reason if journey.troubles else "nothing noted"
        account.faults.append(f"{journey.id} stands at {journey.step and journey.step.value}: {why}")
    elif published is not None:
        if post is None:
            account.faults.append(f"{journey.id} is published on the ledger, and the feed has no post of it")
        elif post[0] != published.post_id:
            account.faults.append(f"{journey.id} names post {published.post_id}, the feed has {post[0]}")
        else:
            account.to_post_s.append(post[1] - trip.sent_at)
        if has_letter:
            account.faults.append(f"{journey.id} is published and has a dead letter too")
    elif post is not None:
        account.faults.append(f"{journey.id} ended as {journey.step and journey.step.value}, and yet has a post")
    if trip.rejected != isinstance(last, Rejected):
        account.faults.append(f"{journey.id} should{' not' * (not trip.rejected)} have been rejected")
    if trip.rejected and not has_letter:
        account.faults.append(f"{journey.id} was rejected without a dead letter")


def _check_gallery(account: Account, driver: Driver, stored: dict[str, str], marked: set[str]) -> None:
    """The files of every stored picture stand there; of the marked pictures of failed inspections any may."""
    gallery = driver.services.gallery
    found = set(gallery.keys("", limit=1_000_000))
    account.faults += [f"the gallery lacks {key}" for key in sorted(stored.keys() - found)]
    account.faults += [
        f"the gallery has {key}, which no journey names" for key in sorted(found - stored.keys() - marked)
    ]
    here = sorted(stored.keys() & found)
    for key in random.Random(0).sample(here, min(_READ_BACK, len(here))):
        body = gallery.get(key, max_bytes=1 << 26)
        if hashlib.sha256(body).hexdigest() != stored[key]:
            account.faults.append(f"{key} is not what the ledger says was stored")


def _check_leftovers(account: Account, driver: Driver) -> None:
    markers = list(driver.ledger_bucket.keys("open/", limit=1_000_000))
    account.faults += [f"the marker {key} was left behind" for key in markers]
    account.faults += [f"{name} still holds {length}" for name, length in driver.queue_lengths().items() if length]


def tell(account: Account) -> str:
    """The figures as lines of text."""
    posted = sum(count for end, count in account.ends.items() if end == "published")
    extra = account.renders - sum(1 for _ in account.to_post_s)
    lines = [
        ("trips in", f"{account.trips}, delivered {account.deliveries} times; {account.journeys} journeys"),
        ("posts", f"{account.posts} in the feed, {posted} published on the ledger"),
        ("duplicate posts", str(account.doubled)),
        ("lost", str(account.lost)),
        ("ends", _counts(account.ends)),
        ("renders", f"{account.renders} ordered, {extra} more than posts"),
        ("journeys by attempts", _counts(account.attempts)),
        ("inspections missed by", _counts(account.missed)),
        ("dead letters", _counts(account.letters)),
        ("failed invocations", f"{account.redriven} given in again"),
        ("faults struck", _counts(account.struck)),
        ("services killed", _counts(account.outages)),
        ("wall time", f"{account.wall_s:.0f} s, {account.trips / max(account.wall_s, 1e-9):.2f} trips a second"),
        ("event to post", _latency(account.to_post_s)),
        ("not as it must be", str(len(account.faults))),
    ]
    return "\n".join(f"{name:22} {value}" for name, value in lines)


def _counts(counts: Counter[int] | Counter[str]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items())) or "none"


def _latency(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "no posts to tell from"
    return f"p50 {statistics.median(seconds):.1f} s, p95 {statistics.quantiles(seconds, n=20)[-1]:.1f} s"
