"""The aloha-agilex embodiment: two ARX X5 arms on the AgileX base, as one URDF.

Kinematics are those of AgileX's `mobile_aloha_sim` (joint origins and axes); joint, velocity and
torque limits are those of the real X5 (`arx5-sdk`), because AgileX's file has none. Shapes come
from `envs.robots.aloha_shapes`. All frames are right-handed; metres, radians, kilograms.

An arm's tool frame is its `link6`: +x points out of the gripper, fingers open along +-y. The
point between the finger pads lies `FINGERTIP_OFFSET` along +x.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from envs.cache import cache_dir
from envs.robots.aloha_shapes import Box, LinkShape, link_shape

ARM_SIDES = ("left", "right")
ARM_PREFIX = {"left": "fl", "right": "fr"}
ARM_DOF = 6

ROBOT_POSITION = (0.0, -0.65, 0.0)
"""World position of the robot's root (`footprint`), which is turned by +90 deg about z."""
ROBOT_QUATERNION_WXYZ = (float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5)))

FINGERTIP_OFFSET = 0.12
"""Distance in metres from link6 to the point between the finger pads, along link6's +x."""

FINGER_CLOSED, FINGER_OPEN = -0.01, 0.045
"""Finger travel in metres that the gripper commands 0 and 1 stand for (RoboTwin 2.0).

The closed target lies beyond the stop, so that closing squeezes what is in between.
"""

DRIVE_STIFFNESS, DRIVE_DAMPING = 1000.0, 200.0

ARM_LOWER = np.array([-3.14, -0.05, -0.1, -1.6, -1.57, -2.0])
ARM_UPPER = np.array([2.618, 3.5, 3.2, 1.55, 1.57, 2.0])
ARM_MAX_VELOCITY = np.array([5.0, 5.0, 5.5, 5.5, 5.0, 5.0])
ARM_MAX_TORQUE = np.array([30.0, 40.0, 30.0, 15.0, 10.0, 10.0])
FINGER_LOWER, FINGER_UPPER = 0.0, 0.04765
FINGER_MAX_VELOCITY = 0.2
FINGER_MAX_FORCE = 100.0


@dataclass(frozen=True)
class JointFrame:
    """Where a joint sits in its parent link's frame.

    Attributes:
        xyz: Origin in metres.
        rpy: Fixed-axis roll, pitch, yaw in radians.
        axis: Unit axis in the joint's own frame.
    """

    xyz: tuple[float, float, float]
    rpy: tuple[float, float, float]
    axis: tuple[int, int, int]


ARM_BASE = {"left": (0.233, 0.300, 0.7775), "right": (0.233, -0.307, 0.7775)}
"""Arm bases in the footprint frame (x forward, y left)."""

FLIP = (-np.pi, 0.0, 0.0)
LEVEL = (0.0, 0.0, 0.0)
ARM_JOINTS = (
    JointFrame((0.0, 0.0, 0.0603), LEVEL, (0, 0, 1)),
    JointFrame((0.02, 0.0, 0.0402), LEVEL, (0, 1, 0)),
    JointFrame((-0.264, 0.0, 0.0), FLIP, (0, 1, 0)),
    JointFrame((0.245, 0.0, -0.056), LEVEL, (0, 1, 0)),
    JointFrame((0.06575, -0.001, -0.0825), LEVEL, (0, 0, 1)),
    JointFrame((0.02845, 0.0, 0.0825), FLIP, (1, 0, 0)),
)
FINGER_JOINTS = (
    JointFrame((0.073574, 0.024629, 0.0), LEVEL, (0, 1, 0)),
    JointFrame((0.073574, -0.024629, 0.0), LEVEL, (0, -1, 0)),
)

LINK_MASS = {
    "footprint": 80.0,
    "base_link": 0.43,
    "link1": 0.064,
    "link2": 1.165,
    "link3": 0.546,
    "link4": 0.081,
    "link5": 0.655,
    "link6": 0.581,
    "link7": 0.05,
    "link8": 0.05,
}
"""Link masses of the X5 (arx5-sdk). The base's and the fingers' are ours."""


def joint_names(side: str) -> list[str]:
    """Names of one arm's joints: six arm joints, then the two fingers."""
    return [f"{ARM_PREFIX[side]}_joint{i}" for i in range(1, 9)]


def link_name(side: str, index: int) -> str:
    """Name of an arm's link (`index` 1-6 arm, 7 and 8 fingers)."""
    return f"{ARM_PREFIX[side]}_link{index}"


