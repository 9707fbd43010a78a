"""Small solids for drawing robots and things: bevelled extrusions and lofts, shaded, as glTF.

Everything is built from one primitive, `loft`, a skin over a row of cross-sections. Sections come
from `outline`, the convex hull of a few discs sampled at fixed directions: one disc is a circle,
two a capsule or a taper, four a rounded rectangle. A section always has as many points as its
neighbours, so skins need no triangulation library and no boolean operations.

Lengths are in metres. Results do not depend on the machine: coordinates are rounded far above
floating-point noise before they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import trimesh

Array = npt.NDArray[np.float64]
Axis = Literal["x", "y", "z"]
Disc = tuple[float, float, float]
"""A disc in a plane: its centre's two coordinates and its radius."""
Range = tuple[float, float]
"""Lower and upper bound of a coordinate."""

CREASE_COSINE = float(np.cos(np.radians(50.0)))
"""Faces that meet at less than 50 deg are shaded as one surface; 45 deg bevels look round."""

POSITION_DECIMALS, NORMAL_DECIMALS = 6, 4


class Material(NamedTuple):
    """A glTF metallic-roughness material; `color` is linear RGB in [0, 1]."""

    name: str
    color: tuple[float, float, float]
    metallic: float
    roughness: float


class Solid(NamedTuple):
    """A closed surface.

    Attributes:
        vertices: (v, 3) positions in metres, shared between faces.
        faces: (f, 3) vertex indices, counter-clockwise seen from outside.
    """

    vertices: Array
    faces: npt.NDArray[np.int64]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0, pitch: float = 0.0) -> Solid:
        """Pitched about the y axis by `pitch` radians (+x towards -z), then shifted."""
        c, s = np.cos(pitch), np.sin(pitch)
        turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        return Solid(self.vertices @ turn.T + (x, y, z), self.faces)

    def mirrored(self) -> Solid:
        """Mirrored in the plane y = 0."""
        return Solid(self.vertices * (1.0, -1.0, 1.0), self.faces[:, ::-1])

    def pair(self) -> tuple[Solid, Solid]:
        """The solid and its mirror image."""
        return self, self.mirrored()


Part = tuple[Material, Solid]


def outline(discs: Sequence[Disc], points: int) -> Array:
    """Convex hull of discs, sampled at `points` evenly spaced outward directions.

    Directions avoid the axes, and radii are scaled so that the polygon's sides touch the discs:
    with a multiple of four points, sides parallel to an axis lie exactly where the discs end.

    Returns:
        (points, 2) corners, counter-clockwise.
    """
    angles = (np.arange(points) + 0.5) * (2 * np.pi / points)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    centers, radii = np.array(discs)[:, :2], np.array(discs)[:, 2]
    outermost = np.argmax(directions @ centers.T + radii, axis=1)
    reach = radii[outermost, None] / np.cos(np.pi / points)
    return np.asarray(centers[outermost] + reach * directions, dtype=np.float64)


def loft(sections: Array) -> Solid:
    """Skin over a row of cross-sections, closed by flat ends.

    Args:
        sections: (k, n, 3) corners of k convex sections with n corresponding corners each.
    """
    count, points = sections.shape[:2]
    ring = np.arange(points)
    following = (ring + 1) % points
    faces = []
    for row in range(0, (count - 1) * points, points):
        a, b, c, d = ring + row, following + row, following + row + points, ring + row + points
        faces += [np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]
    fan = np.stack([0 * ring[2:], ring[1:-1], ring[2:]], axis=1)
    faces += [fan[:, ::-1], fan + (count - 1) * points]
    vertices, triangles = sections.reshape(-1, 3), np.concatenate(faces)
    corners = vertices[triangles] - vertices.mean(axis=0)
    inside_out = np.linalg.det(corners).sum() < 0
    return Solid(vertices, triangles[:, ::-1] if inside_out else triangles)


def extrude(
    discs: Sequence[Disc],
    low: float,
    high: float,
    axis: Axis,
    bevel: float = 0.0,
    points: int = 16,
) -> Solid:
    """Plate or cylinder: a hull of discs pulled along an axis.

    Args:
        discs: Discs in the plane across `axis`; coordinates in the order x, y, z.
        low: Where the solid starts along `axis`.
        high: Where it ends.
        axis: Direction to pull in.
        bevel: Size of the 45 deg bevel at both ends, if any; below the smallest radius.
        points: Corners of the section.
    """
    levels = [(low, 0.0), (high, 0.0)]
    if bevel > 0:
        levels = [(low, bevel), (low + bevel, 0.0), (high - bevel, 0.0), (high, bevel)]
    sections = []
    for level, inset in levels:
        section = outline([(u, v, radius - inset) for u, v, radius in discs], points)
        sections.append(np.insert(section, "xyz".index(axis), level, axis=1))
    return loft(np.array(sections))


