"""The six finishing looks: from the painted scene to watercolour, ink, oil, woodblock, animation cel or photograph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from localcloud.painter.brushwork import along, flat_planes, flow, strokes, weave
from localcloud.painter.raster import (
    blur,
    coordinates,
    fractal,
    luma,
    mix,
    moved,
    plane,
    resize,
    saturated,
    shifted,
    smoothstep,
)
from localcloud.painter.terms import Hour, Mood, Style, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.painter.composition import Stage
    from localcloud.painter.raster import RGB, Plane


def finish(stage: Stage) -> Plane:
    """The finished picture, (height, width, 3) sRGB in 0 to 1."""
    rgb = _graded(stage, np.clip(stage.canvas.rgb, 0, 1))
    brushed = stage.scene.style in _FALL_INKS
    if not brushed:
        rgb = _with_fall(stage, rgb)
    picture = _FINISHES[stage.scene.style](stage, rgb)
    if brushed:
        picture = _with_fall(stage, picture)
    return plane(np.clip(picture, 0, 1))


#: Rain and snow in the styles that lay them over the finished picture: the smoothing would wipe them out before.
_FALL_INKS: dict[Style, tuple[RGB, RGB]] = {
    Style.WATERCOLOUR: ((0.94, 0.95, 0.97), (1.0, 1.0, 1.0)),
    Style.INK_WASH: ((0.42, 0.43, 0.45), (0.99, 0.98, 0.95)),
    Style.WOODBLOCK: ((0.16, 0.18, 0.27), (0.97, 0.94, 0.88)),
}


def _with_fall(stage: Stage, rgb: Plane) -> Plane:
    fall, light = stage.canvas.fall, stage.light
    if fall is None:
        return rgb
    snow = stage.scene.weather is Weather.SNOW
    colour = mix(light.horizon, (0.92, 0.95, 1.0), 0.65) if not snow else (0.97, 0.98, 1.0)
    if light.lamps > 0.9:
        colour = mix(colour, light.haze, 0.35)
    colour = _FALL_INKS.get(stage.scene.style, (colour, colour))[snow]
    return rgb + (plane(colour) - rgb) * fall[..., None]


def _graded(stage: Stage, rgb: Plane) -> Plane:
    """The mood's colour: warmth, strength and softness."""
    mood = stage.scene.mood
    if mood is None:
        return rgb
    amount = {
        Mood.JOYFUL: 1.14,
        Mood.FESTIVE: 1.16,
        Mood.ADVENTUROUS: 1.06,
        Mood.NOSTALGIC: 0.78,
        Mood.LONELY: 0.70,
        Mood.TIRED: 0.76,
        Mood.CALM: 0.94,
    }.get(mood, 1.0)
    rgb = saturated(rgb, amount)
    if mood is Mood.ADVENTUROUS:
        rgb = plane(np.clip(rgb, 0, 1) * 1.12 - 0.05)
    if mood in (Mood.TIRED, Mood.ROMANTIC):
        soft = blur(rgb, 14 * stage.unit)
        rgb = plane(rgb * 0.82 + np.maximum(rgb, soft) * 0.18)
    return plane(np.clip(rgb, 0, 1))


