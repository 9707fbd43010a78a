"""The task interface: what is on the table, what is asked for, and when it is done.

Contents:
    SceneState: what a task may look at when it judges.
    Evaluation: what it says.
    Task: the base class; one subclass in one file for each task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.objects.instances import Instances
from envs.objects.model import ObjectModel
from envs.robots.aloha_agilex import FINGERTIP_OFFSET
from envs.simulation import Simulation

if TYPE_CHECKING:
    from envs.experts.motion import Motion

GRIPPER_IS_OPEN = 0.8
"""Measured gripper value from which on it counts as open (RoboTwin 2.0)."""


@dataclass(frozen=True)
class SceneState:
    """The scene at one moment. A task judges by this alone, never by what an expert did.

    Attributes:
        poses: World pose of every thing that the task put there.
        models: What each of them is made of: its named points and grasps.
        joint_position: Measured joint values (14,).
        endpose: Poses (2, 7) of both link6 in the world: position, quaternion wxyz.
        table_height: Height of the table's top in metres.
    """

    poses: Mapping[str, sapien.Pose]
    models: Mapping[str, ObjectModel]
    joint_position: NDArray[np.float64]
    endpose: NDArray[np.float64]
    table_height: float

    def position(
        self, name: str, point: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ) -> NDArray[np.float64]:
        """World position of a point that is given in a thing's own frame."""
        return np.asarray((self.poses[name] * sapien.Pose(point)).p, dtype=np.float64)

    def point(self, name: str, point: str) -> NDArray[np.float64]:
        """World position of a thing's named point, or of its named grasp."""
        model = self.models[name]
        grasp = model.grasps.get(point)
        return self.position(name, model.points[point] if grasp is None else grasp.point)

    def direction(self, name: str, vector: tuple[float, float, float]) -> NDArray[np.float64]:
        """World direction of one that is given in a thing's own frame."""
        rotation = self.poses[name].to_transformation_matrix()[:3, :3].astype(np.float64)
        return np.asarray(rotation @ np.asarray(vector))

    def closing(self, name: str, grasp: str) -> NDArray[np.float64]:
        """World direction in which fingers close on a thing's named grasp."""
        return self.direction(name, self.models[name].grasps[grasp].closing)

    def axis(self, name: str, axis: int) -> NDArray[np.float64]:
        """World direction of a thing's x (0), y (1) or z (2) axis."""
        return np.asarray(self.poses[name].to_transformation_matrix()[:3, axis], dtype=np.float64)

    def fingertips(self, side: int) -> NDArray[np.float64]:
        """World position between the finger pads of the left (0) or right (1) arm."""
        link6 = sapien.Pose(self.endpose[side, :3], self.endpose[side, 3:])
        tips = link6 * sapien.Pose([FINGERTIP_OFFSET, 0.0, 0.0])
        return np.asarray(tips.p, dtype=np.float64)

    def gripper_open(self, side: int) -> bool:
        """Whether the gripper of the left (0) or right (1) arm is open."""
        return bool(self.joint_position[6 + 7 * side] > GRIPPER_IS_OPEN)


@dataclass(frozen=True)
class Evaluation:
    """A task's judgement of one moment.

    Attributes:
        checks: Named conditions; all of them together are success.
        progress: How far the task is, 0 .. 1 at success; continuous, so that it serves as the
            dense reward.
        failure: Why success is out of reach now, or None.
    """

    checks: dict[str, bool]
    progress: float
    failure: str | None = None

    @property
    def success(self) -> bool:
        """Whether every condition holds."""
        return all(self.checks.values())


class Task(ABC):
    """A task for two arms.

    Attributes:
        name: Identifier in commands and files, such as `block_hammer_beat`.
        step_limit: Control steps of an episode.
        hold_steps: Control steps in a row in which all checks must hold before it is a success.
        instructions: Wordings that may be used in training and evaluation.
        unseen_instructions: Wordings kept for evaluating language generalization.
        keep_clear: Places (x, y, radius) in m where no clutter lies, besides those around the
            task's things: where things are put, and the ways of the arms.
    """

    name: ClassVar[str]
    step_limit: ClassVar[int]
    hold_steps: ClassVar[int] = 5
    instructions: ClassVar[tuple[str, ...]]
    unseen_instructions: ClassVar[tuple[str, ...]] = ()
    keep_clear: ClassVar[tuple[tuple[float, float, float], ...]] = ((0.0, -0.12, 0.16),)

    @abstractmethod
    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Samples a layout and adds the task's things to the scene.

        Args:
            simulation: The scene with room, table and robot.
            rng: Source of the layout's randomness.
            instances: Draws the things out of their families. It has a generator of its own: which
                instances are drawn changes no layout.
        """

    @abstractmethod
    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment: a pure function of the scene now and at reset."""

    @abstractmethod
    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Solves the task from reset, one action (14,) at a time.

        Args:
            motion: The motion primitives, bound to the scene.
            state: The scene at reset.

        Raises:
            envs.experts.motion.ExpertError: With the reason, if a motion is not possible.
        """
