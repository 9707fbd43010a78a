"""Task: lift two bottles out of many kinds to the middle."""

from __future__ import annotations

import numpy as np

from envs.objects.bottle import bottle
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.bottles import SIDES, DualBottles, upright
from envs.tasks.layout import sample_until


class DiverseBottlesPick(DualBottles):
    """Lift two bottles of any kind at once, one with each arm, and hold them in the middle.

    **Task.** A bottle stands on either side. Each arm takes the one on its side round its body,
    lifts it and holds it before the robot's middle, side by side with the other.

    **Randomizations.** (RoboTwin 1.0.) Left bottle: x in [-0.25, -0.05]; right bottle: x in
    [0.05, 0.25]; both: y in [0.03, 0.23], standing, each of any kind. Ours: they weigh 50 g
    instead of 10 g.

    **Success.** The left bottle's middle is within 0.025 m of (-0.06, -0.105) in x and in y, the
    right one's of (0.057, -0.11) (1.0), and both are between 0.15 m and 0.22 m above the table
    (1.0 has the lower bound, as z > 0.89; the upper one is ours). Held for 5 control steps.
    *Failure*: a bottle's middle is less than 0.04 m above the table (1.0): it has fallen over.
    """

    name = "diverse_bottles_pick"
    step_limit = STEP_LIMITS[name]
    places = ((-0.06, -0.105), (0.057, -0.11))
    tolerance = 0.025
    lowest = 0.15
    fallen_fails = True
    instructions = (
        "Pick up both bottles at once and hold them in the middle.",
        "Lift the left bottle with the left arm and the right one with the right arm.",
        "Take the two bottles, one in each gripper, and bring them together before you.",
        "Grab the two bottles by their bodies and raise them side by side.",
    )
    unseen_instructions = (
        "With a bottle in either hand, bring both to the centre above the table.",
        "Raise the pair of bottles and hold them next to each other.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the two bottles."""
        for side, x_range in zip(SIDES, ((-0.25, -0.05), (0.05, 0.25)), strict=True):
            x, y = sample_until(rng, x_range, (0.03, 0.23))
            model = instances.draw(bottle)
            pose = upright(model, x, y, simulation.table_height)
            simulation.add(f"{side}_bottle", model, pose)
