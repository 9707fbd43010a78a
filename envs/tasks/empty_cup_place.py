"""Task: put an empty cup on a coaster."""

from __future__ import annotations

import numpy as np

from envs.objects.coaster import coaster
from envs.objects.cup import cup
from envs.objects.instances import Instances
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import sample_until, turned
from envs.tasks.rim_place import RimPlace

APART = 0.1


class EmptyCupPlace(RimPlace):
    """Put the cup on the coaster.

    **Task.** A cup stands on one side of the table, a coaster lies near the middle. The arm on the
    cup's side takes it by the rim and stands it on the coaster.

    **Randomizations.** (RoboTwin 1.0.) A coin decides the side. On the right: cup x in
    [0.15, 0.3], coaster x in [-0.05, 0.1]; on the left mirrored. Both: y in [-0.2, 0.05], not
    turned, at least 0.1 m apart. The coaster weighs 10 g and can be moved; the cup weighs 50 g
    (1.0: 10 g).

    **Success.** The cup's middle is within 0.025 m of the coaster's in x and in y (1.0); its
    bottom is on the coaster's top within 0.005 m (1.0's tolerance, made two-sided and relative to
    the coaster); it is upright within 10 degrees and both grippers are open (ours; 1.0 is content
    with a cup that is still held). Held for 5 control steps. *Failure*: the cup has fallen off the
    table.
    """

    name = "empty_cup_place"
    step_limit = STEP_LIMITS[name]
    vessel, support = "cup", "coaster"
    xy_tolerance, z_tolerance = 0.025, 0.005
    instructions = (
        "Put the cup on the coaster.",
        "Pick up the empty cup and place it on the coaster.",
        "Move the cup onto the coaster and let go of it.",
        "Take the cup by its rim and stand it on the coaster.",
    )
    unseen_instructions = (
        "The tumbler belongs on the mat: set it down there.",
        "Stand the empty drinking cup upright on its coaster.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the cup and the coaster."""
        side = 1.0 if rng.random() < 0.5 else -1.0
        mat = sample_until(rng, (-0.05, 0.1), (-0.2, 0.05))
        place = sample_until(
            rng,
            (0.15, 0.3),
            (-0.2, 0.05),
            lambda x, y: bool(np.hypot(x - mat[0], y - mat[1]) >= APART),
        )
        for name, family, (x, y) in (("cup", cup, place), ("coaster", coaster, mat)):
            model = instances.draw(family)
            height = simulation.table_height - model.lowest()
            simulation.add(name, model, turned(side * x, y, height, 0.0))
