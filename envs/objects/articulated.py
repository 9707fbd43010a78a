"""Things with a part that slides, such as a cabinet with a drawer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import sapien

from envs.objects.model import ObjectModel, Vector


@dataclass(frozen=True, eq=False)
class SlidingPart:
    """A part that slides on the body.

    Attributes:
        name: Of the part.
        model: Its shape, in the body's frame as it is at travel 0, with its mass.
        axis: Unit direction in the body's frame in which it slides.
        travel: How far, in metres.
        friction: Force in N that the slide holds against.
        damping: Force in N for each m/s.
    """

    name: str
    model: ObjectModel
    axis: Vector
    travel: float
    friction: float = 0.0
    damping: float = 5.0


@dataclass(frozen=True, eq=False)
class ArticulatedModel:
    """A body that stands fixed, and a part that slides on it.

    Attributes:
        body: The fixed body.
        part: What slides.
    """

    body: ObjectModel
    part: SlidingPart

    def sha256(self) -> str:
        """Hash of everything that can change a picture or a contact."""
        part = self.part
        slide = repr((part.name, part.axis, part.travel, part.friction, part.damping))
        text = self.body.sha256() + part.model.sha256() + slide
        return hashlib.sha256(text.encode()).hexdigest()


def _x_to(axis: Vector) -> sapien.Pose:
    """Rotation that brings x, along which prismatic joints move, to an axis."""
    x = np.asarray(axis, dtype=float)
    helper = np.eye(3)[int(np.argmin(np.abs(x)))]
    y = np.cross(helper, x)
    y /= np.linalg.norm(y)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([x, y, np.cross(x, y)], axis=1)
    return sapien.Pose(matrix)


def build(
    model: ArticulatedModel, material: sapien.physx.PhysxMaterial, *, visuals: bool
) -> tuple[sapien.Entity, sapien.Entity]:
    """Makes the entities of body and part, which are not in a scene yet.

    Args:
        model: What to build.
        material: Of all contacts.
        visuals: Whether it can be seen.
    """
    body = sapien.physx.PhysxArticulationLinkComponent()
    part = sapien.physx.PhysxArticulationLinkComponent(body)
    entities = []
    for link, shapes in ((body, model.body), (part, model.part.model)):
        for shape in shapes.collision_shapes(material):
            # Body and part share a bit of the third group, and the fourth: they do not touch. The
            # joint's limits are what stops the part.
            groups = shape.collision_groups
            shape.set_collision_groups([groups[0], groups[1], 1 << 10, 0])
            link.attach(shape)
        entity = sapien.Entity()
        entity.add_component(link)
        if visuals:
            entity.add_component(shapes.render_body())
        entities.append(entity)
    body.joint.type = "fixed"
    joint = part.joint
    joint.name = model.part.name
    joint.type = "prismatic"
    joint.pose_in_parent = joint.pose_in_child = _x_to(model.part.axis)
    joint.limit = np.array([0.0, model.part.travel], dtype=np.float32)
    joint.set_drive_properties(0.0, model.part.damping)
    joint.set_friction(model.part.friction)
    return entities[0], entities[1]
