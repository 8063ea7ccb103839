"""Pictures of which it is known whether the gate must let them pass.

Good pictures are what the product makes, as it may arrive (exact, with a code of noise, from another build whose
rounding differs). Bad ones have one planted defect each, in several strengths. The bounds were chosen while looking
at the defects in `TUNED` only; those in `UNSEEN` were written afterwards and never used to move a bound. What the
gate does not claim to see is not planted: a wrong alpha in the asset (the import's check), a badly painted background
(the judge).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from localcloud.painter import paint
from shared.pictures.composition.composite import Composition, compose, finished, over
from shared.pictures.composition.light import quantised, to_linear, to_srgb
from shared.pictures.composition.manifest import read_manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.place import NoPlace
from shared.pictures.inspection.car import inspect_car
from shared.pictures.inspection.limits import Limits
from shared.pictures.inspection.whole import inspect_whole
from shared.scene_order import PLACE_FOR_A_CAR
from shared.workflows import FOLDER

Bytes = NDArray[np.uint8]

#: What is painted, and the light and ground that fit it.
SCENES: tuple[tuple[str, str, str, str], ...] = (
    ("杭州西湖，初夏正午，水彩", "noon", "dry", "watercolour"),
    ("三亚海边，椰子树，黄昏，油画", "dusk", "dry", "oil"),
    ("大漠戈壁，正午，写实", "noon", "dry", "none"),
    ("雪山草甸，下午，动画", "noon", "dry", "anime"),
    ("内蒙古草原，夏天，蓝天白云，写实", "noon", "dry", "none"),
    ("古城老街，夜，写实", "night", "dry", "none"),
    ("东北村庄，雪，阴天，水彩", "overcast", "snow", "watercolour"),
    ("漓江山水，大雾，水墨", "overcast", "dry", "ink"),
    ("城市夜景，雨夜，写实", "night", "wet", "none"),
    ("丽江古城，秋天，黄昏，版画", "dusk", "dry", "woodblock"),
    ("海岸公路，多云，写实", "noon", "dry", "none"),
    ("江南水乡，细雨，水彩", "overcast", "wet", "watercolour"),
    ("黄山，阴天，水墨", "overcast", "dry", "ink"),
    ("稻田，春天，下午，油画", "noon", "dry", "oil"),
    ("峡谷公路，秋天，红叶，动画", "noon", "dry", "anime"),
    ("长城，雪，阴天，写实", "overcast", "snow", "none"),
    ("青海湖，油菜花，正午，版画", "noon", "dry", "woodblock"),
    ("乡村公路，秋天，黄昏，写实", "dusk", "dry", "none"),
    ("沙漠星空，夜，油画", "night", "dry", "oil"),
    ("天池，冬天，正午，写实", "noon", "dry", "none"),
    ("苏州园林，春天，阴天，版画", "overcast", "dry", "woodblock"),
    ("海边灯塔，暴风雨，写实", "overcast", "wet", "none"),
    ("竹林小路，清晨，水墨", "overcast", "dry", "ink"),
    ("草原日落，动画", "dusk", "dry", "anime"),
)
_SUN_DEG = {"noon": 50.0, "dusk": 9.0}


@dataclass(frozen=True)
class Case:
    """A picture that was made, and everything it was made of."""

    plate: Bytes
    order: SceneOrder
    made: Composition

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the car is in the picture."""
        place = self.made.place
        return (
            slice(place.top_px, place.top_px + place.height_px),
            slice(place.left_px, place.left_px + place.width_px),
        )

    @property
    def body(self) -> NDArray[np.bool_]:
        """The car's opaque pixels in its window."""
        return self.made.layer.pixels[..., 3] > 0.99

    def with_layer(self, pixels: NDArray[np.float32], *, locked: bool = True) -> Bytes:
        """The picture with another car in it, on the same ground."""
        layer = replace(self.made.layer, pixels=pixels)
        if not locked:
            layer = replace(layer, lock=np.zeros_like(layer.lock))
        return finished(over(layer, self.made.place, self.made.ground), layer, self.made.place)


Plant = Callable[[Case], Bytes]


def _only(case: Case, mask: NDArray[np.bool_], change: Callable[[Bytes], Bytes]) -> Bytes:
    """The picture with a change where the mask (H, W) is."""
    out = case.made.picture.copy()
    out[mask] = change(out)[mask]
    return out


