"""The shape of the first generation: a fictitious electric saloon, 4.75 m x 1.86 m x 1.45 m, drawn with functions.

The body is one implicit solid (profile, plan and section curves, blended); windows, lamps and shut-lines are cut into
its mesh as real edges. Only the right half (y > 0) is made; the other is its mirror image.
"""

from __future__ import annotations

import numpy as np
from badges import badge, road_and_horizon
from car import Badge, Car, Paint, Part, View
from furniture import cabin, plate
from shell import (
    FAR,
    Mark,
    dressed,
    from_above,
    from_ahead,
    from_side,
    gap,
    inset,
    leaning,
    mirrors,
    normal_at,
    round_front,
    round_rear,
    surface_x,
    surface_y,
)
from solids import Plane, bell, curve, polygon, ramp, rounded, smax, smin, step
from wheels import Rim, wheels

LENGTH_M, WIDTH_M, HEIGHT_M = 4.75, 1.86, 1.45
AXLES_X_M = (0.87, 3.67)
WHEEL_RADIUS_M = 0.348  # 245/45 R19
TYRE_MIDDLE_Y_M = 0.795
_ARCH_M = 0.377


# ------------------------------------------------------------------------------------------------ curves (metres)

_half_width = curve((-0.1, 0.82), (0.4, 0.900), (0.87, 0.924), (1.6, 0.921), (2.3, 0.922), (3.0, 0.926), (3.67, 0.93),
                    (4.2, 0.897), (4.75, 0.80))  # fmt: skip
_crease = curve((0.5, 0.735), (1.5, 0.80), (2.6, 0.835), (3.7, 0.875), (4.75, 0.90))
_bonnet = curve((-0.1, 0.60), (0.04, 0.678), (0.2, 0.742), (0.5, 0.816), (0.9, 0.886), (1.3, 0.938), (1.7, 0.960),
                (2.4, 0.965), (3.2, 0.99), (3.8, 1.025), (4.2, 1.046), (4.5, 1.052), (4.75, 1.068))  # fmt: skip
_nose = curve((0.10, 0.13), (0.18, 0.06), (0.28, 0.02), (0.42, 0.002), (0.55, 0.0), (0.64, 0.02), (0.74, 0.09),
              (0.9, 0.25))  # fmt: skip
_tail = curve((0.12, 4.42), (0.22, 4.58), (0.34, 4.69), (0.47, 4.735), (0.6, 4.735), (0.8, 4.708), (0.95, 4.712),
              (1.05, 4.735), (1.2, 4.775))  # fmt: skip
_floor = curve((0.0, 0.165), (0.8, 0.17), (2.3, 0.175), (3.7, 0.185), (4.3, 0.22), (4.75, 0.30))
_canopy = curve((0.85, 0.78), (1.2, 0.962), (1.6, 1.170), (1.95, 1.335), (2.25, 1.423), (2.6, 1.450), (3.0, 1.424),
                (3.4, 1.345), (3.8, 1.228), (4.2, 1.088), (4.5, 0.985))  # fmt: skip
_canopy_half_width = curve((1.2, 0.775), (1.8, 0.80), (2.5, 0.805), (3.1, 0.785), (3.7, 0.725), (4.2, 0.64))


def _wheel_distance(x: Plane, z: Plane) -> Plane:
    return np.minimum(*(np.hypot(x - axle, z - WHEEL_RADIUS_M) for axle in AXLES_X_M))


def _flank(x: Plane, y: Plane, z: Plane) -> Plane:
    below = _crease(x) - z
    doors = step(x, 0.9, 1.7) * (1.0 - step(x, 2.9, 3.7))
    section = -0.34 * ramp(-below, 0.012)
    section -= (0.004 + 0.012 * doors) * np.square(np.sin(np.pi * np.clip(below / 0.40, 0.0, 1.0)))
    section -= 0.030 * np.square(np.clip(below / 0.45, 0.0, None))
    section -= 0.45 * ramp(0.27 - z, 0.02)
    section += 0.014 * bell(_wheel_distance(x, z) - _ARCH_M - 0.01, 0.065)
    return np.abs(y) - _half_width(x) + 0.009 - section


