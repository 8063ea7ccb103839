"""What is put on and into the shell: wheels, seats, number plate, and the badge: a road in a hexagonal frame."""

from __future__ import annotations

import numpy as np
from gen1 import AXLES_X_M, TYRE_MIDDLE_Y_M, WHEEL_RADIUS_M, Part, normal_at, surface_x, surface_y
from solids import Field, Plane, curve, cut, gradient, mesh, polygon, smax, smin, step

_SPOKES = 5
_TYRE_HALF_WIDTH_M = 0.118
BADGE_WIDTH_M = 0.112
SIDE_BADGE_WIDTH_M = 0.085

_face = curve((0.0, 0.078), (0.07, 0.076), (0.13, 0.070), (0.19, 0.080), (0.235, 0.102), (0.26, 0.108))


def _solid(
    material: str, solid: Field, low: tuple[float, float, float], high: tuple[float, float, float], step_m: float
) -> Part:
    made = mesh(solid, low, high, step_m)
    slope = gradient(solid, made.points)
    return Part(
        material, made.points, slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12), made.faces
    )


# ------------------------------------------------------------------------- wheels: x forward, y outward, z up, at 0


def _arms(x: Plane, z: Plane) -> Plane:
    """Distance to the spokes as seen along the axle: five pairs that open towards the rim."""
    radius, angle = np.hypot(x, z), np.arctan2(x, z)
    sector = 2 * np.pi / _SPOKES
    folded = np.abs((angle + sector / 2) % sector - sector / 2)
    u, v = radius * np.cos(folded), radius * np.sin(folded)
    lean = np.arctan2(0.062 - 0.014, 0.245 - 0.05)
    across = (v - 0.014) * np.cos(lean) - (u - 0.05) * np.sin(lean)
    arms = np.abs(across) - (0.0125 + 0.004 * step(radius, 0.16, 0.25))
    return smin(arms, radius - 0.062, 0.03)


def _rim(x: Plane, y: Plane, z: Plane) -> Plane:
    radius = np.hypot(x, z)
    depth = y - _face(radius)
    face = smax(smax(_arms(x, z), depth, 0.007), -depth - 0.034, 0.006)
    face = smax(face, radius - 0.248, 0.004)
    bowl = smax(np.abs(radius - 0.246) - 0.0055, np.abs(y) - 0.108, 0.004)
    lip = smax(np.abs(radius - 0.2515) - 0.007, np.abs(y - 0.1085) - 0.0055, 0.006)
    whole = smin(smin(face, bowl, 0.010), lip, 0.004)
    bolts = np.full(np.broadcast(x, z).shape, 1.0)
    for k in range(_SPOKES):
        turn = 2 * np.pi * (k + 0.5) / _SPOKES
        bolts = np.minimum(bolts, np.hypot(x - 0.052 * np.sin(turn), z - 0.052 * np.cos(turn)) - 0.0085)
    bolts = np.maximum(bolts, 0.06 - y)
    hub = np.maximum(np.abs(radius - 0.031) - 0.0012, 0.072 - y)
    return smax(smax(whole, -bolts, 0.003), -hub, 0.002)


def _tyre(x: Plane, y: Plane, z: Plane) -> Plane:
    radius = np.hypot(x, z)
    u, v = (radius - 0.298) / 0.0515, y / 0.122
    ring = 0.05 * (np.power(np.abs(u) ** 4.5 + np.abs(v) ** 4.5, 1 / 4.5) - 1.0)
    ring = smax(ring, radius - WHEEL_RADIUS_M, 0.02)
    for groove in (-0.055, -0.018, 0.018, 0.055):
        ring = smax(ring, -np.maximum(np.abs(y - groove) - 0.004, WHEEL_RADIUS_M - 0.007 - radius), 0.003)
    # A raised rib guards the rim, as on most road tyres.
    return ring - 0.0022 * np.exp(-np.square((radius - 0.272) / 0.004))


def _disc(x: Plane, y: Plane, z: Plane) -> Plane:
    radius = np.hypot(x, z)
    plate = np.maximum(np.maximum(radius - 0.185, 0.085 - radius), np.abs(y - 0.030) - 0.013)
    return np.minimum(plate, np.maximum(radius - 0.088, np.abs(y - 0.02) - 0.035))


def _caliper(x: Plane, y: Plane, z: Plane) -> Plane:
    radius, angle = np.hypot(x, z), np.arctan2(z - 0.01, x)
    block = np.maximum(np.maximum(radius - 0.205, 0.125 - radius), np.abs(y - 0.030) - 0.034)
    return smax(block, 0.16 * (np.abs(angle) - 0.42), 0.015)


def _machined(x: Plane, y: Plane, z: Plane) -> Plane:
    """Negative on the faces of the spokes and the lip, which are turned bright; the flanks stay dark."""
    radius = np.hypot(x, z)
    return np.minimum(_face(radius) - 0.0026 - y, np.maximum(0.2485 - radius, 0.104 - y))


