"""Contact sheets to look at: ``python -m benchmarks.composition sheets [--out docs/pictures]``.

Each panel shows a picture as the product makes it, and beside it, enlarged, its badge, an edge of the roof and a wheel
on the ground: ours, and the same car cut out before a white studio and pasted by Pillow and by ComfyUI's node.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.composition.assets import Asset
from benchmarks.composition.backdrops import photographed
from benchmarks.composition.backgrounds import Background, painted, photographs, road
from benchmarks.composition.methods import (
    Job,
    colour_matched,
    comfyui_masked,
    linear_paste,
    pillow_paste,
    seamless_clone,
)
from localcloud.painter.terms import Weather
from shared.pictures.composition.composite import Composition, compose
from shared.pictures.composition.manifest import Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.packs import load_picture, nearest_light
from shared.pictures.composition.place import NoPlace
from shared.styles import load_styles
from shared.workflows import FOLDER

_WHOLE = (384, 480)
_ZOOM_PX, _GAP, _TITLE = 158, 4, 22
_MOST_KIB = 400
#: Panels of one sheet.
_PANELS = 6
_LIGHTS = (
    ("studio", None, "realistic, grassland, noon, cloudy, summer"),
    ("noon", 55.0, "realistic, desert, noon, sunny, summer"),
    ("dusk", 9.0, "realistic, sea coast, lighthouse, dusk"),
    ("overcast", None, "realistic, snow mountains, overcast, autumn"),
    ("night", None, "realistic, city skyline, night"),
)
_SUNNY = {Weather.SUNNY, Weather.CLOUDY, Weather.WINDY}
_WET = {Weather.RAIN, Weather.THUNDERSTORM}


@dataclass(frozen=True, slots=True)
class Shot:
    """One panel: its title, the background, the order, the car and its colour."""

    title: str
    background: Background
    order: SceneOrder
    car: Manifest
    colour: str


def write(folder: Path, cars: list[Manifest], names: list[str] | None = None) -> None:
    """Write every sheet (or those named) as JPEG of at most 400 KiB."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {"styles": _styles, "lights": _lights, "weather": _weather, "photographs": _photographs}
    for name, shots in sheets.items():
        if names is None or name in names:
            panels = [panel for shot in shots(cars) for panel in [_panel(shot)] if panel is not None]
            for number in range(0, len(panels), _PANELS):
                suffix = "" if number == 0 else f"-{number // _PANELS + 1}"
                _save(folder / f"composition-{name}{suffix}.jpg", _rows(panels[number : number + _PANELS], 2))
    if names is None or "methods" in names:
        _save(folder / "composition-methods.jpg", _methods(cars))


