"""Task: hand a bar from the left arm to the right one, which puts it on a pad."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from envs.experts.motion import Motion, facing_along, gripper_pose
from envs.objects.blocks import bar, pad
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

PAD = (0.23, 0.09)
BAR_YAW = 2 * np.arctan2(0.424, 0.906)
XY_TOLERANCE, Z_TOLERANCE = 0.02, 0.010
HAND_REACH = 0.25
GRASP_ABOVE, TAKE_BELOW = 0.06, 0.03
MEETING = (-0.03, -0.10)


class BlockHandover(Task):
    """Hand the red bar from the left gripper to the right one, and stand it on the blue pad.

    **Task.** An upright bar stands on the left. The left arm takes it near its top and holds it
    out; the right arm takes it below, the left lets go; the right arm stands it on the pad at the
    right.

    **Randomizations.** (RoboTwin 1.0.) Bar: x in [-0.25, -0.05], y in [0, 0.25], yaw fixed at 50
    deg. Pad fixed at (0.23, 0.09).

    **Success.** The bar's middle is within 0.02 m of the pad's in x and in y (1.0); it stands on
    the pad within 0.01 m (1.0 allowed 0.0015 m, which its successor widened to this); it is
    upright within 10 degrees (ours, implied by 1.0's z); the right gripper is open (1.0, measured
    instead of commanded), within 0.25 m of the bar and nearer to it than the left gripper (ours,
    for 1.0's elementwise comparison of the right arm's pose, which means: the right arm put it
    there). Held for 5 control steps. *Failure*: the bar's middle is less than 0.04 m above the
    table (1.0): it has fallen over.
    """

    name = "block_handover"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Hand the red bar over from the left arm to the right arm and put it on the blue pad.",
        "Pick up the red block with the left gripper, pass it to the right, place it on the pad.",
        "Pass the red block to the right arm and stand it on the blue pad.",
        "Give the bar to the right gripper and set it down on the blue target.",
    )
    unseen_instructions = (
        "Move the red pillar onto the blue square by passing it between your hands.",
        "Transfer the block from left to right and stand it on the blue tile.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the bar and the pad."""
        x, y = sample_until(rng, (-0.25, -0.05), (0.0, 0.25))
        for name, family, where, yaw in (("bar", bar, (x, y), BAR_YAW), ("pad", pad, PAD, 0.0)):
            model = instances.draw(family)
            pose = turned(*where, simulation.table_height - model.lowest(), yaw)
            simulation.add(name, model, pose, fixed=name == "pad")

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        block, target = state.position("bar"), state.position("pad")
        above_pad = state.point("bar", "bottom")[2] - state.point("pad", "top")[2]
        left, right = (float(np.linalg.norm(state.fingertips(i) - block)) for i in (0, 1))
        checks = {
            "over_pad": bool((np.abs(block - target)[:2] < XY_TOLERANCE).all()),
            "on_pad": bool(abs(above_pad) < Z_TOLERANCE),
            "upright": bool(state.axis("bar", 2)[2] > np.cos(np.deg2rad(10.0))),
            "right_gripper_open": state.gripper_open(1),
            "put_by_right_arm": bool(right < HAND_REACH and right < left),
        }
        fallen = bool(block[2] - state.table_height < 0.04)
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        begin = start.position("bar")
        way = np.linalg.norm((begin - target)[:2])
        carried = 1 - np.clip(np.linalg.norm((block - target)[:2]) / way, 0, 1)
        lifted = float(block[2] > begin[2] + 0.02 or checks["over_pad"])
        progress = 0.15 * np.exp(-5 * left) + 0.15 * lifted + 0.6 * carried
        return Evaluation(checks, float(progress), "the bar has fallen over" if fallen else None)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes, holds out, hands over, stands it on the pad."""
        left, right = motion.left, motion.right
        grasp = state.position("bar") + [0, 0, GRASP_ABOVE]
        level = facing_along(BAR_YAW)
        back = -0.08 * np.array([np.cos(BAR_YAW), np.sin(BAR_YAW), 0.0])
        meeting = np.array([*MEETING, state.table_height + 0.15 + GRASP_ABOVE])
        yield from motion.solo(
            "left",
            left.reach(gripper_pose(grasp + back, level)),
            left.line(gripper_pose(grasp, level)),
            left.wait(2),
            left.close(),
            left.wait(2),
            left.move([0, 0, 0.06]),
        )
        take_beside = meeting + [0.12, 0, -GRASP_ABOVE - TAKE_BELOW]
        yield from motion.play(
            left=chain(left.reach(gripper_pose(meeting, facing_along(0.0))), left.wait(3)),
            right=right.reach(gripper_pose(take_beside, facing_along(np.pi))),
        )
        block = motion.scene().position("bar")
        take = block - [0, 0, TAKE_BELOW]
        yield from motion.solo(
            "right",
            right.line(gripper_pose(take, facing_along(np.pi))),
            right.wait(2),
            right.close(),
            right.wait(2),
        )
        yield from motion.solo("left", left.open(), left.wait(1), left.move([-0.12, 0, 0]))
        half_height = state.models["bar"].points["top"][2]
        target = state.point("pad", "top") + [0, 0, half_height - TAKE_BELOW]
        over = gripper_pose(target + [0, 0, 0.06], facing_along(np.pi / 2))
        yield from motion.play(
            left=left.home(),
            right=chain(right.move([0.15, 0, 0]), right.reach(over), right.wait(3)),
        )
        slip = motion.scene().position("bar")[:2] - state.position("pad")[:2]
        yield from motion.solo(
            "right",
            right.line(gripper_pose(target + [-slip[0], -slip[1], 0.002], facing_along(np.pi / 2))),
            right.wait(3),
            right.open(),
            right.wait(2),
            # Back and up: straight back the wrist would have to fold further than it can.
            right.move([0, -0.05, 0.06]),
            right.wait(8),
        )
