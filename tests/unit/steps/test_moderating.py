"""Nothing is used or published that moderation does not let pass: the owner's words, a model's answer, the picture."""

from __future__ import annotations

import json

import pytest
import requests

from shared.errors import InvalidInput
from shared.moderating import MODERATION
from shared.records import (
    Approved,
    Failed,
    Held,
    Prompted,
    Stored,
)
from shared.reviewing import approve, reject, waiting
from shared.sweep import sweep_journeys
from tests.unit.steps.deployment import STRAIGHT, trip
from tests.unit.steps.test_composing import GOOD, says

HELD_AT_THE_PICTURE = [*STRAIGHT[: STRAIGHT.index("stored")], "held"]


@pytest.fixture
def green(embedded):
    """Orders what moderation says."""
    rules = f"{embedded.cloud.url('green')}/-/rules"

    def order(*ordered: dict[str, object]) -> None:
        requests.put(rules, json=list(ordered), timeout=10).raise_for_status()

    yield order
    requests.delete(rules, timeout=10).raise_for_status()


@pytest.fixture
def held(deployment, green):
    """A journey whose picture is of medium risk to one service."""
    green({"service": "aigcCheck", "level": "medium", "times": 1})
    journey = deployment.submitted()
    assert deployment.finish(journey).step == "held"
    return journey


def in_gallery(deployment, journey):
    return [key for key in deployment.instance().gallery.keys("") if journey in key]


def swept(deployment, journey):
    sweep_journeys(deployment.instance())
    return deployment.steps(journey)


def has_marker(deployment, journey):
    return any(journey in key for key in deployment.instance().ledger.bucket.keys("open/"))


class TestWords:
    def test_every_content_has_its_verdict_on_the_ledger(self, deployment, model_fault):
        model_fault(**says(GOOD))
        journey = deployment.submitted()
        deployment.finish(journey)
        written, stored = deployment.read(journey).need(Prompted), deployment.read(journey).need(Stored)
        verdicts = [*written.verdicts, *stored.verdicts]
        assert [(each.subject, each.service) for each in verdicts] == [
            ("words", "llm_query_moderation"), ("answer", "llm_response_moderation"), ("picture", "aigcCheck"),
            ("picture", "baselineCheck"),
        ]  # fmt: skip
        assert all(each.level == "none" and each.request_id and each.at for each in verdicts)
        assert {each.sha256 for each in stored.verdicts} == {stored.variants[0].sha256}

    def test_of_high_risk_they_end_the_journey_before_a_model_reads_them(self, deployment, calls_of_the_text_model):
        outcome = deployment.take(trip(text="后备箱里全是毒品"))
        end = deployment.read(outcome.journey).need(Failed)
        assert (outcome.step, end.code) == ("failed", MODERATION)
        assert (end.verdicts[0].level, end.verdicts[0].labels) == ("high", ("contraband_drug",))
        assert "毒品" not in end.reason
        assert calls_of_the_text_model() == 0
        assert deployment.gpu.queued() == []
        assert not has_marker(deployment, outcome.journey)

    def test_of_medium_risk_they_wait_for_a_person_who_lets_them_pass_once(self, deployment):
        sent = trip(text="去澳门看赌场的夜景")
        outcome = deployment.take(sent)
        assert outcome.step == "held"
        assert deployment.take(sent).step == "held"
        approve(outcome.journey, "韩梅梅", deployment.instance())
        assert swept(deployment, outcome.journey) == [
            "received", "held", "approved", "prompted", "submitting", "submitted",
        ]  # fmt: skip
        assert deployment.finish(outcome.journey).step == "published"
        assert deployment.read(outcome.journey).need(Prompted).verdicts[0].level == "medium"

    def test_of_low_risk_they_pass_or_wait_as_the_deployment_says(self, deployment):
        text = "路边卖优惠券"
        assert deployment.take(trip(text=text)).step == "submitted"
        assert deployment.take(trip(text=text), deployment.instance(green_low="hold")).step == "held"
        outcome = deployment.take(trip(text=text), deployment.instance(green_low="maybe"))
        assert (outcome.step, "TRIPCANVAS_GREEN_LOW" in outcome.reason) == ("received", True)

    def test_without_words_nobody_is_asked_about_them(self, deployment):
        journey = deployment.submitted(text="", emoji="")
        assert "words" not in {each.subject for each in deployment.read(journey).need(Prompted).verdicts}

    def test_while_moderation_is_down_the_trip_waits_and_then_goes_on(self, deployment, outage, embedded):
        outage("green")
        outcome = deployment.take(trip())
        assert (outcome.step, outcome.reason) == ("received", "green: ConnectionFailed: ConnectionError")
        embedded.start_service("green")
        deployment.clock.advance(minutes=20)
        assert swept(deployment, outcome.journey)[-1] == "submitted"

    def test_what_the_text_models_own_check_refuses_counts_as_high(self, deployment, model_fault):
        model_fault(status=400, code="DataInspectionFailed")
        end = deployment.read(deployment.take(trip()).journey).need(Failed)
        assert (end.code, end.verdicts[-1].service, end.verdicts[-1].level) == (MODERATION, "dashscope", "high")

    def test_a_refusal_that_no_words_can_have_caused_leaves_the_writing_to_the_template(self, deployment, model_fault):
        model_fault(status=400, code="data_inspection_failed")
        written = deployment.read(deployment.submitted(text="", emoji="")).need(Prompted)
        assert (written.written_by, written.verdicts[0].subject) == ("template", "answer")


