"""What is queued: the trip's own car, a prompt with room for it, and the safer workflow at the last try."""

from __future__ import annotations

import json

import pytest

from shared.journey import task_id
from shared.records import Rendered, RenderFailed, Submitting
from shared.scene_order import PLACE_FOR_A_CAR
from shared.sweep import sweep_journeys
from tests.unit.steps.deployment import Deployment, failed, landscape, trip

GEN1 = "01-may-holiday"


def inputs_of(graph: dict, kind: str) -> dict:
    (found,) = (node["inputs"] for node in graph.values() if node["class_type"] == kind)
    return found


def queued(deployment: Deployment, attempt: int = 1) -> dict:
    (graph,) = (each.graph for each in deployment.gpu.queued() if each.task_id.endswith(f"-{attempt}"))
    return graph


def test_the_car_of_the_trip_is_ordered_in_its_light_with_room_in_the_picture(deployment):
    outcome = deployment.take(trip(GEN1))
    graph, task = queued(deployment), task_id(outcome.journey, 1)
    car = inputs_of(graph, "LoadCar")
    assert (car["car"], car["colour"], car["view"]) == ("gen1", "black", "auto")
    assert car["light"] in ("noon", "dusk", "overcast", "night")
    assert inputs_of(graph, "CarHarmonize")["texture"] == "watercolour"
    assert inputs_of(graph, "WanxImage")["prompt"].endswith(PLACE_FOR_A_CAR)
    prefixes = [node["inputs"]["filename_prefix"] for node in graph.values() if node["class_type"] == "SaveImage"]
    assert sorted(prefixes) == [f"{task}/picture", f"{task}/plate"]


def test_without_an_asset_of_the_car_the_landscape_is_painted_alone(deployment):
    deployment.take(trip(GEN1, car={"description": "大漠金三代"}))
    graph = queued(deployment)
    assert inputs_of(graph, "LoadCar")["car"] == "none"
    assert PLACE_FOR_A_CAR not in inputs_of(graph, "WanxImage")["prompt"]


def test_the_last_render_is_the_safer_workflows_and_is_read_by_it(deployment):
    services = deployment.instance(workflow="wanx_background")
    journey = deployment.take(trip(GEN1), services).journey
    for attempt in (1, 2):
        deployment.deliver(journey, failed("torch.OutOfMemoryError"), attempt=attempt, services=services)
    records = deployment.read(journey)
    assert [records.find(Submitting, attempt).workflow for attempt in (1, 2, 3)] == [
        *("wanx_background", "wanx_background", "wanx_scene")
    ]
    assert inputs_of(queued(deployment, 2), "CarCanvas")["car_width"]
    last = queued(deployment, 3)
    assert inputs_of(last, "CarHarmonize")["texture"] == "none"
    # Node 8 saves the background in wanx_scene, and nothing in wanx_background.
    deliver_with_plate(deployment, journey, 3, "8", services)
    assert deployment.read(journey).need(Rendered).plate == f"{task_id(journey, 3)}/plate_00001_.png"


def test_attempts_that_a_busy_service_refused_do_not_bring_the_safer_workflow_nearer(deployment):
    services = deployment.instance(workflow="wanx_background")
    journey = deployment.take(trip(GEN1), services).journey
    for attempt in (1, 2, 3):
        deployment.deliver(journey, failed(text="[Throttling.RateQuota] 限流"), attempt=attempt, services=services)
        deployment.clock.advance(minutes=20)
        sweep_journeys(services)
    assert deployment.read(journey).find(Submitting, 4).workflow == "wanx_background"
    assert inputs_of(queued(deployment, 4), "CarHarmonize")["texture"] == "watercolour"


def test_an_intent_is_queued_as_it_was_meant_whatever_the_settings_say_by_then(deployment):
    journey = deployment.take(trip(GEN1)).journey
    intent = deployment.read(journey).need(Submitting)
    deployment.gpu.forget_everything()
    later = deployment.instance(workflow="wanx_background", safer_workflow="wanx_background")
    deployment.deliver(journey, failed(), services=later)
    assert deployment.read(journey).find(Submitting, 2).workflow == "wanx_background"
    assert intent.workflow == "wanx_scene"


def test_a_background_without_a_place_for_the_car_is_painted_anew(deployment):
    journey = deployment.take(trip(GEN1)).journey
    refused = failed("NoPlace", "[NoPlace] 这张背景放不下这辆车 / this background has no place for the car")
    assert deployment.deliver(journey, refused).step == "submitted"
    assert deployment.read(journey).need(RenderFailed).code == "no_place"


def test_a_background_whose_report_was_lost_is_found_beside_its_picture(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    deployment.paint(journey)
    put_plate(deployment, journey, 1)
    deployment.clock.advance(minutes=31)
    sweep_journeys(deployment.instance())
    rendered, task = deployment.read(journey).need(Rendered), task_id(journey, 1)
    assert (rendered.files, rendered.plate) == ((f"{task}/picture_00001_.png",), f"{task}/plate_00001_.png")


def test_a_background_alone_is_a_lost_render(deployment):
    journey = deployment.submitted()
    deployment.gpu.queued(take=True)
    put_plate(deployment, journey, 1)
    deployment.clock.advance(minutes=31)
    sweep_journeys(deployment.instance())
    assert deployment.read(journey).need(RenderFailed).code == "lost"


@pytest.mark.parametrize("name", ["article", "nothing_of_the_kind"])
def test_a_safer_workflow_that_can_not_be_used_is_named_with_the_first_trip(deployment, name):
    outcome = deployment.take(trip(GEN1), deployment.instance(safer_workflow=name))
    assert outcome.step == "prompted"
    assert name in deployment.read(outcome.journey).troubles[-1].reason
    assert deployment.gpu.queued() == []


def put_plate(deployment: Deployment, journey: str, attempt: int) -> None:
    key = f"comfy/output/{task_id(journey, attempt)}/plate_00001_.png"
    deployment.instance().renders.put(key, landscape(), "image/png")


def deliver_with_plate(deployment: Deployment, journey: str, attempt: int, node: str, services) -> None:
    deployment.paint(journey, attempt)
    put_plate(deployment, journey, attempt)
    files = {
        number: {
            "images": [{"filename": f"{stem}_00001_.png", "subfolder": task_id(journey, attempt), "type": "output"}]
        }
        for number, stem in ((node, "plate"), ("9", "picture"))
    }
    deployment.deliver(journey, json.dumps([files]), attempt=attempt, services=services)
