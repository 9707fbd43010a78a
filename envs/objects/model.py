"""What a thing is made of: visual parts, convex collision pieces, mass, and where to take it.

Contents:
    VisualPart: a mesh with a material, perhaps a texture.
    CollisionBox, CollisionCylinder, CollisionHull: convex pieces that touch.
    Grasp: where and across which direction fingers close.
    ObjectModel: a rigid thing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import sapien
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

Color = tuple[float, float, float]
Vector = tuple[float, float, float]
Texture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class VisualPart:
    """A mesh with one material.

    Attributes:
        mesh: In the object's frame, metres, with the vertex normals that are to be seen; texture
            coordinates in `mesh.visual.uv`, if there is a texture.
        color: Linear RGB in [0, 1]; not used where there is a texture.
        roughness: 0 mirror .. 1 matt.
        metallic: 0 or 1.
        texture: (H, W, 3) uint8 sRGB, repeated; its first row is at v = 0. None for a plain color.
    """

    mesh: trimesh.Trimesh
    color: Color = (0.5, 0.5, 0.5)
    roughness: float = 0.7
    metallic: float = 0.0
    texture: Texture | None = None

    def uv(self) -> NDArray[np.float32]:
        """Texture coordinates (V, 2); zeros where the part has no texture."""
        if self.texture is None:
            return np.zeros((len(self.mesh.vertices), 2), dtype=np.float32)
        return texture_coordinates(self.mesh).astype(np.float32)

    def material(self) -> sapien.render.RenderMaterial:
        """What the renderer shades it with."""
        material = sapien.render.RenderMaterial(
            base_color=[*self.color, 1.0],
            roughness=self.roughness,
            metallic=self.metallic,
            specular=0.3,
        )
        if self.texture is not None:
            opaque = np.full((*self.texture.shape[:2], 1), 255, dtype=np.uint8)
            material.base_color_texture = sapien.render.RenderTexture2D(
                np.concatenate([self.texture, opaque], axis=2), "R8G8B8A8Unorm", srgb=True
            )
        return material


@dataclass(frozen=True)
class CollisionBox:
    """A box in the object's frame: centre, half sizes in metres, orientation wxyz."""

    half_size: Vector
    center: Vector = (0.0, 0.0, 0.0)
    quaternion_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)

    def volume(self) -> float:
        """Cubic metres."""
        return float(8 * np.prod(self.half_size))

    def shape(self, material: sapien.physx.PhysxMaterial) -> sapien.physx.PhysxCollisionShape:
        """The PhysX shape, in its place."""
        shape = sapien.physx.PhysxCollisionShapeBox(self.half_size, material)
        shape.local_pose = sapien.Pose(self.center, self.quaternion_wxyz)
        return shape

    def mesh(self) -> trimesh.Trimesh:
        """Its surface in the object's frame."""
        pose = sapien.Pose(self.center, self.quaternion_wxyz).to_transformation_matrix()
        mesh: trimesh.Trimesh = trimesh.creation.box(2 * np.asarray(self.half_size), pose)
        return mesh


_Z_TO_X = sapien.Pose(q=[np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0])
"""SAPIEN's cylinders lie along x."""


@dataclass(frozen=True)
class CollisionCylinder:
    """A cylinder in the object's frame, its axis along z unless turned."""

    radius: float
    half_length: float
    center: Vector = (0.0, 0.0, 0.0)
    quaternion_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)

    def volume(self) -> float:
        """Cubic metres."""
        return float(np.pi * self.radius**2 * 2 * self.half_length)

    def shape(self, material: sapien.physx.PhysxMaterial) -> sapien.physx.PhysxCollisionShape:
        """The PhysX shape, in its place."""
        shape = sapien.physx.PhysxCollisionShapeCylinder(self.radius, self.half_length, material)
        shape.local_pose = sapien.Pose(self.center, self.quaternion_wxyz) * _Z_TO_X
        return shape

    def mesh(self) -> trimesh.Trimesh:
        """Its surface in the object's frame."""
        pose = sapien.Pose(self.center, self.quaternion_wxyz).to_transformation_matrix()
        mesh: trimesh.Trimesh = trimesh.creation.cylinder(
            self.radius, 2 * self.half_length, 32, transform=pose
        )
        return mesh


@dataclass(frozen=True)
class CollisionHull:
    """The convex hull of a few points (at most 255) in the object's frame, metres."""

    points: tuple[Vector, ...]

    def volume(self) -> float:
        """Cubic metres."""
        return _hull_volume(self)

    def shape(self, material: sapien.physx.PhysxMaterial) -> sapien.physx.PhysxCollisionShape:
        """The PhysX shape, in its place."""
        points = np.asarray(self.points, dtype=np.float32)
        scale = np.ones(3, dtype=np.float32)
        return sapien.physx.PhysxCollisionShapeConvexMesh(points, scale, material)

    def mesh(self) -> trimesh.Trimesh:
        """Its surface in the object's frame."""
        hull: trimesh.Trimesh = trimesh.convex.convex_hull(np.asarray(self.points))
        return hull


