"""What the cars are set into: painter's scenes, drawn landscapes and photographs, each with the row of its horizon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from localcloud.painter import paint
from localcloud.painter.composition import Stage
from localcloud.painter.scene import read
from shared.scene_order import PLACE_FOR_A_CAR

WIDTH_PX, HEIGHT_PX = 768, 960
_PHOTOGRAPHS = Path(__file__).parent / "photographs"

#: Prompts of the painter, with their light (of a pack) and the surface of the ground.
SCENES = (
    ("realistic, desert, noon, sunny, summer", "noon", "dry"),
    ("realistic, grassland, yurts, noon, sunny, summer", "noon", "dry"),
    ("realistic, city skyline, night, rain", "night", "wet"),
    ("realistic, snow mountains, winter, snow, afternoon", "overcast", "snow"),
    ("realistic, sea coast, lighthouse, dusk, cloudy", "dusk", "dry"),
    ("watercolour, lake, pagoda, spring, morning", "noon", "dry"),
    ("watercolour, countryside, autumn, rain, afternoon", "overcast", "wet"),
    ("ink wash, karst peaks, river, fog, dawn", "overcast", "dry"),
    ("ink wash, mountains, winter, snow", "overcast", "snow"),
    ("oil painting, old town, dusk, autumn", "dusk", "dry"),
    ("oil painting, city skyline, skyscraper, night", "night", "dry"),
    ("woodblock, sea coast, summer, noon, sunny", "noon", "dry"),
    ("anime, grassland, windmills, summer, noon, sunny", "noon", "dry"),
    ("anime, forest, autumn, overcast", "overcast", "dry"),
)
#: Photographs: name, the turn of a panorama in degrees, the height of the horizon in the picture, the light.
_VIEWS = (
    ("panorama-portland_landing_pad", 60.0, 0.50, "overcast"),
    ("panorama-courtyard", 200.0, 0.48, "noon"),
    ("panorama-ninomaru_teien", 215.0, 0.52, "noon"),
    ("panorama-moonless_golf", 100.0, 0.50, "night"),
    ("panorama-spruit_sunrise", 40.0, 0.46, "noon"),
    ("panorama-venice_sunset", 330.0, 0.50, "dusk"),
)
#: Road photographs: the row of the horizon of 540, where the lane markings meet, and the middle of the cut.
ROADS = {"road-white-right": (306, 560), "road-yellow-curve": (313, 470), "road-white-car": (314, 520)}
#: The panoramas show elevations from this many rows of 512; the horizon is row 256.
_PANORAMA_TOP, _PANORAMA_ROWS = 64, 512


@dataclass(frozen=True, slots=True)
class Background:
    """8-bit sRGB pixels (H, W, 3); `horizon` is its true height in 0..1 from the top."""

    name: str
    pixels: NDArray[np.uint8]
    horizon: float
    light: str
    surface: str = "dry"


def painted(
    prompt: str, seed: int, light: str, surface: str, width: int = WIDTH_PX, height: int = HEIGHT_PX
) -> Background:
    """A scene of the procedural painter, which knows its horizon."""
    asked = f"{prompt}, {PLACE_FOR_A_CAR}"
    plan = Stage.set_up(read(asked), seed, height, width).plan
    return Background(prompt, paint(asked, seed=seed, width=width, height=height), plan.horizon, light, surface)


def panorama_view(name: str, turn_deg: float, horizon: float, light: str, fov_deg: float = 62.0) -> Background:
    """What a level camera with shift sees in a panorama: its horizon is a straight row, by geometry."""
    whole = cv2.cvtColor(cv2.imread(str(_PHOTOGRAPHS / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    focal = WIDTH_PX / 2 / np.tan(np.radians(fov_deg) / 2)
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    right, down = (x + 0.5 - WIDTH_PX / 2) / focal, (y + 0.5 - horizon * HEIGHT_PX) / focal
    azimuth = np.arctan(right) + np.radians(turn_deg)
    elevation = -np.arctan2(down, np.hypot(1.0, right))
    wide = whole.shape[1]
    column = (azimuth / (2 * np.pi) * wide) % wide
    row = _PANORAMA_ROWS * (0.5 - elevation / np.pi) - _PANORAMA_TOP
    seam = np.concatenate([whole, whole[:, :2]], axis=1)
    pixels = cv2.remap(
        seam, column.astype(np.float32), row.astype(np.float32) - 0.5, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return Background(f"{name} {turn_deg:.0f}°", np.asarray(pixels, dtype=np.uint8), horizon, light)


def road(name: str) -> Background:
    """The middle of a photograph of a road, at our size."""
    row, middle = ROADS[name]
    whole = cv2.cvtColor(cv2.imread(str(_PHOTOGRAPHS / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    height = whole.shape[0]
    half = height * WIDTH_PX / HEIGHT_PX / 2
    cut = whole[:, round(middle - half) : round(middle + half)]
    pixels = cv2.resize(cut, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    return Background(name, np.asarray(pixels, dtype=np.uint8), row / height, "noon")


def photographs() -> list[Background]:
    """Nine photographs."""
    return [panorama_view(*each) for each in _VIEWS] + [road(name) for name in ROADS]


def drawn() -> list[Background]:
    """A noon desert road: hard tones, grain, dead level."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    share = 0.5
    below = np.maximum(y / HEIGHT_PX - share, 0.002)
    sky = (
        np.array([0.20, 0.38, 0.80]) * (0.5 + y / HEIGHT_PX)[..., None]
        + np.array([0.25, 0.2, 0.05]) * (y / HEIGHT_PX)[..., None]
    )
    sand = np.array([0.52, 0.38, 0.22]) * (0.7 + 0.5 * below)[..., None]
    asphalt = np.abs(x / WIDTH_PX - 0.5) < 1.3 * below
    ground = np.where(asphalt[..., None], np.array([0.09, 0.09, 0.095]), sand)
    ground = ground * (1 + 0.10 * random.standard_normal((HEIGHT_PX, WIDTH_PX, 1)))
    linear = np.clip(np.where((y < share * HEIGHT_PX)[..., None], sky, ground), 0, 1)
    pixels = np.rint(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
    return [Background("drawn desert road", pixels.astype(np.uint8), share, "noon")]


def all_backgrounds() -> list[Background]:
    """The twenty-four of the benchmark."""
    scenes = [painted(prompt, seed, light, surface) for seed, (prompt, light, surface) in enumerate(SCENES)]
    return scenes + drawn() + photographs()


def few_backgrounds() -> list[Background]:
    """Three unlike ones, for a quick run."""
    prompt, light, surface = SCENES[2]
    return [painted(prompt, 2, light, surface), *drawn(), road("road-yellow-curve")]
