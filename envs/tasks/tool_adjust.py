"""Task: take a tool by its handle and hold it up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import Motion, aimed, gripper_pose
from envs.objects.instances import Instances
from envs.objects.tool import tool
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

LOWEST, HIGHEST = 0.04, 0.40
HAND_FROM_MIDDLE = 0.10
HELD_WITHIN = 0.025
PADS_BEYOND = 0.022
"""How far the pads reach beyond the point between them, in metres."""
LEAST_ABOVE_TABLE = 0.027
"""Lowest that the point between the pads may go: the fingers end 25 mm beyond it."""
HALF_CLOSED = 0.5
"""Gripper value above which the fingers do not touch any handle yet: it counts as half closed."""
LIFT = 0.08
HAND_TILT = np.deg2rad(20.0)
"""Tilt of the hand towards the middle: an upright one does not reach up there at y = 0."""


class ToolAdjust(Task):
    """Take the tool with the hand on its handle's side, and hold it above the table's middle.

    **Task.** A hand tool lies across the middle of the table. Its head points to one side; the arm
    on the other side, where its handle is, takes it by the handle and lifts it.

    **Randomizations.** (RoboTwin 1.0.) Tool: its middle at x = 0, y in [-0.13, 0], the handle to
    the left or to the right by the toss of a coin; no other rotation. Ours: which hand has to take
    it shows in how the tool lies, where 1.0 chooses an unseen number; the tool weighs 50 g, not 10.

    **Success.** The tool's middle is more than 0.04 m above the table (1.0: z > 0.78) and less
    than 0.40 m (ours); the hand on the handle's side is within |x| < 0.1 (1.0, link6) and holds
    the handle: its middle is within 0.025 m of the line from between the finger pads to between
    their ends (ours: 1.0 does not ask what holds the tool). Held for 5 control steps.
    """

    name = "tool_adjust"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Pick up the tool by its handle and hold it up.",
        "Grab the tool's handle with the hand on its side and lift it off the table.",
        "Take the tool from the table and hold it above the middle.",
        "Lift the tool with the arm that its handle points to.",
    )
    unseen_instructions = (
        "Raise the thing on the table, holding it by its grip.",
        "Get the tool into your hand and keep it in the air.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the tool."""
        model = instances.draw(tool)
        x, y = sample_until(rng, (0.0, 0.0), (-0.13, 0.0))
        yaw = np.pi * float(rng.integers(2))
        height = simulation.table_height - model.lowest()
        simulation.add("tool", model, turned(x, y, height, yaw))

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        side = _handle_side(start)
        height = float(state.position("tool")[2] - state.table_height)
        to_handle = _distance_between_pads(state, side)
        checks = {
            "tool_lifted": bool(LOWEST < height < HIGHEST),
            "held_by_handle": bool(to_handle < HELD_WITHIN),
            "hand_near_middle": bool(abs(state.endpose[side, 0]) < HAND_FROM_MIDDLE),
        }
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        near = 1.0 - np.tanh(4.0 * to_handle)
        hand = sapien.Pose(q=state.endpose[side, 3:]).to_transformation_matrix()[:3, :3]
        across = abs(float(hand[:, 1] @ state.closing("tool", "handle")))
        downwards = np.clip(-hand[2, 0], 0.0, 1.0)
        opening = float(state.joint_position[6 + 7 * side])
        # An open hand is worth as much as a closed one until the handle is between its pads.
        inside = np.clip(1.5 - to_handle / 0.02, 0.0, 1.0)
        closed = inside * np.clip((1.0 - opening) / (1.0 - HALF_CLOSED), 0.0, 1.0)
        rise = height - float(start.position("tool")[2] - start.table_height)
        lifted = near * np.clip(rise / LOWEST, 0.0, 1.0)
        progress = 0.25 * near + 0.15 * across * downwards + 0.15 * closed + 0.4 * lifted
        return Evaluation(checks, float(progress))

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Grasps the handle from above and lifts it."""
        side = ("left", "right")[_handle_side(state)]
        arm = motion.arm(side)
        handle = state.point("tool", "handle")
        handle[2] = max(handle[2], state.table_height + LEAST_ABOVE_TABLE)
        approach = (-arm.sign * np.sin(HAND_TILT), 0.0, -np.cos(HAND_TILT))
        down = aimed(approach, state.closing("tool", "handle"))
        at = arm.easier(gripper_pose(handle, down))
        above = sapien.Pose(at.p + np.array([0.0, 0.0, LIFT]), at.q)
        yield from motion.solo(side, arm.reach(above), arm.line(at), arm.wait(2))
        yield from motion.solo(side, arm.close(), arm.wait(2), arm.move([0, 0, LIFT]), arm.wait(8))


def _handle_side(start: SceneState) -> int:
    """The side that the tool's handle points to: 0 left, 1 right."""
    return int(start.point("tool", "handle")[0] > start.point("tool", "tip")[0])


def _distance_between_pads(state: SceneState, side: int) -> float:
    """Distance in metres from a hand's pads, between them and their ends, to the handle's middle.

    From a table, a hand takes a tool with the ends of its pads.
    """
    link6 = sapien.Pose(state.endpose[side, :3], state.endpose[side, 3:])
    forward = link6.to_transformation_matrix()[:3, 0].astype(np.float64)
    offset = state.point("tool", "handle") - state.fingertips(side)
    along = np.clip(offset @ forward, 0.0, PADS_BEYOND)
    return float(np.linalg.norm(offset - along * forward))