class TestAnswer:
    @pytest.mark.parametrize("level", ["high", "medium"])
    def test_that_does_not_pass_is_not_used(self, deployment, model_fault, green, level):
        model_fault(**says(GOOD))
        green({"service": "llm_response_moderation", "level": level})
        written = deployment.read(deployment.submitted()).need(Prompted)
        assert written.written_by == "template"
        assert written.fallback == f"answer: llm_response_moderation says {level} (customized)"
        assert written.verdicts[1].level == level
        assert written.input_tokens > 0

    def test_that_can_not_be_checked_is_not_used_and_not_paid_for_again(
        self, deployment, model_fault, calls_of_the_text_model
    ):
        model_fault(**says(GOOD))
        services = deployment.instance(green_answer_service="no_such_service")
        written = deployment.read(deployment.take(trip(), services).journey).need(Prompted)
        assert (written.written_by, calls_of_the_text_model()) == ("template", 1)
        assert written.fallback.startswith("answer not checked: green: 400")

    def test_of_the_template_needs_no_check(self, deployment, model_fault):
        model_fault(status=401, code="InvalidApiKey")
        assert [each.subject for each in deployment.read(deployment.submitted()).need(Prompted).verdicts] == ["words"]


SPOKEN_OF = {**GOOD, "title": "{TEAM}和{CITY}的雨"}


class TestTeam:
    """A team's name, which the owner chose and everybody would read."""

    def written(self, deployment, name, **settings):
        """What the ledger holds of a trip whose brief speaks of its team; its picture is posted."""
        sent = trip(team={"name": name, "size": 3})
        journey = deployment.take(sent, deployment.instance(**settings)).journey
        assert deployment.finish(journey).step == "published"
        return deployment.read(journey)

    @pytest.mark.parametrize("name", ["追风小队", "Salt & Sand", "王者归来队"])
    def test_that_passes_stands_in_the_post(self, deployment, model_fault, name):
        model_fault(**says(SPOKEN_OF))
        journey = self.written(deployment, name)
        assert [each.service for each in journey.need(Prompted).verdicts if each.subject == "team"] == [
            "nickname_detection_pro"
        ]
        [post] = deployment.posts(journey.id)
        assert post["title"].startswith(f"{name}和")

    @pytest.mark.parametrize("level", ["low", "medium", "high"])
    def test_that_does_not_pass_stands_nowhere_and_holds_nothing_up(self, deployment, model_fault, green, level):
        model_fault(**says(SPOKEN_OF))
        green({"service": "nickname_detection_pro", "level": level})
        journey = self.written(deployment, "追风小队", green_low="hold")
        assert journey.need(Prompted).verdicts[-1].level == level
        assert deployment.posts(journey.id)[0]["title"].startswith("我们和")
        assert "追风小队" not in str(journey)

    def test_that_can_not_be_checked_stands_nowhere(self, deployment, model_fault):
        model_fault(**says(SPOKEN_OF))
        journey = self.written(deployment, "追风小队", green_name_service="no_such_service")
        assert deployment.posts(journey.id)[0]["title"].startswith("我们和")
        assert "追风小队" not in str(journey)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "队13912345678",
            "VX:abcde",
            "加我微信看片",
            "www.a.cn",
            "特斯拉车主",
            "很" * 21,
            "住在紫荆路8号",
            "欧阳开心的队伍",
            "张伟一家",
        ],
    )
    def test_that_could_identify_or_advertise_is_not_even_sent(self, deployment, model_fault, name):
        model_fault(**says(SPOKEN_OF))
        journey = self.written(deployment, name)
        assert "team" not in {each.subject for each in journey.need(Prompted).verdicts}
        assert deployment.posts(journey.id)[0]["title"].startswith("我们和")

    def test_of_which_the_brief_does_not_speak_is_not_sent(self, deployment, model_fault):
        model_fault(**says(GOOD))
        written = self.written(deployment, "追风小队").need(Prompted)
        assert (written.team, "team" in {each.subject for each in written.verdicts}) == ("", False)


