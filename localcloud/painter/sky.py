"""The sky: its gradient, sun, moon and stars, and the clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from localcloud.painter.canvas import Cutout
from localcloud.painter.raster import (
    blur,
    coordinates,
    curve,
    fractal,
    grey_of,
    mix,
    moved,
    plane,
    resize,
    shifted,
    smoothstep,
    times,
)
from localcloud.painter.terms import Hour, Style, Weather

if TYPE_CHECKING:
    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Field, Plane

#: Weather under which sun, moon and stars can be seen.
_OPEN = (Weather.SUNNY, Weather.CLOUDY, Weather.WINDY)
_CLOSED = (Weather.OVERCAST, Weather.RAIN, Weather.THUNDERSTORM, Weather.SNOW)


def paint_sky(stage: Stage) -> None:
    """Fill the whole canvas with sky; below the horizon it goes on as haze."""
    _gradient(stage)
    weather = stage.scene.weather
    if stage.scene.hour is Hour.NIGHT and weather in _OPEN:
        _stars(stage)
    if weather in _OPEN or weather in (Weather.HAZE, Weather.SANDSTORM, Weather.FOG):
        _sun_or_moon(stage)
    if weather in _CLOSED:
        _cover(stage)
    elif weather in _OPEN:
        _cloud_plane(stage)
        _cumulus_banks(stage)
    elif weather is Weather.SANDSTORM:
        _dust(stage)
    if weather is Weather.THUNDERSTORM:
        _lightning(stage)


def _gradient(stage: Stage) -> None:
    light, canvas = stage.light, stage.canvas
    rows = np.arange(canvas.height, dtype=np.float32) / max(1, stage.horizon_px)
    stops = plane([light.zenith, mix(light.zenith, light.middle, 0.55), light.middle, light.horizon, light.haze])
    places = [0.0, 0.36, 0.70, 1.0, 1.25]
    column = np.stack([np.interp(rows, places, stops[:, channel]) for channel in range(3)], axis=1)
    canvas.rgb[:] = plane(column)[:, None, :]
    if light.softness < 0.8:
        x, y = coordinates(canvas.height // 4 + 1, canvas.width // 4 + 1)
        sun_x, sun_y = stage.x_px(stage.plan.sun_x) / 4, (stage.horizon_px - stage.y_px(light.elevation)) / 4
        away = np.hypot((x - sun_x) * 0.8, y - sun_y) / (0.55 * canvas.height / 4)
        low = stage.scene.hour in (Hour.DAWN, Hour.DUSK)
        warmth = np.exp(-away * away * (2.2 if low else 4.0)) * ((0.62 if low else 0.34) * (1 - light.softness))
        glow = cv2.resize(plane(warmth), (canvas.width, canvas.height))[..., None]
        canvas.rgb += (plane(_sunlit(stage)) - canvas.rgb) * glow


def _sunlit(stage: Stage) -> RGB:
    """The colour of a cloud edge in full light."""
    light = stage.light
    level = min(1.0, 0.24 + 0.95 * grey_of(light.horizon))
    brightest = max(light.sun)
    hue = times(light.sun, (1 / brightest,) * 3)
    white = mix((1.0, 1.0, 1.0), hue, 0.35 if light.elevation > 0.2 else 0.72)
    return times(white, (level,) * 3)


def _shaded(stage: Stage) -> RGB:
    """The colour of a cloud's belly."""
    light = stage.light
    cool = mix(light.middle, light.zenith, 0.35)
    grey = grey_of(cool)
    return times(mix(cool, (grey * 0.98, grey, grey * 1.04), 0.45), (0.93,) * 3)


