"""What a car model is, before it is a picture: surfaces with materials, measures, paints, cameras. No Blender here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from solids import Field, Mesh, Plane, gradient, mesh

Point = tuple[float, float, float]


class Part(NamedTuple):
    """A surface with one material: points (N, 3), their normals (N, 3), triangles (M, 3)."""

    material: str
    points: Plane
    normals: Plane
    faces: np.ndarray


class Badge(NamedTuple):
    """A badge in its place: its parts, and its outline's corners (N, 3) in the car's metres."""

    parts: list[Part]
    outline: Plane


@dataclass(frozen=True, slots=True)
class Paint:
    """Names in Chinese and English; base colour (linear Rec. 709), share of metal flakes, roughness below the coat."""

    names: tuple[str, str]
    rgb: Point
    metallic: float
    roughness: float


@dataclass(frozen=True, slots=True)
class View:
    """A level camera, ``distance_m`` from the car's middle, turned ``azimuth_deg`` from straight ahead of it.

    The frame spans twice ``half_frame_m`` at the car's middle and is ``aspect`` as high as wide; its lens is shifted
    aside by ``shift`` frame widths, and up or down until ``middle_m`` above the ground comes to the frame's middle.
    ``badge`` names the badge whose box the manifest tells.
    """

    azimuth_deg: float
    distance_m: float
    height_m: float
    badge: str
    half_frame_m: float
    shift: float
    middle_m: float
    aspect: float


@dataclass(frozen=True, slots=True)
class Car:
    """A model: its measures in metres, and functions that answer its parts (at a mesh size) and its badges by name.

    x runs from the nose to the tail, y to the car's right, z up; the ground is z = 0. ``tyre_middle_y_m`` is half the
    track, ``enamel`` the linear colour of the badge's ground, ``glass`` what one side window lets through.
    """

    model: str
    names: tuple[str, str]
    length_m: float
    width_m: float
    height_m: float
    axles_x_m: tuple[float, float]
    wheel_radius_m: float
    tyre_middle_y_m: float
    ground_clearance_m: float
    parts: Callable[[float], list[Part]]
    badges: Callable[[], dict[str, Badge]]
    enamel: Point
    glass: Point
    paints: dict[str, Paint]
    views: dict[str, View]


def part(material: str, solid: Field, low: Point, high: Point, step_m: float) -> Part:
    """The surface of a solid inside a box."""
    made = mesh(solid, low, high, step_m)
    return Part(material, made.points, unit(gradient(solid, made.points)), made.faces)


def both(material: str, whole: Mesh, normals: Plane) -> list[Part]:
    """A surface on the car's right, and its mirror image on the left."""
    used, faces = np.unique(whole.faces, return_inverse=True)
    faces = faces.reshape(-1, 3)
    points, normals = whole.points[used], normals[used]
    flip = np.array([1.0, -1.0, 1.0])
    return [Part(material, points, normals, faces), Part(material, points * flip, normals * flip, faces[:, ::-1])]


def moved(parts: list[Part], by: Point, scale: float = 1.0, about: Point = (0.0, 0.0, 0.0)) -> list[Part]:
    """Parts scaled about a point, then moved. ``by`` and ``about`` count y outwards, on both sides."""
    out = []
    for each in parts:
        side = np.where(each.points[:, 1:2] < 0.0, -1.0, 1.0) * np.array([0.0, 1.0, 0.0]) + np.array([1.0, 0.0, 1.0])
        points = (each.points - np.array(about) * side) * scale + (np.array(about) + np.array(by)) * side
        out.append(each._replace(points=points))
    return out


def unit(vectors: Plane) -> Plane:
    """Vectors (N, 3) at length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
