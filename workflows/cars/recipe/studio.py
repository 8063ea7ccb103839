"""The scene in Blender: the car with its materials, and cameras that stand level."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from car import Car, Paint, Part, View
from lights import Rig
from mathutils import Vector

#: The car's own lamps: colour, and strength in the studio.
_EMITS = {"light": ((0.93, 0.96, 1.0), 1.6), "tail_light": ((1.0, 0.012, 0.015), 0.5)}
#: What one sees through.
_GLASS = ("glass", "screen")
#: What objects of a badge are called.
BADGE = "badge"


def _principled(name: str, rgb: tuple[float, float, float], **sockets: float) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*rgb, 1.0)
    for socket, value in sockets.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    return material


def _two_sided(material: bpy.types.Material, inside: float = 0.012) -> bpy.types.Material:
    """The shell has no thickness: from within it shows a dark lining."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    front = nodes["Principled BSDF"]
    lining = nodes.new("ShaderNodeBsdfDiffuse")
    lining.inputs["Color"].default_value = (inside, inside, inside, 1.0)
    mix, geometry = nodes.new("ShaderNodeMixShader"), nodes.new("ShaderNodeNewGeometry")
    links.new(geometry.outputs["Backfacing"], mix.inputs[0])
    links.new(front.outputs[0], mix.inputs[1])
    links.new(lining.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def _glass(name: str, tint: tuple[float, float, float]) -> bpy.types.Material:
    """Thin tinted glass: what it does not mirror passes straight through, multiplied by the tint."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(nodes["Principled BSDF"])
    through, mirror = nodes.new("ShaderNodeBsdfTransparent"), nodes.new("ShaderNodeBsdfGlossy")
    through.inputs["Color"].default_value = (*tint, 1.0)
    mirror.inputs["Roughness"].default_value = 0.0
    fresnel, mix = nodes.new("ShaderNodeFresnel"), nodes.new("ShaderNodeMixShader")
    fresnel.inputs["IOR"].default_value = 1.55
    links.new(fresnel.outputs[0], mix.inputs[0])
    links.new(through.outputs[0], mix.inputs[1])
    links.new(mirror.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def materials(car: Car) -> dict[str, bpy.types.Material]:
    """One material for each name that the car's parts carry."""
    made = {
        "paint": _two_sided(_principled("paint", (0.5, 0.5, 0.5), Coat_Weight=1.0, Coat_Roughness=0.015)),
        "gap": _two_sided(_principled("gap", (0.004, 0.004, 0.004), Roughness=0.9)),
        "gloss": _two_sided(_principled("gloss", (0.006, 0.006, 0.007), Roughness=0.06)),
        "plastic": _two_sided(_principled("plastic", (0.012, 0.012, 0.013), Roughness=0.55)),
        "tail_lamp": _two_sided(_principled("tail_lamp", (0.030, 0.001, 0.0015), Roughness=0.08)),
        "tail_light": _two_sided(_principled("tail_light", (0.5, 0.004, 0.006), Roughness=0.2)),
        "light": _two_sided(_principled("light", (0.9, 0.93, 1.0), Roughness=0.2)),
        "tyre": _principled("tyre", (0.014, 0.014, 0.015), Roughness=0.72),
        "rim": _principled("rim", (0.05, 0.052, 0.056), Roughness=0.3, Metallic=0.9),
        "rim_bright": _principled("rim_bright", (0.62, 0.63, 0.65), Roughness=0.22, Metallic=1.0),
        "rim_inside": _principled("rim_inside", (0.02, 0.02, 0.022), Roughness=0.6),
        "disc": _principled("disc", (0.16, 0.16, 0.165), Roughness=0.35, Metallic=1.0),
        "caliper": _principled("caliper", (0.03, 0.03, 0.032), Roughness=0.4),
        "cabin": _principled("cabin", (0.022, 0.022, 0.024), Roughness=0.7),
        "satin": _principled("satin", (0.50, 0.51, 0.52), Roughness=0.3, Metallic=1.0),
        "chrome": _principled("chrome", (0.86, 0.87, 0.89), Roughness=0.08, Metallic=1.0),
        "enamel": _principled("enamel", car.enamel, Roughness=0.15, Coat_Weight=1.0),
        "plate": _principled("plate", (0.70, 0.72, 0.72), Roughness=0.4),
        "glass": _glass("glass", car.glass),
        "screen": _glass("screen", (0.55, 0.60, 0.58)),
    }
    for name, (rgb, strength) in _EMITS.items():
        shader = made[name].node_tree.nodes["Principled BSDF"]
        shader.inputs["Emission Color"].default_value = (*rgb, 1.0)
        shader.inputs["Emission Strength"].default_value = strength
    return made


def _add(part: Part, material: bpy.types.Material, name: str) -> None:
    shape = bpy.data.meshes.new(name)
    shape.vertices.add(len(part.points))
    shape.vertices.foreach_set("co", part.points.astype(np.float32).ravel())
    shape.loops.add(part.faces.size)
    shape.loops.foreach_set("vertex_index", part.faces.astype(np.int32).ravel())
    shape.polygons.add(len(part.faces))
    shape.polygons.foreach_set("loop_start", np.arange(0, part.faces.size, 3, dtype=np.int32))
    shape.update(calc_edges=True)
    shape.polygons.foreach_set("use_smooth", np.ones(len(part.faces), dtype=bool))
    shape.normals_split_custom_set_from_vertices(part.normals.astype(np.float32))
    shape.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, shape))


