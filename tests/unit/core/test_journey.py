"""The journey's table: what may follow what, however the records arrive."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.facts import TripFacts
from shared.journey import (
    BY_ATTEMPT,
    ENDS,
    FOLLOWS,
    MAX_RENDERS,
    MAX_TROUBLES,
    TAKING_OVER,
    IllegalStep,
    Journey,
    due_at,
    journey_id,
    parse_task_id,
    seed_of,
    task_id,
)
from shared.prompts import Brief
from shared.records import (
    Approved,
    Cancelled,
    Failed,
    Held,
    Inspected,
    Metric,
    Prompted,
    Published,
    Received,
    Record,
    Redriven,
    Rejected,
    Rendered,
    RenderFailed,
    Step,
    Stored,
    StoredObject,
    Submitted,
    Submitting,
    Trouble,
    Withdrawn,
    step_of,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=timezone.utc)
FACTS = TripFacts(
    language="zh", cities=("上海市",), season="spring", part_of_day="dusk", holiday="May Day", weather=("sunny",),
    mood_tag="出游", words="", mood=("joyful",), distance_band="500 to 1000 km", days=4, head_count=3, car_model="gen1",
    car_color="black",
)  # fmt: skip
BRIEF = Brief("p" * 50, "", "标题", "说明", ("一", "二", "三"), "替代文字")
FILE = StoredObject("k", "image/png", 768, 960, 1, "0")


def record(step, attempt=1, place=Step.RECEIVED):
    at, n = NOW, attempt
    return {
        Step.RECEIVED: lambda: Received(
            at=at, trip="t", content_hash="h", style="ink_wash", source="live", facts=FACTS, publish=True, show_cities=False,
            trip_date="2024-05-05", distance_km=645,
        ),
        Step.PROMPTED: lambda: Prompted(at=at, brief=BRIEF, written_by="template"),
        Step.SUBMITTING: lambda: Submitting(at=at, attempt=n, task_id="t", workflow="w", graph_sha256="0", seed=1),
        Step.SUBMITTED: lambda: Submitted(at=at, attempt=n, index=1, request_id="r", deadline=at + timedelta(minutes=9)),
        Step.RENDERED: lambda: Rendered(at=at, attempt=n, files=("a.png",)),
        Step.RENDER_FAILED: lambda: RenderFailed(at=at, attempt=n, code="c", reason="r", retry=True),
        Step.INSPECTED: lambda: Inspected(at=at, attempt=n, metrics=(), verdict="pass"),
        Step.STORED: lambda: Stored(at=at, master=FILE, variants=(FILE,), label="l"),
        Step.PUBLISHED: lambda: Published(at=at, post_id="p", post_url="u", visibility="public"),
        Step.HELD: lambda: Held(at=at, code="c", reason="r"),
        Step.REJECTED: lambda: Rejected(at=at, code="c", reason="r", sha256="0", size_bytes=1),
        Step.FAILED: lambda: Failed(at=at, code="c", reason="r"),
        Step.CANCELLED: lambda: Cancelled(at=at),
        Step.WITHDRAWN: lambda: Withdrawn(at=at, attempt=n),
        Step.APPROVED: lambda: Approved(at=at, by="李雷"),
        Step.REDRIVEN: lambda: Redriven(at=at, attempt=n, by="李雷", place=place, was="c"),
    }[step]()  # fmt: skip


HAPPY = (
    Step.RECEIVED, Step.PROMPTED, Step.SUBMITTING, Step.SUBMITTED, Step.RENDERED, Step.INSPECTED, Step.STORED,
    Step.PUBLISHED,
)  # fmt: skip


def walk(*steps):
    journey = Journey("j")
    for step in steps:
        attempt = journey.attempt + (step is Step.SUBMITTING)
        journey = journey.followed_by(record(step, attempt if step in BY_ATTEMPT else 0))
    return journey


def test_the_straight_path_is_legal_and_ends():
    journey = walk(*HAPPY)
    assert journey.step is Step.PUBLISHED
    assert journey.finished


def test_every_step_is_in_the_table_and_can_be_reached():
    assert set(FOLLOWS) == {None, *Step}
    assert set().union(*FOLLOWS.values()) == set(Step) - {Step.WITHDRAWN}


def test_after_an_end_nothing_follows():
    assert {Step.PUBLISHED, Step.REJECTED, Step.FAILED, Step.CANCELLED, Step.WITHDRAWN} == ENDS
    journey = walk(*HAPPY)
    for step in Step:
        with pytest.raises(IllegalStep):
            journey.followed_by(record(step))


@given(end=st.sampled_from([*HAPPY, None]))
def test_a_withdrawn_journey_tells_nothing_but_that_and_is_over(end):
    journey = walk(*HAPPY[: HAPPY.index(end) + 1]) if end else Journey(walk(*HAPPY).id)
    withdrawn = journey.withdrawn(NOW)
    assert withdrawn.records == (Withdrawn(at=NOW, attempt=journey.attempt),)
    assert withdrawn.troubles == ()
    assert (withdrawn.entries, withdrawn.unwritten, withdrawn.finished) == (journey.entries, True, True)
    assert withdrawn.withdrawn(NOW + timedelta(days=1)) is withdrawn


def test_a_failed_render_is_followed_by_the_next_attempt_until_they_are_used_up():
    journey = walk(Step.RECEIVED, Step.PROMPTED)
    for attempt in range(1, MAX_RENDERS + 1):
        journey = journey.followed_by(record(Step.SUBMITTING, attempt))
        journey = journey.followed_by(record(Step.SUBMITTED, attempt))
        journey = journey.followed_by(record(Step.RENDER_FAILED, attempt))
    with pytest.raises(IllegalStep, match="submitting 4 may not follow render_failed, attempt 3"):
        journey.followed_by(record(Step.SUBMITTING, MAX_RENDERS + 1))
    assert journey.followed_by(record(Step.FAILED)).finished


def test_attempts_that_a_busy_service_refused_are_not_counted():
    journey = walk(Step.RECEIVED, Step.PROMPTED)
    for attempt in range(1, 3 * MAX_RENDERS):
        journey = journey.followed_by(record(Step.SUBMITTING, attempt))
        refused = RenderFailed(at=NOW, attempt=attempt, code="busy", reason="r", retry=True, busy=True)
        journey = journey.followed_by(refused)
        assert journey.may_render_again


def test_a_result_of_another_attempt_is_illegal():
    journey = walk(Step.RECEIVED, Step.PROMPTED, Step.SUBMITTING, Step.SUBMITTED)
    with pytest.raises(IllegalStep, match="rendered 2 may not follow submitted, attempt 1"):
        journey.followed_by(record(Step.RENDERED, 2))


def test_a_result_may_come_while_the_submission_is_still_unknown():
    assert walk(Step.RECEIVED, Step.PROMPTED, Step.SUBMITTING, Step.RENDERED).step is Step.RENDERED


@given(st.lists(st.sampled_from(list(Step)), max_size=25))
def test_whatever_is_tried_only_legal_steps_are_taken(steps):
    journey = Journey("j")
    for step in steps:
        attempt = journey.attempt + (step is Step.SUBMITTING)
        before = journey
        made = record(step, attempt if step in BY_ATTEMPT or step is Step.REDRIVEN else 0)
        try:
            journey = journey.followed_by(made)
        except IllegalStep:
            # An approval and a redrive are followed by what may follow the place that they go on from.
            follows = FOLLOWS[before.step] & FOLLOWS[before.place]
            assert step not in follows or (step is Step.SUBMITTING and not before.may_render_again)
            continue
        assert journey.step is step
        assert journey.unwritten
    redriven = sum(isinstance(each, Redriven) for each in journey.records)
    assert journey.attempt <= MAX_RENDERS * (redriven + 1)


@pytest.mark.parametrize("step", list(Step))
def test_every_record_comes_back_from_json_as_it_was(step):
    written = record(step)
    read = msgspec.json.decode(msgspec.json.encode(written), type=Record)
    assert read == written
    assert step_of(read) is step


def trouble(at=NOW, during="submitting"):
    return Trouble(at=at, during=during, service="eas", code="503", reason="eas: 503")


def test_troubles_move_nothing_and_only_the_newest_are_remembered():
    journey = walk(Step.RECEIVED)
    for minute in range(MAX_TROUBLES + 5):
        journey = journey.troubled_by(trouble(NOW + timedelta(minutes=minute)))
    assert journey.step is Step.RECEIVED
    assert [noted.at.minute for noted in journey.troubles] == list(range(5, MAX_TROUBLES + 5))


@pytest.mark.parametrize("step", [step for step in Step if step not in ENDS])
def test_a_person_may_take_back_a_journey_at_any_step_that_is_no_end(step):
    assert Step.CANCELLED in FOLLOWS[step]


def test_ids_are_the_same_for_ever_and_tell_nothing():
    journey = journey_id("T20240505-000123", "watercolour")
    assert journey == "55da66f4-c011-5970-9fa1-f144dfe8182a"
    assert journey == journey_id("T20240505-000123", "watercolour")
    assert journey != journey_id("T20240505-000123", "ink_wash")
    assert parse_task_id(task_id(journey, 2)) == (journey, 2)


@pytest.mark.parametrize(
    "task", ["", "x", "x-1", "4ab4b0a8-cdb2-5aad-b671-f12f9e7f2a3c", "4ab4b0a8-cdb2-5aad-b671-f12f9e7f2a3c-x"]
)
def test_what_is_no_task_id_is_refused(task):
    with pytest.raises(ValueError):  # noqa: PT011  (uuid's own messages differ between Python versions)
        parse_task_id(task)


def test_another_attempt_has_another_seed_in_the_services_range():
    seeds = {seed_of(task_id("j", attempt)) for attempt in range(50)}
    assert len(seeds) == 50
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_journey_is_due_by_the_renders_deadline_or_by_the_allowance():
    allowance = timedelta(minutes=15)
    submitting = walk(Step.RECEIVED, Step.PROMPTED, Step.SUBMITTING)
    submitted = submitting.followed_by(record(Step.SUBMITTED))
    assert due_at(walk(Step.RECEIVED), allowance) == NOW + allowance
    assert due_at(submitting, allowance) == NOW + timedelta(seconds=60)
    assert due_at(submitted, allowance) == NOW + timedelta(minutes=9)
    with pytest.raises(ValueError, match="without records"):
        due_at(Journey("j"), allowance)


def test_a_journey_whose_last_news_is_trouble_waits_for_nobody_unless_for_a_render():
    allowance, later = timedelta(minutes=15), NOW + timedelta(minutes=2)
    submitting = walk(Step.RECEIVED, Step.PROMPTED, Step.SUBMITTING)
    submitted = submitting.followed_by(record(Step.SUBMITTED))
    assert due_at(walk(Step.RECEIVED).troubled_by(trouble(later)), allowance) == later
    assert due_at(submitting.troubled_by(trouble(later)), allowance) == later
    assert due_at(submitting.troubled_by(trouble(later, TAKING_OVER)), allowance) == later + timedelta(seconds=60)
    assert due_at(submitted.troubled_by(trouble(later)), allowance) == NOW + timedelta(minutes=9)


def test_a_metric_passes_within_its_bounds():
    assert Metric("m", 1.0, at_least=1.0, at_most=1.0).passed
    assert not Metric("m", 0.9, at_least=1.0).passed
    assert not Metric("m", 1.1, at_most=1.0).passed


class TestRedriven:
    """A person takes a failed or held journey up again, after one of the steps that still stand."""

    def redriven(self, journey, place):
        return journey.followed_by(record(Step.REDRIVEN, journey.attempt, place))

    def rendered(self, *more):
        return walk(*HAPPY[:5], *more)

    def test_only_a_failed_or_held_journey_can_be(self):
        for number in range(1, len(HAPPY) + 1):
            with pytest.raises(IllegalStep):
                self.redriven(walk(*HAPPY[:number]), Step.RECEIVED)
        for end in (Step.CANCELLED, Step.PUBLISHED):
            with pytest.raises(IllegalStep):
                self.redriven(walk(*HAPPY[:7], end), Step.RECEIVED)

    def test_it_goes_on_as_after_the_step_that_it_was_taken_back_to(self):
        failed = self.rendered(Step.INSPECTED, Step.STORED, Step.FAILED)
        assert failed.places == (Step.RECEIVED, Step.PROMPTED, Step.RENDERED, Step.INSPECTED, Step.STORED)
        for place in failed.places:
            again = self.redriven(failed, place)
            assert again.place is place
            for step in Step:
                attempt = again.attempt + (step is Step.SUBMITTING) if step in BY_ATTEMPT else 0
                expected = step in FOLLOWS[place] and step is not Step.RENDERED
                assert again.allows(record(step, attempt)) == expected, (place, step)

    def test_what_an_earlier_redrive_went_back_behind_does_not_stand_any_more(self):
        """A hold of the words must not be passed by going on from the brief of the time before."""
        again = self.redriven(self.rendered(Step.FAILED), Step.RECEIVED).followed_by(record(Step.HELD))
        assert again.places == (Step.RECEIVED,)
        with pytest.raises(IllegalStep):
            self.redriven(again, Step.PROMPTED)

    def test_a_picture_of_an_earlier_render_does_not_stand_any_more(self):
        journey = self.rendered(Step.INSPECTED, Step.SUBMITTING, Step.FAILED)
        assert journey.places == (Step.RECEIVED, Step.PROMPTED)

    def test_its_renders_are_counted_anew_and_its_attempts_go_on(self):
        journey = walk(*HAPPY[:4])
        for _ in range(MAX_RENDERS - 1):
            journey = journey.followed_by(record(Step.RENDER_FAILED, journey.attempt))
            journey = journey.followed_by(record(Step.SUBMITTING, journey.attempt + 1))
        journey = journey.followed_by(record(Step.RENDER_FAILED, journey.attempt)).followed_by(record(Step.FAILED))
        assert not journey.may_render_again
        again = self.redriven(journey, Step.PROMPTED)
        assert again.may_render_again
        assert (again.attempt, again.render_of(MAX_RENDERS), again.render_of(MAX_RENDERS + 1)) == (3, 3, 1)
        again = again.followed_by(record(Step.SUBMITTING, MAX_RENDERS + 1))
        assert again.render_of(again.attempt + 1) == 2

    def test_it_has_a_new_lifetime_and_is_due_at_once(self):
        later = NOW + timedelta(days=2)
        failed = self.rendered(Step.FAILED)
        decision = msgspec.structs.replace(record(Step.REDRIVEN, failed.attempt, Step.PROMPTED), at=later)
        again = failed.followed_by(decision)
        assert (again.begun, due_at(again, timedelta(minutes=15))) == (later, later)

    def test_an_approval_of_before_counts_while_picture_and_words_are_the_same(self):
        journey = self.rendered(Step.INSPECTED, Step.HELD, Step.APPROVED, Step.FAILED)
        assert self.redriven(journey, Step.INSPECTED).approved("c")
        assert not self.redriven(journey, Step.RECEIVED).approved("c")
        again = self.redriven(journey, Step.INSPECTED).followed_by(record(Step.HELD)).followed_by(record(Step.APPROVED))
        assert again.place is Step.INSPECTED
