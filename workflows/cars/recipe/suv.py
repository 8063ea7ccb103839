"""The shape of Yuanshan, a fictitious electric SUV, 4.72 m x 1.93 m x 1.70 m, drawn with functions.

A high bonnet, an upright tail under a spoiler, black cladding around the arches, and rails on the roof.
"""

from __future__ import annotations

import numpy as np
from badges import badge, peaks
from car import Badge, Car, Paint, Part, View, both, moved, unit
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
    surface_z,
)
from solids import Plane, bell, curve, gradient, mesh, polygon, ramp, rounded, smax, smin, step
from wheels import Rim, wheels

LENGTH_M, WIDTH_M, HEIGHT_M = 4.72, 1.93, 1.70
AXLES_X_M = (0.90, 3.76)
WHEEL_RADIUS_M = 0.376  # 255/50 R20 and its wear
TYRE_MIDDLE_Y_M = 0.815
_ARCH_M = 0.412

# ------------------------------------------------------------------------------------------------ curves (metres)

_half_width = curve((-0.1, 0.885), (0.4, 0.938), (0.9, 0.958), (1.6, 0.948), (2.3, 0.948), (3.0, 0.952), (3.76, 0.963),
                    (4.3, 0.944), (4.72, 0.895))  # fmt: skip
_crease = curve((0.3, 0.945), (1.5, 0.975), (2.6, 0.995), (3.7, 1.020), (4.72, 1.035))
_bonnet = curve((-0.1, 0.925), (0.04, 0.962), (0.2, 1.000), (0.5, 1.045), (0.9, 1.082), (1.3, 1.110), (1.7, 1.122),
                (2.4, 1.125), (3.2, 1.135), (4.0, 1.145), (4.72, 1.150))  # fmt: skip
_nose = curve((0.14, 0.17), (0.22, 0.08), (0.32, 0.025), (0.45, 0.004), (0.62, 0.0), (0.80, 0.006), (0.90, 0.030),
              (0.98, 0.075), (1.1, 0.17))  # fmt: skip
_tail = curve((0.16, 4.44), (0.26, 4.58), (0.38, 4.68), (0.52, 4.715), (0.70, 4.715), (0.90, 4.690), (1.05, 4.665),
              (1.20, 4.630))  # fmt: skip
_floor = curve((0.0, 0.225), (0.8, 0.205), (2.3, 0.200), (3.7, 0.215), (4.3, 0.26), (4.72, 0.33))
_canopy = curve((0.85, 0.86), (1.15, 1.045), (1.45, 1.245), (1.75, 1.435), (2.0, 1.560), (2.25, 1.630), (2.6, 1.660),
                (3.0, 1.664), (3.5, 1.652), (4.0, 1.628), (4.5, 1.592))  # fmt: skip
_canopy_half_width = curve((1.2, 0.835), (1.8, 0.862), (2.5, 0.868), (3.2, 0.860), (3.8, 0.838), (4.3, 0.800),
                           (4.7, 0.76))  # fmt: skip
_tailgate = curve((0.9, 4.68), (1.10, 4.645), (1.25, 4.580), (1.40, 4.490), (1.52, 4.405), (1.62, 4.335))


def _wheel_distance(x: Plane, z: Plane) -> Plane:
    return np.minimum(*(np.hypot(x - axle, z - WHEEL_RADIUS_M) for axle in AXLES_X_M))


def _flank(x: Plane, y: Plane, z: Plane) -> Plane:
    below = _crease(x) - z
    doors = step(x, 1.0, 1.7) * (1.0 - step(x, 3.0, 3.7))
    section = -0.42 * ramp(-below, 0.010)
    section -= (0.004 + 0.014 * doors) * np.square(np.sin(np.pi * np.clip(below / 0.46, 0.0, 1.0)))
    section -= 0.022 * np.square(np.clip(below / 0.60, 0.0, None))
    section -= 0.40 * ramp(0.33 - z, 0.02)
    # Haunches over the wheels, flat on top.
    section += 0.020 * bell(_wheel_distance(x, z) - _ARCH_M - 0.02, 0.085)
    return np.abs(y) - _half_width(x) + 0.009 - section


def _deck(x: Plane, y: Plane, z: Plane) -> Plane:
    side = np.abs(y)
    front = 1.0 - step(x, 1.2, 1.8)
    crown = -0.045 * np.square(side / 0.8) + 0.022 * front * bell(side - 0.66, 0.13)
    dome = -0.030 * front * ramp(0.40 + 0.11 * (x - 0.2) - side, 0.010) * step(x, 0.0, 0.5)
    return z - _bonnet(x) - crown - dome


