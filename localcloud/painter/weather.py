"""What is in the air: mist and fog, rain, snowflakes, dust and things the wind carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from localcloud.painter.raster import blur, coordinates, fractal, mix, plane, smoothstep
from localcloud.painter.terms import Hour, Mood, Place, Season, Weather

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB


def paint_mist(stage: Stage) -> None:
    """Mist that lies in the distance, before what falls: fog, haze, dust, the morning's vapour."""
    scene = stage.scene
    amount = {
        Weather.FOG: 0.86,
        Weather.HAZE: 0.42,
        Weather.SANDSTORM: 0.72,
        Weather.SNOW: 0.32,
        Weather.RAIN: 0.30,
        Weather.THUNDERSTORM: 0.22,
    }.get(scene.weather, 0.20 if scene.hour is Hour.DAWN else 0.0)
    if amount == 0:
        return
    canvas = stage.canvas
    rng = stage.dice("mist")
    noise = fractal(rng, (canvas.height, canvas.width), 90 * stage.unit, octaves=4, stretch=4.0)
    away = np.clip(canvas.distance, 0, 1)
    thick = amount * smoothstep(0.02, 0.75, away + 0.10 * noise) * np.clip(0.80 + 0.22 * noise, 0.2, 1.0)
    if scene.weather is Weather.FOG:
        thick = np.maximum(thick, 0.16 * np.clip(1 + 0.6 * noise, 0, 2))
    # The sky keeps its own gradient: mist is thickest where it meets the ground.
    _, y = coordinates(canvas.height, canvas.width)
    low = np.exp(-(((y - stage.horizon_px) / (0.16 * canvas.height)) ** 2))
    sky = smoothstep(1.4, 1.6, canvas.distance)
    thick = thick * (1 - sky) + sky * amount * 0.85 * low
    canvas.veil(0, plane(np.clip(thick, 0, 0.95)))


def paint_fall(stage: Stage) -> None:
    """Rain, snowflakes or blowing dust, and what belongs to a season or a feast: petals, leaves, lanterns, birds."""
    weather = stage.scene.weather
    if weather in (Weather.RAIN, Weather.THUNDERSTORM):
        _rain(stage)
    elif weather is Weather.SNOW:
        _flakes(stage)
    elif weather is Weather.SANDSTORM:
        _sand(stage)
    elif weather is Weather.WINDY:
        _carried(stage)
    if (
        stage.scene.mood is Mood.FESTIVE
        and stage.scene.hour is Hour.NIGHT
        and weather in (Weather.SUNNY, Weather.CLOUDY)
    ):
        _fireworks(stage)
    elif weather in (Weather.SUNNY, Weather.CLOUDY, Weather.OVERCAST) and stage.scene.hour is not Hour.NIGHT:
        _birds(stage)


def _rain(stage: Stage) -> None:
    canvas, rng, unit = stage.canvas, stage.dice("rain"), stage.unit
    storm = stage.scene.weather is Weather.THUNDERSTORM
    streaks = np.zeros((canvas.height, canvas.width), np.float32)
    slant = (0.34 if storm else 0.16) * stage.plan.light_side
    for count, length, strength, thickness in ((620, 26, 0.22, 1), (330, 48, 0.34, 1), (110, 84, 0.42, 2)):
        x, y = rng.uniform(-0.2, 1.2, count) * canvas.width, rng.uniform(-0.1, 1, count) * canvas.height
        tall = length * unit * rng.uniform(0.6, 1.2, count)
        for left, top, fall in zip(x, y, tall, strict=True):
            start = (int(left * 8), int(top * 8))
            end = (int((left - slant * fall) * 8), int((top + fall) * 8))
            cv2.line(
                streaks,
                start,
                end,
                strength * (1.25 if storm else 1.0),
                max(1, round(thickness * unit)),
                cv2.LINE_AA,
                3,
            )
    canvas.fall = streaks


def _flakes(stage: Stage) -> None:
    canvas, rng, unit = stage.canvas, stage.dice("flakes"), stage.unit
    flakes = np.zeros((canvas.height, canvas.width), np.float32)
    for count, radius, strength in ((950, 1.0, 0.65), (380, 1.9, 0.85), (110, 3.3, 0.95), (26, 5.6, 0.7)):
        x, y = rng.uniform(0, canvas.width, count), rng.uniform(0, canvas.height, count)
        layer = np.zeros_like(flakes)
        for left, top, size in zip(x, y, rng.uniform(0.7, 1.25, count), strict=True):
            cv2.circle(
                layer, (int(left * 16), int(top * 16)), int(radius * size * unit * 16), strength, -1, cv2.LINE_AA, 4
            )
        flakes = np.maximum(flakes, blur(layer, radius * 0.28 * unit))
    canvas.fall = flakes


