"""What is ordered for the car in one picture; every value goes into the graph as a parameter of the nodes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SceneOrder:
    """How the car is to stand in the picture.

    `light` is one of a pack's lights; `sun_elevation_deg` None when no sun is to be seen. `surface` is ``dry``,
    ``wet`` or ``snow``; `texture` the grain of a stylised style, or ``none``. `view` and `position` ``auto`` leave the
    choice to the background. `budget_delta_e00` is how far harmonising and texture together may move the body (95th
    percentile, CIEDE2000); the badge is never moved. `given_px`, left, top and width, is where the car has to stand in
    a background that was painted around it; `view` then has to be named, and `position` says nothing.
    """

    light: str = "studio"
    sun_elevation_deg: float | None = None
    surface: str = "dry"
    texture: str = "none"
    view: str = "auto"
    position: str = "auto"
    budget_delta_e00: float = 3.0
    given_px: tuple[int, int, int] | None = None