def _front(x: Plane, y: Plane, z: Plane) -> Plane:
    sweep = 0.150 * np.power(np.abs(y) / 0.85, 2.6)
    recess = 0.030 * step(-_intake(np.abs(y), z), 0.0, 0.016) + 0.014 * step(-_grille(np.abs(y), z), 0.0, 0.014)
    recess = recess + 0.020 * step(-_pod(np.abs(y) + 0.75 * x, z), 0.0, 0.012)
    chin = 0.020 * step(z, 0.28, 0.34) * (1.0 - step(z, 0.40, 0.44))
    return _nose(z) + sweep + recess - chin * 0.4 - x


def _rear(x: Plane, y: Plane, z: Plane) -> Plane:
    return x - _tail(z) - 0.005 + 0.120 * np.power(np.abs(y) / 0.85, 2.6)


def _lower(x: Plane, y: Plane, z: Plane) -> Plane:
    shoulder = 0.085 + 0.05 * (1.0 - step(x, 0.6, 1.5))
    body = smax(_flank(x, y, z), _deck(x, y, z), shoulder)
    body = smax(body, _front(x, y, z), 0.11)
    body = smax(body, _rear(x, y, z), 0.08)
    return smax(body, _floor(x) - z, 0.05)


def _along_canopy(x: Plane, y: Plane) -> Plane:
    """x of the centre line that a point of the curved windscreen belongs to."""
    return x - 0.22 * np.square(y / 0.78) * (1.0 - step(x, 1.6, 2.7))


def _canopy_top(x: Plane, y: Plane, z: Plane) -> Plane:
    return 0.88 * (z - _canopy(_along_canopy(x, y)) + 0.050 * np.square(y / 0.62))


def _canopy_side(x: Plane, y: Plane, z: Plane) -> Plane:
    up = z - 1.05
    return 0.95 * (np.abs(y) - _canopy_half_width(x) + 0.25 * up + 0.16 * np.square(np.clip(up, 0.0, None)))


def _canopy_rear(x: Plane, y: Plane, z: Plane) -> Plane:
    """The tailgate's glass, and the spoiler above it."""
    spoiler = 0.135 * step(z, 1.545, 1.575)
    return 0.9 * (x - _tailgate(z) - spoiler + 0.100 * np.power(np.abs(y) / 0.75, 2.4))


def _shell(x: Plane, y: Plane, z: Plane) -> Plane:
    canopy = smax(_canopy_top(x, y, z), _canopy_side(x, y, z), 0.075)
    canopy = smax(canopy, _canopy_rear(x, y, z), 0.035)
    canopy = smax(canopy, 0.98 - z, 0.01)
    body = smin(_lower(x, y, z), canopy, 0.040)
    well = smax(_wheel_distance(x, z) - _ARCH_M, 0.50 - np.abs(y), 0.03)
    return smax(body, -well, 0.014)


# -------------------------------------------------------------------------------------------- lines on the surface

# fmt: off
_intake = polygon([(-0.7, 0.345), (0.50, 0.345), (0.60, 0.415), (0.56, 0.485), (-0.7, 0.485)], 0.02)
_grille = polygon([(-0.7, 0.665), (0.50, 0.665), (0.545, 0.715), (0.535, 0.835), (-0.7, 0.835)], 0.02)
_pod = polygon([(0.715, 0.600), (0.865, 0.630), (0.880, 0.795), (0.700, 0.795)], 0.025)
_pod_lamps = [polygon([(0.742, z), (0.838, z + 0.005), (0.842, z + 0.048), (0.738, z + 0.048)], 0.010)
              for z in (0.655, 0.728)]
_side_window = polygon(rounded([(1.52, 1.108), (1.565, 1.138), (1.80, 1.290), (2.05, 1.440), (2.20, 1.512),
    (2.40, 1.548), (2.80, 1.562), (3.30, 1.556), (3.80, 1.534), (4.10, 1.500), (4.20, 1.475), (4.26, 1.420),
    (4.33, 1.280), (4.335, 1.225), (4.25, 1.200), (3.95, 1.172), (3.2, 1.145), (2.4, 1.125), (1.8, 1.112)]))
_front_door = polygon([(1.66, 0.40), (1.575, 0.70), (1.555, 0.95), (1.60, 1.07), (1.85, 1.15), (2.10, 1.30),
    (2.40, 1.45), (2.60, 1.48), (2.66, 1.12), (2.66, 0.40)], 0.05)
_rear_door = polygon([(2.666, 0.40), (2.666, 1.12), (2.666, 1.48), (3.1, 1.48), (3.50, 1.40), (3.71, 1.20),
    (3.665, 1.00), (3.52, 0.86), (3.36, 0.72), (3.26, 0.55), (3.22, 0.40)], 0.05)
