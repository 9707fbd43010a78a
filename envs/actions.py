"""Actions: their spaces, checks, and what they mean for the joints.

joint  (14,)  six joint targets in rad and the gripper (0 closed .. 1 open), left arm then right
ee     (16,)  per arm link6's position in m and quaternion wxyz in the world, and the gripper
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sapien
from gymnasium import spaces
from numpy.typing import NDArray

from envs.errors import InvalidActionError
from envs.robots import aloha_agilex as robot
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from envs.robots.kinematics import arm_kinematics

Array = NDArray[np.float64]

ACTION_MODES = ("joint", "ee")
EE_LOWER = np.tile([-1.0, -1.0, 0.5, -1.0, -1.0, -1.0, -1.0, 0.0], 2)
EE_UPPER = np.tile([1.0, 1.0, 1.8, 1.0, 1.0, 1.0, 1.0, 1.0], 2)
TOLERANCE = 1e-6


def space(mode: str) -> spaces.Box:
    """The action space of a mode."""
    low, high = (ACTION_LOWER, ACTION_UPPER) if mode == "joint" else (EE_LOWER, EE_UPPER)
    return spaces.Box(low.astype(np.float32), high.astype(np.float32))


def checked(action: NDArray[np.floating[Any]], box: spaces.Box) -> Array:
    """The action as float64, clipped to bounds that it keeps within 1e-6.

    Raises:
        InvalidActionError: For a wrong shape, NaN, or values out of bounds.
    """
    values = np.asarray(action, dtype=np.float64)
    if values.shape != box.shape:
        raise InvalidActionError(f"action has shape {values.shape}, {box.shape} is needed")
    if not np.isfinite(values).all():
        i = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InvalidActionError(f"action[{i}] = {values[i]}")
    outside = (values < box.low - TOLERANCE) | (values > box.high + TOLERANCE)
    if outside.any():
        i = int(np.flatnonzero(outside)[0])
        raise InvalidActionError(
            f"action[{i}] = {values[i]:.6g} is outside [{box.low[i]:.6g}, {box.high[i]:.6g}]"
        )
    return np.asarray(np.clip(values, box.low, box.high))


def joint_target_of_poses(action: Array, joint_target: Array) -> tuple[Array, dict[str, bool]]:
    """Joint targets for an `ee` action.

    Args:
        action: (16,), checked.
        joint_target: The present targets (14,), from which inverse kinematics starts.

    Returns:
        Joint targets (14,), and for each arm whether its pose is unreachable; such an arm keeps its
        targets.

    Raises:
        InvalidActionError: For a quaternion of length zero.
    """
    target = joint_target.copy()
    unreachable = {}
    for i, side in enumerate(robot.ARM_SIDES):
        position, quaternion, gripper = np.split(action[8 * i : 8 * i + 8], [3, 7])
        length = np.linalg.norm(quaternion)
        if length < 1e-3:
            raise InvalidActionError(f"the {side} arm's quaternion is zero")
        near = target[7 * i : 7 * i + 6]
        joints = arm_kinematics(side).inverse(sapien.Pose(position, quaternion / length), near)
        unreachable[side] = joints is None
        target[7 * i : 7 * i + 7] = np.append(near if joints is None else joints, gripper)
    return target, unreachable


def hold(mode: str, joint_target: Array) -> NDArray[np.float32]:
    """The action of a mode that keeps both arms at their present joint targets (14,)."""
    if mode == "joint":
        return np.clip(joint_target, ACTION_LOWER, ACTION_UPPER).astype(np.float32)
    hands = []
    for i, side in enumerate(robot.ARM_SIDES):
        pose = arm_kinematics(side).forward(joint_target[7 * i : 7 * i + 6])
        hands.append([*pose.p, *pose.q, np.clip(joint_target[7 * i + 6], 0.0, 1.0)])
    return np.concatenate(hands).astype(np.float32)