Collision = CollisionBox | CollisionCylinder | CollisionHull


@cache
def _hull_volume(piece: CollisionHull) -> float:
    return float(ConvexHull(np.asarray(piece.points)).volume)


@cache
def _lowest(piece: Collision) -> float:
    if isinstance(piece, CollisionHull):
        return min(z for _, _, z in piece.points)
    return float(piece.mesh().bounds[0, 2])


@dataclass(frozen=True)
class Grasp:
    """Where fingers can close on a thing.

    Attributes:
        point: The middle between the finger pads, in the object's frame, metres.
        closing: Unit direction in the object's frame along which the fingers close.
    """

    point: Vector
    closing: Vector


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """A rigid object.

    Attributes:
        visuals: What is seen.
        collisions: Convex pieces that touch; empty for something one can only see.
        mass: Kilograms, for objects that can move. Inertia is that of uniform density.
        points: Named points in the object's frame (function, orientation), metres.
        grasps: Named grasps in the object's frame.
        angular_damping: Per second; holds back what would roll for ever on a flat table, since
            PhysX has no rolling friction.
        name: `family-shape-appearance`, such as `bottle-3-7`; empty outside of families.
        description: A noun phrase for people and prompts, such as `dark green bottle`.
    """

    visuals: tuple[VisualPart, ...]
    collisions: tuple[Collision, ...]
    mass: float = 0.0
    points: dict[str, Vector] = field(default_factory=dict)
    grasps: dict[str, Grasp] = field(default_factory=dict)
    angular_damping: float = 0.05
    name: str = ""
    description: str = ""

    @classmethod
    @cache
    def box(cls, half_size: Vector, color: Color, *, mass: float = 0.0) -> ObjectModel:
        """A plain box around its origin."""
        mesh = flat_shaded(trimesh.creation.box(extents=2 * np.asarray(half_size)))
        return cls((VisualPart(mesh, color),), (CollisionBox(half_size),), mass)

    def collision_shapes(
        self, material: sapien.physx.PhysxMaterial
    ) -> Iterator[sapien.physx.PhysxCollisionShape]:
        """PhysX shapes whose densities add up to the mass."""
        volume = sum(piece.volume() for piece in self.collisions)
        density = self.mass / volume if self.mass else 1000.0
        for piece in self.collisions:
            shape = piece.shape(material)
            shape.density = density
            yield shape

    def render_body(self) -> sapien.render.RenderBodyComponent:
        """What the renderer draws."""
        body = sapien.render.RenderBodyComponent()
        for part in self.visuals:
            body.attach(
                sapien.render.RenderShapeTriangleMesh(
                    np.asarray(part.mesh.vertices, dtype=np.float32),
                    np.asarray(part.mesh.faces, dtype=np.uint32),
                    np.asarray(part.mesh.vertex_normals, dtype=np.float32),
                    part.uv(),
                    part.material(),
                )
            )
        return body

    def sha256(self) -> str:
        """Hash of everything that can change a picture or a contact."""
        physical = (self.collisions, self.mass, self.points, self.grasps, self.angular_damping)
        digest = hashlib.sha256(repr(physical).encode())
        for part in self.visuals:
            digest.update(np.asarray(part.mesh.vertices, dtype=np.float32).tobytes())
            digest.update(np.asarray(part.mesh.faces, dtype=np.uint32).tobytes())
            digest.update(repr((part.color, part.roughness, part.metallic)).encode())
            if part.texture is not None:
                digest.update(part.texture.tobytes() + part.uv().tobytes())
        return digest.hexdigest()

    def lowest(self) -> float:
        """Lowest z of the collision pieces in the object's frame: it rests with that down."""
        return min(_lowest(piece) for piece in self.collisions)


def texture_coordinates(mesh: trimesh.Trimesh) -> NDArray[np.float64]:
    """Texture coordinates (V, 2) of a mesh.

    Raises:
        TypeError: If it has none.
    """
    if not isinstance(mesh.visual, trimesh.visual.TextureVisuals):
        raise TypeError("the mesh has no texture coordinates")
    return np.asarray(mesh.visual.uv, dtype=np.float64)


def flat_shaded(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh with its faces' own normals, for hard edges."""
    mesh = mesh.copy()
    mesh.unmerge_vertices()
    return trimesh.Trimesh(
        mesh.vertices,
        mesh.faces,
        vertex_normals=np.repeat(mesh.face_normals, 3, axis=0),
        process=False,
    )