_bonnet_outline = polygon(rounded([(0.155, -0.85), (0.155, 0.0), (0.16, 0.35), (0.205, 0.62), (0.30, 0.735),
    (0.50, 0.775), (0.9, 0.790), (1.32, 0.790), (1.6, 0.77), (1.6, -0.85)]))
_band = polygon([(-0.9, 0.905), (-0.9, 0.862), (0.50, 0.862), (1.02, 0.872), (1.06, 0.888), (1.02, 0.905)], 0.008)
_light_bar = polygon([(-0.9, 0.8905), (-0.9, 0.8785), (0.50, 0.8785), (1.00, 0.8845), (1.00, 0.8935)], 0.001)
_tail_lamp = polygon(rounded([(-0.6, 1.040), (-0.6, 0.975), (0.0, 0.975), (0.90, 0.978), (1.15, 0.985),
    (1.22, 1.000), (1.22, 1.030), (1.15, 1.045), (0.90, 1.045), (0.0, 1.040)]))
_sunroof = polygon([(2.28, -0.6), (2.28, 0.47), (3.75, 0.47), (3.75, -0.6)], 0.05)
_rear_glass = polygon([(-0.6, 1.175), (0.57, 1.175), (0.53, 1.50), (-0.6, 1.50)], 0.04)
_handles = [polygon([(x, 0.918), (x + 0.20, 0.924), (x + 0.20, 0.952), (x, 0.946)], 0.011) for x in (2.38, 3.26)]
# fmt: on