def _smoothed(rgb: Plane, reach_px: int, colour_sigma: float, rounds: int = 1) -> Plane:
    """Detail taken away, edges kept: a bilateral filter at half size."""
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (max(2, width // 2), max(2, height // 2)), interpolation=cv2.INTER_AREA)
    small = np.round(np.clip(small, 0, 1) * 255).astype(np.uint8)
    for _ in range(rounds):
        small = cv2.bilateralFilter(small, reach_px, colour_sigma * 255, reach_px * 0.6)
    return resize(plane(small) / np.float32(255), height, width)


def _grain(stage: Stage, rng: np.random.Generator, size_px: float) -> Plane:
    """The tooth of paper or canvas, about -2 to 2."""
    return fractal(rng, (stage.canvas.height, stage.canvas.width), size_px * stage.unit, octaves=2, gain=0.7)


def _edges(stage: Stage, rgb: Plane) -> Plane:
    """Where a draughtsman would draw a line: steps in distance and in brightness, 0 to 1."""
    away = np.clip(stage.canvas.distance, 0, 2)
    step = np.abs(cv2.Sobel(away, cv2.CV_32F, 1, 0, ksize=3)) + np.abs(cv2.Sobel(away, cv2.CV_32F, 0, 1, ksize=3))
    bright = luma(blur(rgb, 0.9 * stage.unit))
    dark = blur(bright, 2.4 * stage.unit) - bright
    return plane(np.clip(smoothstep(0.25, 0.9, step) * 0.9 + smoothstep(0.028, 0.085, dark), 0, 1))


def _watercolour(stage: Stage, rgb: Plane) -> Plane:
    unit, rng = stage.unit, stage.dice("watercolour")
    shape = (stage.canvas.height, stage.canvas.width)
    washes = _smoothed(rgb, 7, 0.11)
    washes = washes * 0.62 + rgb * 0.38
    x, y = coordinates(*shape)
    wobble = 2.1 * unit
    washes = moved(
        washes,
        x + wobble * fractal(rng, shape, 24 * unit, octaves=3),
        y + wobble * fractal(rng, shape, 24 * unit, octaves=3),
    )
    washes = saturated(plane(np.clip(washes, 0, 1)), 1.3)
    night = stage.scene.hour is Hour.NIGHT
    # Pigment is laid on white paper: work on how much light it takes away.
    density = -np.log(np.clip(washes * 0.93 + 0.07, 0.06, 1.0)) * (0.86 if night else 0.70)
    broad, fine = blur(density, 7 * unit), blur(density, 1.6 * unit)
    density = density + 0.55 * np.clip(density - broad, 0, 0.35) + 0.5 * np.clip(density - fine, -0.2, 0.3)
    pool = fractal(rng, shape, 110 * unit, octaves=4)
    density = density * (1 + 0.11 * np.clip(pool, -2, 2))[..., None]
    density = density + _backruns(stage, rng)[..., None] * (0.12 + 0.5 * blur(density, 20 * unit))
    tooth = _grain(stage, rng, 2.3)
    dark = np.clip(density.mean(axis=2), 0, 1.2)
    density = density * (1 + (0.09 + 0.08 * dark) * np.clip(tooth, -1.6, 2))[..., None]
    dry = smoothstep(1.15, 1.7, tooth + 0.5 * pool) * smoothstep(0.5, 0.1, dark) * 0.5
    density = density * (1 - dry)[..., None]
    margin = _margin(stage, rng)
    paper = plane((0.985, 0.975, 0.95)) * (1 + 0.012 * tooth)[..., None]
    return plane(paper * np.exp(-density * margin[..., None]))


def _backruns(stage: Stage, rng: np.random.Generator) -> Plane:
    """Blooms where a wash ran back: pale inside, with a crinkled dark rim."""
    shape = (stage.canvas.height, stage.canvas.width)
    x, y = coordinates(*shape)
    crinkle = fractal(rng, shape, 16 * stage.unit, octaves=3)
    bloom = np.zeros(shape, np.float32)
    for _ in range(4):
        cx, cy = rng.uniform(0, shape[1]), rng.uniform(0, shape[0] * 0.75)
        radius = rng.uniform(45, 120) * stage.unit
        away = np.hypot(x - np.float32(cx), (y - np.float32(cy)) * 1.25) / np.float32(radius) + 0.07 * crinkle
        bloom += np.exp(-(((away - 1) / 0.05) ** 2)) * 0.34 - smoothstep(1.0, 0.2, away) * 0.26
    return plane(bloom)


def _margin(stage: Stage, rng: np.random.Generator) -> Plane:
    """1 inside the painting, 0 on the bare margin; brushed edges between."""
    height, width, unit = stage.canvas.height, stage.canvas.width, stage.unit
    x, y = coordinates(height, width)
    ragged = 4.5 * unit * fractal(rng, (height, width), 60 * unit, octaves=4, gain=0.42)
    inset = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) + ragged
    rim = 0.10 * np.exp(-(((inset - 20 * unit) / (3 * unit)) ** 2))
    return plane(smoothstep(15 * unit, 18 * unit, inset) + rim)


def _ink_wash(stage: Stage, rgb: Plane) -> Plane:
    unit, rng = stage.unit, stage.dice("ink")
    shape = (stage.canvas.height, stage.canvas.width)
    soft = _smoothed(rgb, 9, 0.13, rounds=2)
    night = stage.scene.hour is Hour.NIGHT
    bright = luma(soft)
    sky = smoothstep(1.4, 1.7, blur(plane(stage.canvas.distance), 1.5 * unit))
    land = bright[sky < 0.5]
    low, high = (0.1, 0.9)
    if land.size:
        low, high = (float(level) for level in np.percentile(land[:: max(1, land.size // 20000)], (3, 96)))
    tone = np.clip((bright - low) / max(0.15, high - low), 0, 1)
    ink = (1 - tone) ** 1.1
    away = np.clip(stage.canvas.distance, 0, 1)
    mist = fractal(rng, shape, 120 * unit, octaves=4, stretch=3.2)
    # Blank space stands for air: the farther, the less ink, and whole bands left out between the ranges.
    ink *= np.clip(1.10 - 0.70 * away**1.1, 0.14, 1.1) * (
        1 - 0.7 * smoothstep(0.3, 1.3, mist) * smoothstep(0.15, 0.6, away)
    )
    sky_ink = np.clip((0.78 - bright) * 0.62, 0, 0.5) if not night else 0.30 + 0.34 * (1 - bright)
    ink = ink * (1 - sky) + sky * sky_ink
    steps = 6.0
    stepped = (np.floor(ink * steps) + smoothstep(0.35, 0.65, ink * steps - np.floor(ink * steps))) / steps
    ink = 0.45 * ink + 0.55 * stepped
    x, y = coordinates(*shape)
    bleed = 2.6 * unit
    run_x, run_y = fractal(rng, shape, 13 * unit, octaves=3), fractal(rng, shape, 13 * unit, octaves=3)
    wet = moved(ink, x + bleed * run_x, y + bleed * run_y)
    ink = 0.62 * wet + 0.38 * blur(wet, 3.2 * unit)
    line = moved(_edges(stage, soft), x + 1.3 * unit * run_x, y + 1.3 * unit * run_y)
    pressure = np.clip(0.62 + 0.5 * fractal(rng, shape, 40 * unit, octaves=2), 0.05, 1)
    ink = np.maximum(ink, blur(line, 0.7 * unit) * pressure * np.clip(0.95 - 0.75 * away, 0.08, 1) * (1 - sky))
    tooth = _grain(stage, rng, 2.0)
    fly = smoothstep(0.9, 1.9, tooth) * smoothstep(0.95, 0.5, ink) * 0.25
    ink = np.clip(ink * (1 + 0.13 * np.clip(tooth, -2, 2)) * (1 - fly), 0, 1)
    paper = _rice_paper(stage, rng)
    black = plane((0.10, 0.105, 0.12))
    picture = paper * (1 - ink[..., None]) + (paper * 0.12 + black * 0.88) * ink[..., None]
    # A little colour: warm accents keep some of theirs, the rest a trace.
    chroma = soft - bright[..., None]
    warm = smoothstep(0.05, 0.22, chroma[..., 0])[..., None]
    picture = picture + chroma * (0.14 + 0.45 * warm) * (1 - 0.55 * away * (1 - sky))[..., None]
    _seal(stage, picture)
    return plane(picture)


def _rice_paper(stage: Stage, rng: np.random.Generator) -> Plane:
    shape = (stage.canvas.height, stage.canvas.width)
    fibres = fractal(rng, shape, 3 * stage.unit, octaves=2, stretch=9) + fractal(
        rng, shape, 9 * stage.unit, octaves=2, stretch=0.3
    )
    age = fractal(rng, shape, 260 * stage.unit, octaves=2)
    tone = 1 + 0.010 * fibres + 0.014 * age
    return plane(plane((0.955, 0.935, 0.885)) * tone[..., None])


#: The characters 山 and 水 as strokes in a unit square, y down.
_SEAL_STROKES = (
    ((0.50, 0.06), (0.50, 0.40)),
    ((0.16, 0.18), (0.16, 0.42), (0.84, 0.42), (0.84, 0.18)),
    ((0.50, 0.54), (0.50, 0.94)),
    ((0.12, 0.62), (0.36, 0.62), (0.30, 0.76), (0.12, 0.90)),
    ((0.86, 0.56), (0.64, 0.72)),
    ((0.60, 0.66), (0.70, 0.80), (0.90, 0.92)),
)


def _seal(stage: Stage, picture: Plane) -> None:
    """A red seal with white characters, worn at its edges, in a corner of the sky."""
    rng, size = stage.dice("seal"), round(40 * stage.unit)
    if size < 8:
        return
    width = stage.canvas.width
    left = round(width * 0.07) if stage.plan.sights_x[0] > 0.5 else round(width * 0.93) - size
    top = round(stage.canvas.height * 0.06)
    stamp = np.ones((size * 4, size * 4), np.float32)
    for stroke in _SEAL_STROKES:
        points = np.round((np.array(stroke) * 0.84 + 0.08) * size * 4).astype(np.int32)
        cv2.polylines(stamp, [points], isClosed=False, color=0.0, thickness=round(size * 0.30), lineType=cv2.LINE_AA)
    worn = fractal(rng, (size, size), size / 7, octaves=3)
    alpha = resize(stamp, size, size, shrink=True) * smoothstep(-2.1, -1.1, worn)
    edge = np.ones((size, size), np.float32)
    edge[[0, -1], :] = edge[:, [0, -1]] = 0.4
    part = picture[top : top + size, left : left + size]
    if part.shape[:2] == (size, size):
        part += (plane((0.74, 0.15, 0.12)) - part) * (alpha * edge * 0.9)[..., None]


def _oil(stage: Stage, rgb: Plane) -> Plane:
    unit, rng = stage.unit, stage.dice("oil")
    height, width = rgb.shape[:2]
    vivid = saturated(rgb, 1.18)
    vivid = plane(np.clip((vivid - 0.5) * 1.06 + 0.5, 0, 1))
    angle = flow(stage, luma(rgb))
    picture = np.round(blur(vivid, 6 * unit) * 255).astype(np.uint8)
    relief = np.full((height, width), 128, np.uint8)
    for size, share, length in ((13.0, 1.0, 3.2), (7.5, 0.45, 3.6), (4.2, 0.20, 3.8)):
        strokes(rng, picture, relief, vivid, angle, size * unit, share, length)
    bristle = along(fractal(rng, (height, width), 1.6 * unit, octaves=2), angle, 1.4 * unit)
    thick = plane(relief) / 255 * 1.5 + 0.20 * bristle
    thick = blur(thick, 0.7 * unit)
    side = stage.light.side
    shine = thick - shifted(thick, -side * 1.3 * unit, 1.3 * unit)
    threads = weave(stage)
    rich = plane(picture) / np.float32(255)
    rich = rich * (1 + 0.34 * np.clip(shine, -0.6, 0.8) + 0.025 * threads)[..., None]
    return plane(rich + (np.clip(shine, 0, 1) ** 2 * 0.16)[..., None])


def _woodblock(stage: Stage, rgb: Plane) -> Plane:
    unit, rng = stage.unit, stage.dice("woodblock")
    shape = (stage.canvas.height, stage.canvas.width)
    soft = _smoothed(rgb, 9, 0.16, rounds=2)
    soft = plane(np.clip(saturated(soft, 1.35) * 1.06, 0, 1))
    sky = smoothstep(1.4, 1.7, plane(stage.canvas.distance))
    flat = flat_planes(soft, 14)
    _, y = coordinates(*shape)
    picture = plane(flat * 0.90 + plane((0.93, 0.87, 0.74)) * 0.10)
    picture = plane(picture * plane((1.0, 0.985, 0.95)))
    # Bokashi: the printer wipes the block so that the colour fades, at the top of the sky and along the horizon.
    ramp = blur(plane(soft), 40 * unit)
    picture += (ramp * plane((1.0, 0.985, 0.94)) - picture) * (sky * 0.45)[..., None]
    top = smoothstep(0.24, 0.0, y / np.float32(shape[0])) * sky
    night = stage.scene.hour is Hour.NIGHT
    deep = plane((0.05, 0.08, 0.20)) if night else plane((0.10, 0.25, 0.47))
    picture += (deep - picture) * (top * 0.88)[..., None]
    horizon = np.exp(-(((y - stage.horizon_px) / (0.075 * shape[0])) ** 2)) * sky
    blush = plane((0.30, 0.36, 0.50)) if night else plane((0.97, 0.76, 0.56))
    picture += (blush - picture) * (horizon * (0.35 if stage.light.softness > 0.6 else 0.6))[..., None]
    rings = np.sin(
        (y * 0.9 + 26 * unit * fractal(rng, shape, 150 * unit, octaves=2, stretch=5)) * np.float32(0.55 / unit)
    )
    fine = fractal(rng, shape, 1.5 * unit, octaves=1, stretch=16)
    picture *= (1 + 0.018 * rings * (0.4 + 0.6 * sky) + 0.022 * fine)[..., None]
    line = cv2.dilate(smoothstep(0.35, 0.6, _edges(stage, soft)), np.ones((2, 2), np.uint8))
    line = plane(line) * np.clip(1.15 - 0.62 * np.clip(stage.canvas.distance, 0, 1), 0, 1) * (1 - 0.85 * sky)
    ink = plane((0.11, 0.13, 0.22))
    picture += (ink - picture) * (np.clip(line, 0, 1) * 0.86)[..., None]
    tooth = _grain(stage, rng, 2.0)
    paper = plane((0.95, 0.90, 0.79))
    worn = smoothstep(1.5, 2.6, tooth)
    picture += (paper - picture) * (worn * 0.4)[..., None]
    return _printed_edge(stage, picture, paper)


def _printed_edge(stage: Stage, picture: Plane, paper: Plane) -> Plane:
    """The sheet's margin and the dark frame of the key block."""
    height, width, unit = stage.canvas.height, stage.canvas.width, stage.unit
    x, y = coordinates(height, width)
    inset = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    outside = smoothstep(15 * unit, 14 * unit, inset)[..., None]
    frame = (smoothstep(13.6 * unit, 14.4 * unit, inset) * smoothstep(17.4 * unit, 16.6 * unit, inset))[..., None]
    picture = picture + (paper - picture) * outside
    return plane(picture + (plane((0.12, 0.14, 0.22)) - picture) * frame * 0.9)


def _anime(stage: Stage, rgb: Plane) -> Plane:
    unit = stage.unit
    smooth = _smoothed(rgb, 5, 0.07)
    ground = smoothstep(1.6, 1.4, plane(stage.canvas.distance))[..., None]
    picture = rgb * (1 - 0.55 * ground) + smooth * 0.55 * ground
    # Two-tone cel light: brightness gathers around a few steps.
    bright = luma(picture)
    steps = 7.0
    stepped = (np.floor(bright * steps) + smoothstep(0.30, 0.70, bright * steps - np.floor(bright * steps))) / steps
    gain = (0.5 * stepped + 0.5 * bright + 0.01) / (bright + 0.01)
    picture = picture * (1 + (gain - 1)[..., None] * ground)
    picture = saturated(plane(np.clip(picture, 0, 1)), 1.42 if stage.light.softness < 0.6 else 1.22)
    picture = np.clip(picture, 0, 1)
    picture = plane(picture * picture * (3 - 2 * picture) * 0.35 + picture * 0.65) * 1.04
    shade = (1 - smoothstep(0.12, 0.5, luma(picture)))[..., None]
    picture = picture + shade * plane((-0.010, 0.010, 0.055))
    glare = blur(plane(np.clip(picture - 0.72, 0, 1)), 16 * unit) * 1.1
    picture = 1 - (1 - np.clip(picture, 0, 1)) * (1 - np.clip(glare, 0, 1) * 0.8)
    sharp = picture + 0.55 * (picture - blur(plane(picture), 1.3 * unit))
    if stage.light.softness < 0.3:
        sharp = sharp + _rays(stage)[..., None] * plane((1.0, 0.95, 0.82))
    return plane(sharp)


def _rays(stage: Stage) -> Plane:
    """Beams of light from the sun."""
    height, width = stage.canvas.height, stage.canvas.width
    x, y = coordinates(height // 4 + 1, width // 4 + 1)
    sun_x = stage.x_px(stage.plan.sun_x) / 4
    sun_y = (stage.horizon_px - stage.y_px(max(stage.light.elevation, 0.12))) / 4
    angle = np.arctan2(y - sun_y, x - sun_x)
    away = np.hypot(x - sun_x, y - sun_y) / (height / 4)
    beams = np.clip(np.sin(angle * 17 + stage.seed % 7) + 0.7 * np.sin(angle * 29 + 1.3), 0, 2) * 0.5
    fade = np.exp(-away * 2.6) * smoothstep(0.02, 0.14, away) * (0.03 if stage.scene.hour is Hour.NIGHT else 0.06)
    return resize(plane(beams * fade), height, width)


def _realistic(stage: Stage, rgb: Plane) -> Plane:
    unit, rng = stage.unit, stage.dice("photograph")
    shape = (stage.canvas.height, stage.canvas.width)
    away = np.clip(stage.canvas.distance, 0, 1)
    picture = saturated(rgb, 0.86)
    # Focus: the far ground a touch soft, the near ground fully sharp and gritty.
    soft = blur(picture, 1.3 * unit)
    picture = picture + (soft - picture) * (0.55 * away)[..., None]
    grit = fractal(rng, shape, 1.7 * unit, octaves=2) * (1 - away) ** 2 * (0.2 + 0.8 * (stage.canvas.distance < 1.2))
    picture = plane(picture * (1 + 0.07 * grit)[..., None])
    picture = picture + 0.5 * (picture - blur(plane(picture), 1.1 * unit))
    picture = np.clip(picture, 0, 1)
    picture = plane(picture * picture * (3 - 2 * picture) * 0.30 + picture * 0.70)
    bloom = blur(plane(np.clip(picture - 0.82, 0, 1)), 24 * unit) * 0.6
    picture = picture + bloom
    x, y = coordinates(*shape)
    corner = ((x / shape[1] - 0.5) ** 2 + (y / shape[0] - 0.5) ** 2) * 2
    picture = plane(picture * (1 - 0.20 * corner**1.3)[..., None])
    noise = fractal(rng, shape, 1.0, octaves=1)
    strength = 0.020 if stage.scene.hour is Hour.NIGHT else 0.011
    cool = plane((1.0, 0.995, 0.985)) if stage.scene.weather is not Weather.SNOW else plane((0.985, 1.0, 1.02))
    return plane((picture + strength * noise[..., None]) * cool)


_FINISHES: dict[Style, Callable[[Stage, Plane], Plane]] = {
    Style.WATERCOLOUR: _watercolour,
    Style.INK_WASH: _ink_wash,
    Style.OIL_PAINTING: _oil,
    Style.WOODBLOCK: _woodblock,
    Style.ANIME: _anime,
    Style.REALISTIC: _realistic,
}
