"""The robot in a scene: loading it, driving it, reading it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import sapien
from numpy.typing import NDArray
from sapien.wrapper.articulation_builder import ArticulationBuilder

from envs.robots import aloha_agilex as robot

Array = NDArray[np.float64]

ACTION_SIZE = 14
ACTION_LOWER = np.tile(np.append(robot.ARM_LOWER, 0.0), 2)
ACTION_UPPER = np.tile(np.append(robot.ARM_UPPER, 1.0), 2)
"""Bounds of the 14 joint targets: 6 joints in rad and the gripper 0..1, left arm first."""

GRIPPER = (6, 13)
"""Indices of the grippers among the 14."""

_FINGER_SPAN = robot.FINGER_OPEN - robot.FINGER_CLOSED

_DRIVE_MAX_VELOCITY = np.tile(
    np.append(robot.ARM_MAX_VELOCITY, [robot.FINGER_MAX_VELOCITY] * 2), len(robot.ARM_SIDES)
)


def _per_drive(values: Array) -> Array:
    """Spreads 14 action values over the 16 drives; the two fingers follow one command."""
    arms = values.reshape(2, 7)
    finger = robot.FINGER_CLOSED + arms[:, 6:] * _FINGER_SPAN
    return np.concatenate([arms[:, :6], finger, finger], axis=1).reshape(-1)


def _per_action(drives: Array) -> Array:
    arms = drives.reshape(2, 8)
    finger = (arms[:, 6:7] + arms[:, 7:]) / 2
    gripper = (finger - robot.FINGER_CLOSED) / _FINGER_SPAN
    return np.concatenate([arms[:, :6], gripper], axis=1).reshape(-1)


class DualArm:
    """The aloha-agilex robot in one scene.

    Joint values come as 14 numbers: six joint angles in rad and the gripper, for the left arm and
    then for the right. The gripper is 0 for the closed command (1 cm beyond the stop, so a closed
    empty gripper measures 0.18) and 1 for open.
    """

    def __init__(self, scene: sapien.Scene, *, visuals: bool) -> None:
        """Loads the robot at home: all joints zero, grippers open.

        Args:
            scene: Scene to add it to.
            visuals: Whether it can be seen; False where there is no renderer.
        """
        self.asset_sha256 = robot.write_robot()[1]
        builder = _builder(visuals).set_scene(scene)
        self.articulation = builder.build(fix_root_link=True)
        self.articulation.root_pose = sapien.Pose(robot.ROBOT_POSITION, robot.ROBOT_QUATERNION_WXYZ)
        self._drives = [
            self.articulation.find_joint_by_name(name)
            for side in robot.ARM_SIDES
            for name in robot.joint_names(side)
        ]
        active = list(self.articulation.active_joints)
        self._order = np.array([active.index(joint) for joint in self._drives])
        force = np.tile(
            np.append(robot.ARM_MAX_TORQUE, [robot.FINGER_MAX_FORCE] * 2), len(robot.ARM_SIDES)
        )
        for joint, limit in zip(self._drives, force, strict=True):
            joint.set_drive_properties(
                robot.DRIVE_STIFFNESS, robot.DRIVE_DAMPING, float(limit), "force"
            )
        for link in self.articulation.links:
            link.disable_gravity = True  # the real arm compensates its own weight
            _ignore_own_arm(link)
        self.end_links = [
            self.articulation.find_link_by_name(robot.link_name(side, 6))
            for side in robot.ARM_SIDES
        ]
        home = np.zeros(ACTION_SIZE)
        home[list(GRIPPER)] = 1.0
        self.set_joint_position(home)

    @property
    def joint_position(self) -> Array:
        """Measured joint values (14,)."""
        return _per_action(np.asarray(self.articulation.qpos, dtype=np.float64)[self._order])

    @property
    def joint_target(self) -> Array:
        """Commanded joint values (14,): where the drives pull to now."""
        return _per_action(self._setpoint)

    @property
    def endpose(self) -> Array:
        """Poses of both link6 in the world (2, 7): position, quaternion wxyz; left first."""
        poses = [link.entity_pose for link in self.end_links]
        return np.array([[*pose.p, *pose.q] for pose in poses], dtype=np.float64)

    def set_joint_position(self, values: Array) -> None:
        """Puts the joints (14,) there at rest, with the drives holding them."""
        drives = _per_drive(np.asarray(values, dtype=np.float64))
        qpos = np.zeros(len(drives), dtype=np.float32)
        qpos[self._order] = drives
        self.articulation.set_qpos(qpos)
        self.articulation.set_qvel(np.zeros_like(qpos))
        self._setpoint = drives
        self._velocity = np.zeros_like(drives)
        for joint, value in zip(self._drives, drives, strict=True):
            joint.set_drive_target(float(value))
            joint.set_drive_velocity_target(0.0)

    def follow(self, action: Array, steps: int, dt: float) -> Iterator[None]:
        """Drives towards an action; to be advanced once before each physics step.

        Targets move linearly and arrive at the last step, unless that is faster than the joint
        can turn: then they move at its velocity limit and stop short. The drives also get the
        targets' velocity, as RoboTwin's do: with position targets alone the damping would hold
        every motion back by 0.2 s (damping / stiffness).

        Args:
            action: Joint targets (14,), inside their bounds.
            steps: Number of physics steps.
            dt: Seconds of one.
        """
        start = self._setpoint
        reach = _DRIVE_MAX_VELOCITY * dt * steps
        travel = np.clip(_per_drive(np.asarray(action, dtype=np.float64)) - start, -reach, reach)
        velocity = travel / (steps * dt)
        for i in np.flatnonzero(velocity != self._velocity):
            self._drives[i].set_drive_velocity_target(float(velocity[i]))
        self._velocity = velocity
        moving = [(self._drives[i], i) for i in np.flatnonzero(travel)]
        for self._setpoint in start + np.outer(np.arange(1, steps + 1) / steps, travel):
            values = self._setpoint.tolist()
            for joint, i in moving:
                joint.set_drive_target(values[i])
            yield

    def state(self) -> Array:
        """Everything that the next physics step depends on, as one vector."""
        articulation = self.articulation
        return np.concatenate(
            [articulation.qpos, articulation.qvel, self._setpoint, self._velocity]
        ).astype(np.float64)


@cache
def _builder(visuals: bool) -> ArticulationBuilder:
    """Builds the robot into any scene; reading the URDF takes longer than all else of a reset."""
    loader = sapien.Scene([sapien.physx.PhysxCpuSystem()]).create_urdf_loader()
    loader.fix_root_link = True
    builder = loader.parse(str(robot.write_robot()[0]))[0][0]
    if not visuals:
        for link_builder in builder.link_builders:
            link_builder.visual_records = []
    return builder


def _ignore_own_arm(link: sapien.physx.PhysxArticulationLinkComponent) -> None:
    """Lets the links of one arm pass through each other.

    The joint limits keep the real arm's links apart, but not their boxes, which are wider. The arms
    still collide with each other and with the base.
    """
    for arm, prefix in enumerate(robot.ARM_PREFIX.values()):
        if link.name.startswith(prefix):
            for shape in link.collision_shapes:
                # Shapes that share a bit of the third group, and the fourth, do not touch.
                groups = shape.collision_groups
                shape.set_collision_groups([groups[0], groups[1], 1 << (8 + arm), 0])