def _windscreen(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_side(x, y, z) - _canopy_top(x, y, z) + 0.045
    return np.maximum.reduce([pillar, 1.24 - _along_canopy(x, y), _along_canopy(x, y) - 2.16, 0.020 - _lower(x, y, z)])


def _side_frame(x: Plane, y: Plane, z: Plane) -> Plane:
    pillar = _canopy_top(x, y, z) - _canopy_side(x, y, z) - 0.002
    return np.maximum(_side_window(x, z), pillar)


def _side_glass(x: Plane, y: Plane, z: Plane) -> Plane:
    """Three panes within their frame, without the pillars between them."""
    lean = 0.05 * (z - 1.1)
    pillars = np.maximum(0.045 - np.abs(x - 2.66 + lean), 0.040 - np.abs(x - 3.66 - 0.30 * (z - 1.1)))
    return np.maximum(_side_frame(x, y, z) + 0.020, pillars)


def _skirt(x: Plane, _y: Plane, z: Plane) -> Plane:
    """The black lower edge: the chin, the sills with the doors' lowest part, the apron."""
    sills = step(x, 1.0, 1.4) * (1.0 - step(x, 3.25, 3.65))
    return z - 0.335 - 0.085 * sills - 0.10 * step(x, 4.0, 4.4)


def _arch_lip(x: Plane, _y: Plane, z: Plane) -> Plane:
    return _wheel_distance(x, z) - _ARCH_M - 0.058


def _marks() -> list[Mark]:
    """All that covers the paint, later ones over earlier ones."""
    flank, above_skirt = (0.5, 9.0), (0.43, 9.0)
    canopy, pane = (FAR, FAR, (0.95, 9.0)), (FAR, (0.4, 9.0), (1.0, 9.0))
    nose, tail = ((-9.0, 0.62), FAR, FAR), ((4.1, 9.0), FAR, FAR)
    gaps = [
        *((from_side(outline), 0.0032, ((0.6, 4.5), flank, above_skirt)) for outline in (_front_door, _rear_door)),
        *((from_side(outline), 0.0022, ((0.6, 4.5), flank, above_skirt)) for outline in _handles),
        (from_above(_bonnet_outline), 0.0032, ((-9.0, 1.45), FAR, (0.915, 9.0))),
        (leaning(0.46, 0.25), 0.0025, ((-9.0, 0.8), (0.6, 9.0), (0.40, 0.86))),
        (leaning(4.20, 0.35), 0.0025, ((3.9, 9.0), (0.6, 9.0), (0.40, 0.97))),
    ]
    return [
        *(gap(line, half, box) for line, half, box in gaps),
        Mark("gloss", _side_frame, None, pane),
        Mark("glass", _side_glass, None, pane),
        Mark("gloss", _windscreen, None, canopy),
        Mark("screen", inset(_windscreen, 0.025), None, canopy),
        Mark("gloss", from_above(_sunroof), None, (FAR, FAR, (1.56, 9.0))),
        Mark("gloss", from_ahead(_rear_glass), None, ((4.2, 9.0), FAR, (1.1, 1.54))),
        Mark("glass", inset(from_ahead(_rear_glass), 0.03), None, ((4.2, 9.0), FAR, (1.1, 1.54))),
        Mark("gloss", round_front(_band), None, nose),
        Mark("light", round_front(_light_bar), None, nose),
        Mark("gloss", from_ahead(_grille), None, nose),
        Mark("gloss", round_front(_pod), None, nose),
        *(Mark("light", round_front(lamp), None, nose) for lamp in _pod_lamps),
        Mark("tail_lamp", round_rear(_tail_lamp, LENGTH_M), None, tail),
        Mark("tail_light", inset(round_rear(_tail_lamp, LENGTH_M), 0.020), None, tail),
        Mark("plastic", from_ahead(_intake), None, nose),
        Mark("plastic", _skirt, None, (FAR, FAR, FAR)),
        Mark("plastic", _arch_lip, None, (FAR, FAR, (-9.0, 0.90))),
    ]


# ------------------------------------------------------------------------------------------------------------ parts


def _rails() -> list[Part]:
    """The rails on the roof: bowed tubes that come down to it at both ends."""
    at_x = np.linspace(2.30, 4.20, 12)
    at_y = [surface_y(_shell, float(x), float(_canopy(x)) - 0.135) - 0.075 for x in at_x]
    along = curve(*((float(x), y) for x, y in zip(at_x, at_y, strict=True)))
    roof = curve(*((float(x), surface_z(_shell, float(x), y)) for x, y in zip(at_x, at_y, strict=True)))

    def rail(x: Plane, y: Plane, z: Plane) -> Plane:
        ends = np.minimum(x - 2.36, 4.14 - x)
        lift = 0.038 * step(ends, 0.0, 0.20)
        tube = smax(np.abs(y - along(x)) - 0.016, np.abs(z - roof(x) - lift) - 0.012, 0.014)
        return smax(tube, -ends, 0.01)

    made = mesh(rail, (2.30, 0.40, 1.45), (4.22, 0.80, 1.76), 0.005)
    return both("satin", made, unit(gradient(rail, made.points)))


def parts(step_m: float) -> list[Part]:
    """Everything but the badges."""
    fine = min(step_m, 0.006) * 0.55
    front = np.array([surface_x(_shell, 0.0, 0.555) - 0.012, 0.0, 0.570])
    return [
        *dressed(_shell, _marks(), (-0.05, 0.0, 0.14), (4.82, 1.06, 1.74), step_m),
        *moved(mirrors(), (0.08, 0.035, 0.150), 1.12, about=(1.66, 0.90, 1.0)),
        *_rails(),
        *wheels(Rim(6, 0.020, rim_half_m=0.050, half_width_m=0.0145), fine, AXLES_X_M, TYRE_MIDDLE_Y_M, WHEEL_RADIUS_M),
        *moved(cabin(), (0.10, 0.0, 0.16), 1.0),
        *plate(front),
    ]


def badges() -> dict[str, Badge]:
    """The badges on the grille and behind the front wheels: two peaks in a roundel."""
    nose = np.array([surface_x(_shell, 0.0, 0.752), 0.0, 0.752])
    side = np.array([1.440, surface_y(_shell, 1.440, 0.845), 0.845])
    flip = np.array([1.0, -1.0, 1.0])
    normal = normal_at(_shell, side)
    return {
        "nose": badge(peaks, nose, normal_at(_shell, nose), 0.140),
        "left": badge(peaks, side * flip, normal * flip, 0.105),
        "right": badge(peaks, side, normal, 0.105),
    }


CAR = Car(
    model="suv",
    names=("远山 SUV", "Yuanshan SUV"),
    length_m=LENGTH_M,
    width_m=WIDTH_M,
    height_m=HEIGHT_M,
    axles_x_m=AXLES_X_M,
    wheel_radius_m=WHEEL_RADIUS_M,
    tyre_middle_y_m=TYRE_MIDDLE_Y_M,
    ground_clearance_m=0.200,
    parts=parts,
    badges=badges,
    enamel=(0.40, 0.008, 0.010),
    glass=(0.36, 0.38, 0.375),
    paints={
        "black": Paint(("曜石黑", "Obsidian black"), (0.0055, 0.0057, 0.0065), 0.0, 0.35),
        "white": Paint(("云海白", "Cloud white"), (0.66, 0.66, 0.655), 0.0, 0.45),
        "blue": Paint(("湖泊蓝", "Lake blue"), (0.012, 0.060, 0.210), 0.35, 0.34),
    },
    views={
        "three_quarter": View(36.0, 9.5, 2.4, "nose", half_frame_m=2.38, shift=-0.045, middle_m=0.50, aspect=0.60),
        "side": View(90.0, 16.0, 1.6, "left", half_frame_m=2.60, shift=0.0, middle_m=0.82, aspect=0.40),
    },
)
