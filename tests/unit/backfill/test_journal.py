"""The journal of a backfill: bound to one source and one choice, whole after any end, and without content."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from cli.backfill.following import WAITING
from cli.backfill.journal import Journal, JournalFault, State
from shared.errors import InvalidInput

AT = datetime(2026, 11, 22, 8, tzinfo=timezone.utc)
IDENTITY = {"source": "/data/行程.csv", "content of the source": "ab" * 32, "filter": "none"}


@pytest.fixture
def journal(tmp_path):
    found = Journal(tmp_path / "state" / "journal.sqlite")
    found.begin(IDENTITY, AT, "run1")
    yield found
    found.close()


def intend(journal, number, trip="trip", **changes):
    given = {"trip": trip, "task": f"b-{trip}", "journeys": ((f"{trip}/a", "anime"),), "rejections": "r", "at": AT}
    return journal.intend(number, f"a.csv:{number}", **{**given, **changes})


def test_a_later_run_goes_on_under_the_first_ones_id(journal):
    journal.close()
    again = Journal(journal.file)
    assert again.begin(IDENTITY, AT + timedelta(days=1), "run2") == "run1"
    again.close()


@pytest.mark.parametrize("name", IDENTITY)
def test_another_source_or_choice_is_refused_by_its_name(journal, name):
    with pytest.raises(InvalidInput, match=f"--state: another folder: .* another {name} "):
        journal.begin({**IDENTITY, name: "其他"}, AT, "run2")


def test_what_was_intended_stays_so_until_its_outcome_is_known(journal):
    assert journal.state(1) is None
    assert intend(journal, 1)
    journal.close()
    again = Journal(journal.file)
    assert again.state(1) is State.SENDING
    assert again.watched() == []
    again.settle(1, State.SENT)
    [watched] = again.watched()
    assert (watched.journey, watched.task, watched.sent_at) == ("trip/a", "b-trip", AT)
    again.close()


def test_a_trip_that_stands_twice_in_the_source_is_sent_once(journal):
    assert intend(journal, 1)
    assert not intend(journal, 5)
    assert journal.state(5) is State.REPEATED
    # Being sent again after a crash is no repetition.
    assert intend(journal, 1)


def test_figures_count_what_was_sent_and_nothing_that_was_known_before(journal):
    for number, trip in enumerate("abcd", start=1):
        intend(journal, number, trip)
        journal.settle(number, State.KNOWN if trip == "d" else State.SENT)
    journal.note(9, "a.csv:9", State.BROKEN, reason="ended_at: required, but missing")
    journal.move("a/a", "published", "draft", ended=True)
    journal.move("b/a", "failed", "submission_refused", ended=True)
    journal.move("c/a", WAITING, "", ended=False)
    assert journal.states() == {"sent": 3, "known": 1, "broken": 1}
    assert sorted(journal.steps()) == [
        ("", "", False, 1), ("failed", "submission_refused", True, 1), ("published", "draft", True, 1),
    ]  # fmt: skip
    # A failed journey may have been sent on.
    assert [watched.journey for watched in journal.watched()] == ["b/a", "c/a"]
    assert [line.place for line in journal.told()][-1] == "a.csv:9"


def test_trips_of_a_day_are_counted_by_when_they_were_sent(journal):
    for number in range(1, 6):
        intend(journal, number, f"t{number}", at=AT + timedelta(hours=number))
    assert journal.sent_since(AT + timedelta(hours=4)) == 2


def test_a_full_disk_stops_before_anything_is_sent_and_leaves_the_journal_whole(journal):
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    intended = iter(range(1, 10_000))
    with pytest.raises(JournalFault, match="full; nothing is sent that can't be written down"):
        all(intend(journal, number, f"{number:064}") for number in intended)
    failed = next(intended) - 1
    journal.close()
    again = Journal(journal.file)
    assert again.states() == {"sending": failed - 1}
    assert intend(again, failed, "next")
    again.close()


def test_two_runs_of_one_state_folder_do_not_run_at_once(journal):
    with pytest.raises(JournalFault, match="another backfill with this --state is running"):
        Journal(journal.file).begin(IDENTITY, AT, "run2")


def test_a_file_that_is_no_journal_is_told(tmp_path):
    file = tmp_path / "journal.sqlite"
    file.write_bytes("不是日志".encode() * 100)
    with pytest.raises(JournalFault, match="not a journal"):
        Journal(file)