def _turns(cars: list[Manifest], number: int) -> tuple[Manifest, str]:
    car = cars[number % len(cars)]
    colours = list(car.colours)
    return car, colours[(number // len(cars) + number % len(cars)) % len(colours)]


def _styles(cars: list[Manifest]) -> Iterable[Shot]:
    scenes = {
        "anime": ("grassland, windmills, summer, noon, sunny", "noon", 50.0),
        "ink_wash": ("karst peaks, river, fog", "overcast", None),
        "oil_painting": ("old town, autumn, dusk", "dusk", 9.0),
        "realistic": ("plateau, noon, sunny", "noon", 50.0),
        "watercolour": ("lake, pagoda, spring, morning", "noon", 35.0),
        "woodblock": ("sea coast, summer, noon, sunny", "noon", 50.0),
    }
    for number, style in enumerate(load_styles(FOLDER / "styles").values()):
        scene, light, sun = scenes.get(style.id, ("countryside, noon, sunny", "noon", 50.0))
        if style.car.flat_light:
            light, sun = "overcast", None
        order = SceneOrder(light, sun, "dry", style.car.texture, budget_delta_e00=style.car.budget_delta_e00)
        yield Shot(style.id, painted(f"{style.phrase}, {scene}", number, light, "dry"), order, *_turns(cars, number))


def _lights(cars: list[Manifest]) -> Iterable[Shot]:
    for number, (light, sun, prompt) in enumerate(_LIGHTS):
        yield Shot(light, painted(prompt, number + 3, light, "dry"), SceneOrder(light, sun), *_turns(cars, number))
    car, colour = _turns(cars, 5)
    light, sun, prompt = _LIGHTS[1]
    low = SceneOrder(light, 25.0, view="side" if "side" in car.views else "auto")
    yield Shot("noon, sun at 25°, side", painted(prompt, 8, light, "dry"), low, car, colour)


def _weather(cars: list[Manifest]) -> Iterable[Shot]:
    for number, weather in enumerate(Weather):
        light = "noon" if weather in _SUNNY else "overcast"
        surface = "snow" if weather is Weather.SNOW else "wet" if weather in _WET else "dry"
        prompt = f"realistic, countryside, afternoon, {weather.value}"
        order = SceneOrder(light, 40.0 if light == "noon" else None, surface)
        yield Shot(
            f"{weather.value}: {surface} ground", painted(prompt, number, light, surface), order, *_turns(cars, number)
        )
    night = painted("realistic, city skyline, night, rain", 2, "night", "wet")
    yield Shot("rain at night: wet ground", night, SceneOrder("night", None, "wet"), *_turns(cars, 1))
    snow = painted("ink wash, mountains, winter, snow", 5, "overcast", "snow")
    yield Shot(
        "ink wash, snow", snow, SceneOrder("overcast", None, "snow", "ink", budget_delta_e00=5.0), *_turns(cars, 2)
    )


def _photographs(cars: list[Manifest]) -> Iterable[Shot]:
    chosen = [each for each in photographs() if "road" not in each.name] + [
        road("road-white-right"),
        road("road-yellow-curve"),
    ]
    for number, background in enumerate(chosen):
        sun = {"noon": 40.0, "dusk": 8.0}.get(background.light)
        yield Shot(background.name, background, SceneOrder(background.light, sun), *_turns(cars, number))


def _panel(shot: Shot) -> NDArray[np.uint8] | None:
    try:
        made = compose(shot.background.pixels, shot.car, shot.colour, shot.order)
    except NoPlace:
        print(f"no place: {shot.title}, {shot.car.model}")
        return None
    job = _job(shot, made)
    pictures = {"ours": made.picture, "Pillow paste": pillow_paste(job), "ComfyUI": comfyui_masked(job)}
    grid = np.vstack([np.hstack([_zoom(each, box) for box in _boxes(made, shot)]) for each in pictures.values()])
    for number, name in enumerate(pictures):
        grid = _written(grid, name, (6, number * _ZOOM_PX + 4))
    whole = cv2.resize(made.picture, _WHOLE, interpolation=cv2.INTER_AREA)
    bottom = np.full((_WHOLE[1], grid.shape[1], 3), 255, np.uint8)
    bottom[: grid.shape[0]] = grid[: _WHOLE[1]]
    return _titled(
        np.hstack([np.asarray(whole, dtype=np.uint8), bottom]), f"{shot.title} ({shot.car.model}, {shot.colour})"
    )


def _job(shot: Shot, made: Composition) -> Job:
    place = made.place
    picture = load_picture(shot.car, place.view_id, shot.colour, nearest_light(shot.car, shot.order.light).light_id)
    asset = Asset("", shot.car, place.view_id, shot.colour, picture.pixels, picture.badge)
    cut = photographed(asset, "white")
    return Job(
        cut,
        shot.background.pixels,
        place.left_px,
        place.top_px,
        place.width_px,
        place.height_px,
        shot.background.pixels,
    )


def _boxes(made: Composition, shot: Shot) -> list[tuple[int, int, int]]:
    """Middle column, middle row and side in pixels of what is enlarged: badge, roof, wheel."""
    place, view = made.place, shot.car.views[made.place.view_id]
    x0, y0, x1, y1 = (place.scale * n for n in view.badge_box)
    badge = (place.left_px + round((x0 + x1) / 2), place.top_px + round((y0 + y1) / 2), 40)
    solid = made.plain.pixels[..., 3] > 0.5
    row = round(place.height_px * 0.10)
    columns = np.flatnonzero(solid[row])
    roof = (place.left_px + int(columns[-1] if columns.size else place.width_px // 2), place.top_px + row, 40)
    wx, wy = view.wheel_contacts[0]
    wheel = (place.left_px + round(wx * place.scale), place.top_px + round(wy * place.scale) - 14, 100)
    return [badge, roof, wheel]


def _zoom(picture: NDArray[np.uint8], box: tuple[int, int, int], size: int = _ZOOM_PX) -> NDArray[np.uint8]:
    x, y, side = box
    height, width = picture.shape[:2]
    left, top = min(max(x - side // 2, 0), width - side), min(max(y - side // 2, 0), height - side)
    part = picture[top : top + side, left : left + side]
    out = np.full((size, size, 3), 255, np.uint8)
    out[:-_GAP, :-_GAP] = cv2.resize(part, (size - _GAP, size - _GAP), interpolation=cv2.INTER_NEAREST)
    return out


def _methods(cars: list[Manifest]) -> NDArray[np.uint8]:
    """All methods on one background of each kind: whole car, badge, edge, wheel."""
    scenes = [painted("realistic, sea coast, lighthouse, dusk, cloudy", 4, "dusk", "dry"), road("road-yellow-curve")]
    columns = []
    for number, background in enumerate(scenes):
        car, colour = _turns(cars, 2 * number + 1)
        sun = {"noon": 40.0, "dusk": 9.0}[background.light]
        shot = Shot("", background, SceneOrder(background.light, sun), car, colour)
        made = compose(background.pixels, car, colour, shot.order)
        job = _job(shot, made)
        named = {
            "ours": made.picture,
            "Pillow paste": pillow_paste(job),
            "ComfyUI ImageCompositeMasked": comfyui_masked(job),
            "paste in linear light": linear_paste(job),
            "OpenCV seamlessClone": seamless_clone(job),
            "colour match (MKL)": colour_matched(job),
        }
        place = made.place
        y0 = max(place.top_px - 30, 0)
        cells = []
        for name, picture in named.items():
            part = picture[
                y0 : place.top_px + place.height_px + 60,
                max(place.left_px - 60, 0) : place.left_px + place.width_px + 60,
            ]
            width = round(part.shape[1] * 220 / part.shape[0])
            car_part = cv2.resize(part, (width, 220), interpolation=cv2.INTER_AREA)
            zooms = [_zoom(picture, box, 220) for box in _boxes(made, shot)]
            cells.append(_titled(np.hstack([car_part, *zooms]), name))
        columns.append(np.vstack(cells))
    height = min(each.shape[0] for each in columns)
    return np.hstack([each[:height] for each in columns])


def _rows(panels: list[NDArray[np.uint8]], across: int) -> NDArray[np.uint8]:
    width, height = max(p.shape[1] for p in panels), panels[0].shape[0]
    blank = np.full((height, width, 3), 255, np.uint8)
    padded = panels + [blank] * (-len(panels) % across)
    return np.vstack([np.hstack(padded[n : n + across]) for n in range(0, len(padded), across)])


def _titled(picture: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    bar = np.full((_TITLE, picture.shape[1], 3), 255, np.uint8)
    return _written(np.vstack([bar, picture]), title, (4, 2), (0, 0, 0), size=16)


def _written(
    picture: NDArray[np.uint8],
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int] = (255, 255, 255),
    size: int = 13,
) -> NDArray[np.uint8]:
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    outline = 0 if colour == (0, 0, 0) else 2
    draw.text(at, text, fill=colour, font=ImageFont.load_default(size), stroke_width=outline, stroke_fill=(0, 0, 0))
    return np.array(image)


def _save(file: Path, picture: NDArray[np.uint8]) -> None:
    image = Image.fromarray(picture)
    for quality in range(90, 30, -4):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, subsampling=0, optimize=True)
        if len(out.getvalue()) <= _MOST_KIB * 1024:
            break
    file.write_bytes(out.getvalue())
    print(f"{file} {picture.shape[1]}×{picture.shape[0]} {len(out.getvalue()) // 1024} KiB")
