"""Which rows are sent: valid trips with consent that pass the filters; and what the function is given of them."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone

import pytest

from benchmarks.trips import a_trip
from cli.backfill.rows import Row
from cli.backfill.selection import Filters, Kind, Selection
from shared.errors import InvalidInput
from shared.events import messages_of
from shared.journey import journey_id, trip_key
from shared.styles import load_styles
from shared.trips import content_hash, parse_trip
from shared.workflows import FOLDER

STYLES = load_styles(FOLDER / "styles")
NOW = datetime(2026, 11, 22, 8, tzinfo=timezone.utc)
TRIP = {
    **a_trip(0, "T-1"),
    "started_at": "2026-05-02T22:38:00+08:00",
    "ended_at": "2026-05-05T00:57:00+08:00",
    "styles": ["watercolour"],
}


def choose(trip=TRIP, *, publish=False, flat=False, **filters):
    message = trip if isinstance(trip, bytes) else json.dumps(trip, ensure_ascii=False).encode()
    row = Row("行程.csv:7", message, flat=flat)
    return Selection(Filters(**filters), STYLES, NOW, publish).choose(7, row)


def test_a_chosen_trip_knows_what_it_will_open():
    choice = choose()
    assert (choice.kind, choice.trip) == (Kind.CHOSEN, trip_key("T-1"))
    assert choice.journeys == ((journey_id("T-1", "watercolour"), "watercolour"),)


def test_what_is_sent_is_the_same_trip_without_fields_that_nobody_asked_for():
    choice = choose({**TRIP, "plate": "沪A12345"})
    [message] = messages_of(choice.event)
    assert content_hash(parse_trip(message.body)) == content_hash(parse_trip(json.dumps(TRIP).encode()))
    assert "沪A12345".encode() not in choice.event


@pytest.mark.parametrize(("publish", "draft"), [(False, True), (True, False)])
def test_posts_are_drafts_unless_told_otherwise(publish, draft):
    [message] = messages_of(choose(publish=publish).event)
    assert (message.draft, message.direct) == (draft, True)


def test_of_a_trip_without_consent_nothing_but_the_hash_of_its_id_is_left():
    choice = choose({**TRIP, "consent": {"process": False, "publish": True}, "text": "只是路过"})
    assert choice.kind is Kind.NO_CONSENT
    assert (choice.trip, choice.reason, choice.journeys, choice.event) == (trip_key("T-1"), "", (), b"")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"distance_km": -3}, "distance_km: Expected `float` >= 0.0"),
        ({"consent": {"process": True}}, "consent.publish: required, but missing"),
        ({"styles": ["cubism"]}, "styles[0]: one of "),
        ({"ended_at": "2027-01-01T00:00:00+08:00", "started_at": "2026-12-31T00:00:00+08:00"}, "ended_at: a time that"),
        ({"started_at": "2026-05-02 22:38"}, "started_at: "),
    ],
)
def test_a_broken_trip_is_named_by_its_field(changes, said):
    choice = choose({**TRIP, **changes})
    assert choice.kind is Kind.BROKEN
    assert choice.reason.startswith(said)


def test_of_a_flat_row_the_column_is_named():
    choice = choose({**TRIP, "consent": {"process": True}}, flat=True)
    assert choice.reason == "consent_publish: required, but missing"


@pytest.mark.parametrize("message", [b"", "你好".encode(), b"[]", b"\xff\xfe", b'{"trip_id": "\\ud800"}', b"[" * 5000])
def test_what_is_no_trip_at_all_is_broken(message):
    assert choose(message).kind is Kind.BROKEN


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        # By the calendar of the place: in UTC it ended on the day before.
        ({"first": date(2026, 5, 5)}, True),
        ({"first": date(2026, 5, 6)}, False),
        ({"last": date(2026, 5, 5)}, True),
        ({"last": date(2026, 5, 4)}, False),
        ({"cities": ("上海",)}, True),
        ({"cities": ("Shanghai",)}, True),
        ({"cities": ("湖州市", "拉萨市")}, True),
        ({"cities": ("拉萨",)}, False),
        ({"models": ("gen1",)}, True),
        ({"models": ("suv",)}, False),
        ({"styles": ("watercolour",)}, True),
        ({"styles": ("ink_wash",)}, False),
        ({"cities": ("上海",), "models": ("suv",)}, False),
    ],
)
def test_filters_pass_a_trip_or_not(filters, passes):
    assert choose(**filters).kind is (Kind.CHOSEN if passes else Kind.FILTERED)


def test_a_style_chosen_by_rule_counts_for_the_filter_too():
    free = {**TRIP, "styles": []}
    [(_, style)] = choose(free).journeys
    assert choose(free, styles=(style,)).kind is Kind.CHOSEN
    assert choose(free, styles=tuple(set(STYLES) - {style})).kind is Kind.FILTERED


def test_a_style_that_does_not_exist_is_told_before_anything_is_read():
    with pytest.raises(InvalidInput, match="--style: one of anime"):
        choose(styles=("cubism",))


def test_a_span_of_days_that_ends_before_it_begins_is_told():
    with pytest.raises(InvalidInput, match="--to: a day not before 2026-05-05"):
        Filters(date(2026, 5, 5), date(2026, 5, 4))
