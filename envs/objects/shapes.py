"""Surfaces that things are made of, and the convex pieces that stand for them in contacts.

Surfaces are lathed, swept or lofted, and have normals and texture coordinates.
A *profile* is a row of (radius, z): what a lathe turns about z. It goes round the solid's outside
from the bottom up, and for a hollow thing on over the rim and down inside. Metres and radians.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from envs import meshes
from envs.objects.model import CollisionHull, Vector, texture_coordinates

Array = NDArray[np.float64]
Profile = Sequence[tuple[float, float]]

CREASE = np.deg2rad(35.0)
"""Where a profile turns by more than this, its edge is seen as one."""


def from_solid(*solids: meshes.Solid) -> trimesh.Trimesh:
    """Solids of `envs.meshes` (blocks, beams, extrusions) as one mesh.

    Texture coordinates are the position in metres along the two axes that a face is widest in, so
    that a texture needs scaling: see `scaled_uv`.
    """
    parts = []
    for solid in solids:
        vertices, normals, faces = meshes.shaded(solid)
        across = np.argsort(np.abs(normals), axis=1)[:, :2]
        across.sort(axis=1)
        parts.append(_mesh(vertices, normals, faces, np.take_along_axis(vertices, across, axis=1)))
    return joined(*parts)


def joined(*parts: trimesh.Trimesh) -> trimesh.Trimesh:
    """Several meshes as one, normals and texture coordinates kept."""
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return _mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.vertex_normals for part in parts]),
        np.concatenate([part.faces + o for part, o in zip(parts, offsets, strict=False)]),
        np.concatenate([texture_coordinates(part) for part in parts]),
    )


def placed(mesh: trimesh.Trimesh, matrix: Array) -> trimesh.Trimesh:
    """A mesh moved by a rigid 4 x 4 matrix, texture coordinates kept."""
    rotation = np.asarray(matrix)[:3, :3]
    return _mesh(
        mesh.vertices @ rotation.T + np.asarray(matrix)[:3, 3],
        mesh.vertex_normals @ rotation.T,
        mesh.faces,
        texture_coordinates(mesh),
    )


def scaled_uv(mesh: trimesh.Trimesh, u: float, v: float) -> trimesh.Trimesh:
    """A mesh whose texture coordinates are multiplied: larger numbers repeat the texture."""
    uv = texture_coordinates(mesh) * np.array([u, v])
    return _mesh(mesh.vertices, mesh.vertex_normals, mesh.faces, uv)


def lathe(profile: Profile, sections: int = 32) -> trimesh.Trimesh:
    """What a lathe makes of a profile: smooth round the axis, creased where the profile turns.

    Texture coordinates: u once round the axis, v along the profile from 0 to 1 by length.
    """
    points = np.asarray(profile, dtype=float)
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    if (lengths < 1e-9).any():
        raise ValueError("a profile has the same point twice in a row")
    across = np.stack([steps[:, 1], -steps[:, 0]], axis=1) / lengths[:, None]
    along = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    angles = np.linspace(0.0, 2 * np.pi, sections + 1)
    cos, sin = np.cos(angles), np.sin(angles)
    vertices: list[Array] = []
    normals: list[Array] = []
    faces: list[NDArray[np.int64]] = []
    uv: list[Array] = []
    ring = np.arange(sections)
    for i in range(len(steps)):
        ends = []
        for end, neighbour in ((i, i - 1), (i + 1, i + 1)):
            normal = across[i]
            if 0 <= neighbour < len(steps) and across[i] @ across[neighbour] > np.cos(CREASE):
                normal = across[i] + across[neighbour]
                normal = normal / np.linalg.norm(normal)
            ends.append((points[end], normal, along[end]))
        base = sum(len(rows) for rows in vertices)
        for (radius, z), (outward, up), v in ends:
            vertices.append(np.stack([radius * cos, radius * sin, z + 0 * cos], axis=1))
            normals.append(np.stack([outward * cos, outward * sin, up + 0 * cos], axis=1))
            uv.append(np.stack([angles / (2 * np.pi), v + 0 * angles], axis=1))
        low, high = base + ring, base + ring + sections + 1
        if points[i, 0] > 0:
            faces.append(np.stack([low, low + 1, high], axis=1))
        if points[i + 1, 0] > 0:
            faces.append(np.stack([low + 1, high + 1, high], axis=1))
    return _mesh(
        np.concatenate(vertices), np.concatenate(normals), np.concatenate(faces), np.concatenate(uv)
    )


def skin(sections: Array, *, caps: bool = True) -> trimesh.Trimesh:
    """A smooth skin over a row of closed cross-sections.

    Args:
        sections: (k, n, 3) corners: k sections of n corresponding corners each, counter-clockwise
            seen against the direction in which the row goes.
        caps: Whether flat ends close it.

    Returns:
        The mesh. Texture coordinates: u once round a section, v from 0 to 1 along the row.
    """
    sections = np.asarray(sections, dtype=float)
    count, corners = sections.shape[:2]
    around = np.roll(sections, -1, axis=1) - np.roll(sections, 1, axis=1)
    along = np.gradient(sections, axis=0)
    normals = np.cross(around, along)
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
    closed = np.concatenate([sections, sections[:, :1]], axis=1)
    closed_normals = np.concatenate([normals, normals[:, :1]], axis=1)
    u, v = np.meshgrid(np.linspace(0, 1, corners + 1), np.linspace(0, 1, count))
    low = (np.arange(count - 1)[:, None] * (corners + 1) + np.arange(corners)).reshape(-1)
    high = low + corners + 1
    faces = np.concatenate(
        [np.stack([low, low + 1, high], axis=1), np.stack([low + 1, high + 1, high], axis=1)]
    )
    parts = [
        _mesh(
            closed.reshape(-1, 3),
            closed_normals.reshape(-1, 3),
            faces,
            np.stack([u, v], axis=2).reshape(-1, 2),
        )
    ]
    if caps:
        parts += [_cap(sections[0], -along[0].mean(axis=0), 0.0)]
        parts += [_cap(sections[-1], along[-1].mean(axis=0), 1.0)]
    return joined(*parts)


def tube(
    path: Array, radii: float | Array, sections: int = 12, *, up: Vector = (0.0, 0.0, 1.0)
) -> trimesh.Trimesh:
    """A rod of round or oval section along a path, with flat ends.

    Args:
        path: (k, 3) points of its axis, k >= 3, not parallel to `up` anywhere.
        radii: One radius, (k,) radii, or (k, 2) half axes: sideways and along `up`.
        sections: Corners of a section.
        up: Roughly the direction of a section's second half axis.
    """
    path = np.asarray(path, dtype=float)
    half_axes = np.asarray(radii, dtype=float)
    if half_axes.ndim < 2:
        half_axes = np.broadcast_to(half_axes, (len(path),))[:, None].repeat(2, axis=1)
    forward = np.gradient(path, axis=0)
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    side = np.cross(np.asarray(up, dtype=float), forward)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    upward = np.cross(forward, side)
    angles = np.arange(sections) * (2 * np.pi / sections)
    rings = (
        path[:, None]
        + half_axes[:, :1, None] * np.cos(angles)[None, :, None] * side[:, None]
        + half_axes[:, 1:, None] * np.sin(angles)[None, :, None] * upward[:, None]
    )
    return skin(rings)


def circle(radius: float, z: float, corners: int = 16) -> Array:
    """(corners, 3) points whose polygon has the circle's area: it is neither in nor around it."""
    angles = (np.arange(corners) + 0.5) * (2 * np.pi / corners)
    reach = radius * np.sqrt(2 * np.pi / corners / np.sin(2 * np.pi / corners))
    return np.stack([reach * np.cos(angles), reach * np.sin(angles), z + 0 * angles], axis=1)


