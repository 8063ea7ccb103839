"""Water: what stands behind it mirrored in it, rippled by the wind, with foam at a beach and the sun's glitter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from localcloud.painter.raster import coordinates, fractal, mix, moved, plane, shape_of, smoothstep, times
from localcloud.painter.terms import Hour, Weather

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Plane

_STIRRED = {
    Weather.WINDY: 2.6,
    Weather.THUNDERSTORM: 3.0,
    Weather.RAIN: 1.8,
    Weather.SANDSTORM: 2.0,
    Weather.FOG: 0.6,
}


def paint_water(
    stage: Stage, shore: Plane, last: int, *, sea: bool = False, left: Plane | None = None, right: Plane | None = None
) -> None:
    """Fill the rows from `shore` (row of the water's edge per column, (width,)) down to `last` with water.

    `left` and `right`, (height,), bound it per row, in columns: a river between its banks.
    """
    canvas, light, scene, unit = stage.canvas, stage.light, stage.scene, stage.unit
    first = max(1, int(np.min(shore)))
    last = min(last, canvas.height)
    if last - first < 2:
        return
    rng = stage.dice("water")
    x, rows = coordinates(last - first, canvas.width)
    y = rows + first
    near = (y - first) / max(1.0, last - first)
    stir = _STIRRED.get(scene.weather, 1.0) * (1.9 if sea else 1.0)
    ripple = perspective_noise(stage, rng, first, last, 9.0, stretch=4.5)
    calm_bands = fractal(rng, (last - first, canvas.width), 30 * unit, octaves=3, stretch=9)
    reach = (1.5 + 15 * near) * unit * stir
    depth = y - shore[None, :]
    source_y = shore[None, :] - depth * (1.0 + 0.12 * near) + ripple * reach * 1.1
    source_y = np.clip(source_y, 0, shore[None, :] - 1)
    source_x = x + ripple * reach * 0.45
    mirrored = moved(canvas.rgb, plane(source_x), plane(source_y))
    shining = moved(canvas.glow, plane(source_x), plane(source_y)) if canvas.glow.any() else None
    body = _body(stage, sea=sea)
    # Steep glances mirror less (Fresnel): the near water shows its own colour.
    clarity = np.clip(
        0.90 - 0.46 * near**0.8 - (0.24 if sea else 0) - 0.05 * (stir - 1) + 0.05 * calm_bands, 0.15, 0.94
    )
    colour = plane(body) + (mirrored - plane(body)) * clarity[..., None]
    colour *= (1 + 0.055 * stir**0.5 * np.tanh(ripple * 1.2) * (0.35 + near))[..., None]
    if sea:
        colour = _swell(stage, colour, ripple, near)
    colour += _glitter(stage, x, near, ripple)[..., None] * plane(_glitter_colour(stage))
    edge = smoothstep(5 * unit, 0, depth) * 0.3
    colour += (plane(light.on((0.85, 0.88, 0.88), 0.6)) - colour) * (edge * (depth >= 0))[..., None]
    alpha = np.clip(depth + 0.5, 0, 1)
    if left is not None and right is not None:
        alpha = (
            alpha * np.clip(x - left[first:last, None] + 0.5, 0, 1) * np.clip(right[first:last, None] - x + 0.5, 0, 1)
        )
    away = plane(0.9 * (1 - near) ** 2 + 0.05)
    canvas.cover(first, colour, plane(alpha), away)
    if shining is not None:
        canvas.glow[first:last] += shining * (0.62 * alpha * np.clip(1.05 - near * 0.5, 0, 1))[..., None]


def perspective_noise(
    stage: Stage, rng: np.random.Generator, first: int, last: int, cell_px: float, *, stretch: float = 1.0
) -> Plane:
    """Noise lying on the ground in the rows `first` … `last`: fine at the horizon, coarse in front."""
    canvas = stage.canvas
    source = fractal(rng, (640, 640), cell_px, octaves=4, gain=0.55, stretch=stretch)
    x, y = coordinates(last - first, canvas.width)
    below = np.maximum(y + first - stage.horizon_px, 2.0) / (canvas.height - stage.horizon_px)
    u = (x / canvas.width - 0.5) / below * 150 + 320
    # Mirrored at its edges the noise repeats every 1278 rows; far rows lie many repeats away.
    v = np.broadcast_to((46 / below[:, :1]) % 1278, u.shape)
    return moved(source, u, v)


def _body(stage: Stage, *, sea: bool) -> RGB:
    """The water's own colour in this light."""
    light = stage.light
    own: RGB = (0.10, 0.34, 0.46) if sea else (0.20, 0.36, 0.38)
    sky = mix(light.zenith, light.middle, 0.5)
    return mix(times(own, mix(light.ambient, (1.0, 1.0, 1.0), 0.25 * (1 - light.lamps))), sky, 0.35)


def _swell(stage: Stage, colour: Plane, ripple: Plane, near: Plane) -> Plane:
    """Wave backs, and white caps where they break towards the beach."""
    unit, rng = stage.unit, stage.dice("swell")
    wander = fractal(rng, shape_of(near), 50 * unit, octaves=3, stretch=3.5)
    phase = 26 * (1 - near) ** 1.6 * 1.5 + 1.1 * wander + 0.4 * ripple
    wave = np.sin(phase * 2.1)
    colour = colour * (1 + 0.07 * wave * (0.3 + near))[..., None]
    rough = {Weather.THUNDERSTORM: 0.5, Weather.WINDY: 0.4}.get(stage.scene.weather, 0.0)
    breaking = smoothstep(0.62, 0.97, wave) * smoothstep(0.35 - rough, 1.0, near + 0.16 * wander)
    torn = smoothstep(-0.5, 0.7, fractal(rng, shape_of(near), 6 * unit, octaves=3, stretch=2.5))
    foam = (np.clip(breaking * torn, 0, 1) * 0.85)[..., None]
    return plane(colour + (plane(stage.light.on((0.97, 0.98, 0.98), 0.6)) - colour) * foam)


def _glitter(stage: Stage, x: Plane, near: Plane, ripple: Plane) -> Plane:
    light = stage.light
    if light.softness > 0.5 or light.elevation > 0.5:
        return np.zeros_like(x)
    away = (x - stage.x_px(stage.plan.sun_x)) / (stage.canvas.width * (0.035 + 0.10 * near))
    path = np.exp(-away * away) * smoothstep(0.25, 1.5, ripple + 0.35 * (1 - near)) * (1 - 0.6 * near)
    strength = {Hour.DUSK: 0.8, Hour.DAWN: 0.7, Hour.NIGHT: 0.65}.get(stage.scene.hour, 0.5)
    return plane(path * strength)


def _glitter_colour(stage: Stage) -> RGB:
    brightest = max(stage.light.sun)
    hue = times(stage.light.sun, (1 / brightest,) * 3)
    return mix(hue, (1.0, 1.0, 1.0), 0.35)