def _stars(stage: Stage) -> None:
    canvas, rng = stage.canvas, stage.dice("stars")
    count = 420
    x = rng.integers(0, canvas.width, count)
    y = (rng.random(count) ** 1.25 * stage.horizon_px * 0.95).astype(int)
    power = rng.random(count) ** 3
    sparks = np.zeros((canvas.height, canvas.width), np.float32)
    for left, top, strength in zip(x, y, power, strict=True):
        radius = stage.unit * (0.55 + 1.5 * strength)
        cv2.circle(
            sparks, (int(left) * 16, int(top) * 16), int(radius * 16), float(0.35 + 0.65 * strength), -1, cv2.LINE_AA, 4
        )
    band = fractal(rng, (stage.horizon_px, canvas.width), 90 * stage.unit, octaves=5)
    px, py = coordinates(stage.horizon_px, canvas.width)
    across = (px / canvas.width - 0.2 - 0.7 * py / stage.horizon_px) * 3.2
    milky = np.exp(-across * across) * np.clip(0.5 + 0.5 * band, 0, 1.4)
    canvas.rgb[: stage.horizon_px] += plane((0.15, 0.16, 0.24)) * milky[..., None]
    canvas.rgb += (plane((0.95, 0.96, 1.0)) - canvas.rgb) * sparks[..., None]


def _sun_or_moon(stage: Stage) -> None:
    canvas, light, unit = stage.canvas, stage.light, stage.unit
    x = stage.x_px(stage.plan.sun_x)
    y = stage.horizon_px - stage.y_px(light.elevation)
    night = stage.scene.hour is Hour.NIGHT
    radius = (26 if night or light.elevation < 0.2 else 20) * unit
    if y < -radius:
        return
    px, py = coordinates(canvas.height, canvas.width)
    away = np.hypot(px - np.float32(x), py - np.float32(y)) / np.float32(radius)
    disc = smoothstep(1.04, 0.96, away)
    if night:
        colour: RGB = (0.98, 0.96, 0.86)
        marks = fractal(stage.dice("moon"), (canvas.height, canvas.width), radius * 0.7, octaves=2)
        disc = disc * (0.95 - 0.09 * np.clip(marks, 0, 1))
        halo = 0.34 * np.exp(-np.maximum(away - 1, 0) * 0.42) + 0.12 * np.exp(-away * 0.12)
    else:
        colour = mix((1.0, 0.985, 0.93), _sunlit(stage), 0.55 if light.elevation < 0.2 else 0.15)
        halo = 0.75 * np.exp(-np.maximum(away - 1, 0) * 0.85) + 0.2 * np.exp(-away * 0.17)
    dim = 1.0 - 0.55 * light.softness
    canvas.rgb += (plane(colour) - canvas.rgb) * (np.maximum(disc, halo * (0.6 if night else 1.0)) * dim)[..., None]


