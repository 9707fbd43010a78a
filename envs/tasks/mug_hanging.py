"""What the mug tasks share: a mug goes from the left to the middle, then onto a rack's peg."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np
import sapien
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.experts.motion import Motion, aimed, gripper_pose
from envs.objects.instances import Instances
from envs.objects.mug import mug
from envs.objects.mug_rack import mug_rack
from envs.simulation import Simulation
from envs.tasks.layout import Range, sample_until, turned, yaw_of
from envs.tasks.task import Evaluation, SceneState, Task

Array = NDArray[np.float64]

ACROSS_TOLERANCE, ABOVE_TOLERANCE, ALONG_TOLERANCE = 0.01, 0.01, 0.03
CLEARANCE = 0.02
"""Metres between a hanging mug and the table, at least."""
AWAY = 0.12
"""Metres between the mug's middle and the fingertips of a hand that has let go and left."""

UP = np.array([0.0, 0.0, 1.0])
MIDDLE = (0.0, -0.13)
"""Where the left arm sets the mug down."""
HOVER = 0.07
LEFT_DOWN = np.deg2rad(70)
"""How much the left hand points down. From right above it could not reach the far mugs."""
TAKE_HEADINGS, SET_HEADINGS = np.deg2rad((40.0, 135.0)), np.deg2rad((45.0, 115.0))
"""Yaws in rad to which the left hand can turn where it takes the mug, and in the middle."""
MOUTH_UP = np.deg2rad(8)
"""How much the mouth of a hanging mug looks up: its handle is above its middle."""
BEFORE, OVER_PEG = 0.11, 0.009
"""Metres that the handle's bar is beyond the hook, and above the peg, on its way."""


