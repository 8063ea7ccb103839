"""What an operator is told of a deployment, and of one journey, is what stands in its indices, queues and ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cli.history import journeys_for, lines_of, prospect_of
from cli.overview import look_over, problems
from cli.tail import Watch
from cli.times import in_words
from shared.errors import InvalidInput
from shared.intake import take_message
from shared.journey import task_id
from shared.sweep import sweep_journeys
from tests.unit.steps.deployment import failed, landscape, message, painted, trip

ALLOWANCE = timedelta(minutes=15)


def looked_over(deployment, services=None, **given):
    return look_over(services or deployment.instance(), hours=24, sleep=lambda _: None, **given)


def test_where_nothing_is_under_way_all_is_well(deployment):
    found = looked_over(deployment)
    assert (found.under_way, found.held, found.failed, found.dead_letters) == (0, 0, 0, 0)
    assert (found.queues.waiting, found.queues.unread) == (0, 0)
    assert problems(found) == []


def test_what_is_under_way_waits_and_failed_is_counted_by_its_reason(deployment):
    deployment.submitted()
    deployment.clock.advance(minutes=2)
    deployment.submitted()
    assert deployment.finish(deployment.submitted()).step == "published"
    assert deployment.take(trip(text="去看赌场的夜景")).step == "held"
    assert deployment.take(trip(text="后备箱里全是毒品")).step == "failed"
    take_message(message({"trip_id": "张三的旅程"}), deployment.instance())
    found = looked_over(deployment)
    assert [(total.step, total.journeys) for total in found.steps] == [("submitted", 2)]
    assert found.at - found.steps[0].oldest == timedelta(minutes=2)
    assert (found.under_way, found.overdue) == (2, 0)
    assert (found.held, found.held_codes) == (1, {"moderation": 1})
    assert (found.failed, found.failed_codes) == (1, {"moderation": 1})
    assert (found.dead_letters, found.dead_letter_codes) == (1, {"invalid": 1})
    assert problems(found) == []


def test_a_failure_of_long_ago_is_not_counted(deployment):
    assert deployment.take(trip(text="后备箱里全是毒品")).step == "failed"
    deployment.clock.advance(hours=25)
    assert looked_over(deployment).failed == 0


def test_looking_hides_no_dead_letter_from_others(deployment):
    take_message(message({"trip_id": "x"}), deployment.instance())
    for _ in range(2):
        assert looked_over(deployment).dead_letters == 1
    [letter] = deployment.instance().messages.receive(deployment.settings.dead_letter_queue)
    assert letter.receive_count == 1


def test_a_sweeper_that_does_not_run_is_seen_by_what_it_leaves(deployment):
    deployment.submitted()
    deployment.clock.advance(minutes=17)
    assert problems(looked_over(deployment)) == []
    deployment.clock.advance(minutes=3)
    [told] = problems(looked_over(deployment))
    assert told.startswith("1 journey waited too long for the sweeper")
    sweep_journeys(deployment.instance())
    assert problems(looked_over(deployment)) == []


def test_a_relay_that_does_not_run_is_seen_by_a_result_that_stays(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    deployment.gpu.answer(task_id(journey, 1), painted(journey).encode())
    waits = []
    found = look_over(deployment.instance(), hours=24, sleep=waits.append)
    assert waits[0] > 4
    assert found.queues.unread == 1
    [told] = problems(found)
    assert "does the relay run" in told


def test_a_result_that_is_read_meanwhile_is_no_problem(deployment):
    from shared.relay import relay_results

    journey = deployment.submitted()
    deployment.gpu.answer(task_id(journey, 1), painted(journey).encode())
    found = look_over(
        deployment.instance(),
        hours=24,
        sleep=lambda _: relay_results(deployment.instance(), seconds=10, until_empty=True),
    )
    assert problems(found) == []


def test_a_service_that_is_down_is_named_and_the_rest_is_told(deployment, outage):
    journey = deployment.submitted()
    outage("green")
    outage("eas")
    deployment.finish(journey)
    found = looked_over(deployment)
    assert found.queues is None
    assert found.troubles == {"green: ConnectionFailed": 1}
    assert [told.split(":")[0] for told in problems(found)] == [
        "queues can't be told",
        "1 journey met trouble that will be tried again",
    ]
    outage("oss")
    found = looked_over(deployment)
    assert (found.under_way, found.held, found.failed, found.dead_letters) == (None, None, None, 0)


def test_a_journey_is_found_by_every_id_of_it(deployment):
    made = trip()
    journey = deployment.take(made).journey
    services = deployment.instance()
    for text in (made["trip_id"], journey, task_id(journey, 1), f"https://gallery.example/posts/{journey}/feed-1.jpg"):
        assert [each.id for each in journeys_for(str(text), services)] == [journey]
    for text in ("T-404", "00000000-0000-5000-8000-000000000000", "张三"):
        with pytest.raises(InvalidInput, match="^id: "):
            journeys_for(text, services)


def test_a_history_tells_steps_times_and_requests_and_no_private_text(deployment):
    made = trip(text="和欧阳开心去看断桥残雪", emoji="出游")
    journey = deployment.take(made).journey
    deployment.clock.advance(seconds=90)
    deployment.deliver(journey, failed())
    deployment.finish(journey, attempt=2)
    read = deployment.read(journey)
    lines = lines_of(read)
    assert [line.step for line in lines] == [
        "received", "prompted", "submitting", "submitted", "render_failed", "submitting 2", "submitted 2",
        "rendered 2", "inspected 2", "stored", "published",
    ]  # fmt: skip
    assert [line.after_s for line in lines][:5] == [None, 0.0, 0.0, 0.0, 90.0]
    told = "\n".join(line.detail for line in lines)
    assert "request " in told
    prompted = read.records[1]
    for private in ("断桥残雪", "欧阳", prompted.brief.title, prompted.brief.painting_prompt):
        assert private not in told
    assert prospect_of(read, deployment.clock.at, ALLOWANCE) == "published 1 min 30 s after it was received"


def test_what_happens_next_is_told_for_every_kind_of_end(deployment):
    def prospect(journey):
        return prospect_of(deployment.read(journey), deployment.clock.at, ALLOWANCE)

    under_way = deployment.submitted()
    assert "looks after it in 30 min" in prospect(under_way)
    held = deployment.take(trip(text="去看赌场的夜景")).journey
    assert f"tripcanvas review show {held}" in prospect(held)
    deployment.clock.advance(hours=25)
    assert "due since" in prospect(under_way)
    sweep_journeys(deployment.instance())
    assert prospect(under_way).endswith("takes it up again after prompted")


def test_tail_tells_every_step_once_also_of_journeys_that_come_and_go_between_two_looks(deployment):
    services = deployment.instance()
    before = deployment.take(trip(text="后备箱里全是毒品")).journey
    watch = Watch(services.ledger, deployment.clock.at)
    assert list(watch.look()) == []
    deployment.clock.advance(seconds=1)
    journey = deployment.submitted()
    first = [(found, step) for _, found, step, _ in watch.look()]
    assert first == [(journey, step) for step in ("received", "prompted", "submitting", "submitted")]
    gone = deployment.take(trip(text="去看赌场的夜景")).journey
    deployment.finish(journey, picture=landscape())
    told = [(found, step) for _, found, step, _ in watch.look()]
    assert (journey, "published") in told
    assert (gone, "held") in told
    assert before not in {found for found, _ in told}
    assert [list(watch.look()) for _ in range(7)] == [[]] * 7


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.34, "0.3 s"),
        (-5, "0.0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (842, "14 min 2 s"),
        (3600, "1 h"),
        (187200, "2 d 4 h"),
    ],
)
def test_a_length_of_time_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words