def _plane_noise(stage: Stage, part: str, scale: float, *, stretch: float = 1.0) -> Plane:
    """Noise on a level cloud layer, in perspective, for the rows above the horizon."""
    canvas, rng = stage.canvas, stage.dice(part)
    rows = stage.horizon_px
    source = fractal(rng, (512, 640), 92 / scale, octaves=6, gain=0.56, stretch=stretch)
    x, y = coordinates(rows // 2 + 1, canvas.width // 2 + 1)
    height = 1 - y * 2 / rows
    depth = 1 / (height * 0.9 + 0.16)
    u = (x * 2 / canvas.width - 0.5) * depth * 150 + 320
    v = depth * 120
    return plane(cv2.resize(moved(source, plane(u), plane(v)), (canvas.width, rows)))


def _cloud_plane(stage: Stage) -> None:
    """High broken clouds, lit from the sun's side; streaks when the wind blows and at the day's ends."""
    canvas, light, scene = stage.canvas, stage.light, stage.scene
    low = scene.hour in (Hour.DAWN, Hour.DUSK)
    streaky = scene.weather is Weather.WINDY or low
    noise = _plane_noise(stage, "clouds", 1.0, stretch=3.2 if streaky else 1.7)
    threshold = 0.95 - 1.15 * light.clouds - (0.3 if low else 0.0)
    body = smoothstep(threshold, threshold + 1.15, noise)
    reach = 7 * stage.unit
    toward = (shifted(noise, -reach * stage.plan.light_side, 0) + shifted(noise, 0, reach)) * 0.5
    rim = np.clip(0.62 + (noise - toward) * 0.9 - body * 0.25, 0, 1)[..., None]
    colour = plane(_shaded(stage)) + (plane(_sunlit(stage)) - plane(_shaded(stage))) * rim
    rows = plane(np.linspace(1, 0, noise.shape[0]))[:, None]
    alpha = body * (0.35 + 0.6 * light.clouds) * smoothstep(0.0, 0.16, rows)
    canvas.cover(0, colour, alpha if not low else np.minimum(alpha * 1.35, 0.92), 2.0)


def _cumulus_banks(stage: Stage) -> None:
    rng, plan = stage.dice("cumulus"), stage.plan
    anime = stage.scene.style is Style.ANIME
    many = stage.light.clouds > 0.4
    if stage.scene.hour is Hour.NIGHT and not anime:
        return
    count = (4 if anime else 2) + (2 if many else 0)
    for number in range(count):
        far = number < count - 2
        x = rng.uniform(-0.05, 1.05) if far else 0.5 - np.sign(plan.sights_x[0] - 0.5) * rng.uniform(0.12, 0.42)
        width = rng.uniform(0.28, 0.55) * (1.0 if anime or not far else 0.7)
        height = width * rng.uniform(0.30, 0.42) * (1.9 if anime and not far else 1.0)
        base = plan.horizon - (rng.uniform(0.03, 0.10) if far else rng.uniform(0.10, 0.20))
        _cumulus(stage, rng, float(x), float(base), float(width), float(height), crisp=anime)


def _cumulus(
    stage: Stage, rng: np.random.Generator, x: float, base: float, width: float, height: float, *, crisp: bool
) -> None:
    """One heap of cloud, built of shaded puffs on a flat base; drawn at half size unless it is `crisp`."""
    canvas = stage.canvas
    step = 1 if crisp else 2
    span = round(width * canvas.width * 1.3) // step + 8
    rise = round(height * canvas.width * 1.35) // step + 8
    tone, body = np.zeros((rise, span), np.uint8), np.zeros((rise, span), np.uint8)
    side, lift = stage.plan.light_side, 0.35 if stage.light.elevation < 0.2 else 0.8
    puffs = []
    for _ in range(70):
        along = rng.normal(0, 0.42)
        ceiling = max(0.0, 1 - abs(along) ** 1.5) * (0.62 + 0.38 * np.cos(along * 7 + x * 9))
        up = rng.random() ** 0.8 * ceiling
        radius = (0.10 + 0.16 * rng.random()) * (1.05 - 0.45 * abs(along)) * (0.75 + 0.45 * (1 - up))
        puffs.append((up + radius * 0.2, along, radius))
    for up, along, radius in sorted(puffs, reverse=True):
        px = span / 2 + along * span / 2.6
        py = rise * 0.97 - up * rise * 0.72
        r = radius * rise * 0.55
        shade = 70 + 70 * up
        for part, bright in ((1.0, 0), (0.84, 45), (0.64, 80), (0.42, 100)):
            shift = (1 - part) * r * 0.9
            centre = (int((px + side * shift * 0.8) * 16), int((py - shift * lift) * 16))
            cv2.circle(tone, centre, int(r * part * 16), int(min(255, shade + bright)), -1, cv2.LINE_AA, 4)
        cv2.circle(body, (int(px * 16), int(py * 16)), int(r * 16), 255, -1, cv2.LINE_AA, 4)
    gx, gy = coordinates(rise, span)
    ragged = 4.5 * stage.unit / step * (0.5 if crisp else 1.25)
    gx = gx + ragged * fractal(rng, (rise, span), 22 * stage.unit / step, octaves=3)
    gy = gy + ragged * fractal(rng, (rise, span), 22 * stage.unit / step, octaves=3)
    softness = (0.8 if crisp else 2.6) * stage.unit / step
    form, spread = moved(plane(body) / 255, gx, gy), (2.0 if crisp else 5.0) * stage.unit / step
    lit: Field = blur(moved(plane(tone) / 255, gx, gy), spread) / np.maximum(blur(form, spread), 0.05)
    alpha: Field = blur(form, softness)
    alpha = alpha * smoothstep(1.0, 0.62, np.linspace(0, 1, rise)[:, None])
    if step > 1:
        lit, alpha = resize(lit, rise * step, span * step), resize(alpha, rise * step, span * step)
    shade_colour, sun_colour = plane(_shaded(stage)), plane(_sunlit(stage))
    level = smoothstep(0.24, 0.74, lit)[..., None]
    colour = shade_colour * (1 - level) + sun_colour * level
    rgba = np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=2) * (1 - 0.35 * stage.light.softness)
    canvas.place(Cutout(plane(rgba)), stage.x_px(x), stage.y_px(base), 2.0, veil=0.12)


