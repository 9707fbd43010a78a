"""Forward and inverse kinematics of both arms, on SAPIEN's bundled Pinocchio."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import sapien
from numpy.typing import NDArray
from sapien.pysapien_pinocchio import PinocchioModel

from envs.robots import aloha_agilex as robot

Array = NDArray[np.float64]

_ROOT = sapien.Pose(robot.ROBOT_POSITION, robot.ROBOT_QUATERNION_WXYZ)
_TOLERANCE = 1e-4
_ITERATIONS = 60
_RESTARTS = np.array(
    [
        [0.0, 1.2, 1.0, -0.3, 0.0, 0.0],
        [0.0, 1.5, 1.5, 0.9, 0.0, 0.0],
        [0.6, 1.6, 1.2, -0.9, 0.0, 0.0],
        [-0.6, 1.6, 1.2, -0.9, 0.0, 0.0],
        [0.0, 1.8, 0.9, 0.8, 0.0, 1.2],
        [0.0, 1.8, 0.9, 0.8, 0.0, -1.2],
    ]
)
"""Where the search starts again when it ends outside the joint limits: spread over the table."""


class ArmKinematics:
    """Kinematics of one arm; poses are of its `link6`, in the world.

    Shared by everybody in a process (`arm_kinematics`): it holds no state between calls.
    """

    def __init__(self, side: str) -> None:
        """Builds the arm's model from the robot's URDF.

        Args:
            side: `left` or `right`.
        """
        names = [name for s in robot.ARM_SIDES for name in robot.joint_names(s)]
        self._model = PinocchioModel(robot.urdf_text(Path()), [0.0, 0.0, -9.81])
        self._model.set_joint_order(names)
        self._model.set_link_order([robot.link_name(side, 6)])
        self._first = 8 * robot.ARM_SIDES.index(side)
        self._mask = np.zeros(len(names), dtype=np.int32)
        self._mask[self._first : self._first + robot.ARM_DOF] = 1

    def _full(self, joints: Array) -> Array:
        values = np.zeros(len(self._mask))
        values[self._first : self._first + robot.ARM_DOF] = joints
        return values

    def forward(self, joints: Array) -> sapien.Pose:
        """Pose of link6 for six joint angles in rad."""
        self._model.compute_forward_kinematics(self._full(joints))
        return _ROOT * self._model.get_link_pose(0)

    def inverse(self, pose: sapien.Pose, near: Array, *, restarts: bool = True) -> Array | None:
        """Joint angles that bring link6 to a pose.

        Args:
            pose: Wanted pose in the world.
            near: Six angles in rad to start from; the solution is continuous in them.
            restarts: Whether to start again elsewhere where the search fails or leaves the
                limits. Without, a result stays on the branch of `near`.

        Returns:
            Six angles in rad inside the joint limits, or None if none were found.
        """
        starts = [near, *_RESTARTS] if restarts else [near]
        target = _ROOT.inv() * pose
        for start in starts:
            solution, converged, _ = self._model.compute_inverse_kinematics(
                0,
                target,
                initial_qpos=self._full(start),
                active_qmask=self._mask,
                eps=_TOLERANCE,
                max_iterations=_ITERATIONS,
                dt=1.0,
                damp=1e-5,
            )
            if not converged:
                continue
            joints = np.asarray(solution)[self._first : self._first + robot.ARM_DOF]
            joints = (joints + np.pi) % (2 * np.pi) - np.pi
            # The ranges of joints 2 and 3 reach past +pi.
            joints = np.where(joints < robot.ARM_LOWER - _TOLERANCE, joints + 2 * np.pi, joints)
            joints = np.where(joints > robot.ARM_UPPER + _TOLERANCE, joints - 2 * np.pi, joints)
            inside = (joints >= robot.ARM_LOWER - _TOLERANCE) & (
                joints <= robot.ARM_UPPER + _TOLERANCE
            )
            if inside.all():
                return np.asarray(np.clip(joints, robot.ARM_LOWER, robot.ARM_UPPER))
        return None


@cache
def arm_kinematics(side: str) -> ArmKinematics:
    """The kinematics of the `left` or `right` arm."""
    return ArmKinematics(side)
