"""Where the light comes from and what colour it has: the sky, the sun and the air of one scene."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localcloud.painter.raster import RGB, grey_of, mix, times
from localcloud.painter.terms import Hour, Mood, Season, Weather

if TYPE_CHECKING:
    from localcloud.painter.scene import Scene


@dataclass(frozen=True, slots=True)
class Light:
    """The light of one scene. Colours are sRGB, 0 to 1."""

    zenith: RGB
    middle: RGB
    horizon: RGB
    sun: RGB
    ambient: RGB
    haze: RGB
    #: Extinction: a thing at distance d (0 near, 1 at the horizon) keeps exp(-haze_density · d) of its own colour.
    haze_density: float
    #: 0 clear … 1 a closed cover.
    clouds: float
    #: 0 hard shadows … 1 none.
    softness: float
    #: 0 lamps are out … 1 all are lit.
    lamps: float
    #: -1 the light comes from the left, +1 from the right.
    side: int
    #: Height of sun or moon above the horizon, in picture heights.
    elevation: float

    def on(self, albedo: RGB, facing: float = 0.4) -> RGB:
        """The colour of a surface; `facing` is -1 turned away from the light … 1 turned to it."""
        key = max(0.0, facing) * (1 - 0.8 * self.softness)
        return times(
            albedo,
            (
                self.ambient[0] + self.sun[0] * key,
                self.ambient[1] + self.sun[1] * key,
                self.ambient[2] + self.sun[2] * key,
            ),
        )

    def seen(self, colour: RGB, distance: float) -> RGB:
        """`colour` as it looks through the air at `distance`."""
        return mix(colour, self.haze, self.veil(distance))

    def veil(self, distance: float) -> float:
        """The share of haze in what is seen at `distance`."""
        return 1 - math.exp(-self.haze_density * distance**1.4)


@dataclass(frozen=True, slots=True)
class _Day:
    zenith: RGB
    middle: RGB
    horizon: RGB
    sun: RGB
    ambient: RGB
    elevation: float
    lamps: float


_DAYS = {
    Hour.DAWN: _Day(
        (0.36, 0.47, 0.70), (0.77, 0.70, 0.79), (1.0, 0.80, 0.63), (0.62, 0.42, 0.26), (0.60, 0.57, 0.66), 0.07, 0.25
    ),
    Hour.MORNING: _Day(
        (0.30, 0.54, 0.84), (0.58, 0.77, 0.92), (0.90, 0.93, 0.92), (0.56, 0.50, 0.38), (0.60, 0.64, 0.70), 0.30, 0.0
    ),
    Hour.NOON: _Day(
        (0.15, 0.44, 0.82), (0.42, 0.68, 0.93), (0.80, 0.91, 0.97), (0.58, 0.56, 0.48), (0.60, 0.64, 0.70), 0.60, 0.0
    ),
    Hour.AFTERNOON: _Day(
        (0.24, 0.50, 0.81), (0.54, 0.74, 0.90), (0.94, 0.91, 0.82), (0.60, 0.50, 0.33), (0.58, 0.61, 0.66), 0.26, 0.0
    ),
    Hour.DUSK: _Day(
        (0.24, 0.26, 0.50), (0.74, 0.46, 0.52), (1.0, 0.64, 0.33), (0.66, 0.34, 0.16), (0.46, 0.41, 0.52), 0.05, 0.65
    ),
    Hour.NIGHT: _Day(
        (0.045, 0.075, 0.20), (0.09, 0.16, 0.33), (0.20, 0.30, 0.46), (0.16, 0.20, 0.27), (0.19, 0.25, 0.39), 0.33, 1.0
    ),
}


@dataclass(frozen=True, slots=True)
class _Air:
    """How a weather changes the day: share of grey cover, its brightness, haze, softness, and lamps lit by gloom."""

    cover: float
    brightness: float
    tint: RGB
    haze_density: float
    softness: float
    clouds: float
    lamps: float = 0.0


_AIRS = {
    Weather.SUNNY: _Air(0.0, 1.0, (1, 1, 1), 1.0, 0.0, 0.25),
    Weather.CLOUDY: _Air(0.26, 0.98, (0.96, 0.98, 1.0), 1.15, 0.30, 0.85),
    Weather.WINDY: _Air(0.12, 1.0, (0.97, 0.98, 1.0), 0.9, 0.15, 0.5),
    Weather.OVERCAST: _Air(0.85, 0.90, (0.97, 0.985, 1.0), 1.5, 0.9, 1.0, 0.1),
    Weather.RAIN: _Air(0.86, 0.84, (0.90, 0.96, 1.0), 2.0, 0.95, 1.0, 0.3),
    Weather.THUNDERSTORM: _Air(0.90, 0.52, (0.86, 0.92, 1.06), 1.7, 0.9, 1.0, 0.55),
    Weather.SNOW: _Air(0.84, 1.02, (0.96, 0.98, 1.02), 2.1, 0.9, 1.0, 0.15),
    Weather.FOG: _Air(0.78, 1.14, (0.99, 0.995, 1.0), 3.6, 0.9, 0.5, 0.25),
    Weather.HAZE: _Air(0.86, 1.0, (1.12, 1.0, 0.80), 2.7, 0.65, 0.3, 0.1),
    Weather.SANDSTORM: _Air(0.88, 0.80, (1.22, 0.94, 0.58), 3.2, 0.8, 0.4, 0.2),
}


_CLOSED = (Weather.OVERCAST, Weather.RAIN, Weather.THUNDERSTORM, Weather.SNOW, Weather.FOG, Weather.HAZE)


def lighten(scene: Scene, side: int) -> Light:
    """The light of `scene`, coming from the left (`side` -1) or the right (+1)."""
    day, air = _DAYS[scene.hour], _AIRS[scene.weather]
    if scene.hour is Hour.NIGHT and scene.weather in _CLOSED:
        # Clouds at night are seen by the lights of the land: dim, but blue rather than black.
        air = replace(air, brightness=0.6 + 0.4 * air.brightness, cover=0.55 * air.cover)
    cover = air.cover * (0.75 if scene.hour in (Hour.DAWN, Hour.DUSK) else 1.0)
    zenith, middle, horizon = (_under(colour, day, cover, air) for colour in (day.zenith, day.middle, day.horizon))
    if scene.season is Season.WINTER:
        zenith, middle = mix(zenith, (0.55, 0.66, 0.80), 0.16), mix(middle, (0.78, 0.84, 0.92), 0.2)
        if scene.hour is Hour.NIGHT:
            zenith, middle = _under(day.zenith, day, cover, air), _under(day.middle, day, cover, air)
    dim = 1 - cover * (1 - air.brightness)
    sun = times(day.sun, (dim, dim, dim))
    ambient = times(mix(day.ambient, _grey(day.ambient, 1.02), 0.5 * cover), times(air.tint, (dim, dim, dim)))
    lift = 1 + 0.22 * air.softness
    ambient = times(ambient, (lift, lift, lift))
    if scene.mood in _MOOD_TINTS:
        tint = _MOOD_TINTS[scene.mood]
        horizon, sun, ambient = times(horizon, tint), times(sun, tint), times(ambient, tint)
    return Light(
        zenith=zenith,
        middle=middle,
        horizon=horizon,
        sun=sun,
        ambient=ambient,
        haze=mix(mix(horizon, middle, 0.45), zenith, 0.12),
        haze_density=air.haze_density * (1.12 if scene.hour in (Hour.DAWN, Hour.NIGHT) else 1.0),
        clouds=air.clouds,
        softness=air.softness,
        lamps=min(1.0, max(day.lamps, air.lamps)),
        side=side,
        elevation=day.elevation,
    )


_MOOD_TINTS: dict[Mood | None, RGB] = {
    Mood.JOYFUL: (1.03, 1.01, 0.98),
    Mood.NOSTALGIC: (1.06, 1.0, 0.88),
    Mood.ROMANTIC: (1.06, 0.97, 1.02),
    Mood.LONELY: (0.93, 0.98, 1.05),
    Mood.FESTIVE: (1.06, 1.0, 0.95),
}


def _under(colour: RGB, day: _Day, cover: float, air: _Air) -> RGB:
    """A sky colour behind the weather's cover, which is lit like the average of this hour's sky."""
    whole_sky = mix(mix(day.zenith, day.horizon, 0.62), day.middle, 0.3)
    bright = grey_of(whole_sky) * 1.04 * air.brightness
    veil = times((bright, bright, bright), air.tint)
    # A cover is never perfectly even: a tenth of the open sky's gradient stays.
    return mix(times(colour, (air.brightness,) * 3), mix(veil, whole_sky, 0.14), cover)


def _grey(colour: RGB, gain: float) -> RGB:
    level = grey_of(colour) * gain
    return level, level, level