def _rim_parts(step_m: float) -> list[Part]:
    whole = cut(mesh(_rim, (-0.27, -0.12, -0.27), (0.27, 0.13, 0.27), step_m), _machined)
    slope = gradient(_rim, whole.points)
    normals = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
    x, y, z = whole.centres()
    bright = _machined(x, y, z) < 0.0
    bowl = ~bright & (y < 0.03)
    kinds = {"rim_bright": bright, "rim_inside": bowl, "rim": ~bright & ~bowl}
    return [Part(name, whole.points, normals, whole.faces[which]) for name, which in kinds.items()]


def wheels(step_m: float) -> list[Part]:
    """Four wheels on their places; ``step_m`` is the mesh size of rims and tyres."""
    reach = 0.37
    made = [
        *_rim_parts(step_m),
        _solid("tyre", _tyre, (-reach, -0.14, -reach), (reach, 0.14, reach), step_m * 1.4),
        _solid("disc", _disc, (-0.2, -0.05, -0.2), (0.2, 0.08, 0.2), 0.004),
        _solid("caliper", _caliper, (-0.01, -0.02, -0.2), (0.22, 0.08, 0.2), 0.004),
    ]
    parts = []
    for axle in AXLES_X_M:
        for side in (-1.0, 1.0):
            turn = 0.35 if axle < 2 else 0.9
            for part in made:
                # The caliper stands behind the axle line of its hub; only what turns with the wheel is turned.
                spin = 0.0 if part.material == "caliper" else turn
                c, s = np.cos(spin), np.sin(spin)
                matrix = np.array([[c, 0, s], [0, side, 0], [-s, 0, c]])
                place = np.array([axle, side * TYRE_MIDDLE_Y_M, WHEEL_RADIUS_M])
                faces = part.faces if side > 0 else part.faces[:, ::-1]
                parts.append(Part(part.material, part.points @ matrix.T + place, part.normals @ matrix.T, faces))
    return parts


# ---------------------------------------------------------------------------------------------------------- cabin


def _block(
    centre: tuple[float, float, float], half: tuple[float, float, float], radius: float, lean: float = 0.0
) -> Field:
    def solid(x: Plane, y: Plane, z: Plane) -> Plane:
        u = x - centre[0] - lean * (z - centre[2])
        q = [
            np.abs(a - b) - h + radius
            for a, b, h in ((u, 0.0, half[0]), (y, centre[1], half[1]), (z, centre[2], half[2]))
        ]
        outside = np.sqrt(sum(np.square(np.maximum(a, 0.0)) for a in q))
        return outside + np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0.0) - radius

    return solid


def cabin() -> list[Part]:
    """Seats, dashboard, steering wheel and floor: what shows as silhouettes through the glass."""
    blocks = [
        _block((1.74, 0.0, 0.77), (0.28, 0.64, 0.12), 0.06, -0.4),
        _block((2.75, 0.0, 0.40), (1.30, 0.74, 0.05), 0.03),
        _block((3.45, 0.0, 0.86), (0.09, 0.62, 0.24), 0.07, 0.45),
        _block((3.85, 0.0, 0.98), (0.32, 0.60, 0.03), 0.02, 0.0),
    ]
    for y in (-0.37, 0.37):
        blocks.append(_block((2.50, y, 0.82), (0.075, 0.25, 0.30), 0.07, 0.40))
        blocks.append(_block((2.665, y, 1.20), (0.045, 0.13, 0.085), 0.045, 0.30))
        blocks.append(_block((3.62, y, 1.11), (0.04, 0.13, 0.06), 0.04, 0.30))
    parts = [_solid("cabin", block, (0.9, -0.85, 0.3), (4.4, 0.85, 1.35), 0.02) for block in blocks]

    def wheel(x: Plane, y: Plane, z: Plane) -> Plane:
        along = (x - 1.98) * 0.92 + (z - 0.93) * 0.39
        across = -(x - 1.98) * 0.39 + (z - 0.93) * 0.92
        ring = np.hypot(np.hypot(across, y + 0.37) - 0.175, along) - 0.015
        hub = np.maximum(np.hypot(across, y + 0.37) - 0.05, np.abs(along) - 0.02)
        bar = np.maximum(np.abs(across) - 0.02, np.maximum(np.abs(along) - 0.012, np.abs(y + 0.37) - 0.175))
        return np.minimum(np.minimum(ring, hub), bar)

    parts.append(_solid("cabin", wheel, (1.8, -0.6, 0.7), (2.15, -0.14, 1.15), 0.008))
    return parts


# ------------------------------------------------------------------------------------------------ plates and badges