def _triple(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _bounding_box(shape: LinkShape) -> Box:
    lower = np.min([np.subtract(b.center, b.half_size) for b in shape.collisions], axis=0)
    upper = np.max([np.add(b.center, b.half_size) for b in shape.collisions], axis=0)
    return Box(tuple((lower + upper) / 2), tuple((upper - lower) / 2))


def _add_link(robot: ElementTree.Element, name: str, kind: str, meshes: Path) -> None:
    shape = link_shape(kind)
    link = ElementTree.SubElement(robot, "link", name=name)
    box, mass = _bounding_box(shape), LINK_MASS[kind]
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "origin", xyz=_triple(box.center), rpy="0 0 0")
    ElementTree.SubElement(inertial, "mass", value=f"{mass:.9g}")
    x, y, z = np.square(2 * np.asarray(box.half_size)) * mass / 12  # a solid cuboid's moments
    moments = {"ixx": y + z, "iyy": x + z, "izz": x + y, "ixy": 0.0, "ixz": 0.0, "iyz": 0.0}
    ElementTree.SubElement(inertial, "inertia", {k: f"{v:.9g}" for k, v in moments.items()})
    visual = ElementTree.SubElement(link, "visual")
    geometry = ElementTree.SubElement(visual, "geometry")
    ElementTree.SubElement(geometry, "mesh", filename=str(meshes / f"{kind}.glb"))
    for collision_box in shape.collisions:
        collision = ElementTree.SubElement(link, "collision")
        ElementTree.SubElement(collision, "origin", xyz=_triple(collision_box.center), rpy="0 0 0")
        size = _triple(tuple(2 * half for half in collision_box.half_size))
        ElementTree.SubElement(ElementTree.SubElement(collision, "geometry"), "box", size=size)


def _add_joint(
    robot: ElementTree.Element,
    name: str,
    kind: str,
    parent: str,
    child: str,
    frame: JointFrame,
    limit: dict[str, float] | None = None,
) -> None:
    joint = ElementTree.SubElement(robot, "joint", name=name, type=kind)
    ElementTree.SubElement(joint, "parent", link=parent)
    ElementTree.SubElement(joint, "child", link=child)
    ElementTree.SubElement(joint, "origin", xyz=_triple(frame.xyz), rpy=_triple(frame.rpy))
    if limit is not None:
        ElementTree.SubElement(joint, "axis", xyz=_triple(frame.axis))
        ElementTree.SubElement(joint, "limit", {k: f"{v:.9g}" for k, v in limit.items()})


def urdf_text(meshes: Path) -> str:
    """The robot's URDF.

    Args:
        meshes: Folder that holds (or will hold) `<kind>.glb` for every link kind.

    Returns:
        URDF as an XML string. The root link is `footprint`, on the ground between the wheels.
    """
    robot = ElementTree.Element("robot", name="aloha_agilex")
    _add_link(robot, "footprint", "footprint", meshes)
    for side, prefix in ARM_PREFIX.items():
        base = f"{prefix}_base_link"
        _add_link(robot, base, "base_link", meshes)
        mount = JointFrame(ARM_BASE[side], LEVEL, (0, 0, 1))
        _add_joint(robot, f"{prefix}_base_joint", "fixed", "footprint", base, mount)
        parent = base
        for i, frame in enumerate(ARM_JOINTS):
            child = link_name(side, i + 1)
            _add_link(robot, child, f"link{i + 1}", meshes)
            limit = {
                "lower": ARM_LOWER[i],
                "upper": ARM_UPPER[i],
                "effort": ARM_MAX_TORQUE[i],
                "velocity": ARM_MAX_VELOCITY[i],
            }
            _add_joint(robot, f"{prefix}_joint{i + 1}", "revolute", parent, child, frame, limit)
            parent = child
        for index, frame in zip((7, 8), FINGER_JOINTS, strict=True):
            child = link_name(side, index)
            _add_link(robot, child, f"link{index}", meshes)
            limit = {
                "lower": FINGER_LOWER,
                "upper": FINGER_UPPER,
                "effort": FINGER_MAX_FORCE,
                "velocity": FINGER_MAX_VELOCITY,
            }
            _add_joint(robot, f"{prefix}_joint{index}", "prismatic", parent, child, frame, limit)
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding="unicode")


def _link_meshes() -> Iterator[tuple[str, bytes]]:
    for kind in LINK_MASS:
        yield kind, link_shape(kind).visual_glb()


@cache
def write_robot() -> tuple[Path, str]:
    """Writes the robot's URDF and meshes into the cache, once per content.

    Returns:
        The URDF's path, and the SHA-256 of everything it was made from.
    """
    meshes = dict(_link_meshes())
    digest = hashlib.sha256(urdf_text(Path(".")).encode())
    for kind, data in meshes.items():
        digest.update(kind.encode() + data)
    folder = cache_dir() / "aloha_agilex" / digest.hexdigest()[:16]
    path = folder / "aloha_agilex.urdf"
    if not path.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent))
        for kind, data in meshes.items():
            (staging / f"{kind}.glb").write_bytes(data)
        (staging / path.name).write_text(urdf_text(folder))
        try:
            os.rename(staging, folder)
        except OSError:  # another process was first; its content is the same
            if not path.exists():
                raise
    return path, digest.hexdigest()
