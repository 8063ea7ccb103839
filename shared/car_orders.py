"""What is ordered for the car of one render: which asset, and how it stands in the picture.

The same order fills the graph's parameters and lets the picture be composed again, to judge what came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.cars import NO_CAR, choose_car
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.records import Received
from shared.scene_order import PLACE_FOR_A_CAR, scene_order
from shared.styles import Style
from shared.workflows import Workflow

#: Those that say where the car stands in a background that is painted around it.
_GIVEN = ("car_x", "car_y", "car_width")
#: The sun's elevation that stands for no sun at all.
_NO_SUN_DEG = -90.0


@dataclass(frozen=True, slots=True)
class CarOrder:
    """A car of the assets, in one of its colours, and how it is to stand in the picture."""

    car: Manifest
    colour: str
    scene: SceneOrder


def car_order(
    received: Received,
    style: Style,
    render: int,
    workflow: Workflow,
    cars: Mapping[str, Manifest],
) -> CarOrder | None:
    """The order of a journey's nth render; None when no asset shows the trip's car, or the workflow takes none."""
    chosen = choose_car(received.facts.car_model, received.facts.car_color, cars)
    if chosen is None or "car" not in workflow.parameters:
        return None
    car = cars[chosen.car]
    return CarOrder(car, chosen.colour, _given(scene_order(received, style, render), workflow, car))


def _given(scene: SceneOrder, workflow: Workflow, car: Manifest) -> SceneOrder:
    """The order as far as the workflow leaves the view and the place open."""
    parameters = workflow.parameters
    view = parameters.get("car_view")
    if view is not None and view.choices and scene.view not in view.choices:
        scene = replace(scene, view=str(view.default))
    if not all(name in parameters for name in _GIVEN):
        return scene
    left, top, width = (int(parameters[name].default or 0) for name in _GIVEN)
    named = scene.view if scene.view in car.views else next(iter(car.views))
    return replace(scene, view=named, position="auto", given_px=(left, top, width))


def prompt_with_room(prompt: str, workflow: Workflow) -> str:
    """The painting prompt of a picture with a car in it: with room for the car, if the workflow's limit leaves it."""
    longer = f"{prompt.rstrip(' .,')}, {PLACE_FOR_A_CAR}"
    limit = workflow.parameters["prompt"].max_length
    return prompt if limit is not None and len(longer) > limit else longer


def parameters_of(order: CarOrder | None) -> dict[str, str | int | float]:
    """The graph's parameters by their names; a workflow may lack some."""
    if order is None:
        return {"car": NO_CAR}
    scene = order.scene
    values: dict[str, str | int | float] = {
        "car": order.car.model,
        "car_colour": order.colour,
        "car_light": scene.light,
        "car_view": scene.view,
        "car_position": scene.position,
        "sun_elevation": _NO_SUN_DEG if scene.sun_elevation_deg is None else scene.sun_elevation_deg,
        "surface": scene.surface,
        "car_texture": scene.texture,
        "car_budget": scene.budget_delta_e00,
    }
    if scene.given_px is not None:
        values |= dict(zip(_GIVEN, scene.given_px, strict=True))
    return values