def _sand(stage: Stage) -> None:
    canvas, rng = stage.canvas, stage.dice("sand")
    streaks = fractal(rng, (canvas.height, canvas.width), 14 * stage.unit, octaves=4, stretch=14)
    puffs = fractal(rng, (canvas.height, canvas.width), 120 * stage.unit, octaves=3, stretch=2)
    alpha = np.clip(0.20 + 0.12 * streaks + 0.20 * puffs, 0.03, 0.6)
    canvas.veil(0, plane(alpha), mix(stage.light.haze, (0.86, 0.64, 0.36), 0.4))


def _carried(stage: Stage) -> None:
    """Leaves or petals on the wind."""
    if stage.scene.place in (Place.DESERT, Place.PLATEAU, Place.SNOW_MOUNTAINS):
        return
    canvas, rng, unit = stage.canvas, stage.dice("carried"), stage.unit
    hue: RGB = {
        Season.SPRING: (0.98, 0.78, 0.84),
        Season.SUMMER: (0.52, 0.68, 0.26),
        Season.AUTUMN: (0.88, 0.48, 0.14),
    }.get(stage.scene.season, (0.55, 0.45, 0.34))
    for _ in range(60):
        x, y = rng.uniform(0, canvas.width), rng.uniform(0.15, 0.95) * canvas.height
        size, angle = rng.uniform(2.2, 5.5) * unit, rng.uniform(0, 180)
        colour = stage.light.on(hue, float(rng.uniform(0.2, 1.0)))
        cv2.ellipse(
            canvas.rgb,
            (int(x), int(y)),
            (max(1, int(size)), max(1, int(size * 0.45))),
            angle,
            0,
            360,
            colour,
            -1,
            cv2.LINE_AA,
        )


def _birds(stage: Stage) -> None:
    """A small flock, high on the side away from the first sight."""
    canvas, rng, unit = stage.canvas, stage.dice("birds"), stage.unit
    colour = mix(stage.light.on((0.12, 0.13, 0.16), 0.1), stage.light.haze, 0.25)
    centre_x = stage.x_px(stage.plan.sights_x[1])
    centre_y = stage.horizon_px * rng.uniform(0.45, 0.66)
    for _ in range(int(rng.integers(4, 9))):
        x, y = centre_x + rng.normal(0, 52) * unit, centre_y + rng.normal(0, 22) * unit
        span, lift = rng.uniform(5, 10) * unit, rng.uniform(0.25, 0.6)
        wing = [
            (x - span, y - span * lift * 0.6),
            (x - span * 0.45, y - span * lift),
            (x, y),
            (x + span * 0.45, y - span * lift),
            (x + span, y - span * lift * 0.5),
        ]
        points = np.round(np.array(wing) * 8).astype(np.int32)
        cv2.polylines(
            canvas.rgb,
            [points],
            isClosed=False,
            color=colour,
            thickness=max(1, round(1.3 * unit)),
            lineType=cv2.LINE_AA,
            shift=3,
        )


def _fireworks(stage: Stage) -> None:
    canvas, rng, unit = stage.canvas, stage.dice("fireworks"), stage.unit
    hues: tuple[RGB, ...] = ((1.0, 0.75, 0.35), (1.0, 0.35, 0.40), (0.55, 0.75, 1.0), (0.75, 1.0, 0.55))
    for number in range(4):
        x, y = rng.uniform(0.12, 0.88) * canvas.width, rng.uniform(0.10, 0.36) * canvas.height
        reach = rng.uniform(55, 110) * unit
        hue = hues[number]
        for angle in np.linspace(0, 2 * np.pi, 42, endpoint=False):
            length = reach * rng.uniform(0.75, 1.05)
            t = np.linspace(0.25, 1, 6)
            path_x = x + np.cos(angle) * length * t
            path_y = y + np.sin(angle) * length * t + 0.18 * length * t**2
            points = np.round(np.stack([path_x, path_y], 1) * 8).astype(np.int32)
            cv2.polylines(
                canvas.glow,
                [points],
                isClosed=False,
                color=hue,
                thickness=max(1, round(1.4 * unit)),
                lineType=cv2.LINE_AA,
                shift=3,
            )
