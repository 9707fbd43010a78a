"""The height of the table, and how the robot stands at the beginning."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.randomization.variation import SignedVariation, SizedVariation, random_direction, rounded
from envs.scene_settings import SceneSettings

ARM_JOINTS = 6


@dataclass(frozen=True, kw_only=True)
class TableHeight(SignedVariation):
    """The table is higher or lower, with everything on it. Size in m.

    RoboTwin 2.0 lowers it by up to 0.03 m; beyond that, either way, some tasks are out of the arms'
    reach.
    """

    name: ClassVar[str] = "table_height"
    LEVELS: ClassVar = (0.0, 0.01, 0.015, 0.02, 0.025, 0.03)
    LIMIT: ClassVar = 0.2

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> float:
        """A difference of height."""
        return self.draw_size(rng)

    def apply(self, value: float, settings: SceneSettings) -> SceneSettings:
        """The settings with the table there."""
        return dataclasses.replace(settings, table_height=settings.table_height + value)


@dataclass(frozen=True, kw_only=True)
class RobotStart(SizedVariation):
    """The arms start away from home. Size in rad: length of the step of an arm's six joints.

    Joints stay within their limits. Home is at the lower limits of the second and third joint, the
    arm folded; these two go up only.
    """

    name: ClassVar[str] = "robot_init"
    LEVELS: ClassVar = (0.0, 0.05, 0.10, 0.20, 0.30, 0.40)
    LIMIT: ClassVar = 1.5

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> list[float]:
        """A step of the 14 joint values; the grippers stay open."""
        size = rng.uniform(*self.size)
        step = np.zeros(2 * (ARM_JOINTS + 1))
        for first in (0, ARM_JOINTS + 1):
            direction = random_direction(rng, ARM_JOINTS)
            direction[1:3] = np.abs(direction[1:3])
            step[first : first + ARM_JOINTS] = size * direction
        return [rounded(value) for value in step]

    def apply(self, value: list[float], settings: SceneSettings) -> SceneSettings:
        """The settings that start there."""
        return dataclasses.replace(settings, joint_offset=tuple(value))
