"""What the car stands in: a studio, and four skies that a landscape can have.

Each light is a sky by height (a dome of one colour per height, linear Rec. 709), lamps, and perhaps a sun. Above the
skyline the skies have a dark rim of far trees or roofs: without one, paint mirrors a place that does not exist.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

RGB = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lamp:
    """A rectangle that shines from `at` to `towards` (metres); `mirrored` says whether paint shows it."""

    at: tuple[float, float, float]
    towards: tuple[float, float, float]
    size: tuple[float, float]
    watts: float
    colour: RGB = (1.0, 1.0, 1.0)
    mirrored: bool = True


@dataclass(frozen=True, slots=True)
class Light:
    """A sky by height (0 straight below, 0.5 the horizon, 1 the zenith), its lamps, its sun, and the car's own lamps.

    The sun is (azimuth, elevation, strength, colour); the azimuth counts from straight ahead of the car towards its
    left side. `car_lamps` multiplies what head and tail lamps give.
    """

    sky: tuple[tuple[float, RGB], ...]
    lamps: tuple[Lamp, ...] = ()
    sun: tuple[float, float, float, RGB] | None = None
    car_lamps: float = 1.0
    ground: RGB = (0.16, 0.16, 0.16)


def _grey(*stops: tuple[float, float]) -> tuple[tuple[float, RGB], ...]:
    return tuple((place, (value, value, value * 1.01)) for place, value in stops)


def _treeline(colour: RGB, above: tuple[tuple[float, RGB], ...]) -> tuple[tuple[float, RGB], ...]:
    """A sky with a dark rim on the horizon."""
    return ((0.0, colour), (0.517, colour), (0.527, above[0][1]), *above[1:])


#: The studio suits outdoors: an even neutral sky over grey ground, and softboxes.
_STUDIO = Light(
    sky=_grey((0.0, 0.10), (0.488, 0.05), (0.503, 0.25), (0.525, 0.80), (0.56, 0.45), (0.62, 0.16), (0.70, 0.30),
              (0.78, 0.95), (0.9, 0.8), (1.0, 0.71)),
    lamps=(
        Lamp((2.3, 0.0, 5.0), (2.3, 0.0, 0.0), (7.0, 3.0), 300.0, mirrored=False),
        Lamp((2.6, -6.5, 3.6), (2.4, 0.0, 0.7), (7.0, 1.6), 420.0),
        Lamp((-6.0, 1.5, 3.2), (0.5, 0.0, 0.6), (4.0, 1.4), 160.0, mirrored=False),
        # From behind the camera's shoulder line: what the three-quarter view sees mirrored above the flank's crease.
        Lamp((8.4, -4.4, 3.35), (2.4, -0.9, 0.85), (6.0, 0.7), 38.0),
    ),
)  # fmt: skip

_NOON = Light(
    sky=_treeline(
        (0.10, 0.11, 0.085),
        ((0.527, (0.95, 1.0, 1.08)), (0.60, (0.62, 0.76, 1.0)), (0.75, (0.30, 0.46, 0.82)), (1.0, (0.17, 0.31, 0.66))),
    ),
    sun=(115.0, 55.0, 3.6, (1.0, 0.95, 0.87)),
    ground=(0.20, 0.19, 0.175),
)

_DUSK = Light(
    sky=_treeline(
        (0.055, 0.045, 0.05),
        (
            (0.527, (1.25, 0.62, 0.30)),
            (0.57, (0.82, 0.46, 0.36)),
            (0.66, (0.40, 0.31, 0.40)),
            (1.0, (0.13, 0.16, 0.29)),
        ),
    ),
    sun=(78.0, 9.0, 1.5, (1.0, 0.50, 0.22)),
    car_lamps=2.2,
    ground=(0.15, 0.13, 0.125),
)

_OVERCAST = Light(
    # CIE standard overcast sky: the zenith three times as bright as the horizon.
    sky=_treeline(
        (0.10, 0.105, 0.10),
        (
            (0.527, (0.40, 0.415, 0.43)),
            (0.62, (0.58, 0.60, 0.62)),
            (0.78, (0.90, 0.93, 0.96)),
            (1.0, (1.15, 1.18, 1.22)),
        ),
    ),
    ground=(0.17, 0.17, 0.17),
)

_NIGHT = Light(
    sky=_treeline(
        (0.006, 0.006, 0.008),
        (
            (0.527, (0.085, 0.062, 0.052)),
            (0.58, (0.034, 0.034, 0.050)),
            (0.72, (0.014, 0.018, 0.036)),
            (1.0, (0.010, 0.014, 0.030)),
        ),
    ),
    lamps=(
        # Street lamps along the kerb on the camera's side and one across: long soft streaks on bonnet, roof and flank.
        Lamp((-3.5, -5.0, 6.0), (0.5, -0.5, 0.7), (1.6, 0.35), 240.0, (1.0, 0.78, 0.50)),
        Lamp((5.0, -5.5, 6.0), (3.0, -0.5, 0.7), (1.6, 0.35), 240.0, (1.0, 0.78, 0.50)),
        Lamp((1.5, 5.5, 6.5), (2.0, 0.0, 1.0), (2.0, 0.35), 170.0, (0.72, 0.84, 1.0)),
    ),
    car_lamps=5.0,
    ground=(0.12, 0.12, 0.125),
)

LIGHTS = {"studio": _STUDIO, "noon": _NOON, "dusk": _DUSK, "overcast": _OVERCAST, "night": _NIGHT}


class Rig:
    """The light of the scene; `set` exchanges it."""

    def __init__(self, lamps: dict[str, tuple[bpy.types.Material, float]]) -> None:
        """`lamps`: the materials of the car's own lamps, with what they give in the studio."""
        self._car_lamps = lamps
        self._things: list[bpy.types.Object] = []
        ground = bpy.data.meshes.new("ground")
        ground.from_pydata([(-20, -20, 0), (25, -20, 0), (25, 20, 0), (-20, 20, 0)], [], [(0, 1, 2, 3)])
        self._ground = bpy.data.materials.new("ground")
        self._ground.use_nodes = True
        ground.materials.append(self._ground)
        floor = bpy.data.objects.new("ground", ground)
        floor.visible_camera = False
        bpy.context.scene.collection.objects.link(floor)

    def set(self, light: Light) -> None:
        """Light the scene so."""
        for thing in self._things:
            bpy.data.objects.remove(thing)
        self._things = [_area(lamp) for lamp in light.lamps]
        if light.sun is not None:
            self._things.append(_sun(*light.sun))
        _sky(light.sky)
        shader = self._ground.node_tree.nodes["Principled BSDF"]
        shader.inputs["Base Color"].default_value = (*light.ground, 1.0)
        shader.inputs["Roughness"].default_value = 0.9
        for material, strength in self._car_lamps.values():
            inside = material.node_tree.nodes["Principled BSDF"]
            inside.inputs["Emission Strength"].default_value = strength * light.car_lamps


