"""How fast a backfill sends, slows down and gives up; and what it is estimated to cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from cli.backfill.estimate import Painting, estimate, spoken
from cli.backfill.pacing import GIVE_UP_AFTER, SLOWEST, DayLimit, Pace
from shared.prices import cost_of_a_post, load_prices
from shared.settings import Settings


def sent_in(pace, seconds, *, start=0.0):
    """How many calls a pace lets through, all of them taken."""
    now, count = start, 0
    while (now := now + pace.wait_s(now)) < start + seconds:
        pace.sent(now)
        pace.taken()
        count += 1
    return count


def test_no_more_is_sent_than_asked_for_a_second():
    assert sent_in(Pace(5.0), 10) in (50, 51)


def test_time_without_work_is_not_made_up_for():
    pace = Pace(5.0)
    sent_in(pace, 1)
    assert sent_in(pace, 10, start=1000) in (50, 51)


def test_throttling_halves_the_rate_and_success_brings_it_back_slowly():
    pace = Pace(8.0)
    pace.taken()
    pace.refused(0.0)
    assert pace.rate == 4.0
    pace.refused(0.0)
    assert pace.rate == 2.0
    for _ in range(10):
        pace.taken()
    assert pace.rate == pytest.approx(3.6)
    for _ in range(1000):
        pace.taken()
    assert pace.rate == 8.0


def test_pauses_grow_and_end_at_a_minute():
    pace = Pace(100.0)
    pauses = []
    for number in range(10):
        pace.refused(number * 1000.0)
        pauses.append(pace.wait_s(number * 1000.0))
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert pauses[-1] == 60.0
    assert pace.rate == SLOWEST


def test_a_service_that_never_answered_is_given_up_soon_and_one_that_did_late():
    pace = Pace(1.0)
    for _ in range(4):
        assert not pace.is_hopeless(0.0)
        pace.refused(0.0)
    assert pace.is_hopeless(0.0)
    pace.taken()
    for second in range(10):
        pace.refused(float(second))
    assert not pace.is_hopeless(GIVE_UP_AFTER.total_seconds())
    assert pace.is_hopeless(GIVE_UP_AFTER.total_seconds() + 1)


def test_a_day_ends_at_midnight_of_this_machine():
    china = timezone(timedelta(hours=8))
    evening = datetime(2026, 11, 22, 23, 59, tzinfo=china)
    limit = DayLimit(10, 9, DayLimit.midnight(evening))
    assert not limit.reached(evening)
    limit.sent += 1
    assert limit.reached(evening)
    assert not limit.reached(evening + timedelta(minutes=2))
    assert limit.sent == 0
    assert not DayLimit(0, 10**6, DayLimit.midnight(evening)).reached(evening)


def test_the_slowest_rate_decides_how_long_it_takes():
    painting = Painting(render_s=30, instances=4)
    common = {"lifetime_s": 86400.0, "cny_per_post": 0.25}
    by_painting = estimate(1000, 1200, per_second=5.0, per_day=0, painting=painting, **common)
    assert by_painting.seconds == 9000
    assert by_painting.bound_by == "painting: 4 instances, 30 s a picture"
    assert by_painting.cny == pytest.approx(300.0)
    assert by_painting.most_under_way == 11520
    by_day = estimate(1000, 1000, per_second=5.0, per_day=400, painting=painting, **common)
    assert (by_day.seconds, by_day.bound_by) == (2 * 86400, "--per-day")
    assert estimate(1000, 1000, per_second=0.01, per_day=0, painting=painting, **common).bound_by == "--per-second"


def test_a_post_is_priced_by_the_table_and_what_has_no_price_is_named():
    settings = Settings()
    prices = load_prices(settings)
    found = cost_of_a_post(prices, settings)
    tokens = (720 * 2.9 + 230 * 11.5 + 1300 * 2.9 + 60 * 11.5) / 1e6
    assert found.cny == pytest.approx(tokens + 0.14 + 20 * 9.0 / 3600 + 4 * 0.0015, abs=1e-6)
    assert found.unpriced == ()
    assert cost_of_a_post(prices, replace(settings, image_model="wan-of-tomorrow")).unpriced == ("wan-of-tomorrow",)


def test_nothing_takes_no_time_and_costs_nothing():
    painting = Painting(render_s=30, instances=4)
    found = estimate(0, 0, per_second=5.0, per_day=10, painting=painting, lifetime_s=86400.0, cny_per_post=0.3)
    assert (found.seconds, found.cny) == (0.0, 0.0)


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (720, "12 min"), (12_600, "3.5 h"), (259_200, "3.0 days")])
def test_durations_for_people(seconds, said):
    assert spoken(seconds) == said