_HEXAGON = [(-0.5, 0.0), (-0.27, 0.40), (0.27, 0.40), (0.5, 0.0), (0.27, -0.40), (-0.27, -0.40)]


def _badge(width: float) -> list[Part]:
    """The emblem flat on y = 0, looking along -y: a hexagonal frame, a winding road that narrows to the horizon."""
    outline = polygon([(u * width, v * width) for u, v in _HEXAGON], 0.06 * width)
    t = np.linspace(0.0, 1.0, 24)
    road_u = width * (0.20 * np.sin(2.1 * np.pi * t - 0.55) * (1.0 - 0.75 * t) - 0.02)
    road_v = width * (-0.36 + 0.58 * t)
    half = width * (0.085 * (1.0 - t) ** 1.3 + 0.020)

    def road(u: Plane, v: Plane) -> Plane:
        near = np.full(np.broadcast(u, v).shape, 1.0)
        for a, b, h in zip(road_u, road_v, half, strict=True):
            near = np.minimum(near, np.hypot(u - a, v - b) - h)
        return near

    horizon_v = 0.225 * width

    def metal(x: Plane, y: Plane, z: Plane) -> Plane:
        frame = np.abs(outline(x, z) + 0.035 * width) - 0.035 * width
        line = np.maximum(np.abs(z - horizon_v) - 0.016 * width, outline(x, z))
        drawn = np.minimum(np.minimum(frame, line), np.maximum(road(x, z), outline(x, z)))
        return smax(drawn, np.abs(y) - 0.0045, 0.003)

    def enamel(x: Plane, y: Plane, z: Plane) -> Plane:
        return np.maximum(outline(x, z), np.abs(y) - 0.002)

    reach = 0.55 * width
    box = ((-reach, -0.007, -0.5 * width), (reach, 0.007, 0.5 * width))
    return [_solid("chrome", metal, *box, width / 110), _solid("enamel", enamel, *box, width / 60)]


def _stand(parts: list[Part], at: Plane, outward: Plane, lift: float) -> list[Part]:
    """Parts drawn looking along -y, set upright at a point with their front towards ``outward``."""
    right = np.cross(outward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, outward)
    # Columns: the picture's right as its reader sees it, away from the reader, up.
    matrix = np.stack([-right, -outward, up], axis=1)
    return [Part(p.material, p.points @ matrix.T + at + lift * outward, p.normals @ matrix.T, p.faces) for p in parts]


def badge_places() -> dict[str, tuple[Plane, Plane, float]]:
    """Middle (3,), outward normal (3,) and width in metres of each badge: ``nose``, ``left``, ``right``."""
    nose = np.array([surface_x(0.0, 0.672), 0.0, 0.672])
    side = np.array([1.385, surface_y(1.385, 0.735), 0.735])
    flip = np.array([1.0, -1.0, 1.0])
    normal = normal_at(side)
    return {
        "nose": (nose, normal_at(nose), BADGE_WIDTH_M),
        "left": (side * flip, normal * flip, SIDE_BADGE_WIDTH_M),
        "right": (side, normal, SIDE_BADGE_WIDTH_M),
    }


def badges() -> list[Part]:
    """The badges on the nose and behind the front wheels."""
    parts = []
    for at, outward, width in badge_places().values():
        parts += _stand(_badge(width), at, outward, 0.002)
    return parts


def plate() -> list[Part]:
    """A blank front number plate, 440 x 140 mm, on its carrier."""

    def sheet(x: Plane, y: Plane, z: Plane) -> Plane:
        flat = polygon([(-0.22, -0.07), (0.22, -0.07), (0.22, 0.07), (-0.22, 0.07)], 0.012)(x, z)
        return smax(flat, np.abs(y) - 0.003, 0.003)

    def carrier(x: Plane, y: Plane, z: Plane) -> Plane:
        flat = polygon([(-0.228, -0.078), (0.228, -0.078), (0.228, 0.078), (-0.228, 0.078)], 0.016)(x, z)
        return smax(flat, np.abs(y - 0.02) - 0.022, 0.004)

    box = ((-0.24, -0.02, -0.1), (0.24, 0.06, 0.1))
    parts = [_solid("plate", sheet, *box, 0.004), _solid("plastic", carrier, *box, 0.004)]
    return _stand(parts, np.array([surface_x(0.0, 0.47) - 0.012, 0.0, 0.475]), np.array([-1.0, 0.0, 0.0]), 0.0)


def badge_outlines() -> dict[str, Plane]:
    """The corners (6, 3) of each badge's hexagon, in the car's metres."""
    outlines = {}
    for name, (at, outward, width) in badge_places().items():
        flat = np.array([(u * width, 0.0, v * width) for u, v in _HEXAGON])
        part = _stand([Part("outline", flat, flat, np.zeros((0, 3), dtype=int))], at, outward, 0.002)[0]
        outlines[name] = part.points
    return outlines
