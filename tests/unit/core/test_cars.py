"""Which asset is the car of a trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.cars import CarChoice, choose_car, load_cars
from shared.errors import Misconfigured
from shared.facts import facts_of
from shared.trips import parse_trip
from shared.vocabulary import CAR_COLORS
from shared.workflows import FOLDER, load_workflow
from tests.unit.nodes.assets import MANIFEST

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "trips"
CAR = MANIFEST.replace("{model}", "gen1").replace("[colours.red]", "[colours.black]")


@pytest.fixture
def folder(tmp_path):
    load_cars.cache_clear()
    (tmp_path / "gen1").mkdir()
    (tmp_path / "gen1" / "car.toml").write_text(CAR, "utf-8")
    yield tmp_path
    load_cars.cache_clear()


def test_the_car_of_the_trip_is_taken_in_its_colour(folder):
    facts = facts_of(parse_trip((EXAMPLES / "01-may-holiday.json").read_bytes()))
    assert choose_car(facts.car_model, facts.car_color, load_cars(folder)) == CarChoice("gen1", "black")


@pytest.mark.parametrize(
    ("model", "color"), [("gen1", "green"), ("gen2", "black"), ("", ""), ("gen1", ""), ("none", "black")]
)
def test_a_car_that_no_asset_shows_is_left_out(folder, model, color):
    assert choose_car(model, color, load_cars(folder)) is None


def test_a_deployment_without_assets_leaves_every_car_out(tmp_path):
    assert choose_car("gen1", "black", load_cars(tmp_path)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CAR.replace('"gen1"', '"gen2"'), "cars/gen1/car.toml: model: 'gen1', the folder's name expected"),
        (CAR.replace("name_zh", "name"), "cars/gen1/car.toml.*name_zh"),
        ("model = ", "cars/gen1/car.toml"),
    ],
)
def test_a_manifest_that_is_wrong_is_named(folder, text, said):
    (folder / "gen1" / "car.toml").write_text(text, "utf-8")
    with pytest.raises(Misconfigured, match=said):
        load_cars(folder)


@pytest.mark.parametrize("name", ["wanx_scene", "wanx_background", "sdxl_style"])
def test_shipped_workflows_take_every_shipped_asset(name):
    cars = load_cars(FOLDER / "cars")
    parameters = load_workflow(name).parameters
    assert {*parameters["car"].choices} >= cars.keys()
    assert {*parameters["car_colour"].choices} >= {colour for car in cars.values() for colour in car.colours}
    assert {*parameters["car_view"].choices} >= {view for car in cars.values() for view in car.views}


def test_shipped_assets_use_the_words_that_trips_are_read_into():
    for car in load_cars(FOLDER / "cars").values():
        assert set(car.colours) <= set(CAR_COLORS)
