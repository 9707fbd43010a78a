"""Task: throw a bottle into a bin that stands out of reach."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import Arm, ExpertError, Motion, aimed, gripper_pose
from envs.objects.bin import bin
from envs.objects.bottle import bottle
from envs.objects.instances import Instances
from envs.robots.aloha_agilex import FINGER_CLOSED, FINGER_OPEN
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

GRAVITY = 9.81
SWING_RADIUS, SWING_HEIGHT = 0.55, 1.05
"""Where the hand swings: distance from the arm's upright axis, and height in the world; metres.

Whatever the table's height is, the arm is where it is, and so is the best swing."""
HAND_PITCH = np.deg2rad(45.0)
"""How far the hand points down in the swing, so that the bottle falls out of it."""
SQUEEZE = 0.02
"""How far in metres the fingers are commanded into the bottle during the swing.

When they are told to open, the drives' damping, at the fingers' greatest speed, outweighs that:
the bottle is free at once.
"""
FASTEST = 4.5
"""Greatest speed of the swing in rad/s; the joint can do 5."""


class ThrowBottle(Task):
    """Throw the bottle into the bin that stands on the floor beside the table, out of reach.

    **Task.** EMMA's bottle throwing. A bottle stands on one side of the table; a large bin stands
    on the floor beyond the table's end on the same side. No hand can come over the bin's opening:
    the arm on that side takes the bottle, swings and lets go in full swing.

    **Randomizations.** (The paper gives no ranges; these are ours.) The side is chosen by the toss
    of a coin. Bin: 1.15 to 1.21 m to that side, y in [-0.05, 0.05], fixed to the floor. It is out
    of the head camera's sight, so its place varies by less than its opening. Bottle: 0.10 to
    0.28 m to that side, y in [0.10, 0.20], any yaw.

    **Success.** (Ours.) The middle of the bottle is inside the bin: closer to its axis than the
    opening's inner edge, below the rim and above the floor; the hand that is nearest to the bin is
    open. Held for 5 control steps. *Failure*: the bottle lies on the floor beside the bin.
    """

    name = "throw_bottle"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Throw the bottle into the bin beside the table.",
        "Pick up the bottle and toss it into the bin on the floor.",
        "Grab the bottle, swing, and throw it in the trash bin.",
        "Get the bottle into the bin that is out of reach by throwing it.",
    )
    unseen_instructions = (
        "Fling the bottle from the table into the waste bin.",
        "Dispose of the bottle with a throw; the bin stands next to the table.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the bin and the bottle."""
        side = 1.0 if rng.random() < 0.5 else -1.0
        model = instances.draw(bin, size="floor")
        x, y = sample_until(rng, (1.15, 1.21), (-0.05, 0.05))
        simulation.add("bin", model, turned(side * x, y, -model.lowest(), 0.0), fixed=True)
        model = instances.draw(bottle)
        x, y = sample_until(rng, (0.10, 0.28), (0.10, 0.20))
        height = simulation.table_height - model.lowest()
        pose = turned(side * x, y, height, rng.uniform(-np.pi, np.pi))
        simulation.add("bottle", model, pose)

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        rim, floor = state.point("bin", "rim"), state.point("bin", "floor")
        radius = float(np.linalg.norm(state.point("bin", "rim_side") - rim))
        place, begin = state.position("bottle"), start.position("bottle")
        side = int(rim[0] > 0)
        off_axis = float(np.linalg.norm((place - rim)[:2]))
        checks = {
            "over_bin": bool(off_axis < radius),
            "in_bin": bool(floor[2] < place[2] < rim[2]),
            "gripper_open": state.gripper_open(side),
        }
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        missed = place[2] < floor[2] + 0.10 and off_axis > radius
        hand = float(np.linalg.norm(state.fingertips(side) - state.point("bottle", "body")))
        lifted = np.clip((place[2] - begin[2]) / 0.10, 0.0, 1.0)
        way = float(np.linalg.norm((begin - rim)[:2]))
        nearer = np.clip(1.0 - off_axis / way, 0.0, 1.0)
        progress = 0.25 * np.exp(-5 * hand) + 0.15 * lifted + 0.55 * nearer
        failure = "the bottle lies beside the bin" if missed else None
        return Evaluation(checks, float(progress), failure)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes the bottle, turns it level, and throws it across the swing of the arm."""
        side = "right" if state.position("bottle")[0] > 0 else "left"
        arm = motion.arm(side)
        axis = arm.base[:2]
        grasp = state.point("bottle", "body")
        outward = np.append(grasp[:2] - axis, 0.0)
        outward /= np.linalg.norm(outward)
        level = aimed(outward, np.cross([0.0, 0.0, 1.0], outward))
        at = arm.easier(gripper_pose(grasp, level))
        # A level hand cannot draw back far; it comes down along the bottle, which it straddles.
        before = sapien.Pose(at.p + [0, 0, 0.10] - 0.06 * outward, at.q)
        yield from motion.solo(side, arm.reach(before), arm.line(at), arm.wait(2))
        yield from motion.solo(side, arm.close(), arm.wait(2), arm.move([0, 0, 0.12]))
        speed, release = _aim(arm, state)
        # The swing is fastest halfway: it begins half of its turn before the release.
        begin = release - arm.swing_turn(speed) / 2
        level_out = np.array([np.cos(begin), np.sin(begin), 0.0])
        hand = np.append(axis + SWING_RADIUS * level_out[:2], SWING_HEIGHT)
        pointing = np.cos(HAND_PITCH) * level_out - [0, 0, np.sin(HAND_PITCH)]
        swing = arm.easier(gripper_pose(hand, aimed(pointing, (0.0, 0.0, 1.0))))
        yield from motion.solo(side, arm.reach(swing), arm.wait(4))
        held = float(motion.scene().joint_position[6 + 7 * (side == "right")])
        loosened = held - SQUEEZE / (FINGER_OPEN - FINGER_CLOSED)
        if loosened < 0.0:
            raise ExpertError("the bottle has slipped out of the hand")
        yield from motion.solo(side, arm.grip(loosened), arm.wait(2), arm.throw(speed))
        yield from motion.solo(side, arm.wait(6), arm.home(), arm.wait(5))


def _aim(arm: Arm, state: SceneState) -> tuple[float, float]:
    """Speed of the swing in rad/s and the hand's direction in rad at which to let go.

    The bottle leaves at right angles to the arm and level, and falls as far as the bin's rim is
    below the hand. So the arm, the flight and the line from the arm's axis to the bin make a
    right-angled triangle.
    """
    rim = state.point("bin", "rim")
    to_bin = rim[:2] - arm.base[:2]
    distance = float(np.linalg.norm(to_bin))
    flight = float(np.sqrt(distance**2 - SWING_RADIUS**2))
    fall = SWING_HEIGHT - rim[2]
    speed = flight / np.sqrt(2 * fall / GRAVITY) / SWING_RADIUS
    if speed > FASTEST:
        raise ExpertError(f"the bin is too far away: {speed:.1f} rad/s")
    ahead = float(np.arccos(SWING_RADIUS / distance))
    direction = float(np.arctan2(to_bin[1], to_bin[0]))
    # The right arm swings clockwise.
    return -arm.sign * speed, direction + arm.sign * ahead
