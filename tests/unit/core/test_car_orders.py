"""What is ordered for the car of a render, by the trip, the style, the attempt and the workflow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from shared.car_orders import car_order, parameters_of, prompt_with_room
from shared.facts import TripFacts, facts_of
from shared.graphs.bindings import CAR_PARAMETERS
from shared.pictures.composition.manifest import read_manifest
from shared.records import Received
from shared.scene_order import PLACE_FOR_A_CAR, scene_order
from shared.styles import load_styles
from shared.trips import parse_trip
from shared.workflows import FOLDER, load_workflow
from tests.unit.nodes.assets import make_asset

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "trips"
COMPOSING = ["wanx_scene", "wanx_background", "sdxl_style"]
STYLES = load_styles(FOLDER / "styles")


@pytest.fixture
def cars(tmp_path):
    return {"gen1": read_manifest(make_asset(tmp_path))}


def received(facts: TripFacts, **changes: object) -> Received:
    about = {"trip": "t", "content_hash": "h", "style": "ink_wash", "source": "live", "publish": True}
    about |= {
        "show_cities": True,
        "trip_date": "2026-05-05",
        "distance_km": 900,
        "at": datetime(2026, 5, 5, tzinfo=timezone.utc),
    }
    return Received(**{**about, "facts": facts, **changes})


@pytest.fixture
def facts() -> TripFacts:
    found = facts_of(parse_trip((EXAMPLES / "01-may-holiday.json").read_bytes()))
    return replace(found, car_model="gen1", car_color="red")


@pytest.mark.parametrize("name", COMPOSING)
def test_the_order_is_the_trips_own_and_fills_every_parameter_of_the_car(name, cars, facts):
    workflow = load_workflow(name)
    order = car_order(received(facts), STYLES["ink_wash"], 1, workflow, cars)
    assert order is not None
    assert (order.car.model, order.colour) == ("gen1", "red")
    scene, wanted = order.scene, scene_order(received(facts), STYLES["ink_wash"], 1)
    assert (scene.light, scene.surface, scene.texture) == (wanted.light, wanted.surface, "ink")
    values = parameters_of(order)
    assert {*CAR_PARAMETERS, "car_position"} - {"plate_prefix"} <= values.keys()
    legal = {key: value for key, value in values.items() if key in workflow.parameters and key != "car_view"}
    assert workflow.fill({"prompt": "湖", **legal}, max_bytes=8192)


def test_a_background_that_is_painted_around_the_car_has_its_place_and_view_at_once(cars, facts):
    order = car_order(received(facts), STYLES["ink_wash"], 1, load_workflow("wanx_background"), cars)
    assert order is not None
    parameters = load_workflow("wanx_background").parameters
    place = tuple(parameters[name].default for name in ("car_x", "car_y", "car_width"))
    assert order.scene.given_px == place
    # The test's car has one view only; "auto" would leave open what has to stand before the background does.
    assert order.scene.view == "side"
    values = parameters_of(order)
    assert tuple(values[name] for name in ("car_x", "car_y", "car_width")) == place


def test_a_landscape_leaves_view_and_place_to_its_horizon(cars, facts):
    order = car_order(received(facts), STYLES["ink_wash"], 1, load_workflow("wanx_scene"), cars)
    assert order is not None
    assert (order.scene.view, order.scene.position, order.scene.given_px) == ("auto", "auto", None)


def test_the_last_render_is_ordered_more_safely(cars, facts):
    order = car_order(received(facts), STYLES["ink_wash"], 3, load_workflow("wanx_scene"), cars)
    assert order is not None
    assert order.scene.texture == "none"


def test_a_car_without_a_sun_is_told_so_in_a_number(cars, facts):
    night = received(replace(facts, part_of_day="night"), sun_elevation_deg=-30)
    order = car_order(night, STYLES["realistic"], 1, load_workflow("wanx_scene"), cars)
    assert order is not None
    assert order.scene.sun_elevation_deg is None
    assert parameters_of(order)["sun_elevation"] == -90.0


@pytest.mark.parametrize(("model", "colour"), [("gen2", "red"), ("gen1", "blue"), ("", "")])
def test_a_car_that_no_asset_shows_is_not_ordered(cars, facts, model, colour):
    other = received(replace(facts, car_model=model, car_color=colour))
    assert car_order(other, STYLES["ink_wash"], 1, load_workflow("wanx_scene"), cars) is None
    assert parameters_of(None) == {"car": "none"}


def test_a_workflow_without_a_car_orders_none(cars, facts):
    assert car_order(received(facts), STYLES["ink_wash"], 1, load_workflow("article"), cars) is None


def test_the_prompt_asks_for_room_for_the_car_as_far_as_it_may_grow():
    workflow = load_workflow("wanx_scene")
    assert prompt_with_room("a lake at dawn.", workflow) == f"a lake at dawn, {PLACE_FOR_A_CAR}"
    limit = workflow.parameters["prompt"].max_length
    full = "湖" * (limit - 10)
    assert prompt_with_room(full, workflow) == full
