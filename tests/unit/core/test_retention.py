"""The table of retention keeps what create-only records promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from localcloud.mns.model import TOPIC_RETENTION_S
from shared.retention import REDELIVERY_DAYS, retentions
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
DAY_S = 86_400
TABLE = retentions(Settings(render_prefix="comfy"))
DAYS = {each.prefix: each.days for each in TABLE}


def test_a_claim_outlives_every_way_in_which_its_trip_comes_back_by_itself():
    resources = yaml.safe_load((ROOT / "s.yaml").read_text("utf-8"))["resources"]
    asynchronous = resources["trip_completed"]["props"]["asyncInvokeConfig"]["maxAsyncEventAgeInSeconds"]
    queue_s = 604_800
    assert TOPIC_RETENTION_S + asynchronous + queue_s <= REDELIVERY_DAYS * DAY_S
    # A letter that is redriven and fails again lies in the queue anew.
    assert DAYS["trips/"] > 10 * REDELIVERY_DAYS


def test_a_claim_outlives_its_journeys_and_both_outlive_an_unfinished_journey():
    lifetime_days = Settings().number("lifetime_s") / DAY_S
    assert DAYS["trips/"] >= DAYS["journeys/"] + lifetime_days
    assert DAYS["journeys/"] > DAYS["open/"] > lifetime_days


def test_the_bytes_of_a_dead_letter_outlive_the_letter():
    assert DAYS["dead-letters/"] > 7


def test_what_a_run_reads_again_outlives_the_journeys_lifetime():
    assert DAYS["comfy/output/"] > Settings().number("lifetime_s") / DAY_S


def test_tombstones_and_standing_posts_do_not_end_by_age():
    assert (DAYS["tombstones/"], DAYS["posts/"]) == (None, None)


def test_every_prefix_that_the_code_writes_is_in_the_table():
    assert {each.prefix for each in TABLE if each.bucket == "ledger_bucket"} == {
        "open/", "held/", "failed/", "journeys/", "trips/", "dead-letters/", "probes/", "tombstones/"
    }  # fmt: skip
    assert len({each.rule_id for each in TABLE}) == len(TABLE)


@pytest.mark.parametrize("page", ["docs/withdrawal.md", "docs/withdrawal.zh-CN.md"])
def test_the_page_tells_the_same_periods(page):
    text = (ROOT / page).read_text("utf-8")
    for each in TABLE:
        [row] = [line for line in text.splitlines() if f"| `{each.prefix}` |" in line]
        assert (f" {each.days} " in row) == (each.days is not None), row