def hull(points: Array) -> CollisionHull:
    """The convex hull of (n, 3) points as a collision piece; points inside are left out."""
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    corners = np.round(points[np.sort(ConvexHull(points).vertices)], 6) + 0.0
    if len(corners) > 255:
        raise ValueError(f"a convex piece has {len(corners)} corners; PhysX takes 255")
    return CollisionHull(tuple((float(x), float(y), float(z)) for x, y, z in corners))


def lathe_hull(profile: Profile, corners: int = 16) -> CollisionHull:
    """The convex hull of what a lathe makes of a profile."""
    return hull(np.concatenate([circle(max(r, 1e-4), z, corners) for r, z in profile]))


def wall_hulls(inner: Profile, outer: Profile, pieces: int = 12) -> tuple[CollisionHull, ...]:
    """A hollow thing's wall as convex staves side by side, like a barrel's.

    Args:
        inner: Profile of the inside, from the bottom up.
        outer: Profile of the outside, from the bottom up.
        pieces: Number of staves.
    """
    staves = []
    for i in range(pieces):
        angles = (i + np.array([0.0, 1.0])) * (2 * np.pi / pieces)
        reach = 1 / np.cos(np.pi / pieces / 1.5)  # between the polygon in and around the circle
        points = [
            (r * reach * np.cos(a), r * reach * np.sin(a), z)
            for r, z in [*inner, *outer]
            for a in angles
        ]
        staves.append(hull(np.array(points)))
    return tuple(staves)


def _cap(section: Array, outward: Array, v: float) -> trimesh.Trimesh:
    outward = outward / np.linalg.norm(outward)
    corners = len(section)
    vertices = np.concatenate([section, section.mean(axis=0, keepdims=True)])
    ring = np.arange(corners)
    faces = np.stack([ring, (ring + 1) % corners, np.full(corners, corners)], axis=1)
    first = vertices[faces[0]]
    if np.cross(first[1] - first[0], first[2] - first[0]) @ outward < 0:
        faces = faces[:, ::-1]
    normals = np.broadcast_to(outward, vertices.shape)
    uv = np.full((len(vertices), 2), v)
    uv[:corners, 0] = ring / corners
    return _mesh(vertices, normals, faces, uv)


def _mesh(vertices: Array, normals: Array, faces: NDArray[np.int64], uv: Array) -> trimesh.Trimesh:
    """A mesh of just these arrays, rounded far above the noise of different machines' floats."""
    return trimesh.Trimesh(
        np.round(vertices, 6) + 0.0,
        faces,
        vertex_normals=np.round(normals, 4) + 0.0,
        visual=trimesh.visual.TextureVisuals(uv=np.round(uv, 5) + 0.0),  # type: ignore[no-untyped-call]
        process=False,
        validate=False,
    )