class MugHanging(Task):
    """Base of the two mug tasks, which say where the rack stands.

    Attributes:
        rack_x, rack_y: Ranges of the rack's place in metres.
    """

    hold_steps = 10
    rack_x: ClassVar[Range]
    rack_y: ClassVar[Range]
    instructions = (
        "Hang the mug on the rack by its handle.",
        "Move the mug from the left to the middle, then hang it on the rack with the right arm.",
        "Pick up the mug with the left gripper, set it down, and let the right one hang it up.",
        "Put the handle of the mug over a peg of the mug tree.",
    )
    unseen_instructions = (
        "Take the coffee mug over to the stand and leave it hanging there.",
        "Hook the mug's handle onto the rack on the right.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the mug and the rack."""
        x, y = sample_until(rng, (-0.25, -0.1), (-0.05, 0.1), near_middle=(-0.05, 0.0))
        # At yaw 0 the handle points away from the robot.
        yaw = np.pi / 2 + rng.uniform(-1.57, 1.57)
        model = instances.draw(mug)
        simulation.add("mug", model, turned(x, y, simulation.table_height - model.lowest(), yaw))
        x, y = sample_until(rng, self.rack_x, self.rack_y)
        model = instances.draw(mug_rack)
        pose = turned(x, y, simulation.table_height - model.lowest(), 0.0)
        simulation.add("rack", model, pose, fixed=True)

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        handle = state.point("mug", "handle")
        offsets = [peg.offset(handle) for peg in _pegs(state)]
        along, across, above = min(offsets, key=lambda offset: float(np.linalg.norm(offset)))
        middle = (state.point("mug", "top") + state.point("mug", "bottom")) / 2
        hands = [float(np.linalg.norm(state.fingertips(side) - middle)) for side in (0, 1)]
        clearance = _lowest(state) - state.table_height
        checks = {
            "handle_around_peg": abs(across) < ACROSS_TOLERANCE and abs(along) < ALONG_TOLERANCE,
            "handle_on_peg": abs(above) < ABOVE_TOLERANCE,
            "clear_of_table": clearance > CLEARANCE,
            "hands_away": min(hands) > AWAY,
            "right_gripper_open": state.gripper_open(1),
        }
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        hook = start.point("rack", "hook_0")
        way = float(np.linalg.norm(start.point("mug", "handle") - hook))
        hung = checks["handle_around_peg"] and checks["handle_on_peg"]
        taken = 1.0 if hung else float(np.exp(-5 * min(hands)))
        lifted = float(np.clip(clearance / HOVER, 0, 1))
        carried = float(np.clip(1 - np.linalg.norm(handle - hook) / way, 0, 1))
        fitting = float(np.exp(-30 * np.linalg.norm((along, across, above))))
        left = float(np.clip(min(hands) / AWAY, 0, 1)) if hung else 0.0
        progress = 0.1 * taken + 0.1 * lifted + 0.4 * carried + 0.25 * fitting + 0.1 * left
        fallen = bool(middle[2] < state.table_height - 0.05)
        return Evaluation(checks, progress, "the mug has fallen off the table" if fallen else None)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Left arm: to the middle. Right arm: onto the peg, with the mouth towards the robot."""
        left, right = motion.left, motion.right
        peg = _pegs(state)[0]
        # Both hands close round the mug's body, with the handle on its far side, as seen from the
        # hand; the left one comes as near to that as it can turn.
        handle = yaw_of(state.poses["mug"])
        heading = float(np.clip(handle, *TAKE_HEADINGS))
        taken = _around_body(state, heading, LEFT_DOWN)
        back = taken * sapien.Pose([-HOVER, 0.0, 0.0])
        yield from motion.solo(
            "left", left.reach(back), left.line(taken), left.wait(2), left.close(), left.wait(3)
        )
        yield from motion.solo("left", left.line(back), left.wait(2))
        ahead = float(np.arctan2(peg.ahead[1], peg.ahead[0]))
        turn = float(np.clip(ahead + heading - handle, *SET_HEADINGS)) - heading
        goal = turned(*MIDDLE, state.table_height + 0.002, handle + turn)
        over = sapien.Pose(goal.p + [0.0, 0.0, HOVER], goal.q)
        yield from motion.solo("left", left.reach(_carrying(motion, 0, over)), left.wait(3))
        lower = left.line(_carrying(motion, 0, goal), speed=0.2)
        yield from motion.solo("left", lower, left.wait(3), left.open(), left.wait(2))
        away = left.pose * sapien.Pose([-HOVER - 0.03, 0.0, 0.0])
        yield from motion.solo("left", left.line(away))

        now = motion.scene()
        taken = _around_body(now, yaw_of(now.poses["mug"]), np.pi / 2)
        above = taken * sapien.Pose([-HOVER, 0.0, 0.0])
        yield from motion.play(left=left.home(), right=chain(right.wait(6), right.reach(above)))
        yield from motion.solo(
            "right", right.line(taken), right.wait(2), right.close(), right.wait(3)
        )
        yield from motion.solo("right", right.move([0.0, 0.0, HOVER]), right.wait(2))
        # The handle's bar is led over the tip and along the peg, then lowered onto it.
        before = _hanging(state, peg.hook + BEFORE * peg.along + OVER_PEG * peg.upward, peg)
        yield from motion.solo("right", right.reach(_carrying(motion, 1, before)), right.wait(4))
        for height, speed in ((OVER_PEG, 0.2), (0.001, 0.05)):
            hanging = _hanging(state, peg.hook + height * peg.upward, peg)
            line = right.line(_carrying(motion, 1, hanging), speed)
            yield from motion.solo("right", line, right.wait(4))
        yield from motion.solo("right", right.open(), right.wait(4))
        free = right.pose * sapien.Pose([-0.12, 0.0, 0.0])
        yield from motion.solo("right", right.line(free, 0.25), right.home(), right.wait(14))


@dataclass(frozen=True)
class _Peg:
    """One of the rack's pegs, in the world.

    Attributes:
        hook: Where a handle is to bear on it.
        along: Unit vector along it, towards its tip.
        ahead: Level unit vector across it: away from the robot for a peg that points left.
    """

    hook: Array
    along: Array
    ahead: Array

    @property
    def upward(self) -> Array:
        """Unit vector across it, upwards."""
        return _cross(self.ahead, self.along)

    def offset(self, point: Array) -> tuple[float, float, float]:
        """How far a point is from the hook: along the peg, across it, and above it."""
        away = point - self.hook
        return float(away @ self.along), float(away @ self.ahead), float(away @ self.upward)


def _pegs(state: SceneState) -> list[_Peg]:
    pegs = []
    for name in sorted(name for name in state.models["rack"].points if name.startswith("hook")):
        hook = state.point("rack", name)
        along = _unit(state.point("rack", name.replace("hook", "tip")) - hook)
        pegs.append(_Peg(hook, along, _unit(_cross(along, UP))))
    return pegs


def _cross(a: Array, b: Array) -> Array:
    """Cross product of two vectors; `np.cross`, made for arrays of them, takes 20 times as long."""
    (a0, a1, a2), (b0, b1, b2) = a.tolist(), b.tolist()
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0])


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _lowest(state: SceneState) -> float:
    """Height of the lowest point of the mug's body, taken for a cylinder."""
    radius = abs(state.models["mug"].points["side"][0])
    below = radius * np.sqrt(max(0.0, 1.0 - state.axis("mug", 2)[2] ** 2))
    return float(min(state.point("mug", end)[2] for end in ("top", "bottom")) - below)


def _around_body(state: SceneState, heading: float, down: float) -> sapien.Pose:
    """Pose of link6 that takes the standing mug round its body.

    Args:
        state: The scene.
        heading: Yaw in rad of where the hand points, as far as it does not point down.
        down: Angle in rad by which it points down.
    """
    level = np.array([np.cos(heading), np.sin(heading), 0.0])
    approach = np.cos(down) * level - np.sin(down) * UP
    return gripper_pose(state.point("mug", "body"), aimed(approach, np.cross(UP, level)))


def _carrying(motion: Motion, side: int, goal: sapien.Pose) -> sapien.Pose:
    """Pose of link6 that brings the mug to a pose, as it now lies in that hand."""
    state = motion.scene()
    link6 = sapien.Pose(state.endpose[side, :3], state.endpose[side, 3:])
    return goal * state.poses["mug"].inv() * link6


def _hanging(state: SceneState, bar: Array, peg: _Peg) -> sapien.Pose:
    """Pose of a mug that hangs with its handle's bar at a place: handle up, mouth to the front."""
    mouth = -np.cos(MOUTH_UP) * peg.ahead + np.sin(MOUTH_UP) * UP
    handle = np.cos(MOUTH_UP) * UP + np.sin(MOUTH_UP) * peg.ahead
    matrix = np.stack([handle, np.cross(mouth, handle), mouth], axis=1)
    pose = sapien.Pose(bar, Rotation.from_matrix(matrix).as_quat(scalar_first=True))
    return pose * sapien.Pose([-value for value in state.models["mug"].points["handle"]])
