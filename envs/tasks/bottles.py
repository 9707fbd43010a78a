"""What the tasks with bottles share: how bottles stand, lie, and are taken and held.

Contents:
    upright, lying: poses on the table.
    take, lift, hold, settle: an expert's motions with one arm.
    DualBottles: base of the tasks in which each arm lifts the bottle on its side to the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product
from typing import ClassVar

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import (
    Arm,
    ExpertError,
    Motion,
    facing_along,
    facing_down,
    gripper_pose,
)
from envs.objects.model import ObjectModel
from envs.tasks.layout import turned
from envs.tasks.task import Evaluation, SceneState, Task

SIDES = ("left", "right")
HIGHEST = 0.22
"""Height in metres above the table that a bottle's middle must stay below."""
FALLEN = 0.04
"""Height in metres above the table of a bottle's middle, below which it lies (RoboTwin 1.0)."""

RED, GREEN = (5, 6), (0, 3)
"""Shape and appearance of the two bottles that training knows where a task has just one a side."""

HELD_HEIGHT = 0.185
"""Height in metres above the table at which an expert holds a bottle's middle."""
LIFTS = (0.10, 0.06)
"""Metres by which it lifts a bottle straight up first; the second where that is out of reach."""

APART = 0.05
"""Metres by which it holds a bottle outwards of its place, before both come together."""

_CLEARANCE = 0.10
_PREFERRED_YAW = np.deg2rad(20.0)
"""Of a level hand, from straight inwards: with less turn, hands keep clear of each other."""


def upright(model: ObjectModel, x: float, y: float, table_height: float) -> sapien.Pose:
    """Pose of a bottle that stands on the table."""
    return turned(x, y, table_height - model.lowest(), 0.0)


def lying(model: ObjectModel, x: float, y: float, yaw: float, table_height: float) -> sapien.Pose:
    """Pose of a bottle that lies on its `side`; at yaw 0 its head points away from the robot."""
    on_side = sapien.Pose(q=[np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0])  # its head along -x
    height = table_height - model.points["side"][0]
    return turned(x, y, height, yaw - np.pi / 2) * on_side


def take(arm: Arm, state: SceneState, name: str) -> Iterator[NDArray[np.float64]]:
    """Takes a bottle round its body: from the side where it stands, from above where it lies."""
    head, body = state.axis(name, 2), state.point(name, "body")
    before, grasp = _from_the_side(arm, body) if head[2] > 0.5 else _from_above(arm, body, head)
    return chain(
        arm.reach(before), arm.wait(2), arm.line(grasp), arm.wait(3), arm.close(), arm.wait(2)
    )


def lift(arm: Arm) -> Iterator[NDArray[np.float64]]:
    """Lifts what is in the hand straight up."""
    for height in LIFTS:
        pose = sapien.Pose([0.0, 0.0, height]) * arm.pose
        if arm.can_reach(pose):
            yield from arm.line(pose)
            return
    raise ExpertError(f"{arm.side} arm cannot lift the bottle")


def hold(
    arm: Arm, motion: Motion, name: str, place: NDArray[np.float64], yaw: float
) -> Iterator[NDArray[np.float64]]:
    """Brings the middle of a bottle in the hand to a place, with the hand level.

    Args:
        arm: Which has the bottle.
        motion: Where to look how it sits in the hand.
        name: The bottle.
        place: In the world, metres.
        yaw: As for `inwards`.
    """
    scene, side = motion.scene(), SIDES.index(arm.side)
    hand = sapien.Pose(scene.endpose[side, :3], scene.endpose[side, 3:])
    in_hand = (hand.inv() * scene.poses[name]).p
    level = sapien.Pose(q=inwards(arm, yaw))
    yield from arm.reach(sapien.Pose(place - (level * sapien.Pose(in_hand)).p, level.q))
    yield from arm.wait(4)