def _car_only(case: Case, change: Callable[[Bytes], Bytes]) -> Bytes:
    mask = np.zeros(case.plate.shape[:2], bool)
    mask[case.window] = case.body
    return _only(case, mask, change)


def _hue(degrees: float) -> Plant:
    def change(picture: Bytes) -> Bytes:
        hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + round(degrees / 2)) % 180
        hsv[..., 1] = np.clip(hsv[..., 1].astype(int) + 25, 0, 255)
        return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.uint8)

    return lambda case: _only(case, case.made.badge_mask, change)


def _badge_blur(sigma: float) -> Plant:
    return lambda case: _only(case, case.made.badge_mask, lambda p: np.asarray(cv2.GaussianBlur(p, (0, 0), sigma)))


def _badge_erased(case: Case) -> Bytes:
    mask = cv2.dilate(case.made.badge_mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.inpaint(case.made.picture, mask, 3, cv2.INPAINT_TELEA), dtype=np.uint8)


def _moved(pixels: int) -> Plant:
    def plant(case: Case) -> Bytes:
        place = replace(case.made.place, left_px=case.made.place.left_px + pixels)
        return finished(over(case.made.layer, place, case.made.ground), case.made.layer, place)

    return plant


def _straight(case: Case) -> NDArray[np.float32]:
    pixels = case.made.layer.pixels
    return np.asarray(to_srgb(pixels[..., :3] / np.maximum(pixels[..., 3:], 1e-3)), dtype=np.float32)


def _wrong_light(case: Case) -> Bytes:
    """Soft pixels and glass blended as codes, as most tools do."""
    ground = to_srgb(quantised_float(case.made.ground))
    out = ground.copy()
    alpha = case.made.layer.pixels[..., 3:]
    out[case.window] = alpha * _straight(case) + (1 - alpha) * ground[case.window]
    picture = np.rint(out * 255).astype(np.uint8)
    mask = case.made.badge_mask
    picture[mask] = case.made.picture[mask]
    return picture


