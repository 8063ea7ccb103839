"""How the car of a trip is to stand in its picture: light, sun, ground and grain, from what is known of the trip.

Pure. What is ordered goes into the graph, and the inspection composes its expected picture by the same order.
"""

from __future__ import annotations

from shared.facts import arrival_weather
from shared.journey import MAX_RENDERS
from shared.pictures.composition.order import SceneOrder
from shared.records import Received
from shared.styles import Style

#: What is added to a painting prompt when a car comes into the picture: the car's camera has its horizon there.
PLACE_FOR_A_CAR = "seen from just above the roof of a car, level horizon at mid-height, wide flat open ground in front"

#: Weather in which the sun throws shadows.
_SUNNY = frozenset({"sunny", "cloudy", "windy", ""})
#: Weather in which the ground is wet.
_WET = frozenset({"rain", "thunderstorm"})
#: Below this the sun leaves no colour in the sky; up to that it is low and warm. In degrees.
_NIGHT_BELOW_DEG, _LOW_DEG = -6, 12
#: Elevations that stand in where a journey does not know the sun's, by part of day.
_USUAL_DEG = {"dawn": 5, "morning": 35, "noon": 60, "afternoon": 40, "dusk": 4, "night": -30}
#: Suns that throw a shadow which still fits into a picture, in degrees.
_SHADOW_DEG = (7.0, 75.0)


def scene_order(received: Received, style: Style, attempt: int) -> SceneOrder:
    """What is ordered for the car. The last attempt is the safest: the car without grain."""
    elevation, weather = _elevation(received), arrival_weather(received.facts)
    light = _light(elevation, weather)
    sunny = light in ("noon", "dusk") and weather in _SUNNY and elevation > 0
    if style.car.flat_light and light in ("noon", "dusk"):
        light, sunny = "overcast", False
    return SceneOrder(
        light=light,
        sun_elevation_deg=min(max(float(elevation), _SHADOW_DEG[0]), _SHADOW_DEG[1]) if sunny else None,
        surface=_surface(weather),
        texture=style.car.texture if attempt < MAX_RENDERS else "none",
        budget_delta_e00=style.car.budget_delta_e00,
    )


def _elevation(received: Received) -> int:
    known = received.sun_elevation_deg
    return _USUAL_DEG.get(received.facts.part_of_day, 40) if known is None else known


def _light(elevation: int, weather: str) -> str:
    if elevation < _NIGHT_BELOW_DEG:
        return "night"
    if weather not in _SUNNY:
        return "overcast"
    return "dusk" if elevation <= _LOW_DEG else "noon"


def _surface(weather: str) -> str:
    if weather == "snow":
        return "snow"
    return "wet" if weather in _WET else "dry"
