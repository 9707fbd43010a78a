"""Which channels of an action are joints, and how far these can turn."""

from __future__ import annotations

from dataclasses import dataclass

from envs.robots import aloha_agilex as robot


@dataclass(frozen=True)
class JointLimits:
    """The joints among an action's channels.

    Attributes:
        channels: Which channels are joint angles.
        lower: Their least angles, in rad.
        upper: Their greatest angles, in rad.
    """

    channels: tuple[int, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    @property
    def widest_margin(self) -> float:
        """Half of the range of the joint that turns least, in rad: a band's width is below it."""
        return min(high - low for low, high in zip(self.lower, self.upper, strict=True)) / 2


def _both_arms() -> JointLimits:
    sides = range(len(robot.ARM_SIDES))
    per_side = robot.ARM_DOF + 1  # the gripper
    return JointLimits(
        channels=tuple(per_side * side + i for side in sides for i in range(robot.ARM_DOF)),
        lower=tuple(float(each) for _ in sides for each in robot.ARM_LOWER),
        upper=tuple(float(each) for _ in sides for each in robot.ARM_UPPER),
    )


ALOHA_AGILEX = _both_arms()
"""Of `joint` actions (14,): the twelve joints without the grippers."""