def quantised_float(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light after a trip through 8 bits."""
    return to_linear(quantised(linear))


def _no_shadow(case: Case) -> Bytes:
    return finished(over(case.made.layer, case.made.place, to_linear(case.plate)), case.made.layer, case.made.place)


def _blur(sigma: float) -> Plant:
    return lambda case: np.asarray(cv2.GaussianBlur(case.made.picture, (0, 0), sigma), dtype=np.uint8)


def _jpeg(quality: int) -> Plant:
    def plant(case: Case) -> Bytes:
        _, stored = cv2.imencode(".jpg", case.made.picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.ascontiguousarray(cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1])

    return plant


def _watermark(share: float) -> Plant:
    def plant(case: Case) -> Bytes:
        text = case.made.picture.copy()
        cv2.putText(text, "SAMPLE stock", (180, 160), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (255, 255, 255), 3, cv2.LINE_AA)
        return np.asarray(cv2.addWeighted(case.made.picture, 1 - share, text, share, 0), dtype=np.uint8)

    return plant


def _matched(share: float) -> Plant:
    """The car's colours drawn towards the background's mean and spread (Reinhard et al., 2001)."""

    def change(case: Case) -> Callable[[Bytes], Bytes]:
        def inner(picture: Bytes) -> Bytes:
            lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
            other = cv2.cvtColor(case.plate, cv2.COLOR_RGB2LAB).astype(np.float32).reshape(-1, 3)
            car = lab[case.window][case.body]
            moved = (lab - car.mean(axis=0)) / (car.std(axis=0) + 1) * other.std(axis=0) + other.mean(axis=0)
            mixed = np.clip(lab + share * (moved - lab), 0, 255).astype(np.uint8)
            return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB), dtype=np.uint8)

        return inner

    return lambda case: _car_only(case, change(case))


def _repainted(case: Case) -> Bytes:
    return _car_only(case, lambda p: np.asarray(cv2.bilateralFilter(p, 9, 40, 5), dtype=np.uint8))


TUNED: dict[str, Plant] = {
    "badge hue +16": _hue(16),
    "badge hue +40": _hue(40),
    "badge blurred 0.8": _badge_blur(0.8),
    "badge blurred 1.5": _badge_blur(1.5),
    "badge erased": _badge_erased,
    "car moved 2 px": _moved(2),
    "car moved 5 px": _moved(5),
    "blended as codes": _wrong_light,
    "no shadow": _no_shadow,
    "blurred 1.0": _blur(1.0),
    "JPEG 70 4:2:0": _jpeg(70),
    "watermark 15 %": _watermark(0.15),
    "watermark 40 %": _watermark(0.40),
    "colour match 40 %": _matched(0.4),
    "colour match 100 %": _matched(1.0),
    "car repainted": _repainted,
    "blank": lambda case: np.full_like(case.plate, 127),
}


def _halo(add: int) -> Plant:
    def plant(case: Case) -> Bytes:
        covered = np.zeros(case.plate.shape[:2], np.uint8)
        covered[case.window] = case.made.layer.pixels[..., 3] > 0.5
        kernel = np.ones((3, 3), np.uint8)
        ring = cv2.dilate(covered, kernel) != cv2.erode(covered, kernel)
        out = case.made.picture.astype(int)
        out[ring] += add
        return np.clip(out, 0, 255).astype(np.uint8)

    return plant


def _alpha(change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Plant:
    def plant(case: Case) -> Bytes:
        pixels = case.made.layer.pixels
        alpha = np.asarray(change(np.ascontiguousarray(pixels[..., 3])), dtype=np.float32)[..., np.newaxis]
        colour = pixels[..., :3] / np.maximum(pixels[..., 3:], 1e-3)
        return case.with_layer(np.dstack([np.clip(colour, 0, 1) * alpha, alpha]))

    return plant


def _floating(case: Case) -> Bytes:
    place = replace(case.made.place, top_px=case.made.place.top_px - 10)
    return finished(over(case.made.layer, place, case.made.ground), case.made.layer, place)


def _scaled(share: float) -> Plant:
    def plant(case: Case) -> Bytes:
        place = case.made.place
        width, height = round(place.width_px * share), round(place.height_px * share)
        pixels = np.asarray(cv2.resize(case.made.layer.pixels, (width, height), interpolation=cv2.INTER_AREA))
        other = replace(place, width_px=width, height_px=height)
        empty = np.zeros((height, width), bool)
        layer = replace(case.made.layer, pixels=pixels, lock=empty, locked=np.zeros((height, width, 3), np.uint8))
        return finished(over(layer, other, case.made.ground), layer, other)

    return plant


def _gamma(power: float) -> Plant:
    table = np.rint(255 * (np.arange(256) / 255) ** power).astype(np.uint8)
    return lambda case: _car_only(case, lambda p: table[p])


def _cast(shift: tuple[int, int, int]) -> Plant:
    return lambda case: np.clip(case.made.picture.astype(int) + shift, 0, 255).astype(np.uint8)


def _second_car(case: Case) -> Bytes:
    out = case.made.picture.copy()
    car = cv2.resize(out[case.window], None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    y = case.made.place.top_px - car.shape[0] - 20
    out[y : y + car.shape[0], 40 : 40 + car.shape[1]] = car
    return out


def _sharpened(case: Case) -> Bytes:
    soft = cv2.GaussianBlur(case.made.picture, (0, 0), 1.2)
    return np.asarray(cv2.addWeighted(case.made.picture, 1.8, soft, -0.8, 0), dtype=np.uint8)


def _mirrored_badge(case: Case) -> Bytes:
    out = case.made.picture.copy()
    rows, columns = np.nonzero(case.made.badge_mask)
    count, labels = cv2.connectedComponents(case.made.badge_mask.astype(np.uint8))
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        out[box] = out[box][:, ::-1]
    return out


def _turned_badge(case: Case) -> Bytes:
    out = case.made.picture.copy()
    count, labels = cv2.connectedComponents(case.made.badge_mask.astype(np.uint8))
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        out[box] = out[box][::-1, ::-1]
    return out


def _cloned(case: Case) -> Bytes:
    mask = np.zeros(case.plate.shape[:2], np.uint8)
    mask[case.window] = (case.made.layer.pixels[..., 3] > 0.5) * 255
    x, y, w, h = cv2.boundingRect(mask)
    middle = (x + w // 2, y + h // 2)
    return np.asarray(cv2.seamlessClone(case.made.picture, case.plate, mask, middle, cv2.NORMAL_CLONE), dtype=np.uint8)


def _heavier_shadow(case: Case) -> Bytes:
    bare = to_linear(case.plate)
    share = case.made.ground / np.maximum(bare, 1e-4)
    ground = bare * np.clip(share, 0, 1) ** 2.2
    return finished(over(case.made.layer, case.made.place, ground.astype(np.float32)), case.made.layer, case.made.place)


def _noisy(case: Case) -> Bytes:
    noise = np.random.default_rng(5).normal(0, 6, case.plate.shape)
    return np.clip(case.made.picture + noise, 0, 255).astype(np.uint8)


def _enlarged(case: Case) -> Bytes:
    height, width = case.plate.shape[:2]
    small = cv2.resize(case.made.picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


UNSEEN: dict[str, Plant] = {
    "badge mirrored": _mirrored_badge,
    "badge upside down": _turned_badge,
    "bright halo": _halo(28),
    "dark halo": _halo(-28),
    "alpha eroded 1 px": _alpha(lambda a: cv2.erode(a, np.ones((3, 3)))),
    "alpha dilated 1 px": _alpha(lambda a: cv2.dilate(a, np.ones((3, 3)))),
    "binary alpha": _alpha(lambda a: (a > 0.5).astype(np.float32)),
    "floating": _floating,
    "3 % smaller": _scaled(0.97),
    "car gamma 1.15": _gamma(1.15),
    "colour cast": _cast((6, 0, -6)),
    "second car": _second_car,
    "sharpened": _sharpened,
    "seamlessClone": _cloned,
    "shadow too heavy": _heavier_shadow,
    "noise": _noisy,
    "half resolution": _enlarged,
    "WebP-like 4:2:0, 90": _jpeg(90),
}


def _as_it_is(case: Case) -> Bytes:
    return case.made.picture


def _code_of_noise(case: Case) -> Bytes:
    noise = np.random.default_rng(7).integers(-1, 2, case.plate.shape)
    out = np.clip(case.made.picture + noise, 0, 255).astype(np.uint8)
    out[case.made.badge_mask] = case.made.picture[case.made.badge_mask]
    return out


def _other_rounding(case: Case) -> Bytes:
    """The same composite by another build: no dither, plain rounding."""
    linear = over(case.made.layer, case.made.place, case.made.ground)
    return np.rint(to_srgb(linear) * 255).astype(np.uint8)


def _drifted(case: Case) -> Bytes:
    """The same composite from an asset that another decoder read a thousandth brighter."""
    return case.with_layer(np.minimum(case.made.layer.pixels * np.float32(1.001), 1.0))


GOOD: dict[str, Plant] = {
    "exact": _as_it_is,
    "a code of noise": _code_of_noise,
    "another rounding": _other_rounding,
    "another decoder": _drifted,
}


def failed_metrics(case: Case, picture: Bytes) -> list[str]:
    """The names of the metrics that fail."""
    limits = Limits()
    whole = inspect_whole(picture, case.plate.shape[1], case.plate.shape[0], limits)
    found = inspect_car(picture, case.plate, case.made, case.order, limits)
    return [metric.name for metric in (*whole, *found.metrics) if not metric.passed]


def cases(count: int) -> list[Case]:
    """`count` backgrounds, each with every car of the repository in two of its colours, in turn."""
    made = []
    cars = [read_manifest(file.parent) for file in sorted((FOLDER / "cars").glob("*/car.toml"))]
    for number in range(count):
        prompt, light, surface, texture = SCENES[number % len(SCENES)]
        plate = paint(f"{prompt}, {PLACE_FOR_A_CAR}", seed=number)
        order = SceneOrder(light, _SUN_DEG.get(light), surface, texture, budget_delta_e00=4.0)
        for car in cars:
            colours = list(car.colours)
            for colour in (colours[number % len(colours)], colours[(number + 1) % len(colours)]):
                try:
                    made.append(Case(plate, order, compose(plate, car, colour, order)))
                except NoPlace:
                    print(f"no place for {car.model} in: {prompt}")
    return made
