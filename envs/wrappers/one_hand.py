"""A task as one hand sees and does it: a flat vector in, small straight steps of the hand out.

Contents:
    OneHand: the mapping; a policy that acts without the wrapper uses it as well.
    OneHandWrapper: an environment with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import sapien
from gymnasium import spaces
from numpy.typing import NDArray

from envs.errors import InvalidOptionError, nearest
from envs.robots import aloha_agilex as robot
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from envs.robots.kinematics import arm_kinematics
from envs.scene_settings import TABLE_HEIGHT
from envs.wrappers.action_chunk import ActionChunk

Vector = tuple[float, float, float]

HAND_INPUTS, THING_INPUTS = 8, 9
"""Numbers in the vector for the hand, and for each thing."""
STEP_SIZE = 4
"""Numbers of one step: the fingertips' way in x, y, z, and the gripper."""

_LENGTH = 0.1
"""Metres that make 1 in the vector."""
_CENTRE = np.array([0.1, -0.1, TABLE_HEIGHT + 0.1])
"""World position that makes 0 in the vector, as the right hand has it."""
_TIPS = np.array([robot.FINGERTIP_OFFSET, 0.0, 0.0])


@dataclass(frozen=True)
class OneHand:
    """How one hand sees and does a task; the other arm stays where it is.

    Which hand it is shows in the first observation: the one on whose side the `point` of the task's
    first thing is. All that the left hand sees and does is mirrored at the robot's middle plane, so
    that whatever is learned with one hand is known to the other. Lengths below are as the right
    hand has them, in the world's axes.

    **Vector.** In units of 0.1 m: the fingertips' position; how far they are behind where they are
    commanded to be; then the gripper measured and commanded, -1 closed .. 1 open. For each thing:
    its position from the fingertips (0.1 m), and the directions of its x and z axes.

    **Step.** Four numbers in [-1, 1]: three move the point between the finger pads from where it
    is commanded to be, 1 being `step`; the fourth is the gripper, closed from -0.5 down and open
    from 0.5 up. The hand keeps its orientation. A step that the arm cannot do moves its gripper
    only.

    Attributes:
        things: How many of the task's things the vector has, the first ones.
        point: A point in the first thing's own frame, metres: it stands for that thing's position.
        approach: Direction in which the hand points. An orientation that the arm does not have at
            first is taken up with the first steps.
        closing: Direction along which its fingers close.
        low: Lowest x, y in the world and z above the table of the fingertips, metres.
        high: Highest ones.
        step: Greatest way along each axis in one step, metres.
        repeat: Control steps that a step takes.
    """

    things: int = 1
    point: Vector = (0.0, 0.0, 0.0)
    approach: Vector = (0.0, 0.0, -1.0)
    closing: Vector = (1.0, 0.0, 0.0)
    low: Vector = (-0.05, -0.25, 0.02)
    high: Vector = (0.35, 0.05, 0.20)
    step: float = 0.05
    repeat: int = 4

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> OneHand:
        """Builds it from names and values, as a file or a command line has them.

        Raises:
            InvalidOptionError: In one line, for what is not valid.
        """
        known = {field.name: field.default for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in known:
                raise InvalidOptionError(f"unknown setting '{name}'; {nearest(name, known)}")
            default = known[name]
            if isinstance(default, tuple):
                numbers = value if isinstance(value, (list, tuple)) else []
                if len(numbers) != 3 or not all(_finite(each) for each in numbers):
                    raise InvalidOptionError(f"{name}={value}: expected three numbers [x,y,z]")
                values[name] = tuple(float(each) for each in numbers)
            elif isinstance(default, int):
                if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100:
                    raise InvalidOptionError(f"{name}={value}: expected an integer in 1 .. 100")
                values[name] = value
            else:
                if not _finite(value) or not 0 < value <= 0.5:
                    raise InvalidOptionError(f"{name}={value}: expected metres in 0 .. 0.5")
                values[name] = float(value)
        found = cls(**values)
        if not np.all(np.less(found.low, found.high)):
            raise InvalidOptionError(f"low={found.low} is not below high={found.high}")
        if np.linalg.norm(np.cross(found.approach, found.closing)) < 1e-3:
            raise InvalidOptionError("approach and closing must point in different directions")
        return found

    def settings(self) -> dict[str, Any]:
        """Names and values, as JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @property
    def inputs(self) -> int:
        """Numbers in the vector."""
        return HAND_INPUTS + THING_INPUTS * self.things

    def side(self, observation: Mapping[str, Any]) -> int:
        """The hand that a `state` observation at reset asks for: 0 left, 1 right.

        Raises:
            InvalidOptionError: If the task has fewer things than `things`.
        """
        poses = observation["object_pose"]
        if len(poses) < self.things:
            raise InvalidOptionError(f"things={self.things}, but the task has {len(poses)}")
        return int((_pose(poses[0]) * sapien.Pose(self.point)).p[0] > 0.0)

    def vector(self, observation: Mapping[str, Any], side: int) -> NDArray[np.float32]:
        """What the hand sees.

        Args:
            observation: A `state` observation.
            side: Of the hand, 0 left or 1 right.

        Returns:
            Array (inputs,).
        """
        mirror = _mirror(side)
        hand = _pose(observation["endpose"][side])
        tips = (hand * sapien.Pose(_TIPS)).p
        joints = np.asarray(observation["joint_target"][7 * side : 7 * side + 6], dtype=float)
        behind = _fingertips(side, joints) - tips
        grippers = [observation[key][7 * side + 6] for key in ("joint_position", "joint_target")]
        parts = [
            (mirror * tips - _CENTRE) / _LENGTH,
            mirror * behind / _LENGTH,
            2.0 * np.array(grippers) - 1.0,
        ]
        for index, row in enumerate(observation["object_pose"][: self.things]):
            pose = _pose(row)
            place = (pose * sapien.Pose(self.point)).p if index == 0 else pose.p
            rotation = pose.to_transformation_matrix()[:3, :3]
            axes = [mirror * rotation[:, axis] for axis in (0, 2)]
            parts += [mirror * (place - tips) / _LENGTH, *axes]
        return np.concatenate(parts).astype(np.float32)

    def actions(
        self, step: NDArray[np.floating[Any]], observation: Mapping[str, Any], side: int
    ) -> NDArray[np.float32]:
        """The control steps of one step.

        Args:
            step: Array (4,); what is outside [-1, 1] is taken as the bound.
            observation: A `state` observation, for the present joint targets.
            side: Of the hand, 0 left or 1 right.

        Returns:
            Array (repeat, 14) of `joint` actions.
        """
        step = np.clip(np.asarray(step, dtype=float), -1.0, 1.0)
        target = np.asarray(observation["joint_target"], dtype=float)
        mirror, here = _mirror(side), target[7 * side : 7 * side + 6]
        floor = np.array([0.0, 0.0, TABLE_HEIGHT])
        place = mirror * _fingertips(side, here) + self.step * step[:3]
        place = mirror * np.clip(place, self.low + floor, self.high + floor)
        goal = target.copy()
        posture = self._posture(side)
        hand = sapien.Pose(place, posture.orientation) * sapien.Pose(-_TIPS)
        for near in (here, posture.joints):
            joints = arm_kinematics(robot.ARM_SIDES[side]).inverse(hand, near, restarts=False)
            if joints is not None:
                goal[7 * side : 7 * side + 6] = joints
                break
        goal[7 * side + 6] = np.clip(0.5 + step[3], 0.0, 1.0)
        fractions = np.arange(1, self.repeat + 1)[:, None] / self.repeat
        path = target + fractions * (goal - target)
        within: NDArray[np.float32] = np.clip(path, ACTION_LOWER, ACTION_UPPER).astype(np.float32)
        return within

    def _posture(self, side: int) -> _Posture:
        middle = np.add(self.low, self.high) / 2 + [0.0, 0.0, TABLE_HEIGHT]
        return _posture(
            side, *(_mirrored(each, side) for each in (self.approach, self.closing, middle))
        )


class OneHandWrapper(
    gymnasium.Wrapper[NDArray[np.float32], NDArray[np.float32], Any, NDArray[np.float32]]
):
    """An environment with the vector and the steps of a `OneHand`. A step's rewards add up.

    It ends an episode early where that is wanted for training: `max_steps`.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], hand: OneHand, max_steps: int | None = None
    ) -> None:
        """Wraps an environment.

        Args:
            env: A `DualArmEnv` with `obs_mode="state"` and `action_mode="joint"`, or one around it.
            hand: The mapping.
            max_steps: Steps of the hand after which an episode is truncated; None leaves that to
                the environment.
        """
        super().__init__(ActionChunk(env, hand.repeat))
        self._hand, self._max_steps = hand, max_steps
        self._seen: Any = None
        self.observation_space = spaces.Box(-np.inf, np.inf, (hand.inputs,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (STEP_SIZE,), np.float32)

    def reset(self, **kwargs: Any) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begins an episode, and chooses the hand.

        Raises:
            envs.errors.InvalidOptionError: If the task has fewer things than the vector needs.
        """
        self._seen, info = self.env.reset(**kwargs)
        self._side, self._steps = self._hand.side(self._seen), 0
        return self._hand.vector(self._seen, self._side), info

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        """Executes one step of the hand."""
        chunk = self._hand.actions(action, self._seen, self._side)
        self._seen, reward, terminated, truncated, info = self.env.step(chunk)
        self._steps += 1
        truncated |= self._steps == self._max_steps
        return self._hand.vector(self._seen, self._side), reward, terminated, truncated, info


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)


def _pose(row: NDArray[np.floating[Any]]) -> sapien.Pose:
    return sapien.Pose(row[:3], row[3:])


def _mirror(side: int) -> NDArray[np.float64]:
    """What coordinates of the world are multiplied with, to be the right hand's, and back."""
    return np.array([1.0 if side == 1 else -1.0, 1.0, 1.0])


def _mirrored(vector: Iterable[float], side: int) -> Vector:
    x, y, z = (float(each) + 0.0 for each in _mirror(side) * list(vector))  # no -0.0 in messages
    return x, y, z


def _fingertips(side: int, joints: NDArray[np.float64]) -> NDArray[np.float64]:
    hand = arm_kinematics(robot.ARM_SIDES[side]).forward(joints)
    return np.asarray((hand * sapien.Pose(_TIPS)).p, dtype=np.float64)


@dataclass(frozen=True)
class _Posture:
    """An arm in the middle of its places: the hand's orientation wxyz, and the joints in rad."""

    orientation: tuple[float, ...]
    joints: NDArray[np.float64]


@cache
def _posture(side: int, approach: Vector, closing: Vector, middle: Vector) -> _Posture:
    """How a hand is held; of the two ways that grasp alike, the one with less joint travel.

    Raises:
        InvalidOptionError: If the arm cannot have the hand like this in the middle of its places.
    """
    x = np.asarray(approach) / np.linalg.norm(approach)
    y = np.asarray(closing) - (np.asarray(closing) @ x) * x
    y /= np.linalg.norm(y)
    found: list[_Posture] = []
    for sign in (1.0, -1.0):
        matrix = np.eye(4)
        matrix[:3, :3] = np.stack([x, sign * y, np.cross(x, sign * y)], axis=1)
        matrix[:3, 3] = np.asarray(middle) - robot.FINGERTIP_OFFSET * x
        hand = sapien.Pose(matrix)
        joints = arm_kinematics(robot.ARM_SIDES[side]).inverse(hand, np.zeros(robot.ARM_DOF))
        if joints is not None:
            found.append(_Posture(tuple(float(each) for each in hand.q), joints))
    if not found:
        raise InvalidOptionError(
            f"the {robot.ARM_SIDES[side]} arm cannot point along {x.round(2).tolist()} "
            f"at {np.round(middle, 2).tolist()}"
        )
    return min(found, key=lambda posture: float(np.abs(posture.joints).max()))
