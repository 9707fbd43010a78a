"""What a thing is made of: visual parts, convex collision pieces, mass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import sapien
import trimesh

Color = tuple[float, float, float]
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class VisualPart:
    """A mesh with one material.

    Attributes:
        mesh: In the object's frame, metres, with the vertex normals that are to be seen.
        color: Linear RGB in [0, 1].
        roughness: 0 mirror .. 1 matt.
        metallic: 0 or 1.
    """

    mesh: trimesh.Trimesh
    color: Color
    roughness: float = 0.7
    metallic: float = 0.0


@dataclass(frozen=True)
class CollisionBox:
    """A box in the object's frame: centre, half sizes in metres, orientation wxyz."""

    half_size: Vector
    center: Vector = (0.0, 0.0, 0.0)
    quaternion_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class CollisionCylinder:
    """A cylinder in the object's frame, its axis along z unless turned."""

    radius: float
    half_length: float
    center: Vector = (0.0, 0.0, 0.0)
    quaternion_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


Collision = CollisionBox | CollisionCylinder

_Z_TO_X = sapien.Pose(q=[np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0])
"""SAPIEN's cylinders lie along x."""


@dataclass(frozen=True)
class ObjectModel:
    """A rigid object.

    Attributes:
        visuals: What is seen.
        collisions: Convex pieces that touch; empty for something one can only see.
        mass: Kilograms, for objects that can move. Inertia is that of uniform density.
        points: Named points in the object's frame (grasp, function), metres.
    """

    visuals: tuple[VisualPart, ...]
    collisions: tuple[Collision, ...]
    mass: float = 0.0
    points: dict[str, Vector] = field(default_factory=dict)

    @classmethod
    def box(cls, half_size: Vector, color: Color, *, mass: float = 0.0) -> ObjectModel:
        """A plain box around its origin."""
        mesh = flat_shaded(trimesh.creation.box(extents=2 * np.asarray(half_size)))
        return cls((VisualPart(mesh, color),), (CollisionBox(half_size),), mass)

    def dynamic_body(self) -> sapien.physx.PhysxRigidDynamicComponent:
        """A body that moves, still without its shapes."""
        return sapien.physx.PhysxRigidDynamicComponent()

    def collision_shapes(
        self, material: sapien.physx.PhysxMaterial
    ) -> Iterator[sapien.physx.PhysxCollisionShape]:
        """PhysX shapes whose densities add up to the mass."""
        volumes = [_volume(piece) for piece in self.collisions]
        density = self.mass / sum(volumes) if self.mass else 1000.0
        for piece in self.collisions:
            pose = sapien.Pose(piece.center, piece.quaternion_wxyz)
            shape: sapien.physx.PhysxCollisionShape
            if isinstance(piece, CollisionBox):
                shape = sapien.physx.PhysxCollisionShapeBox(piece.half_size, material)
            else:
                shape = sapien.physx.PhysxCollisionShapeCylinder(
                    piece.radius, piece.half_length, material
                )
                pose = pose * _Z_TO_X
            shape.local_pose = pose
            shape.density = density
            yield shape

    def render_body(self) -> sapien.render.RenderBodyComponent:
        """What the renderer draws."""
        body = sapien.render.RenderBodyComponent()
        for part in self.visuals:
            material = sapien.render.RenderMaterial(
                base_color=[*part.color, 1.0],
                roughness=part.roughness,
                metallic=part.metallic,
                specular=0.3,
            )
            mesh = part.mesh
            body.attach(
                sapien.render.RenderShapeTriangleMesh(
                    np.asarray(mesh.vertices, dtype=np.float32),
                    np.asarray(mesh.faces, dtype=np.uint32),
                    np.asarray(mesh.vertex_normals, dtype=np.float32),
                    np.zeros((len(mesh.vertices), 2), dtype=np.float32),
                    material,
                )
            )
        return body

    def sha256(self) -> str:
        """Hash of everything that can change a picture or a contact."""
        digest = hashlib.sha256(repr((self.collisions, self.mass, self.points)).encode())
        for part in self.visuals:
            digest.update(np.asarray(part.mesh.vertices, dtype=np.float32).tobytes())
            digest.update(np.asarray(part.mesh.faces, dtype=np.uint32).tobytes())
            digest.update(repr((part.color, part.roughness, part.metallic)).encode())
        return digest.hexdigest()


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


def _volume(piece: Collision) -> float:
    if isinstance(piece, CollisionBox):
        return float(8 * np.prod(piece.half_size))
    return float(np.pi * piece.radius**2 * 2 * piece.half_length)