class TestPicture:
    @pytest.mark.parametrize("service", ["aigcCheck", "baselineCheck"])
    def test_of_high_risk_to_one_service_ends_the_journey_and_is_stored_nowhere(self, deployment, green, service):
        green({"service": service, "level": "high", "label": "violent_explosion"})
        journey = deployment.submitted()
        assert deployment.finish(journey).step == "failed"
        end = deployment.read(journey).need(Failed)
        assert (end.code, end.reason) == (MODERATION, f"picture: {service} says high (violent_explosion)")
        assert in_gallery(deployment, journey) == []
        assert deployment.posts(journey) == []
        assert not has_marker(deployment, journey)

    def test_of_medium_risk_waits_for_a_person_without_end(self, deployment, held):
        assert deployment.steps(held) == HELD_AT_THE_PICTURE
        assert (in_gallery(deployment, held), deployment.posts(held)) == ([], [])
        assert not has_marker(deployment, held)
        deployment.clock.advance(days=30)
        assert swept(deployment, held) == HELD_AT_THE_PICTURE

    def test_that_a_person_approves_is_posted_by_the_sweeper_and_not_asked_about_again(self, deployment, held, green):
        deployment.clock.advance(days=3)
        green({"service": "*Check", "level": "high"})
        approve(held, "韩梅梅", deployment.instance())
        assert swept(deployment, held) == [*HELD_AT_THE_PICTURE, "approved", "stored", "published"]
        assert len(deployment.posts(held)) == 1
        journey = deployment.read(held)
        assert journey.need(Approved).by == "韩梅梅"
        assert [each.level for each in journey.need(Stored).verdicts] == ["medium", "none"]
        assert not has_marker(deployment, held)

    def test_that_became_another_file_after_it_was_approved_is_asked_about_again(self, deployment, held, green):
        approve(held, "韩梅梅", deployment.instance())
        green({"service": "baselineCheck", "level": "medium"})
        deployment.paint(held, picture=other_landscape())
        assert swept(deployment, held) == [*HELD_AT_THE_PICTURE, "approved", "held"]

    def test_is_not_published_while_moderation_is_down_and_is_when_it_is_back(self, deployment, outage, embedded):
        journey = deployment.submitted()
        outage("green")
        outcome = deployment.finish(journey)
        assert (outcome.step, outcome.reason) == ("inspected", "green: ConnectionFailed: ConnectionError")
        assert (in_gallery(deployment, journey), deployment.posts(journey)) == ([], [])
        embedded.start_service("green")
        deployment.clock.advance(minutes=1)
        assert swept(deployment, journey) == STRAIGHT
        assert len(deployment.posts(journey)) == 1

    def test_that_can_never_be_checked_ends_with_the_journeys_lifetime(self, deployment):
        journey = deployment.submitted()
        services = deployment.instance(green_picture_services="noSuchCheck")
        assert deployment.finish(journey, services=services).step == "inspected"
        deployment.clock.advance(hours=25)
        assert swept(deployment, journey)[-1] == "failed"
        assert deployment.read(journey).need(Failed).reason.startswith("green: 400")
        assert deployment.posts(journey) == []


