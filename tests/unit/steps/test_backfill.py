"""A backfill against a ledger: each trip once, whatever was there before and wherever a run ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import Event, Lock

import pytest

from cli.backfill.following import WAITING, look
from cli.backfill.journal import Journal, JournalFault, State, Watched
from cli.backfill.rows import Row
from cli.backfill.selection import Filters, Selection
from cli.backfill.sending import Limits, Sender
from shared.errors import Misconfigured, Refused, Unavailable
from shared.events import messages_of
from shared.intake import take_message
from shared.journey import journey_id, trip_key
from shared.ledger import TripClaim
from shared.records import Received
from shared.rejection import rejections_of
from shared.withdrawing import Withdrawal
from tests.unit.steps.deployment import Deployment, message, trip

QUICK = Limits(per_second=1000.0, per_day=0, concurrency=4, under_way=100)


@dataclass
class InProcess:
    """Function Compute in the test's process: each task id is taken once; `answers` are raised first, in order."""

    deployment: Deployment
    answers: list[Exception] = field(default_factory=list)
    tasks: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    taken: int = 0
    lost: bool = False
    on_invoke: object = None
    _lock: Lock = field(default_factory=Lock)

    def invoke(self, event: bytes, task: str) -> bool:
        with self._lock:
            if self.answers:
                raise self.answers.pop(0)
            if task in self.tasks:
                return False
            self.tasks[task] = event
            self.taken += 1
            [sent] = messages_of(event)
            take_message(sent, self.deployment.instance())
            if self.on_invoke:
                self.on_invoke()
            if self.lost:
                self.lost = False
                raise Unavailable("fc", "ConnectionFailed")
            return True

    def state(self, task: str) -> str:
        return self.states.get(task, "")


@pytest.fixture
def functions(deployment):
    return InProcess(deployment)


@pytest.fixture
def journal(tmp_path):
    found = Journal(tmp_path / "journal.sqlite")
    found.begin({"source": "a"}, deployment_time(), "run1")
    yield found
    found.close()


def deployment_time():
    from tests.unit.steps.deployment import START

    return START


def trips(count, **changes):
    return [trip(styles=["anime"], **changes) for _ in range(count)]


def rows(found):
    return [Row(f"a.jsonl:{n}", json.dumps(one, ensure_ascii=False).encode()) for n, one in enumerate(found, start=1)]


def send(
    deployment, functions, journal, found, *, limits=QUICK, publish=False, stop=None, until_note=False, wait=False
):
    services = deployment.instance()
    selection = Selection(Filters(), services.styles, services.now(), publish)
    stop = stop or Event()
    listen = (lambda tally: tally.note and stop.set()) if until_note else (lambda _: None)
    sender = Sender(journal, functions, services, limits, "run1", stop, listen)
    sender.send(iter(rows(found)), selection, wait_for_ends=wait)
    return sender.tally


def received(deployment, one):
    claim = deployment.instance().ledger.claim(trip_key(str(one["trip_id"])))
    assert isinstance(claim, TripClaim)
    [found] = claim.journeys.values()
    return found


def test_each_trip_is_sent_once_as_a_draft_and_as_a_backfill(deployment, functions, journal):
    found = trips(6)
    tally = send(deployment, functions, journal, found)
    assert (tally.sent, functions.taken) == (6, 6)
    for one in found:
        assert isinstance(received(deployment, one), Received)
        assert (received(deployment, one).source, received(deployment, one).publish) == ("backfill", False)


def test_with_publish_the_owners_consent_decides(deployment, functions, journal):
    agreed, private = trip(styles=["anime"]), trip(styles=["anime"], consent={"process": True, "publish": False})
    send(deployment, functions, journal, [agreed, private], publish=True)
    assert received(deployment, agreed).publish
    assert not received(deployment, private).publish


def test_running_it_twice_sends_nothing_again(deployment, functions, journal, tmp_path):
    found = trips(5)
    send(deployment, functions, journal, found)
    send(deployment, functions, journal, found)
    assert functions.taken == 5
    elsewhere = Journal(tmp_path / "other.sqlite")
    elsewhere.begin({"source": "a"}, deployment_time(), "run2")
    assert send(deployment, functions, elsewhere, found).known == 5
    assert functions.taken == 5
    assert elsewhere.states() == {"known": 5}
    elsewhere.close()