def _deck(x: Plane, y: Plane, z: Plane) -> Plane:
    side = np.abs(y)
    front = 1.0 - step(x, 1.1, 1.7)
    crown = -0.055 * np.square(side / 0.8) + 0.020 * front * bell(side - 0.70, 0.14)
    crease = -0.05 * front * ramp(0.44 + 0.13 * (x - 0.2) - side, 0.010) * step(x, 0.0, 0.5) * 0.5
    return z - _bonnet(x) - crown - crease


def _front(x: Plane, y: Plane, z: Plane) -> Plane:
    sweep = 0.135 * np.power(np.abs(y) / 0.8, 2.3)
    recess = 0.035 * step(-_intake(np.abs(y), z), 0.0, 0.016) + 0.022 * step(-_curtain(np.abs(y), z), 0.0, 0.016)
    return _nose(z) + sweep + recess - x


def _rear(x: Plane, y: Plane, z: Plane) -> Plane:
    return x - _tail(z) - 0.010 + 0.165 * np.power(np.abs(y) / 0.8, 2.2)


def _lower(x: Plane, y: Plane, z: Plane) -> Plane:
    shoulder = 0.10 + 0.06 * (1.0 - step(x, 0.6, 1.5)) + 0.02 * step(x, 3.6, 4.3)
    body = smax(_flank(x, y, z), _deck(x, y, z), shoulder)
    body = smax(body, _front(x, y, z), 0.16)
    body = smax(body, _rear(x, y, z), 0.09)
    return smax(body, _floor(x) - z, 0.05)


def _canopy_top(x: Plane, y: Plane, z: Plane) -> Plane:
    return 0.88 * (z - _canopy(_along_canopy(x, y)) + 0.065 * np.square(y / 0.62))


def _along_canopy(x: Plane, y: Plane) -> Plane:
    """x of the centre line that a point of the curved windscreen or rear window belongs to."""
    return x - 0.27 * np.square(y / 0.75) * (1.0 - step(x, 1.5, 2.7)) + 0.24 * np.square(y / 0.75) * step(x, 2.9, 4.0)


def _canopy_side(x: Plane, y: Plane, z: Plane) -> Plane:
    up = z - 0.95
    return 0.92 * (np.abs(y) - _canopy_half_width(x) + 0.36 * up + 0.22 * np.square(np.clip(up, 0.0, None)))


def _shell(x: Plane, y: Plane, z: Plane) -> Plane:
    canopy = smax(_canopy_top(x, y, z), _canopy_side(x, y, z), 0.085)
    canopy = smax(canopy, np.maximum(0.7 - z, x - 4.4), 0.01)
    body = smin(_lower(x, y, z), canopy, 0.022 + 0.10 * step(x, 3.5, 4.1))
    well = smax(_wheel_distance(x, z) - _ARCH_M, 0.50 - np.abs(y), 0.03)
    return smax(body, -well, 0.014)


# -------------------------------------------------------------------------------------------- lines on the surface

# fmt: off
_intake = polygon([(-0.7, 0.235), (0.56, 0.235), (0.655, 0.345), (0.56, 0.385), (-0.7, 0.385)], 0.02)
_curtain = polygon([(0.69, 0.27), (0.735, 0.27), (0.775, 0.52), (0.745, 0.52)], 0.008)
_side_window = polygon(rounded([(1.50, 0.955), (1.53, 0.985), (1.68, 1.062), (1.90, 1.180), (2.10, 1.283),
    (2.24, 1.338), (2.42, 1.362), (2.70, 1.366), (3.00, 1.345), (3.35, 1.272), (3.65, 1.175), (3.81, 1.095),
    (3.83, 1.055), (3.72, 1.034), (3.2, 1.006), (2.4, 0.975), (1.8, 0.960)]))
_front_door = polygon([(1.60, 0.30), (1.505, 0.62), (1.475, 0.83), (1.55, 0.94), (1.80, 1.00), (2.10, 1.10),
    (2.40, 1.24), (2.55, 1.29), (2.60, 0.98), (2.60, 0.30)], 0.05)
_rear_door = polygon([(2.606, 0.30), (2.606, 0.98), (2.606, 1.30), (3.0, 1.28), (3.36, 1.20), (3.62, 1.06),
    (3.57, 0.86), (3.44, 0.74), (3.27, 0.58), (3.18, 0.40), (3.14, 0.30)], 0.05)