def build(car: Car, mesh_m: float) -> tuple[dict[str, bpy.types.Material], Rig]:
    """An empty scene filled with the car; answers the materials by name, and the light, which is still to be set."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = materials(car)
    for each in car.parts(mesh_m):
        if len(each.faces):
            _add(each, made[each.material], each.material)
    for placed in car.badges().values():
        for each in placed.parts:
            _add(each, made[each.material], BADGE)
    return made, Rig({name: (made[name], strength) for name, (_, strength) in _EMITS.items()})


@contextmanager
def uncovered() -> Iterator[None]:
    """The badges white, everything else black but the glass, nothing lit: for the badges' mask and the view's alpha."""
    black, white = (bpy.data.materials.new(name) for name in ("hidden", "shown"))
    for material, strength in ((black, 0.0), (white, 1.0)):
        material.use_nodes = True
        nodes, links = material.node_tree.nodes, material.node_tree.links
        nodes.remove(nodes["Principled BSDF"])
        shader = nodes.new("ShaderNodeEmission")
        shader.inputs["Strength"].default_value = strength
        links.new(shader.outputs[0], nodes["Material Output"].inputs["Surface"])
    shown = [thing for thing in bpy.context.scene.objects if thing.type == "MESH" and thing.visible_camera]
    before = [thing.data.materials[0] for thing in shown]
    for thing, material in zip(shown, before, strict=True):
        if material.name not in _GLASS:
            thing.data.materials[0] = white if thing.name.startswith(BADGE) else black
    yield
    for thing, material in zip(shown, before, strict=True):
        thing.data.materials[0] = material


def set_paint(material: bpy.types.Material, paint: Paint) -> None:
    """The body in another colour."""
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*paint.rgb, 1.0)
    shader.inputs["Metallic"].default_value = paint.metallic
    shader.inputs["Roughness"].default_value = paint.roughness


class Camera:
    """A level camera: upright lines stay upright, and the horizon is one row of the picture.

    The car stands in the middle of the frame by shifting the lens, not by tilting the camera.
    """

    def __init__(self, view: View, middle_x_m: float, width_px: int) -> None:
        self.view = view
        self._middle_x_m = middle_x_m
        scene = bpy.context.scene
        self._scene = scene
        self.width_px, self.height_px = width_px, int(width_px * view.aspect)
        scene.render.resolution_x, scene.render.resolution_y = self.width_px, self.height_px
        scene.render.resolution_percentage = 100
        lens = bpy.data.cameras.new("view")
        self._thing = bpy.data.objects.new("view", lens)
        scene.collection.objects.link(self._thing)
        scene.camera = self._thing
        turn = math.radians(self.view.azimuth_deg)
        away = np.array([-math.cos(turn), -math.sin(turn)]) * self.view.distance_m
        self._thing.location = (self._middle_x_m + away[0], away[1], self.view.height_m)
        self._thing.rotation_euler = (math.pi / 2, 0.0, turn - math.pi / 2)
        lens.sensor_width = 36.0
        lens.lens = 36.0 * self.view.distance_m / (2 * view.half_frame_m)
        lens.shift_x = view.shift
        lens.shift_y = (view.middle_m - self.view.height_m) / (2 * view.half_frame_m)
        self.focal_px = lens.lens / 36.0 * self.width_px
        bpy.context.view_layer.update()

    def project(self, points: np.ndarray) -> np.ndarray:
        """Columns and rows (N, 2) of points (N, 3) in the rendered frame; pixel centres lie at halves."""
        seen = [world_to_camera_view(self._scene, self._thing, Vector(p)) for p in points.tolist()]
        return np.array([(s.x * self.width_px, (1.0 - s.y) * self.height_px) for s in seen])

    def axis_column(self) -> float:
        """The column of the optical axis: of the car's middle, which the camera stands before."""
        return float(self.project(np.array([[self._middle_x_m, 0.0, self.view.height_m]]))[0, 0])

    def horizon_row(self) -> float:
        """The row where the ground ends: of any point as high as the camera."""
        return float(self.project(np.array([[self._middle_x_m, 0.0, self.view.height_m]]))[0, 1])
