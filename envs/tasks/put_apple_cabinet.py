"""Task: open a drawer, put an apple into it, and close it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import Arm, ExpertError, Motion, aimed, facing_down, gripper_pose
from envs.objects.apple import apple
from envs.objects.cabinet import cabinet
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

CABINET = (0.0, 0.155)
PULL = 0.14
"""How far the drawer is opened, in metres."""
CLOSED_WITHIN = 0.010
INSIDE_BY = 0.025
"""Least distance of the apple's middle from the compartment's walls, in metres."""
LOWEST, HIGHEST = 0.015, 0.045
"""Height of a lying apple's middle above the drawer's floor, in metres."""
LET_GO = 0.06
LIFT = 0.15
PITCHES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""How far the right hand may lean to reach the drawer, in rad."""
SLOW = 0.2


class PutAppleCabinet(Task):
    """Open the cabinet's drawer, put the apple into it, and close it again.

    **Task.** A small cabinet stands behind the table's middle, an apple lies on the right. The left
    arm pulls the drawer open by its handle, the right arm takes the apple and puts it into the
    drawer, the left arm pushes the drawer closed.

    **Randomizations.** (RoboTwin 1.0.) Apple: x in [0.2, 0.32], y in [-0.2, -0.1]. The cabinet is
    fixed at (0, 0.155). Ours: it is 15 to 19 cm high and stands on the table, its handle 3 cm
    in front of y = 0.05 and about 0.11 m above the table (1.0: 0.13 m); the apple weighs 100 g, not
    10 g; the table does not move.

    **Success.** The apple lies in the drawer: in the drawer's frame its middle is at least 0.025 m
    inside the walls of the compartment, which is 0.13 m wide, and 0.015 to 0.045 m above its floor
    (1.0: within 0.015 m of one place in x, y and z). The drawer is closed: within 0.01 m of where
    it is when shut (ours, for 1.0's elementwise comparison of the left hand's pose, which stands in
    for it). Both hands have let go: the fingertips are more than 0.06 m from the apple's middle
    (ours). Held for 5 control steps. *Failure*: the apple has fallen off the table (ours).
    """

    name = "put_apple_cabinet"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Put the apple into the drawer of the cabinet and close it.",
        "Pull the drawer open with the left arm, drop the apple in with the right, push it shut.",
        "Open the cabinet's drawer, place the apple inside, then close the drawer.",
        "Store the apple in the cabinet's drawer.",
    )
    unseen_instructions = (
        "Stow the fruit away in the drawer and shut it again.",
        "The apple belongs in the closed drawer of that little piece of furniture.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the cabinet and the apple."""
        furniture = instances.draw(cabinet)
        height = simulation.table_height - furniture.body.lowest()
        simulation.add_articulated("cabinet", furniture, sapien.Pose([*CABINET, height]))
        fruit = instances.draw(apple)
        x, y = sample_until(rng, (0.2, 0.32), (-0.2, -0.1))
        simulation.add(
            "apple",
            fruit,
            turned(x, y, simulation.table_height - fruit.lowest(), rng.uniform(-np.pi, np.pi)),
        )

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        fruit = state.position("apple")
        slid = state.poses["cabinet"].inv() * state.poses["drawer"]
        travel = float(np.linalg.norm(slid.p))
        inside = _within_drawer(state)
        hands = [float(np.linalg.norm(state.fingertips(side) - fruit)) for side in (0, 1)]
        checks = {
            "apple_over_drawer_floor": bool((np.abs(inside[:2]) < 1.0).all()),
            "apple_on_drawer_floor": bool(LOWEST < inside[2] < HIGHEST),
            "drawer_closed": bool(travel < CLOSED_WITHIN),
            "apple_let_go": bool(min(hands) > LET_GO),
        }
        fallen = bool(fruit[2] - state.table_height < -0.05)
        failure = "the apple has fallen off the table" if fallen else None
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        opened = float(np.clip(travel / (PULL - CLOSED_WITHIN), 0.0, 1.0))
        to_floor = float(np.linalg.norm(state.point("drawer", "floor") + [0, 0, 0.03] - fruit))
        left = np.linalg.norm(state.fingertips(0) - state.point("drawer", "handle"))
        rise = float(fruit[2] - start.position("apple")[2])
        # Until the apple is in the drawer, opening and bringing count; from then on, closing.
        bringing = (
            0.10 * (1.0 - np.tanh(4.0 * left))
            + 0.20 * opened
            + 0.10 * (1.0 - np.tanh(4.0 * hands[1]))
            + 0.10 * np.clip(rise / 0.05, 0.0, 1.0)
            + 0.20 * opened * (1.0 - np.tanh(4.0 * to_floor))
        )
        shutting = 0.75 + 0.20 * (1.0 - opened)
        brought = float(np.prod(np.clip(3.0 - 2.0 * np.abs(inside[:2]), 0.0, 1.0)))
        brought *= float(np.clip((0.06 - inside[2]) / 0.02, 0.0, 1.0) * (inside[2] > 0.0))
        return Evaluation(checks, float((1 - brought) * bringing + brought * shutting), failure)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Pulls the drawer open and takes the apple; puts it in; pushes the drawer closed."""
        left, right = motion.left, motion.right
        handle = state.point("drawer", "handle")
        forward = np.array([0.0, np.cos(0.2), -np.sin(0.2)])
        level = aimed(forward, state.closing("drawer", "handle"))
        at_handle = left.easier(gripper_pose(handle - 0.002 * forward, level))
        before = sapien.Pose(at_handle.p - 0.08 * forward, at_handle.q)
        fruit = state.point("apple", "body")
        take = right.easier(gripper_pose(fruit, facing_down()))
        over = sapien.Pose(take.p + np.array([0.0, 0.0, 0.10]), take.q)
        yield from motion.play(
            left=chain(
                left.reach(before),
                left.line(at_handle),
                left.wait(2),
                left.close(),
                left.wait(2),
                left.move([0.0, -PULL, 0.0], SLOW),
            ),
            right=chain(
                right.reach(over),
                right.line(take),
                right.wait(2),
                right.close(),
                right.wait(2),
                right.move([0.0, 0.0, LIFT]),
            ),
        )
        now = motion.scene()
        floor = now.point("drawer", "floor")
        panel_top = now.point("drawer", "front")[2] + 0.046
        half = state.models["apple"].points["top"][2]
        down = [float(floor[0]), float(floor[1]), float(floor[2] + half + 0.012)]
        up = [*down[:2], float(panel_top + half + 0.03)]
        hover = _leaning(right, up)
        yield from motion.solo("right", right.line(hover), right.wait(3))
        slip = motion.scene().position("apple") - up
        drop = sapien.Pose(hover.p + np.array([-slip[0], -slip[1], down[2] - up[2]]), hover.q)
        yield from motion.solo(
            "right",
            right.line(drop, SLOW),
            right.wait(3),
            right.open(),
            right.wait(3),
            right.line(hover),
        )
        yield from motion.play(
            left=chain(left.line(at_handle, SLOW), left.wait(4), left.open(), left.line(before)),
            right=chain(right.home(), right.wait(2)),
        )
        yield from motion.solo("left", left.wait(6))


def _within_drawer(state: SceneState) -> NDArray[np.float64]:
    """Where the apple is in the drawer's frame.

    Returns:
        x and y from the compartment's middle in parts of the greatest that counts as inside; and
        height above the floor in metres.
    """
    points = state.models["drawer"].points
    low, high = np.array(points["corner_low"]), np.array(points["corner_high"])
    place = np.asarray((state.poses["drawer"].inv() * state.poses["apple"]).p, dtype=np.float64)
    x, y = (place - (low + high) / 2)[:2] / ((high - low) / 2 - INSIDE_BY)[:2]
    return np.array([x, y, place[2] - low[2]])


def _leaning(arm: Arm, point: list[float]) -> sapien.Pose:
    """The pose that brings the fingertips to a point from above with the least lean forward."""
    for pitch in PITCHES:
        pose = gripper_pose(point, facing_down(pitch=pitch))
        if arm.can_reach(pose):
            return pose
    raise ExpertError(f"{arm.side} arm cannot reach over the drawer at {np.round(point, 3)}")
