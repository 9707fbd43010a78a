"""Task: lift two bottles, which stand or lie, to the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.objects.bottle import bottle
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.bottles import GREEN, RED, SIDES, DualBottles, lying, upright
from envs.tasks.layout import MAX_TRIES, LayoutError

APART = 0.11
"""Least distance in metres between the bottles' axes: open fingers fit in between."""
HALF_LENGTH = 0.125
"""Of the longest bottle, metres: the layout is the same for all."""

Axis = tuple[NDArray[np.float64], NDArray[np.float64]]


class DualBottlesPickHard(DualBottles):
    """Lift two bottles that stand or lie at once, one with each arm, and hold them in the middle.

    **Task.** On either side is a bottle, which stands or lies with its head away from the robot.
    Each arm takes the one on its side round its body, from the side or from above, lifts it and
    holds it before the robot's middle, side by side with the other.

    **Randomizations.** (RoboTwin 1.0.) Left bottle: x in [-0.25, -0.1]; right bottle: x in
    [0.1, 0.25]; each lies or stands with equal chance. Lying: y in [-0.2, 0.05], yaw in +-1.4
    rad. Standing: y = 0.03 (1.0 writes [0.03, 0.023], a slip). The left one is always the same
    red one, the right one the same green one; unseen instances may be any. Ours: they weigh 50 g
    instead of 10 g, and both are drawn again while their axes are nearer than 0.11 m.

    **Success.** The left bottle's middle is within 0.03 m of (-0.07, -0.11) in x and in y, the
    right one's of (0.06, -0.11) (1.0), and both are between 0.16 m and 0.22 m above the table
    (1.0 has the lower bound, as z > 0.9; the upper one is ours). Held for 5 control steps.
    *Failure*: a bottle has fallen off the table.
    """

    name = "dual_bottles_pick_hard"
    step_limit = STEP_LIMITS[name]
    places = ((-0.07, -0.11), (0.06, -0.11))
    tolerance = 0.03
    lowest = 0.16
    fallen_fails = False
    instructions = (
        "Pick up both bottles, standing or lying, and bring them to the middle.",
        "Use both arms to lift the bottles from the table and hold them side by side.",
        "Grasp each bottle with the arm on its side, whether it lies or stands, and raise both.",
        "Lift the two bottles at the same time and hold them at the centre.",
    )
    unseen_instructions = (
        "However the bottles are placed, take one in each hand and bring them together.",
        "Collect the left and the right bottle and hold the pair up in the middle.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the two bottles."""
        for _ in range(MAX_TRIES):
            drawn = [_draw(rng, x_range) for x_range in ((-0.25, -0.1), (0.1, 0.25))]
            if _distance(*(_axis(*place) for place in drawn)) >= APART:
                break
        else:
            raise LayoutError(f"no two bottles at least {APART} m apart")
        for side, known, (x, y, yaw) in zip(SIDES, (RED, GREEN), drawn, strict=True):
            model = instances.draw(bottle, only_seen=known)
            table = simulation.table_height
            pose = upright(model, x, y, table) if yaw is None else lying(model, x, y, yaw, table)
            simulation.add(f"{side}_bottle", model, pose)


def _draw(
    rng: np.random.Generator, x_range: tuple[float, float]
) -> tuple[float, float, float | None]:
    """x, y and the yaw of a lying bottle, or None for a standing one."""
    x, y, yaw = (float(rng.uniform(*limits)) for limits in (x_range, (-0.2, 0.05), (-1.4, 1.4)))
    return (x, y, yaw) if rng.random() < 0.5 else (x, 0.03, None)


def _axis(x: float, y: float, yaw: float | None) -> Axis:
    """Both ends of a bottle's axis, seen from above."""
    half = HALF_LENGTH * (0.0 if yaw is None else 1.0)
    along = half * np.array([-np.sin(yaw or 0.0), np.cos(yaw or 0.0)])
    return np.array([x, y]) - along, np.array([x, y]) + along


def _distance(first: Axis, second: Axis) -> float:
    """Least distance between two axes, taken at points along them."""
    t = np.linspace(0.0, 1.0, 21)[:, None]
    a, b = (start + t * (end - start) for start, end in (first, second))
    return float(np.linalg.norm(a[:, None] - b[None], axis=2).min())