def test_trips_that_have_posts_are_left_alone_and_no_letter_is_written(deployment, functions, journal):
    live = trip(styles=["anime"])
    take_message(message(live), deployment.instance())
    # As an export has it: the same trip, told with other words.
    exported = {**live, "text": "又一次"}
    tally = send(deployment, functions, journal, [exported, *trips(2)])
    assert (tally.known, tally.sent) == (1, 2)
    assert (received(deployment, live).source, received(deployment, live).publish) == ("live", True)
    assert deployment.dead_letters() == []


def test_a_withdrawn_trip_does_not_come_back(deployment, functions, journal):
    gone = trip(styles=["anime"])
    Withdrawal(str(gone["trip_id"]), deployment.instance()).run([])
    assert send(deployment, functions, journal, [gone]).known == 1
    assert functions.taken == 0


@pytest.mark.parametrize("fault", [Unavailable("fc", "ResourceExhausted"), Unavailable("fc", "http_503")])
def test_throttling_slows_down_and_loses_nothing(deployment, functions, journal, fault):
    functions.answers = [fault, fault]
    tally = send(deployment, functions, journal, trips(4))
    assert functions.taken == 4
    assert tally.sent == 4
    assert tally.rate < QUICK.per_second


def test_an_answer_that_was_lost_is_found_out_and_nothing_is_doubled(deployment, functions, journal):
    functions.lost = True
    assert send(deployment, functions, journal, trips(3)).sent == 3
    assert functions.taken == 3
    assert journal.states() == {"sent": 3}


def test_without_permission_it_stops_at_once_and_goes_on_later(deployment, functions, journal):
    functions.answers = [Misconfigured("fc: AccessDenied; this access key needs fc:InvokeFunction on …")] * 4
    found = trips(12)
    with pytest.raises(Misconfigured, match="needs fc:InvokeFunction"):
        send(deployment, functions, journal, found)
    assert functions.taken < 4
    functions.answers = []
    assert send(deployment, functions, journal, found).sent == 12
    assert functions.taken == 12


def test_a_function_compute_that_never_answers_is_given_up(deployment, functions, journal):
    functions.answers = [Unavailable("fc", "ConnectionFailed")] * 100
    with pytest.raises(Unavailable):
        send(deployment, functions, journal, trips(20), limits=Limits(1000.0, 0, 8, 100))
    assert len(functions.answers) > 80
    assert set(journal.states()) == {"sending"}


def test_what_function_compute_does_not_take_is_told_and_the_others_go_on(deployment, functions, journal):
    functions.answers = [Refused("fc", "EntityTooLarge")]
    assert send(deployment, functions, journal, trips(4)).sent == 3
    assert journal.states() == {"refused": 1, "sent": 3}


def test_being_told_to_stop_ends_soon_and_the_next_run_does_the_rest(deployment, functions, journal):
    found, stop = trips(30), Event()
    functions.on_invoke = lambda: functions.taken >= 5 and stop.set()
    send(deployment, functions, journal, found, stop=stop)
    assert 5 <= functions.taken <= 5 + QUICK.concurrency
    assert journal.states() == {"sent": functions.taken}
    functions.on_invoke = None
    send(deployment, functions, journal, found)
    assert functions.taken == 30


def test_no_more_journeys_are_under_way_than_allowed(deployment, functions, journal):
    tally = send(deployment, functions, journal, trips(10), limits=Limits(1000.0, 0, 2, 4), until_note=True)
    assert tally.under_way == 4
    assert functions.taken == 4


def test_a_day_has_a_limit_over_several_runs(deployment, functions, journal):
    found = trips(8)
    for _ in range(2):
        send(deployment, functions, journal, found, limits=Limits(1000.0, 3, 1, 100), until_note=True)
        assert functions.taken == 3
    deployment.clock.advance(days=1)
    send(deployment, functions, journal, found, limits=Limits(1000.0, 100, 1, 100))
    assert functions.taken == 8


def test_a_disk_that_is_full_stops_it_before_more_is_sent(deployment, functions, journal):
    found = trips(60)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(JournalFault, match="run the same command again"):
        send(deployment, functions, journal, found)
    assert 0 < functions.taken < 60
    journal.close()
    again = Journal(journal.file)
    assert sum(again.states().values()) >= functions.taken
    send(deployment, functions, again, found)
    assert functions.taken == 60
    assert again.states() == {"sent": 60}
    again.close()


