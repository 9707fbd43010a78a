"""Task: stack one block on another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from envs.experts.motion import Motion, facing_down, gripper_pose
from envs.objects.blocks import block
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import folded, sample_until, turned, yaw_of
from envs.tasks.task import Evaluation, SceneState, Task

STACK = (0.0, -0.1)
XY_TOLERANCE, Z_TOLERANCE = 0.025, 0.010
HOVER = 0.08


class BlocksStackEasy(Task):
    """Put the red block in the middle of the table and the black one on top of it.

    **Task.** A red and a black block lie apart. The red one goes to (0, -0.1), the black one onto
    it. Each is moved by the arm on its own side; the arms take turns.

    **Randomizations.** (RoboTwin 1.0.) Both blocks: x in +-0.25, y in [-0.15, 0.05] (drawn again
    from [-0.15, 0] where |x| < 0.15 and y > 0), yaw in +-1.57 rad; drawn again while |x| < 0.05,
    within 0.15 m of the stack, or within 0.1 m of each other. 5 cm cubes of 10 g.

    **Success.** The black block is above the red one within 0.025 m in x and in y, its middle
    0.05 +- 0.01 m higher; the red one stands on the table within 0.01 m; both grippers are open
    (1.0's check at test time, relative to the red block wherever it is; z made two-sided and
    relative to the table; gripper measured, not commanded). Held for 5 control steps.
    """

    name = "blocks_stack_easy"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Stack the black block on the red block.",
        "Move the red cube to the middle, then put the black cube on top of it.",
        "Build a tower with the red block below and the black block above.",
        "Place the black block onto the red block in the centre of the table.",
    )
    unseen_instructions = (
        "Make a pile of the two cubes, black over red.",
        "Set the black cube down on the red one.",
    )

    def build(
        self, simulation: Simulation, rng: np.random.Generator, instances: Instances
    ) -> None:
        """Adds the two blocks."""
        places: list[tuple[float, float]] = []

        def apart(x: float, y: float) -> bool:
            free = np.hypot(x - STACK[0], y - STACK[1]) >= 0.15
            return abs(x) >= 0.05 and free and all(np.hypot(x - a, y - b) >= 0.1 for a, b in places)

        for color in ("red", "black"):
            x, y = sample_until(rng, (-0.25, 0.25), (-0.15, 0.05), apart, near_middle=(-0.15, 0.0))
            places.append((x, y))
            model = instances.draw(block, color=color)
            height = simulation.table_height - model.lowest()
            pose = turned(x, y, height, rng.uniform(-1.57, 1.57))
            simulation.add(f"{color}_block", model, pose)

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        red, black = state.position("red_block"), state.position("black_block")
        offset = state.point("black_block", "bottom") - state.point("red_block", "top")
        red_height = state.point("red_block", "bottom")[2] - state.table_height
        checks = {
            "red_on_table": bool(abs(red_height) < Z_TOLERANCE),
            "black_over_red": bool((np.abs(black - red)[:2] < XY_TOLERANCE).all()),
            "black_on_red": bool(abs(offset[2]) < Z_TOLERANCE),
            "left_gripper_open": state.gripper_open(0),
            "right_gripper_open": state.gripper_open(1),
        }
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        placed = np.exp(-10 * np.linalg.norm(red[:2] - STACK))
        stacked = np.exp(-10 * np.linalg.norm(offset))
        return Evaluation(checks, float(0.4 * placed + 0.5 * stacked * placed))

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Moves the red block, then the black one; a resting arm goes home meanwhile."""
        last = None
        for level, name in enumerate(("red_block", "black_block")):
            block = state.position(name)
            side = "right" if block[0] > 0 else "left"
            arm = motion.arm(side)
            grasp_down = facing_down(folded(yaw_of(state.poses[name])))
            above = gripper_pose(block + [0, 0, HOVER], grasp_down)
            approach = [arm.reach(above), arm.line(gripper_pose(block, grasp_down)), arm.wait(2)]
            if last is not None and last != side:
                # The stack is between the arms: the first one gets out of the way.
                yield from motion.solo(last, motion.arm(last).home())
            yield from motion.solo(side, *approach, arm.close(), arm.wait(2))
            yield from motion.solo(side, arm.move([0, 0, HOVER]))
            below = state.table_height if level == 0 else motion.scene().point("red_block", "top")[2]
            goal = np.array([*STACK, below + state.models[name].points["top"][2]])
            if level == 1:
                goal[:2] = motion.scene().position("red_block")[:2]
            # Blocks slip in the hand: aim with where the block is, not with where the hand is.
            slip = motion.scene().position(name) - (block + [0, 0, HOVER])
            over = gripper_pose(goal - slip + [0, 0, HOVER], facing_down())
            yield from motion.solo(side, arm.line(over), arm.wait(2))
            yield from motion.solo(side, arm.move([0, 0, -HOVER + 0.002]), arm.wait(3))
            yield from motion.solo(side, arm.open(), arm.wait(2), arm.move([0, 0, HOVER]))
            last = side
        yield from motion.solo(side, arm.home(), arm.wait(5))
