"""What the tasks have in common in which coloured blocks are stacked in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from envs.experts.motion import Motion, facing_down, gripper_pose
from envs.objects.blocks import block
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks.layout import folded, sample_until, turned, yaw_of
from envs.tasks.task import Evaluation, SceneState, Task

STACK = (0.0, -0.1)
XY_TOLERANCE, Z_TOLERANCE = 0.025, 0.010
HOVER = 0.08
HAND_PITCH = 0.25
"""Tilt of the hand in rad: an upright one cannot rise above a stack of three blocks."""
GRASP_ABOVE = 0.005
"""How far above a block's middle it is taken, so that tilted fingers stay clear of the table."""


class BlockStack(Task):
    """Blocks of several colors lie apart and are stacked; each task says which ones.

    Attributes:
        colors: The blocks' colors from the lowest block up; the thing is named `<color>_block`.
    """

    colors: ClassVar[tuple[str, ...]]

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the blocks."""
        places: list[tuple[float, float]] = []

        def apart(x: float, y: float) -> bool:
            free = np.hypot(x - STACK[0], y - STACK[1]) >= 0.15
            return abs(x) >= 0.05 and free and all(np.hypot(x - a, y - b) >= 0.1 for a, b in places)

        for color in self.colors:
            x, y = sample_until(rng, (-0.25, 0.25), (-0.15, 0.05), apart, near_middle=(-0.15, 0.0))
            places.append((x, y))
            model = instances.draw(block, color=color)
            height = simulation.table_height - model.lowest()
            pose = turned(x, y, height, rng.uniform(-1.57, 1.57))
            simulation.add(f"{color}_block", model, pose)

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        base = self.colors[0]
        lowest = state.position(f"{base}_block")
        base_height = state.point(f"{base}_block", "bottom")[2] - state.table_height
        checks = {f"{base}_on_table": bool(abs(base_height) < Z_TOLERANCE)}
        # How far each block is from where it belongs: the lowest from the stack's place, every
        # other one from the top of the block below it.
        away = [np.append(lowest[:2] - STACK, 0.0)]
        for below, color in zip(self.colors, self.colors[1:], strict=False):
            gap = state.point(f"{color}_block", "bottom") - state.point(f"{below}_block", "top")
            aside = state.position(f"{color}_block")[:2] - lowest[:2]
            checks[f"{color}_over_{base}"] = bool((np.abs(aside) < XY_TOLERANCE).all())
            checks[f"{color}_on_{below}"] = bool(abs(gap[2]) < Z_TOLERANCE)
            away.append(gap)
        checks["left_gripper_open"] = state.gripper_open(0)
        checks["right_gripper_open"] = state.gripper_open(1)
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        progress, before = 0.0, 1.0
        for color, offset in zip(self.colors, away, strict=True):
            there = float(np.exp(-10 * np.linalg.norm(offset)))
            place = state.position(f"{color}_block")
            hand = min(float(np.linalg.norm(state.fingertips(side) - place)) for side in (0, 1))
            progress += before * (0.2 * max(np.exp(-5 * hand), there) + 0.8 * there)
            before *= there
        return Evaluation(checks, float(0.95 * progress / len(self.colors)))

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Stacks the blocks from the lowest up; an arm that is done goes home."""
        last = ""
        for level, color in enumerate(self.colors):
            name = f"{color}_block"
            place = state.position(name)
            side = "right" if place[0] > 0 else "left"
            arm = motion.arm(side)
            hand = facing_down(folded(yaw_of(state.poses[name])), HAND_PITCH)
            grasp = place + [0, 0, GRASP_ABOVE]
            if last not in ("", side):
                # The stack is between the arms: the other one gets out of the way.
                yield from motion.solo(last, motion.arm(last).home())
            yield from motion.solo(
                side,
                arm.reach(gripper_pose(grasp + [0, 0, HOVER], hand)),
                arm.line(gripper_pose(grasp, hand)),
                arm.wait(2),
                arm.close(),
                arm.wait(2),
                arm.move([0, 0, HOVER]),
            )
            goal = np.array([*STACK, state.table_height])
            scene = motion.scene()
            if level > 0:
                goal[:2] = scene.position(f"{self.colors[0]}_block")[:2]
                goal[2] = scene.point(f"{self.colors[level - 1]}_block", "top")[2]
            goal[2] += state.models[name].points["top"][2]
            # Blocks slip in the hand: aim with where the block is, not with where the hand is.
            slip = scene.position(name) - (grasp + [0, 0, HOVER])
            over = gripper_pose(goal - slip + [0, 0, HOVER], facing_down(pitch=HAND_PITCH))
            yield from motion.solo(side, arm.line(over), arm.wait(2))
            yield from motion.solo(side, arm.move([0, 0, -HOVER + 0.002]), arm.wait(3))
            yield from motion.solo(side, arm.open(), arm.wait(2), arm.move([0, 0, HOVER]))
            last = side
        yield from motion.solo(last, motion.arm(last).home(), motion.arm(last).wait(5))
