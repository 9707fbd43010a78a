"""Task: clear the desk into a bin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from envs.experts.motion import Arm, Motion, facing_down, gripper_pose
from envs.objects.apple import apple
from envs.objects.bin import bin
from envs.objects.blocks import block
from envs.objects.instances import Family, Instances
from envs.objects.tool import tool
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import folded, sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

APART = 0.12
HOVER = 0.10
HAND_PITCH = 0.25
LEAST_ABOVE_TABLE = 0.03
"""Lowest that the point between the pads may go: the fingers end 25 mm beyond it."""


@dataclass(frozen=True)
class _Item:
    """A thing to clear away.

    Attributes:
        family: What it is.
        grasp: Where it is taken.
        symmetry: In how many directions of the level plane it can be taken alike.
        aside: Where it is let go: from the bin's middle towards its own side, and along y.
        above: Height of the hand over the rim then.
        pitch: Tilt of the hand in rad then.
    """

    family: Family
    grasp: str
    symmetry: int
    aside: tuple[float, float]
    above: float
    pitch: float


ITEMS = {
    "object_0": _Item(block, "x", 4, (0.04, -0.04), 0.05, 0.65),
    "object_1": _Item(apple, "body", 16, (0.04, 0.04), 0.05, 0.65),
    # A tool is longer than the bin is wide: it goes in with its handle first.
    "object_2": _Item(tool, "handle", 2, (0.03, -0.02), 0.035, 0.95),
}


class CleanDesk(Task):
    """Put everything that lies on the desk into the bin in its middle.

    **Task.** EMMA's desk cleaning. A block and an apple lie on one side of a bin, a hand tool on
    the other side. Each goes into the bin, by the arm on its side; in which order does not matter.

    **Randomizations.** (The paper gives no ranges; these are ours.) Bin: fixed to the table at
    x in +-0.02, y in [-0.06, 0]. By the toss of a coin the block and the apple are at the left and
    the tool at the right, or the other way round; x 0.20 to 0.31 m to that side, y in
    [-0.17, 0.05] (the tool: 0.23 to 0.31 m, [-0.12, 0]); block and apple at least 0.12 m apart.
    The tool points away from the robot, its yaw within 0.5 rad of +y; the others' yaw in
    +-1.57 rad.

    **Success.** (Ours.) The middle of every object is inside the bin: closer to its axis than the
    opening's inner edge, below the rim and above the floor; both grippers are open. Held for 5
    control steps. *Failure*: an object has fallen off the table.
    """

    name = "clean_desk"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Clear the desk: put everything into the bin.",
        "Put the block, the apple and the tool into the bin.",
        "Clean up the table by throwing all objects in the bin.",
        "Tidy the desk with both arms; everything goes into the bin in the middle.",
    )
    unseen_instructions = (
        "Leave nothing on the table but the bin.",
        "Collect all the things that lie around in the container.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the bin and what lies around it."""
        model = instances.draw(bin)
        x, y = sample_until(rng, (-0.02, 0.02), (-0.06, 0.0))
        pose = turned(x, y, simulation.table_height - model.lowest(), 0.0)
        simulation.add("bin", model, pose, fixed=True)
        tool_side = 1.0 if rng.random() < 0.5 else -1.0
        places: list[tuple[float, float]] = []

        def apart(x: float, y: float) -> bool:
            return all(np.hypot(x - a, y - b) >= APART for a, b in places)

        for name, item in ITEMS.items():
            is_tool = item.family is tool
            side = tool_side if is_tool else -tool_side
            nearest = 0.23 if is_tool else 0.20
            low, high = sorted((side * nearest, side * 0.31))
            x, y = sample_until(rng, (low, high), (-0.12, 0.0) if is_tool else (-0.17, 0.05), apart)
            places.append((x, y))
            yaw = np.pi / 2 + rng.uniform(-0.5, 0.5) if is_tool else rng.uniform(-1.57, 1.57)
            model = instances.draw(item.family)
            height = simulation.table_height - model.lowest()
            simulation.add(name, model, turned(x, y, height, yaw))

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        rim, floor = state.point("bin", "rim"), state.point("bin", "floor")
        radius = float(np.linalg.norm(state.point("bin", "rim_side") - rim))
        checks, progress, failure = {}, 0.0, None
        for name, item in ITEMS.items():
            place = state.position(name)
            off_axis = float(np.linalg.norm((place - rim)[:2]))
            inside = off_axis < radius and floor[2] < place[2] < rim[2]
            checks[f"{name}_in_bin"] = bool(inside)
            grasp = state.point(name, item.grasp)
            hand = min(float(np.linalg.norm(state.fingertips(side) - grasp)) for side in (0, 1))
            lifted = np.clip((place[2] - start.position(name)[2]) / 0.10, 0.0, 1.0)
            carried = 0.25 * np.exp(-5 * hand) + 0.2 * lifted + 0.4 * lifted * np.exp(-5 * off_axis)
            progress += (1.0 if inside else float(carried)) / len(ITEMS)
            if place[2] < state.table_height - 0.05:
                failure = f"{name} has fallen off the table"
        checks["left_gripper_open"] = state.gripper_open(0)
        checks["right_gripper_open"] = state.gripper_open(1)
        return Evaluation(checks, 1.0 if all(checks.values()) else 0.95 * progress, failure)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Each arm clears its own side; only one is at the bin at a time."""
        sides = {name: "right" if state.position(name)[0] > 0 else "left" for name in ITEMS}
        first, second, last = ITEMS
        arm, other = motion.arm(sides[first]), motion.arm(sides[last])
        picking = {
            arm.side: self._pick(arm, state, first),
            other.side: self._pick(other, state, last),
        }
        yield from motion.play(**picking)
        yield from motion.solo(arm.side, self._drop(arm, motion, first))
        yield from motion.solo(arm.side, self._pick(arm, motion.scene(), second))
        yield from motion.solo(arm.side, self._drop(arm, motion, second), arm.home())
        yield from motion.solo(other.side, self._drop(other, motion, last), other.home())
        yield from motion.solo(other.side, other.wait(5))

    @staticmethod
    def _pick(arm: Arm, state: SceneState, name: str) -> Iterable[NDArray[np.float64]]:
        """Takes a thing from above and lifts it."""
        item = ITEMS[name]
        grasp = state.point(name, item.grasp)
        grasp[2] = max(grasp[2], state.table_height + LEAST_ABOVE_TABLE)
        across = state.closing(name, item.grasp)
        yaw = folded(float(np.arctan2(across[1], across[0])), 2 * np.pi / item.symmetry)
        hand = facing_down(yaw, HAND_PITCH)
        return chain(
            arm.reach(gripper_pose(grasp + [0, 0, HOVER], hand)),
            arm.line(gripper_pose(grasp, hand)),
            arm.wait(2),
            arm.close(),
            arm.wait(2),
            arm.move([0, 0, HOVER]),
        )

    @staticmethod
    def _drop(arm: Arm, motion: Motion, name: str) -> Iterable[NDArray[np.float64]]:
        """Carries what the arm holds over the bin, lets go, and rises."""
        item = ITEMS[name]
        aside, along = item.aside
        rim = motion.scene().point("bin", "rim")
        over = rim + [arm.sign * aside, along, item.above]
        hand = facing_down(pitch=item.pitch)
        return chain(
            arm.reach(gripper_pose(over + [arm.sign * 0.10, 0, 0.05], hand)),
            arm.line(gripper_pose(over, hand)),
            arm.wait(3),
            arm.open(),
            arm.wait(2),
            arm.move([0, 0, 0.05]),
        )