def cylinder(center: Disc, low: float, high: float, axis: Axis, points: int = 20) -> Solid:
    """Cylinder with bevelled rims; `center` is its section across `axis`."""
    return extrude([center], low, high, axis, bevel=center[2] / 10, points=points)


def peg(center: Disc, low: float, high: float, axis: Axis, points: int = 12) -> Solid:
    """Cylinder with sharp rims, where bevels would not be seen."""
    return extrude([center], low, high, axis, points=points)


def corners(u: Range, v: Range, radius: float) -> list[Disc]:
    """Discs whose hull is the rectangle `u` by `v` with rounded corners."""
    columns, rows = (u[0] + radius, u[1] - radius), (v[0] + radius, v[1] - radius)
    return [(a, b, radius) for a in columns for b in rows]


def block(x: Range, y: Range, z: Range, bevel: float = 0.002) -> Solid:
    """Axis-aligned box with all edges bevelled; exact extents."""
    # Corners rounder than the bevel, so that the end faces keep proper edges.
    return extrude(corners(x, y, 1.5 * bevel), *z, "z", bevel=bevel, points=8)


def beam(stations: Iterable[tuple[float, Range, Range, float]], points: int = 16) -> Solid:
    """Body that runs along x through rounded rectangles of varying size and place.

    Args:
        stations: Where along x, the rectangle's range in y and in z, and its corners' radius.
        points: Corners of a section.
    """
    sections = []
    for x, y, z, radius in stations:
        section = outline(corners(y, z, radius), points)
        sections.append(np.insert(section, 0, x, axis=1))
    return loft(np.array(sections))


def painted(solids: Mapping[Material, Iterable[Solid]]) -> list[Part]:
    """Parts from the solids that each material covers."""
    return [(material, solid) for material, group in solids.items() for solid in group]


def shaded(solid: Solid) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Vertices split at creases, their normals, and faces.

    Normals are weighted by area: next to a narrow bevel a flat face stays evenly lit.
    """
    vertices = np.round(solid.vertices, POSITION_DECIMALS) + 0.0  # no negative zeros
    a, b, c = (vertices[solid.faces[:, i]] for i in range(3))
    weighted = np.cross(b - a, c - a)
    doubled_area = np.linalg.norm(weighted, axis=1)
    kept = doubled_area > 1e-10
    faces, weighted = solid.faces[kept], weighted[kept]
    unit = weighted / doubled_area[kept, None]
    corner_vertex, corner_face = faces.reshape(-1), np.repeat(np.arange(len(faces)), 3)
    one_surface = (corner_vertex[:, None] == corner_vertex) & (
        (unit @ unit.T)[np.ix_(corner_face, corner_face)] > CREASE_COSINE
    )
    normals = one_surface @ weighted[corner_face]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.round(normals, NORMAL_DECIMALS) + 0.0
    split, index = np.unique(np.column_stack([corner_vertex, normals]), axis=0, return_inverse=True)
    return vertices[split[:, 0].astype(np.int64)], split[:, 1:], index.reshape(-1, 3)


def assemble(parts: Iterable[Part]) -> trimesh.Scene:
    """Scene with one mesh per material, named after it, in order of first use."""
    grouped: dict[Material, list[Solid]] = {}
    for material, solid in parts:
        grouped.setdefault(material, []).append(solid)
    scene = trimesh.Scene()
    for material, solids in grouped.items():
        vertices, normals, faces = [], [], []
        offset = 0
        for solid in solids:
            position, normal, face = shaded(solid)
            vertices.append(position)
            normals.append(normal)
            faces.append(face + offset)
            offset += len(position)
        finish = trimesh.visual.material.PBRMaterial(  # type: ignore[no-untyped-call]
            name=material.name,
            baseColorFactor=[*material.color, 1.0],
            metallicFactor=material.metallic,
            roughnessFactor=material.roughness,
        )
        mesh = trimesh.Trimesh(
            np.concatenate(vertices),
            np.concatenate(faces),
            vertex_normals=np.concatenate(normals),
            visual=trimesh.visual.TextureVisuals(material=finish),  # type: ignore[no-untyped-call]
            process=False,
        )
        scene.add_geometry(mesh, node_name=material.name, geom_name=material.name)
    return scene


def glb(scene: trimesh.Scene) -> bytes:
    """Binary glTF of a scene; equal scenes give equal bytes.

    Normals keep their rounded values, whose length is one within 1e-4: unit enough for glTF.
    """
    data: bytes = scene.export(  # type: ignore[no-untyped-call]
        file_type="glb", include_normals=True, unitize_normals=False
    )
    return data