def test_a_trip_twice_in_the_source_is_sent_once(deployment, functions, journal):
    [one] = trips(1)
    assert send(deployment, functions, journal, [one, one]).sent == 1
    assert journal.states() == {"sent": 1, "repeated": 1}


def test_nothing_of_a_trip_is_in_the_journal(deployment, functions, journal):
    silent = trip(consent={"process": False, "publish": True})
    send(deployment, functions, journal, [*trips(2), silent, trip(distance_km=-1)])
    assert journal.states() == {"sent": 2, "no_consent": 1, "broken": 1}
    content = b"".join(file.read_bytes() for file in journal.file.parent.glob("journal*"))
    assert str(silent["trip_id"]).encode() not in content
    assert "杭州".encode() not in content


# What became of it.


def watched(one, deployment, task="b-t"):
    journey = journey_id(str(one["trip_id"]), "anime")
    key = trip_key(str(one["trip_id"]))
    return Watched(journey, "anime", rejections_of(str(one["trip_id"])), key, task, deployment.clock.at)


def sight(one, deployment, functions):
    seen = look(watched(one, deployment), deployment.instance(), functions, deployment.clock.at)
    return seen.step, seen.code, seen.ended


def later(one, deployment, functions):
    found = watched(one, deployment)
    deployment.clock.advance(minutes=5)
    seen = look(found, deployment.instance(), functions, deployment.clock.at)
    return seen.step, seen.code, seen.ended


def test_a_journey_is_followed_to_its_draft(deployment, functions, journal):
    found = trips(1)
    send(deployment, functions, journal, found)
    assert sight(found[0], deployment, functions) == ("submitted", "", False)
    [journey] = [watched_.journey for watched_ in journal.watched()]
    assert deployment.finish(journey).step == "published"
    assert sight(found[0], deployment, functions) == ("published", "draft", True)
    tally = send(deployment, functions, journal, found, wait=True)
    assert (tally.posts, tally.drafts, tally.under_way) == (1, 1, 0)


def test_a_later_run_looks_again_at_what_was_under_way_held_or_failed(deployment, functions, journal):
    found = trips(3)
    send(deployment, functions, journal, found)
    painted, held, waiting = (watched_.journey for watched_ in journal.watched())
    deployment.finish(painted)
    # A person has let it go on since the last look.
    journal.move(held, "held", "moderation", ended=True)
    deployment.finish(held)
    tally = send(deployment, functions, journal, found)
    assert (tally.posts, tally.held, tally.under_way) == (2, 0, 1)
    assert [watched_.journey for watched_ in journal.watched()] == [waiting]


def test_a_trip_that_no_function_has_taken_yet_waits(deployment, functions):
    [one] = trips(1)
    assert sight(one, deployment, functions) == (WAITING, "", False)
    assert later(one, deployment, functions) == (WAITING, "", False)


def test_a_task_that_function_compute_gave_up_is_a_dead_letter(deployment, functions):
    functions.states = {"b-t": "Failed"}
    assert later(trips(1)[0], deployment, functions) == ("dead_letter", "", True)


def test_a_trip_that_the_function_refuses_is_told_by_its_code(deployment, functions):
    [one] = trips(1)
    take_message(message({**one, "styles": ["cubism"]}), deployment.instance())
    assert later(one, deployment, functions) == ("rejected", "invalid", True)


def test_a_trip_that_is_withdrawn_before_it_begins_has_ended(deployment, functions):
    [one] = trips(1)
    Withdrawal(str(one["trip_id"]), deployment.instance()).run([])
    assert later(one, deployment, functions) == ("withdrawn", "", True)


def test_a_row_that_may_have_been_sent_counts_as_sent_by_this_backfill(deployment, functions, journal):
    found = trips(1)
    selection = Selection(Filters(), deployment.instance().styles, deployment.clock.at)
    choice = selection.choose(1, rows(found)[0])
    journal.intend(
        1, choice.place, trip=choice.trip, task="b", journeys=choice.journeys, rejections="", at=deployment.clock.at
    )
    take_message(messages_of(choice.event)[0], deployment.instance())
    deployment.clock.advance(hours=3)
    assert send(deployment, functions, journal, found).sent == 1
    assert journal.state(1) is State.SENT
    assert functions.taken == 0