class TestReview:
    def test_what_waits_is_listed_until_it_is_decided(self, deployment, held):
        assert [journey.id for journey in waiting(deployment.instance())] == [held]
        reject(held, "李雷", "  太  暗 ", deployment.instance())
        end = deployment.read(held).need(Failed)
        assert (end.code, end.by, end.reason) == ("review", "李雷", "太 暗")
        assert list(waiting(deployment.instance())) == []
        assert list(deployment.instance().ledger.held()) == []

    def test_of_two_who_decide_one_is_told(self, deployment, held):
        def first() -> None:
            reject(held, "李雷", "", deployment.instance())

        with pytest.raises(InvalidInput, match="somebody was faster"):
            approve(held, "韩梅梅", deployment.interrupted(2, first))
        assert deployment.steps(held)[-1] == "failed"
        with pytest.raises(InvalidInput, match="stands at failed"):
            approve(held, "韩梅梅", deployment.instance())
        assert swept(deployment, held)[-1] == "failed"

    def test_an_approval_that_was_cut_off_can_be_repeated(self, deployment, held):
        from tests.unit.steps.deployment import Crash

        with pytest.raises(Crash):
            approve(held, "韩梅梅", deployment.crashing(3))
        approve(held, "韩梅梅", deployment.instance())
        assert swept(deployment, held)[-1] == "published"

    def test_a_sweep_that_saw_the_journey_held_does_not_lose_an_approval_of_that_moment(self, deployment, held):
        from shared.course import Course

        services = deployment.instance()
        stale = Course(services.ledger.read(held), services)
        approve(held, "韩梅梅", deployment.instance())
        for key in services.ledger.bucket.keys("open/"):
            services.ledger.bucket.delete(key)
        stale.reopen()
        assert swept(deployment, held)[-1] == "published"

    def test_a_repeated_result_takes_an_approved_journey_further_too(self, deployment, held):
        approve(held, "韩梅梅", deployment.instance())
        assert deployment.finish(held).step == "published"
        assert swept(deployment, held)[-1] == "published"
        assert len(deployment.posts(held)) == 1

    def test_a_held_trip_can_be_cancelled(self, deployment, held):
        from shared.cancelling import _cancel
        from shared.course import Course

        services = deployment.instance()
        Course(services.ledger.read(held), services).run("cancelling", _cancel)
        assert deployment.steps(held)[-1] == "cancelled"
        assert list(waiting(deployment.instance())) == []
        with pytest.raises(InvalidInput, match="stands at cancelled"):
            approve(held, "韩梅梅", deployment.instance())

    def test_an_inspection_that_a_person_overrules_is_moderated_all_the_same(self, deployment, green):
        from tests.unit.steps.deployment import blank

        journey = deployment.submitted()
        for attempt in (1, 2, 3):
            deployment.finish(journey, attempt=attempt, picture=blank())
        assert deployment.read(journey).need(Held).code == "inspection"
        green({"service": "aigcCheck", "level": "medium", "times": 1})
        approve(journey, "韩梅梅", deployment.instance())
        assert swept(deployment, journey)[-2:] == ["approved", "held"]
        assert deployment.read(journey).need(Held).code == MODERATION
        approve(journey, "李雷", deployment.instance())
        assert swept(deployment, journey)[-1] == "published"

    @pytest.mark.parametrize("by", ["", " ", "李\n雷", "x" * 65])
    def test_who_decides_has_a_name(self, deployment, held, by):
        with pytest.raises(InvalidInput, match="^by: "):
            approve(held, by, deployment.instance())
        assert deployment.steps(held)[-1] == "held"


@pytest.fixture
def calls_of_the_text_model(embedded):
    """How often the text model was asked since the test began."""
    calls = f"{embedded.cloud.url('dashscope')}/-/calls"

    def counted() -> int:
        return int(json.loads(requests.get(calls, timeout=10).content)["text"])

    before = counted()
    return lambda: counted() - before


def other_landscape() -> bytes:
    import io

    import numpy as np
    from PIL import Image

    from tests.unit.steps.deployment import landscape, png

    with Image.open(io.BytesIO(landscape())) as picture:
        return png(np.asarray(picture)[::-1].copy())