_bonnet_outline = polygon(rounded([(0.185, -0.8), (0.185, 0.0), (0.188, 0.28), (0.225, 0.52), (0.30, 0.635),
    (0.45, 0.685), (0.9, 0.715), (1.32, 0.725), (1.6, 0.70), (1.6, -0.8)]))
_boot_outline = polygon([(4.1, -0.6), (4.1, 0.50), (4.3, 0.58), (4.9, 0.62), (4.9, -0.6)], 0.04)
_lamp = polygon(rounded([(0.465, 0.640), (0.465, 0.604), (0.62, 0.592), (0.80, 0.590), (0.93, 0.606), (1.06, 0.640),
    (1.20, 0.676), (1.30, 0.712), (1.31, 0.728), (1.20, 0.726), (1.05, 0.712), (0.90, 0.690), (0.72, 0.661),
    (0.60, 0.645)]), 0.003)
_light_strip = polygon(rounded([(0.49, 0.632), (0.49, 0.619), (0.62, 0.622), (0.76, 0.636), (0.92, 0.664),
    (1.06, 0.688), (1.20, 0.705), (1.265, 0.717), (1.19, 0.717), (1.05, 0.703), (0.91, 0.681), (0.75, 0.651),
    (0.62, 0.636)]))
_brow = polygon([(-0.5, 0.634), (-0.5, 0.616), (0.50, 0.610), (0.50, 0.634)], 0.002)
_tail_lamp = polygon(rounded([(-0.6, 0.945), (-0.6, 0.885), (0.0, 0.885), (0.60, 0.883), (0.90, 0.881),
    (1.16, 0.900), (1.36, 0.945), (1.37, 0.958), (1.25, 0.962), (1.00, 0.960), (0.60, 0.952), (0.0, 0.947)]))
_handles = [polygon([(x, 0.845), (x + 0.21, 0.853), (x + 0.21, 0.880), (x, 0.872)], 0.011) for x in (2.30, 3.17)]
# fmt: on


