"""The gate in the running system: what is wrong with a picture stops it, and is shown; what is right goes on."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from shared.cancelling import cancel_trip
from shared.course import Course
from shared.journey import task_id
from shared.pictures.composition.composite import compose
from shared.records import (
    Failed,
    Held,
    Inspected,
    Metric,
    Stored,
)
from shared.submission import ordered_car
from tests.unit.composition.test_place import landscape
from tests.unit.steps.deployment import png, trip

PLATE = landscape(0.5)
RED_SALOON = {"description": "中国红一代", "model": "gen1", "color": "red"}


@pytest.fixture
def journey(deployment) -> str:
    """A journey whose picture is to show a car, with its first render queued."""
    return deployment.submitted(car=RED_SALOON)


def composed(deployment, journey: str, attempt: int = 1):
    """What a faultless GPU side makes of the ordered car."""
    services = deployment.instance()
    order = ordered_car(deployment.read(journey), attempt, services.workflow, services)
    return compose(PLATE, order.car, order.colour, order.scene)


def delivered(deployment, journey: str, picture: np.ndarray, *, attempt: int = 1, plate: bytes | None = None):
    """The picture and its background come back from the GPU side."""
    services, task = deployment.instance(), task_id(journey, attempt)
    services.renders.put(f"comfy/output/{task}/picture_00001_.png", png(picture), "image/png")
    services.renders.put(f"comfy/output/{task}/plate_00001_.png", plate or png(PLATE), "image/png")
    about = services.workflow.about
    answer = {
        node: {"images": [{"filename": f"{name}_00001_.png", "subfolder": task, "type": "output"}]}
        for node, name in ((about.output_node, "picture"), (about.plate_node, "plate"))
    }
    return deployment.deliver(journey, json.dumps([answer]), attempt=attempt)


def missed(deployment, journey: str) -> set[str]:
    return {metric.name for metric in deployment.read(journey).need(Inspected).metrics if not metric.passed}


def without_badge(made) -> np.ndarray:
    mask = cv2.dilate(made.badge_mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.inpaint(made.picture, mask, 3, cv2.INPAINT_TELEA)


def test_a_picture_that_is_as_expected_is_posted_with_every_metric_on_the_ledger(deployment, journey):
    made = composed(deployment, journey)
    assert delivered(deployment, journey, made.picture).step == "published"
    inspected = deployment.read(journey).need(Inspected)
    names = {metric.name for metric in inspected.metrics}
    assert {"badge_mean", "edge_p95", "grounding", "horizon_error", "judge_style", "judge_belonging"} <= names
    assert (inspected.verdict, inspected.overlay) == ("pass", "")
    for metric in inspected.metrics:
        assert metric.at_least is not None or metric.at_most is not None


def test_a_lost_badge_costs_three_renders_and_then_waits_for_a_person(deployment, journey):
    for attempt in (1, 2, 3):
        spoilt = without_badge(composed(deployment, journey, attempt))
        delivered(deployment, journey, spoilt, attempt=attempt)
        assert {"badge_mean", "badge_structure"} <= missed(deployment, journey)
    held = deployment.read(journey).need(Held)
    assert held.code == "inspection"
    assert "badge_mean" in held.reason
    assert deployment.posts(journey) == []


def test_another_render_can_make_it_good(deployment, journey):
    delivered(deployment, journey, without_badge(composed(deployment, journey)))
    assert deployment.steps(journey)[-1] == "submitted 2"
    assert delivered(deployment, journey, composed(deployment, journey, 2).picture, attempt=2).step == "published"


def test_what_failed_is_kept_as_a_marked_picture_for_the_operators_alone(deployment, journey):
    import requests

    spoilt = without_badge(composed(deployment, journey))
    delivered(deployment, journey, spoilt)
    overlay = deployment.read(journey).need(Inspected).overlay
    body = deployment.instance().gallery.get(overlay, max_bytes=10**7)
    with Image.open(io.BytesIO(body)) as image:
        assert image.width == 768
        assert image.height > 960
        marks = np.asarray(image.convert("RGB"))[:960]
    assert (np.abs(marks.astype(int) - (226, 32, 44)).max(axis=2) < 3).sum() > 100
    assert requests.get(f"{deployment.settings.gallery_url}/{overlay}", timeout=10).status_code == 403


def test_a_journey_taken_back_leaves_no_marked_picture(deployment):
    order = trip(car=RED_SALOON)
    journey = deployment.take(order).journey
    delivered(deployment, journey, without_badge(composed(deployment, journey)))
    overlay = deployment.read(journey).need(Inspected).overlay
    cancel_trip(str(order["trip_id"]), deployment.instance())
    assert overlay not in set(deployment.instance().gallery.keys("private/"))


@pytest.mark.parametrize(
    ("plate", "metric"),
    [(b"no picture", "plate_readable"), (png(PLATE[:, :512]), "plate_fits")],
    ids=["broken", "of another size"],
)
def test_a_background_that_can_not_be_used_is_another_render(deployment, journey, plate, metric):
    picture = composed(deployment, journey).picture
    delivered(deployment, journey, picture, plate=plate)
    assert missed(deployment, journey) == {metric}
    assert deployment.steps(journey)[-1] == "submitted 2"


def test_a_second_delivery_while_the_first_inspects_leaves_one_inspection(deployment, journey):
    spoilt = without_badge(composed(deployment, journey))
    delivered(deployment, journey, spoilt)
    delivered(deployment, journey, spoilt)
    assert deployment.steps(journey).count("inspected") == 1


class TestJudge:
    """What the model that sees may say."""

    def says(self, model_fault, *texts: str) -> None:
        for text in texts:
            model_fault(call="vision", mode="says", text=text)

    def test_a_picture_that_looks_pasted_in_is_rendered_again(self, deployment, journey, model_fault):
        self.says(model_fault, '{"style": 9, "belonging": 2, "clean": 9}')
        delivered(deployment, journey, composed(deployment, journey).picture)
        assert missed(deployment, journey) == {"judge_belonging"}
        assert deployment.steps(journey)[-1] == "submitted 2"

    def test_in_doubt_it_is_asked_once_more_and_the_mean_counts(self, deployment, journey, model_fault):
        self.says(model_fault, '{"style": 9, "belonging": 5.5, "clean": 9}', '{"style": 9, "belonging": 8, "clean": 9}')
        assert delivered(deployment, journey, composed(deployment, journey).picture).step == "published"
        metrics = deployment.read(journey).need(Inspected).metrics
        assert Metric("judge_belonging", 6.75, at_least=6.0) in metrics

    def test_an_answer_that_is_no_verdict_is_asked_for_once_more(self, deployment, journey, model_fault):
        self.says(model_fault, "看起来不错！")
        assert delivered(deployment, journey, composed(deployment, journey).picture).step == "published"

    def test_a_judge_that_gives_no_verdict_leaves_it_to_a_person(self, deployment, journey, model_fault):
        self.says(model_fault, "看起来不错！", '{"style": "good"}')
        assert delivered(deployment, journey, composed(deployment, journey).picture).step == "held"
        assert missed(deployment, journey) == {"judge_answers"}

    def test_a_picture_that_its_content_check_refuses_ends_the_journey(self, deployment, journey, model_fault):
        model_fault(call="vision", mode="answer", status=400, code="DataInspectionFailed", message="…")
        assert delivered(deployment, journey, composed(deployment, journey).picture).step == "failed"
        end = deployment.read(journey).need(Failed)
        assert (end.code, [each.service for each in end.verdicts]) == ("moderation", ["dashscope"])

    def test_a_judge_that_can_not_be_reached_is_asked_later(self, deployment, journey, model_fault):
        model_fault(call="vision", mode="answer", status=503, code="ServiceUnavailable", times=2)
        picture = composed(deployment, journey).picture
        delivered(deployment, journey, picture)
        assert deployment.read(journey).find(Inspected) is None
        assert deployment.read(journey).troubles[-1].service == "dashscope"
        assert delivered(deployment, journey, picture).step in ("rendered", "published")

    def test_no_judge_is_asked_about_a_picture_that_fails_already(self, deployment, journey, model_fault):
        self.says(model_fault, '{"style": 0, "belonging": 0, "clean": 0}')
        delivered(deployment, journey, without_badge(composed(deployment, journey)))
        assert not any(name.startswith("judge") for name in missed(deployment, journey))

    def test_a_deployment_may_go_without_a_judge(self, deployment, journey):
        from shared.inspecting import inspect_render
        from shared.renders import Render

        picture = composed(deployment, journey).picture
        delivered(deployment, journey, picture)
        read = deployment.read(journey)
        services = deployment.instance(judge_model="off")
        until = next(n for n, record in enumerate(read.records) if isinstance(record, Inspected))
        course = Course(type(read)(read.id, read.records[:until]), services)
        inspect_render(course, Render(course))
        assert not any(metric.name.startswith("judge") for metric in course.journey.need(Inspected).metrics)


def test_the_feed_picture_keeps_the_badge_and_its_size(deployment, journey):
    made = composed(deployment, journey)
    delivered(deployment, journey, made.picture)
    feed = deployment.read(journey).need(Stored).variants[0]
    assert feed.size_bytes <= 180 * 1024


def test_the_command_shows_metrics_bounds_and_the_marked_picture(deployment, journey, tmp_path, monkeypatch):
    from cli import inspections
    from cli.main import app

    delivered(deployment, journey, without_badge(composed(deployment, journey)))
    monkeypatch.setattr(inspections, "opened", lambda *_: nullcontext(deployment.instance()))
    shown = CliRunner().invoke(
        app, ["inspection", journey, "--root", str(tmp_path / "cloud"), "--out", str(tmp_path / "out")]
    )
    assert shown.exit_code == 0, shown.output
    assert "attempt 1: again" in shown.output
    assert "badge_structure" in shown.output
    assert "failed" in shown.output
    [file] = (tmp_path / "out").iterdir()
    assert file.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("name", "said"), [("nonsense", "JOURNEY"), ("00000000-0000-5000-8000-000000000000", "no journey")]
)
def test_the_command_refuses_what_is_no_journey(deployment, tmp_path, monkeypatch, name, said):
    from cli import inspections
    from cli.main import app

    monkeypatch.setattr(inspections, "opened", lambda *_: nullcontext(deployment.instance()))
    shown = CliRunner().invoke(app, ["inspection", name, "--root", str(tmp_path / "cloud")])
    assert shown.exit_code != 0
    assert said in shown.output
