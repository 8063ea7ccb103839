"""The costs are arithmetic on the settings, and the documentation shows what the command prints."""

from __future__ import annotations

import pytest

from cli.eas.commands import costs_as_markdown
from cli.eas.costs import backlogs, choices
from cli.eas.settings import FOLDER


def test_an_instance_that_always_runs_costs_all_hours_and_nobody_waits(settings):
    (choice,) = [each for each in choices(settings) if (each.resource, each.min) == ("gu30", 1)]
    assert choice.month_cny == pytest.approx(24 * 30 * 8.0)
    assert choice.night_cny == pytest.approx(10 * 8.0)
    assert choice.first_trip_waits_s == 30


def test_an_instance_that_goes_costs_its_hours_and_a_grace_and_the_first_trip_waits(settings):
    (choice,) = [each for each in choices(settings) if (each.resource, each.min) == ("gu30", 0)]
    assert choice.month_cny == pytest.approx((14 + 600 / 3600) * 30 * 8.0)
    assert choice.night_cny == pytest.approx(8.0 / 6)
    assert choice.first_trip_waits_s == 450
    assert choice.picture_cny == pytest.approx(choice.month_cny / 12000)


def test_more_work_than_one_instance_can_do_is_paid_for(changed):
    settings = changed("trips_per_day = 400", "trips_per_day = 4800")
    (choice,) = [each for each in choices(settings) if (each.resource, each.min) == ("gu30", 1)]
    assert choice.month_cny == pytest.approx(4800 * 30 / 3600 * 30 * 8.0)


def test_a_longer_backlog_waits_longer_and_needs_fewer_instances(settings):
    rows = backlogs(settings, burst=40)
    assert [row.waits_s for row in rows] == [30, 60, 150, 300, 600]
    assert [row.burst_instances for row in rows] == [4, 4, 4, 4, 2]


def test_the_documentation_shows_what_the_command_prints(settings):
    assert costs_as_markdown(settings) in (FOLDER / "README.md").read_text("utf-8")