def _cover(stage: Stage) -> None:
    """A closed cover with heavy bellies; torn and dark in a thunderstorm."""
    canvas = stage.canvas
    storm = stage.scene.weather is Weather.THUNDERSTORM
    noise = _plane_noise(stage, "cover", 1.1, stretch=2.4)
    strength = {Weather.THUNDERSTORM: 0.20, Weather.RAIN: 0.11}.get(stage.scene.weather, 0.075)
    shade = np.tanh(noise * 0.9) * strength
    rows = plane(np.linspace(1, 0, noise.shape[0]))[:, None]
    shade = shade * smoothstep(0.0, 0.25, rows) - (0.10 if storm else 0.03) * smoothstep(0.2, 1.0, rows)
    sky = canvas.rgb[: noise.shape[0]]
    sky *= 1 + shade[..., None] * 1.7
    sky += np.clip(shade, 0, 1)[..., None] * plane(stage.light.horizon) * 0.5


def _dust(stage: Stage) -> None:
    noise = _plane_noise(stage, "dust", 0.8, stretch=3.0)
    stage.canvas.rgb[: noise.shape[0]] *= 1 + 0.09 * np.tanh(noise)[..., None]


def _lightning(stage: Stage) -> None:
    """A branched bolt on the side away from the first sight."""
    canvas, rng = stage.canvas, stage.dice("lightning")
    bolt = np.zeros((canvas.height, canvas.width), np.float32)
    x = stage.x_px(stage.plan.sights_x[1] + rng.uniform(-0.06, 0.06))
    stems = [(x, 0.02 * canvas.height, float(stage.horizon_px), 2.6)]
    while stems:
        start_x, start_y, end_y, width = stems.pop()
        steps = max(4, int((end_y - start_y) / (14 * stage.unit)))
        path_x = start_x + np.cumsum(rng.normal(0, 7.5 * stage.unit, steps)) + curve(rng, steps, 8) * 8 * stage.unit
        path_y = np.linspace(start_y, end_y, steps)
        points = np.stack([path_x, path_y], axis=1)
        cv2.polylines(
            bolt,
            [np.round(points * 16).astype(np.int32)],
            isClosed=False,
            color=1.0,
            thickness=max(1, round(width * stage.unit)),
            lineType=cv2.LINE_AA,
            shift=4,
        )
        if width > 1.5:
            for at in rng.choice(steps, 3, replace=False):
                reach = rng.uniform(0.08, 0.2) * canvas.height
                stems.append((float(path_x[at]), float(path_y[at]), min(float(path_y[at] + reach), end_y), 1.0))
    halo = np.minimum(blur(bolt, 16 * stage.unit) * 3.0, 0.5) + np.minimum(blur(bolt, 70 * stage.unit) * 5, 0.35)
    strength = np.maximum(bolt, halo)[..., None]
    canvas.rgb += (plane((0.93, 0.93, 1.0)) - canvas.rgb) * np.clip(strength, 0, 1)