def _sky(stops: tuple[tuple[float, RGB], ...]) -> None:
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    coordinates, split = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeSeparateXYZ")
    colours = nodes.new("ShaderNodeValToRGB")
    scale = nodes.new("ShaderNodeMath")
    scale.operation = "MULTIPLY_ADD"
    scale.inputs[1].default_value = scale.inputs[2].default_value = 0.5
    links.new(coordinates.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], scale.inputs[0])
    links.new(scale.outputs[0], colours.inputs[0])
    ramp = colours.color_ramp
    ramp.elements[0].position, ramp.elements[0].color = stops[0][0], (*stops[0][1], 1.0)
    ramp.elements[1].position, ramp.elements[1].color = stops[-1][0], (*stops[-1][1], 1.0)
    for place, colour in stops[1:-1]:
        ramp.elements.new(place).color = (*colour, 1.0)
    links.new(colours.outputs[0], nodes["Background"].inputs["Color"])
    nodes["Background"].inputs["Strength"].default_value = 1.0


def _area(lamp: Lamp) -> bpy.types.Object:
    shape = bpy.data.lights.new("lamp", "AREA")
    shape.shape, shape.size, shape.size_y, shape.energy = "RECTANGLE", lamp.size[0], lamp.size[1], lamp.watts
    shape.color = lamp.colour
    thing = bpy.data.objects.new("lamp", shape)
    thing.location = lamp.at
    thing.visible_glossy = lamp.mirrored
    direction = Vector(np.subtract(lamp.towards, lamp.at))
    thing.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)
    return thing


def _sun(azimuth_deg: float, elevation_deg: float, strength: float, colour: RGB) -> bpy.types.Object:
    shape = bpy.data.lights.new("sun", "SUN")
    shape.energy, shape.color, shape.angle = strength, colour, math.radians(0.53)
    thing = bpy.data.objects.new("sun", shape)
    turn, up = math.radians(azimuth_deg), math.radians(elevation_deg)
    # The nose looks towards -x, the left side towards -y.
    towards = Vector((math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), -math.sin(up)))
    thing.rotation_euler = towards.to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)
    return thing
