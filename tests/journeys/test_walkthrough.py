"""docs/walkthrough.md, run as it stands: from an empty account through live trips and a killed backfill to nothing.

`WALKTHROUGH_TRIPS` says how many trips the backfill sends, in place of the page's forty.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cli.cloud import services_of
from localcloud.state import Cloud
from tests.docs.session import run, steps_of
from tests.journeys.conftest import INSTANT

ROOT = Path(__file__).parents[2]
TRIPS = int(os.environ.get("WALKTHROUGH_TRIPS", "40"))
PAGES = [ROOT / "docs" / f"walkthrough{language}.md" for language in ("", ".zh-CN")]


def test_both_languages_have_the_same_commands():
    english, chinese = (steps_of(page.read_text("utf-8")) for page in PAGES)
    assert [replace(step, line=0) for step in english] == [replace(step, line=0) for step in chinese]


@pytest.fixture
def folder(tmp_path):
    """The project as a newcomer has it, in a folder of its own."""
    for name in ("examples", "benchmarks", "s.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    yield tmp_path
    home = tmp_path / "cloud"
    if home.exists():
        os.system(f"{Path(sys.executable).parent / 'tripcanvas'} down --root {home} > /dev/null")


def test_a_newcomer_follows_the_page_from_an_empty_account_to_none(folder):
    home = folder / "cloud"
    environment = {
        **os.environ,
        **INSTANT,
        "TRIPCANVAS_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    Cloud.open(home, free_ports=True, empty=True)
    counted = []
    for step in steps_of(PAGES[0].read_text("utf-8")):
        command = step.command.replace("benchmarks.trips 40", f"benchmarks.trips {TRIPS}")
        expected = tuple(line.replace("40 ", f"{TRIPS} ") for line in step.expected)
        run(replace(step, command=command, expected=expected), folder, environment, timeout_s=3600)
        if command.startswith("tripcanvas backfill") and "--dry-run" not in command:
            counted += services_of(Cloud.open(home)).ledger.bucket.keys("trips/", limit=100_000)
    # One claim for each trip of the file, and one for the live trip.
    assert len(counted) == len(set(counted)) == TRIPS + 1
