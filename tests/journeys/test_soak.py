"""What the soak (`make soak`, ``python -m benchmarks.soak``) counts by: it must see what is lost, doubled or left over."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from benchmarks.accounting import account_for
from benchmarks.driving import Driver, Trip
from benchmarks.trips import a_trip, encoded
from tests.journeys.conftest import INSTANT, SHORT, a_world

ROOT = Path(__file__).parents[2]
QUIET_S = 90.0


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    yield from a_world(tmp_path_factory.mktemp("soak"), {**SHORT, **INSTANT})


@pytest.fixture(scope="module")
def sent(world):
    """Three trips, a faulty one among them, that have all come to their ends."""
    driver = Driver(world.cloud)
    driver.wait_for_triggers()
    trips = [
        Trip(encoded(a_trip(0, styles=["anime"]))),
        Trip(encoded(a_trip(1, styles=["ink_wash", "woodblock"])), backfill=True),
        Trip(encoded(a_trip(2, distance_km=-1)), rejected=True),
    ]
    driver.deliver_all(list(trips), 10, until=time.monotonic() + QUIET_S)
    assert driver.wait_until_quiet(time.monotonic() + QUIET_S)
    return driver, trips


def faults(world, sent):
    driver, trips = sent
    return account_for(world.cloud, driver, trips).faults


def test_nothing_is_wrong_with_trips_that_came_to_their_ends(world, sent):
    account = account_for(world.cloud, *sent)
    assert account.faults == []
    assert account.ends == {"published": 3, "rejected invalid": 1}
    assert (account.posts, account.doubled, account.lost, account.renders) == (3, 0, 0, 3)
    assert account.letters == {"invalid": 1}


def test_a_trip_that_never_arrived_is_lost(world, sent):
    driver, trips = sent
    unheard = Trip(encoded(a_trip(3, styles=["anime"])), sent_at=1.0)
    account = account_for(world.cloud, driver, [*trips, unheard])
    assert account.lost == 1
    assert len(account.faults) == 1


def test_a_post_of_a_trip_that_nobody_sent_is_found(world, sent):
    driver, trips = sent
    [fault] = account_for(world.cloud, driver, trips[1:]).faults[:1]
    assert "never sent" in fault


def test_a_picture_too_many_is_found(world, sent):
    world.services.gallery.put("posts/00/stray.jpg", b"?", "image/jpeg")
    try:
        assert faults(world, sent) == ["the gallery has posts/00/stray.jpg, which no journey names"]
    finally:
        world.services.gallery.delete("posts/00/stray.jpg")


def test_a_marker_left_behind_is_found(world, sent):
    driver, _ = sent
    # Due so late that no sweep of this test's time takes it away.
    marker = "open/2999-01-01T00:00Z/00000000-0000-0000-0000-000000000000"
    driver.ledger_bucket.put(marker, b"", "text/plain")
    try:
        assert faults(world, sent) == [f"the marker {marker} was left behind"]
    finally:
        driver.ledger_bucket.delete(marker)


def test_a_post_that_is_gone_is_found(world, sent):
    store = sqlite3.connect(world.cloud.folder("feed") / "feed.sqlite", timeout=10)
    with store:
        [number] = store.execute("SELECT MIN(number) FROM posts").fetchone()
        store.execute("UPDATE posts SET visibility = 'draft', content = NULL WHERE number = ?", (number,))
    store.close()
    [fault] = faults(world, sent)
    assert "the feed has no post of it" in fault
