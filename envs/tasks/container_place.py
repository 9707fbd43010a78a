"""Task: put a bowl on a plate."""

from __future__ import annotations

import numpy as np

from envs.objects.bowl import bowl
from envs.objects.instances import Instances
from envs.objects.plate import plate
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.rim_place import RimPlace
from envs.tasks.task import SceneState

PLATE = (0.0, -0.05)
CLEAR = 0.05


class ContainerPlace(RimPlace):
    """Put the bowl in the middle of the plate.

    **Task.** A bowl stands beside a plate that does not move. The arm on the bowl's side takes it
    by the rim and stands it on the plate.

    **Randomizations.** (RoboTwin 1.0.) Bowl: x in +-0.3, y in [-0.1, 0.05], not turned; drawn
    again while |x| < 0.15, or within 0.18 m of the plate's middle (ours: nearer, wide ones would
    overlap). Plate fixed at (0, -0.05). The bowl weighs 100 g (1.0: 1 g, unphysical).

    **Success.** The bowl's middle is within 0.02 m of the plate's in x and in y; its bottom is on
    the plate's floor within 0.01 m (1.0; z relative to the plate, not to the world); it is upright
    within 10 degrees (ours, implied by 1.0's z); both grippers are open (measured); the fingertips
    of both hands are more than 0.05 m away from the rim (for 1.0's "a hand is higher than 0.98 m",
    which means: it has let go and left). Held for 5 control steps. *Failure*: the bowl has fallen
    off the table.
    """

    name = "container_place"
    step_limit = STEP_LIMITS[name]
    vessel, support = "container", "plate"
    xy_tolerance, z_tolerance = 0.02, 0.01
    instructions = (
        "Put the bowl on the plate.",
        "Pick up the bowl by its rim and place it in the middle of the plate.",
        "Move the bowl onto the plate, then let go and lift the hand away.",
        "Place the container on the plate.",
    )
    unseen_instructions = (
        "Set the small dish down on the centre of the flat one.",
        "Grab the bowl's edge and stand it on the plate.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the bowl and the plate."""

        def beside(x: float, y: float) -> bool:
            return abs(x) >= 0.15 and np.hypot(x - PLATE[0], y - PLATE[1]) >= 0.18

        place = sample_until(rng, (-0.3, 0.3), (-0.1, 0.05), beside)
        for name, family, where in (("container", bowl, place), ("plate", plate, PLATE)):
            model = instances.draw(family)
            pose = turned(*where, simulation.table_height - model.lowest(), 0.0)
            simulation.add(name, model, pose, fixed=name == "plate")

    def checks(self, state: SceneState) -> dict[str, bool]:
        """The named conditions."""
        away = all(self.rim_distance(state, side) > CLEAR for side in (0, 1))
        return {**super().checks(state), "hands_away": away}
