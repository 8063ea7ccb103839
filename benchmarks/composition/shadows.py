"""The car's shadow on the ground against rays cast at the same solids.

What is true here is geometry: which part of the sun's disc and of a uniform sky each point of the ground sees past the
car's documented solids (`proxy.solids`). How much of the light the sun has is the product's own model
(`ground.sun_share`) and not judged. The rays know nothing of the product's maps, projections and blurs: pixels become
points of the ground by the pinhole camera of the manifest, and rays are held against triangles (Möller and Trumbore,
1997).
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.composition.backgrounds import Background
from benchmarks.composition.measures import Tally, differences, light_of, shown
from benchmarks.composition.report import Report
from shared.pictures.composition.composite import over
from shared.pictures.composition.ground import sun_share, with_car_on_it
from shared.pictures.composition.layer import Layer, prepared
from shared.pictures.composition.light import quantised, to_linear
from shared.pictures.composition.manifest import STUDIO, Light, Manifest
from shared.pictures.composition.order import SceneOrder
from shared.pictures.composition.packs import CarPicture, load_picture
from shared.pictures.composition.place import NoPlace, Place, find_place
from shared.pictures.composition.proxy import solids

TABLE = "The ground around the car against cast rays (ΔE00 in the shadow zone)"
#: The sun: where it stands to the car (degrees; 0 before the nose, 90 at its left) and how high. None: no sun.
SUNS: tuple[tuple[float, float] | None, ...] = (
    (115.0, 55.0),
    (115.0, 30.0),
    (60.0, 40.0),
    (-100.0, 60.0),
    (78.0, 12.0),
    None,
)
_DISC_DEG = 0.533
#: Pixels whose ground keeps more of its light than this are outside the shadow zone.
_SHADED = 0.97
_EDGES = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))


def measure(report: Report, cars: list[Manifest], backgrounds: list[Background], *, small: bool) -> None:
    """Fill the rows: every view of every car, under suns and under a grey sky."""
    print(f"\n{TABLE}")
    suns = (SUNS[0], None) if small else SUNS
    points, rays = (250, 256) if small else (700, 1024)
    sunny = {name: Tally() for name in ("ours", "no shadow", "blurred blob")}
    grey = {name: Tally() for name in sunny}
    worst: dict[str, Tally] = {}
    for car in cars:
        for view in list(car.views)[: 1 if small else None]:
            for background in backgrounds:
                for sun in suns:
                    case = _case(car, view, background, sun)
                    if case is None:
                        continue
                    found = _scored(*case, sun, points, rays)
                    name = "grey sky" if sun is None else f"sun {sun[0]:.0f}° round, {sun[1]:.0f}° high"
                    for method, values in found.items():
                        (grey if sun is None else sunny)[method].add(values)
                    worst.setdefault(name, Tally()).add(found["ours"])
    report.add(TABLE, "in sun, mean", sunny["ours"].mean, "", 2.5)
    report.add(TABLE, "under a grey sky, mean", grey["ours"].mean, "", 1.0)
    report.add(TABLE, "in sun, worst picture's mean", sunny["ours"].worst_mean)
    lines = [["", "in sun mean / p95", "grey sky mean / p95"]]
    for name, tally in sunny.items():
        lines.append([name, *(f"{each.mean:.2f} / {each.percentile(95):.2f}" for each in (tally, grey[name]))])
    report.compare("Shadow zone (ΔE00 to the rays)", lines)
    report.compare(
        "Shadow zone, ours by light (ΔE00)",
        [
            ["light", "mean", "p95"],
            *([name, f"{each.mean:.2f}", f"{each.percentile(95):.2f}"] for name, each in worst.items()),
        ],
    )


def _case(
    car: Manifest, view: str, background: Background, sun: tuple[float, float] | None
) -> tuple[Background, CarPicture, Layer, Place] | None:
    try:
        place = find_place(background.pixels, car, view)
    except NoPlace:
        return None
    colour = next(iter(car.colours))
    light = Light("noon", "正午", "Noon", *sun) if sun else Light("overcast", "阴天", "Overcast")
    picture = replace(load_picture(car, view, colour, STUDIO), light=light)
    return background, picture, prepared(picture, place), place


def _scored(
    background: Background,
    picture: CarPicture,
    layer: Layer,
    place: Place,
    sun: tuple[float, float] | None,
    points: int,
    rays: int,
) -> dict[str, NDArray[np.float32]]:
    order = SceneOrder(light=picture.light.light_id, sun_elevation_deg=sun[1] if sun else None)
    plate = background.pixels
    ground = with_car_on_it(to_linear(plate), picture, layer, place, order)
    rows, columns, share = _truth(plate, picture, layer, place, sun, points, rays)
    truth = shown(light_of(plate)[rows, columns] * share)[None]
    zone = np.ones((1, len(rows)), bool)
    methods = {
        "ours": quantised(over(layer, place, ground)),
        "no shadow": plate,
        "blurred blob": _blob(plate, layer, place),
    }
    return {name: differences(made[rows, columns][None], truth, zone) for name, made in methods.items()}


def _blob(plate: NDArray[np.uint8], layer: Layer, place: Place) -> NDArray[np.uint8]:
    """What people draw: the car's silhouette, flattened, blurred and half dark below the wheels."""
    mask = np.zeros(plate.shape[:2], np.float32)
    flat = cv2.resize(
        layer.pixels[..., 3], (place.width_px, max(place.height_px // 4, 1)), interpolation=cv2.INTER_AREA
    )
    y0 = min(place.top_px + place.height_px - flat.shape[0] * 3 // 4, len(plate) - 1)
    part = mask[y0 : y0 + flat.shape[0], place.left_px : place.left_px + place.width_px]
    part[:] = flat[: part.shape[0], : part.shape[1]]
    dark = 1.0 - 0.6 * cv2.GaussianBlur(mask, (0, 0), place.width_px / 50)
    return np.rint(plate * dark[..., None]).astype(np.uint8)


def _truth(
    plate: NDArray[np.uint8],
    picture: CarPicture,
    layer: Layer,
    place: Place,
    sun: tuple[float, float] | None,
    points: int,
    rays: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Rows, columns (N,) of pixels in the shadow zone, and the share of its light (N, 3) that each keeps."""
    height, width = plate.shape[:2]
    free = np.ones((height, width), bool)
    free[place.top_px : place.top_px + place.height_px, place.left_px : place.left_px + place.width_px] = (
        layer.pixels[..., 3] < 0.004
    )
    top = math.ceil(place.horizon_y_px) + 6
    margin = place.width_px // 2
    near = np.zeros_like(free)
    near[
        max(top, place.top_px) : place.top_px + place.height_px + margin // 2,
        max(place.left_px - margin, 0) : place.left_px + place.width_px + margin,
    ] = True
    rows, columns = np.nonzero(free & near)
    random = np.random.default_rng(11)
    # A first look with few rays finds the zone, the second casts many at a sample of it.
    chosen = random.permutation(len(rows))[: points * 12]
    rough = _light_kept(picture, place, rows[chosen], columns[chosen], sun, 64, random)
    inside = chosen[rough.min(axis=1) < _SHADED][:points]
    share = _light_kept(picture, place, rows[inside], columns[inside], sun, rays, random)
    return rows[inside], columns[inside], share


def _light_kept(
    picture: CarPicture,
    place: Place,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    sun: tuple[float, float] | None,
    rays: int,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    at = _on_ground(picture, place, rows, columns)
    triangles = np.concatenate([_triangles(solid) for solid in solids(picture.manifest)])
    sky = _seen(at, triangles, _sky(len(at), rays, random))[:, None]
    if sun is None:
        return np.repeat(sky, 3, axis=1)
    lit = _seen(at, triangles, _disc(len(at), sun, max(rays // 8, 32), random))[:, None]
    share = sun_share(sun[1]).astype(np.float64)
    return share * lit + (1.0 - share) * sky


def _on_ground(
    picture: CarPicture, place: Place, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Car coordinates (N, 3) of the ground in pixels: x to the nose from the front axle, y to the left, z up."""
    view, car = picture.view, picture.manifest
    scale = place.width_px / view.size_px[0]

    def ground(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        ahead = view.focal_px * view.camera_height_m / (y - view.horizon_y)
        return np.stack([(x - view.axis_x) * ahead / view.focal_px, ahead], axis=-1)

    seen = ground((columns + 0.5 - place.left_px) / scale, (rows + 0.5 - place.top_px) / scale)
    wheels = np.array(view.wheel_contacts)
    front, rear = ground(wheels[:, 0], wheels[:, 1])
    nose = (front - rear) / np.linalg.norm(front - rear)
    left = np.array([-nose[1], nose[0]])
    near = 1.0 if -front @ left > 0 else -1.0
    axle = front - near * left * car.track_m / 2
    return np.stack([(seen - axle) @ nose, (seen - axle) @ left, np.zeros(len(seen))], axis=-1)


def _triangles(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(12, 3, 3): the faces of a solid of eight corners, in halves."""
    return np.array([corners[list(half)] for a, b, c, d in _EDGES for half in ((a, b, c), (a, c, d))])


def _sky(points: int, rays: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Directions (N, R, 3) into the upper half, as Lambert's law weighs them, one in each cell of a grid."""
    side = round(math.sqrt(rays))
    u = (np.arange(side)[:, None] + random.random((points, side, side))) / side
    v = (np.arange(side)[None] + random.random((points, side, side))) / side
    radius, angle = np.sqrt(u).reshape(points, -1), 2 * np.pi * v.reshape(points, -1)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], axis=-1).astype(
        np.float32
    )


def _disc(points: int, sun: tuple[float, float], rays: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Directions (N, R, 3) to the sun's disc."""
    turn, up = np.radians(sun)
    middle = np.array([math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up)])
    aside = np.array([-math.sin(turn), math.cos(turn), 0.0])
    above = np.cross(middle, aside)
    radius = math.radians(_DISC_DEG) / 2 * np.sqrt(random.random((points, rays, 1)))
    angle = 2 * np.pi * random.random((points, rays, 1))
    return (middle + radius * (np.cos(angle) * aside + np.sin(angle) * above)).astype(np.float32)


def _seen(at: NDArray[np.float64], triangles: NDArray[np.float64], rays: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share (N,) of the rays (N, R, 3) from points (N, 3) that meet no triangle."""
    blocked = np.zeros(rays.shape[:2], bool)
    for a, b, c in triangles.astype(np.float32):
        e1, e2 = b - a, c - a
        p = np.cross(rays, e2)
        det = p @ e1
        det = np.where(np.abs(det) < 1e-9, np.float32(1e-9), det)
        t = at.astype(np.float32) - a
        u = np.einsum("nrk,nk->nr", p, t) / det
        q = np.cross(t, e1)
        v = np.einsum("nrk,nk->nr", rays, q) / det
        reach = (q @ e2)[:, None] / det
        blocked |= (u >= 0) & (v >= 0) & (u + v <= 1) & (reach > 1e-4)
    return 1.0 - blocked.mean(axis=1)
