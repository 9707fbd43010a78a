"""Forward kinematics in torch: batched and differentiable, for learning with joint poses."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from envs.robots import aloha_agilex as robot

LINKS_PER_ARM = 8


def _rotation(rpy: tuple[float, float, float]) -> np.ndarray:
    """Rotation matrix of fixed-axis roll, pitch, yaw, as URDF defines them."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy), np.sin(rpy)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def _origin(frame: robot.JointFrame) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(frame.rpy)
    matrix[:3, 3] = frame.xyz
    return matrix


def _turned(axis: tuple[int, int, int], angle: Tensor) -> Tensor:
    """Homogeneous rotations (..., 4, 4) about a unit axis, by Rodrigues' formula."""
    x, y, z = axis
    cross = angle.new_tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, cos = angle.sin()[..., None, None], angle.cos()[..., None, None]
    rotation = torch.eye(3, dtype=angle.dtype, device=angle.device) + sin * cross
    rotation = rotation + (1 - cos) * (cross @ cross)
    return torch.nn.functional.pad(rotation, (0, 1, 0, 1)) + _corner(angle)


def _shifted(axis: tuple[int, int, int], distance: Tensor) -> Tensor:
    """Homogeneous translations (..., 4, 4) along a unit axis."""
    shift = distance[..., None, None] * distance.new_tensor(axis)[:, None]
    rotation = torch.eye(4, dtype=distance.dtype, device=distance.device)
    return rotation + torch.nn.functional.pad(shift, (3, 0, 0, 1))


def _corner(like: Tensor) -> Tensor:
    corner = torch.zeros(4, 4, dtype=like.dtype, device=like.device)
    corner[3, 3] = 1
    return corner


def link_poses(joints: Tensor) -> Tensor:
    """Poses of all moving links in the robot's root frame (`footprint`).

    Args:
        joints: (..., 2, 8): for the left and the right arm six angles in rad and the travel of both
            fingers in m. float32 or float64.

    Returns:
        (..., 2, 8, 4, 4) homogeneous transforms of links 1 .. 8.
    """
    arms = []
    for arm, side in enumerate(robot.ARM_SIDES):
        base = np.eye(4)
        base[:3, 3] = robot.ARM_BASE[side]
        pose = joints.new_tensor(base)
        poses = []
        for i, frame in enumerate(robot.ARM_JOINTS):
            moved = _turned(frame.axis, joints[..., arm, i])
            pose = pose @ joints.new_tensor(_origin(frame)) @ moved
            poses.append(pose)
        for i, frame in enumerate(robot.FINGER_JOINTS, start=robot.ARM_DOF):
            moved = _shifted(frame.axis, joints[..., arm, i])
            poses.append(pose @ joints.new_tensor(_origin(frame)) @ moved)
        arms.append(torch.stack(poses, dim=-3))
    return torch.stack(arms, dim=-4)
