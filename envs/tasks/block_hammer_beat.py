"""Task: beat a block with a hammer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from envs.experts.motion import Motion, facing_down, gripper_pose
from envs.objects.blocks import block
from envs.objects.hammer import hammer
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

XY_TOLERANCE = 0.02
FACE_BELOW, FACE_ABOVE = 0.010, 0.020
LIFT = 0.10
HAND_PITCH = np.deg2rad(30.0)
"""Tilt of the hand: an upright one reaches no further than y = 0.05 with the hammer."""


class BlockHammerBeat(Task):
    """Take the hammer by its handle and beat the red block with its face.

    **Task.** A hammer lies before the robot with its handle towards it, a red block to the left or
    right of it. The arm on the block's side takes the hammer and brings its face down on the
    block.

    **Randomizations.** (RoboTwin 1.0.) Hammer fixed at (0, -0.06). Block: x in +-0.25, y in
    [-0.05, 0.15], yaw in +-1 rad, drawn again while |x| < 0.05 or x^2 + y^2 < 0.001.
    Ours: the hammer weighs 100 g and the block 10 g, because 1.0's 1 g each is no hammer.

    **Success.** The middle of the hammer's face is within 0.02 m of the block's middle in x and
    in y (1.0), and between 0.01 m below and 0.02 m above the block's top (1.0's 0.78 < z < 0.81,
    made relative to the block); the hammer's face looks down within 30 degrees (ours: in 1.0 a
    hammer on its side would do); the block still stands on the table within 0.01 m (ours). Held
    for 5 control steps.
    """

    name = "block_hammer_beat"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Pick up the hammer and beat the block.",
        "Grab the hammer by its handle and hit the red block.",
        "Use the hammer to strike the red cube.",
        "Take the hammer and knock on top of the block with it.",
    )
    unseen_instructions = (
        "Bring the hammer's head down on the red block.",
        "Hit that red cube using the tool on the table.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the hammer and the block."""
        model = instances.draw(hammer)
        height = simulation.table_height - model.lowest()
        # The handle points at the robot.
        simulation.add("hammer", model, turned(0.0, -0.06, height, np.pi / 2))
        x, y = sample_until(
            rng,
            (-0.25, 0.25),
            (-0.05, 0.15),
            lambda x, y: abs(x) >= 0.05 and x * x + y * y >= 0.001,
        )
        yaw = rng.uniform(-1.0, 1.0)
        cube = instances.draw(block, only_seen=(0, 0))
        simulation.add("block", cube, turned(x, y, simulation.table_height - cube.lowest(), yaw))

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        face = state.point("hammer", "face")
        block = state.position("block")
        dx, dy = np.abs(face - block)[:2]
        above = face[2] - state.point("block", "top")[2]
        block_height = state.point("block", "bottom")[2] - state.table_height
        checks = {
            "face_over_block": bool(dx < XY_TOLERANCE and dy < XY_TOLERANCE),
            "face_on_block": bool(-FACE_BELOW < above < FACE_ABOVE),
            "face_down": bool(_head_axis(state)[2] > np.cos(np.deg2rad(30.0))),
            "block_on_table": bool(abs(block_height) < 0.01),
        }
        grasp = state.point("hammer", "handle")
        near = np.exp(-5 * min(np.linalg.norm(state.fingertips(side) - grasp) for side in (0, 1)))
        lifted = np.clip((grasp[2] - start.point("hammer", "handle")[2]) / 0.05, 0, 1)
        over = np.exp(-5 * np.linalg.norm(face - state.point("block", "top")))
        done = all(checks.values())
        progress = 1.0 if done else 0.3 * near + 0.2 * lifted + 0.45 * over * lifted
        return Evaluation(checks, float(progress))

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes the hammer, carries it over the block, brings it down."""
        block = state.position("block")
        side = "right" if block[0] > 0 else "left"
        arm = motion.arm(side)
        grasp = state.point("hammer", "handle") + [0.0, 0.0, -0.004]
        hand = facing_down(pitch=HAND_PITCH)
        above = gripper_pose(grasp + [0, 0, 0.10], hand)
        at = gripper_pose(grasp, hand)
        yield from motion.solo(side, arm.reach(above), arm.line(at), arm.wait(2))
        yield from motion.solo(side, arm.close(), arm.wait(3))
        yield from motion.solo(side, arm.move([0, 0, LIFT]), arm.wait(1))
        for height in (0.07, 0.002):
            # Where the face is in the hand shows only after the grasp; look again before the blow.
            scene = motion.scene()
            face = scene.point("hammer", "face")
            goal = scene.point("block", "top") + [0, 0, height]
            yield from motion.solo(side, arm.move(goal - face), arm.wait(2))
        yield from motion.solo(side, arm.wait(10))


def _head_axis(state: SceneState) -> NDArray[np.float64]:
    """Unit direction in the world from the hammer's face to the other end of its head."""
    axis = state.point("hammer", "head_top") - state.point("hammer", "face")
    return np.asarray(axis / np.linalg.norm(axis))