def settle(
    arm: Arm, motion: Motion, name: str, place: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Moves a bottle in the hand by what its middle is off its place, and waits."""
    yield from arm.move(place - motion.scene().point(name, "middle"))
    yield from arm.wait(8)


def inwards(arm: Arm, yaw: float) -> list[float]:
    """Quaternion wxyz of a level hand: inwards at yaw 0, away from the robot at pi / 2."""
    return facing_along(yaw if arm.side == "left" else np.pi - yaw)


def _from_the_side(arm: Arm, body: NDArray[np.float64]) -> tuple[sapien.Pose, sapien.Pose]:
    """Poses of link6 before and at the grasp of a standing bottle from the side."""
    yaws = np.deg2rad(np.arange(0.0, 91.0, 5.0))
    for yaw in sorted(yaws, key=lambda yaw: abs(yaw - _PREFERRED_YAW)):
        level = inwards(arm, float(yaw))
        grasp = gripper_pose(body, level)
        before = grasp * sapien.Pose([-_CLEARANCE, 0.0, 0.0])
        lifted = sapien.Pose([0.0, 0.0, LIFTS[0]]) * grasp
        if all(arm.can_reach(pose) for pose in (before, grasp, lifted)):
            return before, grasp
    raise ExpertError(f"{arm.side} arm cannot reach the bottle from the side")


def _from_above(
    arm: Arm, body: NDArray[np.float64], head: NDArray[np.float64]
) -> tuple[sapien.Pose, sapien.Pose]:
    """Poses of link6 before and at the grasp of a lying bottle.

    The hand is turned so that the bottle's head comes to be up when it is levelled.
    """
    yaw = float(np.arctan2(-head[0], head[1]))
    for clearance, pitch in product(LIFTS, (0.0, 0.2, -0.2, 0.4, -0.4, 0.6)):
        grasp = gripper_pose(body, facing_down(yaw, pitch))
        before = grasp * sapien.Pose([-clearance, 0.0, 0.0])
        lifted = sapien.Pose([0.0, 0.0, clearance]) * grasp
        if all(arm.can_reach(pose) for pose in (before, grasp, lifted)):
            return before, grasp
    raise ExpertError(f"{arm.side} arm cannot reach the bottle from above")


class DualBottles(Task):
    """Two bottles, one a side; each arm lifts the one on its side to a place in the middle.

    Attributes:
        places: Where the left and the right bottle's middle shall be in x and y, metres.
        tolerance: In x and in y, metres.
        lowest: Height above the table that both bottles' middles must exceed, metres.
        fallen_fails: Whether a bottle that has fallen over ends the episode.
    """

    places: ClassVar[tuple[tuple[float, float], tuple[float, float]]]
    tolerance: ClassVar[float]
    lowest: ClassVar[float]
    fallen_fails: ClassVar[bool]

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        checks, progress, failure = {}, 0.0, None
        for i, side in enumerate(SIDES):
            name = f"{side}_bottle"
            middle = state.point(name, "middle")
            height, begin = (
                float(each.point(name, "middle")[2] - state.table_height) for each in (state, start)
            )
            offset = middle[:2] - self.places[i]
            checks[f"{side}_at_place"] = bool((np.abs(offset) < self.tolerance).all())
            checks[f"{side}_lifted"] = bool(self.lowest < height < HIGHEST)
            reached = np.exp(-5 * np.linalg.norm(state.fingertips(i) - state.point(name, "body")))
            lifted = np.clip((height - begin) / (self.lowest - begin), 0, 1)
            carried = lifted * np.exp(-10 * np.linalg.norm(offset))
            progress += float(0.1 * reached + 0.15 * lifted + 0.25 * carried)
            if height < (FALLEN if self.fallen_fails else 0.0):
                failure = f"the {side} bottle has fallen"
        return Evaluation(checks, 1.0 if all(checks.values()) else min(progress, 0.99), failure)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Both arms at once: take, lift, hold up apart, and come together in the middle."""
        jobs = [
            (motion.arm(side), f"{side}_bottle", np.array([*xy, state.table_height + HELD_HEIGHT]))
            for side, xy in zip(SIDES, self.places, strict=True)
        ]
        yield from motion.play(*(take(arm, state, name) for arm, name, _ in jobs))
        yield from motion.play(*(lift(arm) for arm, _, _ in jobs))
        apart = np.array([APART, 0.0, 0.0])  # the bottles turn and swing on the way there
        yield from motion.play(
            *(hold(arm, motion, name, to + arm.sign * apart, 0.0) for arm, name, to in jobs)
        )
        yield from motion.play(*(settle(arm, motion, name, to) for arm, name, to in jobs))