def _windscreen(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_side(x, y, z) - _canopy_top(x, y, z) + 0.050
    return np.maximum.reduce([pillar, 1.21 - _along_canopy(x, y), _along_canopy(x, y) - 2.03, 0.020 - _lower(x, y, z)])


def _side_frame(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_top(x, y, z) - _canopy_side(x, y, z) - 0.002
    return np.maximum(_side_window(x, z), pillar)


def _rear_window(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_side(x, y, z) - _canopy_top(x, y, z) + 0.060
    return np.maximum.reduce([pillar, 3.17 - _along_canopy(x, y), _along_canopy(x, y) - 4.12, 0.03 - _lower(x, y, z)])


def _side_glass(x: Plane, y: Plane, z: Plane) -> Plane:
    """Both panes within their frame, without the pillar between them."""
    return np.maximum(_side_frame(x, y, z) + 0.020, 0.05 - np.abs(x - 2.60 + 0.05 * (z - 1.0)))


def _skirt(x: Plane, _y: Plane, z: Plane) -> Plane:
    return z - 0.238 - 0.15 * step(x, 4.0, 4.5)


def _arch_lip(x: Plane, _y: Plane, z: Plane) -> Plane:
    return _wheel_distance(x, z) - _ARCH_M - 0.004


def _marks() -> list[Mark]:
    """All that covers the paint, later ones over earlier ones."""
    flank, above_skirt = (0.5, 9.0), (0.2, 9.0)
    canopy, pane = (FAR, FAR, (0.85, 9.0)), (FAR, (0.4, 9.0), (0.9, 9.0))
    nose, tail = ((-9.0, 0.72), FAR, FAR), ((4.1, 9.0), FAR, FAR)
    gaps = [
        *((from_side(outline), 0.0030, ((0.6, 4.5), flank, above_skirt)) for outline in (_front_door, _rear_door)),
        *((from_side(outline), 0.0022, ((0.6, 4.5), flank, above_skirt)) for outline in _handles),
        (from_above(_bonnet_outline), 0.0030, ((-9.0, 1.45), FAR, (0.66, 9.0))),
        (from_above(_boot_outline), 0.0030, ((3.9, 9.0), FAR, (0.96, 9.0))),
        (leaning(0.535, 0.35), 0.0025, ((-9.0, 0.8), (0.6, 9.0), (0.30, 0.70))),
        (leaning(4.13, 0.5), 0.0025, ((3.9, 9.0), (0.6, 9.0), (0.30, 0.90))),
    ]
    return [
        *(gap(line, half, box) for line, half, box in gaps),
        Mark("gloss", _side_frame, None, pane),
        Mark("glass", _side_glass, None, pane),
        Mark("gloss", _windscreen, None, canopy),
        Mark("screen", inset(_windscreen, 0.025), None, canopy),
        Mark("gloss", _rear_window, None, canopy),
        Mark("glass", inset(_rear_window, 0.03), None, canopy),
        Mark("gloss", from_ahead(_brow), None, nose),
        Mark("gloss", round_front(_lamp), None, nose),
        Mark("light", round_front(_light_strip), None, nose),
        Mark("tail_lamp", round_rear(_tail_lamp, LENGTH_M), None, tail),
        Mark("tail_light", inset(round_rear(_tail_lamp, LENGTH_M), 0.020), None, tail),
        Mark("plastic", from_ahead(_intake), None, nose),
        Mark("plastic", from_ahead(_curtain), None, nose),
        Mark("plastic", _skirt, None, (FAR, FAR, FAR)),
        Mark("plastic", _arch_lip, None, (FAR, FAR, (-9.0, 0.8))),
    ]


# ------------------------------------------------------------------------------------------------------------ parts


def parts(step_m: float) -> list[Part]:
    """Everything but the badges."""
    fine = min(step_m, 0.006) * 0.55
    front = np.array([surface_x(_shell, 0.0, 0.47) - 0.012, 0.0, 0.475])
    return [
        *dressed(_shell, _marks(), (-0.05, 0.0, 0.12), (4.85, 1.0, 1.5), step_m),
        *mirrors(),
        *wheels(Rim(spokes=5, pair_half_m=0.014), fine, AXLES_X_M, TYRE_MIDDLE_Y_M, WHEEL_RADIUS_M),
        *cabin(),
        *plate(front),
    ]


def badges() -> dict[str, Badge]:
    """The badges on the nose and behind the front wheels: a road in a hexagonal frame."""
    nose = np.array([surface_x(_shell, 0.0, 0.672), 0.0, 0.672])
    side = np.array([1.385, surface_y(_shell, 1.385, 0.735), 0.735])
    flip = np.array([1.0, -1.0, 1.0])
    normal = normal_at(_shell, side)
    return {
        "nose": badge(road_and_horizon, nose, normal_at(_shell, nose), 0.112),
        "left": badge(road_and_horizon, side * flip, normal * flip, 0.085),
        "right": badge(road_and_horizon, side, normal, 0.085),
    }


CAR = Car(
    model="gen1",
    names=("一代", "First generation"),
    length_m=LENGTH_M,
    width_m=WIDTH_M,
    height_m=HEIGHT_M,
    axles_x_m=AXLES_X_M,
    wheel_radius_m=WHEEL_RADIUS_M,
    tyre_middle_y_m=TYRE_MIDDLE_Y_M,
    ground_clearance_m=0.165,
    parts=parts,
    badges=badges,
    enamel=(0.004, 0.022, 0.055),
    glass=(0.20, 0.215, 0.215),
    paints={
        "black": Paint(("墨黑", "Ink black"), (0.0055, 0.0057, 0.0065), 0.0, 0.35),
        "white": Paint(("雪山白", "Snow white"), (0.66, 0.66, 0.655), 0.0, 0.45),
        "red": Paint(("中国红", "China red"), (0.36, 0.0045, 0.007), 0.25, 0.36),
    },
    views={
        "three_quarter": View(36.0, 9.5, 2.4, "nose", half_frame_m=2.25, shift=-0.045, middle_m=0.44, aspect=0.55),
        "side": View(90.0, 16.0, 1.6, "left", half_frame_m=2.60, shift=0.0, middle_m=0.68, aspect=0.36),
    },
)
