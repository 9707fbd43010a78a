"""Task: lift two standing bottles to the middle."""

from __future__ import annotations

import numpy as np

from envs.objects.bottle import bottle
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.bottles import GREEN, RED, SIDES, DualBottles, upright
from envs.tasks.layout import sample_until


class DualBottlesPickEasy(DualBottles):
    """Lift two standing bottles at once, one with each arm, and hold them in the middle.

    **Task.** A bottle stands on either side. Each arm takes the one on its side round its body,
    lifts it and holds it before the robot's middle, side by side with the other.

    **Randomizations.** (RoboTwin 1.0.) Left bottle: x in [-0.25, -0.05]; right bottle: x in
    [0.05, 0.25]; both: y in [0.03, 0.23], standing. The left one is always the same red one, the
    right one the same green one; unseen instances may be any. Ours: they weigh 50 g instead of
    10 g.

    **Success.** The left bottle's middle is within 0.03 m of (-0.046, -0.105) in x and in y, the
    right one's of (0.057, -0.105) (1.0), and both are between 0.16 m and 0.22 m above the table
    (1.0 has the lower bound, as z > 0.9; the upper one is ours). Held for 5 control steps.
    *Failure*: a bottle's middle is less than 0.04 m above the table (1.0): it has fallen over.
    """

    name = "dual_bottles_pick_easy"
    step_limit = STEP_LIMITS[name]
    places = ((-0.046, -0.105), (0.057, -0.105))
    tolerance = 0.03
    lowest = 0.16
    fallen_fails = True
    instructions = (
        "Pick up the two standing bottles and bring them to the middle.",
        "Use both arms to lift the bottles and hold them side by side.",
        "Grasp each bottle with the arm on its side and raise both in front of you.",
        "Lift both bottles off the table at the same time and hold them at the centre.",
    )
    unseen_instructions = (
        "Each hand takes the bottle nearest to it; bring the two together in mid-air.",
        "Fetch the left and the right bottle and present them in the middle.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the two bottles."""
        for side, x_range, known in zip(
            SIDES, ((-0.25, -0.05), (0.05, 0.25)), (RED, GREEN), strict=True
        ):
            x, y = sample_until(rng, x_range, (0.03, 0.23))
            model = instances.draw(bottle, only_seen=known)
            pose = upright(model, x, y, simulation.table_height)
            simulation.add(f"{side}_bottle", model, pose)
